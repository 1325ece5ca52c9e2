//! What happened, by account and by market, as an index that is read by range and token.
//!
//! The journal remembers commands; this is one of the things that are made from what they came to, and can be made again. It is
//! an SQLite database that any SQLite tool may open while the exchange runs; `docs/history.md` has its schema.
//!
//! * [`rows`] are what is kept: one type a list, of plain numbers and texts. Who makes them from events, and who spells them for
//!   a client, is not known here.
//! * [`Batch`] gathers the rows of some records; [`Index::write`] makes them and how far they reach durable at once.
//! * [`Index::page`] answers a [`Query`]. A page that is not the last has a token, which stays good while rows arrive.
//!
//! ```
//! use loligo_history::rows::MarkPrice;
//! use loligo_history::{Batch, Index, Keep, Query, Sort};
//!
//! let index = Index::in_memory([0; 32], Keep::default())?;
//! let mut batch = Batch::new(1);
//! for (sequence, price) in [(1, 49_990), (2, 50_000), (3, 50_010)] {
//!     batch.record(sequence, 1_767_225_600_000);
//!     batch.push(7, 1_767_225_600_000, MarkPrice { mantissa: price, scale: 0 });
//! }
//! index.write(&batch)?;
//! let newest = Query { count: 2, ..Query::of(7) };
//! let page = index.page::<MarkPrice>(&newest, None, |_| true)?;
//! assert_eq!(page.rows.iter().map(|entry| entry.row.mantissa).collect::<Vec<_>>(), [50_010, 50_000]);
//! let next = index.page::<MarkPrice>(&newest, page.token.as_deref(), |_| true)?;
//! assert_eq!(next.rows[0].row.mantissa, 49_990);
//! assert_eq!(next.token, None);
//! # Ok::<(), loligo_history::Error>(())
//! ```
#![forbid(unsafe_code)]

mod batch;
mod columns;
mod error;
mod index;
mod packing;
mod page;
mod retention;
pub mod rows;
mod schema;
mod token;

pub use batch::{AnyRow, Batch};
pub use error::Error;
pub use index::{Contract, Index, Progress};
pub use page::{At, Earlier, Entry, Page, Query, SCANNED, Sort};
pub use retention::Keep;
pub use rows::Row;
pub use schema::{FORMAT, remove};
