//! A mark that moves values anew who holds its contract, and nobody else; marks that move together do it once (rules 5.7).

mod fixture;

use fixture::{Desk, ask, bid};
use loligo_engine::{
    AccountId, Command, Exchange, FinePrice, InstrumentId, Outcome, PairId, Timestamp, WORK_PER_RECORD,
};

const FIRST: InstrumentId = InstrumentId(0);
/// Steps of a record; of looks at an account there are sixteen in a step.
const STEPS: u32 = 64;
const STEP: u32 = WORK_PER_RECORD / STEPS;

fn price(whole: i128) -> Option<FinePrice> {
    Some(FinePrice(whole * 10_i128.pow(18)))
}

/// Alice, Bob and Carol hold the first contract, Bob and Alice's subaccount another one like it; nobody holds the inverse one.
fn two_crowds() -> (Desk, InstrumentId) {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(200, 50_000));
    for account in [desk.alice, desk.carol] {
        desk.placed(account, bid(100, 50_000));
    }
    let second = desk.second();
    desk.placed(desk.bob, ask(100, 50_000));
    desk.placed(desk.alice_sub, bid(100, 50_000));
    desk.first();
    (desk, second)
}

#[test]
fn a_mark_that_moves_has_those_looked_over_who_hold_its_contract() {
    let (mut desk, second) = two_crowds();
    desk.mark(49_990);
    assert_eq!(desk.exchange.work_done(), 3, "Alice, Bob and Carol");
    desk.second_again(second);
    desk.mark(49_990);
    assert_eq!(desk.exchange.work_done(), 2, "Bob and the subaccount");
    desk.inverse();
    assert_eq!(desk.exchange.work_done(), 0, "nobody");
    // Who has closed, or only has an order there, holds nothing; who comes to hold something does.
    desk.first();
    desk.placed(desk.alice_sub, bid(100, 50_010));
    desk.placed(desk.carol, ask(100, 50_010));
    desk.placed(desk.carol, ask(100, 51_000));
    desk.mark(49_980);
    assert_eq!(desk.exchange.work_done(), 3, "Alice, Bob and the subaccount");
    // A state that is read knows them, too.
    let mut read = Exchange::decode(&desk.exchange.encode()).expect("what was just written");
    let mark = Command::PinMark { instrument: FIRST, price: price(49_970) };
    assert_eq!(read.apply(read.now(), &mark, &mut Vec::new()), Outcome::Done);
    assert_eq!(read.work_done(), 3);
}

#[test]
fn marks_that_move_together_have_everyone_looked_over_once() {
    let (mut desk, second) = two_crowds();
    for instrument in [FIRST, second, InstrumentId(1)] {
        desk.done(&Command::PinMark { instrument, price: None });
    }
    // An operator's index moves all marks of its pair at once.
    desk.done(&Command::PinIndex { pair: PairId(0), price: price(50_100) });
    assert_eq!(desk.exchange.work_done(), 4, "Bob holds two of them, and is one");
    // An index that is published moves them at the next second, which is three contracts that are sampled.
    desk.done(&Command::PinIndex { pair: PairId(0), price: None });
    desk.publish(50_200);
    let next = desk.exchange.now().plus(Timestamp::SECOND);
    desk.exchange.apply(next, &Command::Advance, &mut Vec::new());
    assert_eq!(desk.exchange.work_done(), 3 * STEP + 4);
    let marks = [FIRST, second].map(|id| desk.exchange.market(id).expect("listed").mark);
    assert_eq!(marks, [price(50_200); 2]);
}

#[test]
fn a_mark_that_moves_amid_the_looking_begins_it_anew_for_all_who_hold_either() {
    let (desk, second) = two_crowds();
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    let apply = |exchange: &mut Exchange, command: &Command| {
        let outcome = exchange.apply(exchange.now(), command, &mut Vec::new());
        exchange.audit().unwrap_or_else(|violation| panic!("after {command:?}: {violation}"));
        outcome
    };
    apply(&mut exchange, &Command::PinMark { instrument: FIRST, price: price(49_000) });
    // Alice is looked over; this record looks over Bob before it moves the other mark.
    apply(&mut exchange, &Command::PinMark { instrument: second, price: price(49_000) });
    let mut records = 0;
    while exchange.is_busy() {
        // Whoever reads the state on the way goes on where it was left.
        let mut read = Exchange::decode(&exchange.encode()).expect("what was just written");
        read.set_work_limit(1);
        apply(&mut exchange, &Command::Advance);
        apply(&mut read, &Command::Advance);
        assert_eq!(read.state_hash(), exchange.state_hash());
        records += 1;
    }
    assert_eq!(records, 4, "Alice, Bob, Carol and the subaccount");
    for account in 0..4 {
        let flex = exchange.wallets(AccountId(account)).remove(1);
        let [held] = &exchange.positions(AccountId(account))[..] else { continue };
        assert_eq!(flex.unrealized_pnl, held.unrealized_pnl, "at the marks of now");
    }
}

#[test]
fn a_state_of_before_that_was_looking_everyone_over_goes_on() {
    let text = include_str!("golden/state-6.txt").trim();
    let bytes: Vec<u8> = (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect();
    let mut exchange =
        Exchange::decode([&[6], &bytes[..]].concat().as_slice()).expect("a state of version 6");
    assert!(exchange.is_busy());
    exchange.audit().expect("in order");
    let mut read = Exchange::decode(&exchange.encode()).expect("what was just written");
    while exchange.is_busy() {
        for exchange in [&mut exchange, &mut read] {
            exchange.apply(exchange.now(), &Command::Advance, &mut Vec::new());
            exchange.audit().expect("in order");
        }
    }
    assert_eq!(exchange.state_hash(), read.state_hash());
}
