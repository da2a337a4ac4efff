//! What the JSON of the chaos suite must say. Kept apart from the suite, so that the judge is not the
//! judged.

use serde_json::Value;

/// How many checks [`check`] makes.
pub(crate) const CHECKS: usize = 7;

/// Everything that does not hold, in sentences; empty when all is well.
pub(crate) fn check(report: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hold = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let judged = |name: &str| report["judged"][name].as_u64();
    let survived = report["held"].as_array().map_or(0, Vec::len);
    hold(report["ok"] == Value::Bool(true), "ok is not true");
    hold(survived >= 3, "fewer than 3 faults were survived");
    hold(
        judged("wrong_allows") == Some(0),
        "somebody was wrongly let in",
    );
    hold(
        judged("escaped") == Some(0),
        "a session outlived its revoke",
    );
    hold(
        judged("revoked").is_some_and(|revoked| revoked >= 10),
        "fewer than 10 devices were revoked",
    );
    hold(
        judged("revoked").is_some() && judged("revoked") == judged("complete"),
        "not every revoke came to its end",
    );
    hold(
        judged("complete").is_some() && judged("complete") == judged("refused_after"),
        "not every revoked device was refused afterwards",
    );
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "ok": true, "held": [{}, {}, {}],
            "judged": {"wrong_allows": 0, "escaped": 0, "revoked": 25, "complete": 25, "refused_after": 25},
        })
    }

    #[test]
    fn a_good_report_has_nothing_wrong_and_an_empty_one_fails_every_check() {
        assert_eq!(check(&good()), Vec::<String>::new());
        assert_eq!(check(&json!({})).len(), CHECKS);
    }

    #[test]
    fn each_number_that_is_wrong_is_named() {
        for (name, value) in [
            ("wrong_allows", 1),
            ("escaped", 1),
            ("revoked", 9),
            ("complete", 24),
            ("refused_after", 24),
        ] {
            let mut report = good();
            report["judged"][name] = json!(value);
            assert!(!check(&report).is_empty(), "{name} was not checked");
        }
    }
}
