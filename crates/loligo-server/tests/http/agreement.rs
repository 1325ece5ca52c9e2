//! One order, told by everything that tells of it: the answers to its requests, both lists, its status, the feeds, and history.
//! Each says the same, field by field, after everything that happens to it.

use crate::feeds::socket::Socket;
use crate::history::{ask, events};
use crate::venue::{Client, SYMBOL, Venue};
use loligo_wire::decimal::Number;
use loligo_wire::time::Timestamp;
use serde_json::{Value, json};

/// A number in units of 1e-11, whether it travels as a number or as a text.
pub fn exact(value: &Value) -> i128 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = Number::parse(text.as_bytes()).unwrap_or_else(|_| panic!("{text} is a number"));
    number.decimal().and_then(|decimal| decimal.at_scale(11).ok()).unwrap_or_else(|| panic!("{text} fits"))
}

/// An instant in milliseconds, whether it travels as a number or as a text.
fn millis(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| {
        let text = value.as_str().unwrap_or_else(|| panic!("{value} is an instant"));
        let instant = Timestamp::parse(text.as_bytes()).unwrap_or_else(|_| panic!("{text} is an instant"));
        instant.micros().div_euclid(1_000)
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is a text")).to_owned()
}

/// What an order is, whoever tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    id: String,
    name: String,
    symbol: String,
    buys: bool,
    /// What is still open of it.
    open: i128,
    filled: i128,
    limit: i128,
    reduce_only: bool,
    placed: i64,
    updated: i64,
}

impl Told {
    /// An order inside an event of an answer; its quantity is the whole size.
    fn event(order: &Value) -> Self {
        Self {
            id: text(&order["orderId"]),
            name: text(&order["cliOrdId"]),
            symbol: text(&order["symbol"]),
            buys: order["side"] == "buy",
            open: exact(&order["quantity"]) - exact(&order["filled"]),
            filled: exact(&order["filled"]),
            limit: exact(&order["limitPrice"]),
            reduce_only: order["reduceOnly"] == true,
            placed: millis(&order["timestamp"]),
            updated: millis(&order["lastUpdateTimestamp"]),
        }
    }

    /// The row of `/openorders`.
    fn open_order(order: &Value) -> Self {
        assert_eq!(order["cliOrdId"], order["cli_ord_id"]);
        let touched = if exact(&order["filledSize"]) == 0 { "untouched" } else { "partiallyFilled" };
        assert_eq!(order["status"], touched);
        Self {
            id: text(&order["order_id"]),
            name: text(&order["cliOrdId"]),
            symbol: text(&order["symbol"]),
            buys: order["side"] == "buy",
            open: exact(&order["unfilledSize"]),
            filled: exact(&order["filledSize"]),
            limit: exact(&order["limitPrice"]),
            reduce_only: order["reduceOnly"] == true,
            placed: millis(&order["receivedTime"]),
            updated: millis(&order["lastUpdateTime"]),
        }
    }

    /// An order of the feed, whose quantity is what is open.
    fn feed(order: &Value) -> Self {
        Self {
            id: text(&order["order_id"]),
            name: text(&order["cli_ord_id"]),
            symbol: text(&order["instrument"]),
            buys: order["direction"] == 0,
            open: exact(&order["qty"]),
            filled: exact(&order["filled"]),
            limit: exact(&order["limit_price"]),
            reduce_only: order["reduce_only"] == true,
            placed: millis(&order["time"]),
            updated: millis(&order["last_update_time"]),
        }
    }

    /// An order of history, whose quantity is what is open.
    fn history(order: &Value) -> Self {
        Self {
            id: text(&order["uid"]),
            name: text(&order["clientId"]),
            symbol: text(&order["tradeable"]),
            buys: order["direction"] == "Buy",
            open: exact(&order["quantity"]),
            filled: exact(&order["filled"]),
            limit: exact(&order["limitPrice"]),
            reduce_only: order["reduceOnly"] == true,
            placed: millis(&order["timestamp"]),
            updated: millis(&order["lastUpdateTimestamp"]),
        }
    }
}

