//! What the demo's JSON must say. Kept apart from the demo, so that the judge is not the judged.

use serde_json::Value;

/// How many checks [`check`] makes.
pub(crate) const CHECKS: usize = 12;

/// Everything that does not hold, in sentences; empty when all is well.
pub(crate) fn check(report: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut hold = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let number = |name: &str| report[name].as_u64();
    let at_least = |name: &str, least: u64| number(name).is_some_and(|number| number >= least);
    let all = |attempts: &str, refused: &str| {
        at_least(attempts, 1) && number(attempts) == number(refused)
    };

    hold(report["ok"] == Value::Bool(true), "ok is not true");
    hold(
        at_least("devices", 20),
        "fewer than 20 devices were manufactured",
    );
    hold(
        number("connected") == number("devices"),
        "not every device is connected",
    );
    hold(
        at_least("telemetry_received", 100),
        "fewer than 100 telemetry messages were received",
    );
    hold(
        all("stranger_attempts", "stranger_refused"),
        "not every stranger was refused",
    );
    hold(
        at_least("stranger_attempts", 6),
        "fewer kinds of strangers than the issue lists",
    );
    hold(
        all("foreign_topic_attempts", "foreign_topic_refused"),
        "not every foreign topic was refused",
    );
    hold(
        number("revoked_closed_ms").is_some(),
        "revoked_closed_ms was not measured",
    );
    hold(
        all("revoked_attempts", "revoked_refused"),
        "not every revoked attempt was refused",
    );
    hold(
        at_least("pg_restart_answers", 1_001),
        "not more than 1,000 answers during the restart",
    );
    hold(
        number("pg_restart_wrong") == Some(0),
        "wrong answers during the restart",
    );
    hold(
        report["seconds"].as_f64().is_some(),
        "the time it took is missing",
    );
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        json!({
            "ok": true, "devices": 24, "connected": 24, "telemetry_received": 120,
            "stranger_attempts": 9, "stranger_refused": 9,
            "foreign_topic_attempts": 12, "foreign_topic_refused": 12,
            "revoked_closed_ms": 80, "revoked_attempts": 3, "revoked_refused": 3,
            "pg_restart_answers": 2_000, "pg_restart_wrong": 0, "seconds": 20.5,
        })
    }

    #[test]
    fn a_good_report_has_nothing_wrong() {
        assert_eq!(check(&good()), Vec::<String>::new());
    }

    #[test]
    fn each_number_that_falls_short_is_named() {
        let bad = [
            ("ok", json!(false)),
            ("devices", json!(19)),
            ("connected", json!(23)),
            ("telemetry_received", json!(99)),
            ("stranger_refused", json!(8)),
            ("foreign_topic_refused", json!(0)),
            ("revoked_closed_ms", Value::Null),
            ("revoked_attempts", json!(4)),
            ("pg_restart_answers", json!(1_000)),
            ("pg_restart_wrong", json!(1)),
            ("seconds", Value::Null),
        ];
        for (name, value) in bad {
            let mut report = good();
            report[name] = value;
            assert!(!check(&report).is_empty(), "{name} was not checked");
        }
    }

    #[test]
    fn no_attempt_at_all_is_not_a_success() {
        let mut report = good();
        report["revoked_attempts"] = json!(0);
        report["revoked_refused"] = json!(0);
        assert_eq!(check(&report).len(), 1);
    }

    #[test]
    fn an_empty_report_fails_every_check() {
        // `connected` equals `devices` when both are missing, and that alone must not save it.
        assert!(check(&json!({})).len() >= CHECKS - 1);
    }
}
