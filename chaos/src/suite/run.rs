//! One stack under load, and the faults it suffers one after the other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chaos::crowd::{Crowd, Manners};
use chaos::device::Device;
use chaos::oracle::Oracle;
use chaos::programs::Programs;
use chaos::revoker::revoke_to_the_end;
use chaos::stack::{ApiClient, Options, Stack};
use chaos::wait;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::fault::Fault;
use super::report::{Report, say};
use super::verify;
use crate::alerts::{Recorder, Rules};

/// All revokes of a fault end within this after it is over.
const ENDS_WITHIN: Duration = Duration::from_secs(90);
/// Everybody is connected within this at the start.
const CONNECTED_WITHIN: Duration = Duration::from_secs(60);

/// A device whose only certificate ends in three days, under an authority that nobody loads (its
/// certificate holds that extension and nothing else), for the alerts about both.
const NEGLECTED: &str = "INSERT INTO device (device_id, lifecycle, model, public_key) \
    VALUES ('chaos-expiring', 'bound', 'chaos', '\\x00'); \
    INSERT INTO certificate (fingerprint, device_id, serial, not_before, not_after, der) \
    VALUES (sha256('chaos-expiring'), 'chaos-expiring', '\\x01', now() - interval '1 day', \
            now() + interval '3 days', \
            decode('0603551d23041830168014' || repeat('aa', 20), 'hex')); \
    INSERT INTO crl_list (issuer, shard) VALUES (decode(repeat('aa', 20), 'hex'), 0)";

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    pub(super) short: bool,
    /// Devices under load during each fault.
    pub(super) devices: usize,
    /// Of those, revoked during it.
    pub(super) revokes: usize,
    /// Connects of the load in a second.
    pub(super) connects_per_second: u32,
    /// Full compares that each replica must make after a fault.
    pub(super) compares: u32,
}

impl Effort {
    pub(super) fn of(short: bool) -> Self {
        if short {
            Self {
                short,
                devices: 12,
                revokes: 5,
                connects_per_second: 30,
                compares: 1,
            }
        } else {
            Self {
                short,
                devices: 60,
                revokes: 20,
                connects_per_second: 80,
                compares: 2,
            }
        }
    }

    fn manners(self) -> Manners {
        Manners {
            stay: Some(Duration::from_millis(700)),
            pause: Duration::from_millis(50),
            connects_per_second: self.connects_per_second,
        }
    }
}

/// A stack, what judges it, and the devices for each fault.
pub(super) struct Run {
    pub(super) stack: Stack,
    pub(super) oracle: Arc<Oracle>,
    pub(super) effort: Effort,
    pub(super) revoked: Vec<Arc<Device>>,
    api: ApiClient,
    /// A batch for each fault.
    batches: Vec<Vec<Arc<Device>>>,
    strangers: Vec<Arc<Device>>,
    recorder: Recorder,
}

impl Run {
    pub(super) async fn start(
        programs: &Programs,
        effort: Effort,
        seed: u64,
        rules: Rules,
        data_dir: Option<std::path::PathBuf>,
        batches: usize,
    ) -> anyhow::Result<Self> {
        let mut options = Options::new(seed);
        options.compare_ms = 1_000;
        options.data_dir = data_dir;
        // Lists that live an hour are always near their end, for the alert about it.
        let short_lists = ("API_CRL_VALID_HOURS".to_owned(), "1".to_owned());
        options.api_settings.push(short_lists);
        let stack = Stack::start(programs, options).await?;
        let oracle = Arc::new(Oracle::default());
        let api = stack.api_client().await?;
        let mut made = Vec::new();
        for batch in 0..batches {
            let ids = (0..effort.devices).map(|number| format!("chaos-{batch:02}-{number:04}"));
            let ids: Vec<String> = ids.collect();
            made.push(stack.register(&ids).await?);
        }
        stack.database.execute(NEGLECTED).await?;
        // A good certificate of our own authority, for a device that nobody registered.
        let strangers = (0..2).map(|number| {
            let device = stack
                .authority
                .device(&format!("chaos-stranger-{number}"))?;
            oracle.stranger(&device.id);
            anyhow::Ok(Arc::new(device))
        });
        let strangers = strangers.collect::<anyhow::Result<Vec<_>>>()?;
        let recorder = Recorder::new(rules);
        let run = Self {
            stack,
            oracle,
            effort,
            revoked: Vec::new(),
            api,
            batches: made,
            strangers,
            recorder,
        };
        run.recorder.look_at(&run.stack);
        say("the stack is ready");
        Ok(run)
    }

