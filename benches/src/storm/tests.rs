//! A tiny storm through dev-broker and hook-service's own stack, in this process.

mod fake_api;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chaos::pki::Pki;
use dev_broker::{ApiKey, DevBroker, Options};
use emqx_config::EmqxConf;
use hook_service::decide::IdentityMode;
use hook_service::fleet::{ServiceClients, Writer, pair};
use rustls::pki_types::ServerName;
use serde_json::Map;

use self::fake_api::FakeApi;
use super::client::{self, Connack, Target};
use super::comparison::{Authentication, Broker, Comparison, Effort};
use super::devices::{self, Device, Devices, TlsVersion};
use super::emqx::Emqx;
use super::generator::{Arrival, Clocks, Generator, Plan};
use super::{dev_broker as processes, figures};
use crate::cpu::Clock;
use crate::fleet::{self, Signed};
use crate::servers;

const DEVICES: u32 = 128;

/// Two brokers and the hook, all in one runtime.
struct Brokers {
    nobody: DevBroker,
    hook: DevBroker,
    _writer: Writer,
}

impl Brokers {
    async fn start(pki: &Pki, signed: &Signed) -> Self {
        let (mut writer, reader) = pair(Instant::now());
        let table = fleet::table_with(DEVICES, signed);
        writer.replace(table, ServiceClients::default());
        writer.allow_until(Instant::now() + Duration::from_secs(600));
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mode = IdentityMode::CertPem;
        let hook = servers::hooks::start_one(any, &reader, mode, None).unwrap();
        let broker = async |way| {
            let options = Options {
                conf: EmqxConf::parse(&processes::configuration(way)).unwrap(),
                certs_dir: pki.folder().to_owned(),
                bind: BTreeMap::new(),
                hook_base_url: Some(format!("http://{hook}").parse().unwrap()),
                crl: None,
                api_bind: any,
                api_key: ApiKey {
                    key: "key".to_owned(),
                    secret: "secret".to_owned(),
                },
                hook_headers: BTreeMap::new(),
            };
            DevBroker::start(options).await.unwrap()
        };
        Self {
            nobody: broker(Authentication::Nobody).await,
            hook: broker(Authentication::Hook).await,
            _writer: writer,
        }
    }
}

impl Broker for Brokers {
    fn ways(&self) -> &'static [Authentication] {
        &[Authentication::Nobody, Authentication::Hook]
    }

    fn prepare(&mut self, way: Authentication) -> anyhow::Result<(Target, Clocks)> {
        let broker = match way {
            Authentication::Nobody => &self.nobody,
            _ => &self.hook,
        };
        let target = Target {
            address: broker.addresses["devices"],
            name: ServerName::try_from("localhost")?,
            authenticates: way != Authentication::Nobody,
        };
        // One process: the figures are there, what they say does not matter here.
        let clocks = Clocks {
            broker: Some(Clock::of_this_process()),
            hook: Some(Clock::of_this_process()),
        };
        Ok((target, clocks))
    }
}

/// The one revoked device and 19 active ones.
fn twenty(pki: &Pki, version: TlsVersion) -> (Arc<[Device]>, Signed) {
    let Devices { all, signed } = devices::make(pki, DEVICES, DEVICES, version).unwrap();
    let of = |active| all.iter().filter(move |device| device.active == active);
    let devices: Arc<[Device]> = of(false).chain(of(true).take(19)).cloned().collect();
    assert_eq!(devices.len(), 20);
    (devices, signed)
}

#[test]
fn in_a_storm_the_revoked_are_refused_and_without_authentication_nobody_is() {
    let pki = Pki::temporary(&[]).unwrap();
    for version in [TlsVersion::V12, TlsVersion::V13] {
        let (devices, signed) = twenty(&pki, version);
        let generator = Generator::new(2, Arc::clone(&devices)).unwrap();
        let runtime = &generator.runtime;
        let mut brokers = runtime.block_on(Brokers::start(&pki, &signed));
        for way in [Authentication::Nobody, Authentication::Hook] {
            let (target, _) = brokers.prepare(way).unwrap();
            for device in &*devices {
                let said = runtime.block_on(async {
                    let answered = client::connect(&target, device).await.unwrap();
                    let said = answered.said;
                    answered.goodbye().await;
                    said
                });
                let in_force = way == Authentication::Hook;
                let expected = if in_force && !device.active {
                    Connack::Denied
                } else {
                    Connack::Accepted
                };
                assert_eq!(said, expected, "{way:?} {}", device.id);
                assert!(target.is_right(device, said));
            }
        }
    }
}

