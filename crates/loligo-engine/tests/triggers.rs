//! Triggers as transcripts: when they fire, what they become, how they follow and are changed.

mod fixture;

use fixture::{Desk, ask, bid};
use loligo_engine::{
    AccountId, AskedDeviation, AskedDistance, AskedOffset, AskedTrigger, CancelOrder, Command, DistanceUnit,
    EditOrder, Event, InstrumentId, MarketState, OnGrid, OrderError, OrderId, OrderRef, OrderStatus,
    OrderType, Outcome, PairId, PlaceOrder, QtyMode, SelfTradeStrategy, Side, Signal, TriggerKind,
    UpdateReason,
};

/// PF_XBTUSD at 50,000: tick 1, lot 0.0001. A trigger of `side` on the mark.
fn trigger(kind: TriggerKind, side: Side, lots: i64, stop: i64) -> PlaceOrder {
    let order = if side == Side::Buy { bid(lots, 1) } else { ask(lots, 1) };
    PlaceOrder {
        limit_price: None,
        stop_price: Some(OnGrid::Steps(stop)),
        trigger: Some(Box::new(AskedTrigger { kind, signal: Signal::Mark, deviation: None })),
        ..order
    }
}

fn stop(side: Side, lots: i64, at: i64) -> PlaceOrder {
    trigger(TriggerKind::Stop, side, lots, at)
}

fn trailing(side: Side, lots: i64, unit: DistanceUnit, steps: OnGrid) -> PlaceOrder {
    let mut order = stop(side, lots, 1);
    order.stop_price = None;
    order.trigger = Some(Box::new(AskedTrigger {
        kind: TriggerKind::TrailingStop,
        signal: Signal::Mark,
        deviation: Some(AskedDistance { unit, steps }),
    }));
    order
}

fn offset(order: PlaceOrder, unit: DistanceUnit, steps: i64) -> PlaceOrder {
    let distance = AskedDistance { unit, steps: OnGrid::Steps(steps) };
    PlaceOrder { limit_offset: Some(AskedOffset::Distance(distance)), ..order }
}

fn story(desk: &Desk, id: OrderId) -> (OrderStatus, Option<UpdateReason>, Option<OrderError>) {
    let order = desk.order(id);
    (order.status, order.reason, order.error)
}

fn trigger_price(desk: &Desk, id: OrderId) -> i64 {
    desk.order(id).trigger().and_then(|trigger| trigger.price).expect("a trigger price").0
}

#[test]
fn each_kind_and_side_fires_at_its_price_and_not_a_tick_before() {
    use TriggerKind::{Stop, TakeProfit};
    // kind, side, trigger price, the last mark that leaves it, the mark that fires it
    let rows = [
        (Stop, Side::Buy, 51_000, 50_999, 51_000),
        (Stop, Side::Sell, 49_000, 49_001, 49_000),
        (TakeProfit, Side::Buy, 49_000, 49_001, 49_000),
        (TakeProfit, Side::Sell, 51_000, 50_999, 51_000),
    ];
    for (kind, side, at, leaves, fires) in rows {
        let mut desk = Desk::open();
        desk.placed(desk.bob, bid(10_000, 48_900));
        desk.placed(desk.bob, ask(10_000, 51_100));
        let id = desk.placed(desk.alice, trigger(kind, side, 100, at));
        desk.mark(leaves);
        assert_eq!(desk.order(id).status, OrderStatus::TriggerPlaced, "{kind:?} {side:?} at {leaves}");
        desk.mark(fires);
        let order = desk.order(id);
        assert_eq!(order.status, OrderStatus::FullyExecuted, "{kind:?} {side:?} at {fires}");
        assert!(order.trigger().is_some_and(|trigger| trigger.fired_at.is_some()));
        assert_eq!(desk.position(desk.alice), side.sign() * 100);
    }
}

