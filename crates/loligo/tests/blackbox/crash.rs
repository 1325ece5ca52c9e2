//! Kill the process at any moment: what it acknowledged is there after the next start, once, and what it did not
//! acknowledge is there in full or not at all.
//!
//! Each worker keeps a ledger of what it asked and what was answered. The one request that a kill leaves unanswered
//! may have happened or not; everything else is certain, and after each start the exchange must agree with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use serde_json::Value;

use crate::api::Client;
use crate::venue::{Home, QUIET, Venue, text};

const SYMBOL: &str = "PF_XBTUSD";
/// Where orders are filled by halves, out of the way of the others.
const HALVES_SYMBOL: &str = "PF_ETHUSD";

/// One fill of the trading worker, in thousandths of a contract.
const TRADE_SIZE: &str = "0.001";

/// Enough to have a book worth losing, far from the limit of 500.
const OPEN_ORDERS_MAX: usize = 60;

#[test]
fn nothing_acknowledged_is_lost_with_a_manual_clock() {
    // Time stands still, so closed orders stay visible and every one of them can be checked.
    Campaign::new(0x0010_1160, Time::Manual).run(35);
}

#[test]
fn nothing_acknowledged_is_lost_with_the_real_clock() {
    Campaign::new(0x0020_2260, Time::Real).run(20);
}

#[test]
fn a_kill_during_the_start_harms_nothing() {
    let home = Home::new();
    let flags = ["--market", "none", "--clock", "manual", "--rate-limits", "off"];
    let venue = home.start(&flags);
    let mut client = venue.client(0);
    let names: Vec<_> = (0..40).map(|n| format!("kept-{n}")).collect();
    let ids: Vec<_> =
        names.iter().map(|name| client.place_limit(SYMBOL, "buy", "0.01", "40000", name)).collect();
    venue.kill();
    for round in 0..12 {
        let mut started = home.launch(&flags);
        // Some starts are killed before they read a byte, some when they have just taken the folder, some when they
        // are done.
        let lock = home.data().join("journal.lock");
        match round % 3 {
            0 => {}
            1 => {
                let own = started.id().to_string();
                started.wait_for("the folder is taken", || {
                    std::fs::read_to_string(&lock).is_ok_and(|holder| holder.trim() == own)
                });
                assert!(
                    !home.config_file().exists(),
                    "round {round}: the start was over before it was killed"
                );
            }
            _ => started.wait_for("the start file", || home.config_file().exists()),
        }
        started.kill();
    }
    let venue = home.start(&flags);
    let mut client = venue.client(0);
    let open: BTreeSet<_> =
        client.open_orders().iter().map(|order| text(&order["order_id"]).to_owned()).collect();
    assert_eq!(open, ids.into_iter().collect());
    drop(venue);
    assert!(home.run("verify").status.success());
}

#[test]
fn an_armed_dead_mans_switch_survives_and_fires_when_it_was_due() {
    let home = Home::new();
    let flags = ["--market", "none", "--clock", "manual", "--rate-limits", "off"];
    for round in 0..5 {
        let mut venue = home.start(&flags);
        if round == 0 {
            venue.pin(SYMBOL, "50000");
        }
        let mut client = venue.client(0);
        client.place_limit(SYMBOL, "buy", "0.01", "40000", "resting");
        assert_eq!(client.place(&stop("sell", "0.01", "39000", "waiting"))["status"], "placed");
        let armed = client.post("/cancelallordersafter", &[("timeout", "60")]);
        let (from, until) = (text(&armed["status"]["currentTime"]), text(&armed["status"]["triggerTime"]));
        assert_ne!(from, until, "{armed}");
        venue.kill();

        let mut venue = home.start(&flags);
        let mut client = venue.client(0);
        venue.advance(59_999);
        assert_eq!(client.open_orders().len(), 2, "round {round}: a millisecond too early");
        venue.advance(1);
        assert_eq!(client.open_orders(), Vec::<Value>::new(), "round {round}: the minute is over");
        let gone = client.status_by_name(&["resting", "waiting"]);
        assert_eq!(gone.len(), 2, "round {round}: {gone:?}");
        for record in gone {
            assert_eq!(record["status"], "CANCELLED", "{record}");
            assert_eq!(record["updateReason"], "DEAD_MAN_SWITCH", "{record}");
        }
        // Six seconds on, the names are free again.
        venue.advance(6_000);
        venue.kill();
    }
    assert!(home.run("verify").status.success());
}

