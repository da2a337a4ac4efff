//! Service clients: a few dozen backends with rights of their own.

use std::collections::HashMap;
use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::record::Certificate;
use crate::rights::TopicRight;

/// A backend that speaks MQTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceClient {
    /// Its name, `<name>` of `svc.<name>.<instance>`.
    pub name: String,
    /// Whether it is shut out.
    pub disabled: bool,
    /// Its active certificates.
    pub certificates: Vec<Certificate>,
    /// What it may publish and subscribe, in a fixed order.
    pub rights: Vec<TopicRight>,
}

impl ServiceClient {
    /// The end of the active certificate with this fingerprint, if there is one.
    pub fn not_after_of(&self, fingerprint: &[u8; 32]) -> Option<i64> {
        let mut found = None;
        for certificate in &self.certificates {
            if bool::from(certificate.fingerprint.ct_eq(fingerprint)) {
                found = Some(certificate.not_after);
            }
        }
        found
    }
}

/// Every service client by name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ServiceClients {
    by_name: HashMap<String, Arc<ServiceClient>>,
}

impl ServiceClients {
    /// The service client of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<ServiceClient>> {
        self.by_name.get(name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// How many differ between the two: missing in one of them or not the same.
    pub fn differences(&self, other: &Self) -> usize {
        let changed = self
            .by_name
            .iter()
            .filter(|(name, client)| other.get(name) != Some(client));
        let added = other.by_name.keys().filter(|name| self.get(name).is_none());
        changed.count() + added.count()
    }
}

impl FromIterator<ServiceClient> for ServiceClients {
    fn from_iter<I: IntoIterator<Item = ServiceClient>>(clients: I) -> Self {
        let by_name = clients
            .into_iter()
            .map(|c| (c.name.clone(), Arc::new(c)))
            .collect();
        Self { by_name }
    }
}
