use super::shelf::MINUTES_KEPT_DAYS;
use super::*;
use crate::listing::Listing;
use crate::past::Past;
use loligo_engine::{ContractKind, Currency, InstrumentSpec, MarginLevel, Qty};
use proptest::prelude::*;
use rusqlite::Connection;

/// 2026-01-01T00:00:00Z, a Thursday.
const NEW_YEAR: i64 = 1_767_225_600 * Timestamp::SECOND;
const MINUTE: i64 = 60 * Timestamp::SECOND;
const ONE: i128 = 10_i128.pow(18);

const TRADES: Series = Series::Trade(InstrumentId(0));
const MARKS: Series = Series::Mark(InstrumentId(0));
const SPOTS: Series = Series::Spot(PairId(0));

fn database() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    Shelf::create(&connection).unwrap();
    connection
}

fn at(minutes: i64, seconds: i64) -> Timestamp {
    Timestamp(NEW_YEAR + minutes * MINUTE + seconds * Timestamp::SECOND)
}

fn usd(price: i128) -> FinePrice {
    FinePrice(price * ONE)
}

/// `[open, high, low, close, volume]` in USD and lots, with the minutes since the year began.
fn shown(candle: &Candle) -> (i64, [i128; 5]) {
    let price = |price: FinePrice| price.0 / ONE;
    let prices = [price(candle.open), price(candle.high), price(candle.low), price(candle.close)];
    let [open, high, low, close] = prices;
    ((candle.opened.0 - NEW_YEAR) / MINUTE, [open, high, low, close, candle.volume])
}

/// All of a series up to an instant.
fn newest(connection: &Connection, series: Series, resolution: Resolution, until: Timestamp) -> Vec<Candle> {
    let range = Range { from: None, to: until, count: 2_000 };
    page(&Shelf::new(connection), None, series, resolution, range, until).unwrap().candles
}

#[test]
fn candles_open_at_full_marks_of_utc_and_weeks_on_monday() {
    let time = Timestamp(NEW_YEAR + 17 * 3_600 * Timestamp::SECOND + 123);
    let opened =
        Resolution::ALL.map(|resolution| (resolution.opening(time).0 - NEW_YEAR) / Timestamp::SECOND);
    assert_eq!(opened, [61_200, 61_200, 61_200, 61_200, 61_200, 57_600, 43_200, 0, -3 * 86_400]);
    for resolution in Resolution::ALL {
        let opened = resolution.opening(time);
        assert_eq!(resolution.opening(opened), opened, "a candle opens at its own beginning");
        assert_eq!(resolution.opening(Timestamp(opened.0 - 1)).0, opened.0 - resolution.micros());
        assert_eq!(resolution.minutes() % resolution.kept().minutes(), 0);
    }
}

#[test]
fn a_minute_without_a_trade_is_flat_and_a_price_that_stands_opens_the_next() {
    let (connection, mut board) = (database(), Board::default());
    for (minutes, seconds, price, lots) in [(0, 1, 100, 5), (0, 30, 103, 1), (0, 59, 102, 2), (3, 10, 110, 4)]
    {
        board.tick(TRADES, at(minutes, seconds), usd(price), lots);
        board.tick(MARKS, at(minutes, seconds), usd(price), 0);
    }
    Shelf::new(&connection).put(&board.take_rows()).unwrap();
    let show = |series| {
        newest(&connection, series, Resolution::OneMinute, at(4, 0)).iter().map(shown).collect::<Vec<_>>()
    };
    let want = [
        (0, [100, 103, 100, 102, 8]),
        (1, [102, 102, 102, 102, 0]),
        (2, [102, 102, 102, 102, 0]),
        (3, [110, 110, 110, 110, 4]),
        (4, [110, 110, 110, 110, 0]),
    ];
    assert_eq!(show(TRADES), want);
    // The mark price stood at 102 until ten seconds into the minute.
    assert_eq!(show(MARKS)[3], (3, [102, 110, 102, 110, 0]));
    assert_eq!(show(SPOTS), [], "nothing is known of the index");
}

