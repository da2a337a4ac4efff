//! A map of many small sorted shards, each replaced as a whole: read without a lock, changed by one.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Entries of one shard, when the map was made: few enough to be copied in a microsecond.
const ENTRIES_PER_SHARD: usize = 16;
const SHARDS_MIN: usize = 256;
const SHARDS_MAX: usize = 1 << 18;

type Shard<K, V> = Vec<(K, Arc<V>)>;

/// The map.
#[derive(Debug)]
pub(super) struct Sharded<K, V> {
    hasher: RandomState,
    shards: Box<[ArcSwap<Shard<K, V>>]>,
}

impl<K: Copy + Ord + Hash, V: PartialEq> Sharded<K, V> {
    /// A map of these entries. Of two with one key the later counts.
    pub(super) fn new(entries: Vec<(K, V)>) -> Self {
        let count = (entries.len() / ENTRIES_PER_SHARD)
            .next_power_of_two()
            .clamp(SHARDS_MIN, SHARDS_MAX);
        let hasher = RandomState::new();
        let mut shards: Vec<Shard<K, V>> = std::iter::repeat_with(Vec::new).take(count).collect();
        for (key, value) in entries {
            let shard = &mut shards[place(&hasher, key, count)];
            put(shard, key, Some(Arc::new(value)));
        }
        Self {
            hasher,
            shards: shards.into_iter().map(ArcSwap::from_pointee).collect(),
        }
    }

    pub(super) fn get(&self, key: K) -> Option<Arc<V>> {
        let shard = self.shard(key).load();
        let found = shard.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        Some(Arc::clone(&shard[found].1))
    }

    /// Puts or removes an entry. One call at a time.
    pub(super) fn put(&self, key: K, value: Option<Arc<V>>) {
        let place = self.shard(key);
        let mut shard = Shard::clone(&place.load());
        put(&mut shard, key, value);
        place.store(Arc::new(shard));
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().len()).sum()
    }

    /// The keys whose values differ: missing in one of the maps or not the same.
    pub(super) fn differences(&self, other: &Self) -> Vec<K> {
        let mut differing = Vec::new();
        for shard in &self.shards {
            let shard = shard.load();
            let changed = shard
                .iter()
                .filter(|(key, value)| other.get(*key).as_ref() != Some(value));
            differing.extend(changed.map(|(key, _)| *key));
        }
        for shard in &other.shards {
            let shard = shard.load();
            let added = shard.iter().filter(|(key, _)| self.get(*key).is_none());
            differing.extend(added.map(|(key, _)| *key));
        }
        differing
    }

    fn shard(&self, key: K) -> &ArcSwap<Shard<K, V>> {
        &self.shards[place(&self.hasher, key, self.shards.len())]
    }
}

/// `count` is a power of two.
fn place<K: Hash>(hasher: &RandomState, key: K, count: usize) -> usize {
    let middle = (hasher.hash_one(key) >> 32) as usize;
    middle & (count - 1)
}

fn put<K: Copy + Ord, V>(shard: &mut Shard<K, V>, key: K, value: Option<Arc<V>>) {
    match (shard.binary_search_by_key(&key, |(key, _)| *key), value) {
        (Ok(at), Some(value)) => shard[at].1 = value,
        (Ok(at), None) => drop(shard.remove(at)),
        (Err(at), Some(value)) => shard.insert(at, (key, value)),
        (Err(_), None) => {}
    }
}
