//! What a trigger has to pass when it fires, though it has waited long: its account may trade (row 5 of the checks), and
//! what it becomes finds a place among the orders that rest (row 12).

mod fixture;

use fixture::{Desk, ask, bid, reduce_only, stop};
use loligo_engine::{
    AccountId, Command, CreateAccount, InstrumentId, LimitsChange, Money, OrderError, OrderId, OrderStatus,
    OrderType, Outcome, PlaceOrder, UpdateReason,
};

const BTC: i64 = 10_000;

fn market(mut order: PlaceOrder) -> PlaceOrder {
    (order.order_type, order.limit_price) = (OrderType::Market, None);
    order
}

fn trades(desk: &mut Desk, account: AccountId, enabled: bool) {
    desk.done(&Command::SetTrading { account, enabled });
}

/// What became of a trigger, and the check that it failed.
fn end(desk: &Desk, id: OrderId) -> (OrderStatus, Option<UpdateReason>, Option<OrderError>) {
    let order = desk.order(id);
    (order.status, order.reason, order.error)
}

fn failed(error: OrderError) -> (OrderStatus, Option<UpdateReason>, Option<OrderError>) {
    (OrderStatus::TriggerActivationFailure, Some(UpdateReason::StopOrderTriggered), Some(error))
}

#[test]
fn a_stop_of_a_subaccount_whose_trading_is_off_opens_nothing_and_closes_nothing() {
    let mut desk = Desk::open();
    let sub = desk.alice_sub;
    desk.placed(desk.bob, ask(5 * BTC, 50_010));
    desk.placed(desk.bob, bid(5 * BTC, 49_990));
    desk.placed(sub, bid(BTC, 50_010));
    let opens = desk.placed(sub, stop(market(bid(BTC, 0)), 50_100));
    let with_limit = desk.placed(sub, stop(bid(BTC, 49_000), 50_100));
    let closes = desk.placed(sub, stop(reduce_only(market(ask(BTC, 0))), 49_900));
    let masters = desk.placed(desk.alice, stop(market(bid(BTC, 0)), 50_100));
    trades(&mut desk, sub, false);
    assert_eq!(desk.place(sub, bid(1, 49_000)), Outcome::AccountInactive, "as an order that it sends");
    desk.mark(50_100);
    desk.mark(49_900);
    for (id, case) in [(opens, "opens"), (with_limit, "would rest"), (closes, "only reduces")] {
        assert_eq!(end(&desk, id), failed(OrderError::AccountInactive), "{case}");
    }
    assert_eq!(desk.position(sub), BTC);
    assert_eq!(end(&desk, masters).0, OrderStatus::FullyExecuted, "its master trades on");
}

#[test]
fn a_stop_that_waited_while_trading_was_off_fires_when_it_is_on_again() {
    let mut desk = Desk::open();
    let sub = desk.alice_sub;
    desk.placed(desk.bob, ask(5 * BTC, 50_010));
    let id = desk.placed(sub, stop(market(bid(BTC, 0)), 50_100));
    trades(&mut desk, sub, false);
    desk.mark(50_099);
    assert_eq!(end(&desk, id).0, OrderStatus::TriggerPlaced, "nothing has reached it");
    trades(&mut desk, sub, true);
    desk.mark(50_100);
    assert_eq!((end(&desk, id).0, desk.position(sub)), (OrderStatus::FullyExecuted, BTC));
}

#[test]
fn triggers_that_fire_take_no_account_past_its_limit_of_resting_orders() {
    let mut desk = Desk::open();
    let most = |open_orders| LimitsChange { open_orders: Some(open_orders), ..LimitsChange::default() };
    let (alice, first) = (desk.alice, InstrumentId(0));
    desk.done(&Command::SetLimits { account: Some(alice), instrument: Some(first), change: most(3) });
    desk.placed(desk.bob, ask(5 * BTC, 50_010));
    let resting = desk.placed(alice, bid(10, 49_000));
    // By distance from the price before they fire one after the other.
    let fires = |desk: &mut Desk, at| desk.placed(alice, stop(bid(10, 48_000), at));
    let [second, third, fourth] = [50_100, 50_200, 50_300].map(|at| fires(&mut desk, at));
    let takes = desk.placed(alice, stop(market(bid(10, 0)), 50_400));
    let crosses = desk.placed(alice, stop(bid(10, 50_010), 50_500));
    desk.mark(50_500);
    for id in [resting, second, third] {
        assert_eq!(end(&desk, id).0, OrderStatus::EnteredBook);
    }
    assert_eq!(end(&desk, fourth), failed(OrderError::OrderLimitExceeded));
    assert_eq!(end(&desk, takes).0, OrderStatus::FullyExecuted, "what cannot rest is never an open order");
    assert_eq!(end(&desk, crosses), failed(OrderError::OrderLimitExceeded), "as a limit order that is sent");
    assert_eq!(desk.refused(alice, bid(10, 50_010)), OrderError::OrderLimitExceeded);
    // One goes: there is room for one.
    desk.cancel(alice, resting);
    let fifth = fires(&mut desk, 50_500);
    assert_eq!(end(&desk, fifth).0, OrderStatus::EnteredBook);
    assert_eq!(desk.exchange.open_orders(alice).len(), 3);
}

#[test]
fn the_house_has_no_limit_of_resting_orders_at_firing_either() {
    let mut desk = Desk::open();
    let Outcome::AccountCreated(house) =
        desk.apply(&Command::CreateAccount(CreateAccount { parent: None, house: true }))
    else {
        panic!("not created")
    };
    let change = LimitsChange { open_orders: Some(0), ..LimitsChange::default() };
    desk.done(&Command::SetLimits { account: None, instrument: None, change });
    desk.holds(house, 1_000 * Money::ONE);
    let id = desk.placed(house, stop(bid(10, 48_000), 50_000));
    assert_eq!(end(&desk, id).0, OrderStatus::EnteredBook);
    let id = desk.placed(desk.alice, stop(bid(10, 48_000), 50_000));
    assert_eq!(end(&desk, id), failed(OrderError::OrderLimitExceeded));
}
