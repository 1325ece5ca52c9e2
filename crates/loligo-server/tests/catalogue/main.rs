//! The catalogue: for each word that the status endpoint of the contract can say, a scenario that makes it say so.
//!
//! A scenario is a few steps of trading over real HTTP against a server of its own, on the fixture that [`fixture`]
//! describes. What counts as shown is what real answers said while the scenario ran: `completeness` fails for every word
//! of the contract that no scenario saw, and `document` keeps `docs/order-status.md` at one with the table.
//!
//! The other modules hold what the words alone do not tell: in which order the checks of an order run, and what each
//! kind of bad input is answered.

mod bad_input;
mod batch;
mod completeness;
#[allow(dead_code, reason = "shared with the tests of the routes")]
#[path = "../http/contract.rs"]
mod contract;
mod dead_man;
mod document;
mod expected;
mod firing;
mod fixture;
mod language;
mod order_types;
mod precedence;
mod runner;
mod scenarios;
mod seed;
#[allow(dead_code, reason = "shared with the tests of the feeds")]
#[path = "../http/feeds/socket.rs"]
mod socket;
mod trader;
#[allow(dead_code, reason = "shared with the tests of the routes")]
#[path = "../http/venue.rs"]
mod venue;
