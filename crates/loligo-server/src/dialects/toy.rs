//! A second dialect, for tests: lines of plain words, a secret shown in the clear, frames of its own. It stands on the same
//! transport, login, story and hub as any other, and none of them knows it.
//!
//! ```text
//! POST /toy    BUY 1000 PI_XBTUSD AT 50000    -> RESTS #7 ...
//! POST /toy    DROP 7                         -> DROPPED #7
//! WS   /toy    IAM key secret, then WATCH ORDERS, WATCH FILLS, WATCH BOOK PI_XBTUSD, WATCH CLOCK
//! ```

use super::Served;
use crate::charts::{Candle, SeriesAt};
use crate::grid;
use crate::history::LogRow;
use crate::hub::{
    self, AccountFeed, Action, Dialect, Follower, Form, HubHandle, MarketFeed, Names, Remark, Signer, Topic,
    WalletsShown,
};
use crate::login::{Caller, Denied, Login, Pool, Right, may_follow};
use crate::node::{NodeHandle, Submission};
use crate::projection::{
    ApiKey, DepthSnapshot, Directory, FillRow, LevelChange, NoticeEntry, Statement, Ticker, TradeRow,
};
use crate::story::Turn;
use crate::story::moves::{self, OrderMove, OrderStory};
use crate::transport::handshake::Handshake;
use crate::transport::listener::{Peer, Read};
use crate::transport::outbox::Outbox;
use crate::transport::socket::Conversation;
use crate::transport::sockets::Sockets;
use crate::transport::{Handler, TurnedAway};
use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use http_body_util::Full;
use loligo_engine::{
    AccountId, CancelOrder, Command, InstrumentSpec, OrderId, OrderRef, OrderType, OrderView, Outcome,
    PlaceOrder, Side, Timestamp,
};
use loligo_wire::decimal::Number;
use std::fmt::Write as _;
use std::sync::Arc;
use tokio::sync::watch;

/// What a request costs, of the account's budget in all dialects.
const COST: u32 = 10;

pub(crate) struct Toy {
    shared: Arc<Shared>,
    sockets: Arc<Sockets>,
}

struct Shared {
    node: NodeHandle,
    login: Arc<Login>,
    hub: HubHandle,
    dialect: Dialect,
}

impl Toy {
    pub(crate) fn new(served: Served, dialect: Dialect) -> Self {
        let Served { node, login, sockets, hub, .. } = served;
        Self { shared: Arc::new(Shared { node, login, hub, dialect }), sockets }
    }
}

impl Shared {
    /// Who shows a key and its secret.
    fn known(&self, directory: &Directory, key: &str, secret: &str) -> Option<Arc<ApiKey>> {
        directory.key(key).filter(|known| known.secret.to_base64() == secret).cloned()
    }

    /// The caller of `Secret: KEY SECRET NONCE`.
    fn caller(&self, head: &Parts) -> Result<Caller, Denied> {
        let directory = self.node.views().directory();
        let shown = head.headers.get("secret").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut words = shown.split(' ');
        let mut word = || words.next().unwrap_or_default();
        let key = self.known(&directory, word(), word()).ok_or(Denied::UnknownKey)?;
        self.login.admit(
            &key,
            &self.login.nonces(key.id),
            Right::Trade,
            word().as_bytes(),
            (Pool::Trading, COST),
        )
    }