#[test]
fn a_trigger_whose_condition_holds_fires_as_it_arrives() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, bid(10_000, 49_990));
    let fired = desk.placed(desk.alice, stop(Side::Sell, 100, 50_000));
    assert_eq!(desk.order(fired).status, OrderStatus::FullyExecuted);
    // Refused at firing, it is placed all the same, and its record tells.
    let failed = desk.placed(desk.carol, PlaceOrder { reduce_only: true, ..stop(Side::Sell, 100, 50_000) });
    assert_eq!(
        story(&desk, failed),
        (
            OrderStatus::TriggerActivationFailure,
            Some(UpdateReason::StopOrderTriggered),
            Some(OrderError::WouldNotReducePosition)
        )
    );
}

#[test]
fn a_stop_with_a_limit_becomes_a_limit_order_under_its_own_number() {
    let mut desk = Desk::open();
    let mut order = stop(Side::Buy, 100, 50_500);
    order.limit_price = Some(OnGrid::Steps(50_005));
    let id = desk.placed(desk.alice, order);
    assert_eq!(desk.depth(Side::Buy), [], "a waiting trigger is in no book");
    desk.mark(50_600);
    assert_eq!(
        story(&desk, id),
        (OrderStatus::EnteredBook, Some(UpdateReason::LimitFromStop), None),
        "it rests"
    );
    assert_eq!(desk.depth(Side::Buy), [(50_005, 100)]);
}

#[test]
fn a_relative_limit_is_fixed_from_the_trigger_price_buys_down_sells_up() {
    use DistanceUnit::{Percent, Quote};
    // side, trigger price, unit, steps, limit
    let rows = [
        (Side::Sell, 49_001, Quote, -100, 48_901),
        (Side::Buy, 50_999, Quote, 100, 51_099),
        (Side::Sell, 49_001, Percent, -12, 48_943), // 49,001 x 0.9988 = 48,942.2
        (Side::Buy, 50_999, Percent, 12, 51_060),   // 50,999 x 1.0012 = 51,060.2
    ];
    for (side, at, unit, steps, limit) in rows {
        let mut desk = Desk::open();
        let id = desk.placed(desk.alice, offset(stop(side, 100, at), unit, steps));
        assert_eq!(desk.order(id).limit_price, None, "unknown until it fires");
        desk.mark(at.into());
        assert_eq!(desk.order(id).limit_price.map(|limit| limit.0), Some(limit), "{side:?} {steps} {unit:?}");
        assert_eq!(desk.order(id).status, OrderStatus::EnteredBook);
    }
}