/// A client who follows its orders and fills.
struct Desk {
    client: Client,
    socket: Socket,
}

impl Desk {
    async fn open(venue: &Venue, account: usize) -> Self {
        let client = venue.client(account);
        let mut socket = Socket::open(venue).await;
        socket.follow(&client, &["open_orders", "fills"]).await;
        Self { client, socket }
    }

    async fn open_orders(&self) -> Vec<Value> {
        self.client.get("/openorders", &[]).await["openOrders"].as_array().expect("a list").clone()
    }

    async fn status(&self, name: &str) -> Value {
        self.client.post("/orders/status", &[("cliOrdIds", name)]).await["orders"][0].clone()
    }

    /// The last that history told of its orders.
    async fn last_event(&self) -> (String, Value) {
        events(&self.client, "/orders", &[]).await.pop().expect("an event")
    }

    /// The last that the feed told of an order, and of a fill.
    async fn heard(&mut self) -> (Value, Option<Value>) {
        let told = self.socket.settle().await;
        let last = |feed: &str| told.iter().rev().find(|message| message["feed"] == feed).cloned();
        let fill = last("fills").map(|message| message["fills"].as_array().expect("fills").last().cloned());
        (last("open_orders").expect("it told of an order"), fill.flatten())
    }

    /// A fill on arrival: the order was open at no time, and only the fill is told.
    async fn only_fill(&mut self) -> Value {
        let told = self.socket.settle().await;
        let [message] = &told[..] else { panic!("one message: {told:?}") };
        assert_eq!((&message["feed"], message["fills"].as_array().map(Vec::len)), (&json!("fills"), Some(1)));
        message["fills"][0].clone()
    }

    /// An order that is open is told alike by lists, status, feed and history; what the answer said of it is compared, too.
    async fn agree_on_open(&mut self, name: &str, answered: Option<&Value>) -> Option<Value> {
        let (message, fill) = self.heard().await;
        let told = Told::feed(&message["order"]);
        assert_eq!(message["is_cancel"], false);
        let [row] = &self.open_orders().await[..] else { panic!("one order is open") };
        assert_eq!(Told::open_order(row), told);
        let status = self.status(name).await;
        assert_eq!(
            (&status["status"], Told::event(&status["order"])),
            (&json!("ENTERED_BOOK"), told.clone())
        );
        let (kind, event) = self.last_event().await;
        let order = if kind == "OrderPlaced" { &event["order"] } else { &event["newOrder"] };
        assert_eq!(Told::history(order), told);
        words_fit(&status, &message, &event);
        if let Some(order) = answered {
            assert_eq!(Told::event(order), told);
        }
        fill
    }
}

/// Why it last changed, each in its own words.
fn words_fit(status: &Value, message: &Value, event: &Value) {
    let words = [
        ("NEW_USER_ORDER", "new_placed_order_by_user", "new_user_order"),
        ("PARTIAL_FILL", "partial_fill", "partial_fill"),
        ("EDITED_BY_USER", "edited_by_user", "edited_by_user"),
    ];
    let told = (&status["updateReason"], &message["reason"], &event["reason"]);
    let known = |(status, feed, history): &(&str, &str, &str)| {
        told == (&json!(status), &json!(feed), &json!(history))
    };
    assert!(words.iter().any(known), "{told:?}");
}