    /// What a line comes to.
    async fn carry_out(&self, caller: Caller, line: &str) -> Result<String, &'static str> {
        let directory = self.node.views().directory();
        let words: Vec<&str> = line.split(' ').collect();
        let command = match &words[..] {
            [side, size, symbol, "AT", limit] => {
                let listed = directory.by_symbol(symbol).ok_or("NO SUCH MARKET")?;
                let spec = listed.instrument.spec();
                let number = |text: &str| Number::parse(text.as_bytes()).map_err(|_| "NO NUMBER");
                Command::Place(PlaceOrder {
                    account: caller.account,
                    instrument: listed.id,
                    side: if *side == "BUY" { Side::Buy } else { Side::Sell },
                    order_type: OrderType::Limit,
                    qty: grid::lots(number(size)?, spec),
                    limit_price: Some(grid::ticks(number(limit)?, spec)),
                    stop_price: None,
                    trigger: None,
                    limit_offset: None,
                    reduce_only: false,
                    client_order_id: None,
                    algo_id: None,
                    process_before: None,
                })
            }
            ["DROP", id] => {
                let order = OrderRef::Id(OrderId(id.parse().map_err(|_| "NO NUMBER")?));
                Command::Cancel(CancelOrder { account: caller.account, order, process_before: None })
            }
            _ => return Err("WHAT?"),
        };
        let reply = self.node.submit(Submission { command, nonce: caller.nonce }).await;
        let reply = reply.map_err(|_| "NOT NOW")?;
        let mut out = String::new();
        match reply.outcome {
            Outcome::Placed(id) => {
                let OrderStory { moves, .. } = moves::of_order(id, &reply.events);
                moves.iter().for_each(|one| write_move(&mut out, &directory, one));
            }
            Outcome::Cancelled(id) => {
                let _ = writeln!(out, "DROPPED #{}", id.0);
            }
            other => {
                let _ = writeln!(out, "REFUSED {other:?}");
            }
        }
        Ok(out)
    }
}

fn write_move(out: &mut String, directory: &Directory, one: &OrderMove<'_>) {
    let _ = match one {
        OrderMove::Place { order, .. } => writeln!(out, "RESTS {}", Line(directory, order)),
        OrderMove::Execution { execution, .. } => writeln!(out, "TRADES {} LOTS", execution.qty.0),
        other => writeln!(out, "{other:?}"),
    };
}

/// An order on a line: `#7 BUY 1000 OF 1000 AT 50000`.
struct Line<'l>(&'l Directory, &'l OrderView);

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(directory, order) = self;
        let Some(listed) = directory.instrument(order.instrument) else { return f.write_str("?") };
        let (spec, side) = (listed.spec(), if order.side == Side::Buy { "BUY" } else { "SELL" });
        let (open, whole) =
            (grid::size(order.open_qty(), spec), grid::size(order.qty.unwrap_or_default(), spec));
        let limit = grid::price(order.limit_price.unwrap_or_default(), spec);
        write!(f, "#{} {side} {open} OF {whole} AT {limit}", order.id.0)
    }
}

fn lines(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(text.into()));
    *answer.status_mut() = status;
    answer
}

impl Handler for Toy {
    fn serves(&self, path: &str) -> bool {
        path == "/toy"
    }

    async fn handle(&self, request: Read, peer: &Peer) -> Option<Response<Full<Bytes>>> {
        let Read::Whole(request) = request else { return Some(lines(StatusCode::OK, "TOO LONG\n")) };
        if request.head.method == http::Method::GET {
            let shared = Arc::clone(&self.shared);
            let begin = move |outbox| Talk::new(shared, outbox);
            return Some(match self.sockets.shake_hands(&request.head.headers, peer, begin) {
                Handshake::Accepted(answer) | Handshake::Refused(answer) => answer,
                Handshake::TooMany => lines(StatusCode::OK, "TOO MANY\n"),
            });
        }
        let caller = match self.shared.caller(&request.head) {
            Ok(caller) => caller,
            Err(denied) => return Some(lines(StatusCode::FORBIDDEN, format!("DENIED {denied:?}\n"))),
        };
        let line = std::str::from_utf8(&request.body).unwrap_or_default();
        assert_ne!(line, "PANIC", "on purpose");
        Some(match self.shared.carry_out(caller, line).await {
            Ok(told) => lines(StatusCode::OK, told),
            Err(refused) => lines(StatusCode::BAD_REQUEST, format!("{refused}\n")),
        })
    }

    fn turned_away(&self, _: &Parts, why: TurnedAway) -> Response<Full<Bytes>> {
        lines(StatusCode::BAD_REQUEST, format!("AWAY: {}\n", why.sentence()))
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        lines(StatusCode::INTERNAL_SERVER_ERROR, "OUCH\n")
    }
}

