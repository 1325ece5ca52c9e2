mod present;

use super::*;
use loligo_engine::{ContractKind, Currency, InstrumentSpec, MarginLevel, Price, Qty, Side};
use std::collections::BTreeMap;

/// 2026-01-20T19:15:42.5Z.
const GENESIS: Timestamp = Timestamp(1_768_936_542_500_000);
const HOUR: i64 = 60 * MINUTE;
const DAY_MICROS: i64 = DAY * MINUTE;
const ONE: i128 = 10_i128.pow(18);

const XBT: PairId = PairId(0);
const PERPETUAL: InstrumentId = InstrumentId(0);
const INVERSE: InstrumentId = InstrumentId(1);
const DATED: InstrumentId = InstrumentId(2);
const TINY: InstrumentId = InstrumentId(3);

fn spec(symbol: &str, pair: &str, kind: ContractKind, tick: (u32, u8), lot_precision: i8) -> InstrumentSpec {
    InstrumentSpec {
        symbol: symbol.into(),
        kind,
        pair: pair.into(),
        base: Currency::parse("BTC").unwrap(),
        quote: Currency::USD,
        tick_mantissa: tick.0,
        tick_scale: tick.1,
        lot_precision,
        max_position: Qty(12_000_000),
        impact_mid_size: Qty(1_000),
        margin_levels: vec![MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }],
        opening: Timestamp(0),
        expiry: None,
        funding_rate_coefficient: 8,
        max_relative_funding_rate: 500_000,
        min_relative_funding_rate: None,
    }
}

/// A perpetual, an inverse one, a dated one on the same pair, and one of a coin that is worth next to nothing.
fn instruments() -> Vec<Instrument> {
    let perpetual = spec("PF_XBTUSD", "XBT:USD", ContractKind::Linear, (1, 0), 4);
    let inverse = spec("PI_XBTUSD", "XBT:USD", ContractKind::Inverse, (5, 1), 0);
    let expiry = Some(Timestamp(GENESIS.0 + 66 * DAY_MICROS));
    let dated = InstrumentSpec { symbol: "FF_XBTUSD_260327".into(), expiry, ..perpetual.clone() };
    let tiny = spec("PF_PEPEUSD", "PEPE:USD", ContractKind::Linear, (1, 10), -3);
    let listed = [(perpetual, XBT), (inverse, XBT), (dated, XBT), (tiny, PairId(1))];
    listed.into_iter().map(|(spec, pair)| Instrument::new(spec, pair).unwrap()).collect()
}

const ANCHORS: [FinePrice; 2] = [FinePrice(80_000 * ONE), FinePrice(ONE / 100_000)];

fn listing() -> Listing {
    let indexes = ["XBT:USD", "PEPE:USD"].map(str::to_owned).into_iter().zip(ANCHORS).collect();
    let instruments = instruments().iter().map(|listed| listed.spec().clone()).collect();
    Listing { instruments, indexes, rolls: Vec::new() }
}

fn past(seed: u64, days: u32) -> Past {
    Past::new(seed, GENESIS, days, &listing())
}

/// What the genesis says of a contract.
fn figures(past: &Past, id: InstrumentId) -> MarketPast {
    past.figures().into_iter().find(|figures| figures.instrument == id).unwrap()
}

fn last(past: &Past, id: InstrumentId) -> Price {
    figures(past, id).last.price
}

fn every_series() -> Vec<Series> {
    let contracts = [PERPETUAL, INVERSE, DATED, TINY];
    let both = contracts.into_iter().flat_map(|id| [Series::Trade(id), Series::Mark(id)]);
    both.chain([Series::Spot(XBT), Series::Spot(PairId(1))]).collect()
}

fn all(past: &Past, series: Series, resolution: Resolution) -> Vec<Candle> {
    past.candles(series, resolution, Timestamp(i64::MIN), Timestamp(i64::MAX))
}

