//! Figures against the engine itself: what was traded is counted anew from a list of all trades, and how books and holders stood is
//! read off the exchange as it was at the end of each minute.

use super::figures::{AVERAGE_OF, Figures, Holders, Ohlc, PoolValue, Rates, SideOfBook, WITHIN};
use super::follower::{Analytics, NAME};
use crate::charts::{Range, Resolution};
use crate::listing::Listing;
use crate::projection::{Applied, Detached as _, Follower as _};
use loligo_engine::{
    AccountId, Command, CreateAccount, Currency, Deposit, Event, Exchange, FinePrice, Genesis, InstrumentId,
    InstrumentSpec, Limits, Money, OnGrid, OrderType, PlaceOrder, Price, Qty, Side, Timestamp, Wallet,
};
use rusqlite::Connection;
use std::collections::BTreeMap;
use tempfile::TempDir;

/// 2026-01-01T00:00:00Z.
const START: Timestamp = Timestamp(1_767_225_600 * Timestamp::SECOND);
const MINUTE: i64 = 60 * Timestamp::SECOND;
const HOUR: i64 = 60 * MINUTE;
/// Enough that a fifth of them is more than one.
const ACCOUNTS: u32 = 8;
/// Linear, and inverse.
const CONTRACTS: [&str; 2] = ["PF_XBTUSD", "PI_XBTUSD"];

/// What was asked of an exchange, and what happened.
struct Log {
    commands: Vec<(Timestamp, Command)>,
    records: Vec<(Timestamp, Vec<Event>)>,
    exchange: Exchange,
    source: u64,
}

impl Log {
    fn begin() -> Self {
        let mut log =
            Self { commands: Vec::new(), records: Vec::new(), exchange: Exchange::new(), source: 7 };
        let Listing { mut instruments, indexes, .. } = Listing::standard(START);
        instruments.retain(|spec| CONTRACTS.contains(&spec.symbol.as_str()));
        let genesis =
            Genesis { table_seed: 7, instruments, indexes, limits: Limits::default(), pasts: Vec::new() };
        log.apply(START, Command::Genesis(Box::new(genesis)));
        let pair = log.exchange.pair_by_name("XBT:USD").unwrap();
        for number in 0..ACCOUNTS {
            log.apply(START, Command::CreateAccount(CreateAccount { parent: None, house: false }));
            for (wallet, code, amount) in
                [(Wallet::Flex, "USD", 9_000_000), (Wallet::Inverse(pair), "BTC", 90)]
            {
                let (account, currency) = (AccountId(number), Currency::parse(code).unwrap());
                let amount = Money(amount * Money::ONE);
                log.apply(START, Command::Deposit(Deposit { account, wallet, currency, amount }));
            }
        }
        log
    }

    fn apply(&mut self, time: Timestamp, command: Command) {
        let mut events = Vec::new();
        self.exchange.apply(time, &command, &mut events);
        self.commands.push((time, command));
        self.records.push((self.exchange.now(), events));
    }

    fn pick(&mut self, below: u64) -> u64 {
        self.source =
            self.source.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.source >> 33) % below
    }

    /// So many seconds of orders near the index, which moves: one command each, a third of the second in.
    fn trade(&mut self, from: Timestamp, seconds: i64) {
        for second in 0..seconds {
            let time = from.plus(second * Timestamp::SECOND + 300_000);
            while second == 0 && self.exchange.now() < time {
                // A record does so much work and no more.
                self.apply(time, Command::Advance);
            }
            let instrument = InstrumentId(self.pick(2) as u16);
            let market = self.exchange.market(instrument).unwrap();
            let index = market.index.unwrap();
            let listed = self.exchange.instrument(instrument).unwrap();
            let (pair, near) = (listed.pair(), listed.ticks_floor(index).0);
            let command = match self.pick(10) {
                0 => Command::PublishIndex {
                    pair,
                    price: FinePrice(index.0 / 10_000 * (9_995 + i128::from(self.pick(11)))),
                },
                1 => Command::CancelAll { account: AccountId(self.pick(8) as u32), instrument: None },
                _ => {
                    let side = if self.pick(2) == 0 { Side::Buy } else { Side::Sell };
                    let far = [3, 20, 400, 4_000][self.pick(4) as usize];
                    let price = near + self.pick(2 * far) as i64 - far as i64;
                    let size = [1, 30][usize::from(instrument.0)] * (1 + self.pick(3_000) as i64);
                    let account = self.pick(u64::from(ACCOUNTS)) as u32;
                    limit(account, instrument, side, size, price)
                }
            };
            self.apply(time, command);
        }
    }

    /// The exchange as a record left it.
    fn exchange_at(&self, record: u64) -> Exchange {
        let mut exchange = Exchange::new();
        for (time, command) in &self.commands[..record as usize] {
            exchange.apply(*time, command, &mut Vec::new());
        }
        exchange
    }

    fn fold(&self, analytics: &Analytics, from: u64, to: u64) {
        for record in from + 1..=to {
            let (time, events) = &self.records[record as usize - 1];
            analytics.fold(Applied { sequence: record, time: *time, events });
        }
    }

    fn len(&self) -> u64 {
        self.records.len() as u64
    }

    /// Folds the rest into one that is at a place of its own, and says where it was.
    fn go_on(&self, analytics: &Analytics, to: u64) -> u64 {
        let place = analytics.sequence();
        if !analytics.stands() {
            analytics.stand(&self.exchange_at(place));
        }
        self.fold(analytics, place, to);
        place
    }
}

