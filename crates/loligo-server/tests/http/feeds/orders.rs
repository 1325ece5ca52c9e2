//! Open orders: what is told of an order, from its coming to its end.

use super::socket::{Socket, alert, with};
use crate::venue::{Client, SYMBOL, Venue};
use loligo_server::ServerConfig;
use loligo_server::config::ClockKind;
use serde_json::{Value, json};

/// One line a message. Orders have the names their client gave them.
fn line(message: &Value) -> String {
    let reason = message["reason"].as_str().expect("a reason");
    match message.get("order") {
        Some(order) => {
            assert!(message.get("order_id").is_none());
            let form = if message["is_cancel"] == true { "gone" } else { "open" };
            let name = order["cli_ord_id"].as_str().unwrap_or("-");
            let limit = order.get("limit_price").map_or("market".to_owned(), Value::to_string);
            // A trigger says at which price it fires.
            let stop = match order["stop_price"].to_string().as_str() {
                "0" => String::new(),
                stop => format!(" {} {stop}", order["type"].as_str().expect("a type")),
            };
            format!("{form} {name} {}+{} at {limit}{stop} {reason}", order["filled"], order["qty"])
        }
        None => {
            assert_eq!(message["is_cancel"], true, "a removal");
            format!("removed {} {reason}", message["cli_ord_id"].as_str().unwrap_or("-"))
        }
    }
}

/// A client who follows its orders on both feeds, and its fills.
struct Desk {
    socket: Socket,
    client: Client,
}

impl Desk {
    async fn open(venue: &Venue, account: usize) -> Self {
        let client = venue.client(account);
        let mut socket = Socket::open(venue).await;
        socket.follow(&client, &["open_orders", "open_orders_verbose", "fills"]).await;
        Self { socket, client }
    }

    /// What the plain feed told since last asked. The verbose one told the same, but where `verbose` says otherwise.
    async fn told_with(&mut self, verbose: &[(&str, &str)]) -> Vec<String> {
        let told = self.socket.settle().await;
        let of = |feed: &str| -> Vec<String> {
            told.iter().filter(|message| message["feed"] == feed).map(line).collect()
        };
        let plain = of("open_orders");
        let instead = |line: &String| {
            verbose.iter().find(|(from, _)| from == line).map_or(line.clone(), |(_, to)| (*to).to_owned())
        };
        assert_eq!(of("open_orders_verbose"), plain.iter().map(instead).collect::<Vec<_>>());
        plain
    }

    async fn told(&mut self) -> Vec<String> {
        self.told_with(&[]).await
    }

    async fn place(
        &self,
        name: &str,
        kind: &str,
        side: &str,
        size: &str,
        price: &str,
        more: &[(&str, &str)],
    ) {
        let named = [&[("cliOrdId", name)], more].concat();
        self.client.place(kind, side, size, price, &named).await;
    }

    /// The status of an edit to this price and open size.
    async fn edit(&self, name: &str, price: &str, size: &str) -> String {
        let arguments = [("cliOrdId", name), ("limitPrice", price), ("size", size)];
        let answer = self.client.post("/editorder", &arguments).await;
        answer["editStatus"]["status"].as_str().unwrap_or_else(|| panic!("a status: {answer}")).to_owned()
    }
}

