//! The requests of a run, written out beforehand: bytes as EMQX sends them, one after another.

use std::collections::HashMap;
use std::ops::Range;

use base64_simd::STANDARD;
use serde_json::{Value, json};

use super::{SplitMix, Template, fingerprint, fingerprint_text, id, is_active};

/// Devices that a run asks for at most: enough to miss every cache in a big table, and few enough
/// that the generator's own memory stays in tens of megabytes.
const DEVICES_ASKED_MAX: u32 = 16_384;

/// One request of this many shows what must not be let in, in [`Requests::with_impostors`].
const IMPOSTOR_EVERY: usize = 16;

/// Bursts of up to this many requests lie in memory without a break.
pub(crate) const BURST_MAX: usize = 128;

/// Topics that `/authz` is asked about: every device may do all of these.
const TOPICS: [(&str, &str); 4] = [
    ("publish", "telemetry"),
    ("publish", "rpc/response"),
    ("subscribe", "rpc/request"),
    ("subscribe", "attributes/desired"),
];

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `/authn/device` with the certificate.
    AuthnCertificate,
    /// `/authn/device` with the fingerprint as password.
    AuthnPassword,
    /// `/authz`.
    Authz,
    /// `/authn/person` with a token.
    AuthnPerson,
    /// `/authz` of a person.
    AuthzPerson,
    /// Something of api-service, written as a whole request elsewhere.
    Api,
}

impl Kind {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::AuthnCertificate | Self::AuthnPassword => "/authn/device",
            Self::Authz | Self::AuthzPerson => "/authz",
            Self::AuthnPerson => "/authn/person",
            Self::Api => "/api/v1",
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AuthnCertificate => "authn cert_pem",
            Self::AuthnPassword => "authn cn_and_password",
            Self::Authz => "authz",
            Self::AuthnPerson => "authn person",
            Self::AuthzPerson => "authz person",
            Self::Api => "api",
        }
    }
}

/// A request that was written elsewhere.
#[derive(Debug)]
pub(crate) struct Asked {
    /// Whom or what it is about, by its number.
    pub(crate) number: u32,
    /// Whether it must be allowed.
    pub(crate) allowed: bool,
    /// What is posted.
    pub(crate) body: Value,
}

/// The requests of one kind.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) kind: Kind,
    bytes: Vec<u8>,
    offsets: Vec<usize>,
    devices: Vec<u32>,
    allowed: Vec<bool>,
}

impl Requests {
    /// Requests for devices spread over a fleet of `devices`, in no order.
    pub(crate) fn new(kind: Kind, devices: u32) -> Self {
        let numbers = spread(devices);
        let allowed = numbers.iter().map(|number| is_active(*number)).collect();
        Self::written(kind, numbers, allowed, |number, template| {
            body(kind, number, template)
        })
    }

    /// CONNECTs of which one in [`IMPOSTOR_EVERY`] must be denied for what it shows: in turn a device
    /// that does not exist, and a device with another one's certificate. Revoked devices are among
    /// the rest.
    pub(crate) fn with_impostors(devices: u32) -> Self {
        let mut numbers = spread(devices);
        let mut allowed: Vec<bool> = numbers.iter().map(|number| is_active(*number)).collect();
        let mut foreign: HashMap<u32, u32> = HashMap::new();
        for (turn, index) in (0..numbers.len()).step_by(IMPOSTOR_EVERY).enumerate() {
            allowed[index] = false;
            if turn.is_multiple_of(2) {
                numbers[index] += devices;
            } else {
                foreign.insert(numbers[index], (numbers[index] + 1) % devices);
            }
        }
        let kind = Kind::AuthnCertificate;
        Self::written(kind, numbers, allowed, |number, template| {
            let certificate_of = foreign.get(&number).copied().unwrap_or(number);
            connect_with(number, certificate_of, template)
        })
    }