fn limit(account: u32, instrument: InstrumentId, side: Side, lots: i64, price: i64) -> Command {
    Command::Place(PlaceOrder {
        account: AccountId(account),
        instrument,
        side,
        order_type: OrderType::Limit,
        qty: OnGrid::Steps(lots),
        limit_price: Some(OnGrid::Steps(price)),
        trigger: None,
        limit_offset: None,
        algo_id: None,
        stop_price: None,
        reduce_only: false,
        client_order_id: None,
        process_before: None,
    })
}

/// Twelve minutes of orders around an hour's end.
fn busy() -> Log {
    let mut log = Log::begin();
    log.trade(START.plus(55 * MINUTE), 12 * 60);
    log
}

/// The same, and two days later again, and after another two: each time across midnight in one record.
fn days() -> Log {
    let mut log = busy();
    for day in [2, 4] {
        log.trade(START.plus(day * 24 * HOUR + 30 * MINUTE), 150);
    }
    log
}

const ALL: Range = Range { from: None, to: Timestamp(i64::MAX / 2), count: 100_000 };

type Told = Vec<(Timestamp, Figures)>;

fn told(analytics: &Analytics, contract: u16, resolution: Resolution, until: Timestamp) -> Told {
    analytics.contract(InstrumentId(contract), resolution, ALL, 0, until).unwrap().rows
}

/// Figures of both contracts and the pool, at all lengths.
fn everything(analytics: &Analytics, until: Timestamp) -> (Vec<Told>, Vec<(Timestamp, PoolValue)>) {
    let lengths =
        [Resolution::OneMinute, Resolution::FifteenMinutes, Resolution::OneHour, Resolution::OneWeek];
    let both =
        lengths.iter().flat_map(|length| [0, 1].map(|contract| told(analytics, contract, *length, until)));
    (both.collect(), analytics.pool(Resolution::OneHour, ALL, until).unwrap().rows)
}

/// What a follower in memory says that folded all up to a record.
fn afresh(log: &Log, to: u64) -> (Vec<Told>, Vec<(Timestamp, PoolValue)>) {
    let analytics = Analytics::new(None).unwrap();
    log.fold(&analytics, 0, to);
    everything(&analytics, log.records[to as usize - 1].0)
}

fn in_folder(folder: &TempDir, exchange: &Exchange, sequence: u64) -> Analytics {
    let analytics = Analytics::new(Some(folder.path())).unwrap();
    analytics.meet(exchange, sequence).unwrap();
    analytics
}

/// One side of a book, level by level.
fn side(exchange: &Exchange, id: InstrumentId, side: Side) -> SideOfBook {
    let levels = exchange.depth(id, side, usize::MAX);
    let Some((best, _)) = levels.first().copied() else { return SideOfBook::default() };
    let within = |thousandths: i64| {
        let is_near = |price: &Price| match side {
            Side::Buy => price.0 * 1_000 >= best.0 * (1_000 - thousandths),
            Side::Sell => price.0 * 1_000 <= best.0 * (1_000 + thousandths),
        };
        levels.iter().filter(|(price, _)| is_near(price)).map(|(_, Qty(qty))| i128::from(*qty)).sum()
    };
    let instrument = exchange.instrument(id).unwrap();
    SideOfBook {
        best: Some(best),
        within: WITHIN.map(within),
        average: AVERAGE_OF.map(|value| instrument.average_of(levels.iter().copied(), value)),
    }
}

