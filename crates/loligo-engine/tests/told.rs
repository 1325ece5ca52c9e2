//! What events tell: enough that nobody who follows them has to ask the exchange anything.

mod fixture;

use fixture::{Desk, ask, bid, reduce_only, stop};
use loligo_engine::{
    AccountId, BalanceCause, CancelOrder, ClientOrderId, Command, Currency, Deposit, EditOrder, EditRefusal,
    Event, Exchange, Execution, Fill, FillRole, FinePrice, InstrumentId, InstrumentSpec, Leverage,
    MarketState, Money, OnGrid, OrderError, OrderId, OrderRef, OrderType, OrderView, Outcome, PairId, Price,
    Qty, QtyMode, Refusal, Timestamp, Transfer, UpdateReason, Wallet, Withdraw, Written, WrittenNumber,
};

const SECOND: i64 = Timestamp::SECOND;
const XBT: InstrumentId = InstrumentId(0);

fn price(whole: i128) -> FinePrice {
    FinePrice(whole * 10_i128.pow(18))
}

fn usd(whole: i128) -> Money {
    Money(whole * Money::ONE)
}

/// Events from a place on.
fn since(desk: &Desk, from: usize) -> &[Event] {
    &desk.events()[from..]
}

fn states(events: &[Event]) -> Vec<(InstrumentId, MarketState, Timestamp)> {
    let states = events.iter().filter_map(|event| match event {
        Event::Market { instrument, state, at } => Some((*instrument, *state, *at)),
        _ => None,
    });
    states.collect()
}

/// One account's side of each execution.
fn fills(desk: &Desk, account: AccountId) -> Vec<(Execution, Fill)> {
    let sides = desk.executions().into_iter().flat_map(|execution| {
        let sides = execution.sides().map(|(_, fill)| fill.clone());
        sides.map(|fill| (execution.clone(), fill))
    });
    sides.filter(|(_, fill)| fill.account == account).collect()
}

fn edit(account: AccountId, order: OrderId) -> EditOrder {
    EditOrder {
        account,
        order: OrderRef::Id(order),
        instrument: Some(XBT),
        limit_price: None,
        stop_price: None,
        deviation: None,
        deviation_unit: None,
        qty: None,
        qty_mode: QtyMode::Relative,
        process_before: None,
    }
}

fn refusals(events: &[Event]) -> Vec<&EditRefusal> {
    let refused = events.iter().filter_map(|event| match event {
        Event::EditRejected(refused) => Some(&**refused),
        _ => None,
    });
    refused.collect()
}

#[test]
fn a_jump_of_the_clock_dates_each_thing_at_its_own_instant() {
    let mut desk = Desk::open();
    let order = desk.placed(desk.alice, bid(100, 49_000));
    desk.apply(&Command::CancelAllAfter { account: desk.alice, timeout_seconds: 30 });
    let (begun, from) = (desk.exchange.now(), desk.events().len());
    desk.wait(600 * SECOND);
    let ended = begun.plus(30 * SECOND);
    let told: Vec<_> = since(&desk, from).iter().filter_map(Event::at).collect();
    assert!(told.is_sorted(), "{told:?}");
    let level = since(&desk, from).iter().find_map(|event| match event {
        Event::Level { price: Price(49_000), at, .. } => Some(*at),
        _ => None,
    });
    let gone = since(&desk, from).iter().find_map(|event| match event {
        Event::Cancelled { order: gone } if gone.id == order => Some(gone.updated_at),
        _ => None,
    });
    assert_eq!((level, gone), (Some(ended), Some(ended)));
}

