//! What came of one measurement, and whether it is worth anything.

use hdrhistogram::Histogram;

use super::generator::Arrival;

/// A generator whose threads are busy for more than this share of the time is at its limit.
const BUSY_MAX: f64 = 0.95;

/// Servers and a generator that leave more than this share of the processors unused had room.
const ROOM_MIN: f64 = 0.1;

/// The generator may begin connects this late at the 99th percentile, milliseconds. A handshake
/// holds a thread for some tenths of one, and several may stand in line.
const LATE_MS_MAX: f64 = 5.0;

/// One measurement.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// CONNACKs within the measured time, of either kind.
    pub(super) connects: u64,
    /// Those of them that denied.
    pub(super) denied: u64,
    /// Answers that were not what the device must hear, warm-up included.
    pub(super) wrong: u64,
    /// Whether the open loop had to be broken off because connects piled up.
    pub(super) overrun: bool,
    pub(super) seconds: f64,
    /// Nanoseconds from the start, or the intended start, to CONNACK.
    pub(super) latency: Histogram<u64>,
    /// Nanoseconds by which the generator began late (open loop only).
    pub(super) lateness: Histogram<u64>,
    /// CPU seconds of this process.
    pub(super) generator_cpu: f64,
    /// CPU seconds of the broker, if it runs here.
    pub(super) broker_cpu: Option<f64>,
    /// CPU seconds of the hook's process.
    pub(super) hook_cpu: Option<f64>,
}

impl Outcome {
    /// Connects in a second.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    pub(super) fn rate(&self) -> f64 {
        self.connects as f64 / self.seconds
    }

    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    fn us_each(&self, cpu_seconds: f64) -> f64 {
        cpu_seconds * 1e6 / self.connects.max(1) as f64
    }

    /// CPU microseconds of the broker for each connect.
    pub(super) fn broker_us(&self) -> Option<f64> {
        self.broker_cpu.map(|cpu| self.us_each(cpu))
    }

    /// CPU microseconds of the hook for each connect.
    pub(super) fn hook_us(&self) -> Option<f64> {
        self.hook_cpu.map(|cpu| self.us_each(cpu))
    }

    /// CPU microseconds of the generator for each connect.
    pub(super) fn generator_us(&self) -> f64 {
        self.us_each(self.generator_cpu)
    }

    /// Time to CONNACK at this quantile, milliseconds.
    pub(super) fn latency_ms(&self, quantile: f64) -> f64 {
        ms(&self.latency, quantile)
    }

    /// How late the generator was, 99th percentile, milliseconds.
    pub(super) fn late_p99_ms(&self) -> f64 {
        ms(&self.lateness, 0.99)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "minutes of nanoseconds stay below 2^53"
)]
fn ms(times: &Histogram<u64>, quantile: f64) -> f64 {
    times.value_at_quantile(quantile) as f64 / 1e6
}

/// Why a measurement is worth nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum Refusal {
    /// The generator was the limit.
    #[error(
        "the generator was busy {:.0} % of the time while the servers had room: the rate is not \
         the broker's; give it more --generator-threads",
        busy * 100.0
    )]
    GeneratorBound { busy: f64 },
    /// Half of the devices waited at once.
    #[error("connects piled up: the broker did not keep up with this rate for the whole time")]
    Overrun,
    /// Connects began later than intended.
    #[error(
        "the generator began {p99_ms:.2} ms late at the 99th percentile, at most {LATE_MS_MAX} is \
         taken"
    )]
    Late { p99_ms: f64 },
}

/// Judges whether the generator kept its own rate. `threads` are the generator's, `cores` what it
/// shares with the servers: a handshake costs both sides about the same, so a generator that is busy
/// while nothing is left over was not the limit, the processors were.
#[expect(
    clippy::cast_precision_loss,
    reason = "core and thread counts are small"
)]
pub(super) fn judge(
    arrival: Arrival,
    outcome: &Outcome,
    threads: usize,
    cores: usize,
) -> Result<(), Refusal> {
    match arrival {
        Arrival::Closed { .. } => {
            let busy = outcome.generator_cpu / (outcome.seconds * threads as f64);
            let servers = [outcome.broker_cpu, outcome.hook_cpu];
            let used: f64 = servers.into_iter().flatten().sum::<f64>() + outcome.generator_cpu;
            let room = 1.0 - used / (outcome.seconds * cores as f64);
            if busy > BUSY_MAX && room > ROOM_MIN {
                return Err(Refusal::GeneratorBound { busy });
            }
        }
        Arrival::Open { .. } if outcome.overrun => return Err(Refusal::Overrun),
        Arrival::Open { .. } => {
            let p99_ms = outcome.late_p99_ms();
            if p99_ms > LATE_MS_MAX {
                return Err(Refusal::Late { p99_ms });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::load::histogram;

    /// An outcome of one second.
    pub(in crate::storm) fn outcome(connects: u64, broker: f64, hook: f64, own: f64) -> Outcome {
        let mut latency = histogram();
        latency.record(5_000_000).unwrap();
        Outcome {
            connects,
            denied: connects / 128,
            wrong: 0,
            overrun: false,
            seconds: 1.0,
            latency,
            lateness: histogram(),
            generator_cpu: own,
            broker_cpu: Some(broker),
            hook_cpu: Some(hook),
        }
    }

    #[test]
    fn cpu_is_told_for_each_connect() {
        let outcome = outcome(1000, 0.8, 0.02, 0.5);
        let close = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
        assert!(close(outcome.rate(), 1000.0));
        assert!(close(outcome.broker_us().unwrap(), 800.0));
        assert!(close(outcome.hook_us().unwrap(), 20.0));
        assert!(close(outcome.generator_us(), 500.0));
        assert!((4.9..5.1).contains(&outcome.latency_ms(0.5)));
    }

    #[test]
    fn a_busy_generator_is_refused_only_where_the_servers_had_room() {
        let closed = Arrival::Closed { clients: 64 };
        let busy = outcome(1000, 0.5, 0.02, 0.97);
        assert!(matches!(
            judge(closed, &busy, 1, 2),
            Err(Refusal::GeneratorBound { .. })
        ));
        let no_room = outcome(1000, 0.95, 0.05, 0.97);
        assert_eq!(judge(closed, &no_room, 1, 2), Ok(()));
        assert_eq!(judge(closed, &busy, 2, 2), Ok(()), "half busy");
        let far_away = Outcome {
            broker_cpu: None,
            ..outcome(1000, 0.0, 0.0, 0.97)
        };
        assert!(
            judge(closed, &far_away, 1, 2).is_err(),
            "a broker elsewhere"
        );
    }

    #[test]
    fn a_late_generator_is_refused_in_open_loop() {
        let open = Arrival::Open {
            per_second: 100.0,
            seed: 1,
        };
        let mut late = outcome(100, 0.1, 0.01, 0.1);
        assert_eq!(judge(open, &late, 1, 2), Ok(()));
        late.lateness.record(6_000_000).unwrap();
        let refusal = judge(open, &late, 1, 2).unwrap_err();
        assert!(refusal.to_string().contains("6.0"), "{refusal}");
        late.overrun = true;
        assert_eq!(judge(open, &late, 1, 2), Err(Refusal::Overrun));
    }
}
