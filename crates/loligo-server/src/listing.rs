//! What a venue lists from the start.

use loligo_engine::{FinePrice, InstrumentSpec};

/// Contracts and the first index prices of their pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Contracts, in the order of their numbers.
    pub instruments: Vec<InstrumentSpec>,
    /// First index price by pair name.
    pub indexes: Vec<(String, FinePrice)>,
}
