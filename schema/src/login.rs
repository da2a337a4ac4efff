//! Login users of the services: members of a role with least rights, password from a file.

use tokio_postgres::Client;
use zeroize::Zeroizing;

use crate::said::said;
use crate::words::{API_ROLE, HOOK_ROLE};

/// Which service a login is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ServiceRole {
    /// hook-service.
    Hook,
    /// api-service.
    Api,
}

impl ServiceRole {
    /// The role (NOLOGIN) that holds the rights.
    pub const fn role(self) -> &'static str {
        match self {
            Self::Hook => HOOK_ROLE,
            Self::Api => API_ROLE,
        }
    }

    /// The login user that `schema migrate --login` makes.
    pub const fn login(self) -> &'static str {
        match self {
            Self::Hook => "hook",
            Self::Api => "api",
        }
    }
}

/// Why a login could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The name belongs to somebody with more rights.
    #[error(
        "the user {login:?} exists and is a superuser, may make roles, or passes row security; use another name or take those rights away"
    )]
    TooPowerful {
        /// The user's name.
        login: String,
    },
    /// The server refused.
    #[error("the login user {login:?} could not be made: {}", said(.cause))]
    Database {
        /// The user's name.
        login: String,
        /// The server's answer.
        cause: tokio_postgres::Error,
    },
}

/// Makes `login` or sets its password, and gives it exactly one of the two roles.
///
/// The server gets a SCRAM-SHA-256 verifier, never the password, so neither its log nor its
/// statistics can show one. Without a password the login only works where the server asks for none.
pub async fn ensure_login(
    client: &mut Client,
    role: ServiceRole,
    login: &str,
    password: Option<&Zeroizing<String>>,
) -> Result<(), LoginError> {
    let failed = |cause| LoginError::Database {
        login: login.to_owned(),
        cause,
    };
    let tx = client.transaction().await.map_err(failed)?;
    let found = tx
        .query_opt(
            "SELECT rolsuper OR rolcreaterole OR rolbypassrls OR rolreplication
               FROM pg_roles WHERE rolname = $1",
            &[&login],
        )
        .await
        .map_err(failed)?;
    let verb = match found.map(|row| row.get::<_, bool>(0)) {
        Some(true) => {
            return Err(LoginError::TooPowerful {
                login: login.to_owned(),
            });
        }
        Some(false) => "ALTER",
        None => "CREATE",
    };
    let verifier =
        password.map(|password| postgres_protocol::password::scram_sha_256(password.as_bytes()));
    let other = match role {
        ServiceRole::Hook => ServiceRole::Api,
        ServiceRole::Api => ServiceRole::Hook,
    };
    let statements = tx
        .query_one(
            "SELECT format('%s ROLE %I LOGIN', $1::text, $2::text)
                 || CASE WHEN $3::text IS NULL THEN '' ELSE format(' PASSWORD %L', $3::text) END,
                    format('GRANT %I TO %I', $4::text, $2::text),
                    CASE WHEN EXISTS (SELECT FROM pg_auth_members
                                       WHERE roleid = $5::text::regrole
                                         AND member = (SELECT oid FROM pg_roles WHERE rolname = $2))
                         THEN format('REVOKE %I FROM %I', $5::text, $2::text) ELSE '' END",
            &[&verb, &login, &verifier, &role.role(), &other.role()],
        )
        .await
        .map_err(failed)?;
    for column in 0..3 {
        tx.batch_execute(statements.get(column))
            .await
            .map_err(failed)?;
    }
    tx.commit().await.map_err(failed)
}
