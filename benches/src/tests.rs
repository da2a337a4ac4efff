//! End to end and small: the generator against hook-service's own stack.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hook_service::decide::IdentityMode;
use hook_service::fleet::{ServiceClients, Writer, pair};

use crate::fleet::{self, Kind, Requests};
use crate::load::{self, Arrival, Dial, Expect, Plan};
use crate::servers::{self, Constants};

const DEVICES: u32 = 1000;

async fn hooks(mode: IdentityMode, tls: Option<&std::path::Path>) -> (Writer, SocketAddr) {
    let (mut writer, reader) = pair(Instant::now());
    writer.replace(fleet::table(DEVICES), ServiceClients::default());
    writer.allow_until(Instant::now() + Duration::from_secs(600));
    let files = tls.map(servers::tls::server_files);
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let address = servers::hooks::start_one(address, &reader, mode, files.as_ref());
    let address = address.unwrap();
    (writer, address)
}

/// Measures 200 ms; fails when one answer is wrong.
async fn measure(
    address: SocketAddr,
    dial: Dial,
    kind: Kind,
    expect: Expect,
    arrival: Arrival,
) -> load::Outcome {
    let measuring = move || {
        let requests = Requests::new(kind, DEVICES);
        let plan = Plan {
            address,
            dial,
            requests: &requests,
            expect: &expect,
            arrival,
            connections: 4,
            threads: 1,
            warm_up: Duration::from_millis(20),
            measure: Duration::from_millis(200),
            seed: 1,
        };
        load::run(&plan, None).unwrap()
    };
    tokio::task::spawn_blocking(measuring).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_request_is_answered_rightly_at_every_depth() {
    for (mode, kind) in [
        (IdentityMode::CertPem, Kind::AuthnCertificate),
        (IdentityMode::CnAndPassword, Kind::AuthnPassword),
        (IdentityMode::CertPem, Kind::Authz),
    ] {
        let (_writer, address) = hooks(mode, None).await;
        for depth in [1, 16, 100] {
            let arrival = Arrival::Closed { depth };
            let outcome = measure(address, Dial::default(), kind, Expect::Decision, arrival).await;
            assert!(outcome.answers > 0);
        }
        let arrival = Arrival::Open {
            per_second: 1000.0,
            depth: 100,
        };
        let outcome = measure(address, Dial::default(), kind, Expect::Decision, arrival).await;
        assert!(
            (100..=320).contains(&outcome.answers),
            "{}",
            outcome.answers
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hook_service_with_tls_is_asked_like_without() {
    let folder = tempfile::tempdir().unwrap();
    servers::tls::make(folder.path()).unwrap();
    let (_writer, address) = hooks(IdentityMode::CertPem, Some(folder.path())).await;
    let dial = Dial {
        tls: Some(servers::tls::client(folder.path()).unwrap()),
    };
    for depth in [1, 100] {
        let arrival = Arrival::Closed { depth };
        let kind = Kind::AuthnCertificate;
        let outcome = measure(address, dial.clone(), kind, Expect::Decision, arrival).await;
        assert!(outcome.answers > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_constant_peer_answers_with_the_very_bytes_of_hook_service() {
    let (_writer, address) = hooks(IdentityMode::CertPem, None).await;
    let fetch = |kind| {
        tokio::task::spawn_blocking(move || {
            load::fetch(address, &Requests::new(kind, DEVICES)).unwrap()
        })
    };
    let constants = Constants {
        authn: fetch(Kind::AuthnCertificate).await.unwrap(),
        authz: fetch(Kind::Authz).await.unwrap(),
    };
    assert!(
        constants.authn.len() > 500,
        "{} bytes",
        constants.authn.len()
    );
    let argument = constants.to_argument();
    assert_eq!(Constants::from_argument(&argument).unwrap(), constants);
    let address = servers::constant::start(constants.clone()).await.unwrap();
    let expect = Expect::Constant(constants.authn);
    let arrival = Arrival::Closed { depth: 16 };
    let kind = Kind::AuthnCertificate;
    let outcome = measure(address, Dial::default(), kind, expect, arrival).await;
    assert!(outcome.answers > 0);
}
