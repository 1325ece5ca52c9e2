//! Public market data of all contracts under one lock, so that an answer about several of them is of one sequence.

use super::changes::LevelChange;
use super::depth::Depth;
use super::ticker::Day;
use super::trades::Trades;
use super::{
    Applied, Cut, DepthSnapshot, Follower, LastTrade, Page, Part, PartError, Ticker, TradeRow, read, write,
};
use crate::past;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::{
    Event, Exchange, Execution, Fine, FinePrice, Instrument, InstrumentId, MarketState, PairId, Qty, Side,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockWriteGuard};

/// Layout of its part of a snapshot: trades and day by contract.
pub(super) const PART_VERSION: u8 = 1;

/// Books, trades and tickers of all contracts.
pub struct Markets {
    board: RwLock<Board>,
    /// The last record that was folded.
    sequence: AtomicU64,
    /// How many records changed what is shown here.
    changes: AtomicU64,
    /// How many of them changed which contracts there are, or how they trade.
    state_changes: AtomicU64,
}

#[derive(Default)]
struct Board {
    contracts: Vec<Contract>,
    indexes: HashMap<PairId, FinePrice, FixedState>,
}

struct Contract {
    instrument: Arc<Instrument>,
    depth: Depth,
    traded: Traded,
    /// The last trade that was made up for it.
    before: Option<LastTrade>,
    /// Level changes since the venue began: what the book's feed is numbered by.
    levels: u64,
    state: MarketState,
    mark: Option<FinePrice>,
    open_interest: i64,
}

/// What a contract's views know that the exchange does not.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Traded {
    pub(super) trades: Trades,
    pub(super) day: Day,
}

impl Markets {
    pub(super) const NAME: &str = "markets";

    /// What an exchange says of its markets after a record: books, prices, states, sums. Trades and days it does not know.
    pub(crate) fn of(exchange: &Exchange, sequence: u64) -> Self {
        let mut board = Board::default();
        for (id, instrument) in exchange.instruments() {
            let Some(market) = exchange.market(id) else { continue };
            board.list(Arc::new(instrument.clone()));
            board.indexes.extend(market.index.map(|index| (instrument.pair(), index)));
            if let Some(contract) = board.contract(id) {
                let levels = |side| exchange.depth(id, side, usize::MAX);
                contract.depth = Depth::new(levels(Side::Buy), levels(Side::Sell));
                (contract.state, contract.mark) = (market.state, market.mark);
                (contract.open_interest, contract.levels) = (market.open_interest.0, market.level_changes);
                contract.before = market.before.map(LastTrade::from);
            }
        }
        Self {
            board: RwLock::new(board),
            sequence: AtomicU64::new(sequence),
            changes: AtomicU64::new(0),
            state_changes: AtomicU64::new(0),
        }
    }

    /// A contract's whole book, best first. Making it costs a copy once per change, for which all markets wait; readers
    /// share it.
    pub fn depth(&self, id: InstrumentId) -> Option<Arc<DepthSnapshot>> {
        let board = read(&self.board);
        let contract = board.contracts.get(usize::from(id.0))?;
        Some(contract.depth.whole(contract.levels))
    }

    /// A contract's newest trades, with `before` only those earlier than it.
    pub fn trades(&self, id: InstrumentId, before: Option<Timestamp>, cut: Cut) -> Page<TradeRow> {
        let board = read(&self.board);
        let contract = board.contracts.get(usize::from(id.0));
        contract.map_or_else(Page::default, |contract| contract.traded.trades.page(before, cut))
    }

    /// As [`Markets::trades`], and behind all that happened the trades of the past.
    pub(crate) fn trades_and_past(
        &self,
        id: InstrumentId,
        past: &past::Past,
        before: Option<Timestamp>,
        cut: Cut,
    ) -> Page<TradeRow> {
        let page = self.trades(id, before, cut);
        let whole =
            |trades: &Trades| trades.last().is_none() || trades.reach_back_to(past::EXECUTIONS as u64);
        let is_whole =
            read(&self.board).contracts.get(usize::from(id.0)).is_some_and(|c| whole(&c.traded.trades));
        if page.rows.len() >= cut.rows || !is_whole {
            return page;
        }
        page.and_earlier(past.trade_rows(id), before, cut, |row| row.time)
    }

