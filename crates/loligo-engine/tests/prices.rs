//! Index, impact mid, premium and mark (rules 4.5), figure by figure.

mod fixture;

use fixture::{Desk, ask, bid};
use loligo_engine::{
    Command, Exchange, FinePrice, InstrumentId, InstrumentSpec, MarketState, OrderId, Outcome, PairId,
    PlaceOrder, Refusal, Timestamp,
};

const SECOND: i64 = Timestamp::SECOND;
const DAY: i64 = 86_400 * SECOND;
const FIRST: InstrumentId = InstrumentId(0);
const DATED: InstrumentId = InstrumentId(2);
const ONE: i128 = 10_i128.pow(18);

/// A desk whose perpetual is marked by its formula, over so many seconds.
fn smoothed(seconds: u8) -> Desk {
    let mut desk = Desk::open();
    desk.done(&Command::PinMark { instrument: FIRST, price: None });
    desk.done(&Command::SetMarkSmoothing { seconds });
    desk
}

fn mark(desk: &Desk, id: InstrumentId) -> i128 {
    desk.exchange.market(id).expect("listed").mark.expect("marked").0
}

fn state(desk: &Desk) -> MarketState {
    desk.exchange.market(FIRST).expect("listed").state
}

fn index(desk: &mut Desk, price: i128) {
    desk.done(&Command::PinIndex { pair: PairId(0), price: Some(FinePrice(price)) });
}

/// Carol quotes the impact size (800 lots) on either side.
fn quote(desk: &mut Desk, bid_at: i64, ask_at: i64) -> [OrderId; 2] {
    [bid(800, bid_at), ask(800, ask_at)].map(|order: PlaceOrder| desk.placed(desk.carol, order))
}

#[test]
fn the_impact_mid_is_the_mean_of_what_buying_and_selling_the_impact_size_costs() {
    let mut desk = smoothed(0);
    for order in [bid(300, 49_990), bid(10_000, 49_980), ask(100, 50_020), ask(10_000, 50_030)] {
        desk.placed(desk.carol, order);
    }
    assert_eq!(mark(&desk, FIRST), 50_000 * ONE, "a mark moves at a sample alone");
    desk.wait(SECOND - 1);
    assert_eq!(mark(&desk, FIRST), 50_000 * ONE);
    desk.wait(1);
    // Selling: (300 x 49,990 + 500 x 49,980) / 800 = 49,983.75; buying: (100 x 50,020 + 700 x 50,030) / 800 = 50,028.75.
    assert_eq!(mark(&desk, FIRST), 50_006 * ONE + ONE / 4);
}

#[test]
fn a_perpetuals_premium_counts_up_to_one_per_cent() {
    for (bid_at, ask_at, want) in [
        (50_490, 50_500, 50_495),
        (50_495, 50_505, 50_500),
        (51_900, 52_000, 50_500),
        (49_490, 49_510, 49_500),
        (48_000, 48_100, 49_500),
    ] {
        let mut desk = smoothed(0);
        quote(&mut desk, bid_at, ask_at);
        desk.wait(SECOND);
        assert_eq!(mark(&desk, FIRST), want * ONE, "{bid_at} to {ask_at}");
    }
}

#[test]
fn a_dated_premium_counts_up_to_one_per_cent_a_day_before_its_end_and_twenty_at_210_days() {
    // Hours to go at the sample, and the cap in hundredths of a per cent: 1% + 19% x (days - 1) / 209.
    for (hours, cap) in [(12, 100), (24, 100), (105 * 24 + 12, 1_050), (210 * 24, 2_000), (300 * 24, 2_000)] {
        for sign in [1, -1] {
            let mut desk = smoothed(0);
            let spec = desk.exchange.instrument(FIRST).expect("listed").spec().clone();
            let expiry = Timestamp(SECOND + hours * DAY / 24);
            let spec = InstrumentSpec { symbol: "FF_XBTUSD_DATED".into(), expiry: Some(expiry), ..spec };
            assert_eq!(desk.apply(&Command::List(Box::new(spec))), Outcome::Listed(DATED));
            desk.second_again(DATED);
            let far = 50_000 + sign * 15_000;
            quote(&mut desk, far - 10, far + 10);
            desk.wait(SECOND);
            let want = 50_000 * ONE + i128::from(sign) * 5 * cap * ONE;
            assert_eq!(mark(&desk, DATED), want, "{hours} hours to go");
        }
    }
}

#[test]
fn a_mark_has_fourteen_significant_digits_half_to_even() {
    let index_at = 123_456_789_012_345_678_901;
    let mut desk = smoothed(0);
    index(&mut desk, index_at);
    quote(&mut desk, 123, 125);
    desk.wait(SECOND);
    let half_even = |a: i128, b: i128| {
        let (whole, rest) = (a.div_euclid(b), a.rem_euclid(b));
        whole + i128::from(2 * rest > b || (2 * rest == b && whole % 2 == 1))
    };
    let premium = half_even((124 * ONE - index_at) * ONE, index_at);
    let exact = half_even(index_at * (ONE + premium), ONE);
    // Three digits stand before the point, so eleven are left behind it.
    let want = half_even(exact, 10_i128.pow(7)) * 10_i128.pow(7);
    assert_eq!((mark(&desk, FIRST), want % 10_i128.pow(7)), (want, 0));
    assert_ne!(exact, want, "there was something to round");
}

