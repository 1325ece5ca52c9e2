//! A second opinion on the exchange, for tests and benches only; production never depends on it.
//!
//! - [`model`]: the rules once more, written to be obvious. It shares no code with the engine but the types of its
//!   commands and events.
//! - [`workload`]: seeded streams of commands that reach every rule.
//! - [`agreement`]: drives the engine and the model with one stream and compares all that can be seen.
//! - [`life`]: streams about money, on venues that live for some hundreds of commands.
//! - [`opinion`]: lives many of them, and tells what they met.
//! - [`fold`]: the world rebuilt from events alone.
//! - [`shrink`]: makes a failing stream short.

pub mod agreement;
pub mod fold;
pub mod life;
pub mod model;
pub mod opinion;
pub mod shrink;
pub mod workload;
