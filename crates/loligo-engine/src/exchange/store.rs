//! Stored forms: commands for the journal, events for their hash, the whole state for snapshots. Every form starts
//! with its version; a reader refuses one it does not know.

use super::{Exchange, Portfolio, Timer};
use crate::account::Holding;
use crate::command::Command;
use crate::event::Event;
use crate::order::NIL;
use std::collections::BTreeSet;

/// Version of each stored form. A change of any stored type is a new version; a change of the rules that `apply` follows is
/// one of the commands, since they would come to something else.
const COMMAND_VERSION: u8 = 3;
const EVENT_VERSION: u8 = 3;
const STATE_VERSION: u8 = 5;

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
        read("command", COMMAND_VERSION, bytes)
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
        append(STATE_VERSION, self, &mut bytes);
        bytes
    }

    /// Reads a state.
    ///
    /// # Errors
    /// [`CodecError`] for another version, and for bytes that are no state.
    pub fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let mut exchange: Self = read("state", STATE_VERSION, bytes)?;
        if let Err(what) = exchange.check_slots() {
            let problem = format!("{what} is not there, or not the only one");
            return Err(CodecError::Damaged { what: "state", problem });
        }
        exchange.orders.reindex();
        for market in &mut exchange.markets {
            market.book.reindex(&exchange.orders);
        }
        for (slot, holding) in exchange.holdings.iter().enumerate() {
            exchange.markets[usize::from(holding.instrument)].list_holding(holding.account, slot as u32);
        }
        exchange.rewatch();
        Ok(exchange)
    }

    /// Whatever points at something finds it: everything else that is read relies on it. Else says what is not found.
    fn check_slots(&self) -> Result<(), &'static str> {
        let Self { markets, pairs, accounts, families, purses, holdings, orders, .. } = self;
        let there = |found: bool, what| if found { Ok(()) } else { Err(what) };
        let in_list = |slot: u32, list: usize| (slot as usize) < list;
        there(orders.is_whole(|order| in_list(order.holding, holdings.len())), "an order or its holding")?;
        let known = |slot: &u32| orders.is_known(*slot);
        for account in accounts {
            there(in_list(account.family, families.len()), "an account's family")?;
            let inverse = account.inverse.iter().filter(|purse| **purse != NIL);
            there(inverse.chain([&account.flex]).all(|purse| in_list(*purse, purses.len())), "a wallet")?;
            there(account.parent.is_none_or(|parent| in_list(parent, accounts.len())), "a master account")?;
            there(account.holdings.iter().all(|(_, slot)| in_list(*slot, holdings.len())), "a holding")?;
        }
        for family in families {
            there(
                family.members.iter().all(|member| in_list(*member, accounts.len())),
                "a family's account",
            )?;
        }
        let mut owners = BTreeSet::new();
        for (slot, holding) in holdings.iter().enumerate() {
            let Holding { account, family, purse, instrument, .. } = *holding;
            there(in_list(account, accounts.len()), "a holding's account")?;
            there(in_list(family, families.len()), "a holding's family")?;
            there(in_list(purse, purses.len()), "a holding's wallet")?;
            there(usize::from(instrument) < markets.len(), "a holding's contract")?;
            there(owners.insert((account, instrument)), "a holding")?;
            let own = |order: &u32| known(order) && orders.get(*order).holding as usize == slot;
            there(holding.orders.iter().all(own), "a holding's order")?;
            let waits = |order: &u32| own(order) && orders.trigger(*order).is_some();
            there(holding.triggers.iter().all(waits), "a holding's trigger")?;
        }
        for market in markets {
            there(usize::from(market.pair().0) < pairs.len(), "a contract's pair")?;
            there(market.holders.iter().all(|slot| in_list(*slot, holdings.len())), "a contract's holder")?;
            there(market.book.is_whole(orders), "a price level or its order")?;
        }
        for closed in &self.closed.queue {
            there(in_list(closed.account, accounts.len()), "a closed order's account")?;
        }
        for (_, timer) in &self.timers {
            match timer {
                Timer::CancelAll(account) => there(in_list(account.0, accounts.len()), "a timer's account")?,
                Timer::Expiry(id) => there(usize::from(id.0) < markets.len(), "a timer's contract")?,
            }
        }
        for portfolio in self.liquidations.keys() {
            let there_is = match *portfolio {
                Portfolio::Cross { account, purse } => {
                    in_list(account, accounts.len()) && in_list(purse, purses.len())
                }
                Portfolio::Isolated { account, instrument } => owners.contains(&(account, instrument)),
            };
            there(there_is, "a portfolio that is liquidated")?;
        }
        Ok(())
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