/// Holders of a contract and the largest fifth of them, from a sorted list.
fn holders(exchange: &Exchange, id: InstrumentId) -> (Holders, Holders) {
    let position = |account: u32| {
        let positions = exchange.positions(AccountId(account));
        positions.iter().find(|position| position.instrument == id).map(|position| position.qty)
    };
    let mut held: Vec<i64> = (0..ACCOUNTS).filter_map(position).collect();
    // A stable sort: of two that are as large the one that came first stays first.
    held.sort_by_key(|lots| -lots.abs());
    let sum = |held: &[i64]| Holders {
        longs: held.iter().filter(|lots| **lots > 0).count() as u32,
        shorts: held.iter().filter(|lots| **lots < 0).count() as u32,
        lots: held.iter().map(|lots| i128::from(lots.abs())).sum(),
    };
    (sum(&held), sum(&held[..held.len().div_ceil(5)]))
}

/// How a contract stands: all that is told of a stretch's end.
fn standing(exchange: &Exchange, id: InstrumentId) -> Figures {
    let market = exchange.market(id).unwrap();
    let (all, largest) = holders(exchange, id);
    Figures {
        mark: market.mark,
        index: market.index,
        bids: side(exchange, id, Side::Buy),
        asks: side(exchange, id, Side::Sell),
        holders: all,
        largest,
        ..Figures::default()
    }
}

#[test]
fn a_minute_tells_its_trades_and_how_it_ended() {
    let log = busy();
    let until = log.records.last().unwrap().0;
    let analytics = Analytics::new(None).unwrap();
    log.fold(&analytics, 0, log.len());

    // The exchange as it was at the end of each minute.
    let mut ends: BTreeMap<(i64, u16), Figures> = BTreeMap::new();
    let mut exchange = Exchange::new();
    for (time, command) in &log.commands {
        exchange.apply(*time, command, &mut Vec::new());
        for (id, _) in exchange.instruments() {
            ends.insert((time.0 / MINUTE, id.0), standing(&exchange, id));
        }
    }
    let events = || log.records.iter().flat_map(|(_, events)| events);
    let mut seen = [0; 4];
    for contract in [0, 1] {
        let minutes = told(&analytics, contract, Resolution::OneMinute, until);
        assert_eq!(minutes.len(), 67, "one for every minute since it was listed");
        for (at, (opened, figures)) in minutes.iter().enumerate() {
            assert_eq!(opened.0, START.0 + at as i64 * MINUTE);
            let is_in = |time: &Timestamp| (opened.0..opened.0 + MINUTE).contains(&time.0);
            let trades: Vec<_> = events()
                .filter_map(|event| match event {
                    Event::Executed(one) if one.instrument.0 == contract => Some(one),
                    _ => None,
                })
                .collect();
            let volume = |side: Side, until: &dyn Fn(&Timestamp) -> bool| -> i128 {
                let of = trades.iter().filter(|one| one.taker_side == side && until(&one.at));
                of.map(|one| i128::from(one.qty.0)).sum()
            };
            assert_eq!(figures.bought, volume(Side::Buy, &is_in));
            assert_eq!(figures.sold, volume(Side::Sell, &is_in));
            assert_eq!(figures.trades, trades.iter().filter(|one| is_in(&one.at)).count() as u64);
            let by_then = |time: &Timestamp| time.0 < opened.0 + MINUTE;
            assert_eq!(figures.delta, volume(Side::Buy, &by_then) - volume(Side::Sell, &by_then));
            assert_eq!(figures.liquidated, 0, "nobody was");
            seen[0] += figures.trades;
            if at < 55 {
                continue;
            }
            let end = &ends[&(opened.0 / MINUTE, contract)];
            let taken = Figures {
                mark: figures.mark,
                index: figures.index,
                bids: figures.bids.clone(),
                asks: figures.asks.clone(),
                holders: figures.holders,
                largest: figures.largest,
                ..Figures::default()
            };
            assert_eq!(&taken, end, "contract {contract}, minute {at}");
            seen[1] += u64::from(figures.bids.average[1].is_some());
            seen[2] += u64::from(figures.bids.average[3].is_none() && figures.bids.average[0].is_some());
            seen[3] += u64::from(figures.largest.longs + figures.largest.shorts > 1);
        }
        assert_eq!(
            minutes.last().unwrap().1.open_interest.close,
            i128::from(log.exchange.market(InstrumentId(contract)).unwrap().open_interest.0)
        );
    }
    assert!(seen.iter().all(|times| *times > 5), "it met too little: {seen:?}");
}

