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
    Event, Exchange, Execution, Fine, FinePrice, FundingRate, FundingView, Instrument, InstrumentId,
    MarketState, PairId, Qty, Side, Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockWriteGuard};

/// Layout of its part of a snapshot: trades, day, funding rates and the last trade on the book by contract.
pub(super) const PART_VERSION: u8 = 3;
/// Of a time when all trades were on the book: read, never written.
const ON_BOOK_PART_VERSION: u8 = 2;
/// Without funding rates: read, never written.
const RATELESS_PART_VERSION: u8 = 1;
/// Funding rates that are kept of each contract: those of a year.
pub const FUNDING_RATES_KEPT: usize = 366 * 24;

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
    /// The second up to which funding is shown; none when something has changed that it hangs on.
    funded_second: Option<i64>,
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
    /// When it comes to its end, or came.
    ends_at: Option<Timestamp>,
    /// Of a perpetual that is not over.
    funding: Option<FundingView>,
}

/// What a record changed, as far as markets are followed.
#[derive(Default)]
pub(super) struct MarketChanges {
    pub(super) levels: Vec<LevelChange>,
    pub(super) trades: Vec<(InstrumentId, TradeRow)>,
    /// Index or mark prices, or states.
    pub(super) prices: bool,
}

/// What a contract's views know that the exchange does not.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Traded {
    pub(super) trades: Trades,
    pub(super) day: Day,
    pub(super) rates: VecDeque<FundingRateRow>,
    /// The last trade on the book; others move no last price.
    pub(super) last: Option<LastTrade>,
}

/// A [`Traded`] before positions met without the book.
#[derive(Deserialize)]
struct OnBookTraded {
    trades: Trades,
    day: Day,
    rates: VecDeque<FundingRateRow>,
}

/// A [`Traded`] before there was funding.
#[derive(Deserialize)]
struct RatelessTraded {
    trades: Trades,
    day: Day,
}

/// The funding rate of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundingRateRow {
    /// When the hour began.
    pub hour: Timestamp,
    /// Its rate.
    pub rate: FundingRate,
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
                contract.ends_at = market.ends_at;
            }
        }
        board.show_funding(exchange);
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

    /// The funding rates of a contract's hours, oldest first: the last [`FUNDING_RATES_KEPT`].
    pub fn funding_rates(&self, id: InstrumentId) -> Vec<FundingRateRow> {
        let board = read(&self.board);
        let contract = board.contracts.get(usize::from(id.0));
        contract.map_or_else(Vec::new, |contract| contract.traded.rates.iter().copied().collect())
    }

    /// Shows the funding of all contracts as the exchange has it. What is predicted follows from samples, of which no event tells:
    /// it is looked at anew once a second, and when a rate, a contract or an index has changed.
    pub(crate) fn show_funding(&self, exchange: &Exchange) {
        let second = exchange.now().0.div_euclid(Timestamp::SECOND);
        if read(&self.board).funded_second != Some(second) {
            self.change().show_funding(exchange);
        }
    }

    /// One contract's ticker; the day's window ends at `now`.
    pub fn ticker(&self, id: InstrumentId, now: Timestamp) -> Option<Ticker> {
        let board = read(&self.board);
        board.contracts.get(usize::from(id.0)).map(|contract| board.ticker(id, contract, now))
    }

    /// A contract's newest `limit` trades, newest first.
    pub(crate) fn latest_trades(&self, id: InstrumentId, limit: usize) -> Vec<TradeRow> {
        let board = read(&self.board);
        let contract = board.contracts.get(usize::from(id.0));
        contract.map_or_else(Vec::new, |contract| contract.traded.trades.latest(limit))
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

    /// When one contract comes to its end, or came.
    pub(crate) fn ends_at(&self, id: InstrumentId) -> Option<Timestamp> {
        read(&self.board).contracts.get(usize::from(id.0)).and_then(|contract| contract.ends_at)
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

    /// Folds one record; tells what it changed when markets are followed.
    pub(super) fn tell(&self, applied: Applied<'_>, followed: impl Fn() -> bool) -> MarketChanges {
        let told = self.fold_told(applied, followed);
        self.sequence.store(applied.sequence, Ordering::Release);
        told
    }

    fn fold_told(&self, applied: Applied<'_>, followed: impl Fn() -> bool) -> MarketChanges {
        let mut told = MarketChanges::default();
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
            board.fold(event, applied, followed.then_some(&mut told));
        }
        told
    }
}

