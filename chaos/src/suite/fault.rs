//! The faults: what each does to the stack, for how long, and how it ends.

use std::time::Duration;

use anyhow::Context as _;
use chaos::stack::{STALENESS_MS, Stack};
use fault_proxy::{Delay, Faults};

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    HookKilled,
    HookCutOff,
    ApiKilled,
    ManagementCut,
    DatabaseKilled,
    HookPaused,
    HooksKilled,
    HookDeafened,
    HooksSlow,
    HooksCut,
    DatabasePaused,
    DatabasePowerCut,
    DatabaseSlow,
    ApiPaused,
    ApiCutOff,
    BrokerKilled,
    BrokerPaused,
    DevicesCut,
    RollingRestart,
    StandbyPromoted,
    DiskFull,
    TableSpoiled,
}

/// All of them, in the order of a run. The last spoils a counter that the others want at 0.
pub(super) const FAULTS: &[Fault] = &[
    Fault::HookKilled,
    Fault::HookCutOff,
    Fault::ApiKilled,
    Fault::ManagementCut,
    Fault::DatabaseKilled,
    Fault::HookPaused,
    Fault::HooksKilled,
    Fault::HookDeafened,
    Fault::HooksSlow,
    Fault::HooksCut,
    Fault::DatabasePaused,
    Fault::DatabasePowerCut,
    Fault::DatabaseSlow,
    Fault::ApiPaused,
    Fault::ApiCutOff,
    Fault::BrokerKilled,
    Fault::BrokerPaused,
    Fault::DevicesCut,
    Fault::RollingRestart,
    Fault::StandbyPromoted,
    Fault::DiskFull,
    Fault::TableSpoiled,
];

/// Longer than a lease can live without its replica.
const BEYOND_A_LEASE: Duration = Duration::from_millis(STALENESS_MS + 1_500);
/// Longer than an operator is to be left in the dark.
const BEYOND_PATIENCE: Duration = Duration::from_secs(70);
/// Long enough to be felt by everybody, shorter than a lease.
const A_WHILE: Duration = Duration::from_secs(3);

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HookKilled => "hook-killed",
            Self::HookCutOff => "hook-cut-off",
            Self::ApiKilled => "api-killed",
            Self::ManagementCut => "management-cut",
            Self::DatabaseKilled => "database-killed",
            Self::HookPaused => "hook-paused",
            Self::HooksKilled => "all-hooks-killed",
            Self::HookDeafened => "hook-database-silent",
            Self::HooksSlow => "hook-answers-slow",
            Self::HooksCut => "broker-hooks-cut",
            Self::DatabasePaused => "database-paused",
            Self::DatabasePowerCut => "database-power-cut",
            Self::DatabaseSlow => "database-slow",
            Self::ApiPaused => "api-paused",
            Self::ApiCutOff => "api-database-cut",
            Self::BrokerKilled => "broker-killed",
            Self::BrokerPaused => "broker-paused",
            Self::DevicesCut => "devices-cut",
            Self::RollingRestart => "rolling-restart",
            Self::StandbyPromoted => "standby-promoted",
            Self::DiskFull => "disk-full",
            Self::TableSpoiled => "table-spoiled",
        }
    }

    pub(super) fn about(self) -> &'static str {
        match self {
            Self::HookKilled => "one hook-service is killed and starts again",
            Self::HookCutOff => "one hook-service loses the database for longer than its lease",
            Self::ApiKilled => "api-service is killed in the middle of revokes and starts again",
            Self::ManagementCut => "api-service cannot reach the broker's management API",
            Self::DatabaseKilled => "every process of PostgreSQL is killed and it starts again",
            Self::HookPaused => "one hook-service is frozen for longer than its lease",
            Self::HooksKilled => "all hook-services are killed and start again",
            Self::HookDeafened => "one hook-service's line to the database goes silent, half-open",
            Self::HooksSlow => "every answer of the hooks is up to two seconds late",
            Self::HooksCut => "the broker cannot reach any hook-service",
            Self::DatabasePaused => "PostgreSQL is frozen for longer than a lease",
            Self::DatabasePowerCut => "PostgreSQL restarts as after a power cut, twice",
            Self::DatabaseSlow => "every line to the database is 50 to 150 ms late each way",
            Self::ApiPaused => "api-service is frozen in the middle of revokes",
            Self::ApiCutOff => "api-service loses the database",
            Self::BrokerKilled => "the broker is killed; its sessions and bans are gone",
            Self::BrokerPaused => "the broker is frozen",
            Self::DevicesCut => "every device's connection is reset, several times",
            Self::RollingRestart => "every hook-service is replaced while the other one listens",
            Self::StandbyPromoted => "the primary is killed and its synchronous standby promoted",
            Self::DiskFull => "the disk under the database is full",
            Self::TableSpoiled => {
                "a row is written behind the triggers: the full compare must see it"
            }
        }
    }

    /// Whether it belongs to the form that `cargo xtask test` runs.
    pub(super) fn is_in_short_form(self) -> bool {
        matches!(self, Self::HookKilled | Self::HookCutOff | Self::ApiKilled)
    }

    pub(super) fn needs_its_own_stack(self) -> bool {
        self == Self::DiskFull
    }

    /// Whether full compares are expected to find something.
    pub(super) fn spoils_the_table(self) -> bool {
        self == Self::TableSpoiled
    }

    /// How long it stays wrong.
    pub(super) fn lasts(self, short: bool) -> Duration {
        match self {
            // Once, for the alert about an old outbox.
            Self::ManagementCut if !short => BEYOND_PATIENCE,
            Self::HookCutOff | Self::HookPaused | Self::HookDeafened | Self::DatabasePaused => {
                BEYOND_A_LEASE
            }
            Self::HooksSlow | Self::DatabaseSlow => 2 * A_WHILE,
            Self::RollingRestart | Self::StandbyPromoted | Self::DatabasePowerCut => Duration::ZERO,
            _ => A_WHILE,
        }
    }

    /// Makes it go wrong.
    pub(super) async fn begin(self, stack: &mut Stack) -> anyhow::Result<()> {
        match self {
            Self::HookKilled => stack.replicas[1].process.kill().await?,
            Self::HooksKilled => {
                for replica in &stack.replicas {
                    replica.process.kill().await?;
                }
            }
            Self::HookCutOff => {
                stack.replicas[0].database.set(Faults::refuse()).await;
                stack.replicas[0].database.cut();
            }
            Self::HookPaused => stack.replicas[2].process.pause(),
            Self::HookDeafened => stack.replicas[0].database.set(Faults::black_hole()).await,
            Self::HooksSlow => {
                let late = Delay::between(Duration::ZERO, Duration::from_secs(2));
                let slow = Faults::slow(Delay::default(), late);
                stack.links.hooks.set(slow).await;
            }
            Self::HooksCut => {
                stack.links.hooks.set(Faults::refuse()).await;
                stack.links.hooks.cut();
            }
            Self::DatabaseKilled => stack.database.kill().await?,
            Self::DatabasePaused => stack.database.pause().await?,
            Self::DatabasePowerCut => {
                for _ in 0..2 {
                    stack.database.restart(true).await?;
                }
            }
            Self::DatabaseSlow => {
                let late = Delay::between(Duration::from_millis(50), Duration::from_millis(150));
                for line in stack.database_lines() {
                    line.set(Faults::slow(late, late)).await;
                }
            }
            Self::ApiKilled => stack.api.process.kill().await?,
            Self::ApiPaused => stack.api.process.pause(),
            Self::ApiCutOff => {
                stack.links.api_database.set(Faults::refuse()).await;
                stack.links.api_database.cut();
            }
            Self::ManagementCut => {
                stack.links.management.set(Faults::refuse()).await;
                stack.links.management.cut();
            }
            Self::BrokerKilled => stack.broker.process.kill().await?,
            Self::BrokerPaused => stack.broker.process.pause(),
            Self::DevicesCut => {
                for _ in 0..5 {
                    stack.links.devices.cut();
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
            }
            Self::RollingRestart => {
                for index in 0..stack.replicas.len() {
                    stack.replace_replica(index).await?;
                }
            }
            Self::StandbyPromoted => {
                stack.database.add_standby().await.context("a standby")?;
                stack.database.fail_over().await.context("the failover")?;
                stack.point_database();
            }
            Self::TableSpoiled => stack.database.execute(SPOIL).await?,
            Self::DiskFull => anyhow::bail!("the disk is filled by whoever mounted it"),
        }
        Ok(())
    }

    /// Makes it right again.
    pub(super) async fn end(self, stack: &mut Stack) -> anyhow::Result<()> {
        match self {
            Self::HookKilled => stack.revive_replica(1).await?,
            Self::HooksKilled => {
                for index in 0..stack.replicas.len() {
                    stack.revive_replica(index).await?;
                }
            }
            Self::HookPaused => stack.replicas[2].process.resume(),
            Self::DatabaseKilled => stack.database.start_again().await?,
            Self::DatabasePaused => stack.database.resume().await?,
            Self::ApiKilled => stack.revive_api().await?,
            Self::ApiPaused => stack.api.process.resume(),
            Self::BrokerKilled => stack.revive_broker().await?,
            Self::BrokerPaused => stack.broker.process.resume(),
            _ => {}
        }
        stack.heal().await;
        stack.wait_until_ready().await
    }
}

