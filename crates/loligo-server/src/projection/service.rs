//! What the operator took out of service, and the faults that requests are to be told.

use crate::record::{FaultId, FaultWord};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A fault that waits to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEntry {
    /// Its number.
    pub id: FaultId,
    /// The operation whose requests are told, by its name in the contract.
    pub operation: String,
    /// What they are told.
    pub word: FaultWord,
    /// How many of them.
    pub times: u32,
}

/// All of it at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Operations out of service, by their names in the contract.
    pub out: BTreeSet<String>,
    /// Faults that wait to be told, in order of number.
    pub faults: Vec<FaultEntry>,
}
