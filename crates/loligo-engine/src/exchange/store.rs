//! Stored forms: commands for the journal, events for their hash, the whole state for snapshots. Every form starts
//! with its version; a reader refuses one it does not know.

mod legacy;
mod state;

use super::Exchange;
use crate::command::Command;
use crate::event::Event;
use crate::id::AccountId;
use state::State;

/// Version of the rules that `apply` follows: a change that makes any command come to something else is a new one.
pub const RULES_VERSION: u16 = 6;
/// Version of each stored form. A change of any stored type is a new version of its form.
const COMMAND_VERSION: u8 = 3;
const EVENT_VERSION: u8 = 5;
const STATE_VERSION: u8 = 8;
/// Commands with contracts that had no least funding rate, and of a genesis without pasts: read, never written.
const LEGACY_COMMAND_VERSION: u8 = 2;
/// The state without rankings of who is unwound: read, never written.
const UNRANKED_STATE_VERSION: u8 = 7;
/// The state without collateral in other currencies, a ladder to its end, and settlement: read, never written.
const UNSETTLED_STATE_VERSION: u8 = 6;
/// The state without pasts and without funding: read, never written.
const UNFUNDED_STATE_VERSION: u8 = 5;
/// The state without the numbers that clients see, and without work that is waiting: read, never written.
const UNNUMBERED_STATE_VERSION: u8 = 4;
/// The state as memory was once laid out: read, never written.
const LEGACY_STATE_VERSION: u8 = 3;

/// Why stored bytes are not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// Written by a version this one does not know.
    #[error("the stored {what} has version {found}; this build reads version {known}")]
    Version {
        /// Command or state.
        what: &'static str,
        /// What was found.
        found: u8,
        /// What is known.
        known: u8,
    },
    /// Not what it says it is.
    #[error("the stored {what} cannot be read: {problem}")]
    Damaged {
        /// Command or state.
        what: &'static str,
        /// What the decoder said.
        problem: String,
    },
}

impl Command {
    /// Appends the stored form.
    pub fn encode(&self, to: &mut Vec<u8>) {
        append(COMMAND_VERSION, self, to);
    }

    /// Reads a stored form; it must be all of `bytes`.
    ///
    /// # Errors
    /// [`CodecError`] for another version, and for bytes that are no command.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        match bytes.first() {
            Some(&LEGACY_COMMAND_VERSION) => legacy::read_command(bytes),
            _ => read("command", COMMAND_VERSION, bytes),
        }
    }
}

impl Event {
    /// Appends the form that event hashes are taken over.
    pub fn encode(&self, to: &mut Vec<u8>) {
        append(EVENT_VERSION, self, to);
    }
}

impl Exchange {
    /// The whole state. Equal states have equal forms.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        append(STATE_VERSION, &State::of(self), &mut bytes);
        bytes
    }

    /// Reads a state.
    ///
    /// # Errors
    /// [`CodecError`] for another version, and for bytes that are no state.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        match bytes.first() {
            Some(&LEGACY_STATE_VERSION) => legacy::read_state(bytes)?.into_exchange(),
            Some(&UNNUMBERED_STATE_VERSION) => legacy::read_unnumbered(bytes)?.into_exchange(),
            Some(&UNRANKED_STATE_VERSION) => legacy::read_unranked(bytes)?.into_exchange(),
            Some(&UNSETTLED_STATE_VERSION) => legacy::read_unsettled(bytes)?.into_exchange(),
            Some(&UNFUNDED_STATE_VERSION) => legacy::read_unfunded(bytes)?.into_exchange(),
            _ => read::<State>("state", STATE_VERSION, bytes)?.into_exchange(),
        }
    }

    /// Takes over numbers that were counted outside before the state held them: fills by account, and level changes and trades
    /// of each contract. What is counted here already, or further, stays.
    pub fn take_over_numbers(
        &mut self,
        fills: impl IntoIterator<Item = (AccountId, u64)>,
        contracts: impl IntoIterator<Item = (u64, u64)>,
    ) {
        for (account, count) in fills {
            if let Some(account) = self.accounts.get_mut(account) {
                account.fills = account.fills.max(count);
            }
        }
        for (market, (levels, trades)) in self.markets.iter_mut().zip(contracts) {
            (market.levels, market.trades) = (market.levels.max(levels), market.trades.max(trades));
        }
    }

    /// BLAKE3 of the stored form of the state.
    pub fn state_hash(&self) -> [u8; 32] {
        *blake3::hash(&self.encode()).as_bytes()
    }
}

fn append<T: serde::Serialize>(version: u8, value: &T, to: &mut Vec<u8>) {
    to.push(version);
    let filled = std::mem::take(to);
    *to = postcard::to_extend(value, filled).expect("writing into memory cannot fail");
}

fn read<'a, T: serde::Deserialize<'a>>(
    what: &'static str,
    known: u8,
    bytes: &'a [u8],
) -> Result<T, CodecError> {
    let damaged = |problem: String| CodecError::Damaged { what, problem };
    let (found, body) = bytes.split_first().ok_or_else(|| damaged("it is empty".into()))?;
    if *found != known {
        return Err(CodecError::Version { what, found: *found, known });
    }
    let (value, rest) = postcard::take_from_bytes(body).map_err(|error| damaged(error.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(damaged(format!("{} bytes follow it", rest.len()))) }
}
