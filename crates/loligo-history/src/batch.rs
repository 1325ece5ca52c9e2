//! Rows on their way into the index.

use std::collections::BTreeMap;

use crate::index::Contract;
use crate::page::At;
use crate::rows::{Any, OpenOrder, lists};

/// A row of any list.
pub use crate::rows::Any as AnyRow;

/// The rows of some records, in their order.
#[derive(Clone, Debug)]
pub struct Batch {
    pub(crate) branch: u64,
    pub(crate) rows: Vec<Pending>,
    /// The first and the last record, when there is one.
    pub(crate) span: Option<(u64, u64)>,
    /// Exchange time of the first record, and of the last.
    pub(crate) begun_ms: i64,
    pub(crate) time_ms: i64,
    /// What became of open orders: as they are, or gone.
    pub(crate) open: BTreeMap<u64, Option<OpenOrder>>,
    pub(crate) contracts: Vec<Contract>,
    pub(crate) house: Vec<u32>,
    /// How many rows of each list the last record has so far.
    ordinals: Vec<u32>,
}

/// A row with its place.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) owner: u32,
    pub(crate) at: At,
    pub(crate) row: Any,
}

impl Batch {
    /// An empty batch of records of a branch of the journal.
    #[must_use]
    pub fn new(branch: u64) -> Self {
        Self {
            branch,
            rows: Vec::new(),
            span: None,
            begun_ms: 0,
            time_ms: 0,
            open: BTreeMap::new(),
            contracts: Vec::new(),
            house: Vec::new(),
            ordinals: vec![0; lists().len()],
        }
    }

    /// Begins the next record, which took effect then. What is pushed is of it.
    pub fn record(&mut self, sequence: u64, time_ms: i64) {
        if self.span.is_none() {
            self.begun_ms = time_ms;
        }
        self.span = Some((self.span.map_or(sequence, |(first, _)| first), sequence));
        self.time_ms = time_ms;
        self.ordinals.fill(0);
    }

    /// Adds a row to the list of an account or a contract. It happened at its own time, which is not always its record's.
    ///
    /// # Panics
    /// Before the first record.
    pub fn push(&mut self, owner: u32, time_ms: i64, row: impl Into<Any>) {
        let row = row.into();
        let (list, _) = row.parts();
        let (_, sequence) = self.span.expect("a row belongs to a record");
        let ordinal = self.ordinals[list];
        self.ordinals[list] += 1;
        self.rows.push(Pending { owner, at: At { time_ms, sequence, ordinal }, row });
    }

    /// An order is open, as it is from now on.
    pub fn open(&mut self, order: OpenOrder) {
        self.open.insert(order.order.number, Some(order));
    }

    /// An order is open no more.
    pub fn close(&mut self, number: u64) {
        self.open.insert(number, None);
    }

    /// What this batch says of an open order: nothing, that it is gone, or how it is.
    #[must_use]
    pub fn opened(&self, number: u64) -> Option<Option<&OpenOrder>> {
        self.open.get(&number).map(Option::as_ref)
    }

    /// A contract was listed.
    pub fn contract(&mut self, contract: Contract) {
        self.contracts.push(contract);
    }

    /// An account is the house's.
    pub fn house(&mut self, account: u32) {
        self.house.push(account);
    }

    /// The last record, when there is one.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.span.map(|(_, last)| last)
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