#[test]
fn a_stop_that_fires_on_the_way_of_a_jump_is_dated_there_with_all_that_it_does() {
    let mut desk = Desk::open();
    // The book is below the index, and its premium pulls the mark there with the first sample.
    desk.placed(desk.bob, bid(1_000, 49_900));
    desk.placed(desk.carol, ask(1_000, 49_950));
    desk.placed(desk.alice, stop(ask(100, 49_000), 49_940));
    desk.done(&Command::PinMark { instrument: XBT, price: None });
    let (begun, from) = (desk.exchange.now(), desk.events().len());
    let sampled = Timestamp((begun.0 / SECOND + 1) * SECOND);
    desk.wait(60 * SECOND);
    let fired = since(&desk, from).iter().find_map(|event| match event {
        Event::Fired { order, .. } => Some(order.updated_at),
        _ => None,
    });
    assert_eq!(fired, Some(sampled));
    assert_eq!(desk.executions().iter().map(|execution| execution.at).collect::<Vec<_>>(), [sampled]);
    let told: Vec<_> = since(&desk, from).iter().filter_map(Event::at).collect();
    assert!(told.is_sorted() && told[0] == sampled, "{told:?}");
}

#[test]
fn a_market_is_told_suspended_when_its_index_is_too_old_and_open_with_the_next_price() {
    let mut desk = Desk::open();
    desk.done(&Command::PinIndex { pair: PairId(0), price: None });
    desk.publish(50_000);
    let (spoke, from) = (desk.exchange.now(), desk.events().len());
    desk.wait(9 * SECOND);
    assert_eq!(states(since(&desk, from)), [], "ten seconds may pass");
    desk.wait(60 * SECOND);
    let old = spoke.plus(10 * SECOND + 1);
    let suspended = [0, 1].map(|id| (InstrumentId(id), MarketState::Suspended, old));
    assert_eq!(states(since(&desk, from)), suspended);
    let from = desk.events().len();
    desk.publish(50_000);
    let now = desk.exchange.now();
    assert_eq!(states(since(&desk, from)), [0, 1].map(|id| (InstrumentId(id), MarketState::Open, now)));
}

#[test]
fn whoever_waits_for_what_is_due_is_told_when_an_index_becomes_too_old() {
    let mut desk = Desk::open();
    desk.done(&Command::PinIndex { pair: PairId(0), price: None });
    desk.wait(400 * SECOND);
    desk.publish(50_000);
    let old = desk.exchange.now().plus(10 * SECOND + 1);
    assert!(desk.exchange.next_due().is_some_and(|due| due <= old), "{:?}", desk.exchange.next_due());
    assert!(desk.exchange.is_due(old));
}

#[test]
fn a_pinned_index_never_stops_its_market_and_one_that_is_released_does_when_it_is_old_already() {
    let mut desk = Desk::open();
    desk.publish(50_000);
    let from = desk.events().len();
    desk.wait(3_600 * SECOND);
    assert_eq!(states(since(&desk, from)), []);
    desk.done(&Command::PinIndex { pair: PairId(0), price: None });
    let now = desk.exchange.now();
    assert_eq!(states(since(&desk, from)), [0, 1].map(|id| (InstrumentId(id), MarketState::Suspended, now)));
}

#[test]
fn a_contract_is_listed_with_all_of_its_figures_and_told_to_open_at_its_opening() {
    let mut desk = Desk::open();
    let opening = desk.exchange.now().plus(90 * SECOND + 7);
    let spec = InstrumentSpec {
        symbol: "PF_XBTUSD_LATE".into(),
        opening,
        ..desk.exchange.instrument(XBT).expect("the first").spec().clone()
    };
    let from = desk.events().len();
    let listed = desk.exchange.now();
    let Outcome::Listed(id) = desk.apply(&Command::List(Box::new(spec.clone()))) else {
        panic!("not listed");
    };
    let told = since(&desk, from).iter().find_map(|event| match event {
        Event::Listed { instrument, pair, spec, at } if *instrument == id => Some((*pair, spec.clone(), *at)),
        _ => None,
    });
    assert_eq!(told, Some((PairId(0), Box::new(spec), listed)));
    desk.wait(600 * SECOND);
    let expected = [(id, MarketState::PreLaunch, listed), (id, MarketState::Open, opening)];
    assert_eq!(states(since(&desk, from)), expected);
}

