//! Whoever comes while something is still to be done (rules 5.7): a log may hold the records of others there. Cancels and what
//! closes go through; who is about to be liquidated takes no new risk, and nothing leaves.

mod fixture;

use fixture::{Desk, ask, bid, reduce_only, stop};
use loligo_engine::{
    AccountId, AskedDistance, AskedTrigger, Command, Currency, DistanceUnit, EditOrder, Event, Exchange,
    FinePrice, InstrumentId, Leverage, MarketState, Money, OnGrid, OrderError, OrderId, OrderRef,
    OrderStatus, Outcome, PairId, PlaceOrder, QtyMode, Refusal, Signal, Timestamp, Transfer, TriggerKind,
    Wallet, Withdraw,
};

const BTC: i64 = 10_000;
const FIRST: InstrumentId = InstrumentId(0);

/// From here on a record does one step, or looks an account over.
fn slowly(desk: Desk) -> Exchange {
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    exchange
}

fn apply(exchange: &mut Exchange, command: &Command) -> Outcome {
    let now = exchange.now();
    let outcome = exchange.apply(now, command, &mut Vec::new());
    exchange.audit().unwrap_or_else(|violation| panic!("after {command:?}: {violation}"));
    outcome
}

/// Does all that waits; gives what happened.
fn finish(exchange: &mut Exchange) -> Vec<Event> {
    let mut events = Vec::new();
    while exchange.is_busy() {
        exchange.apply(exchange.now(), &Command::Advance, &mut events);
        exchange.audit().expect("sound");
    }
    events
}

fn mark(exchange: &mut Exchange, usd: i128) {
    let price = Some(FinePrice(usd * 10_i128.pow(18)));
    assert_eq!(apply(exchange, &Command::PinMark { instrument: FIRST, price }), Outcome::Done);
}

fn place(exchange: &mut Exchange, account: AccountId, order: PlaceOrder) -> Outcome {
    apply(exchange, &Command::Place(PlaceOrder { account, instrument: FIRST, ..order }))
}

fn status(exchange: &Exchange, order: OrderId) -> OrderStatus {
    exchange.order(order).expect("known").status
}

/// Who takes part: Carol is about to be liquidated.
struct Cast {
    alice: AccountId,
    carol: AccountId,
    resting: OrderId,
}

/// Carol sold 1 BTC at 50,000, for which she needs 500 USD; at 110,000 she has 525, and must have 550. A record that looks at one
/// account or does one step is past before anything happens to her.
fn carol_is_doomed() -> (Exchange, Cast) {
    let mut desk = Desk::open();
    desk.holds(desk.carol, 60_550 * Money::ONE);
    desk.placed(desk.bob, bid(BTC, 50_000));
    desk.placed(desk.carol, ask(BTC, 50_000));
    let resting = desk.placed(desk.carol, reduce_only(bid(1, 40_000)));
    desk.placed(desk.bob, ask(2 * BTC, 110_020));
    let cast = Cast { alice: desk.alice, carol: desk.carol, resting };
    let mut exchange = slowly(desk);
    mark(&mut exchange, 110_000);
    (exchange, cast)
}

#[test]
fn who_is_about_to_be_liquidated_takes_no_new_risk_and_nothing_leaves() {
    let (mut exchange, Cast { carol, alice, .. }) = carol_is_doomed();
    // Before she is looked over, and when she is and has not been judged.
    for looked_over in [false, true] {
        if looked_over {
            apply(&mut exchange, &Command::Advance);
        }
        let wallet = exchange.wallets(carol).remove(1);
        assert!(wallet.equity < wallet.maintenance_margin, "told at the marks of now");
        assert!(!wallet.liquidated && exchange.is_busy());
        let ask_for = |command: &Command| apply(&mut exchange.clone(), command);
        let new = |account| Command::Place(PlaceOrder { account, instrument: FIRST, ..ask(1, 115_000) });
        let refused = ask_for(&new(carol));
        assert!(matches!(refused, Outcome::Rejected(_, OrderError::InsufficientMargin)), "{refused:?}");
        assert!(matches!(ask_for(&new(alice)), Outcome::Placed(_)), "who is not, may");
        let leverage = Some(Leverage(5_000));
        let lever = Command::SetLeverage { account: carol, instrument: FIRST, leverage };
        assert_eq!(ask_for(&lever), Outcome::Refused(Refusal::WouldLiquidate));
        let (wallet, currency, amount) = (Wallet::Flex, Currency::USD, Money(Money::ONE));
        let withdraw = Command::Withdraw(Withdraw { account: carol, wallet, currency, amount });
        assert_eq!(ask_for(&withdraw), Outcome::Refused(Refusal::InsufficientFunds));
        let transfer = Command::Transfer(Transfer {
            by: carol,
            from: carol,
            from_wallet: wallet,
            to: carol,
            to_wallet: Wallet::Cash,
            currency,
            amount,
        });
        assert_eq!(ask_for(&transfer), Outcome::Refused(Refusal::InsufficientFunds));
    }
    let liquidated = |event: &Event| matches!(event, Event::Executed(fill) if fill.taker.account == carol);
    assert!(finish(&mut exchange).iter().any(liquidated));
}

