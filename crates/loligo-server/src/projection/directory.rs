//! Who and what there is: accounts, API keys, instruments, notices.

use crate::identity::Secret;
use crate::record::{GeneralRight, KeyId, Notice, NoticeId, WithdrawalRight};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::{AccountId, Instrument, InstrumentId, Timestamp};
use std::sync::Arc;
use uuid::Uuid;

/// One API key.
#[derive(Debug)]
pub struct ApiKey {
    /// Its number.
    pub id: KeyId,
    /// Whose.
    pub account: AccountId,
    /// Its public text.
    pub api_key: Arc<str>,
    /// What its holder signs with.
    pub secret: Secret,
    /// Right to trade.
    pub general: GeneralRight,
    /// Right to withdraw.
    pub withdrawal: WithdrawalRight,
    /// When it was made.
    pub created: Timestamp,
}

impl ApiKey {
    /// Whether its holder may ask anything.
    pub fn may_ask(&self) -> bool {
        match self.general {
            GeneralRight::None => false,
            GeneralRight::ReadOnly | GeneralRight::Full => true,
        }
    }
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountEntry {
    /// Its number.
    pub id: AccountId,
    /// Its name for clients.
    pub uid: Uuid,
    /// Its name for people, where it has one.
    pub name: Option<Arc<str>>,
    /// Its master, for a subaccount.
    pub parent: Option<AccountId>,
    /// One of the house's own participants.
    pub house: bool,
    /// It may ask for anything.
    pub active: bool,
    /// It may place and edit orders.
    pub trading: bool,
    /// How far a master lets be leveraged what fills off the book, in hundredths, if it said so.
    pub off_book_leverage: Option<u32>,
}

/// One contract.
#[derive(Clone, Debug)]
pub struct ListedInstrument {
    /// Its number.
    pub id: InstrumentId,
    /// What it is.
    pub instrument: Arc<Instrument>,
}

/// A notice to clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeEntry {
    /// Its number.
    pub id: NoticeId,
    /// What it says.
    pub notice: Notice,
}

/// All of them at one moment.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub(crate) accounts: Vec<AccountEntry>,
    pub(crate) keys: Vec<Arc<ApiKey>>,
    pub(crate) keys_by_text: HashMap<Arc<str>, KeyId, FixedState>,
    pub(crate) instruments: Vec<ListedInstrument>,
    pub(crate) by_symbol: HashMap<String, InstrumentId, FixedState>,
    pub(crate) notices: Arc<Vec<NoticeEntry>>,
}

impl Directory {
    /// All accounts, in order of number; the house's own too.
    pub fn accounts(&self) -> &[AccountEntry] {
        &self.accounts
    }

    /// One account.
    pub fn account(&self, id: AccountId) -> Option<&AccountEntry> {
        self.accounts.get(id.0 as usize)
    }

    /// The key with this public text.
    pub fn key(&self, api_key: &str) -> Option<&Arc<ApiKey>> {
        self.keys_by_text.get(api_key).and_then(|id| self.keys.get(id.0 as usize))
    }

    /// All keys, in order of number.
    pub fn keys(&self) -> &[Arc<ApiKey>] {
        &self.keys
    }

    /// One key by number.
    pub fn key_by_id(&self, id: KeyId) -> Option<&Arc<ApiKey>> {
        self.keys.get(id.0 as usize)
    }

    /// All contracts, in order of number.
    pub fn instruments(&self) -> &[ListedInstrument] {
        &self.instruments
    }

    /// Notices that were given and not taken back, in order of number.
    pub fn notices(&self) -> &Arc<Vec<NoticeEntry>> {
        &self.notices
    }

    /// One contract by number.
    pub fn instrument(&self, id: InstrumentId) -> Option<&Arc<Instrument>> {
        self.instruments.get(usize::from(id.0)).map(|listed| &listed.instrument)
    }

    /// One contract by symbol, in any case.
    pub fn by_symbol(&self, symbol: &str) -> Option<&ListedInstrument> {
        let id = match self.by_symbol.get(symbol) {
            Some(id) => *id,
            None => *self.by_symbol.get(&symbol.to_ascii_uppercase())?,
        };
        self.instruments.get(usize::from(id.0))
    }
}
