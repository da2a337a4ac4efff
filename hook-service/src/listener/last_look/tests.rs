use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::decide::{IdentityMode, Policy};
use crate::fleet::{Writer, pair};
use crate::metrics::Metrics;

fn hooks(serve_known: bool) -> (Writer, Hooks) {
    let (mut writer, fleet) = pair(Instant::now());
    writer.allow_until(Instant::now() + Duration::from_secs(300));
    let hooks = Hooks {
        fleet,
        policy: Policy {
            identity: IdentityMode::CertPem,
            session_ttl_s: 86_400,
            serve_known,
        },
        secret: None,
        tokens: None,
        metrics: Arc::new(Metrics::new()),
        overload: Arc::default(),
        unix_now: || 0,
    };
    (writer, hooks)
}

#[tokio::test]
async fn an_allow_leaves_while_the_lease_runs_and_not_after() {
    let (mut writer, hooks) = hooks(false);
    let watch = Watch::new(Instant::now());
    let (near, mut far) = tokio::io::duplex(64);
    let mut guarded = LastLook::new(near, &hooks, &watch);
    watch.note_allow();
    guarded.write_all(b"allow").await.unwrap();
    guarded.flush().await.unwrap();
    watch.note_allow();
    writer.lapse();
    let error = guarded.write_all(b"allow").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(guarded);
    let mut left = Vec::new();
    far.read_to_end(&mut left).await.unwrap();
    assert_eq!(left, b"allow", "one left in time, the other never");
}

#[tokio::test]
async fn a_deny_leaves_at_any_time() {
    let (mut writer, hooks) = hooks(false);
    let watch = Watch::new(Instant::now());
    let (near, _far) = tokio::io::duplex(64);
    let mut guarded = LastLook::new(near, &hooks, &watch);
    watch.note_allow();
    guarded.write_all(b"allow").await.unwrap();
    guarded.flush().await.unwrap();
    writer.lapse();
    guarded.write_all(b"deny").await.unwrap();
}

#[tokio::test]
async fn whoever_serves_known_devices_without_news_is_not_held_back() {
    let (mut writer, hooks) = hooks(true);
    let watch = Watch::new(Instant::now());
    let (near, _far) = tokio::io::duplex(64);
    let mut guarded = LastLook::new(near, &hooks, &watch);
    writer.lapse();
    watch.note_allow();
    guarded.write_all(b"allow").await.unwrap();
}

#[tokio::test]
async fn an_allow_that_a_slow_peer_held_back_does_not_leave_under_the_next_lease() {
    let (_writer, hooks) = hooks(false);
    let watch = Watch::new(Instant::now().checked_sub(2 * HELD_MAX).unwrap());
    let (near, _far) = tokio::io::duplex(64);
    let mut guarded = LastLook::new(near, &hooks, &watch);
    watch.note_allow();
    guarded.write_all(b"allow").await.unwrap();
    let long_ago = Watch::new(Instant::now());
    long_ago.note_allow();
    let later = Instant::now() + HELD_MAX + Duration::from_millis(2);
    assert!(long_ago.allow_held_for(later).unwrap() > HELD_MAX);
    assert_eq!(Watch::new(Instant::now()).allow_held_for(later), None);
}
