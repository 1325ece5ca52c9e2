//! Short lives of small venues: few accounts, most of them poor and all of them leveraged, that see a funding hour, a crash and the
//! end of contracts, with prices and amounts that meet equalities on purpose.

mod equalities;
mod trading;
mod venue;

use crate::agreement::Step;
use crate::model::Model;
use equalities::Equality;
use loligo_engine::{AccountId, Command, FinePrice, InstrumentId, Leverage, MarketState, Timestamp};
use opstream::Rng;
use std::collections::{BTreeMap, VecDeque};

/// How many commands a venue lives for.
pub const LENGTH: usize = 500;

/// What comes next of what was planned.
#[derive(Clone, Debug)]
enum Planned {
    /// To be asked.
    Ask(Command),
    /// To be asked, and an equality is met by it if it still holds then.
    Meet(Command, Equality),
    /// Time is to come to an instant.
    Reach(i64),
    /// So many microseconds are to pass.
    Pass(i64),
}

/// A source of commands.
pub struct Life {
    rng: Rng,
    /// Where time stands.
    time: i64,
    /// The hour that it sees.
    hour: i64,
    /// When the linear and the inverse dated contract end, in seconds after the hour.
    ends: (i64, i64),
    accounts: u32,
    has_house: bool,
    has_whale: bool,
    /// Price around which each contract trades, in ticks.
    fair: Vec<i64>,
    planned: VecDeque<Planned>,
    /// Commands so far.
    done: usize,
    met: BTreeMap<&'static str, u64>,
}

