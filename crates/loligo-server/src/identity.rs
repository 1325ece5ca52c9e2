//! Names the outside sees: UUIDs of orders, executions, accounts and withdrawals, and keys derived from a seed.
//!
//! The engine counts orders from 1. Shown as they are, such numbers would tell every client how much everyone else
//! trades, and would let it guess other orders' names. So each kind of number goes through a keyed permutation shaped as
//! a version 4 UUID: equal on replay, found again without a table, and (the key being unknown) not guessable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use loligo_engine::{AccountId, ExecutionId, OrderId};
use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher24;
use uuid::Uuid;

/// Bits of half a permuted value: a version 4 UUID has 122 free bits.
const HALF_BITS: u32 = 61;
const HALF_MASK: u64 = (1 << HALF_BITS) - 1;
/// Feistel rounds. Four suffice for a strong pseudo-random permutation in theory; two more cost 20 ns.
const ROUNDS: usize = 6;

/// The key under which a venue's numbers become UUIDs.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityKey(pub [u8; 32]);

impl IdentityKey {
    /// The key of a development venue: whoever knows the seed knows it.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("loligo 2026 identity key of a development venue");
        hasher.update(&seed.to_le_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

impl std::fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdentityKey(..)")
    }
}

/// Translates between the engine's numbers and the UUIDs that clients see.
#[derive(Clone)]
pub struct Identity {
    orders: Permutation,
    executions: Permutation,
    accounts: Permutation,
    withdrawals: Permutation,
}

impl Identity {
    /// The translation under `key`.
    #[must_use]
    pub fn new(key: &IdentityKey) -> Self {
        Self {
            orders: Permutation::new(key, "order"),
            executions: Permutation::new(key, "execution"),
            accounts: Permutation::new(key, "account"),
            withdrawals: Permutation::new(key, "withdrawal"),
        }
    }

    /// The UUID of an order.
    #[must_use]
    pub fn order_uuid(&self, id: OrderId) -> Uuid {
        self.orders.encode(id.0)
    }

    /// The order a UUID names; `None` for every UUID this venue cannot have given out.
    #[must_use]
    pub fn order_id(&self, uuid: Uuid) -> Option<OrderId> {
        self.orders.decode(uuid).map(OrderId)
    }

    /// The UUID of an execution: `fill_id` and a public trade's `uid`.
    #[must_use]
    pub fn execution_uuid(&self, id: ExecutionId) -> Uuid {
        self.executions.encode(id.0)
    }

    /// The UUID of an account.
    #[must_use]
    pub fn account_uid(&self, id: AccountId) -> Uuid {
        self.accounts.encode(u64::from(id.0))
    }

    /// The account a UUID names.
    #[must_use]
    pub fn account_id(&self, uuid: Uuid) -> Option<AccountId> {
        self.accounts.decode(uuid).and_then(|n| u32::try_from(n).ok()).map(AccountId)
    }

    /// The UUID of a withdrawal: by the place of its record in the journal, so that it is the same on replay.
    #[must_use]
    pub fn withdrawal_uid(&self, sequence: u64) -> Uuid {
        self.withdrawals.encode(sequence)
    }
}

/// A keyed permutation of 122-bit values, used on those below 2^61; whatever decodes to more was not made here.
#[derive(Clone)]
struct Permutation {
    round_keys: [(u64, u64); ROUNDS],
}

impl Permutation {
    fn new(key: &IdentityKey, kind: &str) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&key.0);
        hasher.update(b"loligo permutation of ");
        hasher.update(kind.as_bytes());
        let mut bytes = [0u8; ROUNDS * 16];
        hasher.finalize_xof().fill(&mut bytes);
        let word = |at: usize| {
            let mut word = [0u8; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        Self { round_keys: std::array::from_fn(|round| (word(round * 16), word(round * 16 + 8))) }
    }

    fn encode(&self, number: u64) -> Uuid {
        debug_assert!(number <= HALF_MASK, "no venue counts this far");
        let (mut left, mut right) = (0, number & HALF_MASK);
        for key in &self.round_keys {
            (left, right) = (right, left ^ round(*key, right));
        }
        join(left, right)
    }

    fn decode(&self, uuid: Uuid) -> Option<u64> {
        let (mut left, mut right) = split(uuid)?;
        for key in self.round_keys.iter().rev() {
            (left, right) = (right ^ round(*key, left), left);
        }
        (left == 0).then_some(right)
    }
}

