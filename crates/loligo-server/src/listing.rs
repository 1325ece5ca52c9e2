//! What a venue lists from the start: the default contracts, or those of an instruments file.

mod calendar;
mod figures;
mod file;

pub use file::{InstrumentEntry, ListingFileError, read_listing};

use loligo_engine::{FinePrice, InstrumentSpec, Timestamp};
use serde::Serialize;

/// Contracts and the first index prices of their pairs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Contracts, in the order of their numbers.
    pub instruments: Vec<InstrumentSpec>,
    /// First index price by pair name.
    pub indexes: Vec<(String, FinePrice)>,
}

impl Listing {
    /// The default listing of a venue that begins at `start`: perpetuals, and dated contracts that expire after it.
    #[must_use]
    pub fn standard(start: Timestamp) -> Self {
        figures::standard(start)
    }

    /// Tells two listings apart.
    pub(crate) fn digest(&self) -> [u8; 32] {
        // A listing of plain fields always has a stored form; the empty one stands for a codec that fails.
        let bytes = postcard::to_allocvec(self).unwrap_or_default();
        *blake3::hash(&bytes).as_bytes()
    }
}