#[tokio::test]
async fn each_course_of_an_order_is_told_in_its_own_words() {
    let venue = Venue::start().await;
    let mut alice = Desk::open(&venue, 0).await;
    let bob = venue.client(1);

    alice.place("a", "lmt", "buy", "1", "49000", &[]).await;
    assert_eq!(alice.told().await, ["open a 0+1 at 49000 new_placed_order_by_user"]);
    bob.place("ioc", "sell", "0.4", "49000", &[]).await;
    assert_eq!(alice.told().await, ["open a 0.4+0.6 at 49000 partial_fill"]);
    assert_eq!(alice.edit("a", "49500", "0.7").await, "edited");
    assert_eq!(alice.told().await, ["open a 0.4+0.7 at 49500 edited_by_user"]);
    // At the same price and smaller, it keeps its place, and is told all the same.
    assert_eq!(alice.edit("a", "49500", "0.6").await, "edited");
    assert_eq!(alice.told().await, ["open a 0.4+0.6 at 49500 edited_by_user"]);
    bob.place("ioc", "sell", "0.2", "49500", &[]).await;
    bob.place("ioc", "sell", "0.4", "49500", &[]).await;
    assert_eq!(alice.told().await, ["open a 0.6+0.4 at 49500 partial_fill", "gone a 1+0 at 49500 full_fill"]);

    // Filled on arrival, it is no open order at any time.
    bob.place("lmt", "sell", "0.5", "50010", &[]).await;
    alice.place("b", "lmt", "buy", "0.5", "50010", &[]).await;
    assert_eq!(alice.told().await, Vec::<String>::new());
    bob.place("lmt", "sell", "1", "50010", &[]).await;
    alice.place("c", "lmt", "buy", "1.5", "50010", &[]).await;
    assert_eq!(alice.told().await, ["open c 1+0.5 at 50010 new_placed_order_by_user"]);
    let cancelled = alice.client.post("/cancelorder", &[("cliOrdId", "c")]).await;
    assert_eq!(cancelled["cancelStatus"]["status"], "cancelled");
    assert_eq!(alice.told().await, ["removed c cancelled_by_user"]);

    bob.place("lmt", "sell", "1", "50010", &[]).await;
    alice.place("d", "ioc", "buy", "1.5", "50010", &[]).await;
    alice.place("e", "ioc", "buy", "0.5", "49000", &[]).await;
    alice.place("e2", "mkt", "buy", "0.5", "1", &[]).await;
    assert_eq!(
        alice.told().await,
        [
            "removed d partial_fill",
            "removed e ioc_order_failed_because_it_would_not_be_executed",
            "removed e2 ioc_order_failed_because_it_would_not_be_executed",
        ]
    );
    bob.place("lmt", "sell", "1", "50010", &[]).await;
    alice.place("f", "post", "buy", "0.5", "50010", &[]).await;
    let refused = "removed f post_order_failed_because_it_would_filled";
    let in_full = "gone f 0+0.5 at 50010 post_order_failed_because_it_would_filled";
    assert_eq!(alice.told_with(&[(refused, in_full)]).await, [refused]);

    alice.place("g", "lmt", "sell", "0.5", "50005", &[]).await;
    alice.place("h", "lmt", "buy", "0.5", "50005", &[]).await;
    alice.client.post("/cancelallorders", &[]).await;
    assert_eq!(
        alice.told().await,
        [
            "open g 0+0.5 at 50005 new_placed_order_by_user",
            "removed h would_execute_self",
            "removed g cancelled_by_user",
        ]
    );
    // Others first, then an own one: what was taken stays taken.
    bob.place("lmt", "sell", "0.3", "50004", &[]).await;
    alice.place("g2", "lmt", "sell", "0.5", "50005", &[]).await;
    alice.place("h2", "lmt", "buy", "0.5", "50005", &[]).await;
    alice.client.post("/cancelallorders", &[]).await;
    assert_eq!(
        alice.told().await,
        [
            "open g2 0+0.5 at 50005 new_placed_order_by_user",
            "removed h2 would_execute_self",
            "removed g2 cancelled_by_user",
        ]
    );

    // Edited into the other side: in part, then whole.
    alice.place("i", "lmt", "buy", "1", "49000", &[]).await;
    assert_eq!(alice.edit("i", "50010", "1.2").await, "edited");
    assert_eq!(
        alice.told().await,
        ["open i 0+1 at 49000 new_placed_order_by_user", "open i 1+0.2 at 50010 edited_by_user",]
    );
    bob.place("lmt", "sell", "1", "50020", &[]).await;
    assert_eq!(alice.edit("i", "50020", "0.2").await, "edited");
    assert_eq!(alice.told().await, ["gone i 1.2+0 at 50020 full_fill"]);
    assert_eq!(alice.edit("i", "50021", "0.2").await, "orderForEditNotFound");
    assert_eq!(alice.told().await, ["removed i order_for_edit_not_found"]);

    // The account's own timer.
    alice.place("z", "lmt", "buy", "1", "48000", &[]).await;
    let armed = alice.client.post("/cancelallordersafter", &[("timeout", "5")]).await;
    assert_eq!(armed["result"], "success");
    venue.advance(5_000).await;
    assert_eq!(
        alice.told().await,
        ["open z 0+1 at 48000 new_placed_order_by_user", "removed z dead_man_switch"]
    );

    // What has no word here was told to its sender alone.
    alice.place("j", "lmt", "buy", "1", "48000", &[]).await;
    alice.place("j", "lmt", "buy", "1", "48000", &[]).await;
    alice.place("k", "lmt", "buy", "0", "48000", &[]).await;
    assert_eq!(alice.told().await, ["open j 0+1 at 48000 new_placed_order_by_user"]);
}