#[test]
fn a_fill_tells_what_it_found_and_what_it_left_of_position_and_wallet() {
    let mut desk = Desk::open();
    let account = desk.bob;
    let mut rests = vec![];
    for (name, order) in [("a", bid(300, 49_990)), ("b", ask(200, 50_010)), ("c", ask(400, 50_020))] {
        let mut order = order;
        order.client_order_id = Some(ClientOrderId::Valid(name.into()));
        rests.push(desk.placed(desk.alice, order));
    }
    let first = desk.exchange.now();
    for (order, later) in [(bid(200, 50_010), 7), (ask(150, 49_990), 9), (ask(150, 49_990), 11)] {
        desk.placed(account, order);
        let (execution, fill) = fills(&desk, account).pop().expect("it trades");
        let position = desk.exchange.positions(account);
        let held = position.first();
        assert_eq!(fill.position, held.map_or(0, |held| held.qty));
        assert_eq!(fill.entry, held.map_or_else(Default::default, |held| held.entry));
        assert_eq!(fill.balance, Money(desk.balance(account)));
        assert_eq!(execution.at, desk.exchange.now());
        assert_eq!(execution.mark, Some(price(50_000)));
        assert_eq!((execution.wallet, execution.currency), (Wallet::Flex, Currency::USD));
        assert_eq!((fill.role, fill.order_type), (FillRole::Taker, OrderType::Limit));
        desk.wait(later * SECOND);
    }
    let told = fills(&desk, account);
    let numbers: Vec<_> = told.iter().map(|(_, fill)| (fill.number, fill.log)).collect();
    // The deposits into two wallets are its log's first rows.
    assert_eq!(numbers, [(1, 3), (2, 5), (3, 7)]);
    assert_eq!(told.iter().map(|(execution, _)| execution.trade).collect::<Vec<_>>(), [1, 2, 3]);
    let opened: Vec<_> = told.iter().map(|(_, fill)| fill.opened_at).collect();
    assert_eq!(opened, [Some(first); 3], "of what it opened, and of what it then met");
    let turned = desk.exchange.positions(account)[0];
    assert_eq!((turned.qty, turned.opened_at), (-100, Some(first.plus(16 * SECOND))), "the other way round");
    let (execution, fill) = &told[0];
    assert_eq!(execution.usd_value, Money(10_002 * Money::ONE / 10), "0.02 at 50,010");
    assert_eq!(fill.balance, usd(100_000) - fill.fee);
    assert_eq!(fill.fee_rate, 50_000);
    let completes: Vec<_> = told.iter().map(|(execution, _)| execution.completes_maker()).collect();
    assert_eq!(completes, [true, false, true]);
    let makers: Vec<_> =
        told.iter().map(|(execution, _)| execution.maker.client_order_id.as_deref()).collect();
    assert_eq!(makers, [Some("b"), Some("a"), Some("a")]);
    let view = desk.exchange.account(account).expect("bob");
    assert_eq!((view.fills, view.log_rows), (3, 8));
}

#[test]
fn level_changes_are_numbered_without_a_gap_and_the_state_counts_alike() {
    let mut desk = Desk::open();
    let resting = desk.placed(desk.alice, bid(300, 49_990));
    desk.placed(desk.bob, ask(100, 49_990));
    desk.edit(desk.alice, resting, Some(49_980), None, QtyMode::Relative);
    desk.edit(desk.alice, resting, None, Some(100), QtyMode::Relative);
    desk.placed(desk.bob, reduce_only(bid(40, 49_900)));
    desk.cancel(desk.alice, resting);
    let numbers: Vec<u64> = desk
        .events()
        .iter()
        .filter_map(|event| match event {
            Event::Level { instrument: XBT, number, .. } => Some(*number),
            _ => None,
        })
        .collect();
    let count = desk.exchange.market(XBT).expect("listed").level_changes;
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
    assert!(count >= 7, "{count}");
}