    /// Lets one fault happen and judges what came of it.
    pub(super) async fn suffer(&mut self, fault: Fault, report: &mut Report) -> anyhow::Result<()> {
        self.suffer_with(fault, report, Hand::Stack).await
    }

    pub(super) async fn suffer_with(
        &mut self,
        fault: Fault,
        report: &mut Report,
        mut hand: Hand<'_>,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        say(&format!("{}: {}", fault.name(), fault.about()));
        self.recorder.during(fault.name());
        let batch = self.batches.pop().context("a batch for each fault")?;
        let (condemned, survivors) = batch.split_at(self.effort.revokes);
        let target = self.stack.target();
        let mut crowd = Crowd::new(target, Arc::clone(&self.oracle), self.effort.manners());
        for device in batch.iter().chain(&self.strangers) {
            crowd.join(Arc::clone(device));
        }
        wait::until_true("every device connected", CONNECTED_WITHIN, || {
            batch
                .iter()
                .all(|device| self.oracle.accepted_since(&device.id, start))
        })
        .await?;

        let mut revokes = self.revoke(condemned, fault.lasts(self.effort.short));
        // The first of them are on their way when the fault begins.
        sleep(Duration::from_millis(300)).await;
        hand.begin(fault, &mut self.stack)
            .await
            .context("beginning")?;
        self.recorder.look_at(&self.stack);
        sleep(fault.lasts(self.effort.short)).await;
        hand.end(fault, &mut self.stack).await.context("ending")?;
        self.recorder.look_at(&self.stack);
        let healed = Instant::now();
        while let Some(revoked) = revokes.join_next().await {
            revoked.context("a revoke")??;
        }
        let ended = healed.elapsed();
        self.revoked.extend(condemned.iter().cloned());
        let judged = verify::all(self, fault, condemned, survivors, healed).await;
        crowd.leave().await;
        judged.with_context(|| format!("after {}", fault.name()))?;
        report.held(fault.name(), start.elapsed(), ended);
        Ok(())
    }

    /// Revokes devices one after the other, spread over the fault and a little longer.
    fn revoke(&self, condemned: &[Arc<Device>], lasts: Duration) -> JoinSet<anyhow::Result<()>> {
        let spread = lasts + Duration::from_secs(1);
        let every = spread / u32::try_from(condemned.len().max(1)).unwrap_or(u32::MAX);
        let mut revokes = JoinSet::new();
        for (index, device) in condemned.iter().enumerate() {
            let (api, oracle) = (self.api.clone(), Arc::clone(&self.oracle));
            let id = device.id.clone();
            let at = every * u32::try_from(index).unwrap_or(u32::MAX);
            revokes.spawn(async move {
                sleep(at).await;
                let limit = lasts + ENDS_WITHIN;
                revoke_to_the_end(&api, &oracle, &id, limit).await.map(drop)
            });
        }
        revokes
    }

    /// Ends the stack, and gives the rules back with what was seen of them.
    pub(super) async fn end(
        mut self,
        ended: anyhow::Result<()>,
        report: &mut Report,
    ) -> anyhow::Result<Rules> {
        report.judged(self.oracle.judged(), &self.oracle.violations());
        let rules = self.recorder.end().await;
        if let Err(error) = ended {
            let kept = self.stack.keep_logs();
            let kept = kept.map_or_else(String::new, |kept| format!("; logs: {}", kept.display()));
            return Err(error.context(format!("a fault was not survived{kept}")));
        }
        Ok(rules)
    }
}

/// Whose hand begins and ends a fault.
pub(super) enum Hand<'a> {
    /// The stack's own.
    Stack,
    /// The disk under it.
    Disk(&'a super::disk::Disk),
}

impl Hand<'_> {
    async fn begin(&mut self, fault: Fault, stack: &mut Stack) -> anyhow::Result<()> {
        match self {
            Self::Stack => fault.begin(stack).await,
            Self::Disk(disk) => disk.fill(),
        }
    }

    async fn end(&mut self, fault: Fault, stack: &mut Stack) -> anyhow::Result<()> {
        if let Self::Disk(disk) = self {
            disk.free()?;
            stack.database.start_again_if_ended().await?;
        }
        fault.end(stack).await
    }
}