#[test]
fn the_last_candle_meets_the_first_real_price() {
    for seed in 0..20 {
        let past = past(seed, 2);
        for resolution in Resolution::ALL {
            let close = |series| all(&past, series, resolution).pop().unwrap().close;
            assert_eq!(close(Series::Spot(XBT)), ANCHORS[0]);
            assert_eq!(close(Series::Spot(PairId(1))), ANCHORS[1]);
            for (id, instrument) in [PERPETUAL, INVERSE, DATED, TINY].into_iter().zip(instruments()) {
                assert_eq!(close(Series::Mark(id)), past.mark(id).unwrap());
                assert_eq!(close(Series::Trade(id)), instrument.fine_price(last(&past, id)));
            }
        }
        // A perpetual begins at the index, a dated contract above it, as the house quotes it: 4% a year.
        assert_eq!(past.mark(PERPETUAL), Some(ANCHORS[0]));
        assert_eq!(last(&past, PERPETUAL), Price(80_000));
        assert_eq!(last(&past, INVERSE), Price(160_000));
        assert_eq!(last(&past, DATED), Price(80_578));
    }
}

#[test]
fn the_past_begins_at_midnight_and_ends_with_the_last_full_minute() {
    let past = past(1, 30);
    assert_eq!(past.begins().0 % DAY_MICROS, 0);
    assert_eq!(past.ends().0, GENESIS.0 / MINUTE * MINUTE);
    let days = all(&past, Series::Spot(XBT), Resolution::OneDay);
    assert_eq!(days.len(), 31, "thirty days and what there was of the day of genesis");
    let minutes = all(&past, Series::Trade(PERPETUAL), Resolution::OneMinute);
    assert_eq!(minutes.first().map(|candle| candle.opened), Some(past.begins()));
    assert_eq!(minutes.last().map(|candle| candle.opened.0), Some(past.ends().0 - MINUTE));
    assert_eq!(minutes.len() as i64, (past.ends().0 - past.begins().0) / MINUTE, "no minute is missing");
    // Whoever asks for more days than there may be gets those.
    let longest = Past::new(1, GENESIS, u32::MAX, &listing());
    assert_eq!(days_of(&longest), i64::from(MOST_DAYS));
}

fn days_of(past: &Past) -> i64 {
    (Resolution::OneDay.opening(past.ends()).0 - past.begins().0) / DAY_MICROS
}

#[test]
fn a_candle_of_any_length_is_the_fold_of_its_minutes() {
    let past = past(3, 9);
    for series in every_series() {
        let minutes = all(&past, series, Resolution::OneMinute);
        for resolution in Resolution::ALL {
            let mut folded: BTreeMap<Timestamp, Candle> = BTreeMap::new();
            for minute in &minutes {
                let opened = resolution.opening(minute.opened);
                let first = Candle { opened, ..*minute };
                folded.entry(opened).and_modify(|candle| candle.fold(minute)).or_insert(first);
            }
            let begins = resolution.opening(past.begins());
            let made = past.candles(series, resolution, begins, past.ends());
            assert_eq!(made, folded.into_values().collect::<Vec<_>>(), "{series:?} {resolution:?}");
        }
    }
}

#[test]
fn a_range_holds_the_candles_that_open_in_it() {
    let past = past(3, 2);
    let series = Series::Mark(DATED);
    let whole = all(&past, series, Resolution::FiveMinutes);
    let range = |from: usize, to: usize, off: i64| {
        let (from, to) = (whole[from].opened.0 + off, whole[to].opened.0 + off);
        past.candles(series, Resolution::FiveMinutes, Timestamp(from), Timestamp(to))
    };
    assert_eq!(range(10, 20, 0), whole[10..=20]);
    assert_eq!(range(10, 20, 1), whole[11..=20], "from a microsecond on, the next is the first");
    assert_eq!(range(10, 20, -1), whole[10..20]);
    assert_eq!(range(20, 10, 0), []);
    assert_eq!(past.candles(series, Resolution::OneDay, Timestamp(past.ends().0 + 1), GENESIS), []);
}

