//! Between the dialect and the engine: typed requests become commands, outcomes and views become answers.
//!
//! Numbers go from decimal text to ticks and lots and back without a detour; what does not fit travels as such inside the
//! command, so that the engine refuses it in its place among the checks.

pub(crate) mod accounts;
pub(crate) mod commands;
pub(crate) mod markets;
pub(crate) mod orders;
pub(crate) mod outcomes;
pub(crate) mod programs;
pub(crate) mod refusals;
pub(crate) mod settings;
