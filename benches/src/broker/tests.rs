//! The brokers against servers of this process, good and bad.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use hook_service::decide::IdentityMode;
use hook_service::fleet::{ServiceClients, pair};

use super::verdict::{Verdict, judge};
use super::*;
use crate::{fleet, servers};

const DEVICES: u32 = 1000;

static NEVER: AtomicBool = AtomicBool::new(false);

fn plan<'a>(address: SocketAddr, requests: &'a Requests, phases: &'a [Phase]) -> Plan<'a> {
    Plan {
        address,
        requests,
        connections: 4,
        phases,
        stop: &NEVER,
        cpu: None,
        server: None,
        seed: 1,
    }
}

fn open(per_second: f64, ms: u64) -> Phase {
    Phase {
        arrival: Arrival::Open {
            per_second,
            depth: DEPTH,
        },
        lasts: Duration::from_millis(ms),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_that_have_time_answer_everybody_rightly_and_shed_nobody() {
    let (mut writer, reader) = pair(Instant::now());
    writer.replace(fleet::table(DEVICES), ServiceClients::default());
    writer.allow_until(Instant::now() + Duration::from_secs(600));
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let mode = IdentityMode::CertPem;
    let address = servers::hooks::start_one(any, &reader, mode, None).unwrap();
    let run = move || {
        let requests = Requests::with_impostors(DEVICES);
        let closed = Phase {
            arrival: Arrival::Closed { depth: 16 },
            lasts: Duration::from_millis(100),
        };
        super::run(&plan(address, &requests, &[closed, open(2000.0, 300)])).unwrap()
    };
    let seen = tokio::task::spawn_blocking(run).await.unwrap();
    for seen in &seen {
        assert!(
            seen.allowed > 10 * seen.denied && seen.denied > 0,
            "{seen:?}"
        );
        let wrong = seen.shed + seen.wrong_allows + seen.out_of_order + seen.failed;
        assert_eq!(wrong + seen.reconnects, 0, "{seen:?}");
    }
    // 600 are expected; 5 standard deviations of a Poisson process are 122.
    assert!(
        (478..=722).contains(&seen[1].offered),
        "{}",
        seen[1].offered
    );
}

/// Denies every request, and closes a connection once it was asked for so many.
fn denying(at_most: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let deny = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"result\":\"deny\"}";
                let (mut buffer, mut answered) = (vec![0; 1 << 20], 0);
                while let Ok(read) = stream.read(&mut buffer) {
                    // Every body ends with the only such byte in it.
                    let asked = memchr::memchr_iter(b'}', &buffer[..read]).count();
                    let now = asked.min(at_most - answered);
                    answered += now;
                    if read == 0
                        || stream.write_all(&deny.repeat(now)).is_err()
                        || answered == at_most
                    {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[test]
fn a_connection_that_is_closed_is_made_again_and_nothing_is_lost() {
    let address = denying(50);
    let requests = Requests::with_impostors(DEVICES);
    let seen = super::run(&plan(address, &requests, &[open(2000.0, 300)])).unwrap();
    let seen = &seen[0];
    assert!(seen.reconnects > 0, "{seen:?}");
    assert_eq!(seen.answers() + seen.failed, seen.offered, "{seen:?}");
    assert_eq!(
        (seen.failed, seen.refused, seen.unsent),
        (0, 0, 0),
        "{seen:?}"
    );
    assert!(
        seen.shed > 0 && seen.denied > 0 && seen.allowed == 0,
        "{seen:?}"
    );
    let by_ms: u64 = seen.shed_by_ms.iter().map(|n| u64::from(*n)).sum();
    assert_eq!(seen.shed, by_ms);
    assert_eq!(seen.shed, seen.shed_latency.len());
}

#[test]
fn what_cannot_be_sent_waits_here_and_is_counted() {
    // Accepted by the kernel and never answered.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let requests = Requests::with_impostors(DEVICES);
    let phases = [open(20_000.0, 100), open(100.0, 20)];
    let mut plan = plan(listener.local_addr().unwrap(), &requests, &phases);
    plan.connections = 1;
    let seen = super::run(&plan).unwrap();
    assert_eq!(seen[0].offered - seen[0].unsent, DEPTH as u64);
    assert_eq!(seen[1].failed, DEPTH as u64, "nobody ever answered");
}

#[test]
fn a_shed_a_wrong_allow_and_another_ones_answer_are_told_apart() {
    let requests = Requests::with_impostors(DEVICES);
    let find = |allowed| (0..requests.len()).find(|index| requests.is_allowed(*index) == allowed);
    let (may, must_not) = (find(true).unwrap(), find(false).unwrap());
    let allow = |number| {
        let id = fleet::id(number);
        format!(r#"{{"result":"allow","acl":[{{"topics":["{id}/telemetry"]}}]}}"#).into_bytes()
    };
    let deny = br#"{"result":"deny"}"#.to_vec();
    let own = requests.device(may);
    for (index, body, verdict) in [
        (may, allow(own), Verdict::Allowed),
        (may, allow(own + 1), Verdict::OutOfOrder),
        (may, deny.clone(), Verdict::Shed),
        (must_not, deny, Verdict::Denied),
        (
            must_not,
            allow(requests.device(must_not)),
            Verdict::WrongAllow,
        ),
    ] {
        assert_eq!(judge(&requests, index, &body, 1), Ok(verdict));
    }
    for broken in [
        &b""[..],
        br#"{"result":"ignore"}"#,
        br#"{"result":"allow"}"#,
    ] {
        assert!(judge(&requests, may, broken, 1).is_err());
    }
    // One in some is compared as a whole, and this one has no fingerprint.
    assert!(judge(&requests, may, &allow(own), 0).is_err());
}

#[test]
fn the_end_of_an_overload_is_the_first_quiet_time_and_not_a_later_one() {
    let mut seen = Seen::new();
    seen.seconds = 1.0;
    assert_eq!(seen.quiet_after_ms(100), Some(0));
    seen.shed_by_ms = vec![0; 300];
    seen.shed_by_ms[50] = 1;
    seen.shed_by_ms[60] = 3;
    seen.shed_by_ms[299] = 1;
    assert_eq!(seen.quiet_after_ms(100), Some(61));
    seen.seconds = 0.35;
    assert_eq!(seen.quiet_after_ms(240), None);
}