/// One connection.
struct Talk {
    shared: Arc<Shared>,
    outbox: Arc<Outbox>,
    follower: Follower,
    signer: Option<Signer>,
}

impl Talk {
    fn new(shared: Arc<Shared>, outbox: Arc<Outbox>) -> Self {
        let follower = Follower::new(shared.dialect, Arc::clone(&outbox));
        Self { shared, outbox, follower, signer: None }
    }

    fn say(&self, line: &'static str) {
        self.outbox.push(line.into());
    }

    /// The topic of a line's end, for whom it may be told.
    fn topic(&self, words: &[&str]) -> Option<Topic> {
        Some(match words {
            ["CLOCK"] => Topic::Heartbeat,
            [what @ ("BOOK" | "TAPE" | "PRICE"), symbol] => {
                let feed = match *what {
                    "BOOK" => MarketFeed::Book,
                    "TAPE" => MarketFeed::Trades,
                    _ => MarketFeed::Ticker(Form(0)),
                };
                Topic::Market(self.shared.node.views().directory().by_symbol(symbol)?.id, feed)
            }
            ["ORDERS"] => Topic::Account(self.signer?, AccountFeed::Orders(Form(0))),
            ["FILLS"] => Topic::Account(self.signer?, AccountFeed::Fills(None)),
            _ => return None,
        })
    }
}

impl Conversation for Talk {
    fn greet(&mut self) {
        self.say("HELLO");
    }

    async fn hear(&mut self, text: &str) {
        let words: Vec<&str> = text.split(' ').collect();
        match &words[..] {
            ["IAM", key, secret] => {
                let directory = self.shared.node.views().directory();
                let known = self.shared.known(&directory, key, secret);
                let key = known.filter(|key| may_follow(&directory, key));
                self.signer = key.map(|key| Signer { account: key.account, key: key.id });
                self.say(if self.signer.is_some() { "WELCOME" } else { "WHO?" });
            }
            ["WATCH", what @ ..] => match self.topic(what) {
                Some(topic) => {
                    self.shared.hub.ask(&self.follower, vec![Action::Join(topic, "WATCHING".into())]).await;
                }
                None => self.say("WATCH WHAT?"),
            },
            ["LEAVE", what @ ..] => match self.topic(what) {
                Some(topic) => {
                    self.shared.hub.ask(&self.follower, vec![Action::Leave(topic, "LEFT".into())]).await;
                }
                None => self.say("LEAVE WHAT?"),
            },
            _ => self.say("WHAT?"),
        }
    }

    fn hear_bytes(&mut self) {
        self.say("WHAT?");
    }

    fn over(&self) -> watch::Receiver<bool> {
        self.shared.node.views().over()
    }

    async fn forsaken(&self) {
        self.shared.hub.closed().await;
    }

    async fn end(self) {
        self.shared.hub.gone(&self.follower).await;
    }
}

/// The hub's words in this dialect.
pub(crate) struct Encoder;

/// Appends text.
macro_rules! say {
    ($out:expr, $($text:tt)*) => { $out.extend_from_slice(format!($($text)*).as_bytes()) };
}

impl hub::Encoder for Encoder {
    fn heartbeat(&self, out: &mut Vec<u8>, now: Timestamp) {
        say!(out, "TICK {}", now.0);
    }

    fn remark(&self, out: &mut Vec<u8>, remark: Remark) {
        say!(
            out,
            "{}",
            match remark {
                Remark::HeldAlready => "ALREADY",
                Remark::NotHeld => "NEVER DID",
                Remark::NotAllowed => "WHO?",
                Remark::Unavailable => "NOT NOW",
            }
        );
    }

    fn book(&self, out: &mut Vec<u8>, spec: &InstrumentSpec, depth: &DepthSnapshot, _: Timestamp) {
        say!(out, "BOOK {} {} BIDS {} ASKS", spec.symbol, depth.bids.len(), depth.asks.len());
    }

    fn level(&self, out: &mut Vec<u8>, spec: &InstrumentSpec, level: &LevelChange, _: Timestamp) {
        let (size, price) = (grid::size(level.qty, spec), grid::price(level.price, spec));
        say!(out, "LEVEL {} {price} HOLDS {size}", spec.symbol);
    }