#[test]
fn shapes_of_triggers_are_refused_by_name() {
    use DistanceUnit::{Percent, Quote};
    let sell = || stop(Side::Sell, 100, 48_000);
    let with = |asked| PlaceOrder { limit_offset: Some(asked), ..sell() };
    let off = |unit| AskedOffset::Distance(AskedDistance { unit, steps: OnGrid::Off });
    let trail = |unit, steps| trailing(Side::Sell, 100, unit, steps);
    let rows: [(&str, PlaceOrder, OrderError); 19] = [
        ("no price", PlaceOrder { stop_price: Some(OnGrid::Steps(0)), ..sell() }, OrderError::InvalidPrice),
        ("off the tick", PlaceOrder { stop_price: Some(OnGrid::Off), ..sell() }, OrderError::InvalidPrice),
        (
            "absolute and relative",
            PlaceOrder { limit_price: Some(OnGrid::Steps(47_900)), ..offset(sell(), Quote, -100) },
            OrderError::LimitPriceAbsoluteAndRelative,
        ),
        ("abc", with(AskedOffset::BadValue), OrderError::LimitOffsetValueInvalid),
        ("TICKS", with(AskedOffset::BadUnit), OrderError::LimitOffsetUnitInvalid),
        ("a value alone", with(AskedOffset::Incomplete), OrderError::LimitOffsetIncomplete),
        ("-100.5", with(off(Quote)), OrderError::LimitOffsetOffTick),
        ("-0.125 %", with(off(Percent)), OrderError::LimitOffsetTooPrecise),
        ("50.01 %", offset(sell(), Percent, 5_001), OrderError::LimitOffsetTooHigh),
        ("-50.01 %", offset(sell(), Percent, -5_001), OrderError::LimitOffsetTooLow),
        ("24,001 above 48,000", offset(sell(), Quote, 24_001), OrderError::LimitOffsetTooHigh),
        ("24,001 below 48,000", offset(sell(), Quote, -24_001), OrderError::LimitOffsetTooLow),
        (
            "an offset without a trigger",
            offset(ask(100, 51_000), Quote, 1),
            OrderError::LimitOffsetValueInvalid,
        ),
        ("1.234 %", trail(Percent, OnGrid::Off), OrderError::TrailingStopPercentTooPrecise),
        ("100.5", trail(Quote, OnGrid::Off), OrderError::TrailingStopQuoteOffTick),
        ("50.01 %", trail(Percent, OnGrid::Steps(5_001)), OrderError::TrailingStopTooLarge),
        ("25,001 of 50,000", trail(Quote, OnGrid::Steps(25_001)), OrderError::TrailingStopTooLarge),
        ("0.09 %", trail(Percent, OnGrid::Steps(9)), OrderError::TrailingStopTooSmall),
        ("nothing", trail(Quote, OnGrid::Steps(0)), OrderError::TrailingStopTooSmall),
    ];
    for (what, order, error) in rows {
        let mut desk = Desk::open();
        let outcome = desk.place(desk.alice, order);
        assert!(matches!(outcome, Outcome::Rejected(_, refused) if refused == error), "{what}: {outcome:?}");
        assert_eq!(desk.record_of(&outcome).status, OrderStatus::Rejected, "{what}");
    }
    for edge in [trail(Percent, OnGrid::Steps(10)), trail(Percent, OnGrid::Steps(5_000))] {
        let mut desk = Desk::open();
        assert!(matches!(desk.place(desk.alice, edge), Outcome::Placed(_)));
    }
}

#[test]
fn a_trailing_stop_follows_one_way_in_whole_ticks_and_fires_when_the_mark_turns() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, bid(10_000, 49_000));
    let sell = desk.placed(desk.alice, trailing(Side::Sell, 100, DistanceUnit::Percent, OnGrid::Steps(100)));
    assert_eq!(trigger_price(&desk, sell), 49_500);
    desk.mark(51_000);
    assert_eq!(trigger_price(&desk, sell), 50_490);
    assert_eq!(desk.order(sell).reason, Some(UpdateReason::TrailingStopPriceUpdated));
    desk.mark(50_491);
    assert_eq!(trigger_price(&desk, sell), 50_490, "it never falls");
    assert_eq!(desk.order(sell).status, OrderStatus::TriggerPlaced);
    desk.mark(50_490);
    assert_eq!(desk.order(sell).status, OrderStatus::FullyExecuted);

    let mut desk = Desk::open();
    let buy = desk.placed(desk.alice, trailing(Side::Buy, 100, DistanceUnit::Quote, OnGrid::Steps(500)));
    assert_eq!(trigger_price(&desk, buy), 50_500);
    for (mark, want) in [(49_000, 49_500), (49_499, 49_500), (48_999, 49_499)] {
        desk.mark(mark);
        assert_eq!(trigger_price(&desk, buy), want, "mark {mark}");
    }
}

#[test]
fn a_trailing_buy_whose_distance_comes_to_less_than_a_tick_stays_a_tick_above_and_goes_on_following() {
    let mut desk = Desk::open();
    // 0.1% of what this contract costs is less than a tick once the mark is below 1,000.
    desk.mark(1_000);
    let id = desk.placed(desk.alice, trailing(Side::Buy, 10_000, DistanceUnit::Percent, OnGrid::Steps(10)));
    assert_eq!(trigger_price(&desk, id), 1_001);
    for mark in [999, 998, 990, 400, 399] {
        desk.mark(mark);
        assert_eq!(trigger_price(&desk, id), i64::try_from(mark).expect("small") + 1, "mark {mark}");
    }
    desk.mark(399);
    assert_eq!(desk.order(id).status, OrderStatus::TriggerPlaced);
    desk.cancel(desk.alice, id);
    desk.mark(300);
    assert_eq!(desk.order(id).reason, Some(UpdateReason::CancelledByUser), "what is closed follows nothing");
}

