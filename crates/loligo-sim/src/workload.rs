//! Seeded streams of commands that reach every rule: prices close together, so that things match and triggers fire; few
//! accounts, so that they meet themselves; much reduce-only, many edits, names used twice, tiny margins, timers, halted
//! markets, and numbers that no client should send.

mod operator;
mod orders;
mod prices;
mod triggers;
mod venue;

use crate::agreement::Step;
use crate::model::Model;
use loligo_engine::{
    AccountId, CancelOrder, Command, CreateAccount, EditOrder, InstrumentId, MarketState, OnGrid, OrderId,
    OrderRef, OrderView, PlaceOrder, Timestamp, Written, WrittenNumber,
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
    /// Triggers near prices that move, on two contracts of one pair.
    Triggers,
    /// One family among few others, under every self-trade strategy.
    Family,
    /// Marks that run far, wallets with little in them, positions isolated and not.
    Margin,
    /// Markets halted, expiring and listed, timers, accounts and limits switched.
    Halts,
}

impl Flavor {
    /// The flavors of seeds, in turn. The highest fee tiers are seldom reached, so the rich come twice.
    const TURNS: [Flavor; 10] = [
        Flavor::Mixed,
        Flavor::Poor,
        Flavor::Rich,
        Flavor::ReduceOnly,
        Flavor::Triggers,
        Flavor::Family,
        Flavor::Margin,
        Flavor::Rich,
        Flavor::Halts,
        Flavor::Margin,
    ];

    /// The flavor of a seed.
    pub fn of(seed: u64) -> Self {
        Self::TURNS[(seed % Self::TURNS.len() as u64) as usize]
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
            Flavor::Rich | Flavor::Triggers | Flavor::Halts | Flavor::Margin => 2,
            Flavor::ReduceOnly | Flavor::Family => 1,
        };
        let mut focus: Vec<u16> = (0..contracts).map(|_| rng.below(fair.len() as u64) as u16).collect();
        match flavor {
            Flavor::Rich => focus[0] = venue::EXPENSIVE,
            Flavor::Triggers if rng.below(2) == 0 => focus = venue::SIBLINGS.to_vec(),
            _ => {}
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
        // What waits to be done is let go on every other time; else somebody comes amid it.
        if model.is_busy() && self.chance(50) {
            return Step { time: Timestamp(self.time), command: Command::Advance };
        }
        let time = self.next_time();
        let (prices, operator) = match self.flavor {
            Flavor::Triggers => (200, 50),
            Flavor::Family => (50, 60),
            Flavor::Halts => (100, 150),
            Flavor::Margin => (180, 60),
            Flavor::Rich => (60, 12),
            Flavor::Mixed | Flavor::Poor | Flavor::ReduceOnly => (65, 25),
        };
        self.turn_from_the_expired(model);
        let command = match self.rng.below(1_000) {
            at if at < prices => self.move_price(model),
            at if at < prices + operator => self.operate(model),
            _ => self.trade(model),
        };
        let command = self.reopened(model).unwrap_or(command);
        if self.chance(2) {
            let contract = self.listed(model).0 as usize;
            self.fair[contract] += self.rng.below(5) as i64 - 2;
        }
        Step { time: Timestamp(time), command }
    }

    /// What has expired is looked at a while longer, then the stream is about something else.
    fn turn_from_the_expired(&mut self, model: &Model) {
        let at = self.rng.below(self.focus.len() as u64) as usize;
        let listed = model.instrument_ids().count() as u64;
        let gone = u64::from(self.focus[at]) < listed
            && model.market_state(InstrumentId(self.focus[at])) == MarketState::Expired;
        if gone && self.chance(10) {
            self.focus[at] = self.rng.below(listed) as u16;
        }
    }

    /// What clients send most of the time.
    fn trade(&mut self, model: &Model) -> Command {
        match self.rng.below(1_000) {
            0..650 => sent(self.place(model)),
            650..825 => amended(self.edit(model)),
            825..915 => self.cancel(model),
            915..925 => self.cancel_all(model),
            925..960 => Command::Advance,
            960..980 => self.deposit(model),
            980..990 => self.transfer(model),
            990..994 => self.withdraw(model),
            994..996 => Command::Start,
            996..998 => {
                let parent = self.chance(50).then(|| self.account(model));
                // A family is the house's, or it is not.
                let house = parent.map_or_else(|| self.chance(30), |parent| model.is_house(parent));
                Command::CreateAccount(CreateAccount { parent, house })
            }
            _ => {
                let (number, time) = (self.rng.below(1_000_000), self.time);
                Command::List(Box::new(venue::late_contract(number, time)))
            }
        }
    }

