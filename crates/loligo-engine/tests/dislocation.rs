//! Books far from their index, and an index that moves far in little time (rules 1.12). PF_XBTUSD with index and mark
//! pinned at 50,000: dislocated above 52,500 and below 47,500, until the impact mid is within 52,000 and 48,000.

mod fixture;

use fixture::{Desk, ask, bid, immediate, reduce_only};
use loligo_engine::{
    Command, Dislocation, Event, Fine, FinePrice, InstrumentId, InstrumentSpec, Money, OrderError, OrderId,
    Outcome, PairId, QtyMode,
};

const BTC: i64 = 10_000;
const SECOND: i64 = 1_000_000;

/// Bob quotes 1 BTC on both sides.
fn quotes(desk: &mut Desk, low: i64, high: i64) -> [OrderId; 2] {
    [desk.placed(desk.bob, bid(BTC, low)), desk.placed(desk.bob, ask(BTC, high))]
}

/// Instead of the quotes before.
fn requotes(desk: &mut Desk, before: [OrderId; 2], low: i64, high: i64) -> [OrderId; 2] {
    for order in before {
        assert_eq!(desk.cancel(desk.bob, order), Outcome::Cancelled(order));
    }
    quotes(desk, low, high)
}

fn multiplier(desk: &Desk) -> u32 {
    desk.exchange.market(InstrumentId(0)).expect("listed").margin_multiplier
}

/// The index from now on, and a second of it.
fn index(desk: &mut Desk, whole: i128) {
    let price = Some(FinePrice(whole * 10_i128.pow(18)));
    desk.done(&Command::PinIndex { pair: PairId(0), price });
    desk.wait(SECOND);
}

fn dislocation(desk: &Desk) -> Option<Dislocation> {
    desk.exchange.market(InstrumentId(0)).expect("listed").dislocation
}

#[test]
fn a_dislocated_market_is_not_traded_further_away_from_its_index() {
    // Quotes, and what immediate orders at them come to.
    let further = Some(OrderError::PriceDislocation);
    let rows = [
        ((52_494, 52_506), None, None, None),
        ((52_495, 52_507), Some(Dislocation::Above), further, None),
        ((53_000, 53_010), Some(Dislocation::Above), further, None),
        ((47_494, 47_506), None, None, None),
        ((47_493, 47_505), Some(Dislocation::Below), None, further),
        ((46_990, 47_000), Some(Dislocation::Below), None, further),
    ];
    for ((low, high), side, buying, selling) in rows {
        for (order, want) in [(bid(BTC / 10, high), buying), (ask(BTC / 10, low), selling)] {
            let mut desk = Desk::listed();
            quotes(&mut desk, low, high);
            let case = format!("{:?} against {low} / {high}", order.side);
            assert_eq!(dislocation(&desk), side, "{case}");
            match (desk.place(desk.alice, immediate(order)), want) {
                (Outcome::Rejected(_, error), Some(want)) => assert_eq!(error, want, "{case}"),
                (Outcome::Placed(_), None) => {}
                (outcome, _) => panic!("{case}: {outcome:?}"),
            }
        }
    }
}

#[test]
fn only_what_would_trade_beyond_the_bound_is_refused() {
    let mut desk = Desk::listed();
    desk.placed(desk.alice, ask(BTC / 10, 50_000));
    desk.placed(desk.carol, bid(BTC / 10, 50_000));
    let [low, _] = quotes(&mut desk, 53_000, 53_010);
    assert_eq!(dislocation(&desk), Some(Dislocation::Above));
    // Alice is short: what closes her position passes when it says so.
    assert_eq!(desk.refused(desk.alice, bid(BTC / 10, 53_010)), OrderError::PriceDislocation);
    desk.placed(desk.alice, reduce_only(bid(BTC / 20, 53_010)));
    // What rests trades nothing.
    let resting = desk.placed(desk.alice, bid(BTC / 10, 53_005));
    let edited = desk.edit(desk.alice, resting, Some(53_010), None, QtyMode::Relative);
    assert_eq!(edited, Outcome::EditRejected(Some(resting), OrderError::PriceDislocation));
    desk.cancel(desk.alice, resting);
    // An ask within the bound is taken, but nothing behind it.
    desk.cancel(desk.bob, low);
    desk.placed(desk.bob, bid(BTC, 52_400));
    desk.placed(desk.bob, ask(BTC / 20, 52_500));
    assert_eq!(desk.refused(desk.carol, bid(BTC / 10, 53_010)), OrderError::PriceDislocation);
    desk.placed(desk.carol, bid(BTC / 20, 53_010));
}

