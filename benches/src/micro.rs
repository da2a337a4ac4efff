//! The scenario `micro`: the parts of one decision, each alone and in one thread.
//!
//! What hook-service offers to the outside is called itself; below that, the same crates as there.

use std::hint::black_box;
use std::time::{Duration, Instant};

use base64_simd::{AsOut, STANDARD};
use hook_service::decide::{Authz, Connect, Context, IdentityMode, Policy, authn_device};
use hook_service::fleet::{ServiceClients, pair};
use hook_service::rights::{Action, Request, Rights};
use hook_service::topic;
use serde_json::{Map, Value, json};

use crate::fleet::{self, Requests, Template};
use crate::report::{Output, print, rounded};
use crate::statistics::Spread;
use crate::{fleet::Kind, machine};

/// Devices of the table: more than any cache holds.
const DEVICES: u32 = 1_000_000;
const DEVICES_QUICK: u32 = 50_000;

/// A round lasts about this long.
const ROUND: Duration = Duration::from_millis(100);
const ROUNDS: usize = 7;

/// The options of the scenario.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// A smaller table
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    output: Output,
}

/// Runs the scenario.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let devices = if arguments.quick {
        DEVICES_QUICK
    } else {
        DEVICES
    };
    let parts = parts(devices);
    let mut figures = Map::new();
    print(&format!(
        "\n{devices} devices, nanoseconds each, median of {ROUNDS} rounds"
    ))?;
    for (name, spread) in &parts {
        print(&format!(
            "{name:<28} {:>9.0}   ({:.0} to {:.0})",
            spread.median, spread.low, spread.high
        ))?;
        figures.insert((*name).to_owned(), rounded(spread.median));
    }
    let figures = json!({
        "scenario": "micro", "devices": devices, "ns": Value::Object(figures),
        "machine": machine::describe(),
    });
    arguments.output.finish(&figures, &Value::Null)
}

fn parts(devices: u32) -> Vec<(&'static str, Spread)> {
    let (mut writer, reader) = pair(Instant::now());
    writer.replace(fleet::table(devices), ServiceClients::default());
    let policy = Policy {
        identity: IdentityMode::CertPem,
        session_ttl_s: 86_400,
        serve_known: false,
    };
    let context = Context {
        fleet: &reader,
        policy: &policy,
        unix_now: 1_800_000_000,
    };
    let mut template = Template::new();
    let asked: Vec<(String, String, Vec<u8>)> = (0..4096)
        .map(|index| {
            let number = index * (devices / 4096);
            let der = template.of(number).to_vec();
            (fleet::id(number), STANDARD.encode_to_string(&der), der)
        })
        .collect();
    let authn = Requests::new(Kind::AuthnCertificate, devices);
    let bodies: Vec<&[u8]> = (0..4096.min(authn.len()))
        .map(|index| {
            let request = authn.bytes(authn.range(index, 1));
            let head = memchr::memmem::find(request, b"\r\n\r\n").map_or(0, |at| at + 4);
            &request[head..]
        })
        .collect();
    let mut der_room = [0_u8; 4096];
    let mut acl = Vec::with_capacity(1024);
    let topics: Vec<String> = asked
        .iter()
        .map(|(id, ..)| format!("{id}/telemetry"))
        .collect();

    vec![
        (
            "utf-8 check of a body",
            time(bodies.len(), |n| {
                black_box(std::str::from_utf8(bodies[n]).is_ok());
            }),
        ),
        (
            "json of a body, all values",
            time(bodies.len(), |n| {
                black_box(serde_json::from_slice::<Value>(bodies[n]).is_ok());
            }),
        ),
        (
            "base64 of cert_pem",
            time(asked.len(), |n| {
                let room = der_room.as_mut_slice().as_out();
                black_box(STANDARD.decode(asked[n].1.as_bytes(), room).is_ok());
            }),
        ),
        (
            "sha-256 of the certificate",
            time(asked.len(), |n| {
                black_box(fleet::fingerprint(&asked[n].2));
            }),
        ),
        (
            "look-up of a device",
            time(asked.len(), |n| {
                black_box(reader.device(asked[n].0.as_bytes(), |device| device.is_some()));
            }),
        ),
        (
            "whole authn decision",
            time(asked.len(), |n| {
                let (id, cert_pem, _) = &asked[n];
                let connect = Connect {
                    client_id: Some(id),
                    username: Some(id),
                    cert_common_name: Some(id),
                    cert_pem: Some(cert_pem),
                    password: None,
                };
                black_box(authn_device(&connect, &context).is_ok());
            }),
        ),
        (
            "whole authz decision",
            time(asked.len(), |n| {
                let id = asked[n].0.as_str();
                let ask = Authz {
                    client_id: Some(id),
                    username: Some(id),
                    cert_common_name: Some(id),
                    request: Request {
                        action: Action::Publish,
                        topic: &topics[n],
                        qos: 1,
                        retain: false,
                    },
                };
                black_box(ask.decide(&context).is_ok());
            }),
        ),
        (
            "acl of a device",
            time(asked.len(), |n| {
                acl.clear();
                Rights::Device { id: &asked[n].0 }.write_acl(&mut acl);
                black_box(acl.len());
            }),
        ),
        (
            "subset check of a filter",
            time(asked.len(), |n| {
                black_box(topic::covers("+/telemetry", &topics[n]));
            }),
        ),
    ]
}

/// Nanoseconds of one call; `call` gets numbers below `count` in turn.
#[expect(
    clippy::cast_precision_loss,
    reason = "calls of a tenth of a second stay below 2^53"
)]
fn time(count: usize, mut call: impl FnMut(usize)) -> Spread {
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        let mut calls = 0_u64;
        while start.elapsed() < ROUND {
            for n in 0..count {
                call(n);
            }
            calls += count as u64;
        }
        start.elapsed().as_nanos() as f64 / calls as f64
    });
    Spread::of(rounds).expect("there is at least one round")
}