#[test]
fn closing_and_cancelling_stay_possible_for_who_is_about_to_be_liquidated() {
    let (mut exchange, Cast { carol, resting, .. }) = carol_is_doomed();
    let now = exchange.now();
    let cancel = Command::CancelAll { account: carol, instrument: None };
    let later = now.plus(5_000_000);
    assert_eq!(exchange.apply(later, &cancel, &mut Vec::new()), Outcome::CancelledAll(1));
    assert_eq!(status(&exchange, resting), OrderStatus::Cancelled);
    assert_eq!(
        (exchange.work_done(), exchange.now()),
        (0, now),
        "time stands still, and the cancel does no more"
    );
    assert!(matches!(place(&mut exchange, carol, reduce_only(bid(BTC, 110_100))), Outcome::Placed(_)));
    assert!(exchange.positions(carol).is_empty());
    let executed = |event: &Event| matches!(event, Event::Executed(_));
    assert!(!finish(&mut exchange).iter().any(executed), "who has closed is liquidated no more");
}

#[test]
fn money_that_comes_in_time_saves_who_is_about_to_be_liquidated() {
    let (mut exchange, Cast { carol, .. }) = carol_is_doomed();
    let (wallet, currency) = (Wallet::Flex, Currency::USD);
    let deposit =
        loligo_engine::Deposit { account: carol, wallet, currency, amount: Money(1_000 * Money::ONE) };
    apply(&mut exchange, &Command::Deposit(deposit));
    finish(&mut exchange);
    assert_eq!(exchange.positions(carol)[0].qty, -BTC);
}

#[test]
fn a_price_that_comes_while_accounts_are_looked_over_is_the_one_they_are_looked_over_at() {
    let (mut exchange, Cast { carol, resting, .. }) = carol_is_doomed();
    mark(&mut exchange, 50_000);
    assert!(finish(&mut exchange).is_empty());
    assert_eq!(
        (exchange.positions(carol)[0].qty, status(&exchange, resting)),
        (-BTC, OrderStatus::EnteredBook)
    );
    // Each price begins anew, and its own record has done its part: they end when the prices do.
    for usd in (49_900..50_000).rev() {
        mark(&mut exchange, usd);
    }
    let accounts = exchange.account_count();
    let mut records = 0;
    while exchange.is_busy() {
        apply(&mut exchange, &Command::Advance);
        records += 1;
    }
    assert!(records <= accounts, "{records}");
}

/// Alice has stops that a mark of 49,000 reaches, and it has come: the first has fired, the others are due.
fn stops_are_due() -> (Exchange, Cast, Vec<OrderId>) {
    let mut desk = Desk::open();
    let prices = [49_900, 49_800, 49_700, 49_600];
    let stops =
        prices.map(|price| desk.placed(desk.alice, stop(ask(100, 40_000 + price / 10), price))).to_vec();
    let cast = Cast { alice: desk.alice, carol: desk.carol, resting: stops[0] };
    let mut exchange = slowly(desk);
    mark(&mut exchange, 49_000);
    assert_eq!(status(&exchange, stops[0]), OrderStatus::EnteredBook);
    assert_eq!(status(&exchange, stops[1]), OrderStatus::TriggerPlaced);
    (exchange, cast, stops)
}

#[test]
fn a_trigger_whose_market_is_halted_before_its_turn_waits_until_it_opens() {
    let (mut exchange, _, stops) = stops_are_due();
    let state = |state| Command::SetMarketState { instrument: FIRST, state };
    apply(&mut exchange, &state(MarketState::Suspended));
    finish(&mut exchange);
    let fired = |exchange: &Exchange| {
        stops.iter().filter(|stop| status(exchange, **stop) == OrderStatus::EnteredBook).count()
    };
    let at_halt = fired(&exchange);
    assert!(at_halt <= 2, "those before the halt alone");
    apply(&mut exchange, &state(MarketState::Open));
    finish(&mut exchange);
    assert_eq!(fired(&exchange), stops.len());
}

#[test]
fn an_edit_or_a_cancel_reaches_a_trigger_that_is_due_before_its_turn() {
    let (mut exchange, Cast { alice, .. }, stops) = stops_are_due();
    let edit = Command::Edit(EditOrder {
        account: alice,
        order: OrderRef::Id(stops[2]),
        instrument: None,
        limit_price: None,
        stop_price: Some(OnGrid::Steps(48_000)),
        deviation: None,
        deviation_unit: None,
        qty: None,
        qty_mode: QtyMode::Absolute,
        process_before: None,
    });
    assert!(matches!(apply(&mut exchange, &edit), Outcome::Edited(_)));
    let cancel =
        loligo_engine::CancelOrder { account: alice, order: OrderRef::Id(stops[3]), process_before: None };
    assert!(matches!(apply(&mut exchange, &Command::Cancel(cancel)), Outcome::Cancelled(_)));
    finish(&mut exchange);
    assert_eq!(status(&exchange, stops[1]), OrderStatus::EnteredBook);
    assert_eq!(status(&exchange, stops[2]), OrderStatus::TriggerPlaced, "judged anew, by its new price");
    assert_eq!(status(&exchange, stops[3]), OrderStatus::Cancelled);
    mark(&mut exchange, 48_000);
    finish(&mut exchange);
    assert_eq!(status(&exchange, stops[2]), OrderStatus::EnteredBook);
}