#[test]
fn of_several_that_one_price_reaches_the_nearest_fires_first_and_the_older_of_two_at_one_distance() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, bid(10_000, 48_000));
    let far = desk.placed(desk.alice, stop(Side::Sell, 10, 48_500));
    let near = desk.placed(desk.alice, stop(Side::Sell, 20, 49_500));
    let older = desk.placed(desk.carol, stop(Side::Sell, 30, 49_000));
    let younger = desk.placed(desk.alice, stop(Side::Sell, 40, 49_000));
    desk.mark(48_400);
    let takers: Vec<_> = desk.executions().iter().map(|execution| execution.taker.order).collect();
    assert_eq!(takers, [near, older, younger, far]);
}

#[test]
fn an_order_is_matched_to_its_end_before_the_triggers_that_its_trades_fire() {
    let mut desk = Desk::open();
    for price in [50_010, 50_020, 50_030] {
        desk.placed(desk.bob, ask(100, price));
    }
    let mut order = stop(Side::Buy, 100, 50_010);
    order.trigger =
        Some(Box::new(AskedTrigger { kind: TriggerKind::Stop, signal: Signal::Last, deviation: None }));
    let waiting = desk.placed(desk.carol, order);
    assert_eq!(desk.order(waiting).status, OrderStatus::TriggerPlaced, "there was no trade yet");
    let sweep = desk.placed(desk.alice, bid(200, 50_020));
    let takers: Vec<_> = desk.executions().iter().map(|e| (e.taker.order, e.price.0)).collect();
    assert_eq!(takers, [(sweep, 50_010), (sweep, 50_020), (waiting, 50_030)]);
}

#[test]
fn a_market_that_is_not_open_fires_nothing_until_it_is() {
    for state in [MarketState::Suspended, MarketState::PostOnly] {
        let mut desk = Desk::open();
        desk.placed(desk.bob, bid(10_000, 48_000));
        let id = desk.placed(desk.alice, stop(Side::Sell, 100, 49_000));
        let passing = desk.placed(desk.alice, stop(Side::Sell, 100, 48_600));
        desk.state(state);
        desk.mark(48_500);
        desk.mark(48_800);
        assert_eq!(desk.order(id).status, OrderStatus::TriggerPlaced, "{state:?}");
        desk.state(MarketState::Open);
        assert_eq!(
            desk.order(id).status,
            OrderStatus::FullyExecuted,
            "{state:?}: judged by the present mark"
        );
        assert_eq!(desk.order(passing).status, OrderStatus::TriggerPlaced, "{state:?}: the mark came back");
    }
}

#[test]
fn what_each_market_state_does_to_orders() {
    use MarketState::{Expired, Inactive, PostOnly, PreLaunch, Suspended};
    // state, refusal of a limit order, of a post, reason of resting orders and of triggers when it comes
    let rows = [
        (Suspended, Some(OrderError::MarketSuspended), Some(OrderError::MarketSuspended), None),
        (PostOnly, Some(OrderError::MarketIsPostOnly), None, None),
        (
            Inactive,
            Some(OrderError::MarketNotFound),
            Some(OrderError::MarketNotFound),
            Some((UpdateReason::MarketInactive, UpdateReason::MarketInactive)),
        ),
        (
            PreLaunch,
            Some(OrderError::MarketNotFound),
            Some(OrderError::MarketNotFound),
            Some((UpdateReason::MarketInactive, UpdateReason::MarketInactive)),
        ),
        (
            Expired,
            Some(OrderError::MarketNotFound),
            Some(OrderError::MarketNotFound),
            Some((UpdateReason::ContractExpired, UpdateReason::Expired)),
        ),
    ];
    for (state, limit, post, gone) in rows {
        let mut desk = Desk::open();
        let resting = desk.placed(desk.alice, bid(100, 49_000));
        let waiting = desk.placed(desk.alice, stop(Side::Sell, 100, 48_000));
        desk.state(state);
        match gone {
            None => assert_eq!(desk.order(resting).status, OrderStatus::EnteredBook, "{state:?}"),
            Some((of_resting, of_waiting)) => {
                let want = |reason| (OrderStatus::Cancelled, Some(reason), None);
                assert_eq!(story(&desk, resting), want(of_resting), "{state:?}");
                assert_eq!(story(&desk, waiting), want(of_waiting), "{state:?}");
            }
        }
        let refusal = |outcome| match outcome {
            Outcome::Rejected(_, error) => Some(error),
            _ => None,
        };
        assert_eq!(refusal(desk.place(desk.bob, bid(100, 49_000))), limit, "{state:?}");
        let as_post = PlaceOrder { order_type: OrderType::Post, ..bid(100, 49_000) };
        assert_eq!(refusal(desk.place(desk.bob, as_post)), post, "{state:?}");
    }
}

