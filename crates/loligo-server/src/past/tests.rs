use super::*;
use crate::projection::{Applied, Cut, Follower as _, Markets, Page};
use loligo_engine::{
    AccountId, Command, ContractKind, CreateAccount, Currency, Deposit, Exchange, Fine, Genesis,
    InstrumentSpec, Limits, MarginLevel, Money, OnGrid, OrderType, Outcome, PlaceOrder, Price, Qty, Side,
    Wallet,
};
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
fn the_figures_of_a_day_are_the_fold_of_the_24_newest_hours() {
    for (seed, genesis) in
        [(1, GENESIS), (2, Timestamp(1_767_225_600_000_000)), (3, Timestamp(GENESIS.0 + 59 * MINUTE))]
    {
        let past = Past::new(seed, genesis, 1, &listing());
        for (id, instrument) in [PERPETUAL, INVERSE, DATED, TINY].into_iter().zip(instruments()) {
            let from = Timestamp(past.ends().0 - DAY_MICROS + 1);
            let hours = past.candles(Series::Trade(id), Resolution::OneHour, from, past.ends());
            let figures = figures(&past, id);
            // The hour of genesis is one of the 24, unless it has no minute yet.
            let whole = genesis.0 % HOUR < MINUTE;
            assert_eq!(hours.len(), if whole { 23 } else { 24 }, "{seed}");
            assert_eq!(figures.hours.len(), hours.len());
            for (told, hour) in figures.hours.iter().zip(&hours) {
                let price = |price| instrument.fine_price(price);
                assert_eq!(told.opened, hour.opened);
                assert_eq!(
                    (price(told.open), price(told.high), price(told.low)),
                    (hour.open, hour.high, hour.low)
                );
                assert_eq!(i128::from(told.qty.0), hour.volume);
                let within = [hour.low, hour.high]
                    .map(|price| instrument.value(told.qty.0, instrument.ticks_floor(price)).0.abs());
                assert!((within[0].min(within[1])..=within[0].max(within[1])).contains(&told.value.0));
                assert!(told.value > Fine(0));
            }
        }
    }
}

