//! `api-service audit verify`: does the audit's chain hold?
//!
//! It reads the database only. Somebody with every right there could make a whole new chain; against
//! that helps a seal that was written down elsewhere, `--expect`.

use std::str::FromStr;

use certs::Fingerprint;
use serde_json::json;
use service_kit::{Exit, Settings};

use super::{AuditCommand, complain, print};
use crate::config::DatabaseConfig;
use crate::domain::audit::chain::{Hash, NOTHING, seal_hash, text};
use crate::problem::chain;
use crate::store::audit::check::SealRow;
use crate::store::health::Unusable;
use crate::store::{Store, StoreError};

/// A seal that must be in the chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    number: i64,
    hash: Hash,
}

impl FromStr for Expected {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "must be a seal's number and hash: 17:<64 hexadecimal digits>";
        let (number, hash) = text.split_once(':').ok_or(wrong)?;
        let number = number.parse().map_err(|_| wrong)?;
        let hash = Fingerprint::parse(hash).map_err(|_| wrong)?;
        Ok(Self {
            number,
            hash: *hash.as_bytes(),
        })
    }
}

/// The first broken link, or why none could be looked for.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("entry {entry}, number {position} of seal {seal}, is gone")]
    Gone {
        entry: i64,
        position: i32,
        seal: i64,
    },
    #[error("entry {entry} of seal {seal} was changed after it was sealed")]
    Changed { entry: i64, seal: i64 },
    #[error("the personal fields of entry {0} are not those that it was written with")]
    Personal(i64),
    #[error("seal {seal} has lost or gained an entry: number {position} is not in its place")]
    Places { seal: i64, position: usize },
    #[error("seal {0} does not fit what it covers")]
    Seal(i64),
    #[error("seal {0} does not follow the one before it")]
    Chain(i64),
    #[error("seal {0} is gone")]
    Missing(i64),
    #[error(
        "the chain begins with seal {0}, and no entry of retention says that those before it were \
         taken away"
    )]
    Beginning(i64),
    #[error("seal {0} has another hash than the one that was expected")]
    Unexpected(i64),
    #[error("seal {0}, which was expected, is not in the chain")]
    NotThere(i64),
    #[error("entry {0} was written past the chain: it is in no seal and waits for none")]
    Stray(i64),
    #[error(transparent)]
    Unusable(#[from] Unusable),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far the check came.
#[derive(Debug, Default)]
struct Walk {
    first: Option<i64>,
    last: Option<(i64, Hash)>,
    entries: usize,
    expected: Option<Expected>,
    /// The last seal that retention took away.
    purged: Option<(i64, Hash)>,
}

pub(super) async fn run(settings: Settings, command: AuditCommand) -> Exit {
    let config = match DatabaseConfig::read(settings) {
        Ok(config) => config,
        Err(errors) => return complain(Exit::Config, errors),
    };
    let store = match Store::new(config.database) {
        Ok(store) => store,
        Err(error) => return complain(Exit::Config, format!("API_DATABASE_CA_FILE {error}")),
    };
    let AuditCommand::Verify { expect } = command;
    match verify(&store, expect).await {
        Ok(report) => print(&report),
        Err(failure) => complain(failure.exit(), chain(&failure)),
    }
}

async fn verify(store: &Store, expected: Option<Expected>) -> Result<String, Failure> {
    store.check_version().await?;
    let connection = store.connect().await?;
    let mut walk = Walk {
        expected,
        purged: connection.purged_audit_seal().await?,
        ..Walk::default()
    };
    loop {
        let after = walk.last.map_or(0, |(number, _)| number);
        let seals = connection.audit_seals(after).await?;
        if seals.is_empty() {
            break;
        }
        for seal in &seals {
            walk.step(seal)?;
        }
    }
    if let Some(expected) = walk.expected {
        return Err(Failure::NotThere(expected.number));
    }
    if let Some(entry) = connection.stray_audit_entry().await? {
        return Err(Failure::Stray(entry));
    }
    let unsealed = connection.unsealed_audit_entries().await?;
    let head = walk
        .last
        .map(|(number, hash)| json!({"number": number, "hash": text(&hash)}));
    let report = json!({
        "ok": true, "firstSeal": walk.first, "head": head, "entries": walk.entries,
        "unsealed": unsealed,
    });
    Ok(format!("{report}\n"))
}

impl Walk {
    fn step(&mut self, seal: &SealRow) -> Result<(), Failure> {
        let number = seal.number;
        match self.last {
            Some((before, _)) if number != before + 1 => {
                return Err(Failure::Missing(before + 1));
            }
            Some((_, hash)) if seal.previous != hash => return Err(Failure::Chain(number)),
            // What retention took is gone from the beginning, and it said so.
            None if self.purged.unwrap_or((0, NOTHING)) != (number - 1, seal.previous) => {
                return Err(Failure::Beginning(number));
            }
            _ => {}
        }
        for (position, covered) in seal.covered.iter().enumerate() {
            if usize::try_from(covered.position) != Ok(position) {
                return Err(Failure::Places {
                    seal: number,
                    position,
                });
            }
            let entry = covered.entry_id;
            match covered.now {
                None => {
                    return Err(Failure::Gone {
                        entry,
                        position: covered.position,
                        seal: number,
                    });
                }
                Some(now) if now != covered.sealed => {
                    return Err(Failure::Changed {
                        entry,
                        seal: number,
                    });
                }
                Some(_) if !covered.personal_holds => return Err(Failure::Personal(entry)),
                Some(_) => {}
            }
        }
        if usize::try_from(seal.entries) != Ok(seal.covered.len()) {
            return Err(Failure::Places {
                seal: number,
                position: seal.covered.len(),
            });
        }
        let hashes: Vec<Hash> = seal.covered.iter().map(|covered| covered.sealed).collect();
        if seal_hash(&seal.previous, number, seal.at_us, &hashes) != seal.hash {
            return Err(Failure::Seal(number));
        }
        if let Some(expected) = self.expected.take_if(|expected| expected.number == number)
            && expected.hash != seal.hash
        {
            return Err(Failure::Unexpected(number));
        }
        self.first.get_or_insert(number);
        self.last = Some((number, seal.hash));
        self.entries += hashes.len();
        Ok(())
    }
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Unusable(Unusable::Version(_)) => Exit::Config,
            _ => Exit::Failed,
        }
    }
}