#[test]
fn a_price_that_changes_as_the_candle_opens_is_its_first() {
    let (connection, mut board) = (database(), Board::default());
    board.tick(SPOTS, at(0, 10), usd(100), 0);
    board.tick(SPOTS, at(20, 0), usd(107), 0);
    board.tick(SPOTS, at(22, 0), usd(105), 0);
    Shelf::new(&connection).put(&board.take_rows()).unwrap();
    let show =
        |resolution| newest(&connection, SPOTS, resolution, at(22, 0)).iter().map(shown).collect::<Vec<_>>();
    assert_eq!(show(Resolution::FiveMinutes)[4], (20, [107, 107, 105, 105, 0]));
    // A quarter of an hour that begins before it opens at what stood.
    assert_eq!(
        show(Resolution::FifteenMinutes),
        [(0, [100, 100, 100, 100, 0]), (15, [100, 107, 100, 105, 0])]
    );
}

#[test]
fn a_page_says_whether_its_range_holds_more() {
    let (connection, mut board) = (database(), Board::default());
    for minute in 0..10 {
        board.tick(TRADES, at(minute, 0), usd(100 + i128::from(minute)), 1);
    }
    Shelf::new(&connection).put(&board.take_rows()).unwrap();
    let until = at(12, 30);
    let ask = |from: Option<Timestamp>, to: Timestamp, count| {
        let range = Range { from, to, count };
        let page = page(&Shelf::new(&connection), None, TRADES, Resolution::OneMinute, range, until).unwrap();
        (page.candles.iter().map(|candle| shown(candle).0).collect::<Vec<_>>(), page.more)
    };
    let now = at(100, 0);
    assert_eq!(ask(None, now, 3), (vec![10, 11, 12], false), "the newest, up to the one that is forming");
    assert_eq!(ask(None, at(5, 0), 3), (vec![3, 4, 5], false));
    assert_eq!(ask(None, at(1, 0), 3), (vec![0, 1], false), "there is nothing before the first trade");
    assert_eq!(ask(Some(at(2, 0)), now, 3), (vec![2, 3, 4], true));
    assert_eq!(
        ask(Some(at(2, 0)), at(4, 59), 3),
        (vec![2, 3, 4], false),
        "what ends in it need not open in it"
    );
    assert_eq!(ask(Some(at(2, 1)), at(4, 0), 3), (vec![3, 4], false));
    assert_eq!(ask(Some(at(-500, 0)), at(1, 0), 2_000), (vec![0, 1], false));
    assert_eq!(ask(Some(at(9, 0)), at(3, 0), 10), (vec![], false), "a range that ends before it begins");
    assert_eq!(ask(Some(at(13, 0)), now, 10), (vec![], false));
    assert_eq!(ask(Some(Timestamp(i64::MAX)), Timestamp(i64::MAX), 10), (vec![], false));
    assert_eq!(ask(Some(at(2, 0)), now, 0), (vec![], true));
    assert_eq!(ask(None, now, 0), (vec![], false));
    assert_eq!(ask(None, at(-1, 0), 10), (vec![], false));
}

#[test]
fn minutes_are_kept_for_thirty_days_and_hours_for_good() {
    let (connection, mut board) = (database(), Board::default());
    let day = 24 * 60;
    for step in 0..40 * 4 {
        board.tick(TRADES, at(step * day / 4, 0), usd(100 + i128::from(step)), 1);
    }
    let shelf = Shelf::new(&connection);
    shelf.put(&board.take_rows()).unwrap();
    shelf.prune(at(40 * day, 0)).unwrap();
    let opened = |resolution| {
        let rows = shelf.between(TRADES, resolution, Timestamp(0), Timestamp(i64::MAX)).unwrap();
        rows.iter().map(|candle| shown(candle).0).collect::<Vec<_>>()
    };
    let minutes = opened(Resolution::OneMinute);
    assert_eq!(minutes[0], (40 - MINUTES_KEPT_DAYS) * day - day / 4, "and the one before, whose price stood");
    assert_eq!(minutes.len(), 4 * 30 + 1);
    assert_eq!(opened(Resolution::FiveMinutes).len(), 160);
    assert_eq!(opened(Resolution::OneDay).len(), 40);
    // A series that has not moved since keeps where it stands.
    shelf.prune(at(400 * day, 0)).unwrap();
    assert_eq!(opened(Resolution::OneMinute), [159 * day / 4]);
    let still = newest(&connection, TRADES, Resolution::OneMinute, at(400 * day, 0));
    assert_eq!(still.last().map(|candle| candle.close), Some(usd(259)));
}

