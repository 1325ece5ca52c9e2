//! The built binary seen from outside: a real process, real files, real sockets. Nothing here knows what is inside.

mod api;
mod bad_input;
mod cli;
mod consistency;
mod contract;
mod crash;
mod damage;
mod folder;
mod http;
mod poison;
mod replay;
mod routes;
mod syncs;
mod venue;
