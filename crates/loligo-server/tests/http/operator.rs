//! What the operator does to markets, orders, limits and the dialect itself, as a trader sees it.

use crate::venue::{BASE, SYMBOL, Venue, send};
use loligo_server::config::Config;
use loligo_server::{Server, ServerConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

const ORDER: [(&str, &str); 5] =
    [("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "0.1"), ("limitPrice", "40000")];

async fn sent(venue: &Venue, account: usize, arguments: &[(&str, &str)]) -> String {
    let answer = venue.client(account).request("POST", "/sendorder", arguments).json().await;
    let word = answer["error"].as_str().or_else(|| answer["sendStatus"]["status"].as_str());
    word.unwrap_or_else(|| panic!("no word: {answer}")).to_owned()
}

#[tokio::test]
async fn a_market_is_what_the_operator_makes_of_it() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    alice.place("lmt", "buy", "0.1", "40000", &[("cliOrdId", "resting")]).await;
    for (state, want, tradeable, open) in [
        ("suspended", "marketSuspended", true, 1),
        ("post_only", "marketIsPostOnly", true, 1),
        ("open", "placed", true, 2),
        ("inactive", "marketInactive", false, 0),
        ("open", "placed", true, 1),
        ("pre_launch", "marketInactive", false, 0),
        ("open", "placed", true, 1),
    ] {
        let told = venue.order("PUT", "/markets/pf_xbtusd", json!({"state": state})).await;
        assert_eq!((&told["symbol"], &told["state"]), (&json!(SYMBOL), &json!(state)));
        assert_eq!(sent(&venue, 0, &ORDER).await, want, "{state}");
        let listed = alice.get("/instruments", &[]).await["instruments"].clone();
        let row =
            listed.as_array().expect("a list").iter().find(|row| row["symbol"] == SYMBOL).expect("listed");
        assert_eq!(row["tradeable"], json!(tradeable), "{state}");
        let orders = alice.get("/openorders", &[]).await["openOrders"].clone();
        assert_eq!(orders.as_array().map(Vec::len), Some(open), "{state}: {orders}");
    }
    let told = venue.order("POST", "/markets/PF_XBTUSD/expire", Value::Null).await;
    assert_eq!(
        (&told["symbol"], &told["state"], &told["in_force"]),
        (&json!(SYMBOL), &json!("open"), &json!("post_only"))
    );
    assert_eq!(sent(&venue, 0, &ORDER).await, "marketIsPostOnly");
    venue.advance(900_000).await;
    let told = venue.order("GET", "/markets/PF_XBTUSD", Value::Null).await;
    assert_eq!((&told["symbol"], &told["state"]), (&json!(SYMBOL), &json!("expired")));
    assert_eq!(sent(&venue, 0, &ORDER).await, "marketInactive");
    let gone = alice.get("/instruments", &[]).await["instruments"].clone();
    assert!(gone.as_array().expect("a list").iter().all(|row| row["symbol"] != SYMBOL));
    let (status, told) = venue.ask("PUT", "/markets/PF_XBTUSD", json!({"state": "open"})).await;
    assert_eq!((status, &told["error"]), (400, &json!("the contract has expired")));
}

#[tokio::test]
async fn a_contract_is_listed_and_traded() {
    let venue = Venue::start().await;
    let low = json!({
        "symbol": "pf_lowusd", "kind": "linear", "pair": "LOW:USD", "base": "LOW", "tick_size": 0.01,
        "lot_precision": 0, "max_position_size": 1_000_000, "impact_mid_size": "1000",
        "margin_levels": [{"from": 0, "initial": 0.02}, {"from": 250_000, "initial": "0.04", "maintenance": 2e-2}],
    });
    let told = venue.order("POST", "/markets", low.clone()).await;
    assert_eq!((&told["symbol"], &told["state"]), (&json!("PF_LOWUSD"), &json!("open")));
    let (status, told) = venue.ask("POST", "/markets", low).await;
    assert!(status == 400 && told["error"].is_string(), "{status} {told}");
    venue.pin("PF_LOWUSD", "5.00").await;
    let low = |side, price| {
        [("orderType", "lmt"), ("symbol", "PF_LOWUSD"), ("side", side), ("size", "10"), ("limitPrice", price)]
    };
    assert_eq!(sent(&venue, 0, &low("buy", "5.001")).await, "invalidPrice");
    assert_eq!(sent(&venue, 0, &low("buy", "5.01")).await, "placed");
    assert_eq!(sent(&venue, 1, &low("sell", "5.01")).await, "placed");
    let position = venue.client(0).get("/openpositions", &[]).await["openPositions"][0].clone();
    assert_eq!((&position["symbol"], &position["size"]), (&json!("PF_LOWUSD"), &json!(10)));
    let listed = venue.client(0).get("/instruments", &[]).await["instruments"].clone();
    let row =
        listed.as_array().expect("a list").iter().find(|row| row["symbol"] == "PF_LOWUSD").expect("listed");
    let levels = json!([
        {"numNonContractUnits": 0, "initialMargin": 0.02, "maintenanceMargin": 0.01},
        {"numNonContractUnits": 250_000, "initialMargin": 0.04, "maintenanceMargin": 0.02},
    ]);
    assert_eq!((&row["marginLevels"], &row["tickSize"]), (&levels, &json!(0.01)));

    let dated = json!({
        "symbol": "FI_XBTUSD_260131", "kind": "inverse", "pair": "XBT:USD", "base": "BTC", "tick_size": "0.5",
        "lot_precision": 0, "max_position_size": 1000, "impact_mid_size": 10,
        "margin_levels": [{"from": 0, "initial": "0.02"}], "opening": "2026-01-01T00:00:00Z",
        "last_trading_time": "2026-01-31T16:00:00Z",
    });
    venue.order("POST", "/markets", dated).await;
    let ticker = venue.client(0).get("/tickers/FI_XBTUSD_260131", &[]).await["ticker"].clone();
    assert_eq!((&ticker["markPrice"], &ticker["tag"]), (&json!(50000), &json!("month")));
}

#[tokio::test]
async fn an_order_is_cancelled_and_a_trailing_stop_placed_anew() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let resting = alice.place("lmt", "buy", "0.1", "40000", &[("cliOrdId", "resting")]).await;
    let resting = resting["order_id"].as_str().expect("an id").to_owned();
    let told = venue.order("POST", &format!("/orders/{resting}/cancel"), Value::Null).await;
    assert_eq!(told, json!({"order_id": resting}));
    let record =
        async |id: &str| alice.post("/orders/status", &[("orderIds", id)]).await["orders"][0].clone();
    let gone = record(&resting).await;
    let word = |record: &Value| (record["status"].clone(), record["updateReason"].clone());
    assert_eq!(word(&gone), (json!("CANCELLED"), json!("CANCELLED_BY_ADMIN")));

    let stop = [
        ("orderType", "trailing_stop"),
        ("symbol", SYMBOL),
        ("side", "sell"),
        ("size", "0.1"),
        ("trailingStopMaxDeviation", "1"),
        ("trailingStopDeviationUnit", "PERCENT"),
        ("triggerSignal", "mark"),
        ("cliOrdId", "trail"),
    ];
    let old = alice.post("/sendorder", &stop).await["sendStatus"]["order_id"].clone();
    let old = old.as_str().expect("an id");
    let told = venue.order("POST", &format!("/orders/{old}/replace"), json!({})).await;
    let new = told["order_id"].as_str().expect("an id").to_owned();
    assert_ne!(new, old);
    let replaced = record(old).await;
    assert_eq!(word(&replaced), (json!("CANCELLED"), json!("TRAILING_STOP_CANCELLED_AND_REPLACED_BY_ADMIN")));
    let anew = record(&new).await;
    assert_eq!(word(&anew), (json!("TRIGGER_PLACED"), json!("NEW_USER_ORDER")));
    assert_eq!(anew["order"]["cliOrdId"], "trail");

    for (path, want) in [
        (format!("/orders/{resting}/cancel"), 404),
        (format!("/orders/{resting}/replace"), 404),
        ("/orders/00000000-0000-4000-8000-000000000000/cancel".to_owned(), 404),
        ("/orders/none/cancel".to_owned(), 400),
        ("/orders/none/replace".to_owned(), 400),
    ] {
        let (status, told) = venue.ask("POST", &path, Value::Null).await;
        assert!(status == want && told["error"].is_string(), "{path}: {status} {told}");
    }
    let plain = alice.place("lmt", "buy", "0.1", "40000", &[]).await["order_id"].clone();
    let path = format!("/orders/{}/replace", plain.as_str().expect("an id"));
    let (status, told) = venue.ask("POST", &path, Value::Null).await;
    assert_eq!((status, &told["error"]), (400, &json!("the order is no waiting trailing stop")));
}

#[tokio::test]
async fn limits_hold_for_whom_they_are_set() {
    let venue = Venue::start().await;
    let uid = venue.start.accounts[0].uid.clone();
    let told = venue.order("PUT", "/limits", json!({"open_orders": 3})).await;
    let want = json!({
        "account": null, "symbol": null, "open_orders": 3, "triggers": 100, "trailing_stops": 20,
        "small_orders": 50, "small_order_usd": 10, "order_value_usd": 20_000_000, "price_collar": "20",
    });
    assert_eq!(told, want);
    let told =
        venue.order("PUT", "/limits", json!({"account": uid, "open_orders": 1, "price_collar": 5})).await;
    assert_eq!(
        (&told["account"], &told["open_orders"], &told["price_collar"]),
        (&json!(uid), &json!(1), &json!("5"))
    );
    for want in ["placed", "tooManyOrders"] {
        assert_eq!(sent(&venue, 0, &ORDER).await, want);
    }
    for want in ["placed", "placed", "placed", "tooManyOrders"] {
        assert_eq!(sent(&venue, 1, &ORDER).await, want);
    }
    let told =
        venue.order("PUT", "/limits", json!({"account": uid, "symbol": "pf_xbtusd", "open_orders": 2})).await;
    assert_eq!((&told["symbol"], &told["open_orders"]), (&json!(SYMBOL), &json!(2)));
    assert_eq!(told["price_collar"], json!("5"), "what is not set for the contract is the account's");
    for want in ["placed", "tooManyOrders"] {
        assert_eq!(sent(&venue, 0, &ORDER).await, want);
    }
    venue.order("PUT", "/limits", json!({"symbol": SYMBOL, "order_value_usd": 3999})).await;
    assert_eq!(sent(&venue, 2, &ORDER).await, "invalidSize", "0.1 at 40,000 are worth 4,000");
    venue.order("PUT", "/limits", json!({"symbol": SYMBOL, "order_value_usd": 4000})).await;
    assert_eq!(sent(&venue, 2, &ORDER).await, "placed");
    venue
        .order("PUT", "/limits", json!({"symbol": SYMBOL, "small_orders": 0, "small_order_usd": 4001}))
        .await;
    assert_eq!(sent(&venue, 3, &ORDER).await, "tooManySmallOrders");
    // The collar: 5% of 50,000 for alice, 20% for the others.
    venue.client(1).post("/cancelallorders", &[]).await;
    venue.client(2).post("/cancelallorders", &[]).await;
    venue.order("PUT", "/limits", json!({"symbol": SYMBOL, "order_value_usd": 100_000})).await;
    venue.client(4).place("lmt", "sell", "1", "53000", &[]).await;
    let order = [("orderType", "ioc"), ORDER[1], ORDER[2], ("size", "1"), ("limitPrice", "53000")];
    assert_eq!(sent(&venue, 0, &order).await, "outsidePriceCollar");
    assert_eq!(sent(&venue, 2, &order).await, "placed");
}

#[tokio::test]
async fn an_operation_out_of_service_is_unavailable_to_everyone() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    for (operation, method, path) in [
        ("getOrderStatus", "POST", "/orders/status"),
        ("sendOrder", "POST", "/sendorder"),
        ("getInstruments", "GET", "/instruments"),
        ("instrumentStatus", "GET", "/instruments/PF_XBTUSD/status"),
        ("getSubaccountTradingCapability", "GET", "/subaccount/x/trading-enabled"),
        ("withdrawal", "POST", "/withdrawal"),
    ] {
        let route = format!("/routes/{operation}");
        let told = venue.order("PUT", &route, json!({"available": false})).await;
        assert_eq!(told, json!({"operation": operation, "available": false}));
        // Before keys and arguments are looked at.
        let mut stranger = alice.request(method, path, &[]);
        stranger.authent = None;
        assert_eq!(stranger.error().await.as_deref(), Some("Unavailable"), "{operation}");
        let (_, faults) = venue.ask("GET", "/faults", Value::Null).await;
        assert_eq!(faults["unavailable"], json!([operation]));
        venue.order("PUT", &route, json!({"available": true})).await;
        assert_ne!(stranger.error().await.as_deref(), Some("Unavailable"), "{operation}");
    }
    // One route publishes no error of its own with HTTP 200; it answers like all others.
    let told = async |word: &str| {
        let answer = alice.request("GET", "/tickers/PF_XBTUSD", &[]).send().await;
        assert_eq!((answer.status, &answer.json()["error"]), (200, &json!(word)));
    };
    venue.order("PUT", "/routes/getTicker", json!({"available": false})).await;
    told("Unavailable").await;
    venue.order("PUT", "/routes/getTicker", json!({"available": true})).await;
    venue.order("POST", "/faults", json!({"kind": "server_error", "operation": "getTicker"})).await;
    told("Server Error").await;

    // What two methods do alike is one operation, by either name.
    for (name, available, want) in [
        ("getOrderStatus", false, Some("Unavailable")),
        ("getOrderStatusByGet", true, None),
        ("getOrderStatusByGet", false, Some("Unavailable")),
    ] {
        let told = venue.order("PUT", &format!("/routes/{name}"), json!({"available": available})).await;
        assert_eq!(told, json!({"operation": "getOrderStatus", "available": available}));
        for method in ["GET", "POST"] {
            assert_eq!(alice.request(method, "/orders/status", &[]).error().await.as_deref(), want);
        }
    }
    // Also for a body that is too long to be read.
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    let body = vec![b'x'; 600_000];
    let path = format!("{BASE}/orders/status");
    if let Some(answer) = send(&mut stream, "POST", &path, &[], &body).await {
        assert_eq!(answer.json()["error"], "Unavailable");
    }
}