fn concerns_markets(event: &Event) -> bool {
    match event {
        Event::Executed(_)
        | Event::Level { .. }
        | Event::Index { .. }
        | Event::FundingRate { .. }
        | Event::Mark { .. }
        | Event::Delisting { .. }
        | Event::Settled(_)
        | Event::Past { .. }
        | Event::Listed { .. }
        | Event::Market { .. } => true,
        Event::AccountCreated { .. }
        | Event::Account { .. }
        | Event::Leverage { .. }
        | Event::PnlPreference { .. }
        | Event::Converted(_)
        | Event::Interest(_)
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
        | Event::Funding(_)
        | Event::AssignmentProgram(_)
        | Event::Pool { .. }
        | Event::SettlementPrice { .. }
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
        let traded: Vec<Traded> = match part.version {
            RATELESS_PART_VERSION => {
                let traded: Vec<RatelessTraded> = part.read(RATELESS_PART_VERSION)?;
                let with_none =
                    |RatelessTraded { trades, day }| Traded::on_book(trades, day, VecDeque::new());
                traded.into_iter().map(with_none).collect()
            }
            ON_BOOK_PART_VERSION => {
                let traded: Vec<OnBookTraded> = part.read(ON_BOOK_PART_VERSION)?;
                let on_book =
                    |OnBookTraded { trades, day, rates }: OnBookTraded| Traded::on_book(trades, day, rates);
                traded.into_iter().map(on_book).collect()
            }
            _ => part.read(PART_VERSION)?,
        };
        for (contract, traded) in self.change().contracts.iter_mut().zip(traded) {
            contract.traded = traded;
        }
        Ok(())
    }
}

impl Traded {
    /// All of whose trades were on the book.
    pub(super) fn on_book(trades: Trades, day: Day, rates: VecDeque<FundingRateRow>) -> Self {
        let last = trades.last().map(TradeRow::last);
        Self { trades, day, rates, last }
    }

    /// Keeps the rate of one more hour.
    fn rate(&mut self, row: FundingRateRow) {
        self.rates.push_back(row);
        if self.rates.len() > FUNDING_RATES_KEPT {
            self.rates.pop_front();
        }
    }

    fn trade(&mut self, applied: Applied<'_>, execution: &Execution, instrument: &Instrument) -> &TradeRow {
        let row = TradeRow {
            execution: execution.id,
            sequence: applied.sequence,
            number: execution.trade,
            price: execution.price,
            qty: execution.qty,
            side: execution.taker_side,
            role: execution.taker.role,
            time: execution.at,
        };
        // Positions that meet without the book move no last price and count in no day.
        if execution.is_on_book() {
            let worth = Fine(instrument.value(execution.qty.0, execution.price).0.abs());
            self.day.trade(execution.at, execution.price, execution.qty, worth);
            self.last = Some(row.last());
        }
        self.trades.push(row)
    }
}

impl Board {
    fn ticker(&self, id: InstrumentId, contract: &Contract, now: Timestamp) -> Ticker {
        Ticker {
            instrument: id,
            last: contract.traded.last.or(contract.before),
            bid: contract.depth.bid(),
            ask: contract.depth.ask(),
            index: self.indexes.get(&contract.instrument.pair()).copied(),
            mark: contract.mark,
            state: contract.state,
            open_interest: Qty(contract.open_interest),
            day: contract.traded.day.stats(now),
            funding: contract.funding,
        }
    }