    /// Requests that were written elsewhere, in this order.
    pub(crate) fn of(kind: Kind, asked: &[Asked]) -> Self {
        let mut requests = Self {
            kind,
            bytes: Vec::new(),
            offsets: vec![0],
            devices: asked.iter().map(|each| each.number).collect(),
            allowed: asked.iter().map(|each| each.allowed).collect(),
        };
        for each in asked.iter().cycle().take(asked.len() + BURST_MAX) {
            requests.push(&each.body);
        }
        requests
    }

    /// Requests of api-service that were written elsewhere with their heads, in this order, each with the
    /// number of the device that it is about.
    pub(crate) fn whole(written: &[(u32, Vec<u8>)]) -> Self {
        let mut requests = Self {
            kind: Kind::Api,
            bytes: Vec::new(),
            offsets: vec![0],
            devices: written.iter().map(|(number, _)| *number).collect(),
            allowed: vec![true; written.len()],
        };
        for (_, request) in written.iter().cycle().take(written.len() + BURST_MAX) {
            requests.bytes.extend_from_slice(request);
            requests.offsets.push(requests.bytes.len());
        }
        requests
    }

    fn push(&mut self, body: &Value) {
        write_request(&mut self.bytes, self.kind, &body.to_string());
        self.offsets.push(self.bytes.len());
    }

    fn written(
        kind: Kind,
        devices: Vec<u32>,
        allowed: Vec<bool>,
        body: impl Fn(u32, &mut Template) -> Value,
    ) -> Self {
        let mut template = Template::new();
        let mut requests = Self {
            kind,
            bytes: Vec::new(),
            offsets: vec![0],
            devices,
            allowed,
        };
        for index in 0..requests.devices.len() + BURST_MAX {
            let number = requests.devices[index % requests.devices.len()];
            requests.push(&body(number, &mut template));
        }
        requests
    }

    /// How many different ones there are.
    pub(crate) fn len(&self) -> usize {
        self.devices.len()
    }

