//! `schema migrate`: applies what is missing and makes the services' login users.

use std::path::PathBuf;
use std::str::FromStr;

use schema::{LoginError, MigrateError, ServiceRole};

use super::{Connection, Failure, say, secret_file};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Make or update the login user of a service, with the password in FILE; repeatable
    #[arg(long, value_name = "hook=FILE|api=FILE")]
    login: Vec<Login>,
}

#[derive(Debug, Clone)]
struct Login {
    role: ServiceRole,
    password_file: PathBuf,
}

impl FromStr for Login {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, file) = text
            .split_once('=')
            .ok_or("write it as hook=FILE or api=FILE")?;
        let role = match name {
            "hook" => ServiceRole::Hook,
            "api" => ServiceRole::Api,
            other => return Err(format!("there is no service {other:?}, only hook and api")),
        };
        if file.is_empty() {
            return Err(format!("the password file of {name} is not named"));
        }
        Ok(Self {
            role,
            password_file: PathBuf::from(file),
        })
    }
}

pub(crate) async fn run(connection: &Connection, args: &Args) -> Result<(), Failure> {
    // Read before anything is changed: a wrong file stops the whole command.
    let mut logins = Vec::new();
    for login in &args.login {
        logins.push((login.role, secret_file::read(&login.password_file)?));
    }
    let mut client = connection.open().await?;
    let migrated = schema::migrate(&mut client).await.map_err(failure)?;
    for migration in &migrated.applied {
        say(&format!("applied {migration}"))?;
    }
    for (role, password) in &logins {
        let made = schema::ensure_login(&mut client, *role, role.login(), Some(password)).await;
        made.map_err(|error| match error {
            LoginError::TooPowerful { .. } => Failure::config(error),
            LoginError::Database { .. } => Failure::other(error),
        })?;
        say(&format!(
            "login user {} has the role {}",
            role.login(),
            role.role()
        ))?;
    }
    say(&format!("schema version {}", migrated.version))
}

fn failure(error: MigrateError) -> Failure {
    match error {
        MigrateError::Server { .. }
        | MigrateError::Standby
        | MigrateError::Newer { .. }
        | MigrateError::Edited { .. } => Failure::config(error),
        MigrateError::Migration(_) | MigrateError::Database(_) => Failure::other(error),
    }
}
