//! A server in this process, asked over real sockets; time stands still unless a test moves it.

mod answers;
mod auth;
mod bad_input;
mod charts;
mod closing;
mod contract;
mod control;
mod feeds;
mod funding;
mod history;
mod inactive;
mod lists;
mod operator;
mod origins;
mod overload;
mod rates;
mod rolls;
mod settings;
mod status;
mod subaccounts;
mod supposed;
mod tls;
mod transfer;
mod transport;
mod venue;
