//! What the server knows of the venue beside the exchange: names, keys, nonces, what is out of service. Changed by records
//! alone.

use super::vault::Vault;
use crate::identity::Identity;
use crate::listing::Roll;
use crate::projection::{
    AccountEntry, ApiKey, Directory, FaultEntry, ListedInstrument, NoticeEntry, Service,
};
use crate::record::{Fact, FactOutcome, FactRefusal, FaultId, KeyCreated, KeyId, Notice, NoticeId};
use loligo_engine::{AccountId, Command, Exchange, InstrumentId, MarketState, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Keys an account may hold.
const KEYS_PER_ACCOUNT: usize = 50;
const NAME_CHARS: usize = 64;
/// Characters of an operation's name; the longest in the contract has 33.
const OPERATION_CHARS: usize = 64;
/// Operations that may be out of service at once: more than the contract has.
const ROUTES_OUT: usize = 256;
/// Faults that may wait to be told at once.
const FAULTS: usize = 100;
/// Notices that may stand at once: clients are told all of them each time.
const NOTICES: usize = 100;
const NOTE_CHARS: usize = 1_000;
/// Highest leverage of what fills off the book, in hundredths: the contract's.
const OFF_BOOK_LEVERAGE: u32 = 10_000;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registry {
    names: BTreeMap<AccountId, String>,
    keys: Vec<KeyCreated>,
    /// Highest nonce remembered by key.
    nonces: BTreeMap<KeyId, u64>,
    service: Service,
    /// Faults that there ever were.
    faults: u64,
    /// Contracts that roll, beside those of the default listing.
    rolls: BTreeMap<InstrumentId, Roll>,
    /// Notices that stand.
    notices: BTreeMap<NoticeId, Notice>,
    /// Notices that were ever given.
    notices_given: u64,
    /// When each key was made.
    key_times: Vec<Timestamp>,
    /// How far masters let be leveraged what fills off the book, in hundredths.
    off_book_leverage: BTreeMap<AccountId, u32>,
    /// Public texts of keys and names of accounts, so that none is given twice; and how many keys an account has.
    #[serde(skip)]
    taken: Taken,
}

/// A registry as it was stored before there were notices and keys had times.
#[derive(Deserialize)]
pub(crate) struct RegistryWithoutNotices {
    names: BTreeMap<AccountId, String>,
    keys: Vec<KeyCreated>,
    nonces: BTreeMap<KeyId, u64>,
    service: Service,
    faults: u64,
    rolls: BTreeMap<InstrumentId, Roll>,
}

impl From<RegistryWithoutNotices> for Registry {
    fn from(stored: RegistryWithoutNotices) -> Self {
        let RegistryWithoutNotices { names, keys, nonces, service, faults, rolls } = stored;
        Self { names, keys, nonces, service, faults, rolls, ..Self::default() }
    }
}

/// A registry as it was stored before contracts rolled.
#[derive(Deserialize)]
pub(crate) struct RegistryWithoutRolls {
    names: BTreeMap<AccountId, String>,
    keys: Vec<KeyCreated>,
    nonces: BTreeMap<KeyId, u64>,
    service: Service,
    faults: u64,
}

impl From<RegistryWithoutRolls> for RegistryWithoutNotices {
    fn from(stored: RegistryWithoutRolls) -> Self {
        let RegistryWithoutRolls { names, keys, nonces, service, faults } = stored;
        Self { names, keys, nonces, service, faults, rolls: BTreeMap::new() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Taken {
    keys: HashSet<String>,
    names: HashSet<String>,
    keys_of: HashMap<AccountId, usize>,
}

impl Registry {
    /// Puts back what the stored form leaves out. Keys of a form without times were made by `now`, and nobody knows when: that is
    /// what they are dated by.
    pub(crate) fn restored(mut self, now: Timestamp) -> Self {
        self.key_times.resize(self.keys.len(), now);
        self.taken.keys = self.keys.iter().map(|key| key.api_key.clone()).collect();
        self.taken.names = self.names.values().cloned().collect();
        for key in &self.keys {
            *self.taken.keys_of.entry(key.account).or_default() += 1;
        }
        self
    }

    /// Applies one fact. Deterministic: the secret itself is not looked at.
    pub(crate) fn apply(&mut self, fact: &Fact, exchange: &Exchange) -> FactOutcome {
        match self.check(fact, exchange) {
            Err(refusal) => FactOutcome::Refused(refusal),
            Ok(()) => match fact {
                Fact::KeyCreated(key) => {
                    self.taken.keys.insert(key.api_key.clone());
                    *self.taken.keys_of.entry(key.account).or_default() += 1;
                    self.keys.push(key.clone());
                    self.key_times.push(exchange.now());
                    FactOutcome::KeyCreated(KeyId(self.keys.len() as u32 - 1))
                }
                Fact::AccountNamed { account, name } => {
                    // The old one first: it may be the new one.
                    if let Some(old) = self.names.insert(*account, name.clone()) {
                        self.taken.names.remove(&old);
                    }
                    self.taken.names.insert(name.clone());
                    FactOutcome::Done
                }
                Fact::RouteSet { operation, available } => {
                    if *available {
                        self.service.out.remove(operation);
                    } else {
                        self.service.out.insert(operation.clone());
                    }
                    FactOutcome::Done
                }
                Fact::FaultSet { operation, word, times } => {
                    self.faults += 1;
                    let (id, operation) = (FaultId(self.faults), operation.clone());
                    self.service.faults.push(FaultEntry { id, operation, word: *word, times: *times });
                    FactOutcome::FaultSet(id)
                }
                Fact::FaultEnded { fault } => {
                    self.service.faults.retain(|known| known.id != *fault);
                    FactOutcome::Done
                }
                Fact::ContractRolls { instrument, roll } => {
                    self.rolls.insert(*instrument, *roll);
                    FactOutcome::Done
                }
                Fact::NoticeGiven(notice) => {
                    self.notices_given += 1;
                    let id = NoticeId(self.notices_given);
                    self.notices.insert(id, notice.clone());
                    FactOutcome::NoticeGiven(id)
                }
                Fact::NoticeEnded { notice } => {
                    self.notices.remove(notice);
                    FactOutcome::Done
                }
                Fact::OffBookLeverage { account, cap } => {
                    match cap {
                        Some(cap) => self.off_book_leverage.insert(*account, *cap),
                        None => self.off_book_leverage.remove(account),
                    };
                    FactOutcome::Done
                }
            },
        }
    }

    fn check(&self, fact: &Fact, exchange: &Exchange) -> Result<(), FactRefusal> {
        let known =
            |account: AccountId| exchange.account(account).map(drop).ok_or(FactRefusal::UnknownAccount);
        match fact {
            Fact::KeyCreated(key) => {
                known(key.account)?;
                if self.taken.keys.contains(&key.api_key) {
                    return Err(FactRefusal::KeyExists);
                }
                if self.taken.keys_of.get(&key.account).is_some_and(|count| *count >= KEYS_PER_ACCOUNT) {
                    return Err(FactRefusal::TooManyKeys);
                }
            }
            Fact::AccountNamed { account, name } => {
                known(*account)?;
                check_name(name)?;
                if self.taken.names.contains(name) && self.names.get(account) != Some(name) {
                    return Err(FactRefusal::NameTaken);
                }
            }
            Fact::RouteSet { operation, available } => {
                check_operation(operation)?;
                let out = &self.service.out;
                if !available && !out.contains(operation) && out.len() >= ROUTES_OUT {
                    return Err(FactRefusal::TooManyRoutes);
                }
            }
            Fact::FaultSet { operation, times, .. } => {
                check_operation(operation)?;
                if *times == 0 {
                    return Err(FactRefusal::NeverTold);
                }
                if self.service.faults.len() >= FAULTS {
                    return Err(FactRefusal::TooManyFaults);
                }
            }
            Fact::FaultEnded { fault } => {
                if !self.service.faults.iter().any(|known| known.id == *fault) {
                    return Err(FactRefusal::UnknownFault);
                }
            }
            Fact::ContractRolls { instrument, .. } => {
                let listed = exchange.instrument(*instrument);
                listed.and_then(|listed| listed.spec().expiry).ok_or(FactRefusal::NotDated)?;
            }
            Fact::NoticeGiven(notice) => {
                let fits = (1..=NOTE_CHARS).contains(&notice.note.chars().count());
                if !fits || notice.note.chars().any(char::is_control) {
                    return Err(FactRefusal::BadNote);
                }
                if notice.plan.is_some() && notice.effective <= exchange.now() {
                    return Err(FactRefusal::PlanTooLate);
                }
                if self.notices.len() >= NOTICES {
                    return Err(FactRefusal::TooManyNotices);
                }
            }
            Fact::NoticeEnded { notice } => {
                if !self.notices.contains_key(notice) {
                    return Err(FactRefusal::UnknownNotice);
                }
            }
            Fact::OffBookLeverage { account, cap } => {
                let view = exchange.account(*account).ok_or(FactRefusal::UnknownAccount)?;
                if view.parent.is_some() || cap.is_some_and(|cap| cap > OFF_BOOK_LEVERAGE) {
                    return Err(FactRefusal::BadLeverage);
                }
            }
        }
        Ok(())
    }

    /// What is out of service, and which faults are to be told.
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Contracts that roll, beside those of the default listing.
    pub(crate) fn rolls(&self) -> &BTreeMap<InstrumentId, Roll> {
        &self.rolls
    }

    /// What notices say will become of contracts next, and when.
    pub(crate) fn next_planned(&self) -> Option<(Timestamp, Vec<Command>)> {
        let planned = || self.notices.values().filter(|notice| notice.plan.is_some());
        let at = planned().map(|notice| notice.effective).min()?;
        let due = planned().filter(|notice| notice.effective == at).filter_map(|notice| notice.plan);
        Some((at, due.map(|(instrument, state)| Command::SetMarketState { instrument, state }).collect()))
    }

    /// A contract was given a state: whatever came of it, what was planned of it by now is not planned any more.
    pub(crate) fn carried_out(&mut self, plan: (InstrumentId, MarketState), now: Timestamp) {
        for notice in self.notices.values_mut() {
            notice.plan = notice.plan.filter(|planned| *planned != plan || notice.effective > now);
        }
    }

    pub(crate) fn remember_nonce(&mut self, key: KeyId, nonce: u64) {
        let highest = self.nonces.entry(key).or_insert(nonce);
        *highest = nonce.max(*highest);
    }

    /// Whether a key remembers this nonce, or a later one; `None` when there is no such key.
    pub(crate) fn is_spent(&self, key: KeyId, nonce: u64) -> Option<bool> {
        let known = (key.0 as usize) < self.keys.len();
        known.then(|| self.nonces.get(&key).is_some_and(|highest| *highest >= nonce))
    }

    pub(crate) fn nonces(&self) -> Vec<(KeyId, u64)> {
        self.nonces.iter().map(|(key, nonce)| (*key, *nonce)).collect()
    }

    /// The published form of all this.
    ///
    /// # Errors
    /// The public text of a key whose secret was sealed elsewhere.
    pub(crate) fn directory(
        &self,
        exchange: &Exchange,
        identity: &Identity,
        vault: &Vault,
    ) -> Result<Directory, String> {
        let mut directory = Directory::default();
        self.extend(&mut directory, exchange, identity, vault)?;
        Ok(directory)
    }

    /// Brings a directory made from an earlier state up to this one: what is there already is not made again.
    pub(crate) fn extend(
        &self,
        directory: &mut Directory,
        exchange: &Exchange,
        identity: &Identity,
        vault: &Vault,
    ) -> Result<(), String> {
        for entry in &mut directory.accounts {
            if let Some(view) = exchange.account(entry.id) {
                (entry.active, entry.trading) = (view.active, view.trading);
            }
        }
        for number in directory.accounts.len()..exchange.account_count() {
            let Some(view) = exchange.account(AccountId(number as u32)) else { break };
            directory.accounts.push(AccountEntry {
                id: view.id,
                uid: identity.account_uid(view.id),
                name: None,
                parent: view.parent,
                house: view.house,
                active: view.active,
                trading: view.trading,
                off_book_leverage: None,
            });
        }
        for entry in &mut directory.accounts {
            entry.off_book_leverage = self.off_book_leverage.get(&entry.id).copied();
        }
        for (account, name) in &self.names {
            let entry = directory.accounts.get_mut(account.0 as usize);
            if let Some(entry) = entry.filter(|entry| entry.name.as_deref() != Some(name)) {
                entry.name = Some(Arc::from(name.as_str()));
            }
        }
        for (number, key) in self.keys.iter().enumerate().skip(directory.keys.len()) {
            let secret = vault.unwrap(&key.api_key, &key.secret).ok_or_else(|| key.api_key.clone())?;
            let (id, text) = (KeyId(number as u32), Arc::<str>::from(key.api_key.as_str()));
            directory.keys_by_text.insert(Arc::clone(&text), id);
            directory.keys.push(Arc::new(ApiKey {
                id,
                account: key.account,
                api_key: text,
                secret,
                general: key.general,
                withdrawal: key.withdrawal,
                created: self.key_times.get(number).copied().unwrap_or(exchange.now()),
            }));
        }
        let entry = |(id, notice): (&NoticeId, &Notice)| NoticeEntry { id: *id, notice: notice.clone() };
        if !directory.notices.iter().map(|entry| &entry.id).eq(self.notices.keys()) {
            directory.notices = Arc::new(self.notices.iter().map(entry).collect());
        }
        for (id, instrument) in exchange.instruments().skip(directory.instruments.len()) {
            directory.by_symbol.insert(instrument.spec().symbol.clone(), id);
            directory.instruments.push(ListedInstrument { id, instrument: Arc::new(instrument.clone()) });
        }
        Ok(())
    }
}

/// What a name for people must be like.
pub(crate) fn check_name(name: &str) -> Result<(), FactRefusal> {
    let fits = (1..=NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(FactRefusal::BadName) }
}

fn check_operation(name: &str) -> Result<(), FactRefusal> {
    let fits = (1..=OPERATION_CHARS).contains(&name.chars().count());
    if fits { Ok(()) } else { Err(FactRefusal::BadOperation) }
}
