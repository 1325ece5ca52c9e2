//! What follows from one change is done in steps, and a record does 64 of them at most (rules 5.7): however many accounts,
//! triggers, orders, seconds or timers it reaches, the next record is not far, and a cancel waits for nothing.

mod fixture;

use fixture::{Desk, ask, bid, stop};
use loligo_engine::{
    AccountId, Command, CreateAccount, Currency, Deposit, Event, Exchange, FinePrice, InstrumentId,
    LimitsChange, Money, Outcome, PlaceOrder, Timestamp, UpdateReason, WORK_PER_RECORD, Wallet,
};

const BTC: i64 = 10_000;
const SECOND: i64 = Timestamp::SECOND;
const FIRST: InstrumentId = InstrumentId(0);
/// Steps of a record, and sixteenths of a step in one.
const STEPS: usize = 64;
const STEP: u32 = WORK_PER_RECORD / STEPS as u32;

/// A desk of many accounts; and what the last record told.
struct Crowd {
    exchange: Exchange,
    events: Vec<Event>,
    /// Whoever comes amid the work of others.
    stranger: AccountId,
    accounts: std::ops::Range<u32>,
}

impl Crowd {
    /// So many accounts with so much money each, beside a rich one that is its counterparty.
    fn of(count: u32, usd: i128) -> Self {
        let mut desk = Desk::open();
        desk.holds(desk.bob, 1_000_000_000 * Money::ONE);
        let roomy = LimitsChange {
            open_orders: Some(100_000),
            small_orders: Some(100_000),
            ..LimitsChange::default()
        };
        desk.done(&Command::SetLimits { account: None, instrument: None, change: roomy });
        let mut crowd = Self {
            stranger: desk.alice,
            exchange: desk.exchange,
            events: Vec::new(),
            accounts: 4..4 + count,
        };
        for account in crowd.accounts.clone() {
            crowd.apply(&Command::CreateAccount(CreateAccount { parent: None, house: false }));
            let (account, wallet, currency) = (AccountId(account), Wallet::Flex, Currency::USD);
            let deposit = Deposit { account, wallet, currency, amount: Money(usd * Money::ONE) };
            crowd.apply(&Command::Deposit(deposit));
        }
        crowd
    }

    fn apply(&mut self, command: &Command) -> Outcome {
        self.at(self.exchange.now(), command)
    }

    fn at(&mut self, time: Timestamp, command: &Command) -> Outcome {
        self.events.clear();
        self.exchange.apply(time, command, &mut self.events)
    }

    fn place(&mut self, account: u32, order: PlaceOrder) {
        let order = PlaceOrder { account: AccountId(account), instrument: FIRST, ..order };
        let outcome = self.apply(&Command::Place(order));
        assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
        assert!(!self.exchange.is_busy());
    }

    fn mark(&mut self, usd: i128) -> Outcome {
        let price = Some(FinePrice(usd * 10_i128.pow(18)));
        self.apply(&Command::PinMark { instrument: FIRST, price })
    }

    /// Orders that the last record filled, removed or fired.
    fn moved(&self) -> usize {
        let moved = |event: &&Event| {
            let fired = matches!(event, Event::Fired { .. } | Event::ActivationFailed { .. });
            fired || matches!(event, Event::Executed(_) | Event::Cancelled { .. })
        };
        self.events.iter().filter(moved).count()
    }

    /// Does what is left up to a time, while a stranger comes between the records of it. No record does more than its steps and
    /// one more, in which `most` orders may move. Gives what happened over all, and in how many records.
    fn finish(&mut self, time: Timestamp, most: usize) -> (Vec<Event>, usize) {
        let (mut told, mut records) = (std::mem::take(&mut self.events), 1);
        while self.exchange.is_due(time) {
            if self.exchange.is_busy() {
                let now = self.exchange.now();
                assert_eq!(self.exchange.next_due(), Some(now), "while something waits it is due now");
                let cancels = Command::CancelAll { account: self.stranger, instrument: None };
                assert!(matches!(self.at(time, &cancels), Outcome::CancelledAll(_)));
                assert_eq!(
                    (self.exchange.work_done(), self.exchange.now()),
                    (0, now),
                    "a cancel just cancels"
                );
                told.append(&mut self.events);
            }
            assert_eq!(self.at(time, &Command::Advance), Outcome::Done);
            self.assert_bounded(most);
            told.append(&mut self.events);
            records += 1;
        }
        self.exchange.audit().expect("sound");
        (told, records)
    }

    fn assert_bounded(&self, most: usize) {
        assert!(self.moved() <= STEPS + most, "{} orders moved by one record", self.moved());
        assert!(self.exchange.work_done() <= WORK_PER_RECORD + (most as u32 + 1) * STEP);
    }
}

fn count(events: &[Event], which: impl Fn(&Event) -> bool) -> usize {
    events.iter().filter(|event| which(event)).count()
}

fn cancelled_for(events: &[Event], reason: UpdateReason) -> usize {
    count(events, |event| matches!(event, Event::Cancelled { order } if order.reason == Some(reason)))
}

/// Everyone buys so much at 50,000 of the rich one, who bids for more below.
fn everyone_long(crowd: &mut Crowd, lots: i64) {
    let all = lots * crowd.accounts.len() as i64;
    for _ in 0..all.div_euclid(100 * BTC) + 1 {
        crowd.place(1, ask(100 * BTC, 50_000));
    }
    for account in crowd.accounts.clone() {
        crowd.place(account, bid(lots, 50_000));
    }
    crowd.apply(&Command::CancelAll { account: AccountId(1), instrument: None });
    for _ in 0..all.div_euclid(100 * BTC) + 1 {
        crowd.place(1, bid(100 * BTC, 49_700));
    }
}

