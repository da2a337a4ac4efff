//! What is asked of the service: whole requests written beforehand, and what pgbench draws instead.

use anyhow::{Context, ensure};
use serde_json::Value;

use super::script::Drawn;
use super::stack::{OWNERS, Stack};
use crate::fleet::{Requests, SplitMix};
use crate::load::{Expect, fetch};

/// HTTP connections, one request at a time on each: twice the pool, so that no connection of it waits.
pub(super) const CONNECTIONS: usize = 32;

/// People who ask. Half of them own what they see, half see it eight groups below them.
const ASKERS: u32 = 16;

/// Devices on a page.
const PAGE: u32 = 50;

/// The number of the first device's id.
const FIRST_ID: u32 = 1_000_000_000;

/// Requests of one kind.
#[derive(Debug)]
pub(super) struct Traffic {
    /// Of its figures.
    pub(super) name: &'static str,
    pub(super) is_write: bool,
    pub(super) requests: Requests,
    pub(super) expect: Expect,
    /// For each asker one request alone, and what pgbench draws in its place.
    pub(super) askers: Vec<(Requests, Drawn)>,
}

/// Requests in the making.
#[derive(Default)]
struct Writing {
    /// Device, request, how the answer begins.
    written: Vec<(u32, Vec<u8>, Vec<u8>)>,
    askers: Vec<(Requests, Drawn)>,
}

impl Traffic {
    /// All kinds: a device, a page of devices, a change of what is noted about a device.
    pub(super) fn all(stack: &Stack, devices: u32) -> anyhow::Result<Vec<Self>> {
        let each = devices / OWNERS;
        ensure!(each > PAGE, "an owner has less than two pages of devices");
        let (mut device, mut page, mut patch) =
            (Writing::default(), Writing::default(), Writing::default());
        for asker in 0..ASKERS {
            let token = stack.token(&format!("owner-{asker}"), &[]);
            let any = any_device(asker, each);
            for turn in 0..each {
                let number = turn * OWNERS + asker;
                let id = id(number);
                let get = request("GET", &format!("/devices/{id}"), &token, None);
                device.add(
                    number,
                    get,
                    opening(&id),
                    (turn == 0).then(|| drawn(&id, &any)),
                );
                let noted =
                    r#"{"metadata":{"place":"greenhouse","row":7,"plants":["basil","mint"]}}"#;
                let change = request("PATCH", &format!("/devices/{id}"), &token, Some(noted));
                patch.add(
                    number,
                    change,
                    opening(&id),
                    (turn == 0).then(|| drawn(&id, &any)),
                );
            }
            pages(stack, asker, each, &token, &mut page)?;
        }
        Ok(vec![
            device.done("read_device", false),
            page.done("read_page", false),
            patch.done("write", true),
        ])
    }
}

/// Walks an asker's pages, and asks for each but the first, whose place no cursor names.
fn pages(
    stack: &Stack,
    asker: u32,
    each: u32,
    token: &str,
    page: &mut Writing,
) -> anyhow::Result<()> {
    let pages = each / PAGE;
    let mut path = format!("/devices?limit={PAGE}");
    for turn in 0..pages {
        let get = request("GET", &path, token, None);
        let first = id(turn * PAGE * OWNERS + asker);
        let one = Requests::whole(&[(0, get.clone())]);
        let body: Value = serde_json::from_slice(&fetch(stack.api, &one)?)?;
        let devices = body["devices"].as_array().map_or(0, Vec::len);
        ensure!(
            body["devices"][0]["deviceId"] == *first && devices == PAGE as usize,
            "page {turn} of asker {asker} is another: {body}"
        );
        if turn > 0 {
            let last = id((turn * PAGE - 1) * OWNERS + asker);
            let any = format!(
                "\\set page random(1, {})\n\\set drawn {FIRST_ID} + (:page * {PAGE} - 1) * {OWNERS} + {asker}\n",
                pages - 1
            );
            let begin = format!(r#"{{"devices":[{{"deviceId":"{first}""#).into_bytes();
            page.add(0, get, begin, (turn == 1).then(|| drawn(&last, &any)));
        }
        if turn + 1 < pages {
            let cursor = body["nextCursor"]
                .as_str()
                .context("a page without a next one")?;
            path = format!("/devices?limit={PAGE}&cursor={cursor}");
        }
    }
    Ok(())
}

impl Writing {
    fn add(&mut self, number: u32, request: Vec<u8>, begin: Vec<u8>, alone: Option<Drawn>) {
        if let Some(drawn) = alone {
            let one = Requests::whole(&[(number, request.clone())]);
            self.askers.push((one, drawn));
        }
        self.written.push((number, request, begin));
    }

    fn done(mut self, name: &'static str, is_write: bool) -> Traffic {
        // In no order: neighbours in the table are asked for by different people.
        let mut random = SplitMix::new(u64::from(OWNERS));
        for index in (1..self.written.len()).rev() {
            self.written.swap(index, random.below(index + 1));
        }
        let (mut requests, mut openings) = (Vec::new(), Vec::new());
        for (number, request, begin) in self.written {
            requests.push((number, request));
            openings.push(begin);
        }
        Traffic {
            name,
            is_write,
            requests: Requests::whole(&requests),
            expect: Expect::Openings(openings),
            askers: self.askers,
        }
    }
}

fn id(number: u32) -> String {
    (FIRST_ID + number).to_string()
}

fn opening(id: &str) -> Vec<u8> {
    format!(r#"{{"deviceId":"{id}""#).into_bytes()
}

fn drawn(recorded: &str, commands: &str) -> Drawn {
    Drawn {
        recorded: recorded.to_owned(),
        commands: commands.to_owned(),
    }
}

fn any_device(asker: u32, each: u32) -> String {
    format!(
        "\\set turn random(0, {})\n\\set drawn {FIRST_ID} + :turn * {OWNERS} + {asker}\n",
        each - 1
    )
}

fn request(method: &str, path: &str, token: &str, body: Option<&str>) -> Vec<u8> {
    let about_body = body.map_or_else(String::new, |body| {
        format!(
            "content-type: application/json\r\ncontent-length: {}\r\n",
            body.len()
        )
    });
    format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: benches\r\n\
         accept: application/json\r\nauthorization: Bearer {token}\r\n{about_body}\r\n{}",
        body.unwrap_or_default()
    )
    .into_bytes()
}
