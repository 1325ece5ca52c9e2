//! The built binary seen from outside: a real process, real files, real sockets. Nothing here knows what is inside.

mod analytics;
mod api;
mod audit;
mod bad_input;
mod cli;
mod clock;
mod consistency;
mod contract;
mod crash;
mod crash_expiry;
mod crash_funding;
mod crash_ladder;
#[cfg(target_os = "linux")]
mod crowd;
mod damage;
#[cfg(target_os = "linux")]
mod down_over_expiry;
mod folder;
mod history;
mod http;
mod http2;
mod keys;
mod limits;
mod listing;
mod nonces;
mod operator;
mod origins;
mod past;
mod poison;
mod prune;
mod refusals;
mod replay;
mod rolls;
mod routes;
mod syncs;
mod upgrade;
mod venue;
mod week;