    /// Where `count` requests from `first` on lie in [`Requests::bytes`].
    pub(crate) fn range(&self, first: usize, count: usize) -> Range<usize> {
        debug_assert!(
            first < self.len() && count <= BURST_MAX,
            "within one unbroken burst"
        );
        self.offsets[first]..self.offsets[first + count]
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// The device that request `index` is about.
    pub(crate) fn device(&self, index: usize) -> u32 {
        self.devices[index]
    }

    /// Bytes of a request with its head, on average.
    #[cfg(test)]
    fn bytes_each(&self) -> usize {
        self.bytes.len() / (self.offsets.len() - 1)
    }
}

/// Devices of a fleet of `devices` that are asked for, in no order.
fn spread(devices: u32) -> Vec<u32> {
    let asked = devices.min(DEVICES_ASKED_MAX);
    let stride = devices / asked;
    let mut numbers: Vec<u32> = (0..asked).map(|index| index * stride).collect();
    // A stride that shares a factor with the share of revoked devices would miss them all.
    for number in &mut numbers {
        *number += *number / stride % stride;
    }
    let mut random = SplitMix::new(u64::from(devices));
    for index in (1..numbers.len()).rev() {
        numbers.swap(index, random.below(index + 1));
    }
    numbers
}

fn peer(number: u32) -> String {
    let [_, high, middle, low] = number.to_be_bytes();
    format!("10.{high}.{middle}.{low}")
}

/// A CONNECT under the name of device `number` with the certificate of device `certificate_of`.
fn connect_with(number: u32, certificate_of: u32, template: &mut Template) -> Value {
    let id = id(number);
    json!({
        "clientid": id, "username": id, "peerhost": peer(number), "cert_common_name": id,
        "cert_pem": STANDARD.encode_to_string(template.of(certificate_of)),
    })
}

fn body(kind: Kind, number: u32, template: &mut Template) -> Value {
    let id = id(number);
    let peer = peer(number);
    match kind {
        Kind::AuthnCertificate => connect_with(number, number, template),
        Kind::AuthnPassword => json!({
            "clientid": id, "username": id, "peerhost": peer, "cert_common_name": id,
            "password": fingerprint_text(&fingerprint(template.of(number))),
        }),
        Kind::Authz => {
            let (action, suffix) = TOPICS[number as usize % TOPICS.len()];
            json!({
                "clientid": id, "username": id, "peerhost": peer, "cert_common_name": id,
                "action": action, "topic": format!("{id}/{suffix}"), "qos": "1", "retain": "false",
            })
        }
        Kind::AuthnPerson | Kind::AuthzPerson | Kind::Api => {
            unreachable!("a device asks nothing of this kind; see Requests::of and Requests::whole")
        }
    }
}

/// Asks whether device `number` may publish its telemetry.
pub(crate) fn telemetry_request(number: u32) -> Vec<u8> {
    let id = id(number);
    let body = json!({
        "clientid": id, "username": id, "peerhost": "10.0.0.1", "cert_common_name": id,
        "action": "publish", "topic": format!("{id}/telemetry"), "qos": "1", "retain": "false",
    });
    let mut out = Vec::new();
    write_request(&mut out, Kind::Authz, &body.to_string());
    out
}

/// The head that EMQX 5.8.9 was recorded to send.
fn write_request(out: &mut Vec<u8>, kind: Kind, body: &str) {
    let head = format!(
        "POST {} HTTP/1.1\r\ncontent-length: {}\r\nhost: hook-service:8081\r\n\
         content-type: application/json\r\n\r\n",
        kind.path(),
        body.len()
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(body.as_bytes());
}

impl Requests {
    /// Whether request `index` must be allowed.
    pub(crate) fn is_allowed(&self, index: usize) -> bool {
        self.allowed[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_over_the_end_goes_on_at_the_beginning() {
        let requests = Requests::new(Kind::Authz, 200);
        let over_the_end = requests.range(199, 3);
        let again = requests.range(0, 2);
        assert!(
            requests
                .bytes(over_the_end)
                .ends_with(requests.bytes(again))
        );
    }

    #[test]
    fn devices_are_spread_over_the_fleet_and_some_are_revoked() {
        for fleet in [1000, 1_000_000, 10_000_000] {
            let requests = Requests::new(Kind::Authz, fleet);
            let asked = 0..requests.len();
            let highest = asked.clone().map(|index| requests.device(index)).max();
            assert!(highest.unwrap() > fleet / 10 * 9 && highest.unwrap() < fleet);
            let refused = asked.filter(|index| !requests.is_allowed(*index)).count();
            let share = requests.len() / 128;
            assert!(
                (share / 2..=share * 2).contains(&refused),
                "{fleet}: {refused}"
            );
        }
    }

    #[test]
    fn impostors_are_strangers_and_devices_with_a_foreign_certificate() {
        let requests = Requests::with_impostors(1000);
        let mut template = Template::new();
        let shows =
            |bytes: &[u8], text: &str| memchr::memmem::find(bytes, text.as_bytes()).is_some();
        let (mut strangers, mut foreign) = (0, 0);
        for index in 0..requests.len() {
            let number = requests.device(index);
            let bytes = requests.bytes(requests.range(index, 1));
            assert!(shows(bytes, &id(number)));
            let own = shows(bytes, &STANDARD.encode_to_string(template.of(number)));
            strangers += u32::from(number >= 1000);
            foreign += u32::from(!own);
            let allowed = number < 1000 && own && is_active(number);
            assert_eq!(requests.is_allowed(index), allowed, "{index}");
        }
        assert_eq!((strangers, foreign), (32, 31));
    }

    #[test]
    fn an_authn_request_has_the_size_of_a_real_one() {
        let requests = Requests::new(Kind::AuthnCertificate, 10);
        let size = requests.bytes_each();
        assert!((1000..=1600).contains(&size), "{size} bytes");
    }
}
