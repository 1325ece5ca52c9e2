//! Trading rules as transcripts. Each test opens an exchange of its own, pins prices, and writes down what traders do
//! and what must come of it.

mod fixture;

use fixture::{Desk, ask, bid, reduce_only, stop};
use loligo_engine::{
    AccountId, ClientOrderId, CodecError, Command, CreateAccount, Exchange, FillRole, InstrumentId,
    InstrumentSpec, LimitsChange, OnGrid, OrderError, OrderStatus, OrderType, Outcome, PlaceOrder, Price,
    QtyMode, Refusal, Side, Timestamp, UpdateReason,
};

/// Alice and Bob have 100,000 USD each. PF_XBTUSD: tick 1, lot 0.0001; sizes below are lots, prices ticks.
#[test]
fn an_order_at_a_better_price_goes_first_and_at_one_price_the_older() {
    let mut desk = Desk::open();
    let far = desk.placed(desk.alice, ask(100, 50_020));
    let first = desk.placed(desk.alice, ask(100, 50_010));
    let second = desk.placed(desk.carol, ask(100, 50_010));
    desk.placed(desk.bob, bid(250, 50_020));
    let makers: Vec<_> = desk.executions().iter().map(|e| (e.maker.order, e.price.0, e.qty.0)).collect();
    assert_eq!(makers, [(first, 50_010, 100), (second, 50_010, 100), (far, 50_020, 50)]);
    assert_eq!(desk.depth(Side::Sell), [(50_020, 50)]);
    assert_eq!(desk.depth(Side::Buy), []);
}

#[test]
fn what_each_order_type_does_with_one_ask_of_100_at_50_010() {
    use OrderType::{FillOrKill, ImmediateOrCancel, Limit, Market, Post};
    // type, side-of-taker buy: size, limit => outcome, status, reason, filled, resting bid
    type Row = (OrderType, i64, i64, Option<OrderError>, OrderStatus, UpdateReason, i64, Option<(i64, i64)>);
    let rows: [Row; 13] = [
        (Limit, 50, 50_010, None, OrderStatus::FullyExecuted, UpdateReason::FullFill, 50, None),
        (
            Limit,
            150,
            50_010,
            None,
            OrderStatus::EnteredBook,
            UpdateReason::PartialFill,
            100,
            Some((50_010, 50)),
        ),
        (
            Limit,
            50,
            50_009,
            None,
            OrderStatus::EnteredBook,
            UpdateReason::NewUserOrder,
            0,
            Some((50_009, 50)),
        ),
        (Post, 50, 50_009, None, OrderStatus::EnteredBook, UpdateReason::NewUserOrder, 0, Some((50_009, 50))),
        (
            Post,
            50,
            50_010,
            Some(OrderError::PostWouldExecute),
            OrderStatus::Rejected,
            UpdateReason::PostWouldExecute,
            0,
            None,
        ),
        (ImmediateOrCancel, 100, 50_011, None, OrderStatus::FullyExecuted, UpdateReason::FullFill, 100, None),
        (ImmediateOrCancel, 150, 50_010, None, OrderStatus::Cancelled, UpdateReason::PartialFill, 100, None),
        (
            ImmediateOrCancel,
            50,
            50_009,
            Some(OrderError::IocWouldNotExecute),
            OrderStatus::Rejected,
            UpdateReason::IocWouldNotExecute,
            0,
            None,
        ),
        (FillOrKill, 100, 50_010, None, OrderStatus::FullyExecuted, UpdateReason::FullFill, 100, None),
        (
            FillOrKill,
            101,
            50_010,
            Some(OrderError::IocWouldNotExecute),
            OrderStatus::Rejected,
            UpdateReason::IocWouldNotExecute,
            0,
            None,
        ),
        (
            FillOrKill,
            1,
            50_009,
            Some(OrderError::IocWouldNotExecute),
            OrderStatus::Rejected,
            UpdateReason::IocWouldNotExecute,
            0,
            None,
        ),
        (Market, 100, 0, None, OrderStatus::FullyExecuted, UpdateReason::FullFill, 100, None),
        (Market, 150, 0, None, OrderStatus::Cancelled, UpdateReason::PartialFill, 100, None),
    ];
    for (order_type, qty, limit, error, status, reason, filled, resting) in rows {
        let mut desk = Desk::open();
        desk.placed(desk.alice, ask(100, 50_010));
        let mut order = bid(qty, limit);
        order.order_type = order_type;
        let outcome = desk.place(desk.bob, order);
        let case = format!("{order_type:?} buy {qty} @ {limit}");
        let record = desk.record_of(&outcome);
        assert_eq!(record.error, error, "{case}");
        assert_eq!((record.status, record.reason), (status, Some(reason)), "{case}");
        assert_eq!(record.filled.0, filled, "{case}");
        assert_eq!(desk.depth(Side::Buy).first().copied(), resting, "{case}");
    }
}