#[test]
fn a_tiny_storm_has_all_figures_and_no_wrong_answer() {
    let pki = Pki::temporary(&[]).unwrap();
    let (devices, signed) = twenty(&pki, TlsVersion::V13);
    let generator = Generator::new(1, devices).unwrap();
    let mut brokers = generator.runtime.block_on(Brokers::start(&pki, &signed));
    let effort = Effort {
        clients: 4,
        rounds: 2,
        open_rounds: 1,
        warm_up: Duration::from_millis(50),
        measure: Duration::from_millis(700),
    };
    let comparison = Comparison::measure("", &mut brokers, &generator, &effort).unwrap();
    assert_eq!(comparison.wrong(), 0);
    let mut found = Map::new();
    figures::add(&mut found, &comparison);
    // On a machine that is busy with other tests the generator may be late and say so.
    let refused = |name: &str| {
        comparison
            .refused
            .iter()
            .any(|(what, _)| what.contains(name))
    };
    assert!(!refused("closed"), "{:?}", comparison.refused);
    for name in [
        "connects_vs_noauth",
        "hook_cpu_vs_broker_cpu",
        "broker_cpu_vs_noauth",
        "noauth_connects_per_s",
        "hook_connects_per_s",
        "hook_broker_us",
        "hook_hook_us",
        "hook_generator_us",
    ] {
        assert!(found[name].as_f64().unwrap() > 0.0, "{name}: {found:?}");
    }
    assert!(found["connects_vs_noauth_spread"]["low"].is_number());
    assert!(found["storm_ok"].is_boolean());
    assert!(refused("half load") || found["hook_half_load_p99_ms"].is_number());
    assert!(figures::table(&comparison).contains("dev-broker, noauth"));
}

#[test]
fn a_broker_that_lets_the_revoked_in_is_found_out() {
    let pki = Pki::temporary(&[]).unwrap();
    let (devices, signed) = twenty(&pki, TlsVersion::V13);
    let generator = Generator::new(1, devices).unwrap();
    let mut brokers = generator.runtime.block_on(Brokers::start(&pki, &signed));
    let (target, clocks) = brokers.prepare(Authentication::Nobody).unwrap();
    let target = Target {
        authenticates: true,
        ..target
    };
    let plan = Plan {
        arrival: Arrival::Closed { clients: 20 },
        warm_up: Duration::ZERO,
        measure: Duration::from_millis(500),
    };
    let outcome = generator.run(&target, &plan, &clocks).unwrap();
    assert!(outcome.wrong > 0 && outcome.denied == 0, "{outcome:?}");
}

#[test]
fn a_broker_that_is_not_there_fails_the_run() {
    let pki = Pki::temporary(&[]).unwrap();
    let (devices, _) = twenty(&pki, TlsVersion::V13);
    let generator = Generator::new(1, devices).unwrap();
    let bound = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = bound.local_addr().unwrap();
    drop(bound);
    let target = Target {
        address,
        name: ServerName::try_from("localhost").unwrap(),
        authenticates: true,
    };
    let plan = Plan {
        arrival: Arrival::Closed { clients: 2 },
        warm_up: Duration::ZERO,
        measure: Duration::from_millis(20),
    };
    let clocks = Clocks {
        broker: None,
        hook: None,
    };
    let error = generator.run(&target, &plan, &clocks).unwrap_err();
    assert!(error.to_string().contains("connecting"), "{error}");
}

#[test]
fn an_emqx_is_equipped_switched_and_cleaned() {
    let pki = Pki::temporary(&[]).unwrap();
    let (devices, signed) = twenty(&pki, TlsVersion::V13);
    let generator = Generator::new(2, Arc::clone(&devices)).unwrap();
    let mut brokers = generator.runtime.block_on(Brokers::start(&pki, &signed));
    let (target, clocks) = brokers.prepare(Authentication::Hook).unwrap();
    let hook = (target.address, clocks.hook.unwrap());
    let handle = generator.runtime.handle();
    let api = FakeApi::start("[]");
    // The storm's listener is one of dev-broker, with our hook in force.
    let settings = api.settings(target.address);
    let mut emqx = Emqx::start(&settings, &pki, &devices, hook.clone(), handle.clone()).unwrap();
    assert_eq!(emqx.version, "5.8.9");
    let (target, _) = emqx.prepare(Authentication::Hook).unwrap();
    assert!(target.authenticates);
    emqx.prepare(Authentication::Hook).unwrap();
    emqx.clean();
    let calls = api.calls();
    let count = |start: &str| calls.iter().filter(|call| call.starts_with(start)).count();
    assert_eq!(count("POST /api/v5/listeners "), 1);
    assert_eq!(count("POST /api/v5/authentication "), 2);
    let users = "POST /api/v5/authentication/password_based:built_in_database/users ";
    assert_eq!(count(users), 19, "the revoked device is no user");
    assert_eq!(count("PUT /api/v5/authentication/"), 2, "switched once");
    assert_eq!(count("DELETE /api/v5/"), 3);
    let on = |call: &&String| call.starts_with("PUT") && call.contains(r#""enable":true"#);
    let on: Vec<_> = calls.iter().filter(on).collect();
    assert!(
        on.len() == 1 && on[0].contains("password_based:http"),
        "{on:?}"
    );

    let api = FakeApi::start(r#"[{"id":"password_based:http"}]"#);
    let settings = api.settings(target.address);
    let error = Emqx::start(&settings, &pki, &devices, hook, handle.clone())
        .err()
        .unwrap();
    assert!(error.to_string().contains("alone"), "{error}");
    let all_get = api.calls().iter().all(|call| call.starts_with("GET"));
    assert!(all_get, "one in use is left alone");
}