#[derive(Clone, Copy, PartialEq)]
enum Time {
    Manual,
    Real,
}

/// Many rounds on one data folder.
struct Campaign {
    home: Home,
    dice: Dice,
    seed: u64,
    time: Time,
    resting: Vec<Ledger>,
    trading: Trading,
    halves: Halves,
}

impl Campaign {
    fn new(seed: u64, time: Time) -> Self {
        let resting = (0..3).map(|worker| Ledger::new(worker, seed)).collect();
        Self {
            home: Home::new(),
            dice: Dice(seed),
            seed,
            time,
            resting,
            trading: Trading::default(),
            halves: Halves::default(),
        }
    }

    fn run(mut self, rounds: u32) {
        let clock = if self.time == Time::Manual { "manual" } else { "real" };
        let flags = ["--market", "none", "--clock", clock, "--rate-limits", "off"];
        let mut acknowledged = 0;
        for round in 0..rounds {
            let mut venue = self.home.start(&flags);
            if round == 0 {
                venue.pin(SYMBOL, "50000");
                venue.pin(HALVES_SYMBOL, "3000");
            }
            for ledger in &mut self.resting {
                let about = format!("seed {:#x}, round {round}, worker {}", self.seed, ledger.worker);
                ledger.compare(&mut venue.client(ledger.worker), self.time, &about);
            }
            let about = format!("seed {:#x}, round {round}", self.seed);
            self.trading.compare(&venue, self.time, &about);
            self.halves.compare(&mut venue.client(5), &about);

            // The moment of the kill is a number of acknowledgements, drawn from the seed.
            let kill_after = 10 + self.dice.below(300);
            acknowledged += kill_after;
            self.load_and_kill(venue, kill_after);
        }
        let venue = self.home.start(&flags);
        for ledger in &mut self.resting {
            ledger.compare(&mut venue.client(ledger.worker), self.time, "the last start");
        }
        self.trading.compare(&venue, self.time, "the last start");
        self.halves.compare(&mut venue.client(5), "the last start");
        assert!(venue.stop().status.success());
        let verified = self.home.run("verify");
        assert!(verified.status.success(), "{verified:?}");
        assert!(acknowledged > u64::from(rounds) * 50, "the rounds had too little load to mean anything");
    }

    /// Five workers send as fast as they are answered, until the process is gone.
    fn load_and_kill(&mut self, venue: Venue, kill_after: u64) {
        let (told, heard) = sync_channel(1024);
        let mut clients: Vec<_> = self.resting.iter().map(|ledger| venue.client(ledger.worker)).collect();
        let mut seller = venue.client(3);
        let mut buyer = venue.client(4);
        let (mut maker, mut taker) = (venue.client(5), venue.client(6));
        thread::scope(|scope| {
            for (ledger, client) in self.resting.iter_mut().zip(&mut clients) {
                let told = told.clone();
                scope.spawn(move || ledger.work(client, &told));
            }
            let trading = &mut self.trading;
            let told_trades = told.clone();
            scope.spawn(move || trading.work(&mut seller, &mut buyer, &told_trades));
            let halves = &mut self.halves;
            let told_halves = told.clone();
            scope.spawn(move || halves.work(&mut maker, &mut taker, &told_halves));
            drop(told);
            for _ in 0..kill_after {
                heard.recv().expect("the workers are running");
            }
            venue.kill();
            // What is still on its way to this thread must not block the workers from seeing the end.
            while heard.recv().is_ok() {}
        });
    }
}