#[test]
fn a_market_order_is_protected_at_one_per_cent_from_the_touch() {
    let mut desk = Desk::open();
    desk.placed(desk.alice, ask(100, 50_000));
    desk.placed(desk.alice, ask(100, 50_500));
    desk.placed(desk.alice, ask(100, 50_501));
    let mut order = bid(300, 0);
    order.order_type = OrderType::Market;
    let outcome = desk.place(desk.bob, order);
    let record = desk.record_of(&outcome);
    assert_eq!(record.limit_price.map(|p| p.0), Some(50_500), "50,000 x 1.01");
    assert_eq!((record.filled.0, record.status), (200, OrderStatus::Cancelled));
    let mut order = ask(1, 0);
    order.order_type = OrderType::Market;
    let outcome = desk.place(desk.bob, order);
    assert!(
        matches!(outcome, Outcome::Rejected(_, OrderError::IocWouldNotExecute)),
        "no bids at all: {outcome:?}"
    );
}

#[test]
fn what_is_wrong_twice_is_refused_for_the_first_check() {
    type Change = fn(&mut loligo_engine::PlaceOrder);
    let rows: [(&str, Change, OrderError); 9] = [
        (
            "a stop price before a bad price",
            |o| {
                o.stop_price = Some(OnGrid::Steps(1));
                o.limit_price = Some(OnGrid::Off)
            },
            OrderError::OrderCannotHaveTriggerPrice,
        ),
        (
            "price before size",
            |o| {
                o.limit_price = Some(OnGrid::Steps(0));
                o.qty = OnGrid::Steps(0)
            },
            OrderError::InvalidPrice,
        ),
        ("price off tick", |o| o.limit_price = Some(OnGrid::Off), OrderError::InvalidPrice),
        ("negative price", |o| o.limit_price = Some(OnGrid::Steps(-1)), OrderError::InvalidPrice),
        (
            "price beyond 10^9 ticks",
            |o| o.limit_price = Some(OnGrid::Steps(1_000_000_001)),
            OrderError::InvalidPrice,
        ),
        (
            "size before client id",
            |o| {
                o.qty = OnGrid::Off;
                o.client_order_id = Some(ClientOrderId::TooLong)
            },
            OrderError::InvalidQuantity,
        ),
        ("value above 20 million USD", |o| o.qty = OnGrid::Steps(4_090_000), OrderError::InvalidQuantity),
        (
            "client id before reduce-only",
            |o| {
                o.client_order_id = Some(ClientOrderId::Invalid);
                o.reduce_only = true
            },
            OrderError::ClientOrderIdInvalid,
        ),
        (
            "reduce-only before margin",
            |o| {
                o.reduce_only = true;
                o.qty = OnGrid::Steps(4_000_000)
            },
            OrderError::WouldNotReducePosition,
        ),
    ];
    for (case, change, error) in rows {
        let mut desk = Desk::open();
        let mut order = bid(1_000, 49_000);
        change(&mut order);
        let outcome = desk.place(desk.alice, order);
        assert!(matches!(outcome, Outcome::Rejected(_, refused) if refused == error), "{case}: {outcome:?}");
        assert_eq!(desk.depth(Side::Buy), [], "{case}");
    }
}