#[test]
fn a_premium_is_averaged_over_the_seconds_that_the_operator_sets() {
    // Over so many seconds, after so many of a premium of 0.4%: marks in nanodollars, at fourteen digits.
    for (seconds, after, want) in [
        (30, 1, 50_006_666_666_667),
        (30, 15, 50_100_000_000_000),
        (30, 29, 50_193_333_333_333),
        (30, 30, 50_200_000_000_000),
        (10, 1, 50_020_000_000_000),
        (10, 10, 50_200_000_000_000),
        (1, 1, 50_200_000_000_000),
        (0, 1, 50_200_000_000_000),
    ] {
        let mut desk = smoothed(seconds);
        // Nobody quotes: premiums of nothing.
        desk.wait(60 * SECOND);
        quote(&mut desk, 50_190, 50_210);
        desk.wait(after * SECOND);
        assert_eq!(mark(&desk, FIRST), want * 10_i128.pow(9), "{after} s of {seconds}");
    }
}

#[test]
fn smoothing_is_changed_in_the_midst_and_lasts() {
    let mut desk = smoothed(30);
    desk.wait(60 * SECOND);
    quote(&mut desk, 50_190, 50_210);
    desk.wait(3 * SECOND);
    assert_eq!(mark(&desk, FIRST), 50_020 * ONE);
    desk.done(&Command::SetMarkSmoothing { seconds: 2 });
    assert_eq!(mark(&desk, FIRST), 50_020 * ONE, "until the next sample");
    let read = loligo_engine::Exchange::decode(&desk.exchange.encode()).expect("a state");
    assert_eq!((read.mark_smoothing(), read.state_hash()), (2, desk.exchange.state_hash()));
    desk.exchange = read;
    desk.wait(SECOND);
    assert_eq!(mark(&desk, FIRST), 50_200 * ONE);
    let long = desk.apply(&Command::SetMarkSmoothing { seconds: 31 });
    assert_eq!(long, Outcome::Refused(Refusal::SmoothingTooLong));
    assert_eq!(desk.exchange.mark_smoothing(), 2);
    // What is listed later is smoothed alike.
    let second = desk.second();
    desk.wait(10 * SECOND);
    quote(&mut desk, 50_190, 50_210);
    desk.wait(SECOND);
    assert_eq!(mark(&desk, second), 50_100 * ONE);
}

#[test]
fn a_side_that_is_too_thin_keeps_the_last_good_premium_for_sixty_seconds_and_then_has_none() {
    for step in [SECOND, 60 * SECOND] {
        let mut desk = smoothed(0);
        let [_, ask] = quote(&mut desk, 50_190, 50_210);
        desk.wait(SECOND);
        desk.cancel(desk.carol, ask);
        // Less than the impact size is too thin.
        desk.placed(desk.carol, fixture::ask(799, 50_400));
        for _ in 0..60 * SECOND / step {
            desk.wait(step);
            assert_eq!(mark(&desk, FIRST), 50_200 * ONE);
        }
        desk.wait(SECOND);
        assert_eq!(mark(&desk, FIRST), 50_000 * ONE);
    }
}

#[test]
fn an_index_is_too_old_after_ten_seconds_unless_it_is_pinned_or_a_constant() {
    let mut desk = smoothed(0);
    desk.wait(DAY);
    assert_eq!(state(&desk), MarketState::Open, "pinned");
    desk.done(&Command::PinIndex { pair: PairId(0), price: None });
    desk.wait(DAY);
    assert_eq!(state(&desk), MarketState::Open, "a constant, of which no source ever spoke");
    desk.publish(50_000);
    desk.wait(10 * SECOND);
    assert_eq!(state(&desk), MarketState::Open, "ten seconds old");
    desk.wait(1);
    assert_eq!(state(&desk), MarketState::Suspended);
    desk.publish(50_001);
    assert_eq!(state(&desk), MarketState::Open);
}

#[test]
fn before_the_first_trade_there_is_no_last_and_the_mark_is_the_index() {
    let mut desk = smoothed(0);
    let market = desk.exchange.market(FIRST).expect("listed");
    assert_eq!((market.last, market.mark), (None, market.index));
    desk.wait(SECOND);
    index(&mut desk, 51_000 * ONE);
    desk.wait(SECOND);
    assert_eq!(mark(&desk, FIRST), 51_000 * ONE);
}

#[test]
fn a_premium_takes_a_mark_beyond_what_may_be_set_and_it_is_read_back() {
    // The greatest position of 1,200 BTC is worth 10^12 at most; that of 75,000,000 USD is as many BTC at 0.000075 USD.
    let (linear, inverse) = (FIRST, InstrumentId(1));
    for (contract, book, index_at, mark_at) in [
        (linear, [50_600, 50_610], 800_000_000 * ONE, 808_000_000 * ONE),
        (linear, [50_600, 50_610], 833_333_333 * ONE, 84_166_666_633 * ONE / 100),
        (inverse, [98_000, 98_020], 75 * ONE / 1_000_000, 7_425 * ONE / 100_000_000),
    ] {
        let mut desk = smoothed(0);
        if contract == inverse {
            desk.second_again(inverse);
        }
        for order in [bid(1_000, book[0]), ask(1_000, book[1])] {
            desk.placed(desk.carol, order);
        }
        desk.wait(SECOND);
        index(&mut desk, index_at);
        assert_eq!(mark(&desk, contract), mark_at);
        let restored = Exchange::decode(&desk.exchange.encode()).map(|exchange| exchange.state_hash());
        assert_eq!(restored, Ok(desk.exchange.state_hash()), "at {index_at}");
    }
}
