//! Public market data of all contracts under one lock, so that an answer about several of them is of one sequence.

use super::depth::Depth;
use super::news::LevelNews;
use super::past::ContractPast;
use super::{Applied, Cut, DepthSnapshot, LastTrade, Page, Ticker, TradeRow, read, write};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use loligo_engine::{
    AccountId, Event, Execution, Fine, FinePrice, Instrument, InstrumentId, MarketState, PairId, Qty,
    Timestamp,
};
use std::sync::{Arc, RwLock};

/// Books, trades and tickers of all contracts.
#[derive(Default)]
pub struct Markets {
    board: RwLock<Board>,
}

#[derive(Default)]
struct Board {
    contracts: Vec<Contract>,
    indexes: HashMap<PairId, FinePrice, FixedState>,
    /// Signed positions, for the sum of the long ones.
    positions: HashMap<(AccountId, InstrumentId), i64, FixedState>,
}

struct Contract {
    instrument: Arc<Instrument>,
    depth: Depth,
    past: ContractPast,
    state: MarketState,
    mark: Option<FinePrice>,
    open_interest: i64,
}

/// What a recovered exchange says of a contract.
pub(crate) struct MarketSeed {
    pub(crate) instrument: Arc<Instrument>,
    pub(crate) bids: Vec<(loligo_engine::Price, Qty)>,
    pub(crate) asks: Vec<(loligo_engine::Price, Qty)>,
    pub(crate) state: MarketState,
    pub(crate) mark: Option<FinePrice>,
    pub(crate) index: Option<FinePrice>,
    pub(crate) past: ContractPast,
}

impl Markets {
    /// The board of a recovered exchange: contracts in order of id, and all non-zero positions.
    pub(crate) fn new(seeds: Vec<MarketSeed>, positions: Vec<(AccountId, InstrumentId, i64)>) -> Self {
        let mut board = Board::default();
        for seed in seeds {
            if let Some(index) = seed.index {
                board.indexes.insert(seed.instrument.pair(), index);
            }
            board.contracts.push(Contract {
                instrument: seed.instrument,
                depth: Depth::new(seed.bids, seed.asks),
                past: seed.past,
                state: seed.state,
                mark: seed.mark,
                open_interest: 0,
            });
        }
        for (account, instrument, qty) in positions {
            board.trade_position(account, instrument, qty);
        }
        Self { board: RwLock::new(board) }
    }

    /// A contract's whole book, best first. Making it costs a copy once per change, for which all markets wait; readers
    /// share it.
    pub fn depth(&self, id: InstrumentId) -> Option<Arc<DepthSnapshot>> {
        let board = read(&self.board);
        let contract = board.contracts.get(usize::from(id.0))?;
        Some(contract.depth.whole(contract.past.levels))
    }

    /// A contract's newest trades, with `before` only those earlier than it.
    pub fn trades(&self, id: InstrumentId, before: Option<Timestamp>, cut: Cut) -> Page<TradeRow> {
        let board = read(&self.board);
        let contract = board.contracts.get(usize::from(id.0));
        contract.map_or_else(Page::default, |contract| contract.past.trades.page(before, cut))
    }

    /// One contract's ticker; the day's window ends at `now`.
    pub fn ticker(&self, id: InstrumentId, now: Timestamp) -> Option<Ticker> {
        let board = read(&self.board);
        board.contracts.get(usize::from(id.0)).map(|contract| board.ticker(id, contract, now))
    }

    /// How each contract trades at `now`, in order of id.
    pub fn states(&self, now: Timestamp) -> Vec<MarketState> {
        let board = read(&self.board);
        board.contracts.iter().map(|contract| board.state(contract, now)).collect()
    }

