//! Snapshots of layouts that are read and never written any more.

use super::Stored;
use crate::node::registry::{Registry, RegistryWithoutRolls};
use crate::projection::{EarlierViews, Part};
use crate::record::{FIRST_RULES, VenueFacts};
use serde::Deserialize;

/// The layout before followers had parts.
const WITHOUT_PARTS: u8 = 3;
/// The layout before rules had versions.
const WITHOUT_RULES: u8 = 2;

#[derive(Deserialize)]
struct StoredWithoutParts {
    rules: u16,
    crossed: Option<u64>,
    sequence: u64,
    facts: Option<VenueFacts>,
    registry: Registry,
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

/// Reads the body of an older layout; `None` when the version is of none.
pub(super) fn read(version: u8, body: &[u8]) -> Option<Result<Stored, postcard::Error>> {
    match version {
        WITHOUT_PARTS => Some(postcard::from_bytes::<StoredWithoutParts>(body).map(Stored::from)),
        WITHOUT_RULES => Some(postcard::from_bytes::<StoredWithoutRules>(body).map(Stored::from)),
        _ => None,
    }
}

impl From<StoredWithoutParts> for Stored {
    fn from(stored: StoredWithoutParts) -> Self {
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
        let parts: [Part; 2] = views.into();
        let parts = parts.into();
        Self { rules, crossed, sequence, facts, registry, chain_blocks, chain_rest, parts, exchange }
    }
}

impl From<StoredWithoutRules> for Stored {
    fn from(stored: StoredWithoutRules) -> Self {
        let StoredWithoutRules { sequence, facts, registry, chain_blocks, chain_rest, views, exchange } =
            stored;
        Self::from(StoredWithoutParts {
            rules: FIRST_RULES,
            crossed: None,
            sequence,
            facts,
            registry: registry.into(),
            chain_blocks,
            chain_rest,
            views,
            exchange,
        })
    }
}
