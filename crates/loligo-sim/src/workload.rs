//! Seeded streams of commands that reach every rule: prices close together, so that things match; few accounts, so that
//! they meet themselves; much reduce-only, many edits, names used twice, tiny margins, and numbers that no client
//! should send.

mod orders;
mod venue;

use crate::agreement::Step;
use crate::model::Model;
use loligo_engine::{
    AccountId, CancelOrder, Command, CreateAccount, Currency, Deposit, FinePrice, InstrumentId, Money,
    PairId, Timestamp, Wallet,
};
use opstream::Rng;

/// What a stream dwells on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// Everything, on two or three contracts.
    Mixed,
    /// Wallets that hold next to nothing.
    Poor,
    /// Orders of hundreds of thousands of USD: fee tiers, value and position limits.
    Rich,
    /// One contract, positions, and orders that may only reduce them.
    ReduceOnly,
}

impl Flavor {
    /// The flavor of a seed: each in turn.
    pub fn of(seed: u64) -> Self {
        [Flavor::Mixed, Flavor::Poor, Flavor::Rich, Flavor::ReduceOnly][(seed % 4) as usize]
    }
}

/// A source of commands.
pub struct Workload {
    rng: Rng,
    flavor: Flavor,
    /// Where time stands; steps never go far behind it.
    time: i64,
    /// Price around which orders gather, by contract, in ticks.
    fair: Vec<i64>,
    /// The contracts that most commands are about.
    focus: Vec<u16>,
    /// Steps that open the venue, last first.
    opening: Vec<Step>,
    names: u64,
}