/// What longer stretches are, from minutes alone: sums, what came first, most and least of all, and what came last.
#[test]
fn longer_stretches_are_the_fold_of_their_minutes() {
    let log = days();
    let until = log.records.last().unwrap().0;
    let analytics = Analytics::new(None).unwrap();
    log.fold(&analytics, 0, log.len());
    for contract in [0, 1] {
        let minutes = told(&analytics, contract, Resolution::OneMinute, until);
        for length in Resolution::ALL {
            let mut folded: Told = Vec::new();
            for (opened, minute) in &minutes {
                let begun = length.opening(*opened);
                let Some((_, whole)) = folded.last_mut().filter(|(opened, _)| *opened == begun) else {
                    folded.push((begun, minute.clone()));
                    continue;
                };
                let ohlc = |whole: Ohlc, minute: Ohlc| Ohlc {
                    open: whole.open,
                    high: whole.high.max(minute.high),
                    low: whole.low.min(minute.low),
                    close: minute.close,
                };
                let rates = match (whole.rates, minute.rates) {
                    (Some(whole), Some(minute)) => Some(Rates {
                        absolute: ohlc(whole.absolute, minute.absolute),
                        relative: ohlc(whole.relative, minute.relative),
                    }),
                    (_, minute) => minute,
                };
                *whole = Figures {
                    bought: whole.bought + minute.bought,
                    sold: whole.sold + minute.sold,
                    trades: whole.trades + minute.trades,
                    liquidated: whole.liquidated + minute.liquidated,
                    open_interest: ohlc(whole.open_interest, minute.open_interest),
                    rates,
                    ..minute.clone()
                };
            }
            assert_eq!(told(&analytics, contract, length, until), folded, "{length:?}");
        }
        let hours = told(&analytics, contract, Resolution::OneHour, until);
        assert_eq!(hours[0].1.rates, None, "the first hour has no rate yet");
        let rates: Vec<Rates> =
            hours[1..].iter().map(|(_, figures)| figures.rates.expect("a rate")).collect();
        for rate in &rates {
            let Rates { absolute, relative } = rate;
            let held = (Ohlc::flat(absolute.open), Ohlc::flat(relative.open));
            assert_eq!((*absolute, *relative), held, "a rate holds for its whole hour");
        }
        assert!(rates.windows(2).filter(|pair| pair[0] != pair[1]).count() > 1, "they differ");
    }
}

#[test]
fn what_is_asked_meanwhile_changes_nothing() {
    let log = busy();
    let analytics = Analytics::new(None).unwrap();
    for record in 1..=log.len() {
        log.fold(&analytics, record - 1, record);
        if record % 7 == 0 {
            everything(&analytics, log.records[record as usize - 1].0);
        }
    }
    let until = log.records.last().unwrap().0;
    assert_eq!(everything(&analytics, until), afresh(&log, log.len()));
    assert_eq!(analytics.name(), NAME);
}

#[test]
fn what_was_not_written_when_the_process_ended_is_folded_again() {
    let log = days();
    let until = log.records.last().unwrap().0;
    let wanted = afresh(&log, log.len());
    for killed_after in [0, 1, 20, 333, log.len() - 200, log.len() - 140, log.len() - 1, log.len()] {
        for asked_at in [0, killed_after / 2, killed_after] {
            let folder = TempDir::new().unwrap();
            let analytics = in_folder(&folder, &Exchange::new(), 0);
            log.fold(&analytics, 0, asked_at);
            everything(&analytics, until);
            log.fold(&analytics, asked_at, killed_after);
            // Killed: nothing is written at the end.
            drop(analytics);
            let analytics = in_folder(&folder, &log.exchange_at(killed_after), killed_after);
            let place = log.go_on(&analytics, log.len());
            assert!((asked_at..=killed_after).contains(&place), "{place}");
            assert_eq!(
                everything(&analytics, until),
                wanted,
                "killed after {killed_after}, asked at {asked_at}"
            );
            analytics.end();
            drop(analytics);
            let analytics = in_folder(&folder, &log.exchange, log.len());
            assert!(analytics.stands(), "it was shown the exchange as it is");
            assert_eq!((analytics.sequence(), everything(&analytics, until)), (log.len(), wanted.clone()));
        }
    }
}