impl Life {
    /// The life of a seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x11FE_0F10_1160);
        let hour = Self::hour_of(seed);
        let accounts = if rng.below(12) == 0 { 20 } else { 4 + rng.below(5) as u32 };
        let ends = (60 + rng.below(150) as i64, 240 + rng.below(150) as i64);
        let has_house = rng.below(3) == 0;
        let has_whale = rng.below(4) == 0;
        let fair = vec![50_000, 50_000, 25_000, 100_000, 100_000];
        let mut life = Self {
            rng,
            time: hour - venue::BEFORE_THE_HOUR,
            hour,
            ends,
            accounts,
            has_house,
            has_whale,
            fair,
            planned: VecDeque::new(),
            done: 0,
            met: BTreeMap::new(),
        };
        life.planned = life.opening().into_iter().map(Planned::Ask).collect();
        life
    }

    /// Equalities that it met on purpose, by kind.
    pub fn met(&self) -> &BTreeMap<&'static str, u64> {
        &self.met
    }

    /// What comes next, given where the exchange stands.
    pub fn next_step(&mut self, model: &Model) -> Step {
        self.done += 1;
        if self.done > 40 && model.is_busy() && self.chance(70) {
            return self.step(Command::Advance);
        }
        loop {
            match self.planned.pop_front() {
                Some(Planned::Ask(command)) => return self.step(command),
                Some(Planned::Meet(command, equality)) => {
                    if equality.holds(model) {
                        *self.met.entry(equality.kind()).or_default() += 1;
                    }
                    return self.step(command);
                }
                Some(Planned::Reach(at)) => {
                    self.time = self.time.max(at);
                    return self.step(Command::Advance);
                }
                Some(Planned::Pass(micros)) => self.time += micros,
                None => {
                    if let Some(step) = self.plan(model) {
                        return step;
                    }
                }
            }
        }
    }

    fn step(&self, command: Command) -> Step {
        Step { time: Timestamp(self.time), command }
    }

    /// Something small at once, or something that takes several commands.
    fn plan(&mut self, model: &Model) -> Option<Step> {
        let second = Timestamp::SECOND;
        let share = self.done * 100 / LENGTH;
        let (linear_end, inverse_end) = (self.hour + self.ends.0 * second, self.hour + self.ends.1 * second);
        // What a life sees, in this order.
        if share >= 30 && self.time < self.hour {
            self.lose_much(model);
            return self.reach(self.hour);
        }
        if share >= 70 && self.time < linear_end {
            return self.reach(linear_end);
        }
        if share >= 80 && self.time < inverse_end {
            return self.reach(inverse_end);
        }
        if share >= 90 && model.market_state(venue::PERPETUAL) == MarketState::Open && self.chance(30) {
            let instrument = self.pick(&[venue::PERPETUAL, venue::INVERSE[0]]);
            self.planned.push_back(Planned::Ask(Command::Expire { instrument }));
            if self.chance(60) {
                self.run_away(model, instrument);
            }
            if self.chance(80) {
                self.planned.push_back(Planned::Reach(self.time + 900 * second));
            }
            return None;
        }
        self.time += match self.rng.below(100) {
            0..60 => 0,
            60..85 => 1 + self.rng.below(20_000) as i64,
            85..97 => second,
            _ => 3 * second,
        };
        let crisis = (35..70).contains(&share);
        match self.rng.below(1_000) {
            at if at < if crisis { 60 } else { 12 } => self.crash(model),
            at if at < if crisis { 180 } else { 100 } => self.meet_an_equality(model),
            at if at < 280 => self.move_prices(model),
            at if at < 290 => self.operate(model),
            _ => {
                let command = self.trade(model);
                return Some(self.step(command));
            }
        }
        None
    }

    /// Who has much loses more than is free of interest.
    fn lose_much(&mut self, model: &Model) {
        let whale = AccountId(venue::RICH);
        let held = (0..3).map(InstrumentId).map(|id| (id, model.position_lots(whale, id)));
        for (instrument, lots) in held.filter(|(_, lots)| self.has_whale && *lots != 0).collect::<Vec<_>>() {
            let fair = &mut self.fair[instrument.0 as usize];
            // Of all three a lot is worth a ten-thousandth of a USD a tick.
            let ticks = 400_000_000 / lots.abs() + 1;
            if ticks < *fair / 12 {
                *fair -= lots.signum() * ticks;
                let price = Some(self.fair_price(model, instrument));
                self.planned.push_back(Planned::Ask(Command::PinMark { instrument, price }));
            }
        }
    }

    /// The instant before, that instant, and one after.
    fn reach(&mut self, at: i64) -> Option<Step> {
        for at in [at - 1, at, at + 1] {
            self.planned.push_back(Planned::Reach(at));
        }
        None
    }

    /// Prices run away, most often when nobody quotes any more; seconds pass, and now and then somebody comes back.
    fn crash(&mut self, model: &Model) {
        let up = self.chance(35);
        let thousandths = self.pick(&[3, 8, 15, 30, 60, 150]);
        let pair = self.pick(&[0, 0, 0, 1]);
        let all: Vec<InstrumentId> = model
            .instrument_ids()
            .filter(|id| model.pair(*id).0 == pair && self.is_listed(model, *id))
            .collect();
        if self.chance(70) {
            for account in (0..venue::RICH).map(AccountId) {
                let instrument = if self.chance(50) { None } else { all.first().copied() };
                self.planned.push_back(Planned::Ask(Command::CancelAll { account, instrument }));
            }
        }
        for id in &all {
            let fair = &mut self.fair[id.0 as usize];
            *fair = (*fair * if up { 1_000 + thousandths } else { 1_000 - thousandths } / 1_000).max(100);
        }
        self.pin_all(model, pair);
        for _ in 0..1 + self.rng.below(6) {
            self.planned.push_back(Planned::Pass(Timestamp::SECOND));
            if self.chance(40) {
                let command = self.quote(model);
                self.planned.push_back(Planned::Ask(command));
            }
            self.planned.push_back(Planned::Ask(Command::Advance));
        }
    }

    /// The index runs away from a contract whose mark is held: nobody is liquidated, and all is lost and won at its end. Most who hold it
    /// would lose no more than they set aside, where it can be.
    fn run_away(&mut self, model: &Model, instrument: InstrumentId) {
        for account in (0..self.accounts).map(AccountId) {
            if model.position_lots(account, instrument) != 0 && self.chance(70) {
                let leverage = Some(self.pick(&[Leverage(1_000), Leverage(3_000), Leverage(7_000)]));
                self.planned.push_back(Planned::Ask(Command::SetLeverage { account, instrument, leverage }));
            }
        }
        let (pair, mark) = (model.pair(instrument), self.fair_price(model, instrument));
        let index = FinePrice(mark.0 * self.pick(&[3, 6, 15, 20]) / 10);
        self.planned.push_back(Planned::Ask(Command::PinMark { instrument, price: Some(mark) }));
        self.planned.push_back(Planned::Ask(Command::PinIndex { pair, price: Some(index) }));
    }

    /// Puts the index of a pair, and most marks, where its contracts trade.
    fn pin_all(&mut self, model: &Model, pair: u16) {
        let all: Vec<InstrumentId> = model.instrument_ids().filter(|id| model.pair(*id).0 == pair).collect();
        let Some(first) = all.first().copied() else { return };
        let price = self.fair_price(model, first);
        let pair = loligo_engine::PairId(pair);
        self.planned.push_back(Planned::Ask(Command::PinIndex { pair, price: Some(price) }));
        for instrument in all {
            if self.chance(75) {
                let price = self.chance(90).then(|| self.fair_price(model, instrument));
                self.planned.push_back(Planned::Ask(Command::PinMark { instrument, price }));
            }
        }
    }

    /// A little to either side.
    fn move_prices(&mut self, model: &Model) {
        let instrument = self.instrument(model);
        let at = instrument.0 as usize;
        let around = self.fair[at] / 400;
        self.fair[at] = (self.fair[at] + self.rng.below(2 * around as u64 + 1) as i64 - around).max(100);
        match self.rng.below(10) {
            0..2 => self.pin_all(model, model.pair(instrument).0),
            2 => {
                // What only margins moves, too.
                let (pair, price) = self.pick(&[(2, 105), (2, 112), (3, 99), (4, 14_000), (5, 21_000)]);
                let (pair, price) = (loligo_engine::PairId(pair), Some(venue::hundredths(price)));
                self.planned.push_back(Planned::Ask(Command::PinIndex { pair, price }));
            }
            3 if self.chance(30) => {
                // As a source would, and then as an operator.
                let (pair, price) = (venue::UNPRICED, venue::hundredths(self.pick(&[90, 100, 110])));
                let command = match self.chance(70) {
                    true => Command::PublishIndex { pair, price },
                    false => Command::PinIndex { pair, price: self.chance(60).then_some(price) },
                };
                self.planned.push_back(Planned::Ask(command));
            }
            _ => {
                let price = self.chance(95).then(|| self.fair_price(model, instrument));
                self.planned.push_back(Planned::Ask(Command::PinMark { instrument, price }));
            }
        }
    }

    /// Where a contract trades.
    fn fair_price(&self, model: &Model, instrument: InstrumentId) -> FinePrice {
        FinePrice(i128::from(self.fair[instrument.0 as usize]) * model.tick(instrument).0)
    }

    fn is_listed(&self, model: &Model, id: InstrumentId) -> bool {
        model.market_state(id) != MarketState::Expired
    }

    /// True in so many of 100 cases.
    fn chance(&mut self, percent: u64) -> bool {
        self.rng.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.below(of.len() as u64) as usize].clone()
    }

    /// Halts and settings of the operator's.
    fn operate(&mut self, model: &Model) {
        let instrument = self.instrument(model);
        let command = match self.rng.below(10) {
            0..4 => {
                let state = self.pick(&[MarketState::Suspended, MarketState::PostOnly]);
                // It is soon opened again, or little would happen.
                let pause = self.pick(&[0, Timestamp::SECOND, 3 * Timestamp::SECOND]);
                self.planned.push_back(Planned::Ask(Command::SetMarketState { instrument, state }));
                for _ in 0..self.rng.below(4) {
                    let command = self.trade(model);
                    self.planned.push_back(Planned::Ask(command));
                }
                self.planned.push_back(Planned::Pass(pause));
                Command::SetMarketState { instrument, state: MarketState::Open }
            }
            4..6 => Command::SetInterest { rate: self.pick(&[0, 1, 1_000, 1_000_000, 1_000_001]) },
            6..8 => Command::SetMarkSmoothing { seconds: self.pick(&[0, 1, 2, 5, 30, 31]) },
            _ => {
                let (account, active) = (self.poor(), self.chance(30));
                self.planned.push_back(Planned::Ask(Command::SetActive { account, active }));
                let command = self.trade(model);
                self.planned.push_back(Planned::Ask(command));
                Command::SetActive { account, active: true }
            }
        };
        self.planned.push_back(Planned::Ask(command));
    }

    /// A contract that still trades; seldom one that does not.
    fn instrument(&mut self, model: &Model) -> InstrumentId {
        let count = model.instrument_ids().count().max(1) as u64;
        let any = InstrumentId(self.rng.below(count) as u16);
        if self.is_listed(model, any) || self.chance(3) {
            any
        } else {
            self.pick(&[InstrumentId(0), InstrumentId(2)])
        }
    }

    fn poor(&mut self) -> AccountId {
        if self.has_whale && self.chance(10) {
            return AccountId(venue::RICH);
        }
        AccountId(venue::RICH + self.rng.below(u64::from(self.accounts - venue::RICH)) as u32)
    }

    fn rich(&mut self) -> AccountId {
        AccountId(self.rng.below(venue::RICH.into()) as u32)
    }
}