#[tokio::test]
async fn reduce_only_orders_are_cut_and_removed_with_their_position() {
    let venue = Venue::start().await;
    let mut alice = Desk::open(&venue, 0).await;
    let bob = venue.client(1);
    let reduce = &[("reduceOnly", "true")];
    alice.place("none", "lmt", "sell", "1", "60000", reduce).await;
    assert_eq!(alice.told().await, ["removed none would_not_reduce_position"]);
    bob.place("lmt", "sell", "2", "50010", &[]).await;
    alice.place("in", "ioc", "buy", "2", "50010", &[]).await;
    alice.place("r", "lmt", "sell", "2", "59000", reduce).await;
    alice.place("s", "lmt", "sell", "1.5", "58000", reduce).await;
    assert_eq!(
        alice.told().await,
        [
            "open r 0+2 at 59000 new_placed_order_by_user",
            "open s 0+1.5 at 58000 new_placed_order_by_user",
            // The less aggressive one makes room.
            "open r 0+0.5 at 59000 would_not_reduce_position",
        ]
    );
    bob.place("lmt", "buy", "2", "49990", &[]).await;
    alice.place("out", "ioc", "sell", "0.8", "49990", &[]).await;
    assert_eq!(
        alice.told().await,
        ["removed r would_not_reduce_position", "open s 0+1.2 at 58000 would_not_reduce_position"]
    );
    // Closed by the other side's order.
    alice.place("t", "lmt", "sell", "1.2", "50000", &[]).await;
    bob.place("ioc", "buy", "1.2", "50000", &[]).await;
    let mut told = alice.told().await;
    assert_eq!(told.remove(0), "open t 0+1.2 at 50000 new_placed_order_by_user");
    told.sort();
    assert_eq!(told, ["gone t 1.2+0 at 50000 full_fill", "removed s would_not_reduce_position"]);
}

