//! The running exchange: one thread owns the engine, the journal and the market; everyone else holds a [`NodeHandle`].
//!
//! ```text
//! handle -> bounded queue -> writer: time, journal (one sync for all that waited), apply, projections -> reply
//! ```

mod clock;
mod handle;
mod vault;

pub use clock::ClockError;
pub use handle::{
    AccountError, IssuedKey, NodeHandle, OpenAccount, OpenedAccount, Reply, StateHashes, Submission,
    SubmitError,
};
