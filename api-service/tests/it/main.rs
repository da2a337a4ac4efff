//! The service as its callers meet it: real HTTP, a real PostgreSQL, a real issuer of tokens.
//!
//! The broker's management API alone is played by a stub, which can refuse, hang on to sessions and
//! go away; the end-to-end tests of the workspace use a broker.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: what they unwrap fails the test"
)]
#![expect(unreachable_pub, reason = "`pub` marks what tests of other files use")]

mod access;
mod accounts;
mod audit_chain;
mod balance;
mod binding;
mod bulk_manufacturing;
mod carried_out;
mod certificates;
mod changing_hands;
mod compression;
mod contract;
mod crl;
mod crl_http;
mod dead_letters;
mod doctor;
mod edges;
mod edges_of_browsers;
mod ending_accounts;
mod ending_certificates;
mod erasing;
mod expiring;
mod giving_plans;
mod hook_replicas;
mod idempotency;
mod killed;
mod manufacturing;
mod oidc;
mod operations;
mod order;
mod organizations;
mod people;
mod plan_limits;
mod plans;
mod program;
mod rates;
mod reading;
mod recovery;
mod refused;
mod request_ids;
mod retention;
mod revoking;
mod revoking_many;
mod rotation;
mod several_clusters;
mod statements;
mod stopping;
mod support;
mod suspending;
mod traces;
mod verifying_certificates;
mod waiting_for_the_database;
