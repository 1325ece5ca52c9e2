//! The engine and the model, side by side: one stream of commands, everything visible compared after each.

use crate::fold::Fold;
use crate::model::Model;
use loligo_engine::{
    AccountId, CancelOrder, Command, Conversion, EditOrder, Event, Exchange, Execution, FundingBooked,
    InstrumentId, InterestPaid, MarketState, OrderId, OrderRef, OrderView, Outcome, Qty, Settlement, Side,
    Timestamp, Wallet,
};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Steps between two looks at what a flex wallet of USD alone counts for.
const FLEX_EVERY: usize = 8;

/// A command and when it is taken up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Proposed time.
    pub time: Timestamp,
    /// What is asked.
    pub command: Command,
}

/// Where and how the two differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// Which step, from 0.
    pub step: usize,
    /// What differs, with both answers.
    pub what: String,
}

/// Both, and the world rebuilt from the engine's events.
#[derive(Default)]
pub struct SideBySide {
    /// The engine.
    pub engine: Exchange,
    /// The model.
    pub model: Model,
    fold: Fold,
    events: Vec<Event>,
    steps: usize,
}

impl SideBySide {
    /// Both before their genesis.
    pub fn new() -> Self {
        Self::default()
    }

    /// Both before their genesis, each record with another bound of work than a venue's.
    pub fn bounded(limit: u32) -> Self {
        let mut both = Self::default();
        both.engine.set_work_limit(limit);
        both.model.set_work_limit(limit);
        both
    }

    /// Gives one command to both.
    ///
    /// # Errors
    /// The first thing in which they differ.
    pub fn step(&mut self, step: &Step) -> Result<Outcome, Disagreement> {
        let result = self.compare_step(step);
        let number = self.steps;
        self.steps += 1;
        result.map_err(|what| Disagreement { step: number, what })
    }

    /// What the last step made happen.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    fn compare_step(&mut self, step: &Step) -> Result<Outcome, String> {
        self.events.clear();
        let outcome = self.engine.apply(step.time, &step.command, &mut self.events);
        let answer = self.model.apply(step.time, &step.command);
        same("outcome", &outcome, &answer.outcome)?;
        same("time", &self.engine.now(), &self.model.now())?;
        same("work done", &self.engine.work_done(), &self.model.work_done())?;
        same("work left", &self.engine.is_busy(), &self.model.is_busy())?;
        same("executions", &executions(&self.events), &answer.executions)?;
        same("triggers fired", &fired(&self.events), &answer.fired)?;
        same("funding booked", &fundings(&self.events), &answer.fundings)?;
        same("conversions", &conversions(&self.events), &answer.conversions)?;
        same("settlements", &settlements(&self.events), &answer.settlements)?;
        same("interest", &interests(&self.events), &answer.interests)?;
        same("lots cut", &reduced(&self.events), &answer.reduced)?;