#[test]
fn a_refused_edit_tells_the_order_as_it_stays_and_as_it_would_have_been() {
    let mut desk = Desk::open();
    let account = desk.alice;
    let order = desk.placed(account, bid(100, 49_000));
    let before = desk.order(order);
    let from = desk.events().len();
    let same = EditOrder { limit_price: Some(OnGrid::Steps(49_000)), ..edit(account, order) };
    let too_much = EditOrder {
        limit_price: Some(OnGrid::Steps(48_000)),
        qty: Some(OnGrid::Steps(9_000_000)),
        ..same.clone()
    };
    for asked in [same, too_much] {
        let outcome = desk.apply(&Command::Edit(asked));
        assert!(matches!(outcome, Outcome::EditRejected(Some(_), _)), "{outcome:?}");
    }
    let told = refusals(since(&desk, from));
    let [same, too_much] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(same.error, OrderError::EditHasNoEffect);
    let noted = OrderView { error: Some(OrderError::EditHasNoEffect), ..before.clone() };
    assert_eq!(same.order, noted);
    assert_eq!(same.attempted.limit_price, Some(Price(49_000)));
    assert_eq!(too_much.error, OrderError::InvalidQuantity);
    let attempted = (too_much.attempted.limit_price, too_much.attempted.qty);
    assert_eq!(attempted, (Some(Price(48_000)), Some(Qty(9_000_000))));
    assert_eq!((too_much.order.limit_price, too_much.order.qty), (before.limit_price, before.qty));
    assert_eq!(too_much.at, desk.exchange.now());
}

#[test]
fn a_refused_edit_of_a_trigger_tells_the_trigger_it_would_have_been() {
    let mut desk = Desk::open();
    let order = desk.placed(desk.alice, stop(ask(40, 1), 40_000));
    let from = desk.events().len();
    let account = desk.alice;
    let asked = EditOrder {
        stop_price: Some(OnGrid::Off),
        limit_price: Some(OnGrid::Steps(39_000)),
        ..edit(account, order)
    };
    let written = Written { stop_price: WrittenNumber::new("40000.5"), ..Written::default() };
    let outcome = desk.apply(&Command::EditOffGrid(Box::new((asked, written.clone()))));
    assert_eq!(outcome, Outcome::EditRejected(Some(order), OrderError::InvalidPrice));
    let told = refusals(since(&desk, from));
    let [refused] = told.as_slice() else { panic!("{told:?}") };
    let trigger = |order: &OrderView| order.trigger().and_then(|trigger| trigger.price);
    assert_eq!((trigger(&refused.order), trigger(&refused.attempted)), (Some(Price(40_000)), None));
    assert_eq!(refused.attempted.limit_price, Some(Price(39_000)));
    assert_eq!(refused.written, Some(Box::new(written)));
}

#[test]
fn an_edit_of_an_order_that_just_closed_tells_what_it_asked_for() {
    let mut desk = Desk::open();
    let account = desk.alice;
    let order = desk.placed(account, bid(100, 49_000));
    desk.cancel(account, order);
    let from = desk.events().len();
    desk.edit(account, order, Some(48_000), None, QtyMode::Relative);
    let told = refusals(since(&desk, from));
    let [refused] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!(refused.error, OrderError::OrderForEditNotFound);
    assert_eq!(refused.order.reason, Some(UpdateReason::OrderForEditNotFound));
    assert_eq!(refused.attempted.limit_price, Some(Price(48_000)));
}