/// One trade, told by the answer to its taker, both lists of fills, both feeds, the market's own list, and history.
async fn agree_on_fill(maker: &Desk, taker: &Desk, answer: &Value, fills: [Value; 2]) {
    let event = &answer["orderEvents"][0];
    assert_eq!(event["type"], "EXECUTION");
    let execution = (text(&event["executionId"]), exact(&event["price"]), exact(&event["amount"]));
    let public = taker.client.get("/history", &[("symbol", SYMBOL)]).await["history"][0].clone();
    assert_eq!((text(&public["uid"]), exact(&public["price"]), exact(&public["size"])), execution);
    let list = ask(&taker.client, &format!("/market/{SYMBOL}/executions"), &[]).await;
    let public_history = &list["elements"][0]["event"]["Execution"]["execution"];
    let by_history = |told: &Value| (text(&told["uid"]), exact(&told["price"]), exact(&told["quantity"]));
    assert_eq!(by_history(public_history), execution);
    for (desk, fed, role) in [(maker, &fills[0], "maker"), (taker, &fills[1], "taker")] {
        let row = desk.client.get("/fills", &[]).await["fills"][0].clone();
        assert_eq!((text(&row["fill_id"]), exact(&row["price"]), exact(&row["size"])), execution);
        assert_eq!((text(&fed["fill_id"]), exact(&fed["price"]), exact(&fed["qty"])), execution);
        let page = ask(&desk.client, "/executions", &[]).await;
        let told = &page["elements"][0]["event"]["execution"]["execution"];
        assert_eq!(by_history(told), execution);
        for (name, values) in [
            ("the order", [&row["order_id"], &fed["order_id"], &told["order"]["uid"]]),
            ("its name", [&row["cliOrdId"], &fed["cli_ord_id"], &told["order"]["clientId"]]),
            ("the contract", [&row["symbol"], &fed["instrument"], &told["order"]["tradeable"]]),
            ("the role", [&row["fillType"], &fed["fill_type"], &told["executionType"]]),
        ] {
            assert_eq!(values[0], values[1], "{name}");
            assert_eq!(values[0], values[2], "{name}");
        }
        assert_eq!(row["fillType"], role);
        assert_eq!(
            (row["side"] == "buy", row["side"] == "buy"),
            (fed["buy"] == true, told["order"]["direction"] == "Buy")
        );
        let at = millis(&row["fillTime"]);
        assert_eq!((millis(&fed["time"]), millis(&told["timestamp"]), millis(&public["time"])), (at, at, at));
        assert_eq!(exact(&fed["fee_paid"]), exact(&told["orderData"]["fee"]), "the fee");
        assert_eq!(row["sequence_id"], public["sequence_id"]);
    }
}

#[tokio::test]
async fn an_order_that_rests_trades_is_edited_and_filled_is_the_same_to_all() {
    let venue = Venue::start().await;
    let (mut maker, mut taker) = (Desk::open(&venue, 0).await, Desk::open(&venue, 1).await);
    let placed = maker.client.place("lmt", "sell", "1.5", "50010", &[("cliOrdId", "mine")]).await;
    maker.agree_on_open("mine", Some(&placed["orderEvents"][0]["order"])).await;

    venue.advance(10).await;
    let taken = taker.client.place("ioc", "buy", "0.4", "50020", &[("cliOrdId", "takes")]).await;
    let made = maker.agree_on_open("mine", None).await.expect("a fill");
    let took = taker.only_fill().await;
    agree_on_fill(&maker, &taker, &taken, [made, took]).await;

    venue.advance(10).await;
    let edit = [("cliOrdId", "mine"), ("limitPrice", "50030"), ("size", "0.9")];
    let edited = maker.client.post("/editorder", &edit).await["editStatus"].clone();
    assert_eq!((&edited["status"], &edited["orderId"]), (&json!("edited"), &placed["order_id"]));
    maker.agree_on_open("mine", Some(&edited["orderEvents"][0]["new"])).await;

    venue.advance(10).await;
    let taken = taker.client.place("lmt", "buy", "0.9", "50030", &[("cliOrdId", "takes too")]).await;
    let (gone, made) = maker.heard().await;
    let told = Told::feed(&gone["order"]);
    assert_eq!((&gone["is_cancel"], &gone["reason"], told.open), (&json!(true), &json!("full_fill"), 0));
    assert_eq!(maker.open_orders().await, Vec::<Value>::new());
    let status = maker.status("mine").await;
    assert_eq!((&status["status"], &status["updateReason"]), (&json!("FULLY_EXECUTED"), &json!("FULL_FILL")));
    assert_eq!(Told::event(&status["order"]), told);
    let (kind, event) = maker.last_event().await;
    assert_eq!((kind.as_str(), &event["reason"]), ("OrderUpdated", &json!("full_fill")));
    assert_eq!(Told::history(&event["newOrder"]), told);
    let took =
        taker.socket.settle().await.into_iter().find(|message| message["feed"] == "fills").expect("a fill");
    agree_on_fill(&maker, &taker, &taken, [made.expect("a fill"), took["fills"][0].clone()]).await;

    // What came of it all is one position, by every way that tells of it.
    let position = maker.client.get("/openpositions", &[]).await["openPositions"][0].clone();
    let updates = events(&maker.client, "/positions", &[]).await;
    let (_, last) = updates.last().expect("a position");
    assert_eq!(
        (&position["side"], exact(&position["size"])),
        (&json!("short"), -exact(&last["newPosition"]))
    );
    assert_eq!(exact(&position["price"]), exact(&last["newAverageEntryPrice"]));
}

