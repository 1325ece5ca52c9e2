//! Bounds that streams do not reach by chance: closed orders kept, to the microsecond and to the last one.

use loligo_engine::{
    AccountId, ClientOrderId, Command, CreateAccount, Currency, Deposit, EditOrder, Exchange, InstrumentId,
    Money, OnGrid, OrderError, OrderId, OrderRef, OrderType, Outcome, PlaceOrder, QtyMode, Side, Timestamp,
    Wallet,
};
use loligo_sim::agreement::{SideBySide, Step};
use loligo_sim::model::Model;
use loligo_sim::workload::Workload;

const START: i64 = 1_767_225_600_000_000;
/// How many closed orders of one account are kept.
const KEPT: usize = 10_000;

fn step(after: i64, command: Command) -> Step {
    Step { time: Timestamp(START + after), command }
}

/// The steps that open a venue with everything pinned, two rich accounts in it.
fn venue() -> Vec<Step> {
    let mut workload = Workload::new(4);
    let genesis = workload.next_step(&Model::new());
    let mut steps = vec![genesis];
    for _ in 0..2 {
        steps.push(step(0, Command::CreateAccount(CreateAccount { parent: None, house: false })));
    }
    for account in [AccountId(0), AccountId(1)] {
        steps.push(step(
            0,
            Command::Deposit(Deposit {
                account,
                wallet: Wallet::Flex,
                currency: Currency::USD,
                amount: Money(1_000_000 * Money::ONE),
            }),
        ));
    }
    steps
}

fn order(account: u32, side: Side, price: i64, name: Option<&str>) -> PlaceOrder {
    PlaceOrder {
        account: AccountId(account),
        instrument: InstrumentId(0),
        side,
        order_type: OrderType::Limit,
        qty: OnGrid::Steps(500),
        limit_price: Some(OnGrid::Steps(price)),
        stop_price: None,
        trigger: None,
        limit_offset: None,
        reduce_only: false,
        client_order_id: name.map(|name| ClientOrderId::Valid(name.into())),
        algo_id: None,
        process_before: None,
    }
}

#[test]
fn a_closed_order_and_its_name_are_gone_after_exactly_five_seconds() {
    let mut both = SideBySide::new();
    for step in venue() {
        both.step(&step).unwrap();
    }
    let placed = both.step(&step(0, Command::Place(order(0, Side::Buy, 1_000, Some("x"))))).unwrap();
    assert_eq!(placed, Outcome::Placed(OrderId(1)));
    both.step(&step(7, Command::Place(order(1, Side::Sell, 1_000, None)))).unwrap();

    // An attempt aimed at it does not keep it any longer.
    let edit = |after| {
        step(
            after,
            Command::Edit(EditOrder {
                account: AccountId(0),
                order: OrderRef::Client("x".into()),
                instrument: None,
                limit_price: None,
                stop_price: None,
                deviation: None,
                deviation_unit: None,
                qty: Some(OnGrid::Steps(9)),
                qty_mode: QtyMode::Relative,
                process_before: None,
            }),
        )
    };
    let not_found = OrderError::OrderForEditNotFound;
    let told = both.step(&edit(5_000_006)).unwrap();
    assert_eq!(told, Outcome::EditRejected(Some(OrderId(1)), not_found));
    let again = Command::Place(order(0, Side::Buy, 900, Some("x")));
    let told = both.step(&step(5_000_006, again.clone())).unwrap();
    assert_eq!(told, Outcome::Rejected(OrderId(3), OrderError::ClientOrderIdInUse));
    assert!(both.engine.order(OrderId(1)).is_some());

    both.step(&step(5_000_007, Command::Advance)).unwrap();
    assert_eq!(both.engine.order(OrderId(1)), None);
    assert_eq!(both.step(&edit(5_000_007)).unwrap(), Outcome::EditRejected(None, not_found));
    assert_eq!(both.step(&step(5_000_007, again)).unwrap(), Outcome::Placed(OrderId(4)));
}

#[test]
fn at_most_ten_thousand_closed_orders_of_an_account_are_kept() {
    let (mut engine, mut model) = (Exchange::new(), Model::new());
    let mut events = vec![];
    let mut give = |engine: &mut Exchange, model: &mut Model, step: &Step| {
        events.clear();
        let outcome = engine.apply(step.time, &step.command, &mut events);
        let answer = model.apply(step.time, &step.command);
        assert_eq!(outcome, answer.outcome, "{step:?}");
        outcome
    };
    for step in venue() {
        give(&mut engine, &mut model, &step);
    }
    // The first one closes with a name, the others are refused; another account's own are counted apart.
    let named = Command::Place(PlaceOrder {
        order_type: OrderType::ImmediateOrCancel,
        ..order(0, Side::Buy, 1_000, Some("x"))
    });
    give(&mut engine, &mut model, &step(0, Command::Place(order(1, Side::Sell, 1_000, None))));
    assert_eq!(give(&mut engine, &mut model, &step(0, named.clone())), Outcome::Placed(OrderId(2)));
    let refused = step(0, Command::Place(order(0, Side::Buy, 0, None)));
    for _ in 1..KEPT {
        give(&mut engine, &mut model, &refused);
    }
    let told = give(&mut engine, &mut model, &step(0, named.clone()));
    assert!(matches!(told, Outcome::Rejected(_, OrderError::ClientOrderIdInUse)), "{told:?}");
    // That refusal was one too many: the name is free.
    assert_eq!(engine.order(OrderId(2)), None);
    assert!(engine.order(OrderId(1)).is_some() && engine.order(OrderId(3)).is_some());
    let told = give(&mut engine, &mut model, &step(0, named));
    assert!(matches!(told, Outcome::Rejected(_, OrderError::IocWouldNotExecute)), "{told:?}");
    assert_eq!(engine.known_orders(), model.known_orders().cloned().collect::<Vec<_>>());
    assert_eq!(engine.known_orders().len(), KEPT + 1);
    engine.audit().unwrap();

    // All of them are to be forgotten at one instant, which is more than one record does.
    for _ in 0..(KEPT + 1).div_ceil(1_024) {
        assert!(!engine.known_orders().is_empty());
        give(&mut engine, &mut model, &step(5_000_000, Command::Advance));
    }
    assert!(engine.known_orders().is_empty() && !engine.is_busy());
    engine.audit().unwrap();
}
