//! A venue that goes on from a past: its figures are there from the first moment, and nothing trades on what never was.

mod fixture;

use fixture::{Desk, ask, bid, immediate, stop};
use loligo_engine::{
    AskedDistance, AskedTrigger, Command, DistanceUnit, Event, Exchange, ExecutionId, Fine, FinePrice,
    Genesis, InstrumentId, Limits, MAX_TICKS, MarketPast, OnGrid, OrderStatus, Outcome, PastHour, PastRate,
    PastTrade, PlaceOrder, Price, Qty, Refusal, Side, Signal, Timestamp, TriggerKind,
};

const FIRST: InstrumentId = InstrumentId(0);
const ONE: i128 = 10_i128.pow(18);

/// The first contract last traded at 50,100 and is marked at 50,050; its index is 50,000.
fn past() -> MarketPast {
    let hour = |qty: i64| PastHour {
        opened: Timestamp(0),
        open: Price(50_000),
        high: Price(50_200),
        low: Price(49_900),
        qty: Qty(qty),
        value: Fine(i128::from(qty) * 50_000 * 10_i128.pow(20)),
    };
    MarketPast {
        instrument: FIRST,
        trades: 1_000,
        last: PastTrade { price: Price(50_100), qty: Qty(3), side: Side::Buy, at: Timestamp(0) },
        mark: FinePrice(50_050 * ONE),
        hours: vec![hour(900)],
        rates: vec![PastRate { hour: Timestamp(0), relative: 5, absolute: -7 }],
    }
}

fn on_last(mut order: PlaceOrder, stop_price: i64) -> PlaceOrder {
    order = stop(order, stop_price);
    order.trigger.as_mut().expect("a trigger").signal = Signal::Last;
    order
}

#[test]
fn the_first_figures_are_those_of_the_past() {
    let desk = Desk::after(vec![past()]);
    let told = desk.events().iter().find_map(|event| match event {
        Event::Past { past, at } => Some((past.as_ref().clone(), *at)),
        _ => None,
    });
    assert_eq!(told, Some((past(), Timestamp(0))), "who follows is told all of it");
    let marks: Vec<FinePrice> = desk.events().iter().filter_map(first_mark).collect();
    assert_eq!(marks[0], FinePrice(50_050 * ONE), "the mark begins where the past ended, not at the index");
    let market = desk.exchange.market(FIRST).expect("listed");
    assert_eq!((market.last, market.before, market.trades), (Some(Price(50_100)), Some(past().last), 1_000));
    // The other contract has none.
    let market = desk.exchange.market(InstrumentId(1)).expect("listed");
    assert_eq!((market.last, market.before, market.trades), (None, None, 0));
    assert_eq!(market.mark, Some(FinePrice(50_000 * ONE)));
}

fn first_mark(event: &Event) -> Option<FinePrice> {
    match event {
        Event::Mark { instrument: FIRST, price, .. } => Some(*price),
        _ => None,
    }
}

#[test]
fn the_mark_leaves_the_past_as_slowly_as_any_premium() {
    let mut desk = Desk::after(vec![past()]);
    desk.done(&Command::PinMark { instrument: FIRST, price: None });
    let mark = desk.exchange.market(FIRST).and_then(|market| market.mark).expect("marked");
    assert_eq!(mark, FinePrice(50_050 * ONE), "an unpinned mark is at the index and its premium");
    desk.placed(desk.bob, bid(1_000, 49_999));
    desk.placed(desk.bob, ask(1_000, 50_001));
    desk.wait(Timestamp::SECOND);
    let mark = desk.exchange.market(FIRST).and_then(|market| market.mark).expect("marked");
    assert_eq!(mark, FinePrice(50_025 * ONE), "the mean of the past's premium and the first second's");
}

#[test]
fn trades_and_executions_are_counted_on_from_the_past() {
    let mut desk = Desk::after(vec![past(), MarketPast { instrument: InstrumentId(1), ..past() }]);
    desk.placed(desk.bob, ask(10, 50_010));
    desk.placed(desk.alice, bid(10, 50_010));
    let [execution] = &desk.executions()[..] else { panic!("one trade") };
    assert_eq!((execution.trade, execution.id), (1_001, ExecutionId(2_001)));
    let market = desk.exchange.market(FIRST).expect("listed");
    assert_eq!(market.last, Some(Price(50_010)), "a real trade is the last one");
}

#[test]
fn no_trigger_fires_on_a_price_that_never_was() {
    let mut desk = Desk::after(vec![past()]);
    desk.placed(desk.bob, bid(1_000, 50_000));
    // The last made-up price, 50,100, would fire both at once.
    let buys = desk.placed(desk.alice, on_last(bid(10, 49_000), 50_050));
    let sells = desk.placed(desk.alice, on_last(ask(10, 49_000), 50_150));
    for waits in [buys, sells] {
        assert_eq!(desk.order(waits).status, OrderStatus::TriggerPlaced);
    }
    desk.wait(10 * Timestamp::SECOND);
    assert_eq!(desk.order(sells).status, OrderStatus::TriggerPlaced, "time alone makes no trade");
    // The first trade judges them: at 50,000 it is below the one and not above the other.
    desk.placed(desk.carol, immediate(ask(10, 50_000)));
    assert_eq!(desk.order(buys).status, OrderStatus::TriggerPlaced);
    assert_ne!(desk.order(sells).status, OrderStatus::TriggerPlaced);
}