#[tokio::test]
async fn a_trigger_is_an_open_order_until_it_fires_and_what_it_becomes_is_another() {
    let venue = Venue::start().await;
    let mut alice = Desk::open(&venue, 0).await;
    let bob = venue.client(1);
    let on_mark = |stop: &'static str| [("stopPrice", stop), ("triggerSignal", "mark")];
    async fn trigger(desk: &Desk, name: &str, kind: &str, side: &str, more: &[(&str, &str)]) {
        let arguments =
            [("orderType", kind), ("symbol", SYMBOL), ("side", side), ("size", "1"), ("cliOrdId", name)];
        let answer = desk.client.post("/sendorder", &[&arguments, more].concat()).await;
        assert_eq!(answer["sendStatus"]["status"], "placed", "{answer}");
    }

    // It waits, is edited, fires and fills: then it is gone, and there is a fill.
    trigger(&alice, "a", "stp", "sell", &on_mark("49000")).await;
    let arguments = [("cliOrdId", "a"), ("stopPrice", "49100")];
    assert_eq!(alice.client.post("/editorder", &arguments).await["editStatus"]["status"], "edited");
    assert_eq!(
        alice.told().await,
        [
            "open a 0+1 at market stop 49000 new_placed_order_by_user",
            "open a 0+1 at market stop 49100 edited_by_user",
        ]
    );
    bob.place("lmt", "buy", "1.5", "49050", &[]).await;
    venue.pin(SYMBOL, "49100").await;
    assert_eq!(alice.told().await, ["removed a stop_order_triggered"]);
    // The rest of what it became lapses under the same name.
    trigger(&alice, "b", "stp", "sell", &on_mark("49100")).await;
    assert_eq!(
        alice.told().await,
        [
            "open b 0+1 at market stop 49100 new_placed_order_by_user",
            "removed b stop_order_triggered",
            "removed b partial_fill",
        ],
        "it fires as it arrives"
    );
    trigger(&alice, "c", "stp", "sell", &on_mark("49100")).await;
    assert_eq!(
        alice.told().await,
        ["open c 0+1 at market stop 49100 new_placed_order_by_user", "removed c stop_order_triggered"],
        "nothing is left to match, and that is all there is to say"
    );

    // With a limit it rests.
    let limited = [("stopPrice", "48500"), ("triggerSignal", "mark"), ("limitPrice", "48600")];
    trigger(&alice, "d", "stp", "sell", &limited).await;
    venue.pin(SYMBOL, "48500").await;
    assert_eq!(
        alice.told().await,
        [
            "open d 0+1 at 48600 stop 48500 new_placed_order_by_user",
            "removed d stop_order_triggered",
            "open d 0+1 at 48600 limit_order_from_stop",
        ]
    );
    bob.place("ioc", "buy", "1", "48600", &[]).await;
    assert_eq!(alice.told().await, ["gone d 1+0 at 48600 full_fill"]);

    // A trailing one says where it has moved to.
    let one_percent = [
        ("trailingStopMaxDeviation", "1"),
        ("trailingStopDeviationUnit", "PERCENT"),
        ("triggerSignal", "mark"),
    ];
    trigger(&alice, "e", "trailing_stop", "sell", &one_percent).await;
    venue.pin(SYMBOL, "50000").await;
    trigger(&alice, "f", "take_profit", "buy", &on_mark("40000")).await;
    let mut socket = Socket::open(&venue).await;
    let snapshot = socket.follow(&alice.client, &["open_orders"]).await.remove(0);
    let shown: Vec<Value> = snapshot["orders"].as_array().expect("orders").to_vec();
    let kinds: Vec<&Value> = shown.iter().map(|order| &order["type"]).collect();
    assert_eq!(kinds, ["trailing_stop", "take_profit"]);
    assert_eq!(shown[0]["trailing_stop_options"], json!({"max_deviation": 1, "unit": "percent"}));
    assert_eq!((&shown[0]["triggerSignal"], shown[0].get("limit_price")), (&json!("mark"), None));
    alice.client.post("/cancelallorders", &[]).await;
    assert_eq!(
        alice.told().await,
        [
            "open e 0+1 at market trailing_stop 48015 new_placed_order_by_user",
            "open e 0+1 at market trailing_stop 49500 trailing_stop_price_updated",
            "open f 0+1 at market take_profit 40000 new_placed_order_by_user",
            "removed e cancelled_by_user",
            "removed f cancelled_by_user",
        ]
    );
}