#[tokio::test]
async fn a_fault_is_told_so_many_times() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let fault = json!({"kind": "server_error", "operation": "getOrderStatus", "times": 2});
    let one = venue.order("POST", "/faults", fault).await;
    let want = json!({"id": 1, "kind": "server_error", "operation": "getOrderStatus", "times": 2, "left": 2});
    assert_eq!(one, want);
    let two =
        venue.order("POST", "/faults", json!({"kind": "unknown_error", "operation": "getOrderStatus"})).await;
    assert_eq!((&two["id"], &two["times"]), (&json!(2), &json!(1)));
    let ask = async || alice.request("POST", "/orders/status", &[]).error().await;
    // Who has no key is told that, and uses up nothing.
    let mut stranger = alice.request("POST", "/orders/status", &[]);
    stranger.authent = None;
    assert_eq!(stranger.error().await.as_deref(), Some("authenticationError"));
    assert_eq!(ask().await.as_deref(), Some("Server Error"));
    let faults = venue.order("GET", "/faults", Value::Null).await;
    assert_eq!((&faults["faults"][0]["left"], &faults["faults"][1]["left"]), (&json!(1), &json!(1)));
    assert_eq!(alice.request("GET", "/openorders", &[]).error().await, None, "another operation");
    assert_eq!(ask().await.as_deref(), Some("Server Error"));
    assert_eq!(ask().await.as_deref(), Some("unknownError"));
    assert_eq!(ask().await, None);
    assert_eq!(venue.order("GET", "/faults", Value::Null).await, json!({"faults": [], "unavailable": []}));

    // An order that is told of a fault was not placed.
    venue.order("POST", "/faults", json!({"kind": "server_error", "operation": "sendOrder"})).await;
    assert_eq!(sent(&venue, 0, &ORDER).await, "Server Error");
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"], json!([]));
    assert_eq!(sent(&venue, 0, &ORDER).await, "placed");

    // Public ones, too; and one that is taken back is told to no one.
    venue.order("POST", "/faults", json!({"kind": "unknown_error", "operation": "getTickers"})).await;
    assert_eq!(alice.request("GET", "/tickers", &[]).error().await.as_deref(), Some("unknownError"));
    let five = json!({"kind": "unknown_error", "operation": "getTickers", "times": 4_294_967_295_u32});
    let id = venue.order("POST", "/faults", five).await["id"].clone();
    assert_eq!(alice.request("GET", "/tickers", &[]).error().await.as_deref(), Some("unknownError"));
    assert_eq!(venue.order("DELETE", &format!("/faults/{id}"), Value::Null).await, json!({"id": id}));
    assert_eq!(alice.request("GET", "/tickers", &[]).error().await, None);
    assert_eq!(venue.ask("DELETE", &format!("/faults/{id}"), Value::Null).await.0, 404);
}

