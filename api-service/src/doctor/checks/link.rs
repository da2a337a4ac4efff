//! The way to the database.

use crate::doctor::facts::{Facts, Login};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&POOLER, &POOLER_API, &PLAIN, &LIMITS];

pub(super) static POOLER: Rule = Rule {
    code: "pg_pooler",
    severity: Severity::Error,
    why: "through a pooler in transaction mode LISTEN hears nothing: every change then waits for a poll, and hook-service refuses to start",
    source: "PgBouncer, features; hook-service checks the same",
    mend: "HOOK_DATABASE_URL points at PostgreSQL itself",
};

pub(super) static POOLER_API: Rule = Rule {
    code: "pg_pooler_api",
    severity: Severity::Warning,
    why: "a pooler in transaction mode drops the time limits that we set for each session",
    source: "PgBouncer, features",
    mend: "API_DATABASE_URL points at PostgreSQL itself, or at a pooler in session mode",
};

pub(super) static PLAIN: Rule = Rule {
    code: "pg_plain",
    severity: Severity::Warning,
    why: "fingerprints, rights and our password's proof cross the network unencrypted, and nobody proves to be the database",
    source: "PostgreSQL, SSL Support",
    mend: "API_DATABASE_CA_FILE and HOOK_DATABASE_CA_FILE name the CA of the server",
};

pub(super) static LIMITS: Rule = Rule {
    code: "pg_session_limits",
    severity: Severity::Warning,
    why: "a statement or a lock of ours may then hold others up without an end",
    source: "our sessions set statement_timeout = 5s",
    mend: "let the pooler pass start-up options through (PgBouncer: do not list `options` in ignore_startup_parameters)",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for database in &facts.databases {
        let name = database.name();
        if database.pooled {
            let rule = match database.login {
                Login::Hook => &POOLER,
                Login::Api => &POOLER_API,
            };
            found.push(rule.at(&name, "two transactions shared a server process"));
        }
        if !database.encrypted && !database.local {
            found.push(PLAIN.at(&name, "the connection is not encrypted"));
        }
        if matches!(database.setting("statement_timeout"), "" | "0") {
            found.push(LIMITS.at(&name, "statement_timeout is off in our session"));
        }
    }
    found
}
