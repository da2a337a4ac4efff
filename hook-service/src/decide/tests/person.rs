//! People: who is let in, and what they may subscribe.

use std::sync::Arc;

use tokens::{Caller, TokenError};
use uuid::Uuid;

use super::*;
use crate::fleet::{Account, Group, Membership, Owner, PeopleChange};

const ISSUER: &str = "https://issuer";

const ANN: Uuid = Uuid::from_u128(0xa11);
const BEN: Uuid = Uuid::from_u128(0xbe4);
const OFF: Uuid = Uuid::from_u128(0x0ff);
const OUT: Uuid = Uuid::from_u128(0x007);

/// Knows `token of <subject>`.
#[derive(Debug)]
struct Issuer;

impl Tokens for Issuer {
    fn caller(&self, token: &str, unix_now: i64) -> Result<Arc<Caller>, TokenError> {
        assert_eq!(unix_now, NOW);
        let (issuer, subject) = match token.split_once(" of ") {
            Some(("token", subject)) => (ISSUER, subject),
            Some(("foreign token", subject)) => ("https://another", subject),
            Some(("unknown key", _)) => return Err(TokenError::UnknownKey),
            Some(("no keys", _)) => return Err(TokenError::KeysUnavailable),
            _ => return Err(TokenError::Signature),
        };
        Ok(Arc::new(Caller {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            client: None,
            is_service: false,
            roles: ["admin".to_owned()].into(),
            groups: std::collections::BTreeSet::new(),
            organizations: std::collections::BTreeSet::new(),
            person: tokens::Person::default(),
            issued_at_s: NOW.unsigned_abs() - 60,
            expires_at_s: NOW.unsigned_abs() + 600,
        }))
    }
}

fn account(number: u32, subject: &str, memberships: &[Membership]) -> Account {
    Account {
        number,
        issuer: Arc::from(ISSUER),
        subject: Box::from(subject),
        disabled: subject == "off",
        // The token of `out` is a second too old.
        sessions_from: if subject == "out" {
            (NOW - 59) * 1_000_000
        } else {
            (NOW - 60) * 1_000_000
        },
        memberships: memberships.into(),
    }
}

fn owned(id: &str, owner: Owner) -> DeviceChange {
    DeviceChange::Put(DeviceEntry {
        id: id.to_owned(),
        revoked: false,
        suspended: false,
        certificates: vec![],
        owner,
    })
}

/// Ann has a device; Ben is in organization 1 and in group 5, the parent of 6, of organization 2.
fn people() -> (Writer, Reader) {
    let (mut writer, reader) = fleet();
    let inner = Owner::Group {
        organization: 2,
        group: 6,
    };
    let outer = Owner::Group {
        organization: 2,
        group: 4,
    };
    writer.apply(&[
        owned("anns", Owner::Account(1)),
        owned("one", Owner::Organization(1)),
        owned("two", Owner::Organization(2)),
        owned("inner", inner),
        owned("outer", outer),
        owned("free", Owner::Nobody),
    ]);
    let bens = [Membership::Organization(1), Membership::Group(5)];
    writer.apply_people(PeopleChange {
        accounts: vec![
            (ANN, Some(account(1, "ann", &[]))),
            (BEN, Some(account(2, "ben", &bens))),
            (OFF, Some(account(3, "off", &[Membership::Organization(1)]))),
            (OUT, Some(account(4, "out", &[]))),
        ],
        groups: vec![
            (4, Some(Group::new(2, None))),
            (5, Some(Group::new(2, Some(4)))),
            (6, Some(Group::new(2, Some(5)))),
        ],
    });
    (writer, reader)
}