#[test]
fn going_back_forgets_what_came_after_and_folds_its_day_again() {
    let log = days();
    let day = |record: u64| Resolution::OneDay.opening(log.records[record as usize - 1].0);
    let over_midnight = (2..=log.len()).filter(|record| day(*record) > day(record - 1));
    let around: Vec<u64> = over_midnight.flat_map(|record| [record - 1, record]).collect();
    assert!(around.len() >= 8, "two days, and two more: {around:?}");
    for to in [1, 19, 400, log.len() - 100, log.len()].into_iter().chain(around) {
        for restarted in [false, true] {
            let folder = TempDir::new().unwrap();
            let mut analytics = in_folder(&folder, &Exchange::new(), 0);
            analytics.revert(1, 0);
            log.fold(&analytics, 0, log.len());
            analytics.end();
            if restarted {
                drop(analytics);
                analytics = in_folder(&folder, &log.exchange, log.len());
            }
            assert_eq!(analytics.branch(), 1);
            analytics.revert(2, to);
            assert_eq!(analytics.branch(), 2);
            let place = log.go_on(&analytics, to);
            assert!(place <= to, "{place} is not beyond {to}");
            let until = log.records[to as usize - 1].0;
            assert_eq!(everything(&analytics, until), afresh(&log, to), "back to {to}");
            // It goes on from there.
            log.fold(&analytics, to, log.len());
            let until = log.records.last().unwrap().0;
            assert_eq!(everything(&analytics, until), afresh(&log, log.len()), "back to {to} and on");
        }
    }
}

#[test]
fn what_is_out_of_reach_is_left_out_and_all_that_stands_is_known() {
    let log = busy();
    let until = log.records.last().unwrap().0;
    let analytics = Analytics::new(None).unwrap();
    let begins = 400;
    analytics.begin(begins, &log.exchange_at(begins));
    log.fold(&analytics, begins, log.len());
    let all = Analytics::new(None).unwrap();
    log.fold(&all, 0, log.len());
    for contract in [0, 1] {
        let from = told(&analytics, contract, Resolution::OneMinute, until);
        let whole = told(&all, contract, Resolution::OneMinute, until);
        let (opened, first) = &from[0];
        assert_eq!(*opened, Resolution::OneMinute.opening(log.records[begins as usize - 1].0));
        assert!(first.trades < 60);
        // The minutes after that one are the same, but for what counts from the beginning.
        let missing = whole.last().unwrap().1.delta - from.last().unwrap().1.delta;
        let later = from[1..].iter().map(|(opened, figures)| {
            (*opened, Figures { delta: figures.delta + missing, ..figures.clone() })
        });
        let skipped = whole.len() - from.len() + 1;
        assert!(later.eq(whole[skipped..].iter().cloned()), "contract {contract}");
    }
}

#[test]
fn one_that_does_not_know_how_it_stands_tells_what_was_until_it_is_shown() {
    let log = busy();
    let time = |record: u64| log.records[record as usize - 1].0;
    let all = Analytics::new(None).unwrap();
    log.fold(&all, 0, log.len());
    let analytics = Analytics::new(None).unwrap();
    log.fold(&analytics, 0, 150);
    everything(&analytics, time(150));
    // Not written yet.
    log.fold(&analytics, 150, 200);
    let was = afresh(&log, 200);
    // Nothing says how the exchange was there.
    analytics.begin(400, &Exchange::new());
    assert_eq!((analytics.stands(), analytics.sequence()), (false, 400));
    log.fold(&analytics, 400, 420);
    assert!((analytics.sequence(), everything(&analytics, time(200))) == (420, was));
    // An hour has ended in between, so another rate holds.
    analytics.begin(500, &log.exchange_at(500));
    assert!(analytics.stands());
    log.fold(&analytics, 500, log.len());
    let until = time(log.len());
    for contract in [0, 1] {
        let whole = told(&all, contract, Resolution::OneMinute, until);
        let after = |figures: &&(Timestamp, Figures)| figures.0 > time(500);
        let missing = whole.last().unwrap().1.delta
            - told(&analytics, contract, Resolution::OneMinute, until).last().unwrap().1.delta;
        let wanted: Told = whole.iter().filter(after).cloned().collect();
        let after_it: Told = told(&analytics, contract, Resolution::OneMinute, until)
            .iter()
            .filter(after)
            .map(|(opened, figures)| (*opened, Figures { delta: figures.delta + missing, ..figures.clone() }))
            .collect();
        assert!(wanted.len() >= 3 && wanted.iter().all(|(_, figures)| figures.rates.is_some()));
        assert!(after_it == wanted, "contract {contract}");
    }
}