#[test]
fn rows_are_plain_for_any_tool() {
    let (connection, mut board) = (database(), Board::default());
    board.tick(Series::Mark(InstrumentId(21)), at(1, 0), FinePrice(10_000_000_000_123), 0);
    Shelf::new(&connection).put(&board.take_rows()).unwrap();
    let row = connection.query_row(
        "SELECT tick_type, number, opened, close, volume FROM candles WHERE minutes = 60",
        [],
        |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
            ))
        },
    );
    assert_eq!(row.unwrap(), ("mark".into(), 21, 1_767_225_600, "0.000010000000000123".into(), "0".into()));
    // A row that is damaged is an error, not a price.
    connection.execute("UPDATE candles SET close = 'much'", []).unwrap();
    let read = Shelf::new(&connection).first(Series::Mark(InstrumentId(21)), Resolution::OneHour);
    assert!(read.is_err());
}

#[test]
fn every_series_is_found_again() {
    let (connection, mut board) = (database(), Board::default());
    let all = [
        MARKS,
        Series::Mark(InstrumentId(300)),
        SPOTS,
        Series::Spot(PairId(8)),
        TRADES,
        Series::Trade(InstrumentId(7)),
    ];
    for series in all {
        board.tick(series, at(0, 0), usd(1), 0);
        board.tick(series, at(1, 0), usd(2), 0);
    }
    let shelf = Shelf::new(&connection);
    assert_eq!(shelf.series().unwrap(), []);
    shelf.put(&board.take_rows()).unwrap();
    assert_eq!(shelf.series().unwrap(), all);
}

/// What a candle must be, reckoned from all ticks of its series: the second opinion.
fn naive(
    ticks: &[(Timestamp, FinePrice, i64)],
    series: Series,
    opened: Timestamp,
    length: i64,
) -> Option<Candle> {
    let end = opened.0 + length;
    let stood = ticks.iter().rfind(|(time, ..)| *time < opened).map(|(_, price, _)| *price);
    let within: Vec<_> = ticks.iter().filter(|(time, ..)| (opened.0..end).contains(&time.0)).collect();
    let mut prices: Vec<FinePrice> = within.iter().map(|(_, price, _)| *price).collect();
    let changes_at_once = within.first().is_some_and(|(time, ..)| *time == opened);
    if let Some(stood) = stood
        && (prices.is_empty() || (series.stands() && !changes_at_once))
    {
        prices.insert(0, stood);
    }
    Some(Candle {
        opened,
        open: *prices.first()?,
        high: *prices.iter().max()?,
        low: *prices.iter().min()?,
        close: *prices.last()?,
        volume: within.iter().map(|(.., lots)| i128::from(*lots)).sum(),
    })
}

