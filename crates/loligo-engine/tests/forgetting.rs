//! Closed orders are remembered for five seconds (rules 3), and however many are to be forgotten then, a record forgets a bounded
//! number (rules 5.7).

mod fixture;

use fixture::{Desk, bid};
use loligo_engine::{
    CancelOrder, Command, Event, Exchange, LimitsChange, OrderId, OrderRef, OrderStatus, Outcome, PlaceOrder,
    Timestamp,
};

const SECOND: i64 = Timestamp::SECOND;
const KEPT: i64 = 5 * SECOND;
/// What one record forgets at most.
const MOST: usize = 1_024;

/// Alice has placed and cancelled so many orders at one instant.
fn closed(count: usize) -> (Desk, OrderId) {
    let mut desk = Desk::open();
    let roomy =
        LimitsChange { open_orders: Some(100_000), small_orders: Some(100_000), ..LimitsChange::default() };
    desk.done(&Command::SetLimits { account: None, instrument: None, change: roomy });
    let rests = desk.placed(desk.bob, bid(10, 40_000));
    let (alice, mut told) = (desk.alice, Vec::new());
    for _ in 0..count {
        let place = Command::Place(PlaceOrder { account: alice, ..bid(10, 40_000) });
        desk.exchange.apply(Timestamp(0), &place, &mut told);
    }
    let all = Command::CancelAll { account: alice, instrument: None };
    desk.exchange.apply(Timestamp(0), &all, &mut told);
    assert_eq!(remembered(&desk.exchange), count);
    (desk, rests)
}

fn remembered(exchange: &Exchange) -> usize {
    exchange.known_orders().iter().filter(|order| order.status == OrderStatus::Cancelled).count()
}

fn forgotten(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::Forgotten { .. })).count()
}

#[test]
fn as_many_as_a_record_forgets_are_gone_at_exactly_five_seconds() {
    let (desk, _) = closed(MOST);
    let (mut exchange, mut told) = (desk.exchange, Vec::new());
    exchange.apply(Timestamp(KEPT - 1), &Command::Advance, &mut told);
    assert_eq!((forgotten(&told), remembered(&exchange)), (0, MOST));
    assert!(!exchange.is_due(Timestamp(KEPT)));
    exchange.apply(Timestamp(KEPT), &Command::Advance, &mut told);
    assert_eq!((forgotten(&told), remembered(&exchange), exchange.is_busy()), (MOST, 0, false));
}

#[test]
fn what_is_more_is_forgotten_by_the_records_that_follow_while_time_stands_still_and_cancels_are_let_in() {
    let (desk, rests) = closed(3 * MOST + 1);
    let mut exchange = desk.exchange;
    let mut at_once = exchange.clone();
    // An hour goes by in one record, of which only the orders to be forgotten are anything to do.
    let later = Timestamp(3_600 * SECOND);
    assert!(!exchange.is_due(Timestamp(KEPT - 1)) && exchange.is_due(Timestamp(KEPT)));
    let (mut records, mut cancelled) = (0, false);
    while exchange.is_due(later) {
        let mut told = Vec::new();
        exchange.apply(later, &Command::Advance, &mut told);
        exchange.audit().expect("sound after every record");
        assert!(forgotten(&told) <= MOST, "{} by one record", forgotten(&told));
        if exchange.is_busy() && !cancelled {
            let at = exchange.now();
            let cancel = CancelOrder { account: desk.bob, order: OrderRef::Id(rests), process_before: None };
            let mut told = Vec::new();
            let outcome = exchange.apply(later, &Command::Cancel(cancel), &mut told);
            assert_eq!((outcome, forgotten(&told), exchange.now()), (Outcome::Cancelled(rests), 0, at));
            cancelled = true;
        }
        // Whoever reads the state goes on where it was left.
        exchange = Exchange::decode(&exchange.encode()).expect("a state that is read again");
        records += 1;
    }
    assert!(cancelled && records >= 4, "{records}");
    exchange.apply(later, &Command::Advance, &mut Vec::new());
    // Bob's was cancelled amid it, and has its own five seconds.
    assert_eq!((remembered(&exchange), exchange.now()), (1, later));
    // The same at once, and second by second.
    let mut slow = at_once.clone();
    at_once.set_work_limit(u32::MAX);
    let mut told = Vec::new();
    at_once.apply(later, &Command::Advance, &mut told);
    assert_eq!((forgotten(&told), remembered(&at_once)), (3 * MOST + 1, 0));
    while slow.now() < later || slow.is_due(later) {
        let next = slow.now().plus(7 * SECOND).min(later);
        slow.apply(next, &Command::Advance, &mut told);
    }
    let cancel = Command::CancelAll { account: desk.bob, instrument: None };
    for exchange in [&mut at_once, &mut slow] {
        exchange.apply(later, &cancel, &mut told);
        assert_eq!(exchange.open_orders(desk.bob), []);
        assert_eq!(remembered(exchange), 1);
        exchange.apply(later.plus(KEPT), &Command::Advance, &mut told);
    }
    exchange.apply(later.plus(KEPT), &Command::Advance, &mut told);
    assert_eq!(at_once.state_hash(), slow.state_hash());
    assert_eq!(exchange.state_hash(), slow.state_hash());
}
