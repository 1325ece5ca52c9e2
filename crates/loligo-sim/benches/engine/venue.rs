//! A venue in which nothing is refused, and operation streams as its commands.
//!
//! One contract per book, with the figures of the default listing's first perpetual: tick 1 USD, lot 0.0001. Index and
//! mark are pinned at 100,000 ticks. Accounts are rich, not the house's own; limits are out of reach but checked.
//! Buys of account n go to account 2n, its sells to 2n + 1, since the streams do meet themselves and this exchange
//! does not let them.

use loligo_engine::{
    AccountId, CancelOrder, Command, ContractKind, CreateAccount, Currency, Deposit, EditOrder, Event,
    Exchange, FinePrice, Genesis, InstrumentId, InstrumentSpec, Limits, MarginLevel, Money, OnGrid, OrderId,
    OrderRef, OrderType, Outcome, PairId, PlaceOrder, Qty, QtyMode, Side, Timestamp, Wallet,
};
use opstream::{CANCEL, EDIT, IOC, Op, PLACE, Tally};

/// When the venue opens: 2026-01-01.
const OPENED: i64 = 1_767_225_600_000_000;
/// Exchange time that passes with each operation: ten thousand operations a second, so that closed orders are
/// forgotten, five seconds on, while others come.
const STEP_MICROS: i64 = 100;
/// Where the streams' prices are drawn back to.
pub const FAIR: i64 = 100_000;

/// A venue being driven.
pub struct Venue {
    pub exchange: Exchange,
    pub now: Timestamp,
    pub events: Vec<Event>,
}

impl Venue {
    /// With so many books, and accounts for so many owners.
    pub fn new(books: u32, owners: u32) -> Self {
        let mut venue = Self { exchange: Exchange::new(), now: Timestamp(OPENED), events: Vec::new() };
        let one = 10_i128.pow(18);
        let fair = FinePrice(i128::from(FAIR) * one);
        venue.must(&Command::Genesis(Box::new(Genesis {
            table_seed: 20_261_122,
            pasts: Vec::new(),
            instruments: (0..books).map(contract).collect(),
            indexes: vec![("XBT:USD".into(), fair)],
            limits: Limits {
                triggers: u32::MAX,
                trailing_stops: u32::MAX,
                open_orders: u32::MAX,
                small_orders: u32::MAX,
                small_order_usd: 10,
                order_value_usd: 1_000_000_000,
                price_collar: 1_000_000,
            },
        })));
        venue.must(&Command::PinIndex { pair: PairId(0), price: Some(fair) });
        for book in 0..books as u16 {
            venue.must(&Command::PinMark { instrument: InstrumentId(book), price: Some(fair) });
        }
        for account in 0..2 * owners + 2 {
            venue.must(&Command::CreateAccount(CreateAccount { parent: None, house: false }));
            venue.must(&Command::Deposit(Deposit {
                account: AccountId(account),
                wallet: Wallet::Flex,
                currency: Currency::USD,
                amount: Money(100_000_000 * Money::ONE),
            }));
        }
        venue
    }

    /// Applies a command that must do what it says.
    fn must(&mut self, command: &Command) {
        self.events.clear();
        let outcome = self.exchange.apply(self.now, command, &mut self.events);
        assert!(!matches!(outcome, Outcome::Refused(_)), "{command:?}: {outcome:?}");
    }

    /// Applies a command a little later than the one before. Its events are in `events` until the next one.
    #[inline]
    pub fn apply(&mut self, command: &Command) -> Outcome {
        self.now.0 += STEP_MICROS;
        self.events.clear();
        self.exchange.apply(self.now, command, &mut self.events)
    }

    /// Runs operations; counts their trades.
    ///
    /// # Panics
    /// When one is refused.
    #[inline]
    pub fn run(&mut self, ops: &[Op], tally: &mut Tally) {
        for op in ops {
            let outcome = self.apply(&command(op));
            let fits = matches!(
                outcome,
                Outcome::Placed(_)
                    | Outcome::Cancelled(_)
                    | Outcome::Edited(_)
                    | Outcome::Rejected(_, loligo_engine::OrderError::IocWouldNotExecute)
            );
            assert!(fits, "{op:?}: {outcome:?}");
            count(&self.events, tally);
        }
    }
}

/// Counts trades.
#[inline]
pub fn count(events: &[Event], tally: &mut Tally) {
    for event in events {
        if let Event::Executed(execution) = event {
            tally.trade(execution.maker.order.0, execution.qty.0 as u64, execution.price.0);
        }
    }
}

fn contract(book: u32) -> InstrumentSpec {
    InstrumentSpec {
        symbol: format!("PF_BENCH{book}USD"),
        kind: ContractKind::Linear,
        pair: "XBT:USD".into(),
        base: Currency::parse("BTC").expect("a code"),
        quote: Currency::USD,
        tick_mantissa: 1,
        tick_scale: 0,
        lot_precision: 4,
        max_position: Qty(12_000_000),
        impact_mid_size: Qty(800),
        margin_levels: vec![MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }],
        opening: Timestamp(0),
        expiry: None,
        funding_rate_coefficient: 8,
        max_relative_funding_rate: 500_000,
        min_relative_funding_rate: None,
    }
}

/// Whose order it is here.
pub fn account(owner: u32, side: Side) -> AccountId {
    AccountId(2 * owner + u32::from(side == Side::Sell))
}

/// An operation as a command. Orders have the same numbers on both sides: streams count theirs from one, without gaps.
#[inline]
pub fn command(op: &Op) -> Command {
    let side = if op.side == 0 { Side::Buy } else { Side::Sell };
    let account = account(op.account, side);
    let order = OrderRef::Id(OrderId(op.id));
    match op.kind {
        PLACE | IOC => Command::Place(PlaceOrder {
            account,
            instrument: InstrumentId(op.book),
            side,
            order_type: if op.kind == PLACE { OrderType::Limit } else { OrderType::ImmediateOrCancel },
            qty: OnGrid::Steps(i64::from(op.qty)),
            limit_price: Some(OnGrid::Steps(op.price)),
            trigger: None,
            limit_offset: None,
            algo_id: None,
            stop_price: None,
            reduce_only: false,
            client_order_id: None,
            process_before: None,
        }),
        CANCEL => Command::Cancel(CancelOrder { account, order, process_before: None }),
        EDIT => Command::Edit(EditOrder {
            account,
            order,
            instrument: None,
            limit_price: Some(OnGrid::Steps(op.price)),
            deviation: None,
            deviation_unit: None,
            stop_price: None,
            qty: Some(OnGrid::Steps(i64::from(op.qty))),
            qty_mode: QtyMode::Relative,
            process_before: None,
        }),
        kind => panic!("no operation of kind {kind}"),
    }
}