fn edit(desk: &mut Desk, id: OrderId, change: impl FnOnce(&mut EditOrder)) -> Outcome {
    let mut edit = EditOrder {
        account: desk.alice,
        order: OrderRef::Id(id),
        instrument: None,
        limit_price: None,
        stop_price: None,
        deviation: None,
        deviation_unit: None,
        qty: None,
        qty_mode: QtyMode::Relative,
        process_before: None,
    };
    change(&mut edit);
    desk.apply(&Command::Edit(edit))
}

#[test]
fn a_waiting_trigger_is_edited_in_place_and_may_fire_by_it() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, bid(10_000, 49_990));
    let id = desk.placed(desk.alice, stop(Side::Sell, 100, 49_000));
    assert_eq!(edit(&mut desk, id, |e| e.stop_price = Some(OnGrid::Steps(49_500))), Outcome::Edited(id));
    assert_eq!(trigger_price(&desk, id), 49_500);
    assert_eq!(
        edit(&mut desk, id, |e| e.stop_price = Some(OnGrid::Steps(49_500))),
        Outcome::EditRejected(Some(id), OrderError::EditHasNoEffect)
    );
    assert_eq!(edit(&mut desk, id, |e| e.qty = Some(OnGrid::Steps(50))), Outcome::Edited(id));
    assert_eq!(desk.order(id).order_type, OrderType::Market);
    assert_eq!(edit(&mut desk, id, |e| e.limit_price = Some(OnGrid::Steps(49_980))), Outcome::Edited(id));
    assert_eq!(desk.order(id).order_type, OrderType::Limit, "a stop with a limit from now on");
    assert_eq!(edit(&mut desk, id, |e| e.stop_price = Some(OnGrid::Steps(50_000))), Outcome::Edited(id));
    assert_eq!((desk.order(id).status, desk.order(id).filled.0), (OrderStatus::FullyExecuted, 50));
}

#[test]
fn a_trailing_stop_takes_a_new_distance_and_no_new_prices() {
    let deviation = |steps| AskedDeviation { percent: OnGrid::Steps(steps), quote: OnGrid::Steps(steps) };
    let mut desk = Desk::open();
    let id = desk.placed(desk.alice, trailing(Side::Sell, 100, DistanceUnit::Percent, OnGrid::Steps(100)));
    let rejected = |error| Outcome::EditRejected(Some(id), error);
    assert_eq!(
        edit(&mut desk, id, |e| e.stop_price = Some(OnGrid::Steps(48_000))),
        rejected(OrderError::CannotEditTriggerPriceOfTrailingStop)
    );
    assert_eq!(
        edit(&mut desk, id, |e| e.limit_price = Some(OnGrid::Steps(48_000))),
        rejected(OrderError::CannotEditLimitPriceOfTrailingStop)
    );
    assert_eq!(edit(&mut desk, id, |e| e.deviation = Some(deviation(200))), Outcome::Edited(id));
    assert_eq!(trigger_price(&desk, id), 49_000);
    desk.mark(50_100);
    assert_eq!(trigger_price(&desk, id), 49_098);
    desk.mark(49_900);
    // The same distance again: the trigger price is that of the present mark, even where that is lower.
    assert_eq!(edit(&mut desk, id, |e| e.deviation = Some(deviation(200))), Outcome::Edited(id));
    assert_eq!(trigger_price(&desk, id), 48_902);
}