#[tokio::test]
async fn faults_that_wait_are_bounded() {
    let venue = Venue::start().await;
    let fault = json!({"kind": "server_error", "operation": "getFills"});
    for _ in 0..100 {
        venue.order("POST", "/faults", fault.clone()).await;
    }
    let (status, told) = venue.ask("POST", "/faults", fault.clone()).await;
    assert_eq!((status, &told["error"]), (409, &json!("at most 100 faults wait to be told")));
    assert_eq!(venue.client(0).request("GET", "/fills", &[]).error().await.as_deref(), Some("Server Error"));
    venue.order("POST", "/faults", fault).await;
}

#[tokio::test]
async fn faults_and_routes_survive_a_restart() {
    let folder = TempDir::new().expect("a folder");
    let config = || ServerConfig {
        rate_limits: false,
        node: Config { data: Some(folder.path().to_path_buf()), ..Config::test() },
        ..ServerConfig::test()
    };
    let venue = Venue::with(config()).await;
    venue.order("PUT", "/routes/getFills", json!({"available": false})).await;
    venue.order("PUT", "/routes/getAccounts", json!({"available": false})).await;
    venue.order("PUT", "/routes/getAccounts", json!({"available": true})).await;
    for times in [1, 2] {
        let fault = json!({"kind": "server_error", "operation": "getOpenOrders", "times": times});
        venue.order("POST", "/faults", fault).await;
    }
    let error = async |venue: &Venue, path: &str| venue.client(0).request("GET", path, &[]).error().await;
    for _ in 0..2 {
        assert_eq!(error(&venue, "/openorders").await.as_deref(), Some("Server Error"));
    }
    let (_, left) = venue.ask("GET", "/faults", Value::Null).await;
    assert_eq!((&left["faults"][0]["id"], &left["faults"][0]["left"]), (&json!(2), &json!(1)));
    venue.server.stop().await;

    // The one that was told to the end is gone; the count of the other begins anew.
    let server = Server::start(config()).await.expect("it starts");
    let venue = Venue { real: config().real_time, start: server.start_file(), server };
    let (_, kept) = venue.ask("GET", "/faults", Value::Null).await;
    assert_eq!((&kept["faults"][0]["id"], &kept["faults"][0]["left"]), (&json!(2), &json!(2)));
    assert_eq!(kept["unavailable"], json!(["getFills"]));
    assert_eq!(error(&venue, "/fills").await.as_deref(), Some("Unavailable"));
    assert_eq!(error(&venue, "/accounts").await, None);
    for want in [Some("Server Error"), Some("Server Error"), None] {
        assert_eq!(error(&venue, "/openorders").await.as_deref(), want);
    }
    let next = venue.order("POST", "/faults", json!({"kind": "server_error", "operation": "getFills"})).await;
    assert_eq!(next["id"], json!(3), "a number is never given twice");
}