#[test]
fn highs_lows_and_volumes_make_sense() {
    let past = past(4, 5);
    for series in every_series() {
        for candle in all(&past, series, Resolution::OneMinute) {
            assert!(candle.low.0 > 0 && candle.low <= candle.open.min(candle.close), "{series:?} {candle:?}");
            assert!(candle.high >= candle.open.max(candle.close), "{series:?} {candle:?}");
            assert_eq!(candle.volume > 0, matches!(series, Series::Trade(_)), "{series:?}");
        }
    }
}

#[test]
fn mark_trades_and_index_stay_near_each_other() {
    let past = past(5, 30);
    let closes =
        |series| all(&past, series, Resolution::FiveMinutes).into_iter().map(|candle| candle.close.0);
    // In hundredths of a basis point: a premium is a fraction of one, and a spread of a tick or two.
    for (id, least, most) in [(PERPETUAL, -350, 350), (INVERSE, -350, 350), (DATED, 6_800, 11_000)] {
        let spots: Vec<i128> = closes(Series::Spot(XBT)).collect();
        for (mark, spot) in closes(Series::Mark(id)).zip(&spots) {
            let apart = (mark - spot) * 1_000_000 / spot;
            assert!((least..=most).contains(&apart), "mark of {id:?}: {apart}");
        }
        for (last, mark) in closes(Series::Trade(id)).zip(closes(Series::Mark(id))) {
            let apart = (last - mark) * 1_000_000 / mark;
            assert!((-50..=50).contains(&apart), "trades of {id:?}: {apart}");
        }
    }
    // Farther from its expiry a contract is worth more over the index.
    let apart: Vec<i128> = closes(Series::Mark(DATED))
        .zip(closes(Series::Spot(XBT)))
        .map(|(mark, spot)| (mark - spot) * 1_000_000 / spot)
        .collect();
    let mean = |part: &[i128]| part.iter().sum::<i128>() / part.len() as i128;
    assert!(mean(&apart[..288]) > mean(&apart[apart.len() - 288..]) + 2_500);
}

#[test]
fn a_minute_is_the_fold_of_its_trades() {
    let past = past(6, 1);
    for (id, instrument) in [PERPETUAL, INVERSE, DATED, TINY].into_iter().zip(instruments()) {
        let from = Timestamp(past.ends().0 - 300 * MINUTE);
        let minutes = past.candles(Series::Trade(id), Resolution::OneMinute, from, past.ends());
        assert_eq!(minutes.len(), 300);
        for minute in minutes {
            let trades = past.trades(id, minute.opened, minute.opened);
            assert!((16..=24).contains(&trades.len()));
            assert!(trades.windows(2).all(|pair| pair[0].at < pair[1].at));
            assert!(trades.iter().all(|trade| trade.qty.0 > 0));
            assert_eq!(Resolution::OneMinute.opening(trades[trades.len() - 1].at), minute.opened);
            let mut folded = Candle::flat(minute.opened, instrument.fine_price(trades[0].price));
            for trade in &trades {
                folded.tick(instrument.fine_price(trade.price), trade.qty.0);
            }
            assert_eq!(folded, minute);
        }
    }
}

#[test]
fn the_newest_trades_end_with_the_last_price() {
    let past = past(7, 30);
    for id in [PERPETUAL, INVERSE, DATED, TINY] {
        let trades = past.newest_trades(id);
        assert_eq!(trades.len(), EXECUTIONS);
        assert_eq!(trades.last().map(|trade| trade.price), Some(last(&past, id)));
        assert!(trades.windows(2).all(|pair| pair[0].at < pair[1].at));
        assert!(trades.iter().all(|trade| trade.at < past.ends()));
        assert!([Side::Buy, Side::Sell].iter().all(|side| trades.iter().any(|trade| trade.side == *side)));
    }
}