    /// A market that no longer trades is soon opened again, a deactivated account activated, or little would happen.
    fn reopened(&mut self, model: &Model) -> Option<Command> {
        if !self.chance(8) {
            return None;
        }
        let shut = self.focus.iter().map(|id| InstrumentId(*id)).find(|id| {
            let listed = model.instrument_ids().any(|known| known == *id);
            listed && !matches!(model.market_state(*id), MarketState::Open | MarketState::Expired)
        });
        if let Some(instrument) = shut {
            return Some(Command::SetMarketState { instrument, state: MarketState::Open });
        }
        let mut accounts = (0..model.account_count() as u32).map(|id| model.account_view(AccountId(id)));
        accounts.find_map(|account| {
            let id = account.id;
            if !account.active {
                Some(Command::SetActive { account: id, active: true })
            } else if !account.trading {
                Some(Command::SetTrading { account: id, enabled: true })
            } else {
                None
            }
        })
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
            98 if self.chance(6) => self.next_hour(),
            98 if self.chance(50) => 10_000_001,
            // Long enough for every premium to settle, and longer.
            98 => self.pick(&[31_000_000, 61_000_000, 95_000_000, 200_000_000]),
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

    /// How long it is to the instant at which an hour is over, or to about then, or past several.
    fn next_hour(&mut self) -> i64 {
        const HOUR: i64 = 3_600 * Timestamp::SECOND;
        let left = HOUR - self.time.rem_euclid(HOUR);
        left + self.pick(&[0, 0, -1, 1, -30_000_000, HOUR / 3, HOUR])
    }

    /// An account; seldom one that is none.
    fn account(&mut self, model: &Model) -> AccountId {
        let count = model.account_count() as u64;
        if self.flavor == Flavor::Family && self.chance(75) {
            return AccountId(self.pick(&venue::FAMILY));
        }
        AccountId(match self.rng.below(400) {
            0 => count as u32,
            1 => u32::MAX,
            2..60 => self.rng.below(count) as u32,
            _ => self.rng.below(count.min(venue::ACCOUNTS)) as u32,
        })
    }

    /// A contract, mostly one of the few that this stream is about; seldom one that is none.
    fn instrument(&mut self, model: &Model) -> InstrumentId {
        let count = model.instrument_ids().count() as u64;
        while self.fair.len() < count as usize {
            self.fair.push(venue::LATE_FAIR);
            // Attention turns to what is new.
            if self.flavor == Flavor::Halts {
                let at = self.rng.below(self.focus.len() as u64) as usize;
                self.focus[at] = count as u16 - 1;
            }
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

    /// An order to edit or cancel: open in `open` of 100 cases, else any that is known or none at all; seldom
    /// someone else's.
    fn target(&mut self, model: &Model, open: u64) -> (AccountId, OrderRef) {
        let any = !self.chance(open);
        let Some(order) = self.known(model, |o| any || !o.status.is_closed()) else {
            let number = self.pick(&[0, 1, 7, 1_000_000, u64::MAX]);
            let order = if number == 7 { OrderRef::Foreign(7) } else { OrderRef::Id(OrderId(number)) };
            return (self.account(model), order);
        };
        let account = if self.chance(96) { order.account } else { self.account(model) };
        match &order.client_order_id {
            Some(name) if self.chance(50) => (account, OrderRef::Client(Box::from(&**name))),
            _ => (account, OrderRef::Id(order.id)),
        }
    }

    /// One of the orders that are known; seldom none though there is one.
    fn known(&mut self, model: &Model, which: impl Fn(&OrderView) -> bool) -> Option<OrderView> {
        let known: Vec<&OrderView> = model.known_orders().filter(|o| which(o)).collect();
        if known.is_empty() || self.chance(2) { None } else { Some(self.pick(&known).clone()) }
    }
}

/// An order, with what was written of what is off the grid.
fn sent(place: PlaceOrder) -> Command {
    let written = written(place.qty, place.limit_price);
    if written.is_empty() { Command::Place(place) } else { Command::PlaceOffGrid(Box::new((place, written))) }
}

/// An edit, likewise.
fn amended(edit: EditOrder) -> Command {
    let written = written(edit.qty.unwrap_or(OnGrid::Steps(0)), edit.limit_price);
    if written.is_empty() { Command::Edit(edit) } else { Command::EditOffGrid(Box::new((edit, written))) }
}

fn written(qty: OnGrid, limit: Option<OnGrid>) -> Written {
    let text = |given| if given == OnGrid::Off { WrittenNumber::new("0.3") } else { None };
    Written { qty: text(qty), limit_price: limit.and_then(text), ..Written::default() }
}