#[test]
fn a_trailing_stop_begins_to_follow_the_last_price_that_is_shown() {
    let trailing = || {
        let mut order = bid(10, 1);
        order.side = Side::Sell;
        order.limit_price = None;
        let deviation = Some(AskedDistance { unit: DistanceUnit::Quote, steps: OnGrid::Steps(100) });
        let (kind, signal) = (TriggerKind::TrailingStop, Signal::Last);
        order.trigger = Some(Box::new(AskedTrigger { kind, signal, deviation }));
        order
    };
    let mut desk = Desk::after(vec![past()]);
    let order = desk.placed(desk.alice, trailing());
    let stop = |desk: &Desk| desk.order(order).trigger().and_then(|trigger| trigger.price);
    assert_eq!(stop(&desk), Some(Price(50_000)));
    desk.placed(desk.bob, bid(100, 50_150));
    desk.placed(desk.carol, immediate(ask(10, 50_150)));
    assert_eq!(stop(&desk), Some(Price(50_050)), "the first trade takes it along");
}

#[test]
fn a_past_outlives_the_state_it_is_stored_in() {
    let mut desk = Desk::after(vec![past()]);
    let read = Exchange::decode(&desk.exchange.encode()).expect("what was just written");
    assert_eq!(read.state_hash(), desk.exchange.state_hash());
    assert_eq!(read.market(FIRST), desk.exchange.market(FIRST));
    desk.placed(desk.bob, ask(10, 50_010));
    desk.placed(desk.alice, bid(10, 50_010));
    let read = Exchange::decode(&desk.exchange.encode()).expect("what was just written");
    assert_eq!(
        read.market(FIRST).map(|market| (market.last, market.before)),
        Some((Some(Price(50_010)), Some(past().last)))
    );
}

#[test]
fn a_past_that_cannot_have_been_is_refused_whole() {
    let desk = Desk::open();
    let Command::Genesis(genesis) = desk.steps()[0].1.clone() else { panic!("it begins with a genesis") };
    let hour = past().hours[0];
    let later = MarketPast { instrument: InstrumentId(1), ..past() };
    for pasts in [
        vec![MarketPast { trades: 0, ..past() }],
        vec![MarketPast { trades: u32::MAX, ..past() }],
        vec![MarketPast { last: PastTrade { price: Price(0), ..past().last }, ..past() }],
        vec![MarketPast { last: PastTrade { price: Price(MAX_TICKS + 1), ..past().last }, ..past() }],
        vec![MarketPast { last: PastTrade { qty: Qty(0), ..past().last }, ..past() }],
        vec![MarketPast { last: PastTrade { at: Timestamp(1), ..past().last }, ..past() }],
        vec![MarketPast { mark: FinePrice(0), ..past() }],
        vec![MarketPast { mark: FinePrice(i128::MAX), ..past() }],
        vec![MarketPast { hours: vec![hour, hour], ..past() }],
        vec![MarketPast { hours: vec![PastHour { opened: Timestamp(-1), ..hour }], ..past() }],
        vec![MarketPast { hours: vec![PastHour { low: Price(50_001), ..hour }], ..past() }],
        vec![MarketPast { hours: vec![PastHour { high: Price(49_999), ..hour }], ..past() }],
        vec![MarketPast { hours: vec![PastHour { qty: Qty(-1), ..hour }], ..past() }],
        vec![MarketPast { hours: vec![PastHour { value: Fine(-1), ..hour }], ..past() }],
        vec![MarketPast { rates: vec![past().rates[0]; 2], ..past() }],
        vec![later.clone(), past()],
        vec![past(), past()],
        vec![MarketPast { instrument: InstrumentId(2), ..past() }],
    ] {
        let mut exchange = Exchange::new();
        let mut events = Vec::new();
        let command = Command::Genesis(Box::new(Genesis { pasts: pasts.clone(), ..(*genesis).clone() }));
        let outcome = exchange.apply(Timestamp(0), &command, &mut events);
        assert!(matches!(outcome, Outcome::Refused(Refusal::Listing(_))), "{pasts:?}: {outcome:?}");
        assert_eq!((events.len(), exchange.instruments().count()), (0, 0), "nothing happened");
    }
    // A contract without an index price has no past either: nothing could have been made of it.
    let genesis = Genesis { indexes: Vec::new(), pasts: vec![past()], limits: Limits::default(), ..*genesis };
    let outcome = Exchange::new().apply(Timestamp(0), &Command::Genesis(Box::new(genesis)), &mut Vec::new());
    assert!(matches!(outcome, Outcome::Refused(Refusal::Listing(_))), "{outcome:?}");
}
