//! What the feeds cost: updates to 1,000 sockets beside a plain loop that writes the same bytes, and what they do to an order's
//! acknowledgement and to its owner's own news.
//!
//! `cargo bench -p loligo --bench fanout`. Exchange and floor are processes of their own, and so are told apart by their
//! user and system time. All rows are taken in interleaved rounds; of each the median counts.

#![allow(clippy::print_stdout, reason = "a benchmark prints its table")]

#[path = "fanout/floor.rs"]
mod floor;
#[path = "fanout/followers.rs"]
mod followers;
#[path = "http/load.rs"]
#[allow(dead_code, reason = "the rest of it serves the benchmark of requests")]
mod load;
#[path = "fanout/private.rs"]
mod private;
#[path = "http/server.rs"]
#[allow(dead_code, reason = "the rest of it serves the benchmark of requests")]
mod server;

use floor::Floor;
use followers::{Followers, TEXT, handshake, masked, plain};
use load::{Connection, Request};
use private::OwnOrders;
use server::{Server, Start};
use std::time::{Duration, Instant};

const SOCKETS: usize = 1_000;
const ROUNDS: usize = 5;
/// Updates of one round, each told to all before the next happens.
const PACED: usize = 100;
/// Bursts of one round, and updates in each: the levels of orders that are cancelled by one command.
const BURSTS: usize = 4;
const BURST: usize = 100;
/// Orders whose acknowledgement is timed, on either exchange.
const TIMED: usize = 200;
/// Between two of them, beside what their followers are waited for.
const PAUSE: Duration = Duration::from_millis(2);

fn main() {
    if std::env::args().any(|word| word == "--floor") {
        floor::serve();
        return;
    }
    // A part can be named; without a name, as cargo runs it, all are taken.
    let named: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_wanted = |part: &str| named.is_empty() || named.iter().any(|word| word == part);
    if is_wanted("updates") {
        updates();
    }
    if is_wanted("acknowledgements") {
        acknowledgements();
    }
}

/// An exchange, and those who follow a book of its.
struct Followed {
    server: Server,
    connection: Connection,
    followers: Followers,
    sockets: u64,
    placed: usize,
}

