//! Who waits for whom while the exchange does what follows from one request (rules 5.7).

use super::*;
use crate::config::ClockKind;
use loligo_engine::{
    AskedTrigger, Exchange, FinePrice, MarketState, OrderStatus, OrderView, Signal, Timestamp, TriggerKind,
    WORK_PER_RECORD,
};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

/// Stops that one mark reaches: by two accounts, a hundred each at most.
const STOPS: u64 = 200;
const FIRST: InstrumentId = InstrumentId(0);
const START: i64 = 1_767_225_600_000_000;

/// Asks, and does not wait for the answer.
async fn ask<F: Future>(request: &mut Pin<&mut F>) {
    let waits = poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending())).await;
    assert!(waits, "nothing is answered yet");
}

fn pin_mark(usd: i128) -> Submission {
    let price = Some(FinePrice(usd * 10_i128.pow(18)));
    Submission::new(Command::PinMark { instrument: FIRST, price })
}

/// An order of an account, in ticks of the first contract.
fn order(account: u32, side: Side, limit: i64, stop: Option<i64>) -> Submission {
    let Command::Place(placed) = place().command else { panic!("an order") };
    Submission::new(Command::Place(PlaceOrder {
        account: AccountId(account),
        side,
        // Worth more than a small order.
        qty: OnGrid::Steps(2),
        limit_price: Some(OnGrid::Steps(limit)),
        stop_price: stop.map(OnGrid::Steps),
        trigger: stop.map(|_| {
            let (kind, signal) = (TriggerKind::Stop, Signal::Mark);
            Box::new(AskedTrigger { kind, signal, deviation: None })
        }),
        ..placed
    }))
}

/// A venue whose clock stands, on which a mark of 60,000 fires all stops; and one resting order.
async fn with_stops(data: MarketKind) -> (RunningNode, Arc<Disk>, OrderId) {
    let clock = ClockKind::Manual { start: Timestamp(START) };
    let config = Config { clock, market: data, ..Config::test() };
    let (node, disk) = node_with(config, MachineClock::system());
    node.handle().submit(pin_mark(70_000)).await.unwrap();
    for stop in 0..STOPS {
        // Each rests where nobody meets it.
        let account = (stop % 2) as u32;
        let outcome =
            node.handle().submit(order(account, Side::Sell, 75_000, Some(61_000))).await.unwrap().outcome;
        assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
    }
    let outcome = node.handle().submit(order(2, Side::Buy, 30_000, None)).await.unwrap().outcome;
    let Outcome::Placed(resting) = outcome else { panic!("{outcome:?}") };
    (node, disk, resting)
}

async fn waiting_stops(node: &RunningNode) -> usize {
    let count = |exchange: &Exchange| {
        let known = exchange.known_orders();
        known.iter().filter(|order| order.status == OrderStatus::TriggerPlaced).count()
    };
    node.handle().query(count).await.unwrap()
}

#[tokio::test]
async fn while_work_waits_a_cancel_goes_before_it_and_an_order_after_it() {
    let (node, disk, resting) = with_stops(MarketKind::None).await;
    // The price itself, then one record of steps, then two: these are held up.
    let (reached, open) = disk.hold_up(2);
    let handle = node.handle();
    let mut price = pin!(handle.submit(pin_mark(60_000)));
    ask(&mut price).await;
    reached.recv().unwrap();
    // An order comes first, a cancel after it.
    let (mut ordered, mut cancelled) =
        (pin!(handle.submit(order(2, Side::Buy, 30_001, None))), pin!(handle.submit(cancel_of(2, resting))));
    ask(&mut ordered).await;
    ask(&mut cancelled).await;
    open.send(()).unwrap();
    let (price, ordered, cancelled) =
        (price.await.unwrap(), ordered.await.unwrap(), cancelled.await.unwrap());
    assert_eq!(cancelled.outcome, Outcome::Cancelled(resting));
    assert!(matches!(ordered.outcome, Outcome::Placed(_)), "{:?}", ordered.outcome);
    // One and two records of steps before the cancel; what is left of the stops, 64 a record, before the order.
    assert_eq!(cancelled.sequence, price.sequence + 4);
    assert!(ordered.sequence > cancelled.sequence, "{} {}", ordered.sequence, cancelled.sequence);
    let records = STOPS.div_ceil(u64::from(WORK_PER_RECORD / 16));
    assert!(ordered.sequence > price.sequence + records, "{}", ordered.sequence);
    assert_eq!(waiting_stops(&node).await, 0);
}

fn cancel_of(account: u32, order: OrderId) -> Submission {
    let order = OrderRef::Id(order);
    Submission::new(Command::Cancel(CancelOrder { account: AccountId(account), order, process_before: None }))
}

#[tokio::test]
async fn a_price_and_a_market_verb_are_answered_when_all_that_follows_has_happened() {
    let (node, _, _) = with_stops(MarketKind::None).await;
    node.handle().submit(pin_mark(60_000)).await.unwrap();
    let open = |account| node.handle().views().orders().with(AccountId(account), |of| of.open_copied());
    let waits = |order: &OrderView| order.status == OrderStatus::TriggerPlaced;
    let shown = |account| open(account).into_iter().filter(waits).count();
    assert_eq!((shown(0), shown(1)), (0, 0), "every view shows all of it");
    let state = Command::SetMarketState { instrument: FIRST, state: MarketState::Inactive };
    node.handle().submit(Submission::new(state)).await.unwrap();
    for account in 0..3 {
        assert!(open(account).is_empty());
    }
}