#[test]
fn what_a_taker_makes_of_orders_of_its_own_family() {
    use SelfTradeStrategy::{CancelMakerAny, CancelMakerChild, CancelMakerSelf, RejectTaker};
    #[derive(Clone, Copy)]
    enum Pair {
        Same,
        MasterTakes,
        ChildTakes,
    }
    use Pair::{ChildTakes, MasterTakes, Same};
    // strategy, who meets whom, whether the maker is cancelled and the taker goes on
    let rows = [
        (RejectTaker, Same, false),
        (RejectTaker, MasterTakes, false),
        (CancelMakerSelf, Same, true),
        (CancelMakerSelf, MasterTakes, false),
        (CancelMakerSelf, ChildTakes, false),
        (CancelMakerChild, Same, true),
        (CancelMakerChild, MasterTakes, true),
        (CancelMakerChild, ChildTakes, false),
        (CancelMakerAny, Same, true),
        (CancelMakerAny, MasterTakes, true),
        (CancelMakerAny, ChildTakes, true),
    ];
    for (at, (strategy, pair, goes_on)) in rows.into_iter().enumerate() {
        let mut desk = Desk::open();
        let (taker, maker): (AccountId, AccountId) = match pair {
            Same => (desk.alice, desk.alice),
            MasterTakes => (desk.alice, desk.alice_sub),
            ChildTakes => (desk.alice_sub, desk.alice),
        };
        desk.apply(&Command::SetSelfTrade { account: desk.alice, strategy });
        let own = desk.placed(maker, ask(100, 50_005));
        let other = desk.placed(desk.bob, ask(100, 50_010));
        let outcome = desk.place(taker, bid(100, 50_010));
        let case = format!("row {at}, {strategy:?}");
        if goes_on {
            assert_eq!(desk.record_of(&outcome).status, OrderStatus::FullyExecuted, "{case}");
            let want = (OrderStatus::Cancelled, Some(UpdateReason::WouldExecuteSelf), None);
            assert_eq!(story(&desk, own), want, "{case}");
            assert_eq!(desk.executions()[0].maker.order, other, "{case}");
        } else {
            assert!(
                matches!(outcome, Outcome::Rejected(_, OrderError::WouldExecuteSelf)),
                "{case}: {outcome:?}"
            );
            assert_eq!(desk.order(own).status, OrderStatus::EnteredBook, "{case}: nothing happened");
        }
    }
}

#[test]
fn a_book_of_own_orders_is_swept_by_who_cancels_makers() {
    let sweep = |order_type| {
        let mut desk = Desk::open();
        let strategy = SelfTradeStrategy::CancelMakerSelf;
        desk.apply(&Command::SetSelfTrade { account: desk.alice, strategy });
        let own = desk.placed(desk.alice, ask(100, 50_005));
        let beyond = desk.placed(desk.alice, ask(100, 50_020));
        let outcome = desk.place(desk.alice, PlaceOrder { order_type, ..bid(100, 50_010) });
        let kept = desk.order(own).status;
        (desk.record_of(&outcome), kept, desk.order(beyond).status)
    };
    use OrderStatus::{Cancelled, EnteredBook, Rejected};
    let (limit, reached, beyond) = sweep(OrderType::Limit);
    assert_eq!((limit.status, reached, beyond), (EnteredBook, Cancelled, EnteredBook), "it rests");
    let (ioc, reached, _) = sweep(OrderType::ImmediateOrCancel);
    assert_eq!((ioc.status, ioc.error), (Rejected, Some(OrderError::IocWouldNotExecute)));
    assert_eq!(reached, Cancelled, "the makers it reached stay cancelled");
    let (fok, kept, _) = sweep(OrderType::FillOrKill);
    assert_eq!((fok.error, kept), (Some(OrderError::IocWouldNotExecute), EnteredBook), "no maker is touched");
    let (post, kept, _) = sweep(OrderType::Post);
    assert_eq!((post.error, kept), (Some(OrderError::PostWouldExecute), EnteredBook));
}

