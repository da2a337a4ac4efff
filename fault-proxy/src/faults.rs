//! What a proxy does to connections. Plain values: whoever holds the proxy sets them.

use std::num::NonZeroU32;
use std::time::Duration;

/// What happens to who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Entry {
    /// The connection is made, to the next upstream that accepts it.
    #[default]
    Forward,
    /// Nobody listens: the kernel refuses (`ECONNREFUSED`). The port stays ours.
    Refuse,
    /// It is accepted and nothing happens, until entry is free again.
    Hang,
}

/// A delay for each piece of data, drawn evenly between both ends. Pieces stay in order, and the
/// next one is on its way while one is delayed: this is latency, not throughput.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delay {
    /// The shortest.
    pub least: Duration,
    /// The longest; not below `least`.
    pub most: Duration,
}

impl Delay {
    /// Between these two.
    pub fn between(least: Duration, most: Duration) -> Self {
        Self {
            least: least.min(most),
            most: most.max(least),
        }
    }

    /// Always this.
    pub fn of(delay: Duration) -> Self {
        Self::between(delay, delay)
    }
}

/// What happens to data on its way in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Direction {
    /// How late it is.
    pub delay: Delay,
    /// Most bytes in a second, for each connection; `None` is no limit.
    pub bytes_per_second: Option<NonZeroU32>,
    /// Nothing passes, the end of the connection neither: a half-open connection. What was sent
    /// meanwhile arrives afterwards, as TCP would send it again.
    pub silent: bool,
}

/// Everything that a proxy does wrong. The default is nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// To who connects.
    pub entry: Entry,
    /// From the client to the upstream.
    pub up: Direction,
    /// From the upstream to the client.
    pub down: Direction,
}

impl Faults {
    /// Open connections go silent both ways and new ones hang: a network that drops everything.
    pub fn black_hole() -> Self {
        let silent = Direction {
            silent: true,
            ..Direction::default()
        };
        Self {
            entry: Entry::Hang,
            up: silent,
            down: silent,
        }
    }

    /// Nobody listens. Open connections live on; [`crate::Proxy::cut`] ends them.
    pub fn refuse() -> Self {
        Self {
            entry: Entry::Refuse,
            ..Self::default()
        }
    }

    /// Each direction is this late.
    pub fn slow(up: Delay, down: Delay) -> Self {
        let delayed = |delay| Direction {
            delay,
            ..Direction::default()
        };
        Self {
            entry: Entry::Forward,
            up: delayed(up),
            down: delayed(down),
        }
    }

    /// Each direction passes at most this many bytes in a second.
    pub fn throttled(bytes_per_second: NonZeroU32) -> Self {
        let direction = Direction {
            bytes_per_second: Some(bytes_per_second),
            ..Direction::default()
        };
        Self {
            entry: Entry::Forward,
            up: direction,
            down: direction,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_given_the_wrong_way_round_is_turned() {
        let (short, long) = (Duration::from_millis(1), Duration::from_millis(9));
        assert_eq!(Delay::between(long, short), Delay::between(short, long));
    }

    #[test]
    fn the_default_is_no_fault_at_all() {
        let none = Faults::default();
        assert_eq!(none.entry, Entry::Forward);
        assert_eq!(none.up, Direction::default());
        assert!(!none.down.silent && none.down.bytes_per_second.is_none());
    }
}