#[test]
fn a_price_that_liquidates_ten_thousand_accounts_holds_nobody_up() {
    let mut crowd = Crowd::of(10_000, 60);
    everyone_long(&mut crowd, BTC / 10);
    let stranger = crowd.stranger.0;
    crowd.place(stranger, bid(BTC, 1_000));
    assert_eq!(crowd.mark(49_400), Outcome::Done);
    assert!(crowd.exchange.is_busy());
    crowd.assert_bounded(1);
    let (told, records) = crowd.finish(crowd.exchange.now(), 1);
    assert_eq!(count(&told, |event| matches!(event, Event::Executed(_))), 10_000);
    assert_eq!(cancelled_for(&told, UpdateReason::CancelledByUser), 1, "the stranger's");
    // 16 of those who hold it are looked over in a step; then a wallet is judged, and an order filled, in two.
    assert_eq!(records as u32, (10_001 + 10_000 * 2 * STEP).div_ceil(WORK_PER_RECORD));
}

#[test]
fn a_price_that_fires_ten_thousand_stops_holds_nobody_up() {
    let mut crowd = Crowd::of(100, 100_000);
    for account in crowd.accounts.clone() {
        for _ in 0..100 {
            crowd.place(account, stop(ask(100, 49_400), 49_500));
        }
    }
    assert_eq!(crowd.mark(49_400), Outcome::Done);
    crowd.assert_bounded(0);
    let (told, records) = crowd.finish(crowd.exchange.now(), 0);
    assert_eq!(count(&told, |event| matches!(event, Event::Fired { .. })), 10_000);
    assert_eq!(records, 10_000_usize.div_ceil(STEPS));
}

#[test]
fn an_account_with_many_orders_counts_for_all_that_it_loses() {
    let mut crowd = Crowd::of(500, 600);
    everyone_long(&mut crowd, BTC);
    for account in crowd.accounts.clone() {
        for _ in 0..100 {
            crowd.place(account, stop(ask(100, 40_000), 40_000));
        }
    }
    assert_eq!(crowd.mark(49_400), Outcome::Done);
    crowd.assert_bounded(101);
    let (told, records) = crowd.finish(crowd.exchange.now(), 101);
    assert_eq!(cancelled_for(&told, UpdateReason::LiquidationOrder), 500 * 100);
    assert_eq!(count(&told, |event| matches!(event, Event::Executed(_))), 500);
    assert!(records >= 500, "each takes a record by itself, {records}");
}

#[test]
fn many_timers_in_one_jump_hold_nobody_up() {
    let mut crowd = Crowd::of(239, 100_000);
    crowd.apply(&Command::PinMark { instrument: FIRST, price: None });
    for account in crowd.accounts.clone() {
        // The best of either side go first, so that each that goes moves the mark.
        let behind = i64::from(account);
        let order = if account % 2 == 0 { bid(800, 49_950 - behind) } else { ask(800, 50_150 + behind) };
        crowd.place(account, order);
        let timeout_seconds = 300 + 350 * (account - 4);
        let outcome = crowd.apply(&Command::CancelAllAfter { account: AccountId(account), timeout_seconds });
        assert!(matches!(outcome, Outcome::Armed(Some(_))));
    }
    let end = crowd.exchange.now().plus(86_400 * SECOND);
    crowd.at(end, &Command::Advance);
    crowd.assert_bounded(2);
    let (told, records) = crowd.finish(end, 2);
    assert_eq!(cancelled_for(&told, UpdateReason::DeadManSwitch), 239);
    assert_eq!(crowd.exchange.now(), end);
    // Only seconds at which a mark moves count, and nothing else is sampled.
    assert!((20..2_000).contains(&records), "{records}");
}

#[test]
fn an_expiry_with_twenty_thousand_orders_holds_nobody_up() {
    let mut crowd = Crowd::of(40, 100_000);
    let spec = crowd.exchange.instrument(FIRST).expect("the first").spec().clone();
    let expiry = crowd.exchange.now().plus(60 * SECOND);
    let spec = loligo_engine::InstrumentSpec { symbol: "FF_XBTUSD_1".into(), expiry: Some(expiry), ..spec };
    let Outcome::Listed(dated) = crowd.apply(&Command::List(Box::new(spec))) else { panic!("listed") };
    for account in crowd.accounts.clone() {
        for place in 0..500 {
            let order =
                PlaceOrder { account: AccountId(account), instrument: dated, ..bid(1, 40_000 + place) };
            let outcome = crowd.apply(&Command::Place(order));
            assert!(matches!(outcome, Outcome::Placed(_)), "{outcome:?}");
        }
    }
    let end = expiry.plus(10 * SECOND);
    crowd.at(end, &Command::Advance);
    crowd.assert_bounded(1);
    while !crowd.exchange.is_busy() {
        crowd.at(end, &Command::Advance);
    }
    assert_eq!(crowd.exchange.now(), expiry, "time stands still until all are gone");
    let (told, records) = crowd.finish(end, 1);
    let gone = cancelled_for(&told, UpdateReason::ContractExpired);
    assert!(gone > 20_000 - 2 * STEPS && gone <= 20_000, "{gone}");
    assert!(records >= 20_000 / STEPS - 1, "{records}");
    assert_eq!(crowd.exchange.now(), end);
}