#[test]
fn fees_and_realised_profit_are_exact() {
    let mut desk = Desk::open();
    let before = (desk.balance(desk.alice), desk.balance(desk.bob));
    desk.placed(desk.alice, ask(10_000, 50_010));
    desk.placed(desk.bob, bid(10_000, 50_010));
    let fills = desk.executions();
    // 1 BTC at 50,010: taker 0.05% = 25.005, maker 0.02% = 10.002.
    assert_eq!((fills[0].taker.fee.0, fills[0].maker.fee.0), (2_500_500_000_000, 1_000_200_000_000));
    assert_eq!((fills[0].taker.role, fills[0].maker.role), (FillRole::Taker, FillRole::Maker));
    assert_eq!(before.0 - desk.balance(desk.alice), 1_000_200_000_000);
    desk.placed(desk.carol, bid(4_000, 50_110));
    desk.placed(desk.bob, ask(4_000, 50_110));
    let sold = desk.executions().last().cloned().expect("bob sold to carol");
    // 0.4 BTC bought at 50,010 and sold at 50,110: 40 USD.
    assert_eq!(sold.taker.realized_pnl.0, 4_000_000_000_000);
    assert_eq!(desk.position(desk.bob), 6_000);
    desk.exchange.audit().expect("money is conserved");
}

#[test]
fn an_inverse_position_settles_in_base_and_averages_harmonically() {
    let mut desk = Desk::open();
    desk.inverse();
    desk.placed(desk.alice, ask(100, 2 * 8_000));
    desk.placed(desk.alice, ask(200, 2 * 10_000));
    desk.placed(desk.bob, bid(300, 2 * 10_000));
    let position = desk.exchange.positions(desk.bob)[0];
    // 300 / (100/8000 + 200/10000) = 9230.769230769230769...
    assert_eq!(position.average_price.0, 9_230_769_230_769_230_769_231);
    desk.placed(desk.carol, bid(300, 2 * 12_000));
    desk.placed(desk.bob, ask(300, 2 * 12_000));
    let sold = desk.executions().last().cloned().expect("bob sold to carol");
    // 0.0125 + 0.02 - 300/12000 = 0.0075 BTC.
    assert_eq!(sold.taker.realized_pnl.0, 750_000_000);
    desk.exchange.audit().expect("money is conserved");
}

#[test]
fn a_taker_of_the_same_family_is_refused_before_and_after_a_fill() {
    for own in ["alice", "her subaccount"] {
        let mut desk = Desk::open();
        let maker = if own == "alice" { desk.alice } else { desk.alice_sub };
        desk.placed(maker, ask(100, 50_020));
        let outcome = desk.place(desk.alice, bid(100, 50_020));
        assert!(matches!(outcome, Outcome::Rejected(_, OrderError::WouldExecuteSelf)), "{own}: {outcome:?}");
        desk.placed(desk.bob, ask(100, 50_010));
        let outcome = desk.place(desk.alice, bid(150, 50_020));
        let record = desk.record_of(&outcome);
        assert_eq!(record.status, OrderStatus::Cancelled, "{own}");
        assert_eq!(record.reason, Some(UpdateReason::WouldExecuteSelf));
        assert_eq!((record.error, record.filled.0), (Some(OrderError::RejectedAfterExecution), 100));
    }
}

