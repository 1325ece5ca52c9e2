//! The WebSocket API over real sockets: what is answered, what is told, and what ends a connection.

mod book;
mod ends;
mod fills;
mod orders;
mod requests;
pub mod socket;
mod ticker;
mod trades;
