use proptest::prelude::*;
use serde_json::Value;

use super::emqx_model::evaluate;
use super::*;

fn acl_of(rights: &Rights<'_>) -> Value {
    let mut out = Vec::new();
    rights.write_acl(&mut out);
    serde_json::from_slice(&out).expect("the acl is JSON")
}

/// EMQX asks its own rules first and `/authz` only where none matched; both must say the same, and
/// whatever no rule matches must be denied there.
fn told_twice_is_told_the_same(rights: &Rights<'_>, request: &Request<'_>) -> bool {
    evaluate(&acl_of(rights), request).unwrap_or(false) == rights.allows(request)
}

fn request(action: Action, topic: &str) -> Request<'_> {
    Request {
        action,
        topic,
        qos: 1,
        retain: false,
    }
}

#[test]
fn a_device_has_its_own_topics_and_no_others() {
    let rights = Rights::Device { id: "dev-1" };
    for publish in DEVICE_PUBLISHES {
        let topic = format!("dev-1/{}", publish.suffix);
        assert!(rights.allows(&request(Action::Publish, &topic)), "{topic}");
        assert!(
            !rights.allows(&request(Action::Subscribe, &topic)),
            "{topic}"
        );
        let retained = Request {
            retain: true,
            ..request(Action::Publish, &topic)
        };
        assert_eq!(
            rights.allows(&retained),
            publish.suffix == "status",
            "{topic}"
        );
        let exactly_once = Request {
            qos: 2,
            ..request(Action::Publish, &topic)
        };
        assert!(!rights.allows(&exactly_once), "{topic}");
    }
    for suffix in DEVICE_SUBSCRIBES {
        let topic = format!("dev-1/{suffix}");
        assert!(
            rights.allows(&request(Action::Subscribe, &topic)),
            "{topic}"
        );
        assert!(!rights.allows(&request(Action::Publish, &topic)), "{topic}");
    }
    for foreign in [
        "dev-10/telemetry",
        "dev-/telemetry",
        "/telemetry",
        "dev-1",
        "dev-1/",
        "dev-1//telemetry",
        "dev-1/telemetry/",
        "+/telemetry",
        "dev-1/+",
        "dev-1/#",
        "#",
        "+",
        "$SYS/brokers",
        "$share/g/dev-1/rpc/request",
        "$queue/dev-1/rpc/request",
        "$delayed/1/dev-1/telemetry",
    ] {
        for action in [Action::Publish, Action::Subscribe] {
            assert!(!rights.allows(&request(action, foreign)), "{foreign}");
            assert!(
                told_twice_is_told_the_same(&rights, &request(action, foreign)),
                "{foreign}"
            );
        }
    }
}

#[test]
fn an_acl_ends_with_a_deny_of_everything_the_broker_knows() {
    let service = [TopicRight::new(Action::Subscribe, "+/telemetry").unwrap()];
    for rights in [
        Rights::Device { id: "d" },
        Rights::Service { rights: &service },
    ] {
        let acl = acl_of(&rights);
        let last = acl.as_array().unwrap().last().unwrap();
        assert_eq!(last["permission"], "deny");
        assert_eq!(last["action"], "all");
        assert_eq!(last["topics"], serde_json::json!(["#", "$SYS/#"]));
    }
}

#[test]
fn a_service_right_that_emqx_would_widen_is_guarded_or_refused() {
    for refused in [
        "+/+",
        "+/x/+",
        "+/+/#",
        "$SYS/#",
        "a#",
        "",
        "a/#/b",
        "eq a",
        "${clientid}/x",
    ] {
        assert_eq!(
            TopicRight::new(Action::Subscribe, refused),
            None,
            "{refused}"
        );
    }
    for (filter, wide) in [("a/+", "a/#"), ("a/+/#", "a/#"), ("+", "#"), ("+/#", "#")] {
        let rights = [TopicRight::new(Action::Subscribe, filter).unwrap()];
        let rights = Rights::Service { rights: &rights };
        assert!(rights.allows(&request(Action::Subscribe, filter)));
        assert!(!rights.allows(&request(Action::Subscribe, wide)));
        assert_eq!(
            evaluate(&acl_of(&rights), &request(Action::Subscribe, wide)),
            Some(false)
        );
    }
}

#[test]
fn a_guard_of_one_right_does_not_take_what_another_gives() {
    let rights = [
        TopicRight::new(Action::Subscribe, "a/+").unwrap(),
        TopicRight::new(Action::Subscribe, "a/#").unwrap(),
    ];
    let rights = Rights::Service { rights: &rights };
    assert!(told_twice_is_told_the_same(
        &rights,
        &request(Action::Subscribe, "a/#")
    ));
    assert!(rights.allows(&request(Action::Subscribe, "a/#")));
}

fn topics() -> impl Strategy<Value = String> {
    let level = prop::sample::select(vec![
        "d",
        "e",
        "telemetry",
        "rpc",
        "request",
        "status",
        "+",
        "#",
        "",
        "$SYS",
        "é\"\\",
        "eq d",
        "${clientid}",
    ]);
    prop::collection::vec(level, 1..5).prop_map(|levels| levels.join("/"))
}

fn own_topics() -> impl Strategy<Value = String> {
    let publishes = DEVICE_PUBLISHES.iter().map(|topic| topic.suffix);
    let all: Vec<&str> = publishes.chain(DEVICE_SUBSCRIBES.iter().copied()).collect();
    (
        prop::sample::select(vec!["d", "e"]),
        prop::sample::select(all),
    )
        .prop_map(|(id, suffix)| format!("{id}/{suffix}"))
}

fn requests() -> impl Strategy<Value = (Action, String, u8, bool)> {
    let action = prop_oneof![Just(Action::Publish), Just(Action::Subscribe)];
    let topic = prop_oneof![topics(), own_topics()];
    (action, topic, 0..=2_u8, any::<bool>())
        .prop_map(|(action, topic, qos, retain)| {
            (action, topic, qos, retain && action == Action::Publish)
        })
        // A broker asks only for what MQTT lets a client say.
        .prop_filter("not sayable in MQTT", |(action, topic, ..)| match action {
            Action::Publish => crate::topic::is_name(topic),
            Action::Subscribe => crate::topic::is_filter(topic),
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn the_rules_and_the_answer_of_authz_say_the_same_for_a_device(
        (action, topic, qos, retain) in requests(),
    ) {
        let request = Request { action, topic: &topic, qos, retain };
        let rights = Rights::Device { id: "d" };
        prop_assert!(told_twice_is_told_the_same(&rights, &request), "{:?}", request);
    }

    #[test]
    fn the_rules_and_the_answer_of_authz_say_the_same_for_a_service(
        filters in prop::collection::vec((any::<bool>(), topics()), 0..6),
        (action, topic, qos, retain) in requests(),
    ) {
        let of = |publish| if publish { Action::Publish } else { Action::Subscribe };
        let rights: Vec<_> = filters
            .iter()
            .filter_map(|(publish, filter)| TopicRight::new(of(*publish), filter))
            .collect();
        let request = Request { action, topic: &topic, qos, retain };
        let rights = Rights::Service { rights: &rights };
        prop_assert!(
            told_twice_is_told_the_same(&rights, &request),
            "{:?} {} {:?}", action, topic, acl_of(&rights)
        );
    }
}
