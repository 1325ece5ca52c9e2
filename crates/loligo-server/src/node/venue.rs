//! All state that records change, and the one way to change it: live, in recovery and in verification alike.

use super::registry::Registry;
use crate::listing;
use crate::projection::Happened;
use crate::record::{Body, Fact, FactOutcome, KeyId, Record, VenueFacts};
use loligo_engine::{Command, Event, Exchange, Outcome, Timestamp};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Event bytes are hashed in blocks of this size, where BLAKE3 is several times as fast as on single records. The
/// blocks are cut by count of bytes alone, so the chain is the same however records were batched.
const HASH_BLOCK: usize = 64 * 1024;

/// The exchange and what the server knows beside it, at one place of the journal.
pub(crate) struct Venue {
    pub(crate) exchange: Exchange,
    pub(crate) registry: Registry,
    pub(crate) chain: EventChain,
    pub(crate) facts: Option<VenueFacts>,
    pub(crate) sequence: u64,
    /// Version of the rules that the next record is made under; 0 before the genesis.
    pub(crate) rules: u16,
    /// The last record under other rules. What came before is known by the snapshot of it alone.
    pub(crate) crossed: Option<u64>,
}

/// The engine panicked on a record: a bug, or a fault injected on purpose. Its state is not to be trusted any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Poisoned {
    pub(crate) sequence: u64,
    pub(crate) message: String,
}

/// What one record came to.
pub(crate) enum Came {
    ToOutcome(Outcome),
    ToFact(FactOutcome),
}

impl Venue {
    pub(crate) fn new() -> Self {
        Self {
            exchange: Exchange::new(),
            registry: Registry::default(),
            chain: EventChain::default(),
            facts: None,
            sequence: 0,
            rules: 0,
            crossed: None,
        }
    }

    /// Applies the record at the next place. The event chain is the caller's to extend: a replay has another thread do
    /// it.
    pub(crate) fn apply(&mut self, record: &Record, happened: &mut Happened) -> Result<Came, Poisoned> {
        match &record.body {
            Body::Genesis { rules, venue, command } => {
                self.rules = *rules;
                self.facts = Some((**venue).clone());
                self.command(record.time, record.nonce, command, happened).map(Came::ToOutcome)
            }
            Body::Command(command) => {
                self.command(record.time, record.nonce, command, happened).map(Came::ToOutcome)
            }
            Body::Fact(fact) => self.fact(record.time, record.nonce, fact, happened).map(Came::ToFact),
            Body::Crossing(crossing) => {
                self.crossed = Some(self.sequence);
                self.sequence += 1;
                self.rules = crossing.to;
                happened.close(self.sequence, self.exchange.now());
                Ok(Came::ToOutcome(Outcome::Done))
            }
        }
    }

    /// What happens next by the calendar: what is listed in the place of a contract that expires, and what is planned; and when.
    pub(crate) fn next_listing(&self) -> Option<(Timestamp, Vec<Command>)> {
        let default_listing = self.facts.as_ref().is_some_and(|facts| facts.instruments.is_none());
        let listed = listing::next_listing(&self.exchange, default_listing, self.registry.rolls());
        match (listed, self.registry.next_planned()) {
            (Some((at, mut commands)), Some((planned_at, planned))) if at == planned_at => {
                commands.extend(planned);
                Some((at, commands))
            }
            (Some(listed), Some(planned)) => Some(if listed.0 < planned.0 { listed } else { planned }),
            (listed, planned) => listed.or(planned),
        }
    }

    /// Applies a command at the next place; what happened is appended to what had.
    pub(crate) fn command(
        &mut self,
        time: Timestamp,
        nonce: Option<(KeyId, u64)>,
        command: &Command,
        happened: &mut Happened,
    ) -> Result<Outcome, Poisoned> {
        self.sequence += 1;
        let (exchange, events) = (&mut self.exchange, happened.open());
        let applied = catch_unwind(AssertUnwindSafe(|| exchange.apply(time, command, events)));
        let outcome = applied
            .map_err(|panic| Poisoned { sequence: self.sequence, message: panic_message(panic.as_ref()) })?;
        if let Some((key, nonce)) = nonce {
            self.registry.remember_nonce(key, nonce);
        }
        if let Command::SetMarketState { instrument, state } = command {
            self.registry.carried_out((*instrument, *state), self.exchange.now());
        }
        happened.close(self.sequence, self.exchange.now());
        Ok(outcome)
    }

    /// Applies a fact at the next place. Its time passes for the exchange, too.
    pub(crate) fn fact(
        &mut self,
        time: Timestamp,
        nonce: Option<(KeyId, u64)>,
        fact: &Fact,
        happened: &mut Happened,
    ) -> Result<FactOutcome, Poisoned> {
        self.command(time, nonce, &Command::Advance, happened)?;
        Ok(self.registry.apply(fact, &self.exchange))
    }
}

pub(crate) fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

/// A hash chained over all events since genesis: two runs that differ in one of them differ here ever after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventChain {
    /// Over all whole blocks.
    blocks: [u8; 32],
    /// What has not filled a block yet.
    rest: Vec<u8>,
}

impl EventChain {
    /// A chain as [`EventChain::parts`] left it.
    pub(crate) fn restored(blocks: [u8; 32], rest: Vec<u8>) -> Self {
        Self { blocks, rest }
    }

    pub(crate) fn parts(&self) -> ([u8; 32], &[u8]) {
        (self.blocks, &self.rest)
    }

    /// Adds one record's events.
    pub(crate) fn extend(&mut self, sequence: u64, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        self.rest.extend_from_slice(&sequence.to_le_bytes());
        for event in events {
            event.encode(&mut self.rest);
        }
        while self.rest.len() >= HASH_BLOCK {
            self.blocks = chained(&self.blocks, &self.rest[..HASH_BLOCK]);
            self.rest.drain(..HASH_BLOCK);
        }
    }

    /// The hash over everything so far.
    pub(crate) fn hash(&self) -> [u8; 32] {
        chained(&self.blocks, &self.rest)
    }
}

fn chained(before: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before);
    hasher.update(bytes);
    *hasher.finalize().as_bytes()
}