#[tokio::test]
async fn codes_of_a_later_version_read_as_unknown() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let stop = [
        ("orderType", "stp"),
        ("symbol", SYMBOL),
        ("side", "sell"),
        ("size", "0.1"),
        ("stopPrice", "40000"),
        ("triggerSignal", "mark"),
    ];
    let id = alice.post("/sendorder", &stop).await["sendStatus"]["order_id"].clone();
    let told = venue
        .order(
            "POST",
            "/faults",
            json!({"kind": "unknown_code", "order_id": id, "reason": 200, "trigger_side": 200, "trigger_signal": 200}),
        )
        .await;
    assert_eq!(told, json!({"kind": "unknown_code", "order_id": id}));
    let record =
        alice.post("/orders/status", &[("orderIds", id.as_str().expect("an id"))]).await["orders"][0].clone();
    let options = &record["order"]["priceTriggerOptions"];
    assert_eq!(
        (&record["updateReason"], &options["triggerSide"], &options["triggerSignal"]),
        (&json!("unknown"), &json!("unknown"), &json!("unknown"))
    );
    let plain = alice.place("lmt", "buy", "0.1", "40000", &[]).await["order_id"].clone();
    for (body, want) in [
        (json!({"kind": "unknown_code", "order_id": plain, "trigger_side": 200}), 400),
        (json!({"kind": "unknown_code", "order_id": plain}), 400),
        (json!({"kind": "unknown_code", "order_id": "none", "reason": 200}), 400),
        (json!({"kind": "unknown_code", "order_id": plain, "reason": 256}), 400),
        (json!({"kind": "unknown_code", "order_id": plain, "reason": "200"}), 400),
        (json!({"kind": "unknown_code", "reason": 200}), 400),
        (
            json!({"kind": "unknown_code", "order_id": "00000000-0000-4000-8000-000000000000", "reason": 2}),
            404,
        ),
    ] {
        let (status, told) = venue.ask("POST", "/faults", body.clone()).await;
        assert!(status == want && told["error"].is_string(), "{body}: {status} {told}");
    }
}