/// What is known of an order.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    /// Asked for, not answered: it is there, or it is not.
    Asked,
    Open,
    /// Its cancellation was asked for, not answered.
    CancelAsked,
    Cancelled,
    /// Asked for, not answered, and found not to be there: it must never appear.
    Absent,
}

/// An order that rests, or a trigger that waits, until it is cancelled.
struct Resting {
    id: Option<String>,
    kind: Kind,
    side: &'static str,
    /// Its limit, or its trigger price.
    price: u64,
    known: Known,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Limit,
    Stop,
    TakeProfit,
}

/// One account that places orders and triggers far from each other and from the mark, and cancels some of them.
struct Ledger {
    worker: usize,
    dice: Dice,
    placed: u64,
    orders: BTreeMap<String, Resting>,
}

impl Ledger {
    fn new(worker: usize, seed: u64) -> Self {
        let dice = Dice(seed ^ (worker as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self { worker, dice, placed: 0, orders: BTreeMap::new() }
    }

    /// Works until the connection breaks.
    fn work(&mut self, client: &mut Client, told: &SyncSender<()>) {
        loop {
            let open: Vec<_> = self
                .orders
                .iter()
                .filter(|(_, order)| order.known == Known::Open)
                .map(|(name, _)| name.clone())
                .collect();
            let cancel = open.len() >= OPEN_ORDERS_MAX || (!open.is_empty() && self.dice.below(10) < 4);
            let answered = if cancel {
                let name = open[self.dice.below(open.len() as u64) as usize].clone();
                self.cancel(client, &name)
            } else {
                self.place(client)
            };
            if !answered || told.send(()).is_err() {
                return;
            }
        }
    }

    fn place(&mut self, client: &mut Client) -> bool {
        let name = format!("w{}-{}", self.worker, self.placed);
        self.placed += 1;
        // Below the mark rest purchases, and wait stops that sell and profits that buy; above it the others.
        let below = self.dice.below(2) == 0;
        let kind = [Kind::Limit, Kind::Limit, Kind::Stop, Kind::TakeProfit][self.dice.below(4) as usize];
        let side = if below == (kind != Kind::Stop) { "buy" } else { "sell" };
        let price = if below { 40_000 + self.dice.below(1_000) } else { 59_000 + self.dice.below(900) };
        self.orders.insert(name.clone(), Resting { id: None, kind, side, price, known: Known::Asked });
        let at = price.to_string();
        let arguments = match kind {
            Kind::Limit => limit("lmt", side, "0.01", &at, &name),
            Kind::Stop => stop(side, "0.01", &at, &name),
            Kind::TakeProfit => trigger("take_profit", side, "0.01", &at, &name),
        };
        let Some(sent) = send(client, &arguments) else { return false };
        assert_eq!(sent["status"], "placed", "{sent}");
        let order = self.orders.get_mut(&name).expect("just inserted");
        order.id = Some(text(&sent["order_id"]).to_owned());
        order.known = Known::Open;
        true
    }

    fn cancel(&mut self, client: &mut Client, name: &str) -> bool {
        let order = self.orders.get_mut(name).expect("a known order");
        order.known = Known::CancelAsked;
        let gone = cancel(client, name);
        if gone {
            order.known = Known::Cancelled;
        }
        gone
    }

    /// The exchange must agree with everything that is certain; what was open to doubt is settled by what it says now.
    fn compare(&mut self, client: &mut Client, time: Time, about: &str) {
        let mut open = BTreeMap::new();
        let mut ids = BTreeSet::new();
        for order in client.open_orders() {
            assert!(ids.insert(text(&order["order_id"]).to_owned()), "{about}: one id twice: {order}");
            let name = text(&order["cliOrdId"]).to_owned();
            assert!(open.insert(name, order.clone()).is_none(), "{about}: doubled: {order}");
        }
        for name in open.keys() {
            assert!(self.orders.contains_key(name), "{about}: nobody asked for {name}");
        }
        let names: Vec<_> = self.orders.keys().cloned().collect();
        let mut status = BTreeMap::new();
        for names in names.chunks(400) {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            for record in client.status_by_name(&names) {
                let name = text(&record["order"]["cliOrdId"]).to_owned();
                assert!(status.insert(name, record.clone()).is_none(), "{about}: two records: {record}");
            }
        }
        for (name, order) in &mut self.orders {
            let (listed, record) = (open.get(name), status.get(name));
            let said = || format!("{about}: {name} is {:?}, but {listed:?}, {record:?}", order.known);
            let is_open = match order.known {
                Known::Open => true,
                Known::Cancelled | Known::Absent => false,
                Known::Asked | Known::CancelAsked => listed.is_some(),
            };
            assert_eq!(listed.is_some(), is_open, "{}", said());
            if let (true, Some(listed), Some(record)) = (is_open, listed, record) {
                assert_eq!(listed["status"], "untouched", "{}", said());
                assert_eq!(listed["side"], order.side, "{}", said());
                assert_eq!(listed["unfilledSize"].to_string(), "0.01", "{}", said());
                let (kind, price, told) = match order.kind {
                    Kind::Limit => ("lmt", &listed["limitPrice"], ("ENTERED_BOOK", "LOADING_MARKET")),
                    Kind::Stop => ("stop", &listed["stopPrice"], ("TRIGGER_PLACED", "NEW_USER_ORDER")),
                    Kind::TakeProfit => {
                        ("take_profit", &listed["stopPrice"], ("TRIGGER_PLACED", "NEW_USER_ORDER"))
                    }
                };
                assert_eq!(listed["orderType"], kind, "{}", said());
                assert_eq!(price.as_u64(), Some(order.price), "{}", said());
                assert_eq!(record["status"], told.0, "{}", said());
                assert_eq!(record["updateReason"], told.1, "{}", said());
                assert_eq!(record["order"]["orderId"], listed["order_id"], "{}", said());
                if let Some(id) = &order.id {
                    assert_eq!(listed["order_id"], id.as_str(), "{}", said());
                }
                order.id = Some(text(&listed["order_id"]).to_owned());
                order.known = Known::Open;
                continue;
            }
            assert!(!is_open, "{}", said());
            match record {
                // It was placed, and the cancellation took place: seen as long as time stands still.
                Some(record) => {
                    assert_eq!(record["status"], "CANCELLED", "{}", said());
                    assert_eq!(record["updateReason"], "CANCELLED_BY_USER", "{}", said());
                    assert!(!matches!(order.known, Known::Asked | Known::Absent), "{}", said());
                    order.known = Known::Cancelled;
                }
                None if matches!(order.known, Known::Asked | Known::Absent) => order.known = Known::Absent,
                None => {
                    assert!(time == Time::Real, "{}", said());
                    order.known = Known::Cancelled;
                }
            }
        }
    }
}

/// Two accounts that trade with each other, one contract thousandth at a time.
#[derive(Default)]
struct Trading {
    started: u64,
    /// Purchases that were acknowledged as filled.
    bought: u64,
    /// A purchase was asked for and not answered.
    in_doubt: bool,
}

impl Trading {
    fn work(&mut self, seller: &mut Client, buyer: &mut Client, told: &SyncSender<()>) {
        loop {
            let number = self.started;
            self.started += 1;
            let name = format!("s-{number}");
            let Some(sold) = send(seller, &limit("lmt", "sell", TRADE_SIZE, "50000", &name)) else { return };
            assert_eq!(sold["status"], "placed", "{sold}");
            self.in_doubt = true;
            let name = format!("b-{number}");
            let Some(bought) = send(buyer, &limit("ioc", "buy", TRADE_SIZE, "50000", &name)) else { return };
            assert_eq!(bought["status"], "placed", "{bought}");
            assert_eq!(bought["orderEvents"][0]["type"], "EXECUTION", "{bought}");
            self.in_doubt = false;
            self.bought += 1;
            if told.send(()).is_err() || told.send(()).is_err() {
                return;
            }
        }
    }

    fn compare(&mut self, venue: &Venue, time: Time, about: &str) {
        let (mut seller, mut buyer) = (venue.client(3), venue.client(4));
        let long = position(&mut buyer, "long");
        let short = position(&mut seller, "short");
        assert_eq!(long, short, "{about}: both sides of a trade or neither");
        let possible = if self.in_doubt { self.bought..=self.bought + 1 } else { self.bought..=self.bought };
        assert!(possible.contains(&long), "{about}: {long} bought, {possible:?} expected");
        self.bought = long;
        self.in_doubt = false;

        if time == Time::Manual && self.started > 0 {
            let names: Vec<_> =
                (self.started.saturating_sub(300)..self.started).map(|n| format!("b-{n}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            for record in buyer.status_by_name(&names) {
                assert_eq!(record["status"], "FULLY_EXECUTED", "{about}: {record}");
                assert_eq!(record["order"]["filled"].to_string(), TRADE_SIZE, "{about}: {record}");
            }
        }
        // A sale may rest whose purchase never came; without it each later purchase meets the newest sale.
        let gone = seller.post("/cancelallorders", &[])["cancelStatus"]["status"].clone();
        assert!(gone == "cancelled" || gone == "noOrdersToCancel", "{about}: {gone}");
        assert_eq!(seller.open_orders(), Vec::<Value>::new());
    }
}

/// The size of an account's only position, in thousandths.
fn position(client: &mut Client, side: &str) -> u64 {
    let answer = client.get("/openpositions", &[]);
    let positions = answer["openPositions"].as_array().expect("a list of positions");
    let Some(position) = positions.first() else { return 0 };
    assert_eq!((positions.len(), &position["side"]), (1, &Value::from(side)));
    let size = position["size"].to_string();
    let (whole, part) = size.split_once('.').unwrap_or((&size, ""));
    format!("{whole}{part:0<3}").parse().unwrap_or_else(|_| panic!("a size in thousandths: {size}"))
}

/// Two accounts of which one rests an order, the other buys two fifths of it, and the first cancels the rest.
#[derive(Default)]
struct Halves {
    number: u64,
    step: HalfStep,
}

/// The last thing that was asked about the present order, and whether it was answered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum HalfStep {
    #[default]
    Nothing,
    RestAsked,
    Rests,
    BuyAsked,
    Half,
    CancelAsked,
}

impl Halves {
    fn name(&self) -> String {
        format!("h-{}", self.number)
    }

    fn work(&mut self, maker: &mut Client, taker: &mut Client, told: &SyncSender<()>) {
        loop {
            let name = self.name();
            let answered = match self.step {
                HalfStep::Nothing => {
                    self.step = HalfStep::RestAsked;
                    let order = on(HALVES_SYMBOL, limit("lmt", "sell", "1", "3000", &name));
                    let sent = send(maker, &order);
                    self.step = if sent.is_some() { HalfStep::Rests } else { self.step };
                    sent.is_some()
                }
                HalfStep::Rests => {
                    self.step = HalfStep::BuyAsked;
                    let bought = format!("t-{}", self.number);
                    let order = on(HALVES_SYMBOL, limit("ioc", "buy", "0.4", "3000", &bought));
                    let sent = send(taker, &order);
                    if let Some(sent) = &sent {
                        assert_eq!(sent["orderEvents"][0]["type"], "EXECUTION", "{sent}");
                        self.step = HalfStep::Half;
                    }
                    sent.is_some()
                }
                HalfStep::Half => {
                    self.step = HalfStep::CancelAsked;
                    let gone = cancel(maker, &name);
                    if gone {
                        (self.number, self.step) = (self.number + 1, HalfStep::Nothing);
                    }
                    gone
                }
                HalfStep::RestAsked | HalfStep::BuyAsked | HalfStep::CancelAsked => {
                    unreachable!("doubt is settled before work goes on")
                }
            };
            if !answered || told.send(()).is_err() {
                return;
            }
        }
    }

    /// What is open must be what was acknowledged, to the last lot; doubt is settled by what is there.
    fn compare(&mut self, maker: &mut Client, about: &str) {
        let open = maker.open_orders();
        let said = format!("{about}: {:?} of {}, but open is {open:?}", self.step, self.name());
        let filled = match open.as_slice() {
            [] => None,
            [order] => {
                assert_eq!(order["cliOrdId"], self.name(), "{said}");
                let record = maker.status_by_name(&[&self.name()]);
                assert_eq!(record[0]["status"], "ENTERED_BOOK", "{said}");
                assert_eq!(record[0]["updateReason"], "LOADING_MARKET", "{said}");
                assert_eq!(record[0]["order"]["filled"], order["filledSize"], "{said}");
                assert_eq!(record[0]["order"]["quantity"].to_string(), "1", "{said}");
                Some(order["filledSize"].to_string())
            }
            _ => panic!("{said}"),
        };
        let possible: &[Option<&str>] = match self.step {
            HalfStep::Nothing => &[None],
            HalfStep::RestAsked => &[None, Some("0")],
            HalfStep::Rests => &[Some("0")],
            HalfStep::BuyAsked => &[Some("0"), Some("0.4")],
            HalfStep::Half => &[Some("0.4")],
            HalfStep::CancelAsked => &[Some("0.4"), None],
        };
        assert!(possible.contains(&filled.as_deref()), "{said}");
        self.step = match filled.as_deref() {
            None => {
                self.number += 1;
                HalfStep::Nothing
            }
            Some("0") => HalfStep::Rests,
            Some(_) => HalfStep::Half,
        };
    }
}

type Arguments<'a> = Vec<(&'a str, &'a str)>;

/// An order with a limit.
fn limit<'a>(kind: &'a str, side: &'a str, size: &'a str, price: &'a str, name: &'a str) -> Arguments<'a> {
    vec![
        ("orderType", kind),
        ("symbol", SYMBOL),
        ("side", side),
        ("size", size),
        ("limitPrice", price),
        ("cliOrdId", name),
    ]
}