#[test]
fn a_dislocation_ends_one_per_cent_nearer_than_it_began() {
    let mut desk = Desk::listed();
    // Never further than 52,250: not dislocated.
    let orders = quotes(&mut desk, 52_240, 52_260);
    assert_eq!(dislocation(&desk), None);
    let orders = requotes(&mut desk, orders, 53_000, 53_010);
    desk.wait(SECOND);
    let orders = requotes(&mut desk, orders, 52_240, 52_260);
    desk.wait(SECOND);
    assert_eq!(dislocation(&desk), Some(Dislocation::Above), "above 52,000 still");
    requotes(&mut desk, orders, 51_990, 52_010);
    desk.wait(SECOND);
    assert_eq!(dislocation(&desk), None);
}

#[test]
fn new_initial_margin_doubles_while_the_index_moves_far_in_five_minutes() {
    let mut desk = Desk::listed();
    desk.wait(SECOND);
    index(&mut desk, 55_000);
    assert_eq!(multiplier(&desk), 1, "10% are not more than 10%");
    index(&mut desk, 55_001);
    assert_eq!(multiplier(&desk), 2);

    // 490 twice, and a fee of 24.50; held are 490.
    let (side, qty, limit) =
        (loligo_engine::Side::Buy, loligo_engine::Qty(BTC), loligo_engine::Price(49_000));
    let quote = desk.exchange.initial_margin_of(desk.alice, InstrumentId(0), side, qty, Some(limit));
    assert_eq!(
        quote.expect("linear").initial_margin,
        Fine(980 * 10_i128.pow(24)),
        "and so it is told before"
    );
    desk.holds(desk.alice, 1_004 * Money::ONE);
    assert_eq!(desk.refused(desk.alice, bid(BTC, 49_000)), OrderError::InsufficientMargin);
    desk.holds(desk.alice, 1_005 * Money::ONE);
    desk.placed(desk.alice, bid(BTC, 49_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, Fine(490 * 10_i128.pow(24)));

    index(&mut desk, 52_500);
    assert_eq!(multiplier(&desk), 2, "5% is not below 5%");
    index(&mut desk, 52_499);
    assert_eq!(multiplier(&desk), 1);

    // Once the move is five minutes old nothing has moved since.
    index(&mut desk, 58_000);
    assert_eq!(multiplier(&desk), 2);
    desk.wait(299 * SECOND);
    assert_eq!(multiplier(&desk), 2);
    desk.wait(2 * SECOND);
    assert_eq!(multiplier(&desk), 1);
}

#[test]
fn a_move_counts_from_anything_the_index_was_in_the_five_minutes() {
    let mut desk = Desk::listed();
    // 4% up, then 10.6% down: 7% from where it was five minutes ago.
    for (whole, want) in [(50_000, 1), (52_000, 1), (46_500, 2), (49_500, 2), (50_000, 2)] {
        index(&mut desk, whole);
        assert_eq!(multiplier(&desk), want, "{whole}");
    }
    // 7.5% from the lowest, until that is five minutes old; 1% from what followed it.
    desk.wait(297 * SECOND);
    assert_eq!(multiplier(&desk), 2);
    desk.wait(2 * SECOND);
    assert_eq!(multiplier(&desk), 1);
}

#[test]
fn a_jump_of_time_leaves_the_mark_of_a_dated_contract_where_passing_time_would() {
    const DAY: i64 = 86_400 * SECOND;
    // The cap is 10% at 100 days. 9.98% above its index: beyond it after five hours. Or from the beginning.
    for quote in [54_990, 57_500] {
        let open = || {
            let mut desk = Desk::listed();
            let spec = desk.exchange.instrument(InstrumentId(0)).expect("the first").spec().clone();
            let expiry = Some(desk.exchange.now().plus(100 * DAY));
            let spec = InstrumentSpec { symbol: "FF_XBTUSD_1".into(), expiry, ..spec };
            let listed = desk.apply(&Command::List(Box::new(spec)));
            let Outcome::Listed(dated) = listed else { panic!("{listed:?}") };
            desk.second_again(dated);
            desk.placed(desk.bob, bid(BTC, quote - 5));
            desk.placed(desk.bob, ask(BTC, quote + 5));
            desk.wait(60 * SECOND);
            (desk, dated)
        };
        let ((mut jumped, dated), (mut walked, _)) = (open(), open());
        jumped.wait(DAY + 17 * SECOND);
        // Never more than what no jump skips.
        for _ in 0..288 {
            walked.wait(300 * SECOND);
        }
        walked.wait(17 * SECOND);
        let mark = |desk: &Desk| desk.exchange.market(dated).expect("listed").mark;
        assert_eq!(mark(&jumped), mark(&walked), "{quote}");
        assert_eq!(jumped.exchange.state_hash(), walked.exchange.state_hash());
        // And on the way its mark has been told, hour by hour.
        let told = |event: &&Event| matches!(event, Event::Mark { instrument, .. } if *instrument == dated);
        assert!(jumped.events().iter().filter(told).count() >= 18, "{quote}");
    }
}
