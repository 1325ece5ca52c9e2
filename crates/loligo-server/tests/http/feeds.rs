//! The WebSocket API over real sockets: what is answered, what is told, and what ends a connection.

mod book;
mod candles;
mod complete;
mod crowd;
mod delivery;
mod ends;
mod fills;
mod log;
mod money;
mod notices;
mod orders;
mod requests;
pub mod socket;
mod story;
mod ticker;
mod trades;
