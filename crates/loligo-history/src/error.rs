//! Why the index cannot do what it was asked.

/// Why a page is not answered, or rows are not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The token is none of this index, or of another query, account, market or branch.
    #[error("the continuation token is not one of this request")]
    Token,
    /// Rows of a record that the index has already, or that lies before one it has.
    #[error("record {got} comes after record {last}, which the index has")]
    OutOfOrder {
        /// The last record that the index has.
        last: u64,
        /// The record that came.
        got: u64,
    },
    /// SQLite could not do it.
    #[error("the history index: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file could not be made or removed.
    #[error("the history index: {0}")]
    Io(#[from] std::io::Error),
}
