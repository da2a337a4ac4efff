//! A factory's registrations over HTTP beside bare checks and signatures of the same requests.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use base64_simd::STANDARD;
use certs::{CaKind, CheckedCsr, DeviceSpec, IssuingCa, PkiFolder};
use serde_json::{Value, json};

use super::stack::Stack;
use super::{Figures, rounded};
use crate::cpu::Clock;
use crate::machine;
use crate::report::say;
use crate::statistics::Spread;

/// What the service signs for, unless it is told otherwise.
const DAYS: u16 = 365;

/// A call is answered within this time.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// Signing requests, and the figures of the rounds.
pub(super) struct Signing {
    /// In PEM.
    requests: Vec<String>,
    ca: IssuingCa,
    token: String,
    http: reqwest::Client,
    ratios: Vec<f64>,
    per_second: Vec<f64>,
    bare_per_second: Vec<f64>,
    service_us: Vec<f64>,
    database_us: Vec<f64>,
    generator_us: Vec<f64>,
}

impl Signing {
    /// Makes so many keys, and a call that warms everything up.
    pub(super) fn new(stack: &Stack, count: usize) -> anyhow::Result<Self> {
        say(&format!("{count} keys and signing requests are being made"));
        let requests = (0..count)
            .map(|_| Ok(pem(&chaos::pki::signing_request()?)))
            .collect::<anyhow::Result<_>>()?;
        // The client that fetches takes the process's provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER_TIME_MAX)
            .build()
            .context("making an HTTP client")?;
        let signing = Self {
            requests,
            ca: PkiFolder::new(stack.pki.folder()).load_issuing(CaKind::Device)?,
            token: stack.token("factory", &["manufacturer"]),
            http,
            ratios: Vec::new(),
            per_second: Vec::new(),
            bare_per_second: Vec::new(),
            service_us: Vec::new(),
            database_us: Vec::new(),
            generator_us: Vec::new(),
        };
        signing.register(stack, "warm", 64)?;
        Ok(signing)
    }

    /// Measures both once, the one that comes first in turn.
    pub(super) fn round(&mut self, stack: &Stack, round: usize) -> anyhow::Result<()> {
        let count = self.requests.len();
        let mut bare = None;
        if !round.is_multiple_of(2) {
            bare = Some(self.bare()?);
        }
        stack.settle()?;
        let (service, both) = (stack.service_clock(), stack.clock());
        let own = Clock::of_this_process();
        let before = (service.seconds(), both.seconds(), own.seconds());
        let rate = self.register(stack, &format!("round{round}"), count)?;
        let service = service.seconds() - before.0;
        let database = both.seconds() - before.1 - service;
        let generator = own.seconds() - before.2;
        let bare = match bare {
            Some(bare) => bare,
            None => self.bare()?,
        };
        say(&format!("csr round {round}: {rate:.0}/s, bare {bare:.0}/s"));
        let each = |seconds: f64| seconds * 1e6 / as_f64(count);
        self.ratios.push(rate / bare);
        self.per_second.push(rate);
        self.bare_per_second.push(bare);
        self.service_us.push(each(service));
        self.database_us.push(each(database));
        self.generator_us.push(each(generator));
        Ok(())
    }

    /// Registers `count` devices in calls of equal size, one for each processor at once. Devices in a
    /// second.
    fn register(&self, stack: &Stack, name: &str, count: usize) -> anyhow::Result<f64> {
        let calls = machine::cores().clamp(1, 4);
        let bodies: Vec<(String, usize)> = self.requests[..count]
            .chunks(count.div_ceil(calls))
            .enumerate()
            .map(|(call, requests)| (lines(name, call, requests), requests.len()))
            .collect();
        let url = format!("http://{}/api/v1/manufacturing/devices/bulk", stack.api);
        let start = Instant::now();
        stack.runtime.block_on(async {
            let calls = bodies.into_iter().map(|(body, lines)| {
                let sent = self
                    .http
                    .post(&url)
                    .bearer_auth(&self.token)
                    .header("content-type", "application/x-ndjson")
                    .body(body)
                    .send();
                tokio::spawn(async move {
                    let text = sent.await?.error_for_status()?.text().await?;
                    all_registered(&text, lines)
                })
            });
            for call in calls.collect::<Vec<_>>() {
                call.await.context("a call ended early")??;
            }
            anyhow::Ok(())
        })?;
        Ok(as_f64(count) / start.elapsed().as_secs_f64())
    }

