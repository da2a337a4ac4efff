//! What an answer must say, judged without any code of the service.

use serde_json::Value;

use crate::fleet::{Kind, Requests, Template, fingerprint, fingerprint_text, id};

/// Every answer begins with this, and the byte after it tells allow from deny.
const OPENING: &[u8] = br#"{"result":""#;

/// One answer of this many is compared as a whole. Odd, so that it drifts over a burst.
const COMPARED_EVERY: u64 = 251;

/// What is expected of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expect {
    /// The decision about the very device that was asked for.
    Decision,
    /// Always this body.
    Constant(Vec<u8>),
    /// JSON that begins so, for each request by its index.
    Openings(Vec<Vec<u8>>),
}

impl Expect {
    /// Judges the answer to request `index`. `count` numbers the answers of a connection.
    pub(crate) fn check(
        &self,
        requests: &Requests,
        index: usize,
        body: &[u8],
        count: u64,
    ) -> Result<(), String> {
        if let Self::Openings(openings) = self {
            return begins(&openings[index], body, count);
        }
        let allowed = match self {
            Self::Decision => requests.is_allowed(index),
            Self::Constant(_) | Self::Openings(_) => true,
        };
        let byte = body.get(OPENING.len()).copied();
        let said = body.starts_with(OPENING) && byte == Some(if allowed { b'a' } else { b'd' });
        if said && !count.is_multiple_of(COMPARED_EVERY) {
            return Ok(());
        }
        let judged = match self {
            Self::Constant(constant) if body == constant.as_slice() => Ok(()),
            Self::Constant(_) | Self::Openings(_) => Err("not the constant"),
            Self::Decision if !said => Err(if allowed {
                "not an allow"
            } else {
                "not a deny"
            }),
            Self::Decision => compare(requests, index, body, allowed),
        };
        judged.map_err(|what| {
            format!(
                "the answer to {} about {} is {what}: {}",
                requests.kind.as_str(),
                id(requests.device(index)),
                String::from_utf8_lossy(&body[..body.len().min(1000)])
            )
        })
    }
}

fn begins(opening: &[u8], body: &[u8], count: u64) -> Result<(), String> {
    let whole = || serde_json::from_slice::<Value>(body).is_ok();
    if body.starts_with(opening) && (!count.is_multiple_of(COMPARED_EVERY) || whole()) {
        return Ok(());
    }
    let shown =
        |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]).into_owned();
    Err(format!(
        "an answer that should be JSON beginning with {} is {}",
        shown(opening),
        shown(body)
    ))
}

fn compare(
    requests: &Requests,
    index: usize,
    body: &[u8],
    allowed: bool,
) -> Result<(), &'static str> {
    if !allowed {
        return (body == br#"{"result":"deny"}"#)
            .then_some(())
            .ok_or("not a bare deny");
    }
    if matches!(requests.kind, Kind::Authz | Kind::AuthzPerson) {
        return (body == br#"{"result":"allow"}"#)
            .then_some(())
            .ok_or("not a bare allow");
    }
    let answer: Value = serde_json::from_slice(body).map_err(|_| "not JSON")?;
    let number = requests.device(index);
    if answer["result"] != "allow" || answer["is_superuser"] != false {
        return Err("not an allow without superuser");
    }
    let is_person = requests.kind == Kind::AuthnPerson;
    let shown = fingerprint_text(&fingerprint(Template::new().of(number)));
    if !is_person && answer["client_attrs"]["fingerprint"] != *shown {
        return Err("of another certificate");
    }
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default()
        .as_secs();
    let expire_at = answer["expire_at"].as_u64().unwrap_or_default();
    if expire_at <= now || expire_at > now + 2 * 86_400 {
        return Err("without a sensible end of the session");
    }
    if is_person {
        return no_rights(&answer["acl"]);
    }
    rights(&answer["acl"], &id(number))
}

/// The rules of a person only deny, and leave a SUBSCRIBE to be asked.
fn no_rights(acl: &Value) -> Result<(), &'static str> {
    let rules = acl.as_array().ok_or("without rules")?;
    let denies = |rule: &Value| rule["permission"] == "deny";
    let ends_all = |rule: &Value| rule["action"] == "all" && rule["topics"][0] == "#";
    if rules.is_empty() || !rules.iter().all(denies) || rules.iter().any(ends_all) {
        return Err("not one that denies and leaves subscriptions open");
    }
    Ok(())
}

