//! Equalities that random figures never meet: the price or the amount is chosen that makes them hold, or fails them by a unit.

use super::{Life, Planned, venue};
use crate::model::Model;
use loligo_engine::{
    AccountId, Command, Currency, Deposit, FinePrice, InstrumentId, Money, OnGrid, OrderType, PairId,
    PlaceOrder, Side, Timestamp, Wallet,
};
use num_bigint::BigInt;

/// Units of 24 decimals in one of money.
const FINE_PER_MONEY: i64 = 10_000_000_000_000;

/// A figure that is exactly another one.
#[derive(Clone, Debug)]
pub(super) enum Equality {
    /// With a mark, equity of a wallet's cross positions is their maintenance margin.
    Maintenance(AccountId, Wallet, InstrumentId, FinePrice),
    /// With a mark, equity is the initial margin with orders: just not close-only.
    CloseOnly(AccountId, Wallet, InstrumentId, FinePrice),
    /// With a mark, equity is nothing.
    NoEquity(AccountId, Wallet, InstrumentId, FinePrice),
    /// With an order, a position comes to where a margin level starts.
    Level(AccountId, InstrumentId, Side, i64, i64),
    /// With a trade of so many lots at a price, a family's volume comes to where a tier of fees starts.
    Tier(AccountId, InstrumentId, i64, i64),
    /// The pool is what a mark will take from it.
    Pool(InstrumentId, FinePrice),
}

impl Equality {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Maintenance(..) => "exactly at maintenance",
            Self::CloseOnly(..) => "exactly at close-only",
            Self::NoEquity(..) => "equity exactly zero",
            Self::Level(..) => "exactly at a level's start",
            Self::Tier(..) => "exactly at a tier's bound",
            Self::Pool(..) => "pool exactly enough",
        }
    }

    /// Whether it does hold.
    pub(super) fn holds(&self, model: &Model) -> bool {
        let zero = BigInt::ZERO;
        match self {
            Self::Maintenance(account, wallet, id, mark) => {
                let at = model.figures_at(*account, *wallet, (*id, *mark));
                at.maintenance > zero && at.equity == at.maintenance
            }
            Self::CloseOnly(account, wallet, id, mark) => {
                let at = model.figures_at(*account, *wallet, (*id, *mark));
                at.held > zero && at.available == zero
            }
            Self::NoEquity(account, wallet, id, mark) => {
                let at = model.figures_at(*account, *wallet, (*id, *mark));
                at.maintenance > zero && at.equity == zero
            }
            Self::Level(account, id, side, lots, price) => {
                model.is_at_level(*account, *id, *side, (*lots, *price))
            }
            Self::Tier(account, id, lots, price) => model.is_at_tier(*account, *id, (*lots, *price)),
            Self::Pool(id, mark) => {
                let pool = model.pool(Currency::USD);
                pool > Money::ZERO && pool_used(model, *id, *mark) == pool
            }
        }
    }
}

/// What a mark takes from a pool that has enough, of USD.
fn pool_used(model: &Model, instrument: InstrumentId, mark: FinePrice) -> Money {
    let plenty = Money(1_000_000 * Money::ONE);
    let mut trial = model.clone();
    let now = trial.now();
    trial.apply(now, &Command::SetPool { currency: Currency::USD, amount: plenty });
    let before = trial.pool(Currency::USD);
    trial.apply(now, &Command::PinMark { instrument, price: Some(mark) });
    before - trial.pool(Currency::USD)
}

impl Life {
    /// Plans what makes an equality hold, most often; else fails it by one unit. Where none can be made, nothing.
    pub(super) fn meet_an_equality(&mut self, model: &Model) {
        match self.rng.below(100) {
            0..30 => self.meet_with_a_mark(model, Equality::Maintenance),
            30..50 => self.meet_with_a_mark(model, Equality::CloseOnly),
            50..65 => self.meet_with_a_mark(model, Equality::NoEquity),
            65..80 => self.meet_a_level(model),
            80..85 => self.meet_a_tier(model),
            _ => self.meet_the_pool(model),
        }
    }

    /// Money comes or goes so that a mark, when it comes, leaves exactly what the equality asks for.
    fn meet_with_a_mark(
        &mut self,
        model: &Model,
        equality: impl Fn(AccountId, Wallet, InstrumentId, FinePrice) -> Equality,
    ) {
        let mut holders = vec![];
        for account in (venue::RICH..self.accounts).map(AccountId) {
            let of_it = model.instrument_ids().map(|id| (account, id, model.position_lots(account, id)));
            holders.extend(of_it.filter(|(_, id, lots)| *lots != 0 && !model.is_isolated(account, *id)));
        }
        if holders.is_empty() {
            return;
        }
        let (account, instrument, lots) = self.pick(&holders);
        let (wallet, currency) = model.margin_wallet(instrument);
        let fair = self.fair[instrument.0 as usize];
        let away = fair * (1 + self.rng.below(25) as i64) / 1_000;
        let mark = FinePrice(i128::from(fair - lots.signum() * away) * model.tick(instrument).0);
        let wanted = equality(account, wallet, instrument, mark);
        let at = model.figures_at(account, wallet, (instrument, mark));
        let spare = match wanted {
            Equality::Maintenance(..) => at.equity - at.maintenance,
            Equality::CloseOnly(..) => at.available,
            _ => at.equity,
        };
        // What margin needs is rounded up, so what is not whole cannot be met.
        let (amount, rest) = (&spare / FINE_PER_MONEY, &spare % FINE_PER_MONEY);
        if rest != BigInt::ZERO {
            return;
        }
        let Ok(amount) = i128::try_from(amount) else { return };
        let short_of = if self.chance(25) { 1 } else { 0 };
        let amount = Money(-amount - short_of);
        if amount != Money::ZERO {
            let deposit = Deposit { account, wallet, currency, amount };
            self.planned.push_back(Planned::Ask(Command::Deposit(deposit)));
        }
        let pin = Command::PinMark { instrument, price: Some(mark) };
        self.planned.push_back(Planned::Meet(pin, wanted));
        self.fair[instrument.0 as usize] = fair - lots.signum() * away;
        if self.chance(50) {
            self.planned.push_back(Planned::Pass(Timestamp::SECOND));
            self.planned.push_back(Planned::Ask(Command::Advance));
        }
    }

