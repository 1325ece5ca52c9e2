//! The story of orders: told step by step in a table, and over a long random run held against the orders themselves.

use super::*;
use crate::config::Config;
use crate::node::{self, Submission};
use crate::projection::Subscription;
use loligo_engine::{
    AccountId, AskedDistance, AskedTrigger, CancelOrder, ClientOrderId, Command, DistanceUnit, EditOrder,
    FinePrice, InstrumentId, OnGrid, OrderId, OrderRef, OrderStatus, PlaceOrder, Price, Qty, QtyMode, Side,
    Signal, Timestamp, TriggerKind,
};
use std::collections::BTreeMap;

fn order(id: u64, qty: i64, filled: i64) -> OrderView {
    OrderView {
        id: OrderId(id),
        account: AccountId(0),
        instrument: InstrumentId(0),
        side: Side::Buy,
        order_type: OrderType::Limit,
        status: OrderStatus::EnteredBook,
        reason: None,
        error: None,
        limit_price: Some(Price(50_000)),
        qty: Some(Qty(qty)),
        filled: Qty(filled),
        reduce_only: false,
        client_order_id: None,
        attached: None,
        placed_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

fn because(order: OrderView, reason: UpdateReason, error: Option<OrderError>) -> OrderView {
    OrderView { reason: Some(reason), error, ..order }
}

/// One line a message: form, id, filled of size, reason.
fn told(changes: &[(OrderChangeKind, OrderView)]) -> Vec<String> {
    let changes: Vec<OrderChanged> =
        changes.iter().map(|(kind, order)| OrderChanged { kind: *kind, order: order.clone() }).collect();
    let whole = |form: &str, order: &OrderView, reason: UpdateReason| {
        let size = order.qty.unwrap_or_default().0;
        format!("{form} {} {}/{size} {reason:?}", order.id.0, order.filled.0)
    };
    let line = |turn: Turn<'_>| match turn {
        Turn::Open { order, reason } => whole("open", order, reason),
        Turn::Filled { order } => whole("gone", order, UpdateReason::FullFill),
        Turn::Gone { order, reason } => format!("removed {} {reason:?}", order.id.0),
        Turn::Refused { order, reason } => format!("refused {} {reason:?}", order.id.0),
        Turn::EditMissed { order } => format!("missed {}", order.id.0),
    };
    of_account(&changes).into_iter().map(line).collect()
}

#[test]
fn each_course_of_events_has_its_messages() {
    use OrderChangeKind::{
        ActivationFailed, Cancelled, Edited, Filled, Fired, Hit, Noted, Placed, Reduced, Rejected, Repriced,
        Rewritten, Took,
    };
    use UpdateReason as Why;
    let refused = |why, error| vec![(Rejected, because(order(1, 10, 0), why, Some(error)))];
    for (case, changes, wanted) in [
        ("it rests", vec![(Placed, order(1, 10, 0))], vec!["open 1 0/10 NewUserOrder"]),
        (
            "it fills in part on arrival, then rests",
            vec![(Placed, order(1, 10, 0)), (Took, order(1, 10, 3)), (Took, order(1, 10, 4))],
            vec!["open 1 4/10 NewUserOrder"],
        ),
        (
            "it fills whole on arrival",
            vec![(Placed, order(1, 10, 0)), (Took, order(1, 10, 10)), (Filled, order(1, 10, 10))],
            vec![],
        ),
        (
            "an immediate one's rest lapses",
            vec![
                (Placed, order(1, 10, 0)),
                (Took, order(1, 10, 3)),
                (Cancelled, because(order(1, 10, 3), Why::PartialFill, None)),
            ],
            vec!["removed 1 PartialFill"],
        ),
        (
            "whatever the reason, what never rests was never open",
            vec![
                (Placed, OrderView { order_type: OrderType::Liquidation, ..order(1, 10, 0) }),
                (
                    Cancelled,
                    because(
                        OrderView { order_type: OrderType::Liquidation, ..order(1, 10, 0) },
                        Why::LiquidationOrder,
                        None,
                    ),
                ),
            ],
            vec!["removed 1 LiquidationOrder"],
        ),
        (
            "it meets an own order after others",
            vec![
                (Placed, order(1, 10, 0)),
                (Took, order(1, 10, 3)),
                (Cancelled, because(order(1, 10, 3), Why::WouldExecuteSelf, None)),
            ],
            vec!["removed 1 WouldExecuteSelf"],
        ),
        (
            "an own order gives way to it",
            vec![
                (Placed, order(2, 10, 0)),
                (Cancelled, because(order(1, 5, 0), Why::WouldExecuteSelf, None)),
                (Took, order(2, 10, 10)),
                (Filled, order(2, 10, 10)),
            ],
            vec!["removed 1 WouldExecuteSelf"],
        ),
        ("a resting one is hit", vec![(Hit, order(1, 10, 4))], vec!["open 1 4/10 PartialFill"]),
        (
            "a resting one is hit to the end",
            vec![(Hit, order(1, 10, 10)), (Filled, order(1, 10, 10))],
            vec!["gone 1 10/10 FullFill"],
        ),
        ("an edit", vec![(Edited, order(1, 12, 4))], vec!["open 1 4/12 EditedByUser"]),
        (
            "an edit that takes a part",
            vec![(Edited, order(1, 12, 4)), (Took, order(1, 12, 6))],
            vec!["open 1 6/12 EditedByUser"],
        ),
        (
            "an edit that takes all",
            vec![(Edited, order(1, 12, 4)), (Took, order(1, 12, 12)), (Filled, order(1, 12, 12))],
            vec!["gone 1 12/12 FullFill"],
        ),
        (
            "it is cancelled",
            vec![(Cancelled, because(order(1, 10, 0), Why::CancelledByUser, None))],
            vec!["removed 1 CancelledByUser"],
        ),
        (
            "one cuts another, and is cut itself",
            vec![
                (Placed, order(2, 10, 0)),
                (Reduced, order(2, 8, 0)),
                (Cancelled, because(order(1, 5, 0), Why::WouldNotReducePosition, None)),
            ],
            vec![
                "open 2 0/10 NewUserOrder",
                "open 2 0/8 WouldNotReducePosition",
                "removed 1 WouldNotReducePosition",
            ],
        ),
        (
            "it rests, and is then cut to nothing",
            vec![
                (Placed, order(1, 10, 0)),
                (Took, order(1, 10, 3)),
                (Cancelled, because(order(1, 10, 3), Why::WouldNotReducePosition, None)),
            ],
            vec!["open 1 3/10 NewUserOrder", "removed 1 WouldNotReducePosition"],
        ),
        (
            "post",
            refused(Why::PostWouldExecute, OrderError::PostWouldExecute),
            vec!["refused 1 PostWouldExecute"],
        ),
        (
            "ioc",
            refused(Why::IocWouldNotExecute, OrderError::IocWouldNotExecute),
            vec!["refused 1 IocWouldNotExecute"],
        ),
        (
            "self",
            refused(Why::WouldExecuteSelf, OrderError::WouldExecuteSelf),
            vec!["refused 1 WouldExecuteSelf"],
        ),
        (
            "reduce-only",
            refused(Why::WouldNotReducePosition, OrderError::WouldNotReducePosition),
            vec!["refused 1 WouldNotReducePosition"],
        ),
        (
            "a refusal without a word of the feed",
            vec![(Rejected, OrderView { error: Some(OrderError::InsufficientMargin), ..order(1, 10, 0) })],
            vec![],
        ),
        (
            "an edit of one that has just closed",
            vec![(
                Noted,
                because(order(1, 10, 10), Why::OrderForEditNotFound, Some(OrderError::OrderForEditNotFound)),
            )],
            vec!["missed 1"],
        ),
        (
            "a cancel after that",
            vec![(
                Noted,
                because(
                    order(1, 10, 10),
                    Why::OrderForEditNotFound,
                    Some(OrderError::OrderForCancellationNotFound),
                ),
            )],
            vec![],
        ),
        (
            "a refused edit",
            vec![(Noted, because(order(1, 10, 0), Why::NewUserOrder, Some(OrderError::EditHasNoEffect)))],
            vec![],
        ),
        ("loaded after a start", vec![(Noted, because(order(1, 10, 0), Why::LoadingMarket, None))], vec![]),
        (
            "a trigger fires as it arrives, and fills whole",
            vec![
                (Placed, order(1, 10, 0)),
                (Fired, order(1, 10, 0)),
                (Took, order(1, 10, 10)),
                (Filled, order(1, 10, 10)),
            ],
            vec!["open 1 0/10 NewUserOrder", "removed 1 StopOrderTriggered"],
        ),
        (
            "one order's trade fires a trigger, which takes a part and rests",
            vec![
                (Placed, order(2, 5, 0)),
                (Took, order(2, 5, 5)),
                (Filled, order(2, 5, 5)),
                (Fired, order(1, 10, 0)),
                (Took, order(1, 10, 4)),
            ],
            vec!["removed 1 StopOrderTriggered", "open 1 4/10 LimitFromStop"],
        ),
        (
            "a trigger's immediate rest lapses",
            vec![
                (Fired, order(1, 10, 0)),
                (Took, order(1, 10, 4)),
                (Cancelled, because(order(1, 10, 4), Why::PartialFill, None)),
            ],
            vec!["removed 1 StopOrderTriggered", "removed 1 PartialFill"],
        ),
        (
            "a trigger fires into a refusal",
            vec![(ActivationFailed, because(order(1, 10, 0), Why::StopOrderTriggered, None))],
            vec!["removed 1 StopOrderTriggered"],
        ),
        (
            "a trailing stop moves",
            vec![(Repriced, order(1, 10, 0))],
            vec!["open 1 0/10 TrailingStopPriceUpdated"],
        ),
        ("a record is rewritten", vec![(Rewritten, order(1, 10, 0))], vec![]),
        (
            "orders go with their market, their account's timer, their margin",
            vec![
                (Cancelled, because(order(1, 10, 0), Why::MarketInactive, None)),
                (Cancelled, because(order(2, 10, 0), Why::DeadManSwitch, None)),
                (Cancelled, because(order(3, 10, 0), Why::NotEnoughMargin, None)),
            ],
            vec!["removed 1 MarketInactive", "removed 2 DeadManSwitch", "removed 3 NotEnoughMargin"],
        ),
        (
            "two in one record",
            vec![(Placed, order(1, 10, 0)), (Placed, order(2, 5, 0))],
            vec!["open 1 0/10 NewUserOrder", "open 2 0/5 NewUserOrder"],
        ),
    ] {
        assert_eq!(told(&changes), wanted, "{case}");
    }
}

/// A random stream of numbers; small, so that the test says all that decides its course.
struct Source(u64);

impl Source {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// What a client makes of the messages: its list of open orders.
#[derive(Default)]
struct List(BTreeMap<OrderId, OrderView>);

impl List {
    fn hear(&mut self, turn: Turn<'_>) {
        match turn {
            Turn::Open { order, .. } => {
                self.0.insert(order.id, order.clone());
            }
            Turn::Filled { order } => {
                assert!(order.open_qty().0 == 0 && self.0.remove(&order.id).is_some(), "{order:?}");
            }
            Turn::Gone { order, .. } | Turn::EditMissed { order } => {
                self.0.remove(&order.id);
            }
            Turn::Refused { order, .. } => assert!(!self.0.contains_key(&order.id), "{order:?}"),
        }
    }
}

fn random_command(source: &mut Source, newest: u64) -> Command {
    let account = AccountId(source.next(3) as u32);
    let price = Some(OnGrid::Steps(79_995 + source.next(11) as i64));
    let qty = OnGrid::Steps(500 + source.next(40) as i64 * 10);
    let side = if source.next(2) == 0 { Side::Buy } else { Side::Sell };
    let order = OrderRef::Id(OrderId(newest.saturating_sub(source.next(12))));
    let trigger = (source.next(6) == 0).then(|| {
        let kind = [TriggerKind::Stop, TriggerKind::TakeProfit, TriggerKind::TrailingStop];
        let kind = kind[source.next(3) as usize];
        let signal = [Signal::Mark, Signal::Last][source.next(2) as usize];
        let trails = kind == TriggerKind::TrailingStop;
        let deviation = trails.then(|| AskedDistance {
            unit: DistanceUnit::Quote,
            steps: OnGrid::Steps(80 + source.next(4) as i64),
        });
        Box::new(AskedTrigger { kind, signal, deviation })
    });
    let stop_price = trigger.as_ref().and_then(|trigger| {
        let at = OnGrid::Steps(79_995 + source.next(11) as i64);
        trigger.deviation.is_none().then_some(at)
    });
    let price = if trigger.is_some() && source.next(2) == 0 { None } else { price };
    match source.next(11) {
        10 => {
            let mark = FinePrice((79_995 + i128::from(source.next(11))) * 10_i128.pow(18));
            Command::PinMark { instrument: InstrumentId(0), price: Some(mark) }
        }
        0..6 => Command::Place(PlaceOrder {
            account,
            instrument: InstrumentId(0),
            side,
            order_type: match source.next(5) {
                0 => OrderType::Post,
                1 => OrderType::ImmediateOrCancel,
                2 => OrderType::Market,
                _ => OrderType::Limit,
            },
            qty,
            limit_price: price,
            stop_price,
            reduce_only: source.next(4) == 0,
            client_order_id: (source.next(5) == 0).then(|| ClientOrderId::Valid("mine".into())),
            process_before: None,
            trigger,
            limit_offset: None,
            algo_id: None,
        }),
        6..8 => Command::Edit(EditOrder {
            account,
            order,
            instrument: None,
            limit_price: price,
            stop_price: None,
            qty: Some(qty),
            qty_mode: QtyMode::Relative,
            deviation: None,
            deviation_unit: None,
            process_before: None,
        }),
        8 => Command::Cancel(CancelOrder { account, order, process_before: None }),
        _ => Command::CancelAll { account, instrument: None },
    }
}

fn heard(changes: &mut Subscription) -> Vec<OrderChanged> {
    let mut heard = Vec::new();
    while let Some(commit) = changes.next_now() {
        changes.took(&commit);
        heard.extend(commit.changes.iter().flat_map(|changes| changes.orders.iter().cloned()));
    }
    heard
}

#[tokio::test]
async fn the_messages_alone_keep_a_list_of_open_orders() {
    let node = tokio::task::spawn_blocking(|| node::spawn(&Config::test())).await.unwrap().unwrap();
    let handle = node.handle().clone();
    let mut changes = handle.views().publisher().subscribe();
    let followed = [AccountId(0), AccountId(1)];
    changes.follow(false, followed.into_iter().collect(), Default::default());
    let (mut source, mut newest) = (Source(3), 1);
    let mut lists = [List::default(), List::default()];
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for round in 0..6_000 {
        let command = random_command(&mut source, newest);
        let reply = handle.submit(Submission::new(command)).await.unwrap();
        for event in reply.events.iter() {
            if let loligo_engine::Event::Placed { order, .. } | loligo_engine::Event::Rejected { order, .. } =
                event
            {
                newest = newest.max(order.id.0);
            }
        }
        if round % 7 == 0 {
            handle.advance(300).await.unwrap();
        }
        let orders = heard(&mut changes);
        for group in orders.chunk_by(|a, b| a.order.account == b.order.account) {
            let list = &mut lists[group[0].order.account.0 as usize];
            for turn in of_account(group) {
                let kind = match turn {
                    Turn::Open { reason, .. } => format!("{reason:?}"),
                    Turn::Filled { .. } => "FullFill".to_owned(),
                    Turn::Gone { reason, .. } => format!("removed {reason:?}"),
                    Turn::Refused { reason, .. } => format!("refused {reason:?}"),
                    Turn::EditMissed { .. } => "missed".to_owned(),
                };
                *seen.entry(kind).or_default() += 1;
                list.hear(turn);
            }
        }
        for (account, list) in followed.iter().zip(&lists) {
            handle.views().orders().with(*account, |orders| {
                let plain = |order: &OrderView| OrderView { reason: None, error: None, ..order.clone() };
                let told: Vec<OrderView> = list.0.values().map(plain).collect();
                let open: Vec<OrderView> = orders.open().into_iter().map(plain).collect();
                assert_eq!(told, open, "after {:?}", reply.outcome);
            });
        }
    }
    for kind in [
        "NewUserOrder",
        "EditedByUser",
        "PartialFill",
        "FullFill",
        "WouldNotReducePosition",
        "refused PostWouldExecute",
        "removed CancelledByUser",
        "removed PartialFill",
        "refused IocWouldNotExecute",
        "removed WouldExecuteSelf",
        "removed WouldNotReducePosition",
        "missed",
        "removed StopOrderTriggered",
        "LimitFromStop",
        "TrailingStopPriceUpdated",
    ] {
        assert!(seen.get(kind).is_some_and(|times| *times >= 5), "{kind}: {seen:?}");
    }
}
