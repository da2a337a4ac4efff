//! PostgreSQL, once with each login, and the feed through api-service's.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Looked;
use crate::doctor::facts::{Database, Feed, Gap, Lease, Login, Missing, ServiceCertificate};
use crate::problem::chain;
use crate::store::StoreConfig;
use crate::store::doctor::{LeaseRow, Probe, ProbeError};

/// Between two looks at the leases.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Beyond a sixth of its length, after which every lease is renewed, a slow machine gets this much.
const RENEWAL_MARGIN: Duration = Duration::from_secs(2);

/// What the logins told, and the feed.
pub(super) struct Asked {
    pub(super) found: Vec<Database>,
    pub(super) feed: Option<Feed>,
    pub(super) gaps: Vec<Gap>,
}

/// Asks with every login; the feed with the first that is api-service's.
pub(super) async fn ask_all(logins: &[(Login, StoreConfig)], watch_max: Duration) -> Asked {
    let mut looked = Looked::nothing();
    let mut feed = None;
    for (login, config) in logins {
        let probe = match Probe::connect(config).await {
            Ok(probe) => probe,
            Err(error) => {
                looked.miss(Missing::Database, login.setting(), chain(&error));
                continue;
            }
        };
        match ask(*login, config, &probe).await {
            Ok(database) => looked.found.push(database),
            Err(error) => looked.miss(Missing::Database, login.setting(), chain(&error)),
        }
        if *login == Login::Api {
            match watch(&probe, watch_max).await {
                Ok(seen) => feed = Some(seen),
                Err(error) => {
                    looked.miss(Missing::DatabaseView, login.setting(), chain(&error));
                }
            }
        }
    }
    if logins.iter().all(|(login, _)| *login != Login::Hook) {
        let reason = "set HOOK_DATABASE_URL (and HOOK_DATABASE_PASSWORD) to look at the database \
                      with hook-service's login too";
        looked.miss(Missing::NoHookDatabase, "HOOK_DATABASE_URL", reason);
    }
    Asked {
        found: looked.found,
        feed,
        gaps: looked.gaps,
    }
}

async fn ask(login: Login, config: &StoreConfig, probe: &Probe) -> Result<Database, ProbeError> {
    let user = probe.user(login.role()).await?;
    let server = probe.server().await?;
    Ok(Database {
        login,
        user: user.name,
        attributes: user.attributes,
        other_roles: user.other_roles,
        has_role: user.has_role,
        owned: user.owned,
        rights: user.rights,
        encrypted: server.encrypted,
        local: server.local,
        pooled: probe.is_pooled(config).await?,
        standby: server.standby,
        version_num: server.version_num,
        settings: server.settings,
        standbys: server.standbys,
        sees_standbys: server.sees_standbys,
        schema: probe.schema_mismatch().await?,
        silent_triggers: probe.silent_triggers().await?,
    })
}

/// Looks at the leases until each was seen renewed or should have been.
async fn watch(probe: &Probe, watch_max: Duration) -> Result<Feed, ProbeError> {
    let newest = probe.newest_change().await?;
    let first = by_process(probe.leases().await?);
    let longest = first.values().map(|lease| lease.length_ms).max();
    let due = longest.map_or(Duration::ZERO, |ms| {
        Duration::from_millis(u64::try_from(ms).unwrap_or_default()) / 6 + RENEWAL_MARGIN
    });
    let begun = Instant::now();
    let until = begun + due.min(watch_max);
    let leases = loop {
        let leases = compare(&first, probe.leases().await?);
        let settled = |lease: &Lease| lease.renewed && lease.applied >= newest;
        if leases.iter().all(settled) || Instant::now() >= until {
            break leases;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let outbox = probe.outbox().await?;
    let services = probe.service_certificates().await?;
    Ok(Feed {
        newest,
        leases,
        watched: begun.elapsed(),
        dead: outbox.dead,
        oldest_pending: outbox.oldest_pending,
        service_certificates: services
            .into_iter()
            .map(|end| ServiceCertificate {
                name: end.name,
                not_after: end.not_after,
            })
            .collect(),
    })
}

fn by_process(rows: Vec<LeaseRow>) -> BTreeMap<Uuid, LeaseRow> {
    rows.into_iter().map(|row| (row.process, row)).collect()
}

/// A lease that is new since the first look counts as renewed.
fn compare(first: &BTreeMap<Uuid, LeaseRow>, now: Vec<LeaseRow>) -> Vec<Lease> {
    now.into_iter()
        .map(|row| Lease {
            renewed: first
                .get(&row.process)
                .is_none_or(|before| before.renewals != row.renewals),
            replica: row.replica,
            applied: row.applied,
            length_ms: row.length_ms,
        })
        .collect()
}