#[tokio::test]
async fn what_no_verb_can_do_is_refused_in_a_sentence_and_changes_nothing() {
    let venue = Venue::start().await;
    let alice = venue.start.accounts[0].uid.clone();
    let (child, _) = venue.subaccount(0, "child", "1").await;
    let nobody = "00000000-0000-4000-8000-000000000000";
    let before = venue.order("GET", "/state-hash", Value::Null).await;
    let market = json!({
        "symbol": "PF_NEWUSD", "kind": "linear", "pair": "NEW:USD", "base": "NEW", "tick_size": "0.01",
        "lot_precision": 0, "max_position_size": 1000, "impact_mid_size": 10,
        "margin_levels": [{"from": 0, "initial": "0.02"}],
    });
    let but = |name: &str, value: Value| {
        let mut changed = market.clone();
        if value.is_null() {
            changed.as_object_mut().expect("an object").remove(name);
        } else {
            changed[name] = value;
        }
        changed
    };
    let under = |uid: &str, verb: &str| format!("/accounts/{uid}/{verb}");
    for (method, path, body, want) in [
        ("POST", under(&child, "subaccounts"), json!({}), 400),
        ("POST", under(nobody, "subaccounts"), json!({}), 404),
        ("POST", under(&alice, "subaccounts"), json!({"name": "bob"}), 409),
        ("POST", under(&alice, "subaccounts"), json!({"name": "x", "flex": {"usd": "-1"}}), 400),
        ("POST", under(&alice, "subaccounts"), json!({"name": "x", "flex": {"usd": "1e13"}}), 400),
        ("POST", under(&alice, "subaccounts"), json!({"wallets": {"fi_foousd": "1"}}), 400),
        ("POST", under(&alice, "subaccounts"), json!({"parent": alice}), 400),
        ("PUT", under(&alice, "subaccounts"), json!({}), 405),
        ("POST", under(nobody, "deactivate"), json!({}), 404),
        ("POST", under("nobody", "activate"), json!({}), 404),
        ("POST", under(&alice, "deactivate"), json!({"active": false}), 400),
        ("POST", under(&alice, "activate"), json!([]), 400),
        ("PUT", "/markets/PF_NOSUCHUSD".into(), json!({"state": "open"}), 404),
        ("PUT", "/markets/PF_XBTUSD".into(), json!({"state": "expired"}), 400),
        ("PUT", "/markets/PF_XBTUSD".into(), json!({"state": "OPEN"}), 400),
        ("PUT", "/markets/PF_XBTUSD".into(), json!({"state": true}), 400),
        ("PUT", "/markets/PF_XBTUSD".into(), json!({}), 400),
        ("PUT", "/markets/PF_XBTUSD".into(), json!({"state": "open", "until": 1}), 400),
        ("DELETE", "/markets/PF_XBTUSD".into(), json!({}), 405),
        ("POST", "/markets/PF_NOSUCHUSD/expire".into(), json!({}), 404),
        ("POST", "/markets/PF_XBTUSD/expire".into(), json!({"at": 1}), 400),
        ("POST", "/markets".into(), json!({}), 400),
        ("POST", "/markets".into(), json!([market]), 400),
        ("POST", "/markets".into(), but("symbol", json!("PF_XBTUSD")), 400),
        ("POST", "/markets".into(), but("symbol", json!("pf new")), 400),
        ("POST", "/markets".into(), but("kind", json!("quanto")), 400),
        ("POST", "/markets".into(), but("kind", Value::Null), 400),
        ("POST", "/markets".into(), but("tick_size", json!(0)), 400),
        ("POST", "/markets".into(), but("tick_size", json!(-0.5)), 400),
        ("POST", "/markets".into(), but("tick_size", json!("small")), 400),
        ("POST", "/markets".into(), but("lot_precision", json!(0.5)), 400),
        ("POST", "/markets".into(), but("lot_precision", json!(9)), 400),
        ("POST", "/markets".into(), but("impact_mid_size", json!(0.5)), 400),
        ("POST", "/markets".into(), but("margin_levels", json!([])), 400),
        ("POST", "/markets".into(), but("margin_levels", json!([{"from": 0, "initial": 2}])), 400),
        ("POST", "/markets".into(), but("opening", json!("soon")), 400),
        ("POST", "/markets".into(), but("tick_sise", json!("1")), 400),
        ("POST", "/markets".into(), but("max_position_size", json!(1e300)), 400),
        ("PUT", "/limits".into(), json!({}), 400),
        ("PUT", "/limits".into(), json!({"symbol": "PF_XBTUSD"}), 400),
        ("PUT", "/limits".into(), json!({"symbol": "PF_NOSUCHUSD", "triggers": 1}), 404),
        ("PUT", "/limits".into(), json!({"account": nobody, "triggers": 1}), 404),
        ("PUT", "/limits".into(), json!({"account": 1, "triggers": 1}), 400),
        ("PUT", "/limits".into(), json!({"triggers": -1}), 400),
        ("PUT", "/limits".into(), json!({"triggers": 1.5}), 400),
        ("PUT", "/limits".into(), json!({"triggers": "1"}), 400),
        ("PUT", "/limits".into(), json!({"open_orders": 4_294_967_296_u64}), 400),
        ("PUT", "/limits".into(), json!({"price_collar": "-1"}), 400),
        ("PUT", "/limits".into(), json!({"price_collar": "0.00001"}), 400),
        ("PUT", "/limits".into(), json!({"price_collar": "430000"}), 400),
        ("PUT", "/limits".into(), json!({"price_collar": "wide"}), 400),
        ("PUT", "/limits".into(), json!({"open_order": 1}), 400),
        ("PUT", "/limits".into(), json!({"open_orders": 10_001}), 400),
        ("PUT", "/limits".into(), json!({"account": alice, "triggers": 10_001}), 400),
        ("PUT", "/limits".into(), json!({"trailing_stops": 10_001}), 400),
        ("PUT", "/limits".into(), json!({"small_orders": 10_001}), 400),
        ("PUT", "/prices/PF_XBTUSD".into(), json!({"index": "50001", "mark": "0"}), 400),
        ("PUT", "/prices/PF_XBTUSD".into(), json!({"index": "1e10", "mark": "50001"}), 400),
        ("POST", "/accounts".into(), json!({"name": ""}), 400),
        ("POST", "/accounts".into(), json!({"name": "n".repeat(65)}), 400),
        ("POST", "/accounts".into(), json!({"name": "a\nb"}), 400),
        ("POST", "/accounts".into(), json!({"name": "alice"}), 409),
        ("PUT", "/routes/nosuch".into(), json!({"available": false}), 404),
        ("PUT", "/routes/getRfq".into(), json!({"available": true}), 404),
        ("PUT", "/routes/getorderstatus".into(), json!({"available": false}), 404),
        ("PUT", "/routes/sendOrder".into(), json!({}), 400),
        ("PUT", "/routes/sendOrder".into(), json!({"available": "no"}), 400),
        ("PUT", "/routes/sendOrder".into(), json!({"available": false, "for": 1}), 400),
        ("POST", "/routes/sendOrder".into(), Value::Null, 405),
        ("POST", "/faults".into(), json!({}), 400),
        ("POST", "/faults".into(), json!({"kind": "server_error"}), 400),
        ("POST", "/faults".into(), json!({"kind": "server_error", "operation": "nosuch"}), 400),
        ("POST", "/faults".into(), json!({"kind": "server_error", "operation": "getRfq"}), 400),
        (
            "POST",
            "/faults".into(),
            json!({"kind": "server_error", "operation": "sendOrder", "times": 0}),
            400,
        ),
        (
            "POST",
            "/faults".into(),
            json!({"kind": "server_error", "operation": "sendOrder", "times": -1}),
            400,
        ),
        (
            "POST",
            "/faults".into(),
            json!({"kind": "server_error", "operation": "sendOrder", "often": 1}),
            400,
        ),
        ("POST", "/faults".into(), json!({"kind": "panic_in_apply", "operation": "sendOrder"}), 400),
        ("DELETE", "/faults/1".into(), Value::Null, 404),
        ("DELETE", "/faults/first".into(), Value::Null, 404),
        ("PUT", "/faults/1".into(), Value::Null, 405),
    ] {
        let (status, told) = venue.ask(method, &path, body.clone()).await;
        assert_eq!(status, want, "{method} {path} {body}: {told}");
        assert!(told["error"].as_str().is_some_and(|sentence| sentence.len() > 10), "{told}");
    }
    let after = venue.order("GET", "/state-hash", Value::Null).await;
    assert_eq!(after["state_hash"], before["state_hash"], "a refusal changes nothing");
    let faults = venue.order("GET", "/faults", Value::Null).await;
    assert_eq!(faults, json!({"faults": [], "unavailable": []}));
}