    /// Checks and signs all of them on a thread for each processor, and nothing else. In a second.
    fn bare(&self) -> anyhow::Result<f64> {
        let share = self.requests.len().div_ceil(machine::cores());
        let start = Instant::now();
        std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .requests
                .chunks(share)
                .map(|requests| scope.spawn(|| sign(&self.ca, requests)))
                .collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().expect("a signing thread does not panic"))
        })?;
        Ok(as_f64(self.requests.len()) / start.elapsed().as_secs_f64())
    }

    pub(super) fn note(&self, found: &mut Figures) {
        for (name, values) in [
            ("csr_signing_vs_crypto", &self.ratios),
            ("csr_per_s", &self.per_second),
            ("csr_bare_per_s", &self.bare_per_second),
            ("csr_service_us", &self.service_us),
            ("csr_database_us", &self.database_us),
            ("csr_generator_us", &self.generator_us),
        ] {
            found.spread(name, values);
        }
    }

    pub(super) fn line(&self) -> String {
        let middle = |values: &[f64]| {
            let spread = Spread::of(values.iter().copied());
            spread.map_or(Value::Null, |spread| rounded(spread.median))
        };
        format!(
            "csr          {} of bare signing: {}/s and {}/s; CPU us each: service {}, database {}",
            middle(&self.ratios),
            middle(&self.per_second),
            middle(&self.bare_per_second),
            middle(&self.service_us),
            middle(&self.database_us),
        )
    }
}

fn sign(ca: &IssuingCa, requests: &[String]) -> anyhow::Result<()> {
    for (number, request) in requests.iter().enumerate() {
        let csr = CheckedCsr::parse(request.as_bytes())?;
        let id = format!("bare-{number}");
        let spec = DeviceSpec {
            device_id: &id,
            days: DAYS,
            crl_url: None,
        };
        let now = time::OffsetDateTime::now_utc();
        std::hint::black_box(ca.issue_device(&csr, &spec, now, &mut rand::rng())?);
    }
    Ok(())
}

/// A line for each device.
fn lines(name: &str, call: usize, requests: &[String]) -> String {
    let mut body = String::new();
    for (number, csr) in requests.iter().enumerate() {
        let id = format!("{name}-{call}-{number}");
        let line = json!({"deviceId": id, "model": "GrowTent-2", "csr": csr});
        writeln!(body, "{line}").expect("writing to memory succeeds");
    }
    body
}

/// Refuses an answer in which one device was not registered.
fn all_registered(answer: &str, lines: usize) -> anyhow::Result<()> {
    let last = answer.lines().last().unwrap_or_default();
    let sums: Value = serde_json::from_str(last).context("the last line is not JSON")?;
    ensure!(
        sums["done"]["registered"] == lines,
        "not all of {lines} devices were registered: {}",
        answer
            .lines()
            .find(|line| line.contains("problem"))
            .unwrap_or(last)
    );
    Ok(())
}

/// As RFC 7468 writes it.
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode_to_string(der);
    let mut pem = "-----BEGIN CERTIFICATE REQUEST-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, left) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = left;
    }
    pem + "-----END CERTIFICATE REQUEST-----\n"
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_in_pem_is_one_that_certs_takes() {
        let der = chaos::pki::signing_request().unwrap();
        let text = pem(&der);
        assert!(text.lines().all(|line| line.len() <= 64));
        CheckedCsr::parse(text.as_bytes()).unwrap();
    }

    #[test]
    fn one_device_that_is_missing_is_found() {
        let done = |registered: usize| json!({"done": {"registered": registered}}).to_string();
        all_registered(&format!("{{}}\n{}\n", done(2)), 2).unwrap();
        assert!(all_registered(&done(1), 2).is_err());
        assert!(all_registered("", 0).is_err());
    }
}
