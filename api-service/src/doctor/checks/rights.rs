//! What the logins may do and their services never do.

use schema::words;

use crate::doctor::facts::{Facts, Login};
use crate::doctor::finding::{Finding, Rule, Severity};

/// The rules of this file.
pub(super) static RULES: &[&Rule] = &[&EXCESS];

pub(super) static EXCESS: Rule = Rule {
    code: "pg_rights_excess",
    severity: Severity::Error,
    why: "it is no part of what the service does: a way around the change log, the history or the other service",
    source: "schema/migrations give each service exactly what it needs",
    mend: "REVOKE <privilege> ON <object> FROM <user>, its role, and PUBLIC",
};

/// Rights that neither service ever uses, on whatever it is.
const NEVER: &[&str] = &[
    "TRUNCATE",
    "REFERENCES",
    "TRIGGER",
    "EXECUTE",
    "CREATE",
    "TEMPORARY",
];

/// The log and what belongs to it: triggers write it, with the rights of their owner.
const LOG: &[&str] = &[
    words::CHANGE,
    "change_entry",
    "change_marker",
    words::CHANGE_ITEM,
    words::FEED_STATE,
    "refinery_schema_history",
];

/// Where history counts: rows end, they are not deleted, and their keys never change.
const HISTORY: &[&str] = &[
    words::DEVICE,
    words::CERTIFICATE,
    words::SERVICE_CLIENT_CERTIFICATE,
    "account",
    "ownership",
    "binding",
    "recovery",
    "ledger",
    "ledger_entry",
];

/// What is written there stays as it was written, column by column.
const APPENDED: &[&str] = &["audit_entry", "audit_seal", "audit_sealed", "ledger_entry"];

pub(super) fn look(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for database in &facts.databases {
        for (privilege, object) in &database.rights {
            if is_excess(database.login, privilege, object) {
                found.push(EXCESS.at(database.name(), format!("{privilege} on {object}")));
            }
        }
    }
    found
}

fn is_excess(login: Login, privilege: &str, object: &str) -> bool {
    if NEVER.contains(&privilege) {
        return true;
    }
    match login {
        // Invariant 11: hook-service writes nothing but its own lease row.
        Login::Hook => object != words::HOOK_LEASE,
        Login::Api => {
            // A row of a replica that is gone may be taken away, and none be made or renewed.
            let writes_lease = object == words::HOOK_LEASE && privilege != "DELETE";
            let rewrites = matches!(privilege, "DELETE" | "UPDATE") && HISTORY.contains(&object);
            let forges = privilege.ends_with("UPDATE") && APPENDED.contains(&object);
            LOG.contains(&object) || writes_lease || rewrites || forges
        }
    }
}
