//! The counters: written by the devices' tasks, read by the status file, the bar and the summary.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::device_id::DeviceId;

/// Counters of one device. Relaxed order throughout: they are looked at, never decided on.
#[derive(Debug, Default)]
pub struct DeviceCounters {
    pub(crate) enrolled: AtomicBool,
    pub(crate) enrolled_now: AtomicBool,
    pub(crate) failed: AtomicBool,
    pub(crate) connected: AtomicBool,
    pub(crate) connects: AtomicU64,
    pub(crate) published: AtomicU64,
    pub(crate) acked: AtomicU64,
    pub(crate) denied: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) refusals: AtomicU64,
    last_refusal: Mutex<Option<String>>,
}

impl DeviceCounters {
    /// The status file's object for this device.
    fn to_json(&self) -> Value {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "enrolled": self.enrolled.load(Ordering::Relaxed),
            "connected": self.connected.load(Ordering::Relaxed),
            "connects": count(&self.connects),
            "published": count(&self.published),
            "acked": count(&self.acked),
            "denied": count(&self.denied),
            "skipped": count(&self.skipped),
            "lost": count(&self.lost),
            "received": count(&self.received),
            "refusals": count(&self.refusals),
            "last_refusal": *lock(&self.last_refusal),
        })
    }
}

/// All counters of a fleet.
#[derive(Debug)]
pub struct Board {
    devices: BTreeMap<DeviceId, Arc<DeviceCounters>>,
    refused_by_reason: Mutex<BTreeMap<String, u64>>,
    disconnected_by_reason: Mutex<BTreeMap<String, u64>>,
    received_by_category: Mutex<BTreeMap<String, u64>>,
}

/// Sums over a fleet at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) devices: u64,
    pub(crate) enrolled: u64,
    pub(crate) enrolled_now: u64,
    pub(crate) failed: u64,
    pub(crate) connected: u64,
    pub(crate) ever_connected: u64,
    pub(crate) reconnects: u64,
    pub(crate) published: u64,
    pub(crate) acked: u64,
    pub(crate) denied: u64,
    pub(crate) skipped: u64,
    pub(crate) lost: u64,
    pub(crate) received: u64,
}

impl Board {
    /// Zeros for these devices.
    pub fn new(ids: &[DeviceId]) -> Self {
        Self {
            devices: ids.iter().map(|id| (id.clone(), Arc::default())).collect(),
            refused_by_reason: Mutex::default(),
            disconnected_by_reason: Mutex::default(),
            received_by_category: Mutex::default(),
        }
    }

    /// The counters of one device of the fleet.
    pub fn device(&self, id: &DeviceId) -> Arc<DeviceCounters> {
        Arc::clone(
            self.devices
                .get(id)
                .expect("only devices of the fleet are counted"),
        )
    }

    /// Counts a connect that did not come to be.
    pub fn refused(&self, device: &DeviceCounters, reason: &str) {
        device.refusals.fetch_add(1, Ordering::Relaxed);
        *lock(&device.last_refusal) = Some(reason.to_owned());
        *lock(&self.refused_by_reason)
            .entry(reason.to_owned())
            .or_default() += 1;
    }

    /// Counts an accepted connection that ended.
    pub fn disconnected(&self, reason: &str) {
        *lock(&self.disconnected_by_reason)
            .entry(reason.to_owned())
            .or_default() += 1;
    }

    /// Counts a message from a service.
    pub fn received(&self, device: &DeviceCounters, category: &str) {
        device.received.fetch_add(1, Ordering::Relaxed);
        *lock(&self.received_by_category)
            .entry(category.to_owned())
            .or_default() += 1;
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for device in self.devices.values() {
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
            let flag = |flag: &AtomicBool| u64::from(flag.load(Ordering::Relaxed));
            let connects = count(&device.connects);
            totals.devices += 1;
            totals.enrolled += flag(&device.enrolled);
            totals.enrolled_now += flag(&device.enrolled_now);
            totals.failed += flag(&device.failed);
            totals.connected += flag(&device.connected);
            totals.ever_connected += u64::from(connects > 0);
            totals.reconnects += connects.saturating_sub(1);
            totals.published += count(&device.published);
            totals.acked += count(&device.acked);
            totals.denied += count(&device.denied);
            totals.skipped += count(&device.skipped);
            totals.lost += count(&device.lost);
            totals.received += count(&device.received);
        }
        totals
    }

    pub(crate) fn refused_by_reason(&self) -> BTreeMap<String, u64> {
        lock(&self.refused_by_reason).clone()
    }

    pub(crate) fn disconnected_by_reason(&self) -> BTreeMap<String, u64> {
        lock(&self.disconnected_by_reason).clone()
    }

    pub(crate) fn received_by_category(&self) -> BTreeMap<String, u64> {
        lock(&self.received_by_category).clone()
    }

    pub(crate) fn devices_json(&self) -> Value {
        let devices = self
            .devices
            .iter()
            .map(|(id, device)| (id.to_string(), device.to_json()));
        Value::Object(devices.collect())
    }
}

/// A panic elsewhere leaves counters as they are; they stay readable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
