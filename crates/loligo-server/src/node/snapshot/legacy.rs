//! Snapshots of layouts that are read and never written any more.

use super::Stored;
use crate::node::registry::{RegistryWithoutNotices, RegistryWithoutRolls};
use crate::projection::{EarlierViews, Part};
use crate::record::{FIRST_RULES, PastlessFacts};
use serde::Deserialize;

/// The layout before venues had pasts and notices, and keys times.
const WITHOUT_PAST: u8 = 4;
/// The layout before followers had parts.
const WITHOUT_PARTS: u8 = 3;
/// The layout before rules had versions.
const WITHOUT_RULES: u8 = 2;

#[derive(Deserialize)]
struct StoredWithoutPast {
    rules: u16,
    crossed: Option<u64>,
    sequence: u64,
    facts: Option<PastlessFacts>,
    registry: RegistryWithoutNotices,
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
    facts: Option<PastlessFacts>,
    registry: RegistryWithoutNotices,
    chain_blocks: [u8; 32],
    chain_rest: Vec<u8>,
    views: EarlierViews,
    exchange: Vec<u8>,
}

#[derive(Deserialize)]
struct StoredWithoutRules {
    sequence: u64,
    facts: Option<PastlessFacts>,
    registry: RegistryWithoutRolls,
    chain_blocks: [u8; 32],
    chain_rest: Vec<u8>,
    views: EarlierViews,
    exchange: Vec<u8>,
}

/// A snapshot, and the views in it of a layout whose views have no parts yet.
type Read = Result<(Stored, Option<EarlierViews>), postcard::Error>;

/// Reads the body of an older layout; `None` when the version is of none.
pub(super) fn read(version: u8, body: &[u8]) -> Option<Read> {
    match version {
        WITHOUT_PAST => Some(postcard::from_bytes(body).map(without_past)),
        WITHOUT_PARTS => Some(postcard::from_bytes(body).map(without_parts)),
        WITHOUT_RULES => Some(postcard::from_bytes(body).map(without_rules).map(without_parts)),
        _ => None,
    }
}

fn without_past(stored: StoredWithoutPast) -> (Stored, Option<EarlierViews>) {
    let StoredWithoutPast {
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
    let (facts, registry) = (facts.map(Into::into), registry.into());
    (Stored { rules, crossed, sequence, facts, registry, chain_blocks, chain_rest, parts, exchange }, None)
}

fn without_parts(stored: StoredWithoutParts) -> (Stored, Option<EarlierViews>) {
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
    let (facts, parts, registry) = (facts.map(Into::into), Vec::new(), registry.into());
    let stored =
        Stored { rules, crossed, sequence, facts, registry, chain_blocks, chain_rest, parts, exchange };
    (stored, Some(views))
}

fn without_rules(stored: StoredWithoutRules) -> StoredWithoutParts {
    let StoredWithoutRules { sequence, facts, registry, chain_blocks, chain_rest, views, exchange } = stored;
    let (rules, crossed, registry) = (FIRST_RULES, None, registry.into());
    StoredWithoutParts {
        rules,
        crossed,
        sequence,
        facts,
        registry,
        chain_blocks,
        chain_rest,
        views,
        exchange,
    }
}