/// Ticks of one series: steps of time, from none to days, prices and lots.
fn ticks() -> impl Strategy<Value = Vec<(Timestamp, FinePrice, i64)>> {
    let step = prop_oneof![
        3 => Just(0),
        6 => 1..90 * Timestamp::SECOND,
        3 => (1..400_i64).prop_map(|minutes| minutes * MINUTE),
        1 => (1..5_000_i64).prop_map(|minutes| minutes * MINUTE + 7),
    ];
    let tick = (step, 1..1_000_i128, 1..50_i64);
    (0..20_000 * MINUTE, prop::collection::vec(tick, 1..60)).prop_map(|(start, steps)| {
        let mut time = NEW_YEAR + start;
        let mut ticks = Vec::new();
        for (step, price, lots) in steps {
            time += step;
            ticks.push((Timestamp(time), FinePrice(price * ONE / 8), lots));
        }
        ticks
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn candles_are_what_all_ticks_say(
        ticks in ticks(),
        which in 0..3_usize,
        drains in prop::collection::vec(0..4_u8, 60),
        idle in 0..3_000_i64,
        count in 1..200_u32,
    ) {
        let series = [TRADES, MARKS, SPOTS][which];
        let ticks: Vec<_> = ticks.into_iter().map(|(time, price, lots)| (time, price, if which == 0 { lots } else { 0 })).collect();
        let connection = database();
        let shelf = Shelf::new(&connection);
        let mut board = Board::default();
        for ((time, price, lots), drain) in ticks.iter().zip(drains) {
            board.tick(series, *time, *price, *lots);
            match drain {
                0 => {}
                1 | 2 => shelf.put(&board.take_rows()).unwrap(),
                // Killed after it was written, and begun anew from what is kept.
                _ => {
                    shelf.put(&board.take_rows()).unwrap();
                    board = Board::restore(&shelf).unwrap();
                }
            }
        }
        shelf.put(&board.take_rows()).unwrap();
        let last = ticks[ticks.len() - 1].0;
        let until = Timestamp(last.0 + idle * MINUTE);
        for resolution in Resolution::ALL {
            let length = resolution.micros();
            let forming = naive(&ticks, series, resolution.opening(last), length);
            prop_assert_eq!(board.candle(series, resolution), forming);
            let begun = resolution.opening(ticks[0].0);
            let all: Vec<Candle> = (0..=(resolution.opening(until).0 - begun.0) / length)
                .filter_map(|at| naive(&ticks, series, Timestamp(begun.0 + at * length), length))
                .collect();
            let ask = |from, count| {
                page(&shelf, None, series, resolution, Range { from, to: until, count }, until).unwrap()
            };
            let count = count as usize;
            let first = ask(Some(begun), count as u32);
            prop_assert_eq!(&first.candles[..], &all[..count.min(all.len())]);
            prop_assert_eq!(first.more, all.len() > count);
            let newest = ask(None, count as u32);
            prop_assert_eq!(&newest.candles[..], &all[all.len().saturating_sub(count)..]);
        }
    }
}

fn past(genesis: Timestamp) -> Past {
    let spec = InstrumentSpec {
        symbol: "PF_XBTUSD".into(),
        kind: ContractKind::Linear,
        pair: "XBT:USD".into(),
        base: Currency::parse("BTC").unwrap(),
        quote: Currency::USD,
        tick_mantissa: 1,
        tick_scale: 0,
        lot_precision: 4,
        max_position: Qty(12_000_000),
        impact_mid_size: Qty(800),
        margin_levels: vec![MarginLevel { from: 0, initial: 10_000, maintenance: 5_000 }],
        opening: Timestamp(0),
        expiry: None,
        funding_rate_coefficient: 8,
        max_relative_funding_rate: 500_000,
        min_relative_funding_rate: None,
    };
    let indexes = vec![(spec.pair.clone(), usd(80_000))];
    Past::new(1, genesis, 30, &Listing { instruments: vec![spec], indexes, rolls: Vec::new() })
}

#[test]
fn the_past_and_what_happened_are_one_series() {
    let genesis = at(19 * 60 + 15, 42);
    let past = past(genesis);
    let (connection, mut board) = (database(), Board::default());
    // The index is there from genesis on; the first trade comes two minutes later.
    board.tick(SPOTS, genesis, usd(80_000), 0);
    board.tick(SPOTS, at(19 * 60 + 18, 5), usd(80_100), 0);
    board.tick(TRADES, at(19 * 60 + 17, 50), usd(80_050), 3);
    Shelf::new(&connection).put(&board.take_rows()).unwrap();
    let until = at(19 * 60 + 18, 30);
    let ask = |series, resolution, count| {
        let range = Range { from: None, to: until, count };
        page(&Shelf::new(&connection), Some(&past), series, resolution, range, until).unwrap().candles
    };
    for series in [TRADES, SPOTS] {
        for resolution in Resolution::ALL {
            let candles = ask(series, resolution, 2_000);
            assert!(
                candles.windows(2).all(|pair| pair[1].opened.0 - pair[0].opened.0 == resolution.micros())
            );
            let first =
                if resolution == Resolution::OneMinute { until.0 - 1_999 * MINUTE } else { past.begins().0 };
            assert_eq!(
                candles[0].opened,
                resolution.opening(Timestamp(first.max(until.0 - 1_999 * resolution.micros())))
            );
        }
    }
    let minutes = ask(TRADES, Resolution::OneMinute, 4);
    let closes: Vec<i128> = minutes.iter().map(|candle| candle.close.0 / ONE).collect();
    assert_eq!(
        closes,
        [80_000, 80_000, 80_050, 80_050],
        "flat from the last price of the past to the first trade"
    );
    assert_eq!(minutes[0].volume, 0);
    // The hour of genesis holds the past's share and what happened since.
    let hour = ask(TRADES, Resolution::OneHour, 1)[0];
    let made = past.candles(TRADES, Resolution::OneHour, hour.opened, hour.opened)[0];
    assert_eq!((hour.open, hour.close, hour.volume), (made.open, usd(80_050), made.volume + 3));
    assert_eq!(hour.high, made.high.max(usd(80_050)));
    let spot = ask(SPOTS, Resolution::OneMinute, 4);
    assert_eq!(shown(&spot[3]), (19 * 60 + 18, [80_000, 80_100, 80_000, 80_100, 0]));
}