#[tokio::test]
async fn an_order_that_is_cancelled_is_gone_for_all_in_the_same_form() {
    let venue = Venue::start().await;
    let mut desk = Desk::open(&venue, 0).await;
    desk.client.place("post", "buy", "2", "49000", &[("cliOrdId", "mine")]).await;
    let (placed, _) = desk.heard().await;
    venue.advance(1_500).await;
    let answer = desk.client.post("/cancelorder", &[("cliOrdId", "mine")]).await["cancelStatus"].clone();
    let event = &answer["orderEvents"][0];
    assert_eq!((&answer["status"], &event["type"]), (&json!("cancelled"), &json!("CANCEL")));
    let told = Told::event(&event["order"]);
    assert_eq!((&answer["order_id"], &event["uid"]), (&json!(told.id), &json!(told.id)));
    let (gone, _) = desk.heard().await;
    assert_eq!((&gone["is_cancel"], &gone["reason"]), (&json!(true), &json!("cancelled_by_user")));
    assert_eq!((&gone["order_id"], &gone["cli_ord_id"]), (&json!(told.id), &json!("mine")));
    let status = desk.status("mine").await;
    assert_eq!(
        (&status["status"], &status["updateReason"]),
        (&json!("CANCELLED"), &json!("CANCELLED_BY_USER"))
    );
    assert_eq!(Told::event(&status["order"]), told);
    let (kind, event) = desk.last_event().await;
    assert_eq!((kind.as_str(), &event["reason"]), ("OrderCancelled", &json!("cancelled_by_user")));
    assert_eq!(Told::history(&event["order"]), told);
    assert_eq!(told, Told { updated: told.placed + 1_500, ..Told::feed(&placed["order"]) });
}