    fn list(&mut self, instrument: Arc<Instrument>) {
        self.contracts.push(Contract {
            ends_at: instrument.spec().expiry,
            instrument,
            depth: Depth::default(),
            traded: Traded::default(),
            before: None,
            levels: 0,
            state: MarketState::Open,
            mark: None,
            open_interest: 0,
            funding: None,
        });
    }

    fn show_funding(&mut self, exchange: &Exchange) {
        self.funded_second = Some(exchange.now().0.div_euclid(Timestamp::SECOND));
        for (at, contract) in self.contracts.iter_mut().enumerate() {
            contract.funding = exchange.funding(InstrumentId(at as u16));
        }
    }

    fn contract(&mut self, id: InstrumentId) -> Option<&mut Contract> {
        self.contracts.get_mut(usize::from(id.0))
    }

    /// Folds one event, and tells what it changed to whoever is there to hear it.
    fn fold(&mut self, event: &Event, applied: Applied<'_>, told: Option<&mut MarketChanges>) {
        match event {
            Event::FundingRate { instrument, rate, hour, .. } => {
                self.funded_second = None;
                if let Some(contract) = self.contract(*instrument) {
                    contract.traded.rate(FundingRateRow { hour: *hour, rate: *rate });
                }
            }
            Event::Listed { spec, pair, .. } => {
                let listed = Instrument::new((**spec).clone(), *pair);
                self.funded_second = None;
                self.list(Arc::new(listed.expect("the engine lists what it can reckon with")));
            }
            Event::Level { instrument, side, price, qty, number, at } => {
                let Some(contract) = self.contract(*instrument) else { return };
                contract.depth.set(*side, *price, *qty);
                contract.levels = *number;
                if let Some(told) = told {
                    told.levels.push(LevelChange {
                        instrument: *instrument,
                        side: *side,
                        price: *price,
                        qty: *qty,
                        number: *number,
                        at: *at,
                    });
                }
            }
            Event::Executed(execution) => {
                if let Some(contract) = self.contract(execution.instrument) {
                    let row = contract.traded.trade(applied, execution, &contract.instrument);
                    if let Some(told) = told {
                        told.trades.push((execution.instrument, row.clone()));
                    }
                    for (side, fill) in execution.sides() {
                        let before = fill.position - execution.qty.0 * side.sign();
                        contract.open_interest += fill.position.max(0) - before.max(0);
                    }
                }
            }
            Event::Settled(settlement) => {
                if let Some(contract) = self.contract(settlement.instrument) {
                    contract.open_interest -= settlement.closed.max(0);
                }
            }
            Event::Past { past, .. } => {
                if let Some(contract) = self.contract(past.instrument) {
                    contract.before = Some(past.last.into());
                    contract.traded.day = Day::after(&past.hours);
                    for past in &past.rates {
                        contract.traded.rate(FundingRateRow { hour: past.hour, rate: (*past).into() });
                    }
                }
            }
            Event::Index { pair, price, .. } => {
                self.funded_second = None;
                self.indexes.insert(*pair, *price);
                moved(told);
            }
            Event::Mark { instrument, price, .. } => {
                if let Some(contract) = self.contract(*instrument) {
                    contract.mark = Some(*price);
                }
                moved(told);
            }
            Event::Market { instrument, state, at } => {
                self.funded_second = None;
                if let Some(contract) = self.contract(*instrument) {
                    contract.state = *state;
                    if *state == MarketState::Expired {
                        contract.ends_at = Some(*at);
                    }
                }
                moved(told);
            }
            Event::Delisting { instrument, settles_at, .. } => {
                if let Some(contract) = self.contract(*instrument) {
                    contract.ends_at = Some(*settles_at);
                }
            }
            _ => {}
        }
    }
}

fn moved(told: Option<&mut MarketChanges>) {
    if let Some(told) = told {
        told.prices = true;
    }
}
