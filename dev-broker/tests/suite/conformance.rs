//! The conformance table. Every row says where its behaviour comes from:
//!
//! - `5.8.9 run: ...`: seen on a real EMQX 5.8.9 (the record and its number),
//! - `5.8.9 wire/README`: recorded from a real EMQX 5.8.9 with the hook's raw requests,
//! - `only read: ...`: read in EMQX's source, never run.
//!
//! `authn` holds what an authenticator's answer does, `authz` what a source's answer does, `acl`
//! what a rule does. What is no single answer (kicks, bans, wills, expiry) is in `behaviour`,
//! `limits`, `management` and `requests`, each test with its source in its comment.

mod acl;
mod authn;
mod authz;

/// Where a row comes from.
type Source = &'static str;

fn assert_named(source: Source) {
    let known = ["5.8.9 run: ", "5.8.9 wire/", "only read: "];
    assert!(
        known.iter().any(|prefix| source.starts_with(prefix)),
        "unknown source `{source}`"
    );
}