#[test]
fn reduce_only_orders_are_cut_to_the_position_and_go_with_it() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(1_000, 50_010));
    desk.placed(desk.alice, bid(1_000, 50_010));
    let reduce = |mut order: loligo_engine::PlaceOrder| {
        order.reduce_only = true;
        order
    };
    let near = desk.placed(desk.alice, reduce(ask(600, 51_000)));
    let far = desk.placed(desk.alice, reduce(ask(900, 52_000)));
    assert_eq!(desk.order(far).qty.map(|q| q.0), Some(400), "cut behind the more aggressive one");
    let outcome = desk.place(desk.alice, reduce(ask(1, 53_000)));
    assert!(
        matches!(outcome, Outcome::Rejected(_, OrderError::WouldNotReducePosition)),
        "nothing would be left of it"
    );
    desk.placed(desk.carol, bid(500, 50_500));
    desk.placed(desk.alice, ask(500, 50_500));
    assert_eq!(desk.order(near).qty.map(|q| q.0), Some(500), "position 500: the nearer one keeps all of it");
    let gone = desk.order(far);
    assert_eq!(
        (gone.status, gone.reason),
        (OrderStatus::Cancelled, Some(UpdateReason::WouldNotReducePosition))
    );
    desk.placed(desk.carol, bid(700, 50_600));
    desk.placed(desk.alice, ask(700, 50_600));
    assert_eq!(desk.position(desk.alice), -200);
    assert_eq!(desk.order(near).status, OrderStatus::Cancelled, "the position flipped");
    desk.exchange.audit().expect("reduce-only never grows a position");
}

#[test]
fn margin_at_the_limit_decides() {
    let mut desk = Desk::open();
    // 100,000 USD at 1%: 200 BTC at 49,000 need 98,000 and a fee of 4,900.
    let outcome = desk.place(desk.alice, bid(2_000_000, 49_000));
    assert!(matches!(outcome, Outcome::Rejected(_, OrderError::InsufficientMargin)), "{outcome:?}");
    // 194 BTC: 95,060 + 4,753 = 99,813.
    desk.placed(desk.alice, bid(1_940_000, 49_000));
    // A sell of the same size adds nothing: only the larger side is margined.
    desk.placed(desk.alice, ask(1_900_000, 50_000));
    let outcome = desk.place(desk.alice, bid(100_000, 49_000));
    assert!(matches!(outcome, Outcome::Rejected(_, OrderError::InsufficientMargin)), "{outcome:?}");
    desk.exchange.audit().expect("sums agree");
}

#[test]
fn an_edit_keeps_its_place_only_by_shrinking_at_its_price() {
    type Row = (Option<i64>, Option<i64>, QtyMode, Result<(i64, i64, bool), OrderError>);
    // The order: buy 100 @ 49,000, 40 of it filled; another buy of 10 stands behind it at 49,000.
    let rows: [Row; 10] = [
        (None, Some(50), QtyMode::Relative, Ok((49_000, 90, true))),
        (None, Some(50), QtyMode::Absolute, Ok((49_000, 50, true))),
        (None, Some(70), QtyMode::Relative, Ok((49_000, 110, false))),
        (None, Some(120), QtyMode::Absolute, Ok((49_000, 120, false))),
        (Some(48_999), None, QtyMode::Relative, Ok((48_999, 100, false))),
        (Some(49_000), Some(60), QtyMode::Relative, Err(OrderError::EditHasNoEffect)),
        (None, Some(40), QtyMode::Absolute, Err(OrderError::InvalidQuantity)),
        (None, Some(0), QtyMode::Relative, Err(OrderError::InvalidQuantity)),
        (Some(0), None, QtyMode::Relative, Err(OrderError::InvalidPrice)),
        (None, Some(4_000_000), QtyMode::Relative, Err(OrderError::InsufficientMargin)),
    ];
    for (limit, qty, mode, want) in rows {
        let case = format!("limit {limit:?} size {qty:?} {mode:?}");
        let mut desk = Desk::open();
        let edited = desk.placed(desk.alice, bid(100, 49_000));
        let behind = desk.placed(desk.carol, bid(10, 49_000));
        desk.placed(desk.bob, ask(40, 49_000));
        let before = desk.order(edited);
        let outcome = desk.edit(desk.alice, edited, limit, qty, mode);
        match want {
            Err(error) => {
                assert_eq!(outcome, Outcome::EditRejected(Some(edited), error), "{case}");
                let after = desk.order(edited);
                assert_eq!(
                    (after.limit_price, after.qty, after.error),
                    (before.limit_price, before.qty, Some(error)),
                    "{case}"
                );
            }
            Ok((limit, qty, first)) => {
                assert_eq!(outcome, Outcome::Edited(edited), "{case}");
                let after = desk.order(edited);
                assert_eq!(
                    (after.limit_price.map(|p| p.0), after.qty.map(|q| q.0)),
                    (Some(limit), Some(qty)),
                    "{case}"
                );
                assert_eq!(
                    (after.filled.0, after.reason, after.error),
                    (40, Some(UpdateReason::EditedByUser), None),
                    "{case}"
                );
                desk.placed(desk.bob, ask(1, 48_999));
                let hit = desk.executions().last().map(|e| e.maker.order);
                assert_eq!(hit, Some(if first { edited } else { behind }), "{case}");
            }
        }
        desk.exchange.audit().expect("sums agree");
    }
}