#[test]
fn a_contract_that_is_closed_loses_its_orders_one_by_one_and_opens_without_those_it_had() {
    let mut desk = Desk::open();
    let mut orders: Vec<OrderId> =
        (0..6).map(|place| desk.placed(desk.alice, bid(1, 40_000 + place))).collect();
    orders.push(desk.placed(desk.bob, stop(ask(1, 40_000), 41_000)));
    let alice = desk.alice;
    let mut exchange = slowly(desk);
    let state = |state| Command::SetMarketState { instrument: FIRST, state };
    apply(&mut exchange, &state(MarketState::Inactive));
    let open = |exchange: &Exchange| orders.iter().filter(|id| !status(exchange, **id).is_closed()).count();
    assert_eq!(open(&exchange), 6, "the oldest goes first, one a record");
    let refused = place(&mut exchange, alice, bid(1, 42_000));
    assert!(matches!(refused, Outcome::Rejected(_, OrderError::MarketNotFound)), "{refused:?}");
    // Opened before all are gone: what was open when it closed goes all the same, what comes then stays.
    apply(&mut exchange, &state(MarketState::Open));
    let Outcome::Placed(new) = place(&mut exchange, alice, bid(1, 42_000)) else { panic!("open again") };
    finish(&mut exchange);
    assert_eq!((open(&exchange), status(&exchange, new)), (0, OrderStatus::EnteredBook));
}

#[test]
fn who_comes_with_the_second_at_which_a_mark_moves_is_asked_at_that_mark() {
    let mut desk = Desk::open();
    desk.holds(desk.carol, 60_550 * Money::ONE);
    desk.placed(desk.bob, bid(BTC, 50_000));
    desk.placed(desk.carol, ask(BTC, 50_000));
    let carol = desk.carol;
    let mut exchange = slowly(desk);
    let pair = PairId(0);
    apply(&mut exchange, &Command::PinMark { instrument: FIRST, price: None });
    apply(&mut exchange, &Command::PinIndex { pair, price: None });
    finish(&mut exchange);
    let price = FinePrice(60_000 * 10_i128.pow(18));
    apply(&mut exchange, &Command::PublishIndex { pair, price });
    finish(&mut exchange);
    let before = exchange.wallets(carol).remove(1).equity;
    // She is short: at 60,000 she has 10,000 less. The mark moves at the next full second, which this record brings.
    let next = Timestamp((exchange.now().0 / Timestamp::SECOND + 1) * Timestamp::SECOND);
    let (wallet, currency, amount) = (Wallet::Flex, Currency::USD, Money(55_000 * Money::ONE));
    let withdraw = Command::Withdraw(Withdraw { account: carol, wallet, currency, amount });
    let outcome = exchange.apply(next, &withdraw, &mut Vec::new());
    assert_eq!(outcome, Outcome::Refused(Refusal::InsufficientFunds));
    exchange.audit().expect("sound");
    let after = exchange.wallets(carol).remove(1).equity;
    assert!(before.0 - after.0 > 9_000 * 10_i128.pow(24), "{before:?} {after:?}");
}

#[test]
fn a_trailing_stop_that_its_closed_market_is_about_to_lose_is_not_replaced() {
    let mut desk = Desk::open();
    let trails = |price| PlaceOrder {
        stop_price: None,
        trigger: Some(Box::new(AskedTrigger {
            kind: TriggerKind::TrailingStop,
            signal: Signal::Mark,
            deviation: Some(AskedDistance { unit: DistanceUnit::Percent, steps: OnGrid::Steps(price) }),
        })),
        ..stop(ask(1, 40_000), 1)
    };
    let trails = |percent| PlaceOrder { limit_price: None, ..trails(percent) };
    let orders: Vec<OrderId> = [500, 600, 700].map(|percent| desk.placed(desk.alice, trails(percent))).into();
    let mut exchange = slowly(desk);
    apply(&mut exchange, &Command::SetMarketState { instrument: FIRST, state: MarketState::Inactive });
    assert_eq!(status(&exchange, orders[2]), OrderStatus::TriggerPlaced, "its turn has not come");
    let replaced = apply(&mut exchange, &Command::ReplaceTrailingStop { order: orders[2] });
    assert_eq!(replaced, Outcome::Refused(Refusal::NoTrailingStop));
    finish(&mut exchange);
    assert!(orders.iter().all(|order| status(&exchange, *order).is_closed()));
}
