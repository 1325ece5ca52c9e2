//! What each event makes of the figures.

use super::super::Resolution;
use super::Subject;
use super::figures::{Figures, PoolValue, Rates};
use super::follower::{Contract, Held};
use super::forming::Forming;
use super::standing::Standing;
use crate::projection::Applied;
use loligo_engine::{
    BalanceCause, Currency, Event, Execution, FillRole, FundingRate, Instrument, InstrumentId, MarketState,
    Money, Side, Timestamp,
};

impl Held {
    /// Folds the record after the last.
    pub(super) fn fold(&mut self, applied: Applied<'_>) {
        // Until it is shown how the exchange stands no event says what it comes to.
        if self.stands {
            for event in applied.events {
                self.event(applied.sequence, event);
            }
            self.pass(applied.time);
        }
        self.store.takes(applied.time, applied.sequence);
        self.store.reach(applied.sequence);
    }

    fn event(&mut self, record: u64, event: &Event) {
        match event {
            Event::Listed { instrument, pair, spec, at } => {
                self.pass(*at);
                let listed = Instrument::new((**spec).clone(), *pair);
                let standing = Standing::new(listed.expect("the engine lists what it can reckon with"));
                let subject = Subject::Contract(*instrument);
                let restored = self.restored(subject).unwrap_or_else(|error| {
                    tracing::warn!(%error, "the figures of a contract could not be read; they begin anew");
                    None
                });
                let forming = restored.unwrap_or_else(|| Forming::begin(subject, *at, &Figures::default()));
                self.contracts.insert(*instrument, Contract { standing, forming });
            }
            Event::Level { instrument, side, price, qty, at, .. } => {
                self.pass(*at);
                if let Some(contract) = self.contracts.get_mut(instrument) {
                    contract.standing.level(*side, *price, *qty);
                }
            }
            Event::Index { pair, price, at } => {
                self.pass(*at);
                self.indexes.insert(*pair, *price);
            }
            Event::Mark { instrument, price, at } => {
                self.pass(*at);
                if let Some(contract) = self.contracts.get_mut(instrument) {
                    contract.standing.mark = Some(*price);
                }
            }
            Event::Executed(execution) => {
                self.pass(execution.at);
                self.executed(record, execution);
            }
            Event::Settled(settled) => {
                self.pass(settled.at);
                if let Some(contract) = self.contracts.get_mut(&settled.instrument) {
                    contract.standing.holds(settled.account, 0);
                }
                self.open_interest(record, settled.instrument, settled.at);
            }
            Event::Past { past, at } => {
                // The rate of the hour in which the venue begins.
                if let Some(last) = past.rates.last() {
                    self.rate(record, past.instrument, (*last).into(), (*at, *at));
                }
            }
            Event::FundingRate { instrument, rate, hour, at } => {
                self.pass(*at);
                self.rate(record, *instrument, *rate, (*hour, *at));
            }
            Event::Market { instrument, state: MarketState::Expired, at } => {
                self.pass(*at);
                self.take_figures(*instrument);
                if let Some(contract) = self.contracts.get_mut(instrument) {
                    contract.standing.is_over = true;
                }
            }
            Event::Pool { currency, amount, at, .. } => {
                self.pass(*at);
                self.pool.insert(*currency, *amount);
            }
            Event::Balance { cause: BalanceCause::Pool, currency, change, at, .. } => {
                self.pass(*at);
                *self.pool.entry(*currency).or_default() -= *change;
            }
            _ => {}
        }
    }

    /// Time passes: at the end of a minute figures are taken of all that changed in it.
    fn pass(&mut self, at: Timestamp) {
        if at.0 < self.minute.0 + Resolution::OneMinute.micros() {
            return;
        }
        self.take_all();
        self.minute = Resolution::OneMinute.opening(at);
    }

    /// Takes the figures of all that stands.
    pub(super) fn take_all(&mut self) {
        let ids: Vec<InstrumentId> = self.contracts.keys().copied().collect();
        for id in ids {
            self.take_figures(id);
        }
        self.take_pool_value();
    }

    /// Takes the figures of a contract that are read off how it stands, if they are others than before.
    pub(super) fn take_figures(&mut self, id: InstrumentId) {
        let at = self.minute;
        let Some(Contract { standing, forming }) = self.contracts.get_mut(&id) else { return };
        let index = self.indexes.get(&standing.instrument().pair()).copied();
        if !standing.differs(forming.newest(), index) || !self.store.is_open_at(at) {
            return;
        }
        let put = standing.take(index);
        forming.change(at, &mut self.complete, |figures, _| put(figures));
    }