impl Followed {
    fn start(sockets: usize) -> Self {
        let server = Server::start(&Start::durable());
        let join = masked(TEXT, br#"{"event":"subscribe","feed":"book","product_ids":["PF_XBTUSD"]}"#);
        // Greeting, answer, snapshot.
        let followers = Followers::open(server.address, sockets, vec![handshake(), join], 3);
        let connection = Connection::open(server.address);
        Self { server, connection, followers, sockets: sockets as u64, placed: 0 }
    }

    /// A bid at a level of its own among the next so many, or at one of them once more.
    fn order(&mut self, levels: usize) -> Request {
        self.placed += 1;
        let limit = 60_000 + self.placed % levels;
        let body = format!("orderType=lmt&symbol=PF_XBTUSD&side=buy&size=0.001&limitPrice={limit}");
        self.server.signed("/derivatives/api/v3/sendorder", &body)
    }

    fn cancel_all(&self) -> Request {
        self.server.signed("/derivatives/api/v3/cancelallorders", "symbol=PF_XBTUSD")
    }

    /// Has a request done and waits until all who follow were told of so many updates.
    fn ask(&mut self, request: &[u8], updates: u64) {
        let before = self.followers.told().0;
        self.connection.exchange(request);
        self.followers.wait_for(before + updates * self.sockets);
    }

    /// Orders and cancels in turn: an update each.
    fn paced(&mut self) -> Vec<Request> {
        (0..PACED).map(|at| if at % 2 == 0 { self.order(1) } else { self.cancel_all() }).collect()
    }
}

/// One round: CPU a message, and messages a second.
type Cost = (f64, f64);

/// What so many messages cost a process.
fn cost(process: u32, messages: usize, tell: impl FnOnce()) -> Cost {
    let (before, started) = (server::cpu(process), Instant::now());
    tell();
    let (spent, elapsed) = (server::cpu(process) - before, started.elapsed());
    (spent.as_secs_f64() * 1e6 / messages as f64, messages as f64 / elapsed.as_secs_f64())
}

fn updates() {
    let (mut here, mut alone) = (Followed::start(SOCKETS), Followed::start(0));
    let mut floor = Floor::start(SOCKETS);
    let reading = Followers::open(floor.address, SOCKETS, Vec::new(), 0);
    let at_floor = |floor: &mut Floor, bytes: &[u8], messages: u64| {
        let before = reading.told().0;
        floor.write(bytes);
        reading.wait_for(before + messages * SOCKETS as u64);
    };
    let paced = |exchange: &mut Followed| {
        let requests = exchange.paced();
        cost(exchange.server.process(), PACED * SOCKETS, || {
            requests.iter().for_each(|request| exchange.ask(request, 1));
        })
    };
    let (mut updates, mut orders, mut bursts) = ([vec![], vec![]], Vec::new(), [vec![], vec![]]);
    for _ in 0..ROUNDS {
        let told = here.followers.told();
        updates[0].push(paced(&mut here));
        let now = here.followers.told();
        orders.push(paced(&mut alone));
        let length = usize::try_from((now.1 - told.1) / (now.0 - told.0)).expect("a short message");
        let head = if length < 128 { 2 } else { 4 };
        let update = plain(TEXT, &vec![b'x'; length - head]);
        updates[1].push(cost(floor.process(), PACED * SOCKETS, || {
            (0..PACED).for_each(|_| at_floor(&mut floor, &update, 1));
        }));
        let burst = update.repeat(BURST);
        let mut of_round = [Vec::new(), Vec::new()];
        for _ in 0..BURSTS {
            for _ in 0..BURST {
                let order = here.order(BURST);
                here.ask(&order, 1);
            }
            let cancel = here.cancel_all();
            let messages = BURST * SOCKETS;
            of_round[0].push(cost(here.server.process(), messages, || here.ask(&cancel, BURST as u64)));
            of_round[1].push(cost(floor.process(), messages, || {
                at_floor(&mut floor, &burst, BURST as u64);
            }));
        }
        bursts[0].push(mean(&of_round[0]));
        bursts[1].push(mean(&of_round[1]));
    }
    // What the orders cost by themselves is not the feed's.
    let told: Vec<Cost> =
        updates[0].iter().zip(&orders).map(|(all, order)| (all.0 - order.0, all.1)).collect();
    let [whole, floor] = updates;
    println!("{:<50} {:>12} {:>12} {:>7} {:>6} {:>6}", "", "here", "floor", "ratio", "bar", "aim");
    report(&format!("paced updates to {SOCKETS} sockets: CPU a message"), &told, &floor, "0.70x", "0.85x");
    report("  with the orders that cause them", &whole, &floor, "", "");
    rate(&whole, &floor);
    let [here, floor] = bursts;
    report(
        &format!("bursts of {BURST} to {SOCKETS} sockets: CPU a message"),
        &here,
        &floor,
        "0.70x",
        "0.90x",
    );
    rate(&here, &floor);
}

fn mean(costs: &[Cost]) -> Cost {
    let count = costs.len() as f64;
    let sum = |of: fn(&Cost) -> f64| costs.iter().map(of).sum::<f64>() / count;
    (sum(|cost| cost.0), sum(|cost| cost.1))
}

/// CPU a message beside the floor's, so that more is better.
fn report(what: &str, here: &[Cost], floor: &[Cost], bar: &str, aim: &str) {
    let ratio = median(here.iter().zip(floor).map(|(here, floor)| floor.0 / here.0).collect());
    let [own, best] = [here, floor].map(|costs| median(costs.iter().map(|cost| cost.0).collect()));
    println!("{what:<50} {own:>9.2} us {best:>9.2} us {ratio:>6.2}x {bar:>6} {aim:>6}");
}

/// Messages a second beside the floor's.
fn rate(here: &[Cost], floor: &[Cost]) {
    let ratio = median(here.iter().zip(floor).map(|(here, floor)| here.1 / floor.1).collect());
    let [own, best] = [here, floor].map(|costs| median(costs.iter().map(|cost| cost.1).collect()));
    println!("{:<50} {own:>12.0} {best:>12.0} {ratio:>6.2}x", "  messages a second");
}

/// Acknowledgements beside those of an exchange that nobody follows, and an owner's news after them.
fn acknowledgements() {
    let (mut followed, mut alone) = (Followed::start(SOCKETS), Followed::start(0));
    let (of_followed, of_alone) = (OwnOrders::follow(&followed.server), OwnOrders::follow(&alone.server));
    let mut acknowledged = [Vec::new(), Vec::new()];
    let mut told = [Vec::new(), Vec::new()];
    for at in 0..2 * TIMED {
        let request = if at % 2 == 0 { followed.order(1) } else { followed.cancel_all() };
        let before = followed.followers.told().0;
        let mut time = |which: usize, connection: &mut Connection, request: &[u8], own: &OwnOrders| {
            let started = Instant::now();
            connection.exchange(request);
            let answered = Instant::now();
            acknowledged[which].push((answered - started).as_secs_f64() * 1e6);
            told[which].push(own.next().saturating_duration_since(answered).as_secs_f64() * 1e6);
        };
        time(0, &mut followed.connection, &request, &of_followed);
        followed.followers.wait_for(before + SOCKETS as u64);
        std::thread::sleep(PAUSE);
        let request = if at % 2 == 0 { alone.order(1) } else { alone.cancel_all() };
        time(1, &mut alone.connection, &request, &of_alone);
        std::thread::sleep(PAUSE);
    }
    let compare = |what: &str, [here, floor]: [f64; 2], bar: &str, aim: &str| {
        let ratio = if floor > 0.0 { format!("{:.2}x", here / floor) } else { String::new() };
        println!("{what:<50} {here:>9.0} us {floor:>9.0} us {ratio:>7} {bar:>6} {aim:>6}");
    };
    let quantile = |times: &[Vec<f64>; 2], at: f64| [0, 1].map(|which| percentile(times[which].clone(), at));
    println!("{:<50} {:>12} {:>12} {:>7} {:>6} {:>6}", "", "followed", "alone", "ratio", "bar", "aim");
    compare("acknowledgement of an order, p50", quantile(&acknowledged, 0.5), "1.50x", "1.20x");
    compare("  p90", quantile(&acknowledged, 0.9), "", "");
    compare("open_orders after it, p50", quantile(&told, 0.5), "1 ms", "100 us");
    compare("  p90", quantile(&told, 0.9), "", "");
    // At full speed, so that there is always something to tell: in turns of either exchange.
    let mut pressed = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (which, exchange) in [&mut followed, &mut alone].into_iter().enumerate() {
            let requests = exchange.paced();
            let before = exchange.followers.told().0;
            for request in &requests {
                let started = Instant::now();
                exchange.connection.exchange(request);
                pressed[which].push(started.elapsed().as_secs_f64() * 1e6);
            }
            exchange.followers.wait_for(before + PACED as u64 * exchange.sockets);
        }
    }
    compare("acknowledgement, one order after another, p50", quantile(&pressed, 0.5), "1.50x", "1.20x");
    compare("  p90", quantile(&pressed, 0.9), "", "");
}

fn median(times: Vec<f64>) -> f64 {
    percentile(times, 0.5)
}

fn percentile(mut times: Vec<f64>, at: f64) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[((times.len() - 1) as f64 * at) as usize]
}