    /// An order after which the position is as large as a margin level's start.
    fn meet_a_level(&mut self, model: &Model) {
        let (account, instrument) = (self.poor(), self.instrument(model));
        let side = if self.chance(50) { Side::Buy } else { Side::Sell };
        let inverse = venue::INVERSE.contains(&instrument);
        let start = self.pick(if inverse { &venue::INVERSE_STARTS } else { &venue::LINEAR_STARTS });
        let fair = self.fair[instrument.0 as usize];
        let Some((lots, price)) = model.order_to_level(account, instrument, side, start, fair) else {
            return;
        };
        // Somebody takes the other side, so that it is reached by position, too.
        if self.chance(60) {
            let maker = order(AccountId(0), instrument, side.opposite(), (lots, price));
            self.planned.push_back(Planned::Ask(Command::Place(maker)));
        }
        if self.chance(70) {
            let usd = Money(i128::from(start) * Money::ONE / 20);
            let (wallet, currency) = model.margin_wallet(instrument);
            let amount = if inverse { Money(usd.0 / 20_000) } else { usd };
            self.planned.push_back(Planned::Ask(Command::Deposit(Deposit {
                account,
                wallet,
                currency,
                amount,
            })));
        }
        let lots = lots + if self.chance(25) { 1 } else { 0 };
        let equality = Equality::Level(account, instrument, side, lots, price);
        let command = Command::Place(order(account, instrument, side, (lots, price)));
        self.planned.push_back(Planned::Meet(command, equality));
    }

    /// A trade of the rich after which a family's volume is where the next tier starts.
    fn meet_a_tier(&mut self, model: &Model) {
        let (account, other) = if self.chance(50) { (0, 1) } else { (1, 0) };
        let (account, other) = (AccountId(account), AccountId(other));
        let instrument = self.pick(&[InstrumentId(0), InstrumentId(2)]);
        let fair = self.fair[instrument.0 as usize];
        let Some((lots, price)) = model.trade_to_tier(account, instrument, fair) else { return };
        for account in [account, other] {
            self.planned
                .push_back(Planned::Ask(Command::CancelAll { account, instrument: Some(instrument) }));
        }
        let maker = order(other, instrument, Side::Sell, (lots, price));
        self.planned.push_back(Planned::Ask(Command::Place(maker)));
        let lots = lots - if self.chance(20) { 1 } else { 0 };
        let mut taker = order(account, instrument, Side::Buy, (lots, price));
        taker.order_type = OrderType::ImmediateOrCancel;
        let equality = Equality::Tier(account, instrument, lots, price);
        self.planned.push_back(Planned::Meet(Command::Place(taker), equality));
        // What comes next is paid by it.
        let next = order(other, instrument, Side::Sell, (1, price));
        self.planned.push_back(Planned::Ask(Command::Place(next)));
        let mut next = order(account, instrument, Side::Buy, (1, price));
        next.order_type = OrderType::ImmediateOrCancel;
        self.planned.push_back(Planned::Ask(Command::Place(next)));
    }

    /// The pool has exactly what a mark will take from it, or a unit less.
    fn meet_the_pool(&mut self, model: &Model) {
        let instrument = self.pick(&[InstrumentId(0), InstrumentId(1), InstrumentId(2)]);
        if model.market_state(instrument) != loligo_engine::MarketState::Open || model.is_busy() {
            return;
        }
        let fair = self.fair[instrument.0 as usize];
        let thousandths = 10 + self.rng.below(120) as i64;
        let to = fair * if self.chance(50) { 1_000 - thousandths } else { 1_000 + thousandths } / 1_000;
        let mark = FinePrice(i128::from(to) * model.tick(instrument).0);
        let used = pool_used(model, instrument, mark);
        if used <= Money::ZERO {
            return;
        }
        let amount = used - Money(i128::from(self.chance(25)));
        self.planned.push_back(Planned::Ask(Command::SetPool { currency: Currency::USD, amount }));
        let pin = Command::PinMark { instrument, price: Some(mark) };
        self.planned.push_back(Planned::Meet(pin, Equality::Pool(instrument, mark)));
        self.fair[instrument.0 as usize] = to;
        if self.chance(50) {
            let pair = PairId(model.pair(instrument).0);
            self.planned.push_back(Planned::Ask(Command::PinIndex { pair, price: Some(mark) }));
        }
        self.planned.push_back(Planned::Pass(Timestamp::SECOND));
        self.planned.push_back(Planned::Ask(Command::Advance));
    }
}

fn order(account: AccountId, instrument: InstrumentId, side: Side, (lots, price): (i64, i64)) -> PlaceOrder {
    PlaceOrder {
        account,
        instrument,
        side,
        order_type: OrderType::Limit,
        qty: OnGrid::Steps(lots),
        limit_price: Some(OnGrid::Steps(price)),
        stop_price: None,
        trigger: None,
        limit_offset: None,
        reduce_only: false,
        client_order_id: None,
        algo_id: None,
        process_before: None,
    }
}