    /// The same of the pool.
    pub(super) fn take_pool_value(&mut self) {
        let at = self.minute;
        let value = PoolValue { usd: self.pool_worth() };
        if !self.store.is_open_at(at) {
            return;
        }
        match &mut self.pool_value {
            Some(forming) if *forming.newest() == value => {}
            Some(forming) => forming.change(at, &mut self.complete, |figures, _| *figures = value),
            // There are no minutes before the first event.
            forming if !self.contracts.is_empty() => {
                *forming = Some(Forming::begin(Subject::Pool, at, &value));
            }
            _ => {}
        }
    }

    /// What is in the pool, in USD: each currency at the index of the contract that settles in it, rounded down.
    fn pool_worth(&self) -> Option<Money> {
        let worth = |(currency, amount): (&Currency, &Money)| {
            if *currency == Currency::USD || *amount == Money::ZERO {
                return Some(*amount);
            }
            let settles = |contract: &&Contract| {
                let spec = contract.standing.instrument().spec();
                spec.base == *currency && spec.quote == Currency::USD
            };
            let priced = self.contracts.values().find(settles)?.standing.instrument().pair();
            self.indexes.get(&priced).map(|price| amount.at(*price))
        };
        self.pool.iter().map(worth).sum()
    }

    fn executed(&mut self, record: u64, execution: &Execution) {
        let Execution { instrument, qty, at, taker_side, .. } = execution;
        for (_, fill) in execution.sides() {
            if fill.liquidation_fee != Money::ZERO {
                *self.pool.entry(execution.currency).or_default() += fill.liquidation_fee;
            }
            if let Some(contract) = self.contracts.get_mut(instrument) {
                contract.standing.holds(fill.account, fill.position);
            }
        }
        self.open_interest(record, *instrument, *at);
        let lots = i128::from(qty.0);
        let (is_on_book, is_forced) = (execution.is_on_book(), is_forced(execution.taker.role));
        self.change(record, *instrument, *at, |figures, _| {
            if is_forced {
                figures.liquidated += lots;
            }
            if is_on_book {
                figures.trades += 1;
                match taker_side {
                    Side::Buy => {
                        (figures.bought, figures.delta) = (figures.bought + lots, figures.delta + lots)
                    }
                    Side::Sell => (figures.sold, figures.delta) = (figures.sold + lots, figures.delta - lots),
                }
            }
        });
    }

    fn open_interest(&mut self, record: u64, instrument: InstrumentId, at: Timestamp) {
        let Some(contract) = self.contracts.get(&instrument) else { return };
        let lots = contract.standing.open_interest();
        self.change(record, instrument, at, |figures, _| figures.open_interest.tick(lots));
    }

    /// A rate holds from its hour on: where a stretch begins with that, nothing of the rate before is in it.
    fn rate(
        &mut self,
        record: u64,
        instrument: InstrumentId,
        rate: FundingRate,
        (hour, at): (Timestamp, Timestamp),
    ) {
        // What is late by a minute or more is told when it comes, so that longer stretches are the fold of their minutes.
        let is_late = Resolution::OneMinute.opening(at) > hour;
        self.change(record, instrument, at, |figures, opened| match is_late || opened < hour {
            true => figures.tick_rate(rate),
            false => figures.rates = Some(Rates::flat(rate)),
        });
    }

    /// Changes the figures of a contract in the stretches of an instant.
    fn change(
        &mut self,
        record: u64,
        instrument: InstrumentId,
        at: Timestamp,
        act: impl Fn(&mut Figures, Timestamp),
    ) {
        if !self.store.takes(at, record) {
            return;
        }
        if let Some(contract) = self.contracts.get_mut(&instrument) {
            contract.forming.change(at, &mut self.complete, act);
        }
    }
}

/// Whether an order that came closed a position by force.
fn is_forced(role: FillRole) -> bool {
    match role {
        FillRole::Liquidation
        | FillRole::PartialLiquidation
        | FillRole::CoveredLiquidation
        | FillRole::Assignor
        | FillRole::UnwindBankrupt => true,
        FillRole::Maker
        | FillRole::Taker
        | FillRole::TakerAfterEdit
        | FillRole::Assignee
        | FillRole::UnwindCounterparty => false,
    }
}
