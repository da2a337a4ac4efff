//! Getting a certificate from an API that does not always behave.

use std::fs;
use std::time::Duration;

use device_simulator::device_id::DeviceId;
use device_simulator::enrolment::{Api, EnrolError, Patience, Registration, TokenSource, enrol};
use device_simulator::secure_element::SecureElement;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use url::Url;

use crate::factory::{Factory, Fault};
use crate::fleets::{self, fleet, fleet_with, patience};

/// One enrolment without a fleet around it.
async fn attempt(factory: &Factory, patience: Patience) -> Result<(), EnrolError> {
    let folder = tempfile::tempdir().unwrap();
    let element = SecureElement::open_or_make(&folder.path().join("key.pem")).unwrap();
    let id = DeviceId::parse("grow-0001").unwrap();
    let registration = Registration::new(&id, "GC-1", "1.0.0", &element).unwrap();
    let api = Api::new(&factory.url, None).unwrap();
    fleets::within(enrol(
        &api,
        &registration,
        &element,
        patience,
        &Semaphore::new(1),
        || 0.5,
        |_, _| {},
    ))
    .await
    .map(|enrolment| assert_eq!(enrolment.chain.len(), 2, "the certificate and its issuer"))
}

#[tokio::test]
async fn an_api_that_is_not_ready_is_asked_again_with_the_same_key() {
    let factory = Factory::start().await;
    factory.fail([
        Fault::Problem(503, "database_unavailable"),
        Fault::Problem(429, "busy"),
    ]);
    attempt(&factory, patience()).await.unwrap();
    let seen = factory.seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|request| request.key == seen[0].key));
    assert_eq!(seen[0].body["model"], "GC-1");
    assert_eq!(seen[0].body["firmwareVersion"], "1.0.0");
}

#[tokio::test]
async fn an_answer_that_got_lost_is_asked_for_again_and_given() {
    let factory = Factory::start().await;
    factory.fail([Fault::LostAnswer]);
    attempt(&factory, patience()).await.unwrap();
    assert_eq!(factory.seen().len(), 2);
}

#[tokio::test]
async fn a_device_that_is_registered_with_another_key_is_refused_for_good() {
    let factory = Factory::start().await;
    attempt(&factory, patience()).await.unwrap();
    let error = attempt(&factory, patience()).await.unwrap_err().to_string();
    assert!(
        error.contains("409") && error.contains("device_exists"),
        "{error}"
    );
    assert!(error.contains("--prefix"), "{error}");
    assert_eq!(factory.seen().len(), 2, "a refusal is not asked again");
}

#[tokio::test]
async fn an_api_that_never_recovers_is_given_up_in_the_time_given() {
    let factory = Factory::start().await;
    factory.fail(vec![Fault::Problem(503, "busy"); 10_000]);
    let short = Patience {
        total: Duration::from_millis(50),
        ..patience()
    };
    let error = attempt(&factory, short).await.unwrap_err();
    assert!(
        matches!(error, EnrolError::GaveUp { attempts: 2.., .. }),
        "{error}"
    );
    assert!(error.to_string().contains("503"), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_fit_the_request_is_refused() {
    let other_key: fn(&mut Value) = |answer| answer["certificate"] = answer["chain"].clone();
    let other_print: fn(&mut Value) = |answer| answer["fingerprint"] = json!("00:11");
    let no_pem: fn(&mut Value) = |answer| answer["certificate"] = json!("hello");
    let no_field: fn(&mut Value) = |answer| _ = answer.as_object_mut().unwrap().remove("qr");
    for (twist, sentence) in [
        (other_key, "for another key"),
        (other_print, "fingerprint is not that"),
        (no_pem, "cannot be read"),
        (no_field, "missing field `qr`"),
    ] {
        let factory = Factory::start().await;
        factory.fail([Fault::Twisted(twist)]);
        let error = attempt(&factory, patience()).await.unwrap_err().to_string();
        assert!(error.contains(sentence), "{error}");
    }
    let factory = Factory::start().await;
    factory.fail([Fault::Nonsense("<html>")]);
    let error = attempt(&factory, patience()).await.unwrap_err().to_string();
    assert!(error.contains("check that --api"), "{error}");
}

#[tokio::test]
async fn a_second_start_reuses_the_certificate_without_asking_the_api() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let first = fleets::enrol(fleet(&factory, state.path(), 3))
        .await
        .unwrap();
    assert_eq!((first.enrolled, first.enrolled_now), (3, 3));
    let record = fs::read(state.path().join("grow-0002/device.json")).unwrap();
    let second = fleets::enrol(fleet(&factory, state.path(), 3))
        .await
        .unwrap();
    assert_eq!((second.enrolled, second.enrolled_now), (3, 0));
    assert_eq!(factory.seen().len(), 3);
    assert_eq!(
        fs::read(state.path().join("grow-0002/device.json")).unwrap(),
        record
    );
}

#[tokio::test]
async fn one_refused_device_does_not_hold_up_the_others() {
    let factory = Factory::start().await;
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fleets::enrol(fleet(&factory, first.path(), 1))
        .await
        .unwrap();
    let summary = fleets::enrol(fleet(&factory, second.path(), 4))
        .await
        .unwrap();
    assert_eq!((summary.enrolled, summary.failed), (3, 1));
}

#[tokio::test]
async fn one_token_serves_a_fleet_and_is_fetched_anew_when_it_is_refused() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let secret = state.path().join("secret");
    fs::write(&secret, "s3cret\n").unwrap();
    let url = Url::parse(&format!("{}/token", factory.url)).unwrap();
    let tokens = || {
        TokenSource::client_credentials(url.clone(), "factory".into(), &secret)
            .map(Some)
            .unwrap()
    };
    let root = state.path().join("state");
    fleets::enrol(fleet_with(&factory, &root, 10, tokens()))
        .await
        .unwrap();
    assert_eq!(factory.tokens_given(), 1);
    assert!(
        factory
            .seen()
            .iter()
            .all(|request| request.authorization == "Bearer token-1")
    );

    factory.refuse_token("token-2");
    let mut one = fleet_with(&factory, &root, 11, tokens());
    one.ids.drain(..10);
    let summary = fleets::enrol(one).await.unwrap();
    assert_eq!((summary.enrolled_now, factory.tokens_given()), (1, 3));
}

