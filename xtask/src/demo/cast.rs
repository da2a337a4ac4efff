//! Devices that xtask plays itself: keys by `openssl`, enrolled over the API like any other, and
//! moved by mosquitto clients.

use std::cell::Cell;

use super::mosquitto::Caller;
use super::scene::Scene;
use crate::identity::Identity;

/// Enough that no device connects more often in a minute than flapping detection lets it.
const EXTRAS: usize = 8;

/// A manufactured device and what it shows.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) id: String,
    pub(super) identity: Identity,
}

impl Device {
    /// The device, saying truthfully who it is.
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller {
            client_id: &self.id,
            username: &self.id,
            identity: Some(&self.identity),
        }
    }
}

/// Who plays what.
#[derive(Debug)]
pub(super) struct Cast {
    /// Tries what it must not, in turns.
    extras: Vec<Device>,
    turn: Cell<usize>,
    /// Whose topics are tried; never connects itself.
    pub(super) victim: Device,
    /// Whose names strangers abuse.
    pub(super) abused: Vec<Device>,
    /// Is revoked while connected.
    pub(super) revoked: Device,
    /// Stays as it is to the end.
    pub(super) survivor: Device,
}

impl Cast {
    /// Manufactures all of them.
    pub(super) async fn enrol(scene: &Scene) -> anyhow::Result<Self> {
        let mut devices = Vec::new();
        for index in 0..EXTRAS + 5 {
            devices.push(scene.enrol(&format!("demo-cast-{index:02}")).await?);
        }
        let mut take = || {
            devices
                .pop()
                .unwrap_or_else(|| unreachable!("one was made for each"))
        };
        let (victim, revoked, survivor) = (take(), take(), take());
        let abused = vec![take(), take()];
        Ok(Self {
            extras: devices,
            turn: Cell::new(0),
            victim,
            abused,
            revoked,
            survivor,
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.extras.len() + self.abused.len() + 3
    }

    /// The extra whose turn it is.
    pub(super) fn next(&self) -> &Device {
        let turn = self.turn.get();
        self.turn.set(turn + 1);
        &self.extras[turn % self.extras.len()]
    }
}