/// A trigger that watches the mark.
fn trigger<'a>(kind: &'a str, side: &'a str, size: &'a str, at: &'a str, name: &'a str) -> Arguments<'a> {
    let mut arguments = limit(kind, side, size, at, name);
    arguments[4].0 = "stopPrice";
    arguments.push(("triggerSignal", "mark"));
    arguments
}

fn stop<'a>(side: &'a str, size: &'a str, at: &'a str, name: &'a str) -> Arguments<'a> {
    trigger("stp", side, size, at, name)
}

/// The same in another contract.
fn on<'a>(symbol: &'a str, mut arguments: Arguments<'a>) -> Arguments<'a> {
    arguments[1].1 = symbol;
    arguments
}

/// Sends an order, which must be taken; its `sendStatus`, or nothing when the connection broke.
fn send(client: &mut Client, arguments: &[(&str, &str)]) -> Option<Value> {
    let response = client.try_post("/sendorder", arguments).ok()?;
    let answer: Value = serde_json::from_slice(&response.body).expect("an answer that arrived is whole");
    assert_eq!(answer["sendStatus"]["status"], "placed", "{answer}");
    Some(answer["sendStatus"].clone())
}

/// Cancels an order, which must be there; false when the connection broke.
fn cancel(client: &mut Client, name: &str) -> bool {
    let Ok(response) = client.try_post("/cancelorder", &[("cliOrdId", name)]) else { return false };
    let answer: Value = serde_json::from_slice(&response.body).expect("an answer that arrived is whole");
    assert_eq!(answer["cancelStatus"]["status"], "cancelled", "{answer}");
    true
}

/// SplitMix64: the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

#[test]
fn a_quiet_venue_is_started_by_the_flags_of_most_tests() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let before = venue.sequence();
    assert_eq!(venue.client(0).open_orders(), Vec::<Value>::new());
    assert_eq!(venue.sequence(), before, "reading writes nothing");
}