        for event in &self.events {
            self.fold.take(self.engine.now(), event, |id| self.model.margin_wallet(id))?;
        }
        if !self.engine.is_busy() {
            self.fold.settled()?;
        }
        let known = self.engine.known_orders();
        same_orders("order record", &known, &self.model.known_orders().collect::<Vec<_>>())?;
        same_orders(
            "order record rebuilt from events",
            &known,
            &self.fold.known_orders().collect::<Vec<_>>(),
        )?;
        for account in (0..self.model.account_count() as u32).map(AccountId) {
            self.compare_account(account)?;
        }
        for instrument in self.model.instrument_ids() {
            self.compare_market(instrument)?;
            let currency = self.model.margin_wallet(instrument).1;
            same("pool", &self.engine.pool(currency), &self.model.pool(currency))?;
            let told = self.fold.pool(currency);
            same("pool from events", &self.engine.pool(currency), &told)?;
        }
        self.model.conserved()?;
        let audit = self.engine.audit().map_err(|violation| format!("audit: {violation}"))?;
        for sums in &audit.currencies {
            let of = |what: &str| format!("{what} of {:?}", sums.currency);
            same(&of("all wallets"), &sums.wallets, &self.model.in_wallets(sums.currency).fine())?;
            same(&of("what came in"), &sums.deposited, &self.model.deposited(sums.currency).fine())?;
            let exchanged = self.model.exchanged(sums.currency).fine();
            same(&of("what was exchanged"), &sums.exchanged, &exchanged)?;
            same(&of("fees"), &sums.fees, &self.model.fees(sums.currency).fine())?;
        }
        Ok(outcome)
    }

    fn compare_account(&self, account: AccountId) -> Result<(), String> {
        let of = |what: &str| format!("{what} of {account:?}");
        let view = self.engine.account(account);
        same(&of("view"), &view, &Some(self.model.account_view(account)))?;
        let rights = view.map(|view| (view.active, view.trading));
        same(&of("rights from events"), &rights, &Some(self.fold.rights(account)))?;
        let positions = self.engine.positions(account);
        same(&of("positions"), &positions, &self.model.positions(account))?;
        for instrument in self.model.instrument_ids() {
            let position = positions.iter().find(|p| p.instrument == instrument);
            if let Some(position) = position {
                let told = self.fold.leverage(account, instrument);
                same(&of("leverage from events"), &position.leverage, &told)?;
            }
            let position = position.map_or(0, |p| p.qty);
            same(&of("position from fills"), &position, &self.fold.position(account, instrument))?;
        }
        for wallet in self.engine.wallets(account) {
            same(&of("wallet"), &wallet, &self.model.wallet(account, wallet.wallet))?;
            for (currency, balance) in &wallet.balances {
                let told = self.fold.balance(account, wallet.wallet, *currency);
                same(&of("balance from events and fills"), balance, &told)?;
            }
        }
        let flex = self.engine.wallets(account).into_iter().find(|wallet| wallet.wallet == Wallet::Flex);
        // Of USD alone it says little that the wallet does not: now and then will do.
        if let Some(flex) =
            flex.filter(|flex| flex.balances.len() > 1 || self.steps.is_multiple_of(FLEX_EVERY))
        {
            same(&of("flex"), &self.engine.flex(account, &flex), &self.model.flex(account))?;
        }
        let queue = self.engine.unwind_queue(account);
        same(&of("places in unwind queues"), &queue, &self.model.unwind_places(account))?;
        let paid_in = self.engine.pnl_preferences(account);
        same(&of("currencies of gains"), &paid_in, &self.model.pnl_currencies(account))?;
        same(&of("fee rates"), &self.engine.fee_rates(account), &Some(self.model.fee_rates(account)))?;
        same(&of("volume"), &self.engine.volume_usd(account), &Some(self.model.volume_usd(account)))
    }

    fn compare_market(&self, instrument: InstrumentId) -> Result<(), String> {
        let of = |what: &str| format!("{what} of {instrument:?}");
        for side in [Side::Buy, Side::Sell] {
            let depth = self.engine.depth(instrument, side, usize::MAX);
            same(&of("depth"), &depth, &self.model.depth(instrument, side))?;
            same(&of("depth rebuilt from events"), &depth, &self.fold.depth(instrument, side))?;
        }
        let market = self.engine.market(instrument).ok_or_else(|| of("no view"))?;
        let best = |side| self.model.depth(instrument, side).first().copied();
        if let (Some(bid), Some(ask)) = (best(Side::Buy), best(Side::Sell)) {
            same(&of("uncrossed book"), &(bid.0 < ask.0), &true)?;
        }
        same(&of("best bid"), &market.bid, &best(Side::Buy))?;
        same(&of("best ask"), &market.ask, &best(Side::Sell))?;
        same(&of("state"), &market.state, &self.model.market_state(instrument))?;
        same(&of("state from events"), &market.state, &self.fold.market_state(instrument))?;
        let counts = (market.level_changes, market.trades);
        same(&of("level changes and trades"), &counts, &self.fold.counts(instrument))?;
        same(&of("trades"), &market.trades, &self.model.trades(instrument))?;
        same(&of("dislocation"), &market.dislocation, &self.model.dislocated(instrument))?;
        same(&of("margin multiplier"), &market.margin_multiplier, &self.model.multiplier(instrument))?;
        same(&of("last price"), &market.last, &self.model.last(instrument))?;
        same(&of("open interest"), &market.open_interest, &self.model.open_interest(instrument))?;
        same(&of("mark price"), &market.mark, &self.model.mark(instrument))?;
        same(&of("index price"), &market.index, &self.model.index(instrument))?;
        same(&of("funding"), &market.funding, &self.model.funding(instrument))?;
        if let Some(funding) = market.funding {
            same(&of("funding rate from events"), &funding.rate, &self.fold.rate(instrument))?;
        }
        same(&of("mark price from events"), &market.mark, &self.fold.mark(instrument))?;
        let told = self.fold.index(self.model.pair(instrument));
        same(&of("index price from events"), &market.index, &told)?;
        let positions = (0..self.model.account_count() as u32)
            .flat_map(|a| self.engine.positions(AccountId(a)))
            .filter(|p| p.instrument == instrument);
        // While a contract settles the exchange stands in for who is closed already.
        let settling = self.model.is_settling() && market.state == MarketState::Expired;
        let sum = Qty(positions.map(|p| p.qty).sum());
        same(&of("sum of positions"), &(if settling { Qty(0) } else { sum }), &Qty(0))
    }
}

fn executions(events: &[Event]) -> Vec<Execution> {
    let executions = events.iter().filter_map(|event| match event {
        Event::Executed(execution) => Some((**execution).clone()),
        _ => None,
    });
    executions.collect()
}

/// What positions were booked for an hour.
fn fundings(events: &[Event]) -> Vec<FundingBooked> {
    let booked = events.iter().filter_map(|event| match event {
        Event::Funding(booked) => Some((**booked).clone()),
        _ => None,
    });
    booked.collect()
}

/// Collateral that was turned into USD.
fn conversions(events: &[Event]) -> Vec<Conversion> {
    let converted = events.iter().filter_map(|event| match event {
        Event::Converted(conversion) => Some(**conversion),
        _ => None,
    });
    converted.collect()
}