#[test]
fn an_edit_may_take_a_post_may_not_and_none_may_meet_its_own() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(100, 50_010));
    let mut post = bid(50, 49_000);
    post.order_type = OrderType::Post;
    let post = desk.placed(desk.alice, post);
    let refused = desk.edit(desk.alice, post, Some(50_010), None, QtyMode::Relative);
    assert_eq!(refused, Outcome::EditRejected(Some(post), OrderError::PostWouldExecute));
    assert_eq!(desk.order(post).limit_price.map(|p| p.0), Some(49_000));
    let limit = desk.placed(desk.alice, bid(150, 49_000));
    desk.edit(desk.alice, limit, Some(50_010), None, QtyMode::Relative);
    let taken = desk.executions().last().cloned().expect("the edit takes");
    assert_eq!((taken.taker.order, taken.taker.role, taken.qty.0), (limit, FillRole::TakerAfterEdit, 100));
    assert_eq!(desk.order(limit).reason, Some(UpdateReason::PartialFill));
    desk.placed(desk.alice, ask(10, 50_100));
    let own = desk.edit(desk.alice, limit, Some(50_100), None, QtyMode::Relative);
    assert_eq!(own, Outcome::EditRejected(Some(limit), OrderError::WouldExecuteSelf));
}

#[test]
fn a_client_order_id_is_taken_until_five_seconds_after_the_order_closed() {
    let mut desk = Desk::open();
    let named = |qty| {
        let mut order = bid(qty, 49_000);
        order.client_order_id = Some(ClientOrderId::Valid("mine".into()));
        order
    };
    let order = desk.placed(desk.alice, named(100));
    let again = desk.place(desk.alice, named(200));
    assert!(matches!(again, Outcome::Rejected(_, OrderError::ClientOrderIdInUse)), "{again:?}");
    desk.placed(desk.bob, named(100));
    desk.cancel(desk.alice, order);
    desk.wait(4_999_999);
    assert!(matches!(
        desk.place(desk.alice, named(100)),
        Outcome::Rejected(_, OrderError::ClientOrderIdInUse)
    ));
    assert!(desk.exchange.order(order).is_some(), "remembered for five seconds");
    desk.wait(1);
    assert_eq!(desk.exchange.order(order), None, "forgotten at five seconds");
    desk.placed(desk.alice, named(100));
}

#[test]
fn a_cancel_says_what_became_of_the_order() {
    let mut desk = Desk::open();
    let open = desk.placed(desk.alice, bid(100, 49_000));
    assert_eq!(desk.cancel(desk.bob, open), Outcome::CancelNotFound(None), "not his");
    assert_eq!(desk.cancel(desk.alice, open), Outcome::Cancelled(open));
    assert_eq!(desk.order(open).reason, Some(UpdateReason::CancelledByUser));
    assert_eq!(desk.cancel(desk.alice, open), Outcome::CancelNotFound(Some(open)));
    assert_eq!(desk.order(open).error, Some(OrderError::OrderForCancellationNotFound));
    let filled = desk.placed(desk.alice, bid(100, 49_000));
    desk.placed(desk.bob, ask(100, 49_000));
    assert_eq!(desk.cancel(desk.alice, filled), Outcome::AlreadyFilled(filled));
    assert_eq!(desk.order(filled).error, None, "a cancel answered filled sets nothing");
    let late = desk.edit(desk.alice, filled, Some(48_000), None, QtyMode::Relative);
    assert_eq!(late, Outcome::EditRejected(Some(filled), OrderError::OrderForEditNotFound));
    let record = desk.order(filled);
    assert_eq!(
        (record.status, record.reason),
        (OrderStatus::FullyExecuted, Some(UpdateReason::OrderForEditNotFound))
    );
}

