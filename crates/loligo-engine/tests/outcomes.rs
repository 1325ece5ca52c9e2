//! What a command comes to has the type of its kind, refusals included.

mod fixture;

use fixture::{Desk, bid};
use loligo_engine::{
    Ask, CancelOrder, CancelOutcome, Currency, InstrumentId, Leverage, LeverageOutcome, LeverageRefusal,
    Money, OrderId, OrderRef, Outcome, OutcomeOf, PlaceOutcome, Refusal, Wallet, Withdraw, WithdrawOutcome,
    WithdrawRefusal,
};

fn ask<O: OutcomeOf>(desk: &mut Desk, ask: Ask<O>) -> O {
    Ask::outcome(desk.apply(ask.command()))
}

#[test]
fn a_command_answers_in_the_type_that_it_names() {
    let mut desk = Desk::listed();
    let mut order = bid(1, 50_000);
    (order.account, order.instrument) = (desk.alice, InstrumentId(0));
    let PlaceOutcome::Placed(id) = ask(&mut desk, order.into()) else { panic!("an order with margin") };

    let cancel = |account| CancelOrder { account, order: OrderRef::Id(id), process_before: None };
    let (alice, bob) = (desk.alice, desk.bob);
    assert_eq!(ask(&mut desk, cancel(bob).into()), CancelOutcome::CancelNotFound(None));
    assert_eq!(ask(&mut desk, cancel(alice).into()), CancelOutcome::Cancelled(id));

    let amount = 1_000_000_000_000 * Money::ONE;
    let withdraw =
        Withdraw { account: alice, wallet: Wallet::Flex, currency: Currency::USD, amount: Money(amount) };
    assert_eq!(ask(&mut desk, withdraw.into()), WithdrawOutcome::Refused(WithdrawRefusal::InsufficientFunds));
    let leverage = Ask::set_leverage(alice, InstrumentId(9), Some(Leverage::ONE));
    assert_eq!(ask(&mut desk, leverage), LeverageOutcome::Refused(LeverageRefusal::UnknownInstrument));
}

#[test]
fn what_cannot_happen_to_a_kind_is_not_found_in_it() {
    assert_eq!(PlaceOutcome::of(Outcome::Listed(InstrumentId(0))), None);
    assert_eq!(PlaceOutcome::of(Outcome::Refused(Refusal::InsufficientFunds)), None);
    assert_eq!(CancelOutcome::of(Outcome::Placed(OrderId(1))), None);
    let refused = Outcome::from(WithdrawOutcome::Refused(WithdrawRefusal::InvalidAmount));
    assert_eq!(refused, Outcome::Refused(Refusal::InvalidAmount));
    assert_eq!(WithdrawOutcome::of(refused), Some(WithdrawOutcome::Refused(WithdrawRefusal::InvalidAmount)));
}