/// A device that no trigger sees: what a restore or a bypass that forgets the epoch would do. The
/// triggers of the change log fire for replicated rows too, so they have to be taken off meanwhile. And
/// an effect that was given up.
const SPOIL: &str = "\
DO $$
DECLARE
    log  name[] := ARRAY(SELECT tgname FROM pg_trigger
                          WHERE tgrelid = 'device'::regclass AND NOT tgisinternal AND tgenabled = 'A');
    each name;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOREACH each IN ARRAY log LOOP
        EXECUTE format('ALTER TABLE device DISABLE TRIGGER %I', each);
    END LOOP;
    INSERT INTO device (device_id, lifecycle, model, public_key)
    VALUES ('chaos-behind-the-triggers', 'bound', 'chaos', '\\x00');
    INSERT INTO outbox (kind, subject, state)
    VALUES ('end_device_sessions', 'chaos-behind-the-triggers', 'dead');
    FOREACH each IN ARRAY log LOOP
        EXECUTE format('ALTER TABLE device ENABLE ALWAYS TRIGGER %I', each);
    END LOOP;
END
$$";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_fault_is_listed_once() {
        let mut names: Vec<_> = FAULTS.iter().map(|fault| fault.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FAULTS.len());
        assert!(FAULTS.last().is_some_and(|fault| fault.spoils_the_table()));
    }

    #[test]
    fn the_short_form_holds_a_death_of_each_service_and_a_lapse() {
        let short: Vec<_> = FAULTS
            .iter()
            .filter(|fault| fault.is_in_short_form())
            .collect();
        assert!(short.len() >= 3 && short.len() < FAULTS.len());
        for fault in [Fault::HookKilled, Fault::ApiKilled, Fault::HookCutOff] {
            assert!(short.contains(&&fault));
        }
    }
}