#[test]
fn limits_on_open_orders_hold_per_account_and_contract() {
    let mut desk = Desk::open();
    for _ in 0..50 {
        desk.placed(desk.alice, bid(1, 49_000));
    }
    let small = desk.place(desk.alice, bid(1, 49_000));
    assert!(matches!(small, Outcome::Rejected(_, OrderError::SmallOrderLimitExceeded)), "{small:?}");
    for _ in 50..500 {
        desk.placed(desk.alice, bid(10, 49_000));
    }
    let one_more = desk.place(desk.alice, bid(10, 49_000));
    assert!(matches!(one_more, Outcome::Rejected(_, OrderError::OrderLimitExceeded)), "{one_more:?}");
    let outcome = desk.apply(&Command::CancelAll { account: desk.alice, instrument: None });
    assert_eq!(outcome, Outcome::CancelledAll(500));
    desk.placed(desk.alice, bid(1, 49_000));
}

#[test]
fn an_order_may_not_trade_far_from_mark_nor_grow_a_position_beyond_its_limit() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(100, 60_001));
    let far = desk.place(desk.alice, bid(10, 60_001));
    assert!(matches!(far, Outcome::Rejected(_, OrderError::PriceCollar)), "above 50,000 x 1.2: {far:?}");
    desk.placed(desk.alice, bid(10, 60_000));
    let big = desk.place(desk.alice, bid(12_000_001, 100));
    assert!(matches!(big, Outcome::Rejected(_, OrderError::MaxPositionExceeded)), "{big:?}");
}

#[test]
fn an_order_too_late_does_nothing() {
    let mut desk = Desk::open();
    let mut order = bid(100, 49_000);
    order.process_before = Some(desk.exchange.now());
    assert_eq!(desk.place(desk.alice, order.clone()), Outcome::TooLate);
    order.process_before = Some(Timestamp(desk.exchange.now().0 + 1));
    assert!(matches!(desk.place(desk.alice, order), Outcome::Placed(_)));
}

#[test]
fn an_index_that_stops_coming_suspends_its_markets() {
    let mut desk = Desk::open();
    desk.apply(&Command::PinIndex { pair: loligo_engine::PairId(0), price: None });
    desk.publish(50_000);
    desk.wait(10_000_000);
    desk.placed(desk.alice, bid(100, 49_000));
    desk.wait(1);
    let outcome = desk.place(desk.alice, bid(100, 49_000));
    assert!(matches!(outcome, Outcome::Rejected(_, OrderError::MarketSuspended)), "{outcome:?}");
    desk.publish(50_000);
    desk.placed(desk.alice, bid(100, 49_000));
}

#[test]
fn a_stored_state_goes_on_like_the_one_it_was_taken_from() {
    let mut desk = Desk::open();
    desk.placed(desk.alice, ask(100, 50_010));
    desk.placed(desk.bob, bid(60, 50_010));
    let mut copy = loligo_engine::Exchange::decode(&desk.exchange.encode()).expect("a state just stored");
    assert_eq!(copy.state_hash(), desk.exchange.state_hash());
    let mut order = bid(70, 50_010);
    order.account = desk.carol;
    let command = Command::Place(order);
    let at = Timestamp(desk.exchange.now().0 + 1_000);
    let (mut one, mut two) = (Vec::new(), Vec::new());
    assert_eq!(copy.apply(at, &command, &mut one), desk.exchange.apply(at, &command, &mut two));
    assert_eq!(one, two);
    assert_eq!(copy.state_hash(), desk.exchange.state_hash());
}

