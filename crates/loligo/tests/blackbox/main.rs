//! The built binary seen from outside: a real process, real files, real sockets. Nothing here knows what is inside.

mod api;
mod audit;
mod bad_input;
mod cli;
mod consistency;
mod contract;
mod crash;
mod http;
mod limits;
mod poison;
mod replay;
mod rolls;
mod routes;
mod venue;