    /// How one contract trades at `now`.
    pub fn state(&self, id: InstrumentId, now: Timestamp) -> Option<MarketState> {
        let board = read(&self.board);
        board.contracts.get(usize::from(id.0)).map(|contract| board.state(contract, now))
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

    /// Adds a contract; its `Listed` event names it, the writer brings its spec, and its pair's index as it is: the
    /// one that a venue is born with has no event of its own.
    pub(crate) fn list(&self, instrument: Arc<Instrument>, index: Option<FinePrice>) {
        let mut board = write(&self.board);
        if let Some(index) = index {
            board.indexes.entry(instrument.pair()).or_insert(index);
        }
        board.contracts.push(Contract {
            instrument,
            depth: Depth::default(),
            past: ContractPast::default(),
            state: MarketState::Open,
            mark: None,
            open_interest: 0,
        });
    }

    /// Trades and day of each contract, for a snapshot: what the engine's own state does not hold.
    pub(crate) fn export(&self) -> Vec<ContractPast> {
        read(&self.board).contracts.iter().map(|contract| contract.past.clone()).collect()
    }

    /// Folds one record; tells each changed level when books are followed.
    pub(crate) fn fold(&self, applied: Applied<'_>, followed: impl Fn() -> bool) -> Vec<LevelNews> {
        let mut told = Vec::new();
        if !applied.events.iter().any(concerns_markets) {
            return told;
        }
        let mut board = write(&self.board);
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
        | Event::Market { .. } => true,
        Event::Listed { .. }
        | Event::AccountCreated { .. }
        | Event::Account { .. }
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

impl ContractPast {
    pub(super) fn trade(&mut self, applied: Applied<'_>, execution: &Execution, instrument: &Instrument) {
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
            last: contract.past.trades.last().map(|trade| LastTrade {
                price: trade.price,
                qty: trade.qty,
                side: trade.side,
                time: trade.time,
            }),
            bid: contract.depth.bid(),
            ask: contract.depth.ask(),
            index: self.indexes.get(&contract.instrument.pair()).copied(),
            mark: contract.mark,
            state: self.state(contract, now),
            open_interest: Qty(contract.open_interest),
            day: contract.past.day.stats(now),
        }
    }

    /// What was told of it, and what follows from the time: the engine tells an expiry when the next record comes.
    fn state(&self, contract: &Contract, now: Timestamp) -> MarketState {
        let spec = contract.instrument.spec();
        match contract.state {
            MarketState::Inactive | MarketState::PreLaunch | MarketState::Expired => contract.state,
            MarketState::Open | MarketState::PostOnly | MarketState::Suspended => {
                if spec.expiry.is_some_and(|expiry| now >= expiry) {
                    MarketState::Expired
                } else if now < spec.opening {
                    MarketState::PreLaunch
                } else if !self.indexes.contains_key(&contract.instrument.pair()) {
                    MarketState::Suspended
                } else {
                    contract.state
                }
            }
        }
    }

    fn contract(&mut self, id: InstrumentId) -> Option<&mut Contract> {
        self.contracts.get_mut(usize::from(id.0))
    }

    /// Folds one event; the change of a level, if it is one.
    fn fold(&mut self, event: &Event, applied: Applied<'_>) -> Option<LevelNews> {
        match event {
            Event::Level { instrument, side, price, qty, number, .. } => {
                let contract = self.contract(*instrument)?;
                contract.depth.set(*side, *price, *qty);
                contract.past.levels = *number;
                return Some(LevelNews {
                    instrument: *instrument,
                    side: *side,
                    price: *price,
                    qty: *qty,
                    number: *number,
                });
            }
            Event::Executed(execution) => {
                if let Some(contract) = self.contract(execution.instrument) {
                    contract.past.trade(applied, execution, &contract.instrument);
                }
                let lots = execution.qty.0 * execution.taker_side.sign();
                self.trade_position(execution.taker.account, execution.instrument, lots);
                self.trade_position(execution.maker.account, execution.instrument, -lots);
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

    /// Adds signed lots to a position.
    fn trade_position(&mut self, account: AccountId, instrument: InstrumentId, lots: i64) {
        let prior = self.positions.get(&(account, instrument)).copied().unwrap_or(0);
        let position = prior + lots;
        if position == 0 {
            self.positions.remove(&(account, instrument));
        } else {
            self.positions.insert((account, instrument), position);
        }
        if let Some(contract) = self.contract(instrument) {
            contract.open_interest += position.max(0) - prior.max(0);
        }
    }
}