#[test]
fn an_edit_that_would_meet_an_own_order_behind_others_is_refused_whole() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(100, 50_010));
    desk.placed(desk.alice, ask(100, 50_020));
    let buy = desk.placed(desk.alice, bid(150, 49_000));
    let refused = desk.edit(desk.alice, buy, Some(50_020), None, QtyMode::Relative);
    assert_eq!(refused, Outcome::EditRejected(Some(buy), OrderError::WouldExecuteSelf));
    assert_eq!((desk.order(buy).filled.0, desk.executions().len()), (0, 0));
    let small_enough = desk.edit(desk.alice, buy, Some(50_020), Some(100), QtyMode::Relative);
    assert_eq!(small_enough, Outcome::Edited(buy), "it is filled before it meets its own");
}

#[test]
fn fill_or_kill_counts_a_reduce_only_maker_for_what_it_will_still_have() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(100, 50_000));
    desk.placed(desk.alice, bid(100, 50_000));
    desk.placed(desk.alice, ask(60, 50_010));
    let mut reduce = ask(100, 50_020);
    reduce.reduce_only = true;
    desk.placed(desk.alice, reduce);
    // After alice sold 60 her position is 40, so her reduce-only ask offers 40: 100 in all, not 160.
    let mut order = bid(101, 50_020);
    order.order_type = OrderType::FillOrKill;
    let outcome = desk.place(desk.carol, order.clone());
    assert!(matches!(outcome, Outcome::Rejected(_, OrderError::IocWouldNotExecute)), "{outcome:?}");
    order.qty = OnGrid::Steps(100);
    let outcome = desk.place(desk.carol, order);
    assert_eq!(desk.record_of(&outcome).status, OrderStatus::FullyExecuted);
}

#[test]
fn an_exchange_read_back_from_its_stored_form_goes_on_as_if_it_had_never_been_away() {
    let mut desk = Desk::open();
    for (lots, price) in [(30, 49_000), (20, 49_990), (10, 49_990), (40, 48_000)] {
        desk.placed(desk.alice, bid(lots, price));
        desk.placed(desk.carol, ask(lots, 100_000 - price));
    }
    let gone = desk.placed(desk.carol, ask(5, 50_005));
    desk.cancel(desk.carol, gone);
    let stored = desk.exchange.encode();
    let mut again = Exchange::decode(&stored).expect("what was just written");
    again.audit().expect("a state that was in order");
    assert_eq!(again.encode(), stored);

    let sweep = Command::Place(PlaceOrder { account: desk.bob, ..ask(65, 48_000) });
    let now = desk.exchange.now();
    let (mut events, mut events_again) = (Vec::new(), Vec::new());
    let outcome = desk.exchange.apply(now, &sweep, &mut events);
    assert_eq!(again.apply(now, &sweep, &mut events_again), outcome);
    assert_eq!(events_again, events);
    assert_eq!(again.encode(), desk.exchange.encode());
    assert_eq!(desk.depth(Side::Buy), [(48_000, 35)]);
}

#[test]
fn a_subaccount_is_of_the_house_exactly_when_its_master_is() {
    let mut desk = Desk::open();
    let sub = |house| Command::CreateAccount(CreateAccount { parent: Some(AccountId(1)), house });
    assert_eq!(desk.apply(&sub(true)), Outcome::Refused(Refusal::MixedFamily));
    assert_eq!(desk.apply(&sub(false)), Outcome::AccountCreated(AccountId(4)));
}

#[test]
fn what_is_kept_of_closed_orders_is_bounded_though_the_clock_stands_still() {
    let mut desk = Desk::open();
    let now = desk.exchange.now();
    let close = |exchange: &mut Exchange, account| {
        // No price: refused, and remembered.
        let order = Command::Place(PlaceOrder { account, ..bid(1, 0) });
        match exchange.apply(now, &order, &mut Vec::new()) {
            Outcome::Rejected(id, OrderError::InvalidPrice) => id,
            other => panic!("{other:?}"),
        }
    };
    // Bob's stays in front of the two that always have too many.
    let first = close(&mut desk.exchange, desk.bob);
    let (mut ids, mut size) = (vec![], 0);
    for round in 0..50_000 {
        ids.push([desk.alice, desk.carol].map(|account| close(&mut desk.exchange, account)));
        if round == 25_000 {
            size = desk.exchange.encode().len();
        }
    }
    desk.exchange.audit().expect("a queue within its bound");
    assert!(desk.exchange.encode().len() < size * 3 / 2, "it has grown from {size}");
    let known = |id| desk.exchange.order(id).is_some();
    let (forgotten, kept) = ids.split_at(40_000);
    assert!(known(first) && kept.iter().flatten().all(|id| known(*id)), "the youngest 10,000 of each");
    assert!(!forgotten.iter().flatten().any(|id| known(*id)));
    desk.wait(5_000_000);
    assert!(desk.exchange.order(ids[49_999][1]).is_none());
}