#[tokio::test]
async fn a_trigger_that_waits_and_is_edited_is_the_same_to_all() {
    let venue = Venue::start().await;
    let mut desk = Desk::open(&venue, 0).await;
    let stop =
        [("cliOrdId", "mine"), ("stopPrice", "48000"), ("triggerSignal", "mark"), ("reduceOnly", "true")];
    let placed = desk.client.place("stp", "sell", "1", "47900", &stop).await;
    let mut told_by_answer = placed["orderEvents"][0]["orderTrigger"].clone();
    for step in 0..2 {
        let (message, _) = desk.heard().await;
        let [row] = &desk.open_orders().await[..] else { panic!("one trigger waits") };
        let status = desk.status("mine").await;
        assert_eq!(status["status"], "TRIGGER_PLACED");
        let (_, event) = events(&desk.client, "/triggers", &[]).await.pop().expect("an event");
        let history = if step == 0 { &event["order"] } else { &event["newOrderTrigger"] };
        let (feed, cached) = (&message["order"], &status["order"]);
        let (condition, options) = (&cached["priceTriggerOptions"], &history["triggerOptions"]);
        let answer = &told_by_answer;
        for (name, values) in [
            (
                "id",
                [&answer["uid"], &row["order_id"], &cached["orderId"], &feed["order_id"], &history["uid"]],
            ),
            (
                "name",
                [
                    &answer["clientId"],
                    &row["cliOrdId"],
                    &cached["cliOrdId"],
                    &feed["cli_ord_id"],
                    &history["clientId"],
                ],
            ),
            (
                "symbol",
                [
                    &answer["symbol"],
                    &row["symbol"],
                    &cached["symbol"],
                    &feed["instrument"],
                    &history["tradeable"],
                ],
            ),
            (
                "reduce only",
                [
                    &answer["reduceOnly"],
                    &row["reduceOnly"],
                    &cached["reduceOnly"],
                    &feed["reduce_only"],
                    &history["reduceOnly"],
                ],
            ),
        ] {
            assert!(values.iter().all(|value| *value == values[0]), "{name}: {values:?}");
        }
        for (name, values) in [
            (
                "size",
                [
                    &answer["quantity"],
                    &row["unfilledSize"],
                    &cached["quantity"],
                    &feed["qty"],
                    &history["quantity"],
                ],
            ),
            (
                "limit",
                [
                    &answer["limitPrice"],
                    &row["limitPrice"],
                    &cached["limitPrice"],
                    &feed["limit_price"],
                    &history["limitPrice"],
                ],
            ),
            (
                "stop",
                [
                    &answer["triggerPrice"],
                    &row["stopPrice"],
                    &condition["triggerPrice"],
                    &feed["stop_price"],
                    &options["triggerPrice"],
                ],
            ),
        ] {
            assert!(values.iter().all(|value| exact(value) == exact(values[0])), "{name}: {values:?}");
        }
        for (name, values) in [
            (
                "placed",
                [
                    &answer["timestamp"],
                    &row["receivedTime"],
                    &cached["timestamp"],
                    &feed["time"],
                    &history["timestamp"],
                ],
            ),
            (
                "updated",
                [
                    &answer["lastUpdateTimestamp"],
                    &row["lastUpdateTime"],
                    &cached["lastUpdateTimestamp"],
                    &feed["last_update_time"],
                    &history["lastUpdateTimestamp"],
                ],
            ),
        ] {
            assert!(values.iter().all(|value| millis(value) == millis(values[0])), "{name}: {values:?}");
        }
        // Each has words of its own for what is watched.
        let signals = [
            &answer["triggerSignal"],
            &row["triggerSignal"],
            &condition["triggerSignal"],
            &feed["triggerSignal"],
            &options["triggerSignal"],
        ];
        assert_eq!(signals.map(text), ["mark_price", "mark", "MARK_PRICE", "mark", "MarkPrice"]);
        if step == 0 {
            venue.advance(10).await;
            let edit = [("cliOrdId", "mine"), ("stopPrice", "48100"), ("limitPrice", "48050")];
            told_by_answer =
                desk.client.post("/editorder", &edit).await["editStatus"]["orderEvents"][0]["new"].clone();
        }
    }
}

#[tokio::test]
async fn a_market_order_that_finds_nobody_has_a_limit_of_zero_for_all() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let sent = alice.place("mkt", "sell", "0.25", "1", &[("cliOrdId", "mine")]).await;
    assert_eq!(sent["status"], "iocWouldNotExecute");
    assert_eq!(sent["orderEvents"][0]["order"]["limitPrice"], 0);
    let (kind, event) = events(&alice, "/orders", &[]).await.pop().expect("an event");
    assert_eq!((kind.as_str(), &event["order"]["limitPrice"]), ("OrderRejected", &json!("0")));
    assert_eq!(event["order"]["uid"], sent["order_id"]);
}