    fn trades_shown(&self) -> usize {
        3
    }

    fn latest_trades(&self, out: &mut Vec<u8>, _: Names<'_>, spec: &InstrumentSpec, trades: &[TradeRow]) {
        say!(out, "TAPE {} {}", spec.symbol, trades.len());
    }

    fn trade(&self, out: &mut Vec<u8>, _: Names<'_>, spec: &InstrumentSpec, trade: &TradeRow) {
        say!(out, "TRADE {} {}", spec.symbol, grid::size(trade.qty, spec));
    }

    fn ticker(
        &self,
        out: &mut Vec<u8>,
        spec: &InstrumentSpec,
        _: Form,
        ticker: &Ticker,
        _: Timestamp,
    ) -> bool {
        let Some((bid, _)) = ticker.bid else { return false };
        say!(out, "PRICE {} {}", spec.symbol, grid::price(bid, spec));
        true
    }

    fn open_orders(&self, out: &mut Vec<u8>, names: Names<'_>, _: Form, _: AccountId, orders: &[OrderView]) {
        say!(out, "ORDERS {}", orders.len());
        for order in orders {
            say!(out, "\n{}", Line(names.directory, order));
        }
    }

    fn turn(&self, out: &mut Vec<u8>, names: Names<'_>, _: Form, turn: &Turn<'_>) -> bool {
        match turn {
            Turn::Open { order, .. } => say!(out, "OPEN {}", Line(names.directory, order)),
            Turn::Filled { order } => say!(out, "DONE #{}", order.id.0),
            Turn::Gone { order, .. } => say!(out, "GONE #{}", order.id.0),
            // It has no words for orders that never were.
            Turn::Refused { .. } | Turn::EditMissed { .. } => return false,
        }
        true
    }

    fn fills_shown(&self) -> usize {
        3
    }

    fn latest_fills(&self, out: &mut Vec<u8>, _: Names<'_>, _: AccountId, fills: &[FillRow]) {
        say!(out, "FILLS SO FAR {}", fills.len());
    }

    fn fills(&self, out: &mut Vec<u8>, names: Names<'_>, _: AccountId, fills: &[&FillRow]) {
        for fill in fills {
            let Some(listed) = names.directory.instrument(fill.instrument) else { continue };
            let (qty, price) = (grid::size(fill.qty, listed.spec()), grid::price(fill.price, listed.spec()));
            say!(out, "FILL #{} {qty} AT {price}", fill.order.0);
        }
    }

    fn positions(&self, out: &mut Vec<u8>, _: Names<'_>, statement: &Statement, seq: u64) -> bool {
        say!(out, "POSITIONS {} ({seq})", statement.positions.len());
        true
    }

    fn wallets(
        &self,
        out: &mut Vec<u8>,
        _: Names<'_>,
        statement: &Statement,
        _: WalletsShown<'_>,
        seq: u64,
    ) -> bool {
        say!(out, "WALLETS {} ({seq})", statement.wallets.len());
        true
    }

    // It has no more feeds than these.
    fn margins(&self, _: &mut Vec<u8>, _: Names<'_>, _: &Statement, _: u64) -> bool {
        false
    }

    fn log(&self, _: &mut Vec<u8>, _: Names<'_>, _: AccountId, _: &[Arc<LogRow>]) -> bool {
        false
    }

    fn log_row(&self, _: &mut Vec<u8>, _: Names<'_>, _: AccountId, _: &LogRow) -> bool {
        false
    }

    fn payments(&self, _: &mut Vec<u8>, _: Names<'_>, _: AccountId, _: &[Arc<LogRow>]) -> bool {
        false
    }

    fn notices(&self, _: &mut Vec<u8>, _: &[NoticeEntry]) -> bool {
        false
    }

    fn candle(&self, _: &mut Vec<u8>, _: &InstrumentSpec, _: SeriesAt, _: &Candle, _: bool) -> bool {
        false
    }
}

mod tests;