/// SipHash-2-4 of one word: a pseudo-random function of short inputs that takes a few nanoseconds.
fn round((k0, k1): (u64, u64), half: u64) -> u64 {
    SipHasher24::new_with_keys(k0, k1).hash(&half.to_le_bytes()) & HALF_MASK
}

/// Bits of a UUID: 48 free, 4 of version, 12 free, 2 of variant, 62 free.
fn join(left: u64, right: u64) -> Uuid {
    let value = (u128::from(left) << HALF_BITS) | u128::from(right);
    let (high, middle, low) = (value >> 74, (value >> 62) & 0xfff, value & ((1 << 62) - 1));
    Uuid::from_u128((high << 80) | (0x4 << 76) | (middle << 64) | (0b10 << 62) | low)
}

fn split(uuid: Uuid) -> Option<(u64, u64)> {
    let bits = uuid.as_u128();
    if (bits >> 76) & 0xf != 0x4 || (bits >> 62) & 0b11 != 0b10 {
        return None;
    }
    let value = ((bits >> 80) << 74) | (((bits >> 64) & 0xfff) << 62) | (bits & ((1 << 62) - 1));
    Some(((value >> HALF_BITS) as u64, value as u64 & HALF_MASK))
}

/// What a client signs with: 64 bytes, shown as base64. Never printed by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8; 64]>);

impl Secret {
    /// Takes the bytes as they are.
    #[must_use]
    pub fn new(bytes: [u8; 64]) -> Self {
        Self(Box::new(bytes))
    }

    /// The bytes that key the signature.
    #[must_use]
    pub fn expose(&self) -> &[u8; 64] {
        &self.0
    }

    /// As a client is given it.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(*self.0)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// An API key's public text and its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// 56 characters of base64, as the real venue's keys.
    pub api_key: String,
    /// What signs.
    pub secret: Secret,
}

impl KeyPair {
    /// The well-known pair of a development account: the same for the same seed, place and kind, on every start.
    #[must_use]
    pub fn development(seed: u64, place: u32, kind: &str) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("loligo 2026 API key of a development account");
        hasher.update(&seed.to_le_bytes());
        hasher.update(&place.to_le_bytes());
        hasher.update(kind.as_bytes());
        let mut bytes = [0u8; 106];
        hasher.finalize_xof().fill(&mut bytes);
        Self::from_bytes(&bytes)
    }

    /// A new pair nobody can know.
    ///
    /// # Errors
    /// When the operating system gives no randomness.
    pub fn random() -> Result<Self, aws_lc_rs::error::Unspecified> {
        let mut bytes = [0u8; 106];
        aws_lc_rs::rand::fill(&mut bytes)?;
        Ok(Self::from_bytes(&bytes))
    }

    fn from_bytes(bytes: &[u8; 106]) -> Self {
        let mut secret = [0u8; 64];
        secret.copy_from_slice(&bytes[42..]);
        Self { api_key: STANDARD.encode(&bytes[..42]), secret: Secret::new(secret) }
    }
}

