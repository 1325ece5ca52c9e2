//! What this crate says, held against the contract of the repository: the published seed and `rest.yaml`.

#[path = "contract/contract.rs"]
mod contract;
#[path = "contract/words.rs"]
mod words;