    /// One contract's ticker; the day's window ends at `now`.
    pub fn ticker(&self, id: InstrumentId, now: Timestamp) -> Option<Ticker> {
        let board = read(&self.board);
        board.contracts.get(usize::from(id.0)).map(|contract| board.ticker(id, contract, now))
    }

    /// How each contract trades, in order of id.
    pub fn states(&self) -> Vec<MarketState> {
        read(&self.board).contracts.iter().map(|contract| contract.state).collect()
    }

    /// Counts what changes anything that is shown here, but for what time alone changes. Who reads it before the figures has
    /// figures of this change or of a later one.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Counts what changes which contracts there are and how they trade; as [`Markets::changes`].
    pub fn state_changes(&self) -> u64 {
        self.state_changes.load(Ordering::Acquire)
    }

    /// How one contract trades.
    pub fn state(&self, id: InstrumentId) -> Option<MarketState> {
        read(&self.board).contracts.get(usize::from(id.0)).map(|contract| contract.state)
    }

    /// All tickers, in order of id, at one sequence.
    pub fn tickers(&self, now: Timestamp) -> Vec<Ticker> {
        let board = read(&self.board);
        board
            .contracts
            .iter()
            .enumerate()
            .map(|(index, contract)| board.ticker(InstrumentId(index as u16), contract, now))
            .collect()
    }

    /// The board, to be changed: whoever reads the count of this change finds the figures of it.
    fn change(&self) -> RwLockWriteGuard<'_, Board> {
        let board = write(&self.board);
        self.changes.fetch_add(1, Ordering::Release);
        board
    }

    /// Folds one record; tells each changed level when books are followed.
    pub(crate) fn tell(&self, applied: Applied<'_>, followed: impl Fn() -> bool) -> Vec<LevelChange> {
        let told = self.tell_levels(applied, followed);
        self.sequence.store(applied.sequence, Ordering::Release);
        told
    }

    fn tell_levels(&self, applied: Applied<'_>, followed: impl Fn() -> bool) -> Vec<LevelChange> {
        let mut told = Vec::new();
        if !applied.events.iter().any(concerns_markets) {
            return told;
        }
        let mut board = self.change();
        if applied.events.iter().any(|event| matches!(event, Event::Listed { .. } | Event::Market { .. })) {
            self.state_changes.fetch_add(1, Ordering::Release);
        }
        // Asked under the lock: whoever reads a book after it began to follow is told every later change of it.
        let followed = followed();
        for event in applied.events {
            let level = board.fold(event, applied);
            if followed {
                told.extend(level);
            }
        }
        told
    }
}

fn concerns_markets(event: &Event) -> bool {
    match event {
        Event::Executed(_)
        | Event::Level { .. }
        | Event::Index { .. }
        | Event::Mark { .. }
        | Event::Past { .. }
        | Event::Listed { .. }
        | Event::Market { .. } => true,
        Event::AccountCreated { .. }
        | Event::Account { .. }
        | Event::Leverage { .. }
        | Event::Placed { .. }
        | Event::Fired { .. }
        | Event::ActivationFailed { .. }
        | Event::Repriced { .. }
        | Event::Rewritten { .. }
        | Event::Rejected { .. }
        | Event::Filled { .. }
        | Event::Cancelled { .. }
        | Event::Edited { .. }
        | Event::Reduced { .. }
        | Event::EditRejected(_)
        | Event::NotFound { .. }
        | Event::Noted { .. }
        | Event::Forgotten { .. }
        | Event::Balance { .. } => false,
    }
}

