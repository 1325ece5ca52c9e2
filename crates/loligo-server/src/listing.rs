//! What a venue lists: from the start the default contracts, or those of an instruments file; later what follows the
//! dated ones as they expire.

mod calendar;
mod figures;
mod file;
mod rolls;

pub use calendar::Roll;
pub(crate) use calendar::kind_at;
pub use file::{InstrumentEntry, ListingFileError, read_listing};
pub use rolls::next_listing;

use loligo_engine::{FinePrice, InstrumentSpec, Timestamp};

/// Contracts and the first index prices of their pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Contracts, in the order of their numbers.
    pub instruments: Vec<InstrumentSpec>,
    /// First index price by pair name.
    pub indexes: Vec<(String, FinePrice)>,
    /// The contracts that roll, by symbol, but for those of the default listing, which do by themselves.
    pub rolls: Vec<(String, Roll)>,
}

impl Listing {
    /// The default listing of a venue that begins at `start`: perpetuals, and dated contracts that expire after it.
    #[must_use]
    pub fn standard(start: Timestamp) -> Self {
        figures::standard(start)
    }

    /// Tells two listings apart.
    pub(crate) fn digest(&self) -> [u8; 32] {
        // Plain fields always have a stored form; the empty one stands for a codec that fails.
        let mut bytes = postcard::to_allocvec(&(&self.instruments, &self.indexes)).unwrap_or_default();
        // Where nothing rolls it is what it was before anything could.
        if !self.rolls.is_empty() {
            bytes.extend(postcard::to_allocvec(&self.rolls).unwrap_or_default());
        }
        *blake3::hash(&bytes).as_bytes()
    }
}
