//! Snapshots of layouts that are read and never written any more.

use super::Stored;
use crate::node::registry::{RegistryWithoutKeyTimes, RegistryWithoutRolls};
use crate::projection::{EarlierViews, Part};
use crate::record::{FIRST_RULES, VenueFacts};
use serde::Deserialize;

/// The layout before keys had times.
const WITHOUT_KEY_TIMES: u8 = 4;
/// The layout before followers had parts.
const WITHOUT_PARTS: u8 = 3;
/// The layout before rules had versions.
const WITHOUT_RULES: u8 = 2;

#[derive(Deserialize)]
struct StoredWithoutKeyTimes {
    rules: u16,
    crossed: Option<u64>,
    sequence: u64,
    facts: Option<VenueFacts>,
    registry: RegistryWithoutKeyTimes,
    chain_blocks: [u8; 32],
    chain_rest: Vec<u8>,
    parts: Vec<Part>,
    exchange: Vec<u8>,
}

#[derive(Deserialize)]
struct StoredWithoutParts {
    rules: u16,
    crossed: Option<u64>,
    sequence: u64,
    facts: Option<VenueFacts>,
    registry: RegistryWithoutKeyTimes,
    chain_blocks: [u8; 32],
    chain_rest: Vec<u8>,
    views: EarlierViews,
    exchange: Vec<u8>,
}

#[derive(Deserialize)]
struct StoredWithoutRules {
    sequence: u64,
    facts: Option<VenueFacts>,
    registry: RegistryWithoutRolls,
    chain_blocks: [u8; 32],
    chain_rest: Vec<u8>,
    views: EarlierViews,
    exchange: Vec<u8>,
}

/// What an older layout says: the venue, and the views of one whose followers had no parts.
type Earlier = (Stored, Option<EarlierViews>);

/// Reads the body of an older layout; `None` when the version is of none.
pub(super) fn read(version: u8, body: &[u8]) -> Option<Result<Earlier, postcard::Error>> {
    match version {
        WITHOUT_KEY_TIMES => Some(postcard::from_bytes(body).map(|stored| (without_key_times(stored), None))),
        WITHOUT_PARTS => Some(postcard::from_bytes(body).map(without_parts)),
        WITHOUT_RULES => Some(postcard::from_bytes(body).map(without_rules)),
        _ => None,
    }
}

fn without_key_times(stored: StoredWithoutKeyTimes) -> Stored {
    let StoredWithoutKeyTimes {
        rules,
        crossed,
        sequence,
        facts,
        registry,
        chain_blocks,
        chain_rest,
        parts,
        exchange,
    } = stored;
    let registry = registry.into();
    Stored { rules, crossed, sequence, facts, registry, chain_blocks, chain_rest, parts, exchange }
}

fn without_parts(stored: StoredWithoutParts) -> Earlier {
    let StoredWithoutParts {
        rules,
        crossed,
        sequence,
        facts,
        registry,
        chain_blocks,
        chain_rest,
        views,
        exchange,
    } = stored;
    let (registry, parts) = (registry.into(), Vec::new());
    let stored =
        Stored { rules, crossed, sequence, facts, registry, chain_blocks, chain_rest, parts, exchange };
    (stored, Some(views))
}

fn without_rules(stored: StoredWithoutRules) -> Earlier {
    let StoredWithoutRules { sequence, facts, registry, chain_blocks, chain_rest, views, exchange } = stored;
    let (rules, crossed, registry, parts) = (FIRST_RULES, None, registry.into(), Vec::new());
    let stored =
        Stored { rules, crossed, sequence, facts, registry, chain_blocks, chain_rest, parts, exchange };
    (stored, Some(views))
}
