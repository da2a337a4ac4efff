//! Whether the database does what the change log needs.

use crate::doctor::facts::{Database, Facts};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[
    &STANDBY, &SCHEMA, &TRIGGERS, &ISOLATION, &REPLICA, &IDLE, &MD5, &OLD,
];

pub(super) static STANDBY: Rule = Rule {
    code: "pg_standby",
    severity: Severity::Error,
    why: "a standby takes no command and lags behind; the hooks refuse it",
    source: "PostgreSQL, Hot Standby",
    mend: "API_DATABASE_URL and HOOK_DATABASE_URL name the primary",
};

pub(super) static SCHEMA: Rule = Rule {
    code: "pg_schema",
    severity: Severity::Error,
    why: "the programs of this release do not start on it",
    source: "crate schema",
    mend: "schema migrate of this release",
};

pub(super) static TRIGGERS: Rule = Rule {
    code: "pg_triggers",
    severity: Severity::Error,
    why: "changes are written without a number, so the hooks never hear of them: a revoked device stays in",
    source: "schema/migrations/V1__spine.sql",
    mend: "switch it on: ALTER TABLE <table> ENABLE ALWAYS TRIGGER <trigger>, then schema bump-epoch",
};

pub(super) static ISOLATION: Rule = Rule {
    code: "pg_isolation",
    severity: Severity::Error,
    why: "the numbering trigger refuses every change that does not run READ COMMITTED",
    source: "schema/migrations/V1__spine.sql",
    mend: "default_transaction_isolation = 'read committed'",
};

pub(super) static REPLICA: Rule = Rule {
    code: "pg_session_replica",
    severity: Severity::Error,
    why: "ordinary triggers do not fire in such sessions, those that keep final states final among them",
    source: "PostgreSQL, session_replication_role",
    mend: "ALTER ROLE <user> RESET session_replication_role",
};

pub(super) static IDLE: Rule = Rule {
    code: "pg_idle_session_timeout",
    severity: Severity::Warning,
    why: "the server ends the hooks' quiet listening connection, again and again",
    source: "PostgreSQL 14, idle_session_timeout",
    mend: "ALTER ROLE <user> SET idle_session_timeout = 0",
};

pub(super) static MD5: Rule = Rule {
    code: "pg_md5",
    severity: Severity::Warning,
    why: "passwords that are set anew are stored as MD5, which is as good as the password to whoever reads it",
    source: "PostgreSQL, password_encryption",
    mend: "password_encryption = scram-sha-256",
};

pub(super) static OLD: Rule = Rule {
    code: "pg_version_old",
    severity: Severity::Error,
    why: "the schema and the feed were tried on PostgreSQL 15 and later",
    source: "PostgreSQL, Versioning Policy",
    mend: "PostgreSQL 15 or later",
};

/// The oldest server that was tried, as `server_version_num`.
const VERSION_MIN: i32 = 150_000;

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    facts.databases.iter().flat_map(of_login).collect()
}

fn of_login(database: &Database) -> Vec<Finding> {
    let name = database.name();
    let mut found = Vec::new();
    let mut say = |rule: &'static Rule, seen: String| found.push(rule.at(&name, seen));
    if database.standby {
        say(&STANDBY, "the server is in recovery".to_owned());
    }
    if let Some(reason) = &database.schema {
        say(&SCHEMA, reason.clone());
    }
    if !database.silent_triggers.is_empty() {
        let all = database.silent_triggers.join(", ");
        say(&TRIGGERS, format!("missing or not ENABLE ALWAYS: {all}"));
    }
    let is_other = |name: &str, wanted: &str| {
        let value = database.setting(name);
        !value.is_empty() && value != wanted
    };
    for (setting, wanted, rule) in [
        (
            "default_transaction_isolation",
            "read committed",
            &ISOLATION,
        ),
        ("session_replication_role", "origin", &REPLICA),
        ("idle_session_timeout", "0", &IDLE),
        ("password_encryption", "scram-sha-256", &MD5),
    ] {
        if is_other(setting, wanted) {
            say(rule, format!("{setting} = {}", database.setting(setting)));
        }
    }
    if database.version_num < VERSION_MIN {
        say(
            &OLD,
            format!("server_version_num = {}", database.version_num),
        );
    }
    found
}