fn asked<R>(ask: impl FnOnce(&Context<'_>) -> R) -> R {
    let (_writer, reader) = people();
    ask(&Context {
        fleet: &reader,
        policy: &policy(IdentityMode::CertPem),
        unix_now: NOW,
    })
}

fn connect(client_id: &str, username: &str, password: &str) -> Result<i64, Deny> {
    let connect = Connect {
        client_id: Some(client_id),
        username: Some(username),
        password: Some(password),
        // Whatever certificate fields such a request carries, they count nothing.
        cert_common_name: Some("dev-1"),
        cert_pem: Some("AAAA"),
    };
    asked(|context| authn_person(&connect, context, Some(&Issuer)).map(|grant| grant.expire_at))
}

fn usr(account: Uuid) -> String {
    format!("usr.{account}.tab-1")
}

#[test]
fn an_account_with_its_own_token_is_let_in_until_the_token_ends() {
    assert_eq!(connect(&usr(ANN), "jwt", "token of ann"), Ok(NOW + 600));
}

#[test]
fn whoever_proves_less_is_not_let_in_and_the_reason_is_told_apart() {
    for (client_id, username, password, reason) in [
        (usr(ANN), "jwt", "token of ben", Deny::Mismatch),
        (usr(ANN), "jwt", "foreign token of ann", Deny::Mismatch),
        (usr(ANN), "ann", "token of ann", Deny::Mismatch),
        (usr(ANN), "", "token of ann", Deny::Mismatch),
        (usr(ANN), "jwt", "forged token", Deny::Token),
        (usr(ANN), "jwt", "unknown key of ann", Deny::TokenKey),
        (usr(ANN), "jwt", "no keys of ann", Deny::TokenKey),
        (usr(OFF), "jwt", "token of off", Deny::Suspended),
        (usr(OUT), "jwt", "token of out", Deny::SignedOut),
        (usr(Uuid::nil()), "jwt", "token of ann", Deny::Unknown),
        ("anns".to_owned(), "jwt", "token of ann", Deny::ClientId),
        (
            "svc.api.0".to_owned(),
            "jwt",
            "token of ann",
            Deny::ClientId,
        ),
        (
            "usr.ann.tab".to_owned(),
            "jwt",
            "token of ann",
            Deny::ClientId,
        ),
    ] {
        assert_eq!(
            connect(&client_id, username, password),
            Err(reason),
            "{client_id} {password}"
        );
    }
}

#[test]
fn only_the_canonical_form_of_an_account_id_counts_so_that_a_prefix_finds_every_session() {
    let upper = usr(ANN).replace("a11", "A11");
    let bare = format!("usr.{}.tab", ANN.simple());
    for client_id in [upper, bare] {
        assert_eq!(
            connect(&client_id, "jwt", "token of ann"),
            Err(Deny::ClientId),
            "{client_id}"
        );
    }
}

#[test]
fn without_an_issuer_no_person_is_let_in() {
    let (id, password) = (usr(ANN), "token of ann");
    let connect = Connect {
        client_id: Some(&id),
        username: Some("jwt"),
        password: Some(password),
        ..Connect::default()
    };
    let got = asked(|context| authn_person(&connect, context, None).map(|_| ()));
    assert_eq!(got, Err(Deny::People));
    let silent = Connect {
        password: None,
        ..connect
    };
    let got = asked(|context| authn_person(&silent, context, Some(&Issuer)).map(|_| ()));
    assert_eq!(got, Err(Deny::Token));
}

fn authz(account: Uuid, username: &str, action: Action, topic: &str) -> Result<(), Deny> {
    let id = usr(account);
    let authz = Authz {
        client_id: Some(&id),
        username: Some(username),
        cert_common_name: None,
        request: Request {
            action,
            topic,
            qos: 1,
            retain: false,
        },
    };
    asked(|context| authz.decide(context))
}

#[test]
fn people_subscribe_to_what_devices_report_that_they_may_see() {
    for (account, device, seen) in [
        (ANN, "anns", Ok(())),
        (BEN, "one", Ok(())),
        (BEN, "inner", Ok(())),
        (ANN, "one", Err(Deny::Invisible)),
        (ANN, "inner", Err(Deny::Invisible)),
        (BEN, "anns", Err(Deny::Invisible)),
        (BEN, "two", Err(Deny::Invisible)),
        (BEN, "outer", Err(Deny::Invisible)),
        (BEN, "free", Err(Deny::Invisible)),
        (BEN, "nothing-of-this-name", Err(Deny::Invisible)),
        (OFF, "one", Err(Deny::Suspended)),
        (Uuid::nil(), "one", Err(Deny::Unknown)),
    ] {
        for topic in ["telemetry", "attributes", "status"] {
            let topic = format!("{device}/{topic}");
            let got = authz(account, "jwt", Action::Subscribe, &topic);
            assert_eq!(got, seen, "{account} {topic}");
        }
    }
}

#[test]
fn people_publish_nothing_and_subscribe_to_no_pattern_not_even_of_their_own_device() {
    let publish = authz(ANN, "jwt", Action::Publish, "anns/telemetry");
    assert_eq!(publish, Err(Deny::Topic));
    for topic in ["#", "anns/#", "+/telemetry", "anns/rpc/request", "$SYS/#"] {
        let got = authz(ANN, "jwt", Action::Subscribe, topic);
        assert_eq!(got, Err(Deny::Topic), "{topic}");
    }
    let got = authz(ANN, "ann", Action::Subscribe, "anns/telemetry");
    assert_eq!(got, Err(Deny::Mismatch));
}

#[test]
fn a_membership_that_is_gone_counts_no_more_for_the_next_subscribe() {
    let (mut writer, reader) = people();
    let sees = || {
        let id = usr(BEN);
        let authz = Authz {
            client_id: Some(&id),
            username: Some("jwt"),
            cert_common_name: None,
            request: Request {
                action: Action::Subscribe,
                topic: "inner/status",
                qos: 0,
                retain: false,
            },
        };
        authz.decide(&Context {
            fleet: &reader,
            policy: &policy(IdentityMode::CertPem),
            unix_now: NOW,
        })
    };
    assert_eq!(sees(), Ok(()));
    // The group moves out from below the one that Ben is in.
    writer.apply_people(PeopleChange {
        accounts: vec![],
        groups: vec![(6, Some(Group::new(2, None)))],
    });
    assert_eq!(sees(), Err(Deny::Invisible));
    writer.apply_people(PeopleChange {
        accounts: vec![],
        groups: vec![(6, Some(Group::new(2, Some(5))))],
    });
    assert_eq!(sees(), Ok(()));
    writer.apply_people(PeopleChange {
        accounts: vec![(BEN, None)],
        groups: vec![],
    });
    assert_eq!(sees(), Err(Deny::Unknown));
}
