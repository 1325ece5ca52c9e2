//! Where the past reaches into the present: figures of the day, the last price, public trades that go on behind real ones.

use super::*;
use crate::projection::{Applied, Cut, Follower as _, Markets, Page};
use loligo_engine::{
    AccountId, Command, CreateAccount, Deposit, Exchange, Fine, Genesis, Limits, Money, OnGrid, OrderType,
    Outcome, PlaceOrder, Wallet,
};

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
    quiet.views.show_funding(&quiet.exchange);
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
