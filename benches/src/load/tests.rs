//! The generator against servers of this process.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::*;
use crate::fleet::Kind;
use crate::servers::{Constants, floor};

const ALLOW: &[u8] = br#"{"result":"allow"}"#;

fn constants() -> Constants {
    Constants {
        authn: br#"{"result":"allow","acl":[]}"#.to_vec(),
        authz: ALLOW.to_vec(),
    }
}

fn plan<'a>(
    address: SocketAddr,
    requests: &'a Requests,
    expect: &'a Expect,
    arrival: Arrival,
) -> Plan<'a> {
    Plan {
        address,
        dial: Dial::default(),
        requests,
        expect,
        arrival,
        connections: 3,
        threads: 2,
        warm_up: Duration::from_millis(20),
        measure: Duration::from_millis(200),
        seed: 1,
    }
}

#[test]
fn a_closed_loop_counts_what_was_answered_in_its_time() {
    let address = floor::start(&constants(), 1).unwrap();
    let requests = Requests::new(Kind::Authz, 500);
    let expect = Expect::Constant(ALLOW.to_vec());
    for depth in [1, 16, 100] {
        let plan = plan(address, &requests, &expect, Arrival::Closed { depth });
        let outcome = run(&plan, Some(&Clock::of_this_process())).unwrap();
        assert!(outcome.answers > 100, "{depth}: {}", outcome.answers);
        assert_eq!(outcome.latency.len(), outcome.answers);
        // The kernel counts CPU in ticks of 10 ms, so a busy machine may see none in this time.
        assert!(outcome.generator_us().is_finite() && outcome.server_us().unwrap().is_finite());
    }
}

#[test]
fn an_open_loop_asks_as_often_as_it_was_told_to() {
    let address = floor::start(&constants(), 1).unwrap();
    let requests = Requests::new(Kind::AuthnCertificate, 500);
    let expect = Expect::Constant(constants().authn);
    let arrival = Arrival::Open {
        per_second: 5000.0,
        depth: 100,
    };
    let outcome = run(&plan(address, &requests, &expect, arrival), None).unwrap();
    // 1000 are expected; 5 standard deviations of a Poisson process are 158.
    assert!(
        (840..=1160).contains(&outcome.answers),
        "{}",
        outcome.answers
    );
    assert_eq!(outcome.lateness.len(), outcome.answers);
}

#[test]
fn a_wrong_answer_fails_the_measurement() {
    let address = floor::start(&constants(), 1).unwrap();
    let requests = Requests::new(Kind::Authz, 500);
    // Revoked devices are among the 500, and this server allows them.
    let plan = plan(
        address,
        &requests,
        &Expect::Decision,
        Arrival::Closed { depth: 16 },
    );
    let error = format!("{:#}", run(&plan, None).unwrap_err());
    assert!(
        error.contains("answered wrongly") && error.contains("not a deny"),
        "{error}"
    );
}

/// Answers every request after `pause`, one at a time, and counts nothing.
fn slow_server(pause: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut buffer = vec![0; 1 << 20];
                let mut owed = 0;
                while let Ok(read) = stream.read(&mut buffer[owed..]) {
                    if read == 0 {
                        return;
                    }
                    let filled = owed + read;
                    let requests = memchr::memmem::find_iter(&buffer[..filled], b"POST ").count();
                    wait_until(Instant::now() + pause);
                    let answer =
                        b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"result\":\"allow\"}";
                    if stream.write_all(&answer.repeat(requests)).is_err() {
                        return;
                    }
                    owed = 0;
                }
            });
        }
    });
    address
}

#[test]
fn a_server_that_stalls_is_charged_for_everything_that_was_due_meanwhile() {
    let address = slow_server(Duration::from_millis(50));
    let requests = Requests::new(Kind::Authz, 100);
    let expect = Expect::Constant(ALLOW.to_vec());
    let arrival = Arrival::Open {
        per_second: 200.0,
        depth: 1,
    };
    let mut plan = plan(address, &requests, &expect, arrival);
    (plan.connections, plan.threads) = (1, 1);
    let outcome = run(&plan, None).unwrap();
    // 20 answers a second are possible and 200 are asked for: the last of the 44 that were due by
    // the end is answered 2 seconds later. A generator that waits politely would see 50 ms.
    assert!(
        outcome.latency_ms(0.99) > 500.0,
        "{} ms",
        outcome.latency_ms(0.99)
    );
}

#[test]
fn a_generator_that_is_late_or_at_its_limit_refuses() {
    let requests = Requests::new(Kind::Authz, 10);
    let expect = Expect::Decision;
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let outcome = |generator_cpu, server_cpu, late_ns| {
        let mut lateness = histogram();
        lateness.record(late_ns).unwrap();
        Outcome {
            answers: 1000,
            seconds: 1.0,
            latency: histogram(),
            lateness,
            priority: crate::load::Priority::Normal,
            generator_cpu,
            server_cpu: Some(server_cpu),
        }
    };
    let mut closed = plan(address, &requests, &expect, Arrival::Closed { depth: 1 });
    closed.threads = 1;
    assert_eq!(judge(&closed, &outcome(0.9, 0.2, 1), 2), Ok(()));
    assert_eq!(judge(&closed, &outcome(0.99, 0.95, 1), 2), Ok(()));
    let bound = judge(&closed, &outcome(0.99, 0.4, 1), 2);
    assert!(matches!(bound, Err(Refusal::GeneratorBound { .. })));
    let arrival = Arrival::Open {
        per_second: 1.0,
        depth: 1,
    };
    let open = plan(address, &requests, &expect, arrival);
    assert_eq!(judge(&open, &outcome(0.9, 0.2, 900_000), 2), Ok(()));
    let late = judge(&open, &outcome(0.1, 0.1, 3_000_000), 2);
    assert!(matches!(late, Err(Refusal::Late { .. })));
    assert!(
        late.unwrap_err()
            .to_string()
            .contains("could not keep its own rate")
    );
}
