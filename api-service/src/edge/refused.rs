//! Refused commands enter the audit: who, which path, on what, from where, and why; never a body.
//!
//! A refusal costs its caller nothing, so it must not fill our disk. Of one account a few a minute are
//! entered; strangers all share a few; the rest is counted in `api_audit_refusals_total`. Whoever needs all
//! of them has the log.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::domain::account_id::AccountId;
use crate::domain::audit::{Actor, Entry};
use crate::problem::{Code, chain};
use crate::rates::{Limiter, Rate};
use crate::store::StoreError;

/// One account's: ten a minute, twenty at once.
const OF_ACCOUNT: Rate = rate(6, 20);

/// All strangers': two a minute, six at once.
const OF_STRANGERS: Rate = rate(30, 6);

/// An answer waits so long for its entry at most; a refusal is told while the database is away, too.
const ENTERING_MAX: Duration = Duration::from_secs(2);

/// A name in a path that is none of ours is not written down: it is a stranger's text.
const ODD: &str = "(odd)";

/// Longest name of a thing that is written down; ours are shorter.
const NAME_MAX: usize = 128;

const fn rate(seconds: u64, burst: u32) -> Rate {
    match NonZeroU32::new(burst) {
        Some(burst) => Rate::slow(Duration::from_secs(seconds), burst),
        None => panic!("no burst"),
    }
}

/// What was refused of late.
pub(crate) struct Refused {
    accounts: Limiter<AccountId>,
    strangers: Limiter<()>,
    /// Strangers' refusals since the last that was entered.
    left_out: AtomicU64,
}

impl Default for Refused {
    fn default() -> Self {
        Self {
            accounts: Limiter::new(OF_ACCOUNT),
            strangers: Limiter::new(OF_STRANGERS),
            left_out: AtomicU64::new(0),
        }
    }
}

/// A command as it was asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    method: Method,
    route: String,
    path: String,
}

impl Asked {
    /// A request; none if it reads, or has no route.
    pub(super) fn new(method: &Method, route: Option<&str>, path: &str) -> Option<Self> {
        let route = route.filter(|_| !method.is_safe())?;
        Some(Self {
            method: method.clone(),
            route: route.to_owned(),
            path: path.to_owned(),
        })
    }

    /// What of the path is written in braces in the route, in order.
    fn names(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let segments = self.route.split('/').zip(self.path.split('/'));
        let mut above = "";
        segments.filter_map(move |(template, segment)| {
            let name = template.strip_prefix('{').and_then(|t| t.strip_suffix('}'));
            let found = name.map(|name| (above, name, plain(segment)));
            above = template;
            found
        })
    }
}

/// Enters a refusal, or counts it.
pub(super) async fn enter(api: &Api, asked: &Asked, account: Option<AccountId>, code: Code) {
    let (caller, standing) = match account {
        Some(account) => ("account", api.refused.accounts.take(account).await),
        None => ("stranger", api.refused.strangers.take(()).await),
    };
    let outcome = if standing.retry_after.is_some() {
        if account.is_none() {
            api.refused.left_out.fetch_add(1, Ordering::Relaxed);
        }
        "left_out"
    } else {
        let entered = tokio::time::timeout(ENTERING_MAX, add(api, asked, account, code)).await;
        match entered {
            Ok(Ok(())) => "entered",
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "a refusal is missing in the audit");
                "failed"
            }
            Err(_) => {
                tracing::warn!("a refusal is missing in the audit: the database was too slow");
                "failed"
            }
        }
    };
    let labels = [caller, outcome];
    api.metrics.audit_refusals.with_label_values(&labels).inc();
}

async fn add(
    api: &Api,
    asked: &Asked,
    account: Option<AccountId>,
    code: Code,
) -> Result<(), StoreError> {
    let actor = account.map_or(Actor::Stranger, |account| Actor::Account(account.uuid()));
    let action = format!("{} {}", asked.method, asked.route);
    let (kind, id) = subject(asked);
    let entry = Entry::refused(actor, &action, kind, id, code.as_str());
    let mut more = Map::new();
    let names: Vec<_> = asked.names().collect();
    if names.len() > 1 {
        let names = names
            .iter()
            .map(|(_, name, value)| ((*name).to_owned(), json!(value)));
        more.insert("path".to_owned(), names.collect::<Map<_, _>>().into());
    }
    if account.is_none() {
        let left_out = api.refused.left_out.swap(0, Ordering::Relaxed);
        more.insert("leftOutBefore".to_owned(), left_out.into());
    }
    let entry = if more.is_empty() {
        entry
    } else {
        entry.changed(None, Value::Object(more))
    };
    let mut connection = api.store.connect().await?;
    let tx = connection.begin("refused").await?;
    tx.audit(entry).await?;
    tx.commit().await
}

/// What the command was about, under the words of the audit's other entries.
fn subject(asked: &Asked) -> (&str, &str) {
    let Some((above, _, id)) = asked.names().next() else {
        return ("route", &asked.route);
    };
    let kind = match above {
        "users" => "account",
        "hook-replicas" => "replica",
        // `devices` is about a device.
        many => many.strip_suffix('s').unwrap_or(many),
    };
    (kind, id)
}

fn plain(segment: &str) -> &str {
    let is_plain = (1..=NAME_MAX).contains(&segment.len())
        && segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
    if is_plain { segment } else { ODD }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(route: &str, path: &str) -> Asked {
        Asked::new(&Method::POST, Some(route), path).unwrap()
    }

    #[test]
    fn reading_is_no_command_and_neither_is_a_path_that_is_not_there() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(Asked::new(&method, Some("/x"), "/x").is_none());
        }
        assert!(Asked::new(&Method::POST, None, "/x").is_none());
    }

    #[test]
    fn every_command_of_the_document_fits_into_an_entry() {
        let document: Value = serde_json::from_str(&crate::openapi::json()).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                let method = method.to_uppercase().parse::<Method>().unwrap();
                let Some(asked) = Asked::new(&method, Some(path), path) else {
                    continue;
                };
                // As the database checks it.
                assert!(format!("{method} {path}").len() <= 64, "{method} {path}");
                let (kind, id) = subject(&asked);
                assert!(kind.len() <= 32 && id.len() <= 256, "{path}");
            }
        }
    }

    #[test]
    fn what_a_command_is_about_is_the_first_name_of_its_path() {
        for (route, path, expected) in [
            (
                "/api/v1/devices/{id}/revoke",
                "/api/v1/devices/tent-1/revoke",
                ("device", "tent-1"),
            ),
            ("/api/v1/users/{id}", "/api/v1/users/7", ("account", "7")),
            (
                "/api/v1/hook-replicas/{uuid}/x",
                "/api/v1/hook-replicas/u/x",
                ("replica", "u"),
            ),
            ("/o/{id}/members/{accountId}", "/o/1/members/2", ("o", "1")),
            (
                "/api/v1/devices/bind",
                "/api/v1/devices/bind",
                ("route", "/api/v1/devices/bind"),
            ),
            ("/devices/{id}", "/devices/a%0Ab", ("device", ODD)),
            ("/devices/{id}", "/devices/ann@example.com", ("device", ODD)),
        ] {
            assert_eq!(subject(&asked(route, path)), expected, "{path}");
        }
        let two = asked("/o/{id}/members/{accountId}", "/o/1/members/2");
        let names: Vec<_> = two.names().collect();
        assert_eq!(names, [("o", "id", "1"), ("members", "accountId", "2")]);
        assert_eq!(plain(&"x".repeat(NAME_MAX + 1)), ODD);
    }
}
