//! Who the services are in the database.

use crate::doctor::facts::{Facts, Login};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&POWER, &FOREIGN, &MISSING, &OWNER];

pub(super) static POWER: Rule = Rule {
    code: "pg_role_powerful",
    severity: Severity::Error,
    why: "who breaks into the service gets the whole server, and the checks below it mean nothing",
    source: "PostgreSQL, Role Attributes",
    mend: "ALTER ROLE <user> NOSUPERUSER NOCREATEROLE NOCREATEDB NOBYPASSRLS NOREPLICATION",
};

pub(super) static FOREIGN: Rule = Rule {
    code: "pg_role_foreign",
    severity: Severity::Error,
    why: "the login has the rights of that role besides its own",
    source: "PostgreSQL, Role Membership; `schema migrate --login` gives one role",
    mend: "REVOKE <role> FROM <user>",
};

pub(super) static MISSING: Rule = Rule {
    code: "pg_role_missing",
    severity: Severity::Error,
    why: "the rights of the service come with its role; what the login has now came from elsewhere",
    source: "schema/migrations",
    mend: "schema migrate --login, or GRANT <role> TO <user>",
};

pub(super) static OWNER: Rule = Rule {
    code: "pg_role_owner",
    severity: Severity::Error,
    why: "an owner may do everything to the table: switch its triggers off, truncate it, grant it",
    source: "PostgreSQL, Privileges",
    mend: "give it to the user that migrates: ALTER TABLE <table> OWNER TO <user>",
};

/// What the schema gives api-service's role besides, to see what a standby has.
const STATISTICS: &str = "pg_read_all_stats";

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for database in &facts.databases {
        let name = database.name();
        if !database.attributes.is_empty() {
            found.push(POWER.at(&name, database.attributes.join(", ")));
        }
        let ours = |role: &str| database.login == Login::Api && role == STATISTICS;
        for role in database.other_roles.iter().filter(|role| !ours(role)) {
            found.push(FOREIGN.at(&name, format!("it is in the role {role}")));
        }
        // A superuser needs no role; that is said above.
        if !database.has_role && database.attributes.is_empty() {
            let seen = format!("it is not in {}", database.login.role());
            found.push(MISSING.at(&name, seen));
        }
        if !database.owned.is_empty() {
            let seen = format!("it owns {}", database.owned.join(", "));
            found.push(OWNER.at(&name, seen));
        }
    }
    found
}