#[test]
fn an_exchange_takes_the_figures_up_and_stands_where_the_past_ended() {
    let (listing, past) = (listing(), past(4, 30));
    let Listing { instruments: specs, indexes, .. } = listing.clone();
    let genesis = Genesis {
        table_seed: 1,
        instruments: specs,
        indexes,
        limits: Limits::default(),
        pasts: past.figures(),
    };
    let mut exchange = Exchange::new();
    let outcome = exchange.apply(GENESIS, &Command::Genesis(Box::new(genesis)), &mut Vec::new());
    assert_eq!(outcome, Outcome::Done);
    for id in [PERPETUAL, INVERSE, DATED, TINY] {
        let market = exchange.market(id).unwrap();
        assert_eq!(market.mark, past.mark(id));
        assert_eq!(market.last, Some(last(&past, id)));
        assert_eq!(market.trades, EXECUTIONS as u64);
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

#[test]
fn executions_have_names_that_nothing_real_gets() {
    let past = past(5, 1);
    let mut seen = std::collections::BTreeSet::new();
    let mut before = 0;
    for id in [PERPETUAL, INVERSE, DATED, TINY] {
        let (rows, entries) = (past.trade_rows(id), past.executions(id));
        assert_eq!((rows.len(), entries.len()), (EXECUTIONS, EXECUTIONS));
        for ((row, entry), number) in rows.iter().zip(&entries).zip(1..) {
            assert_eq!(row.number, number, "counted from one by contract");
            assert_eq!((row.execution.0, entry.row.number), (before + number, before + number));
            assert_eq!((row.price.0, row.qty.0), (entry.row.price, entry.row.qty));
            assert_eq!((row.side == Side::Sell, row.time.0 / 1_000), (entry.row.sell, entry.at.time_ms));
            assert!(entry.row.mark > 0 && entry.row.usd_cents > 0);
            for order in [entry.row.details.maker.number, entry.row.details.taker.number] {
                assert!((1 << 60..1 << 61).contains(&order) && seen.insert(order));
            }
        }
        assert!(entries.windows(2).all(|pair| pair[0].at < pair[1].at));
        before += EXECUTIONS as u64;
    }
}

/// A venue with this past in which nobody does anything, and its views.
struct Quiet {
    exchange: Exchange,
    views: Markets,
    sequence: u64,
}

impl Quiet {
    fn new(past: &Past) -> Self {
        let Listing { instruments, indexes, .. } = listing();
        let (limits, pasts) = (Limits::default(), past.figures());
        let mut quiet =
            Self { exchange: Exchange::new(), views: Markets::of(&Exchange::new(), 0), sequence: 0 };
        quiet.apply(
            GENESIS,
            &Command::Genesis(Box::new(Genesis { table_seed: 1, instruments, indexes, limits, pasts })),
        );
        quiet
    }

    fn apply(&mut self, time: Timestamp, command: &Command) {
        assert_eq!(self.come_to(time, command), Outcome::Done);
    }

    fn come_to(&mut self, time: Timestamp, command: &Command) -> Outcome {
        let mut events = Vec::new();
        let outcome = self.exchange.apply(time, command, &mut events);
        self.sequence += 1;
        self.views.fold(Applied { sequence: self.sequence, time, events: &events });
        outcome
    }

    /// An order for one lot at 80,000, which trades with the one before it on the other side.
    fn trade(&mut self, time: Timestamp, account: AccountId, side: Side) {
        let order = PlaceOrder {
            account,
            instrument: PERPETUAL,
            side,
            order_type: OrderType::Limit,
            qty: OnGrid::Steps(1),
            limit_price: Some(OnGrid::Steps(80_000)),
            stop_price: None,
            trigger: None,
            limit_offset: None,
            reduce_only: false,
            client_order_id: None,
            algo_id: None,
            process_before: None,
        };
        let outcome = self.come_to(time, &Command::Place(order));
        assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
    }
}

#[test]
fn the_day_slides_out_of_the_past_hour_by_hour() {
    let past = past(6, 3);
    let quiet = Quiet::new(&past);
    let hour = Resolution::OneHour;
    for minutes in [0, 1, 44, 45, 46, 104, 105, 600, 1_000, 1_394, 1_395, 1_396, 1_440, 5_000] {
        let now = Timestamp(GENESIS.0 + minutes * MINUTE);
        for (id, instrument) in [PERPETUAL, INVERSE, DATED, TINY].into_iter().zip(instruments()) {
            let day = quiet.views.ticker(id, now).unwrap().day;
            // The 24 candles of an hour up to now, of which those after genesis have nothing.
            let from = Timestamp(hour.opening(now).0 - 23 * HOUR);
            let hours = past.candles(Series::Trade(id), hour, from, past.ends());
            let price = |price: Option<Price>| price.map(|price| instrument.fine_price(price));
            assert_eq!(price(day.open), hours.first().map(|hour| hour.open), "{minutes}");
            assert_eq!(price(day.high), hours.iter().map(|hour| hour.high).max(), "{minutes}");
            assert_eq!(price(day.low), hours.iter().map(|hour| hour.low).min(), "{minutes}");
            assert_eq!(
                i128::from(day.volume.0),
                hours.iter().map(|hour| hour.volume).sum::<i128>(),
                "{minutes}"
            );
        }
    }
}

#[test]
fn views_begin_with_the_last_price_of_the_past_again_when_they_are_made_of_a_state() {
    let past = past(7, 1);
    let quiet = Quiet::new(&past);
    let ticker = |views: &Markets| views.ticker(PERPETUAL, GENESIS).unwrap();
    let read = Exchange::decode(&quiet.exchange.encode()).unwrap();
    let again = Markets::of(&read, 1);
    again.take_part(&quiet.views.part().unwrap()).unwrap();
    assert_eq!(ticker(&again), ticker(&quiet.views));
    let newest = past.newest_trades(PERPETUAL).pop().unwrap();
    let last = ticker(&again).last.unwrap();
    assert_eq!(
        (last.price, last.qty, last.side, last.time),
        (newest.price, newest.qty, newest.side, newest.at)
    );
}

#[test]
fn pages_of_public_trades_go_on_into_the_past_and_show_every_trade_once() {
    let past = past(8, 1);
    let quiet = Quiet::new(&past);
    let cut = Cut { rows: 100, most: 200, instant: 1 };
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = quiet.views.trades_and_past(PERPETUAL, &past, before, cut);
        assert_eq!(page.broken, None);
        let Some(last) = page.rows.last() else { break };
        before = Some(last.time);
        seen.extend(page.rows);
    }
    seen.reverse();
    assert_eq!(seen, past.trade_rows(PERPETUAL));
    // A contract that was listed later has none.
    assert_eq!(quiet.views.trades_and_past(InstrumentId(9), &past, None, cut), Page::default());
}

#[test]
fn real_trades_stand_before_the_past_and_at_last_in_its_place() {
    let past = past(9, 1);
    let mut quiet = Quiet::new(&past);
    let usd = Currency::USD;
    for account in [0, 1].map(AccountId) {
        let create = Command::CreateAccount(CreateAccount { parent: None, house: false });
        assert_eq!(quiet.come_to(GENESIS, &create), Outcome::AccountCreated(account));
        let amount = Money(1_000_000 * Money::ONE);
        quiet.apply(
            GENESIS,
            &Command::Deposit(Deposit { account, wallet: Wallet::Flex, currency: usd, amount }),
        );
    }
    let cut = Cut { rows: 3_000, most: 3_000, instant: 1 };
    let shown = |quiet: &Quiet| quiet.views.trades_and_past(PERPETUAL, &past, None, cut).rows;
    for trades in 1..=EXECUTIONS as i64 + 1 {
        let now = Timestamp(GENESIS.0 + trades);
        for (account, side) in [(AccountId(0), Side::Sell), (AccountId(1), Side::Buy)] {
            quiet.trade(now, account, side);
        }
        if trades == 3 {
            let rows = shown(&quiet);
            assert_eq!(rows.len(), 3 + EXECUTIONS);
            let numbers: Vec<u64> = rows.iter().rev().map(|row| row.number).collect();
            assert_eq!(numbers, (1..=EXECUTIONS as u64 + 3).collect::<Vec<_>>(), "counted on without a gap");
            let rest: Vec<_> = rows[3..].iter().rev().cloned().collect();
            assert_eq!(rest, past.trade_rows(PERPETUAL));
        }
    }
    // The first real one is forgotten by now: whoever read on would miss it.
    let rows = shown(&quiet);
    assert_eq!(rows.len(), EXECUTIONS);
    assert!(rows.iter().all(|row| row.time > GENESIS), "no hole between what is shown");
}