#[tokio::test]
async fn messages_have_every_field_and_snapshots_what_is_open() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    venue.advance(1_500).await;
    let first = alice.place("post", "buy", "1", "49000", &[("cliOrdId", "mine")]).await;
    venue.advance(500).await;
    venue.client(1).place("ioc", "sell", "0.25", "49000", &[]).await;
    let mut socket = Socket::open(&venue).await;
    let snapshot = socket.follow(&alice, &["open_orders"]).await.remove(0);
    let account = &venue.start.accounts[0].uid;
    let mut order = json!({
        "instrument": SYMBOL, "time": 1_767_225_601_500_u64, "last_update_time": 1_767_225_602_000_u64,
        "qty": 0.75, "filled": 0.25, "limit_price": 49_000, "stop_price": 0, "type": "limit",
        "order_id": first["order_id"], "cli_ord_id": "mine", "direction": 0, "reduce_only": false,
    });
    let wanted = json!({"feed": "open_orders_snapshot", "account": account, "orders": [order]});
    assert_eq!(snapshot, wanted);
    venue.advance(1).await;
    venue.client(1).place("ioc", "sell", "0.75", "49000", &[]).await;
    order["last_update_time"] = json!(1_767_225_602_001_u64);
    (order["qty"], order["filled"]) = (json!(0), json!(1));
    let wanted = json!({"feed": "open_orders", "order": order, "is_cancel": true, "reason": "full_fill"});
    assert_eq!(socket.hear().await, wanted);
    let second = alice.place("lmt", "sell", "1", "51000", &[]).await;
    let heard = socket.hear().await;
    assert_eq!((&heard["order"]["direction"], heard["order"].get("cli_ord_id")), (&json!(1), None));
    alice.post("/cancelorder", &[("order_id", second["order_id"].as_str().expect("an id"))]).await;
    let wanted = json!({
        "feed": "open_orders", "order_id": second["order_id"], "is_cancel": true, "reason": "cancelled_by_user",
    });
    assert_eq!(socket.hear().await, wanted);
    // Asked for again, the list is sent again.
    let credentials = socket.credentials(&alice).await;
    let again = with(&credentials, json!({"event": "subscribe", "feed": "open_orders"}));
    assert_eq!(socket.ask(again).await, alert("Already subscribed to feed, re-requesting"));
    assert_eq!(
        socket.hear().await,
        json!({"feed": "open_orders_snapshot", "account": account, "orders": []})
    );
}

#[tokio::test]
async fn what_was_answered_is_in_the_snapshot_and_what_comes_is_told_once() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    // Joins while orders come: each is in the snapshot or told after it, never both, never neither.
    let placing = async {
        for at in 0..200 {
            let name = format!("n{at}");
            alice.place("lmt", "buy", "1", &(40_000 + at).to_string(), &[("cliOrdId", &name)]).await;
        }
    };
    let joining = async {
        let mut seen = Vec::new();
        for _ in 0..20 {
            let mut socket = Socket::open(&venue).await;
            let snapshot = socket.follow(&venue.reader(0), &["open_orders"]).await.remove(0);
            seen.push((socket, snapshot));
        }
        seen
    };
    let ((), seen) = tokio::join!(placing, joining);
    for (mut socket, snapshot) in seen {
        let name = |order: &Value| order["cli_ord_id"].as_str().expect("a name").to_owned();
        let mut names: Vec<String> =
            snapshot["orders"].as_array().expect("orders").iter().map(name).collect();
        names.extend(socket.settle().await.iter().map(|message| name(&message["order"])));
        let wanted: Vec<String> = (0..200).map(|at| format!("n{at}")).collect();
        assert_eq!(names, wanted);
    }
}

/// Nothing but time passes: no market, no request. The switch fires by itself, and whoever follows is told.
#[tokio::test]
async fn the_real_clock_fires_the_dead_mans_switch_by_itself() {
    let mut config = ServerConfig { rate_limits: false, ..ServerConfig::test() };
    config.node.clock = ClockKind::Real;
    let venue = Venue::with(config).await;
    let mut desk = Desk::open(&venue, 0).await;
    desk.place("kept", "lmt", "buy", "0.1", "40000", &[]).await;
    assert_eq!(desk.told().await, ["open kept 0+0.1 at 40000 new_placed_order_by_user"]);
    let armed = desk.client.post("/cancelallordersafter", &[("timeout", "1")]).await;
    assert_ne!(armed["status"]["triggerTime"], "0", "{armed}");
    let told = desk.socket.hear().await;
    assert_eq!(line(&told), "removed kept dead_man_switch");
}
