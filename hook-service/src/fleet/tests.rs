use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn certificate(n: u8) -> Certificate {
    Certificate {
        fingerprint: [n; 32],
        not_after: i64::from(n),
    }
}

fn entry(id: &str, certificates: &[u8]) -> DeviceEntry {
    DeviceEntry {
        id: id.to_owned(),
        revoked: false,
        suspended: false,
        certificates: certificates.iter().copied().map(certificate).collect(),
        owner: Owner::Nobody,
    }
}

/// An owner of each kind, by a number.
fn owner_of(number: usize) -> Owner {
    match number % 4 {
        0 => Owner::Nobody,
        1 => Owner::Account(1),
        2 => Owner::Organization(2),
        _ => Owner::Group {
            organization: 2,
            group: 3,
        },
    }
}

fn seen(reader: &Reader, id: &str) -> Option<DeviceEntry> {
    reader.device(id.as_bytes(), |found| {
        found.map(|device| DeviceEntry {
            id: String::from_utf8(device.id().to_vec()).unwrap(),
            revoked: device.revoked(),
            suspended: device.suspended(),
            certificates: device.certificates().collect(),
            owner: device.owner(),
        })
    })
}

#[test]
fn a_device_with_two_certificates_may_come_as_two_rows_apart_from_each_other() {
    let mut builder = TableBuilder::new();
    builder.push("a", false, false, Owner::Account(7), Some(certificate(1)));
    builder.push("b", true, true, Owner::Nobody, None);
    builder.push("a", false, false, Owner::Account(7), Some(certificate(2)));
    let (mut writer, reader) = pair(Instant::now());
    writer.replace(builder.finish(), ServiceClients::default());
    assert_eq!(
        seen(&reader, "a"),
        Some(DeviceEntry {
            owner: Owner::Account(7),
            ..entry("a", &[1, 2])
        })
    );
    assert_eq!(reader.table().len(), 2);
    assert_eq!(reader.table().certificates(), 2);
    reader.device(b"b", |found| {
        let device = found.unwrap();
        assert!(device.revoked() && device.suspended() && device.certificate_count() == 0);
    });
    assert_eq!(seen(&reader, "c"), None);
}

#[test]
fn only_the_fingerprint_asked_for_gives_its_own_end() {
    let (mut writer, reader) = pair(Instant::now());
    writer.apply(&[DeviceChange::Put(entry("a", &[1, 2]))]);
    reader.device(b"a", |found| {
        let device = found.unwrap();
        assert_eq!(device.not_after_of(&[1; 32]), Some(1));
        assert_eq!(device.not_after_of(&[2; 32]), Some(2));
        assert_eq!(device.not_after_of(&[3; 32]), None);
    });
}

#[test]
fn allowing_ends_at_the_deadline_and_at_a_lapse() {
    let start = Instant::now();
    let (mut writer, reader) = pair(start);
    let bound = Duration::from_secs(30);
    assert_eq!(reader.standing(start), Standing::NotReady);
    writer.lapse();
    assert_eq!(reader.standing(start), Standing::NotReady);
    writer.allow_until(start + bound);
    assert_eq!(
        reader.standing(start + Duration::from_nanos(29_999_999_999)),
        Standing::Fresh
    );
    assert_eq!(reader.standing(start + bound), Standing::Stale);
    assert_eq!(reader.fresh_for(start), bound);
    writer.lapse();
    assert_eq!(reader.standing(start), Standing::Stale);
}

#[test]
fn the_target_of_two_hundred_bytes_a_device_is_kept() {
    let mut builder = TableBuilder::new();
    for n in 0..100_000_u32 {
        let id = format!("grow-controller-{n:06}");
        builder.push(
            &id,
            false,
            false,
            Owner::Nobody,
            Some(certificate(n.to_le_bytes()[0])),
        );
    }
    let table = builder.finish();
    let each = table.heap_bytes() / table.len();
    assert!(each <= 200, "{each} bytes a device");
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, Vec<u8>, bool, bool),
    Remove(u8),
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let put = (
        any::<u8>(),
        prop::collection::vec(any::<u8>(), 0..3),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(id, mut certificates, revoked, suspended)| {
            certificates.sort_unstable();
            certificates.dedup();
            Step::Put(id, certificates, revoked, suspended)
        });
    let step = prop_oneof![3 => put, 1 => any::<u8>().prop_map(Step::Remove)];
    prop::collection::vec(prop::collection::vec(step, 0..8), 0..40)
}

proptest! {
    #[test]
    fn after_any_changes_the_table_equals_a_plain_map_and_a_fresh_load_of_it(batches in steps()) {
        let (mut writer, reader) = pair(Instant::now());
        let mut model: BTreeMap<String, DeviceEntry> = BTreeMap::new();
        for batch in batches {
            // The feed reads each changed device once a batch, in its newest state.
            let mut newest: BTreeMap<String, DeviceChange> = BTreeMap::new();
            for step in batch {
                match step {
                    Step::Put(id, certificates, revoked, suspended) => {
                        let id = format!("device-{id}");
                        let owner = owner_of(certificates.len());
                        let put = DeviceEntry { revoked, suspended, owner, ..entry(&id, &certificates) };
                        model.insert(id.clone(), put.clone());
                        newest.insert(id, DeviceChange::Put(put));
                    }
                    Step::Remove(id) => {
                        let id = format!("device-{id}");
                        model.remove(&id);
                        newest.insert(id.clone(), DeviceChange::Remove(id));
                    }
                }
            }
            writer.apply(&newest.into_values().collect::<Vec<_>>());
        }
        let mut builder = TableBuilder::new();
        for device in model.values() {
            if device.certificates.is_empty() {
                builder.push(&device.id, device.revoked, device.suspended, device.owner, None);
            }
            for certificate in &device.certificates {
                builder.push(&device.id, device.revoked, device.suspended, device.owner, Some(*certificate));
            }
        }
        let fresh = builder.finish();
        prop_assert_eq!(reader.table().differences(&fresh), Vec::<String>::new());
        prop_assert_eq!(reader.table().len(), model.len());
        for id in 0..=u8::MAX {
            let id = format!("device-{id}");
            prop_assert_eq!(seen(&reader, &id), model.get(&id).cloned());
        }
    }
}