impl Workload {
    /// The stream of a seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x5EED_0F10_1160);
        let flavor = Flavor::of(seed);
        let fair = venue::contracts().iter().map(|c| c.fair).collect::<Vec<_>>();
        let contracts = match flavor {
            Flavor::Mixed | Flavor::Poor => 3,
            Flavor::Rich => 2,
            Flavor::ReduceOnly => 1,
        };
        let mut focus: Vec<u16> = (0..contracts).map(|_| rng.below(fair.len() as u64) as u16).collect();
        if flavor == Flavor::Rich {
            focus[0] = venue::EXPENSIVE;
        }
        let mut workload = Self { rng, flavor, time: venue::OPENED, fair, focus, opening: vec![], names: 0 };
        workload.opening = workload.open_venue();
        workload.opening.reverse();
        workload
    }

    /// What comes next, given where the exchange stands.
    pub fn next_step(&mut self, model: &Model) -> Step {
        if let Some(step) = self.opening.pop() {
            return step;
        }
        let time = self.next_time();
        let command = match self.rng.below(1_000) {
            0..600 => Command::Place(self.place(model)),
            600..760 => Command::Edit(self.edit(model)),
            760..860 => self.cancel(model),
            860..870 => self.cancel_all(model),
            870..900 => Command::Advance,
            900..930 => self.publish(model),
            930..965 => self.pin(model),
            965..992 => self.deposit(model),
            992..996 => Command::Start,
            996..998 => {
                let parent = self.chance(50).then(|| self.account(model));
                // A family is the house's, or it is not.
                let house = parent.map_or_else(|| self.chance(30), |parent| model.is_house(parent));
                Command::CreateAccount(CreateAccount { parent, house })
            }
            _ => Command::List(Box::new(venue::late_contract(self.rng.below(1_000_000)))),
        };
        if self.chance(2) {
            let contract = self.listed(model).0 as usize;
            self.fair[contract] += self.rng.below(5) as i64 - 2;
        }
        Step { time: Timestamp(time), command }
    }

    /// True in so many of 100 cases.
    fn chance(&mut self, percent: u64) -> bool {
        self.rng.below(100) < percent
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.below(of.len() as u64) as usize].clone()
    }

    /// Mostly a little later; often by the very figures that rules name; now and then earlier.
    fn next_time(&mut self) -> i64 {
        let later = match self.rng.below(100) {
            0..30 => 0,
            30..70 => 1 + self.rng.below(50_000) as i64,
            70..88 => 500_000,
            88..93 => 1_000_000,
            93..95 => 4_999_999,
            95..97 => 5_000_000,
            97 => 10_000_000,
            98 => 10_000_001,
            // Fee tiers are earned by the day, and lost again.
            _ if self.flavor == Flavor::Rich && self.chance(10) => {
                (1 + self.rng.below(35) as i64) * 86_400_000_000
            }
            _ => -self.pick(&[1, 1_000_000, 100_000_000]),
        };
        let proposed = self.time + later;
        self.time = self.time.max(proposed);
        proposed
    }

    /// An account; seldom one that is none.
    fn account(&mut self, model: &Model) -> AccountId {
        let count = model.account_count() as u64;
        AccountId(match self.rng.below(400) {
            0 => count as u32,
            1 => u32::MAX,
            2..60 => self.rng.below(count) as u32,
            _ => self.rng.below(count.min(7)) as u32,
        })
    }

    /// A contract, mostly one of the few that this stream is about; seldom one that is none.
    fn instrument(&mut self, model: &Model) -> InstrumentId {
        let count = model.instrument_ids().count() as u64;
        while self.fair.len() < count as usize {
            self.fair.push(venue::LATE_FAIR);
        }
        InstrumentId(match self.rng.below(400) {
            0 => u16::MAX,
            1..40 => self.rng.below(count) as u16,
            _ => self.pick(&self.focus.clone()),
        })
    }

    /// A contract that is listed.
    fn listed(&mut self, model: &Model) -> InstrumentId {
        let id = self.instrument(model);
        if model.instrument_ids().any(|i| i == id) { id } else { InstrumentId(0) }
    }

    fn cancel(&mut self, model: &Model) -> Command {
        let (account, order) = self.target(model, 70);
        let process_before = self.process_before();
        Command::Cancel(CancelOrder { account, order, process_before })
    }

    fn cancel_all(&mut self, model: &Model) -> Command {
        let account = self.account(model);
        let instrument = if self.chance(60) { Some(self.instrument(model)) } else { None };
        Command::CancelAll { account, instrument }
    }

    fn pair(&mut self, model: &Model) -> PairId {
        if self.chance(2) { PairId(u16::MAX) } else { model.pair(self.listed(model)) }
    }

    /// A price near where the contract trades; seldom one that is refused.
    fn fine_price(&mut self, model: &Model, instrument: InstrumentId) -> FinePrice {
        let tick = model.tick(instrument).0;
        match self.rng.below(60) {
            0 => FinePrice(0),
            1 => FinePrice(-1),
            2 => FinePrice(i128::MAX),
            _ => {
                let fair = self.fair[instrument.0 as usize];
                // In thirds of a tick, so that no comparison is with whole ticks only.
                FinePrice((i128::from(fair) * 3 + i128::from(self.rng.below(19)) - 9) * tick / 3)
            }
        }
    }

    fn publish(&mut self, model: &Model) -> Command {
        let instrument = self.listed(model);
        let price = self.fine_price(model, instrument);
        Command::PublishIndex { pair: model.pair(instrument), price }
    }

    fn pin(&mut self, model: &Model) -> Command {
        let instrument = self.listed(model);
        let price = if self.chance(92) { Some(self.fine_price(model, instrument)) } else { None };
        if self.chance(60) {
            let unknown = self.chance(2);
            Command::PinMark { instrument: if unknown { InstrumentId(u16::MAX) } else { instrument }, price }
        } else {
            Command::PinIndex { pair: model.pair(instrument), price }
        }
    }

    fn deposit(&mut self, model: &Model) -> Command {
        let instrument = self.listed(model);
        let (wallet, currency) = match self.rng.below(20) {
            0 => (Wallet::Cash, Currency::USD),
            1 => (Wallet::Flex, Currency::parse("BTC").expect("a code")),
            2 => (Wallet::Inverse(PairId(u16::MAX)), Currency::USD),
            3 => (Wallet::Inverse(self.pair(model)), Currency::USD),
            _ => model.margin_wallet(instrument),
        };
        let whole = self.rng.below(match self.flavor {
            Flavor::Poor => 20,
            Flavor::Rich => 1_000_000,
            Flavor::Mixed | Flavor::ReduceOnly => 200,
        });
        let mut amount = whole as i128 * Money::ONE + i128::from(self.rng.below(1_000));
        if !matches!(wallet, Wallet::Flex | Wallet::Cash) {
            amount /= 1_000;
        }
        if self.chance(45) {
            amount = -amount;
        }
        Command::Deposit(Deposit { account: self.account(model), wallet, currency, amount: Money(amount) })
    }
}