/// Positions that were closed at the end of their contract.
fn settlements(events: &[Event]) -> Vec<Settlement> {
    let settled = events.iter().filter_map(|event| match event {
        Event::Settled(settlement) => Some((**settlement).clone()),
        _ => None,
    });
    settled.collect()
}

/// Interest that was paid.
fn interests(events: &[Event]) -> Vec<InterestPaid> {
    let paid = events.iter().filter_map(|event| match event {
        Event::Interest(paid) => Some(**paid),
        _ => None,
    });
    paid.collect()
}

/// Triggers that fired, into an order or into a refusal.
fn fired(events: &[Event]) -> Vec<OrderId> {
    let fired = events.iter().filter_map(|event| match event {
        Event::Fired { order, .. } | Event::ActivationFailed { order } => Some(order.id),
        _ => None,
    });
    fired.collect()
}

/// What was cut on arrival, by an edit, or when a trigger fired.
fn reduced(events: &[Event]) -> Vec<Option<Qty>> {
    let reduced = events.iter().filter_map(|event| match event {
        Event::Placed { reduced, .. } | Event::Edited { reduced, .. } | Event::Fired { reduced, .. } => {
            Some(*reduced)
        }
        _ => None,
    });
    reduced.collect()
}

/// A step of a stream that may be shortened: orders are named by the step that placed them, not by their number.
#[derive(Clone, Debug)]
pub struct Movable {
    step: Step,
    /// The step's place in the whole stream.
    place: usize,
    /// Where the order that it names was placed.
    names: Option<usize>,
}

/// Makes the steps of a stream movable. Orders that no step placed keep their numbers.
pub fn movable(steps: &[Step], limit: u32) -> Vec<Movable> {
    let mut engine = Exchange::new();
    engine.set_work_limit(limit);
    let mut placed = BTreeMap::new();
    let mut list = vec![];
    for (place, step) in steps.iter().enumerate() {
        let names = named(&step.command).and_then(|id| placed.get(&id).copied());
        let outcome = catch_unwind(AssertUnwindSafe(|| engine.apply(step.time, &step.command, &mut vec![])));
        if let Ok(Outcome::Placed(id) | Outcome::Replaced(id) | Outcome::Rejected(id, _)) = outcome {
            placed.insert(id, place);
        }
        list.push(Movable { step: step.clone(), place, names });
    }
    list
}

/// Runs what is left of a stream from its start. `Ok` when all of it agrees; else the steps as they ran, with what went
/// wrong in the last of them.
///
/// # Errors
/// The steps up to the first disagreement or panic, and what it was.
pub fn rerun(list: &[Movable], limit: u32) -> Result<(), (Vec<Step>, String)> {
    let mut both = SideBySide::bounded(limit);
    let mut placed = BTreeMap::new();
    let mut steps = vec![];
    for movable in list {
        let mut step = movable.step.clone();
        if let (Some(id), Some(now)) =
            (name_mut(&mut step.command), movable.names.and_then(|place| placed.get(&place)))
        {
            *id = *now;
        }
        steps.push(step.clone());
        match catch_unwind(AssertUnwindSafe(|| both.step(&step))) {
            Ok(Ok(Outcome::Placed(id) | Outcome::Replaced(id) | Outcome::Rejected(id, _))) => {
                placed.insert(movable.place, id);
            }
            Ok(Ok(_)) => {}
            Ok(Err(disagreement)) => return Err((steps, disagreement.what)),
            Err(_) => return Err((steps, "a panic".into())),
        }
    }
    Ok(())
}

fn named(command: &Command) -> Option<OrderId> {
    match command {
        Command::Edit(EditOrder { order: OrderRef::Id(id), .. })
        | Command::Cancel(CancelOrder { order: OrderRef::Id(id), .. })
        | Command::AdminCancel { order: id }
        | Command::ReplaceTrailingStop { order: id }
        | Command::InjectCodes { order: id, .. } => Some(*id),
        Command::EditOffGrid(asked) => match &asked.0.order {
            OrderRef::Id(id) => Some(*id),
            _ => None,
        },
        _ => None,
    }
}

fn name_mut(command: &mut Command) -> Option<&mut OrderId> {
    match command {
        Command::Edit(EditOrder { order: OrderRef::Id(id), .. })
        | Command::Cancel(CancelOrder { order: OrderRef::Id(id), .. })
        | Command::AdminCancel { order: id }
        | Command::ReplaceTrailingStop { order: id }
        | Command::InjectCodes { order: id, .. } => Some(id),
        Command::EditOffGrid(asked) => match &mut asked.0.order {
            OrderRef::Id(id) => Some(id),
            _ => None,
        },
        _ => None,
    }
}

fn same<T: PartialEq + Debug>(what: &str, engine: &T, other: &T) -> Result<(), String> {
    if engine == other { Ok(()) } else { Err(format!("{what}\n  engine: {engine:?}\n  other:  {other:?}")) }
}

fn same_orders(what: &str, engine: &[OrderView], other: &[&OrderView]) -> Result<(), String> {
    for (engine, other) in engine.iter().zip(other) {
        same(what, &engine, other)?;
    }
    same(&format!("number of {what}s"), &engine.len(), &other.len())
}