#[test]
fn every_hour_with_an_hour_behind_it_has_a_rate() {
    let past = past(8, 30);
    let rates = past.rates(PERPETUAL);
    assert_eq!(rates.len(), 30 * 24 + 19, "all but the first, up to the hour of genesis");
    assert_eq!(rates[0].hour.0, past.begins().0 + HOUR);
    assert!(rates.windows(2).all(|pair| pair[1].hour.0 - pair[0].hour.0 == HOUR));
    let marks = all(&past, Series::Mark(PERPETUAL), Resolution::OneHour);
    let spots = all(&past, Series::Spot(XBT), Resolution::OneHour);
    for (at, rate) in rates.iter().enumerate() {
        // The premium of the hour before over eight, and that of the index when the hour began.
        let premium = (marks[at].open.0 - spots[at].open.0) * 10_i128.pow(15) / (spots[at].open.0 / 1_000);
        assert!((rate.relative * 8 - premium).abs() < 10_i128.pow(10), "{at}: {rate:?} of {premium}");
        let absolute = rate.relative * (spots[at + 1].open.0 / 10_i128.pow(9)) / 10_i128.pow(9);
        assert!((rate.absolute - absolute).abs() <= 1, "{at}: {rate:?}");
        assert!(rate.relative.abs() < ONE / 20_000, "half a basis point an hour would be much");
    }
    assert!(rates.iter().any(|rate| rate.relative > 0) && rates.iter().any(|rate| rate.relative < 0));

    let inverse = past.rates(INVERSE);
    for (rate, spot) in inverse.iter().zip(&spots[1..]) {
        let off = rate.absolute * spot.open.0 - rate.relative * ONE;
        assert!(off.abs() * 2 <= spot.open.0, "{rate:?} at {spot:?}");
    }
    assert_eq!(past.rates(DATED), [], "a dated contract has no funding");
}

#[test]
fn a_rate_is_clamped_to_what_the_contract_allows() {
    let mut listing = listing();
    listing.instruments[0].max_relative_funding_rate = 10;
    let rates = Past::new(8, GENESIS, 30, &listing).rates(PERPETUAL);
    let most = ONE / 10_i128.pow(7);
    assert!(rates.iter().all(|rate| rate.relative.abs() <= most));
    assert!(
        rates.iter().any(|rate| rate.relative == most) && rates.iter().any(|rate| rate.relative == -most)
    );
}

#[test]
fn a_venue_that_begins_at_a_full_hour_has_a_rate_for_it() {
    let genesis = Timestamp(1_767_225_600_000_000);
    let past = Past::new(1, genesis, 1, &listing());
    assert_eq!(past.ends(), genesis);
    let rates = past.rates(PERPETUAL);
    assert_eq!(rates.len(), 24);
    assert_eq!(
        rates.last().map(|rate| (rate.hour, rate.relative)),
        Some((genesis, 0)),
        "no premium at the end"
    );
    assert_eq!(all(&past, Series::Spot(XBT), Resolution::OneDay).len(), 1);
}

#[test]
fn what_was_listed_later_has_no_past() {
    let past = past(1, 2);
    let later = InstrumentId(4);
    assert_eq!(all(&past, Series::Trade(later), Resolution::OneHour), []);
    assert_eq!(all(&past, Series::Mark(later), Resolution::OneHour), []);
    assert_eq!(all(&past, Series::Spot(PairId(2)), Resolution::OneHour), []);
    assert_eq!((past.stood(Series::Trade(later)), past.mark(later)), (None, None));
    assert_eq!((past.newest_trades(later), past.rates(later)), (vec![], vec![]));
}

#[test]
fn a_past_of_no_days_is_what_there_was_of_today() {
    let past = past(1, 0);
    assert_eq!(days_of(&past), 0);
    assert_eq!(all(&past, Series::Spot(XBT), Resolution::OneDay).len(), 1);
    assert_eq!(past.newest_trades(PERPETUAL).len(), EXECUTIONS);
}