/// Names of development accounts in order; beyond the list they repeat with a number: `alice2`.
#[must_use]
pub fn account_name(place: u32) -> String {
    const NAMES: [&str; 26] = [
        "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "leo",
        "mia", "nina", "oscar", "peggy", "quinn", "rupert", "sybil", "trent", "uma", "victor", "wendy",
        "xena", "yuri", "zoe",
    ];
    let (round, index) = (place as usize / NAMES.len(), place as usize % NAMES.len());
    if round == 0 { NAMES[index].to_owned() } else { format!("{}{}", NAMES[index], round + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn identity() -> Identity {
        Identity::new(&IdentityKey::from_seed(1))
    }

    proptest! {
        #[test]
        fn every_number_comes_back_and_is_a_version_4_uuid(number in 0u64..=HALF_MASK) {
            let permutation = Permutation::new(&IdentityKey::from_seed(1), "order");
            let uuid = permutation.encode(number);
            prop_assert_eq!(permutation.decode(uuid), Some(number));
            prop_assert_eq!(uuid.get_version_num(), 4);
            prop_assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        }

        #[test]
        fn foreign_uuids_name_nothing(bits: u128) {
            // One in 2^61 would; the generator will not find it.
            prop_assert_eq!(identity().order_id(Uuid::from_u128(bits)), None);
            let shaped = (bits & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
            prop_assert_eq!(identity().order_id(Uuid::from_u128(shaped)), None);
        }

        #[test]
        fn the_shape_keeps_all_122_bits(left in 0u64..=HALF_MASK, right in 0u64..=HALF_MASK) {
            prop_assert_eq!(split(join(left, right)), Some((left, right)));
        }
    }

    #[test]
    fn a_number_keeps_its_name_for_good() {
        let identity = identity();
        let names = [1, 2, 1_000_000].map(|number| identity.order_uuid(OrderId(number)).to_string());
        assert_eq!(
            names,
            [
                "97975242-9c31-400e-8032-5054e5a0d77d",
                "7a7c9192-aa25-4e30-bf59-cdbd5de4da92",
                "c20bcd58-e0fa-4b34-8333-1b3bef161376"
            ]
        );
    }

    #[test]
    fn kinds_and_seeds_do_not_share_names() {
        let mut seen = HashSet::new();
        for seed in 0..3 {
            let identity = Identity::new(&IdentityKey::from_seed(seed));
            for number in 1..200 {
                assert!(seen.insert(identity.order_uuid(OrderId(number))));
                assert!(seen.insert(identity.execution_uuid(ExecutionId(number))));
                assert!(seen.insert(identity.account_uid(AccountId(number as u32))));
                assert!(seen.insert(identity.withdrawal_uid(number)));
            }
            assert_eq!(identity.order_id(identity.execution_uuid(ExecutionId(7))), None);
            assert_eq!(identity.account_id(identity.account_uid(AccountId(7))), Some(AccountId(7)));
        }
    }

    #[test]
    fn neighbours_share_no_prefix() {
        let identity = identity();
        let prefixes: HashSet<u32> =
            (1..1000).map(|n| identity.order_uuid(OrderId(n)).as_fields().0).collect();
        assert!(prefixes.len() > 990, "{} distinct prefixes", prefixes.len());
    }

    #[test]
    fn the_round_function_is_sip_hash() {
        // The authors' test vector for eight bytes 00..07 under the key 00..0f.
        let key = (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        assert_eq!(round(key, 0x0706_0504_0302_0100), 0x93f5_f579_9a93_2462 & HALF_MASK);
    }

    #[test]
    fn development_keys_are_the_same_each_time_and_differ_by_every_part() {
        let pair = KeyPair::development(1, 0, "full");
        assert_eq!(pair, KeyPair::development(1, 0, "full"));
        assert_eq!(pair.api_key.len(), 56);
        assert_eq!(pair.secret.to_base64().len(), 88);
        for other in [
            KeyPair::development(2, 0, "full"),
            KeyPair::development(1, 1, "full"),
            KeyPair::development(1, 0, "read_only"),
        ] {
            assert_ne!(pair.api_key, other.api_key);
            assert_ne!(pair.secret, other.secret);
        }
        assert!(!format!("{pair:?}").contains(&pair.secret.to_base64()));
    }

    #[test]
    fn names_never_repeat() {
        let names: HashSet<String> = (0..500).map(account_name).collect();
        assert_eq!(names.len(), 500);
        assert_eq!(account_name(0), "alice");
        assert_eq!(account_name(26), "alice2");
    }
}