impl Follower for Markets {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    fn fold(&self, applied: Applied<'_>) {
        self.tell(applied, || false);
    }

    fn part(&self) -> Option<Part> {
        let traded: Vec<Traded> =
            read(&self.board).contracts.iter().map(|contract| contract.traded.clone()).collect();
        Some(Part::of(self.name(), PART_VERSION, &traded))
    }

    fn take_part(&self, part: &Part) -> Result<(), PartError> {
        let traded: Vec<Traded> = part.read(PART_VERSION)?;
        for (contract, traded) in self.change().contracts.iter_mut().zip(traded) {
            contract.traded = traded;
        }
        Ok(())
    }
}

impl Traded {
    fn trade(&mut self, applied: Applied<'_>, execution: &Execution, instrument: &Instrument) {
        let worth = Fine(instrument.value(execution.qty.0, execution.price).0.abs());
        self.day.trade(execution.at, execution.price, execution.qty, worth);
        self.trades.push(TradeRow {
            execution: execution.id,
            sequence: applied.sequence,
            number: execution.trade,
            price: execution.price,
            qty: execution.qty,
            side: execution.taker_side,
            role: execution.taker.role,
            time: execution.at,
        });
    }
}

impl Board {
    fn ticker(&self, id: InstrumentId, contract: &Contract, now: Timestamp) -> Ticker {
        Ticker {
            instrument: id,
            last: contract.traded.trades.last().map(TradeRow::last).or(contract.before),
            bid: contract.depth.bid(),
            ask: contract.depth.ask(),
            index: self.indexes.get(&contract.instrument.pair()).copied(),
            mark: contract.mark,
            state: contract.state,
            open_interest: Qty(contract.open_interest),
            day: contract.traded.day.stats(now),
        }
    }

    fn list(&mut self, instrument: Arc<Instrument>) {
        self.contracts.push(Contract {
            instrument,
            depth: Depth::default(),
            traded: Traded::default(),
            before: None,
            levels: 0,
            state: MarketState::Open,
            mark: None,
            open_interest: 0,
        });
    }

    fn contract(&mut self, id: InstrumentId) -> Option<&mut Contract> {
        self.contracts.get_mut(usize::from(id.0))
    }

    /// Folds one event; the change of a level, if it is one.
    fn fold(&mut self, event: &Event, applied: Applied<'_>) -> Option<LevelChange> {
        match event {
            Event::Listed { spec, pair, .. } => {
                let listed = Instrument::new((**spec).clone(), *pair);
                self.list(Arc::new(listed.expect("the engine lists what it can reckon with")));
            }
            Event::Level { instrument, side, price, qty, number, at } => {
                let contract = self.contract(*instrument)?;
                contract.depth.set(*side, *price, *qty);
                contract.levels = *number;
                return Some(LevelChange {
                    instrument: *instrument,
                    side: *side,
                    price: *price,
                    qty: *qty,
                    number: *number,
                    at: *at,
                });
            }
            Event::Executed(execution) => {
                if let Some(contract) = self.contract(execution.instrument) {
                    contract.traded.trade(applied, execution, &contract.instrument);
                    for (side, fill, _) in execution.sides() {
                        let before = fill.position - execution.qty.0 * side.sign();
                        contract.open_interest += fill.position.max(0) - before.max(0);
                    }
                }
            }
            Event::Past { past, .. } => {
                if let Some(contract) = self.contract(past.instrument) {
                    contract.before = Some(past.last.into());
                    contract.traded.day = Day::after(&past.hours);
                }
            }
            Event::Index { pair, price, .. } => {
                self.indexes.insert(*pair, *price);
            }
            Event::Mark { instrument, price, .. } => {
                if let Some(contract) = self.contract(*instrument) {
                    contract.mark = Some(*price);
                }
            }
            Event::Market { instrument, state, .. } => {
                if let Some(contract) = self.contract(*instrument) {
                    contract.state = *state;
                }
            }
            _ => {}
        }
        None
    }
}