#[test]
fn candles_cost_their_hours_not_their_minutes() {
    let past = past(9, 30);
    let cost = |resolution: Resolution, from: Timestamp, to: Timestamp| {
        past.fold(Series::Trade(PERPETUAL), resolution, from, to, &mut Vec::new())
    };
    let at = |days: i64| Timestamp(past.begins().0 + days * DAY_MICROS);
    assert_eq!(
        cost(Resolution::OneDay, at(3), at(3)),
        1 + 2 + 6 + 24,
        "a day, its halves, thirds of those, hours"
    );
    assert_eq!(cost(Resolution::OneHour, at(3), at(3)), 1 + 2 + 3 + 4);
    let last_page = Timestamp(past.ends().0 - 2_000 * MINUTE);
    assert!(cost(Resolution::OneMinute, last_page, past.ends()) < 2_000 * 3 / 2);
    let everything = cost(Resolution::OneDay, at(0), past.ends());
    assert!(everything < 31 * 40, "thirty days by the day: {everything}");
}

#[test]
fn the_same_seed_has_the_same_past_for_good() {
    let past = past(1, 30);
    let candle = |series, resolution: Resolution, hours_ago: i64| {
        let opened = resolution.opening(Timestamp(past.ends().0 - hours_ago * HOUR));
        let candle = past.candles(series, resolution, opened, opened)[0];
        let [open, high, low, close] =
            [candle.open, candle.high, candle.low, candle.close].map(|price| price.0);
        assert!([open, high, low, close].iter().all(|price| price % 100_000 == 0), "an exact price");
        ([open, high, low, close].map(|price| price / 100_000), candle.volume)
    };
    let minute = Resolution::OneMinute;
    for (found, prices, volume) in [
        (
            candle(Series::Spot(XBT), minute, 1),
            [802_400_700, 802_551_200, 802_247_400, 802_479_200].map(|price| price * 1_000_000_000),
            0,
        ),
        (
            candle(Series::Trade(PERPETUAL), minute, 1),
            [80_239, 80_258, 80_224, 80_251].map(|price| price * 10_000_000_000_000),
            80_489,
        ),
        (
            candle(Series::Mark(DATED), minute, 1),
            [
                808_188_426_081_780_000,
                808_340_011_640_120_000,
                808_034_020_327_000_000,
                808_267_492_303_240_000,
            ],
            0,
        ),
        (
            candle(Series::Trade(INVERSE), Resolution::OneHour, 100),
            [800_620, 801_285, 797_990, 800_750].map(|price| price * 1_000_000_000_000),
            44_162_880,
        ),
        (
            candle(Series::Trade(TINY), Resolution::OneDay, 500),
            [98_726, 99_409, 98_566, 99_327].map(|price| price * 1_000),
            1_654_787_760,
        ),
        (
            candle(Series::Mark(PERPETUAL), Resolution::OneWeek, 500),
            [
                798_482_657_525_510_000,
                839_265_949_774_010_000,
                776_018_567_663_400_000,
                817_091_588_400_190_000,
            ],
            0,
        ),
    ] {
        assert_eq!(found, (prices, volume));
    }
}

#[test]
fn what_has_no_price_or_is_not_open_yet_at_genesis_has_no_past_and_moves_nobody_elses() {
    let mut other = listing();
    other.instruments[INVERSE.0 as usize].opening = Timestamp(GENESIS.0 + 1);
    other.indexes.pop();
    let (whole, part) = (past(1, 2), Past::new(1, GENESIS, 2, &other));
    assert!(
        !part.covers(Series::Trade(INVERSE))
            && !part.covers(Series::Mark(TINY))
            && !part.covers(Series::Spot(PairId(1)))
    );
    let told: Vec<InstrumentId> = part.figures().iter().map(|figures| figures.instrument).collect();
    assert_eq!(told, [PERPETUAL, DATED]);
    for series in [Series::Trade(DATED), Series::Mark(DATED), Series::Spot(XBT)] {
        let hour = Resolution::OneHour;
        assert_eq!(all(&part, series, hour), all(&whole, series, hour));
    }
}