#[test]
fn a_contract_that_ends_in_a_record_over_midnight_stays_ended_when_its_day_is_folded_again() {
    let mut log = Log::begin();
    let midnight = START.plus(24 * HOUR);
    let perpetual = log.exchange.instrument(InstrumentId(0)).unwrap().spec().clone();
    let expiry = Some(midnight.plus(-Timestamp::SECOND));
    let dated = InstrumentSpec { symbol: "FF_XBTUSD_260101".to_owned(), expiry, ..perpetual };
    log.apply(START, Command::List(Box::new(dated)));
    let id = InstrumentId(2);
    let near =
        log.exchange.instrument(id).unwrap().ticks_floor(log.exchange.market(id).unwrap().index.unwrap()).0;
    log.trade(midnight.plus(-2 * MINUTE), 60);
    for (account, side) in [(0, Side::Sell), (1, Side::Buy)] {
        log.apply(midnight.plus(-MINUTE), limit(account, id, side, 1_000, near));
    }
    while log.exchange.now() < midnight {
        log.apply(midnight.plus(MINUTE), Command::Advance);
    }
    let over = log.len();
    let settled = |event: &Event| matches!(event, Event::Settled(settled) if settled.instrument == id);
    assert!(
        log.records[over as usize - 1].1.iter().any(settled),
        "one record ends it and goes on over midnight"
    );
    log.trade(midnight.plus(2 * MINUTE), 30);
    let folder = TempDir::new().unwrap();
    let analytics = in_folder(&folder, &Exchange::new(), 0);
    analytics.revert(1, 0);
    log.fold(&analytics, 0, log.len());
    analytics.revert(2, log.len() - 5);
    assert_eq!(log.go_on(&analytics, log.len()), over - 1, "its day begins with that record");
    let all = Analytics::new(None).unwrap();
    log.fold(&all, 0, log.len());
    for resolution in [Resolution::OneMinute, Resolution::OneHour, Resolution::OneDay] {
        let [again, wanted] = [&analytics, &all].map(|one| told(one, id.0, resolution, log.exchange.now()));
        assert_eq!(wanted.last().unwrap().1.open_interest.close, 0);
        assert!(again == wanted, "{resolution:?}");
    }
}

#[test]
fn a_database_of_another_version_is_begun_anew() {
    let log = busy();
    let until = log.records.last().unwrap().0;
    let folder = TempDir::new().unwrap();
    let analytics = in_folder(&folder, &Exchange::new(), 0);
    log.fold(&analytics, 0, log.len());
    analytics.end();
    drop(analytics);
    let file = Connection::open(folder.path().join("analytics.db")).unwrap();
    file.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(file);
    let analytics = in_folder(&folder, &log.exchange, log.len());
    assert_eq!(analytics.sequence(), 0);
    log.go_on(&analytics, log.len());
    assert_eq!(everything(&analytics, until), afresh(&log, log.len()));
    // What is no database at all is said, and left alone.
    drop(analytics);
    std::fs::write(folder.path().join("analytics.db"), [7; 10_000]).unwrap();
    let analytics = Analytics::new(Some(folder.path())).unwrap();
    let error = analytics.meet(&log.exchange, log.len()).unwrap_err().to_string();
    assert!(error.starts_with("analytics.db: "), "{error}");
}

#[test]
fn minutes_are_kept_for_thirty_days_and_hours_for_good() {
    let mut log = busy();
    for day in 1..40 {
        log.trade(START.plus(day * 24 * HOUR), 1);
    }
    let until = log.records.last().unwrap().0;
    let folder = TempDir::new().unwrap();
    let analytics = in_folder(&folder, &Exchange::new(), 0);
    log.fold(&analytics, 0, log.len());
    analytics.end();
    drop(analytics);
    // Old minutes are dropped with the first write after a start.
    let analytics = in_folder(&folder, &log.exchange, log.len());
    log.trade(until, 1);
    log.fold(&analytics, log.len() - 1, log.len());
    let minutes = told(&analytics, 0, Resolution::OneMinute, until);
    let days = (until.0 - minutes[0].0.0) / (24 * HOUR);
    assert!((30..=31).contains(&days), "{days}");
    let hours = told(&analytics, 0, Resolution::OneHour, until);
    assert_eq!(hours[0].0, START);
    assert!(hours[1].1.trades + hours[0].1.trades > 50);
}