#[test]
fn a_cancel_that_finds_nothing_open_tells_what_it_asked_for() {
    let mut desk = Desk::open();
    let account = desk.alice;
    let closed = desk.placed(account, bid(100, 49_000));
    desk.cancel(account, closed);
    let filled = desk.placed(account, bid(100, 49_000));
    desk.placed(desk.bob, ask(100, 49_000));
    let from = desk.events().len();
    let asked = [
        OrderRef::Id(OrderId(999)),
        OrderRef::Client("nobody".into()),
        OrderRef::Foreign(u128::MAX),
        OrderRef::Id(closed),
        OrderRef::Id(filled),
    ];
    for order in asked.clone() {
        desk.apply(&Command::Cancel(CancelOrder { account, order, process_before: None }));
    }
    let told: Vec<_> = since(&desk, from)
        .iter()
        .filter_map(|event| match event {
            Event::NotFound { account: by, order, at } => {
                assert_eq!((*by, *at), (account, desk.exchange.now()));
                Some(order.clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, asked[..4], "what is filled was there");
}

#[test]
fn a_refusal_off_the_grid_tells_what_was_written_and_nothing_longer_than_a_number_is() {
    let mut desk = Desk::open();
    let written = Written {
        qty: WrittenNumber::new("0.00001"),
        limit_price: WrittenNumber::new("49000.3"),
        ..Written::default()
    };
    let mut order = bid(1, 1);
    (order.account, order.qty, order.limit_price) = (desk.alice, OnGrid::Off, Some(OnGrid::Off));
    let outcome = desk.apply(&Command::PlaceOffGrid(Box::new((order, written.clone()))));
    assert!(matches!(outcome, Outcome::Rejected(_, OrderError::InvalidPrice)), "{outcome:?}");
    let Some(Event::Rejected { order, written: Some(told) }) = desk.events().last() else {
        panic!("{:?}", desk.events().last());
    };
    assert_eq!(**told, written);
    assert_eq!((order.qty, order.limit_price), (None, None));
    let longest = format!("-0.{}", "1".repeat(37));
    assert_eq!(longest.len(), WrittenNumber::CHARACTERS);
    assert_eq!(WrittenNumber::new(&longest).as_ref().map(WrittenNumber::as_str), Some(&*longest));
    assert_eq!(WrittenNumber::new(&format!("{longest}1")), None, "a number that is cut is another number");
}

#[test]
fn money_that_moves_tells_why_how_much_and_what_is_there_then() {
    let mut desk = Desk::open();
    let (alice, sub) = (desk.alice, desk.alice_sub);
    let from = desk.events().len();
    let (wallet, currency) = (Wallet::Flex, Currency::USD);
    desk.done(&Command::Deposit(Deposit { account: alice, wallet, currency, amount: usd(5) }));
    let transfer = Transfer {
        by: alice,
        from: alice,
        from_wallet: Wallet::Flex,
        to: alice,
        to_wallet: Wallet::Cash,
        currency,
        amount: usd(3),
    };
    desk.done(&Command::Transfer(transfer.clone()));
    desk.done(&Command::Transfer(Transfer { to: sub, to_wallet: Wallet::Flex, ..transfer }));
    desk.done(&Command::Withdraw(Withdraw {
        account: alice,
        wallet: Wallet::Cash,
        currency,
        amount: usd(1),
    }));
    let told: Vec<_> = since(&desk, from)
        .iter()
        .filter_map(|event| match event {
            Event::Balance { account, wallet, change, balance, log, cause, .. } => {
                Some((*account, *wallet, *change, *balance, *log, *cause))
            }
            _ => None,
        })
        .collect();
    let (flex, cash) = (Wallet::Flex, Wallet::Cash);
    let expected = [
        (alice, flex, usd(5), usd(100_005), 3, BalanceCause::Operator),
        (alice, cash, usd(3), usd(3), 4, BalanceCause::Transfer),
        (alice, flex, usd(-3), usd(100_002), 5, BalanceCause::Transfer),
        (sub, flex, usd(3), usd(100_003), 3, BalanceCause::SubaccountTransfer),
        (alice, flex, usd(-3), usd(99_999), 6, BalanceCause::SubaccountTransfer),
        (alice, cash, usd(-1), usd(2), 7, BalanceCause::Withdrawal),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_leverage_that_is_set_is_told_once() {
    let mut desk = Desk::open();
    let account = desk.alice;
    let from = desk.events().len();
    for leverage in [Some(Leverage(500)), Some(Leverage(500)), None] {
        desk.done(&Command::SetLeverage { account, instrument: XBT, leverage });
    }
    let told: Vec<_> = since(&desk, from)
        .iter()
        .filter_map(|event| match event {
            Event::Leverage { leverage, .. } => Some(*leverage),
            _ => None,
        })
        .collect();
    assert_eq!(told, [Some(Leverage(500)), None]);
}

#[test]
fn the_first_index_prices_are_told_with_the_genesis() {
    let desk = Desk::open();
    let Some(Event::Index { pair: PairId(0), price: first, .. }) = desk.events().first() else {
        panic!("{:?}", desk.events().first());
    };
    assert_eq!(*first, price(50_000));
}

#[test]
fn an_index_and_a_mark_are_pinned_together_or_not_at_all() {
    let mut desk = Desk::open();
    let pin = |index, mark| Command::PinPrices { instrument: XBT, index, mark };
    let hash = desk.exchange.state_hash();
    let far = Some(FinePrice(1));
    for (index, mark) in [(Some(price(51_000)), far), (far, Some(price(51_000)))] {
        assert_eq!(desk.apply(&pin(index, mark)), Outcome::Refused(Refusal::PriceOutOfRange));
    }
    let unknown = Command::PinPrices { instrument: InstrumentId(9), index: None, mark: None };
    assert_eq!(desk.apply(&unknown), Outcome::Refused(Refusal::UnknownInstrument));
    assert_eq!(desk.exchange.state_hash(), hash, "nothing is pinned");
    let from = desk.events().len();
    desk.done(&pin(Some(price(51_000)), Some(price(52_000))));
    let market = desk.exchange.market(XBT).expect("listed");
    assert_eq!((market.index, market.mark), (Some(price(51_000)), Some(price(52_000))));
    let marks: Vec<_> = since(&desk, from)
        .iter()
        .filter_map(|event| match event {
            Event::Mark { instrument: XBT, price, .. } => Some(*price),
            _ => None,
        })
        .collect();
    assert_eq!(marks, [price(52_000)], "the formula does not move it on its way");
    desk.done(&pin(None, Some(price(53_000))));
    let market = desk.exchange.market(XBT).expect("listed");
    assert_eq!((market.index, market.mark), (Some(price(51_000)), Some(price(53_000))));
}

#[test]
fn a_state_of_the_form_before_is_read_and_takes_over_what_was_counted_outside() {
    let text = include_str!("golden/state-4.txt").trim();
    let bytes: Vec<u8> = (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    let mut exchange =
        Exchange::decode([&[4], &bytes[..]].concat().as_slice()).expect("a state of version 4");
    exchange.audit().expect("in order");
    let fills = |exchange: &Exchange, account| exchange.account(AccountId(account)).expect("there").fills;
    let counts = |exchange: &Exchange| {
        let market = exchange.market(XBT).expect("listed");
        (market.level_changes, market.trades)
    };
    assert_eq!((fills(&exchange, 0), counts(&exchange)), (0, (0, 0)));
    exchange.take_over_numbers([(AccountId(0), 2), (AccountId(77), 5)], [(31, 4)]);
    assert_eq!((fills(&exchange, 0), fills(&exchange, 1), counts(&exchange)), (2, 0, (31, 4)));
    let read = Exchange::decode(&exchange.encode()).expect("what was just written");
    assert_eq!((fills(&read, 0), counts(&read)), (2, (31, 4)));
    assert_eq!(read.state_hash(), exchange.state_hash());
    // What the state counts by now is not put back.
    exchange.take_over_numbers([(AccountId(0), 1)], [(30, 5)]);
    assert_eq!((fills(&exchange, 0), counts(&exchange)), (2, (31, 5)));
}