#[test]
fn the_dead_mans_switch_takes_everything_once() {
    let mut desk = Desk::open();
    let account = desk.alice;
    let arm =
        |desk: &mut Desk, timeout_seconds| desk.apply(&Command::CancelAllAfter { account, timeout_seconds });
    let resting = desk.placed(desk.alice, bid(100, 49_000));
    let waiting = desk.placed(desk.alice, stop(Side::Sell, 100, 48_000));
    let other = desk.placed(desk.bob, bid(100, 48_900));
    assert!(matches!(arm(&mut desk, 1), Outcome::Armed(Some(_))));
    assert!(matches!(arm(&mut desk, 10), Outcome::Armed(Some(_))), "each call replaces it");
    desk.wait(9_999_999);
    assert_eq!(desk.order(resting).status, OrderStatus::EnteredBook);
    desk.wait(1);
    let want = (OrderStatus::Cancelled, Some(UpdateReason::DeadManSwitch), None);
    assert_eq!((story(&desk, resting), story(&desk, waiting)), (want, want));
    assert_eq!(desk.order(other).status, OrderStatus::EnteredBook, "nobody else's");
    let later = desk.placed(desk.alice, bid(100, 49_000));
    desk.wait(60_000_000);
    assert_eq!(desk.order(later).status, OrderStatus::EnteredBook, "it fires once");
    arm(&mut desk, 5);
    assert_eq!(arm(&mut desk, 0), Outcome::Armed(None));
    desk.wait(60_000_000);
    assert_eq!(desk.order(later).status, OrderStatus::EnteredBook, "disarmed");
}

#[test]
fn a_replaced_trailing_stop_lives_on_under_a_new_number_and_its_own_name() {
    let mut desk = Desk::open();
    let mut order = trailing(Side::Sell, 100, DistanceUnit::Percent, OnGrid::Steps(100));
    order.client_order_id = Some(loligo_engine::ClientOrderId::Valid("trail".into()));
    let old = desk.placed(desk.alice, order);
    let Outcome::Replaced(new) = desk.apply(&Command::ReplaceTrailingStop { order: old }) else {
        panic!("it is one");
    };
    assert_eq!(
        story(&desk, old),
        (OrderStatus::Cancelled, Some(UpdateReason::TrailingStopReplacedByAdmin), None)
    );
    assert_eq!(story(&desk, new), (OrderStatus::TriggerPlaced, Some(UpdateReason::NewUserOrder), None));
    let cancel =
        CancelOrder { account: desk.alice, order: OrderRef::Client("trail".into()), process_before: None };
    assert_eq!(desk.apply(&Command::Cancel(cancel)), Outcome::Cancelled(new), "the name is the new one's");
}

#[test]
fn a_pinned_index_reaches_the_triggers_that_watch_it() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, bid(10_000, 49_990));
    let mut order = stop(Side::Sell, 100, 49_900);
    order.trigger =
        Some(Box::new(AskedTrigger { kind: TriggerKind::Stop, signal: Signal::Index, deviation: None }));
    let id = desk.placed(desk.alice, order);
    let price = Some(loligo_engine::FinePrice(49_900 * 10_i128.pow(18)));
    desk.apply(&Command::PinIndex { pair: PairId(0), price });
    assert_eq!(desk.order(id).status, OrderStatus::FullyExecuted);
    let fired = desk.events().iter().filter(|event| matches!(event, Event::Fired { .. })).count();
    assert_eq!(fired, 1, "once");
    let _: InstrumentId = desk.order(id).instrument;
}
