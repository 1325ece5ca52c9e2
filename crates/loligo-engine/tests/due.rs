//! When time alone changes something (rules 4.5, 1.12): whoever lets time pass only when the exchange says that it is due
//! sees every second what one sees who lets each second pass; and when all is still, nothing is due.

mod fixture;

use fixture::{Desk, ask, bid, stop};
use loligo_engine::{
    Command, Dislocation, Event, Exchange, FinePrice, InstrumentId, InstrumentSpec, Outcome, PairId,
    PlaceOrder, Timestamp,
};

const BTC: i64 = 10_000;
const SECOND: i64 = Timestamp::SECOND;
const DAY: i64 = 86_400 * SECOND;
/// From when on the cap presses a premium of 8%: it is 8% at 78 days to go (1% + 19% x 77 / 209).
const PRESSED: i64 = 400;
const FF: InstrumentId = InstrumentId(2);

/// What everyone can see of the prices at one second: marks, margin multiplier, dislocation, count of fills.
type Seen = (Vec<Option<FinePrice>>, u32, Option<Dislocation>, usize);

/// Plays what is done half-way through some seconds. `eager` lets each second pass; otherwise only those at which something
/// is due pass by themselves, and they are told.
fn play(script: &[(i64, Vec<Command>)], eager: bool) -> (Vec<Seen>, Vec<i64>, [u8; 32]) {
    let mut exchange = opened();
    let (mut seen, mut due, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for second in 1..=1_300 {
        let time = Timestamp(second * SECOND);
        assert_eq!(exchange.is_due(time), exchange.next_due().is_some_and(|at| at <= time), "at {second}");
        if eager || exchange.is_due(time) {
            due.push(second);
            exchange.apply(time, &Command::Advance, &mut events);
        }
        let fills = events.iter().filter(|event| matches!(event, Event::Executed(_))).count();
        let market = |id| exchange.market(id).expect("listed");
        let marks = [InstrumentId(0), InstrumentId(1), FF].map(|id| market(id).mark);
        let first = market(InstrumentId(0));
        seen.push((marks.to_vec(), first.margin_multiplier, first.dislocation, fills));
        for (_, commands) in script.iter().filter(|(at, _)| *at == second) {
            for command in commands {
                let outcome = exchange.apply(time.plus(SECOND / 2), command, &mut events);
                assert!(
                    matches!(outcome, Outcome::Done | Outcome::Placed(_) | Outcome::CancelledAll(_)),
                    "{outcome:?}"
                );
            }
        }
    }
    exchange.apply(Timestamp(1_300 * SECOND), &Command::Advance, &mut events);
    exchange.audit().expect("sound");
    (seen, due, exchange.state_hash())
}

/// The desk with its first mark left to its formula, and a dated contract.
fn opened() -> Exchange {
    let mut desk = Desk::open();
    desk.done(&Command::PinMark { instrument: InstrumentId(0), price: None });
    let spec = desk.exchange.instrument(InstrumentId(0)).expect("the first").spec().clone();
    let expiry = Some(Timestamp(PRESSED * SECOND + 78 * DAY));
    let spec = InstrumentSpec { symbol: "FF_XBTUSD".into(), expiry, ..spec };
    assert_eq!(desk.apply(&Command::List(Box::new(spec))), Outcome::Listed(FF));
    desk.exchange
}

#[test]
fn whoever_waits_for_what_is_due_misses_no_second_and_a_still_market_is_left_alone() {
    let desk = Desk::open();
    let (alice, bob) = (desk.alice, desk.bob);
    let by =
        |account, instrument, order: PlaceOrder| Command::Place(PlaceOrder { account, instrument, ..order });
    let first = InstrumentId(0);
    let clear = || Command::CancelAll { account: bob, instrument: None };
    let script = [
        // A premium of 0.5%, and a stop that it reaches on its way.
        (
            5,
            vec![
                by(alice, first, stop(bid(BTC / 10, 51_000), 50_100)),
                by(bob, first, bid(BTC, 50_200)),
                by(bob, first, ask(BTC, 50_300)),
            ],
        ),
        (90, vec![clear()]),
        // 8%, which the cap begins to press down later.
        (200, vec![by(bob, FF, bid(BTC, 53_990)), by(bob, FF, ask(BTC, 54_010))]),
        (500, vec![clear()]),
        // The index moves by 12%.
        (700, vec![Command::PinIndex { pair: PairId(0), price: Some(FinePrice(56_000 * 10_i128.pow(18))) }]),
    ];
    let (want, all, hash) = play(&script, true);
    assert_eq!(all.len(), 1_300);
    let (seen, due, same) = play(&script, false);
    for (at, (seen, want)) in seen.iter().zip(&want).enumerate() {
        assert_eq!(seen, want, "at second {}", at + 1);
    }
    assert_eq!(same, hash);
    assert_eq!((seen[7].3, seen[8].3), (0, 1), "the stop fires in the second in which the mark reaches it");

    // Thirty seconds until a mean is of the new premium alone; a premium that is kept for sixty; a cap that presses a mark
    // down second by second; a wild index until five minutes have passed.
    let spans = [6..=35, 151..=180, 201..=230, PRESSED..=590, 701..=701, 1_001..=1_001];
    assert_eq!(due, spans.into_iter().flatten().collect::<Vec<_>>());
}