#[tokio::test]
async fn a_token_that_stays_refused_ends_the_enrolment_with_the_mend() {
    let factory = Factory::start().await;
    factory.fail([Fault::Problem(401, "token_invalid")]);
    let error = attempt(&factory, patience()).await.unwrap_err().to_string();
    assert!(error.contains("--token-file"), "{error}");
}

#[tokio::test]
async fn damaged_state_ends_the_run_with_a_sentence_and_nothing_is_overwritten() {
    let factory = Factory::start().await;
    for (file, contents, sentence) in [
        ("key.pem", "garbage", "is not a P-256 key"),
        ("certificate.pem", "garbage", "holds no certificate"),
        ("device.json", "{}", "is not the JSON"),
        ("boot", "x", "number of starts"),
    ] {
        let state = tempfile::tempdir().unwrap();
        let mut fleet = fleet(&factory, state.path(), 1);
        fleet.ids = vec![DeviceId::parse(&format!("grow-{}", file.replace('.', "-"))).unwrap()];
        let id = fleet.ids[0].clone();
        fleets::enrol(fleet).await.unwrap();
        let path = state.path().join(id.as_str()).join(file);
        fs::write(&path, contents).unwrap();
        let mut again = fleets::fleet(&factory, state.path(), 1);
        again.ids = vec![id];
        let failure = fleets::enrol(again).await.unwrap_err();
        assert_eq!(failure.code(), 78, "{failure}");
        assert!(failure.to_string().contains(sentence), "{failure}");
        assert_eq!(fs::read_to_string(&path).unwrap(), contents);
    }
}

#[tokio::test]
async fn the_certificate_of_another_device_is_noticed() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    fleets::enrol(fleet(&factory, state.path(), 2))
        .await
        .unwrap();
    let file = |device: &str| state.path().join(device).join("certificate.pem");
    fs::copy(file("grow-0001"), file("grow-0002")).unwrap();
    let failure = fleets::enrol(fleet(&factory, state.path(), 2))
        .await
        .unwrap_err();
    assert!(
        failure.to_string().contains("another key than key.pem"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_device_that_waits_for_the_api_holds_up_no_other() {
    let factory = Factory::start().await;
    let state = tempfile::tempdir().unwrap();
    let mut two = fleet(&factory, state.path(), 2);
    two.enrol_concurrency = 1;
    // The first to come is sent away for longer than this test may last.
    two.patience.cap = Duration::from_secs(600);
    two.patience.total = Duration::from_secs(3_600);
    factory.fail([Fault::ComeBackIn(600)]);
    let stop = tokio_util::sync::CancellationToken::new();
    let status = state.path().join("status.json");
    two.status_file = Some(status.clone());
    let running = tokio::spawn(device_simulator::fleet::run(two, None, stop.clone()));
    let enrolled = || -> Option<u64> {
        let value: Value = serde_json::from_slice(&fs::read(&status).ok()?).ok()?;
        value["totals"]["enrolled"].as_u64()
    };
    fleets::within(async {
        while enrolled() != Some(1) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    stop.cancel();
    let summary = fleets::within(running).await.unwrap().unwrap();
    assert_eq!((summary.enrolled, summary.failed), (1, 0));
}
