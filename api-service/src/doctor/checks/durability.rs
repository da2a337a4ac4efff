//! Whether a revoke that was answered can be lost.

use crate::doctor::facts::{Facts, Login};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&FSYNC, &COMMIT, &ASYNC, &UNSEEN, &ALONE, &CHECKSUMS];

pub(super) static FSYNC: Rule = Rule {
    code: "pg_fsync_off",
    severity: Severity::Error,
    why: "a crash of the machine loses commits or the whole database, revocations among them",
    source: "PostgreSQL, Write Ahead Log settings",
    mend: "fsync = on, full_page_writes = on",
};

pub(super) static COMMIT: Rule = Rule {
    code: "pg_commit_unflushed",
    severity: Severity::Error,
    why: "a revoke is answered before it is on disk; a crash brings the device back",
    source: "PostgreSQL, synchronous_commit",
    mend: "synchronous_commit = on for the database and our logins",
};

pub(super) static ASYNC: Rule = Rule {
    code: "pg_standby_async",
    severity: Severity::Warning,
    why: "after a failover to a standby that lagged, a revoke that was answered can be gone; the answer says durability `local`",
    source: "PostgreSQL, synchronous_standby_names; design section 7",
    mend: "synchronous_standby_names = 'ANY 1 (*)', or fence the old primary",
};

pub(super) static UNSEEN: Rule = Rule {
    code: "pg_standby_unseen",
    severity: Severity::Warning,
    why: "a synchronous standby has every revoke, but api-service may not see that, and says durability `local`",
    source: "PostgreSQL, pg_stat_replication; schema/migrations/V2__revocation.sql",
    mend: "GRANT pg_read_all_stats TO iot_hub_api, as a superuser",
};

pub(super) static ALONE: Rule = Rule {
    code: "pg_no_standby",
    severity: Severity::Note,
    why: "the disk of one machine holds everything; its loss is the loss of the fleet's identities since the last backup",
    source: "PostgreSQL, High Availability",
    mend: "a synchronous standby",
};

pub(super) static CHECKSUMS: Rule = Rule {
    code: "pg_checksums_off",
    severity: Severity::Note,
    why: "a disk that returns wrong bytes is not noticed",
    source: "PostgreSQL, Data Checksums",
    mend: "pg_checksums --enable",
};

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    // The server is one; api-service's look at it is enough.
    let api = facts
        .databases
        .iter()
        .find(|database| database.login == Login::Api);
    let Some(database) = api.or(facts.databases.first()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut say = |rule: &'static Rule, seen: &str| found.push(rule.at(database.name(), seen));
    for name in ["fsync", "full_page_writes"] {
        if database.setting(name) == "off" {
            say(&FSYNC, &format!("{name} = off"));
        }
    }
    let commit = database.setting("synchronous_commit");
    if commit == "off" {
        say(&COMMIT, "synchronous_commit = off");
    }
    let waits = !database.setting("synchronous_standby_names").is_empty() && commit != "local";
    if database.standbys == 0 && !waits {
        say(&ALONE, "no standby is connected");
    } else if !waits {
        let seen = format!("{} standbys, none of them waited for", database.standbys);
        say(&ASYNC, &seen);
    } else if database.login == Login::Api && !database.sees_standbys {
        say(&UNSEEN, "it has no pg_read_all_stats");
    }
    if database.setting("data_checksums") == "off" {
        say(&CHECKSUMS, "data_checksums = off");
    }
    found
}
