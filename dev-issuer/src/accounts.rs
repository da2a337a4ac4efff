//! Who may get a token here: clients (machines) and users (people), each with roles.

use std::collections::BTreeMap;
use std::str::FromStr;

use subtle::ConstantTimeEq;

use crate::secrets;

/// Whether an account is a machine or a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Uses `grant_type=client_credentials`.
    Client,
    /// Uses `grant_type=password`; there is no page to log in with.
    User,
}

/// One account.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name: `client_id` or `username`.
    pub name: String,
    /// Its secret.
    pub secret: String,
    /// Its roles in the realm.
    pub roles: Vec<String>,
}

/// All accounts, by kind and name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts(BTreeMap<(Kind, String), Account>);

/// An account on the command line: `name:secret-file:role,role` (the file is made with a new
/// secret if it does not exist) or `name::role,role` (a new secret, in the secrets file only).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFlag {
    name: String,
    secret_file: Option<std::path::PathBuf>,
    roles: Vec<String>,
}

impl Accounts {
    /// The two clients that the local stack needs, with new secrets: `factory` (role
    /// `manufacturer`) and `admin` (role `admin`).
    pub fn for_development() -> Self {
        let mut accounts = Self::default();
        for (name, role) in [("factory", "manufacturer"), ("admin", "admin")] {
            accounts.add(Kind::Client, Account::new(name, &[role]));
        }
        accounts
    }

    /// Adds an account, or replaces the one of the same kind and name.
    pub fn add(&mut self, kind: Kind, account: Account) {
        self.0.insert((kind, account.name.clone()), account);
    }

    /// Adds an account as given on the command line.
    pub fn add_flag(&mut self, kind: Kind, flag: AccountFlag) -> anyhow::Result<()> {
        let secret = match &flag.secret_file {
            Some(path) => secrets::read_or_make(path)?,
            None => secrets::generate(),
        };
        let account = Account {
            name: flag.name,
            secret,
            roles: flag.roles,
        };
        self.add(kind, account);
        Ok(())
    }

    /// The account, if the secret is its own.
    pub fn login(&self, kind: Kind, name: &str, secret: &str) -> Option<&Account> {
        let account = self.0.get(&(kind, name.to_owned()))?;
        let same = bool::from(account.secret.as_bytes().ct_eq(secret.as_bytes()));
        same.then_some(account)
    }

    /// The secret of an account.
    pub fn secret(&self, kind: Kind, name: &str) -> Option<&str> {
        let account = self.0.get(&(kind, name.to_owned()))?;
        Some(&account.secret)
    }

    /// All secrets, as the secrets file shows them: `{"clients": {name: secret}, "users": {..}}`.
    pub(crate) fn secrets(&self) -> serde_json::Value {
        let of = |kind| {
            self.0
                .iter()
                .filter(|((each, _), _)| *each == kind)
                .map(|((_, name), account)| (name.clone(), account.secret.clone()))
                .collect::<BTreeMap<_, _>>()
        };
        serde_json::json!({"clients": of(Kind::Client), "users": of(Kind::User)})
    }
}

impl Account {
    /// An account with a new secret.
    pub fn new(name: &str, roles: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            secret: secrets::generate(),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
        }
    }
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Account")
            .field("name", &self.name)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl FromStr for AccountFlag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        let [name, file, roles] = parts[..] else {
            return Err(
                "expected name:secret-file:role,role (secret-file may be empty)".to_owned(),
            );
        };
        let is_word = |word: &str| {
            (1..=64).contains(&word.len())
                && word
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        };
        if !is_word(name) {
            return Err("the name must be 1 to 64 letters, digits, '-', '_' or '.'".to_owned());
        }
        let roles: Vec<String> = roles
            .split(',')
            .filter(|role| !role.is_empty())
            .map(str::to_owned)
            .collect();
        if !roles.iter().all(|role| is_word(role)) {
            return Err("a role must be 1 to 64 letters, digits, '-', '_' or '.'".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            secret_file: (!file.is_empty()).then(|| file.into()),
            roles,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_secret_of_the_own_kind_logs_in() {
        let accounts = Accounts::for_development();
        let secret = accounts.secret(Kind::Client, "factory").unwrap();
        assert!(accounts.login(Kind::Client, "factory", secret).is_some());
        assert!(accounts.login(Kind::Client, "admin", secret).is_none());
        assert!(accounts.login(Kind::User, "factory", secret).is_none());
        assert!(accounts.login(Kind::Client, "factory", "").is_none());
    }

    #[test]
    fn a_flag_names_an_account_its_file_and_its_roles() {
        let flag: AccountFlag = "bot:/tmp/x:admin,manufacturer".parse().unwrap();
        assert_eq!(flag.roles, ["admin", "manufacturer"]);
        assert!("bot".parse::<AccountFlag>().is_err());
        assert!("b t::x".parse::<AccountFlag>().is_err());
        assert!("bot::a b".parse::<AccountFlag>().is_err());
        assert!(
            "bot::"
                .parse::<AccountFlag>()
                .unwrap()
                .secret_file
                .is_none()
        );
    }

    #[test]
    fn an_account_shows_no_secret_when_printed() {
        let account = Account::new("factory", &["manufacturer"]);
        assert!(!format!("{account:?}").contains(&account.secret));
    }
}