#[test]
fn a_market_order_implies_no_price_beyond_the_greatest() {
    let mut desk = Desk::open();
    // Ticks of 0.0001: the greatest price is 100,000.
    let spec = desk.exchange.instrument(InstrumentId(0)).expect("the first").spec().clone();
    let spec = InstrumentSpec { symbol: "PF_FINEUSD".into(), tick_scale: 4, ..spec };
    let Outcome::Listed(fine) = desk.apply(&Command::List(Box::new(spec))) else { panic!("not listed") };
    desk.second_again(fine);
    desk.mark(100_000);
    let greatest = 1_000_000_000;
    desk.placed(desk.bob, ask(10, greatest));
    let size = desk.exchange.max_order_size(desk.alice, fine, None).expect("a linear contract");
    assert_eq!(size.buy_price, Some(Price(greatest)));
    assert!(size.buy.0 >= 10);
    let mut order = bid(10, 1);
    order.order_type = OrderType::Market;
    let order = desk.placed(desk.alice, order);
    assert_eq!((desk.order(order).limit_price, desk.position(desk.alice)), (Some(Price(greatest)), 10));
}

#[test]
fn an_edit_that_is_cut_back_to_what_the_order_is_changes_nothing() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(100, 50_000));
    desk.placed(desk.alice, bid(100, 50_000));
    let order = desk.placed(desk.alice, reduce_only(ask(100, 51_000)));
    desk.placed(desk.carol, ask(100, 51_000));
    let edited = desk.edit(desk.alice, order, None, Some(150), QtyMode::Relative);
    assert_eq!(edited, Outcome::EditRejected(Some(order), OrderError::EditHasNoEffect));
    assert_eq!(desk.order(order).reason, Some(UpdateReason::NewUserOrder));
    desk.placed(desk.bob, bid(50, 51_000));
    assert_eq!(desk.position(desk.alice), 50, "it is still first at its price");
}

#[test]
fn a_damaged_state_is_refused_and_never_a_panic() {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(100, 50_010));
    desk.placed(desk.alice, bid(40, 50_010));
    desk.placed(desk.alice, bid(10, 49_000));
    desk.placed(desk.alice, stop(ask(40, 1), 40_000));
    let stored = desk.exchange.encode();
    let (mut refused, mut read) = (0, 0);
    for at in 1..stored.len() {
        for byte in [0, 1, 5, 0x7f] {
            let mut damaged = stored.clone();
            damaged[at] = byte;
            match Exchange::decode(&damaged) {
                Ok(_) => read += 1,
                Err(CodecError::Damaged { .. }) => refused += 1,
                Err(error) => panic!("byte {at}: {error}"),
            }
        }
    }
    // Figures may be anything; what points at something may not.
    assert!(refused > 100 && read > 100, "{refused} refused, {read} read");
}

#[test]
fn a_change_of_limits_that_changes_nothing_leaves_nothing_behind() {
    let mut desk = Desk::open();
    let before = desk.exchange.state_hash();
    let (account, instrument) = (Some(desk.alice), Some(InstrumentId(0)));
    for (account, instrument) in [(None, None), (account, None), (None, instrument), (account, instrument)] {
        desk.done(&Command::SetLimits { account, instrument, change: LimitsChange::default() });
        assert_eq!(desk.exchange.state_hash(), before);
    }
}