/// The rules allow topics of this device only, and end with a deny of everything.
fn rights(acl: &Value, id: &str) -> Result<(), &'static str> {
    let (last, rules) = acl
        .as_array()
        .and_then(|rules| rules.split_last())
        .ok_or("without rules")?;
    if last["permission"] != "deny" || last["topics"][0] != "#" {
        return Err("without a deny at the end of its rules");
    }
    let own = |topic: &Value| {
        let suffix = topic.as_str().and_then(|topic| topic.strip_prefix(id));
        suffix.is_some_and(|rest| rest.starts_with('/') && !rest.contains(['+', '#']))
    };
    let mut topics = 0;
    for rule in rules {
        let named = rule["topics"]
            .as_array()
            .ok_or("with a rule without topics")?;
        if rule["permission"] != "allow" || !named.iter().all(own) {
            return Err("with rights to topics that are not the device's own");
        }
        topics += named.len();
    }
    if topics < 10 {
        return Err("without all of the device's topics");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &[u8] = br#"{"result":"deny"}"#;
    const ALLOW: &[u8] = br#"{"result":"allow"}"#;

    #[test]
    fn a_wrong_result_is_found_in_every_answer_not_only_in_compared_ones() {
        let requests = Requests::new(Kind::Authz, 1000);
        let judge = |index, body| Expect::Decision.check(&requests, index, body, 1);
        for index in 0..requests.len() {
            let (right, wrong) = if requests.is_allowed(index) {
                (ALLOW, DENY)
            } else {
                (DENY, ALLOW)
            };
            assert_eq!(judge(index, right), Ok(()));
            assert!(judge(index, wrong).is_err());
            assert!(judge(index, b"{}").is_err() && judge(index, b"").is_err());
        }
    }

    #[test]
    fn a_compared_answer_must_be_of_the_device_that_was_asked_for() {
        let requests = Requests::new(Kind::AuthnCertificate, 1000);
        let index = (0..1000).find(|index| requests.is_allowed(*index)).unwrap();
        let number = requests.device(index);
        let topics = |id: &str| {
            (0..12)
                .map(|n| format!("\"{id}/t{n}\""))
                .collect::<Vec<_>>()
                .join(",")
        };
        let answer = |der_of: u32, topics_of: u32, ttl: u64| {
            let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
            format!(
                r##"{{"result":"allow","is_superuser":false,"expire_at":{},"client_attrs":{{"fingerprint":"{}"}},"acl":[{{"permission":"allow","topics":[{}]}},{{"permission":"deny","topics":["#","$SYS/#"]}}]}}"##,
                now + ttl,
                fingerprint_text(&fingerprint(Template::new().of(der_of))),
                topics(&id(topics_of)),
            )
        };
        let check = |body: String| Expect::Decision.check(&requests, index, body.as_bytes(), 0);
        assert_eq!(check(answer(number, number, 3600)), Ok(()));
        assert!(check(answer(number + 1, number, 3600)).is_err());
        assert!(check(answer(number, number + 1, 3600)).is_err());
        assert!(check(answer(number, number, 0)).is_err());
        assert!(check(answer(number, number, 3600).replace("deny", "allow")).is_err());
        assert!(check(answer(number, number, 3600).replace("/t3", "/#")).is_err());
    }

    #[test]
    fn a_constant_is_compared_to_the_last_byte() {
        let requests = Requests::new(Kind::Authz, 10);
        let constant = Expect::Constant(ALLOW.to_vec());
        assert_eq!(constant.check(&requests, 0, ALLOW, 0), Ok(()));
        assert!(
            constant
                .check(&requests, 0, br#"{"result":"allow" }"#, 0)
                .is_err()
        );
    }

    #[test]
    fn an_answer_of_the_api_is_of_what_was_asked_for_and_whole() {
        let requests = Requests::whole(&[(7, b"GET /7".to_vec()), (8, b"GET /8".to_vec())]);
        let openings = [7, 8].map(|id| format!(r#"{{"deviceId":"{id}""#).into_bytes());
        let expect = Expect::Openings(openings.to_vec());
        assert_eq!(requests.bytes(requests.range(1, 2)), b"GET /8GET /7");
        let judge = |index, body: &[u8], count| expect.check(&requests, index, body, count);
        assert_eq!(judge(1, br#"{"deviceId":"8"}"#, 0), Ok(()));
        assert!(judge(1, br#"{"deviceId":"7"}"#, 1).is_err());
        assert!(judge(0, br#"{"deviceId":"7""#, COMPARED_EVERY).is_err());
        assert!(judge(0, b"", 1).is_err());
    }
}
