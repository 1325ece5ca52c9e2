//! What lists show, and how far: books, fills, trades, contracts, currencies; and by which ways they are asked for.

use super::feeds::socket::Socket;
use crate::venue::{Answer, Client, SYMBOL, Venue};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One batch of orders on [`SYMBOL`], each placed.
async fn batch(client: &Client, orders: impl IntoIterator<Item = (&str, &str, String)>) {
    let orders = orders.into_iter().enumerate().map(|(at, (kind, side, price))| {
        json!({
            "order": "send", "order_tag": at.to_string(), "orderType": kind, "symbol": SYMBOL, "side": side,
            "size": "0.001", "limitPrice": price,
        })
    });
    let batch = json!({"batchOrder": orders.collect::<Vec<_>>()}).to_string();
    let answer = client.post("/batchorder", &[("json", &batch)]).await;
    for element in answer["batchStatus"].as_array().expect("a list") {
        assert_eq!(element["status"], "placed", "{element}");
    }
}

/// So many fills of the first two accounts, all at the present instant.
async fn trades(venue: &Venue, count: usize) {
    let (alice, bob) = (venue.client(0), venue.client(1));
    for _ in 0..count.div_ceil(300) {
        let some = count.min(300);
        let size = format!("{}.{:03}", some / 1_000, some % 1_000);
        alice.place("lmt", "sell", &size, "50000", &[]).await;
        batch(&bob, (0..some).map(|_| ("ioc", "buy", "50000".to_owned()))).await;
    }
}

fn ids(answer: &Value, list: &str, name: &str) -> Vec<String> {
    let rows = answer[list].as_array().expect("a list").iter();
    rows.map(|row| row[name].as_str().expect("an id").to_owned()).collect()
}

fn incomplete(answer: &Answer) -> Option<&str> {
    answer.head.lines().find_map(|line| line.strip_prefix("loligo-incomplete: "))
}

#[tokio::test]
async fn fills_and_trades_of_one_instant_are_on_one_page_and_a_page_that_cannot_hold_them_says_so() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    for count in [20, 150, 10, 600, 30] {
        trades(&venue, count).await;
        venue.advance(1_000).await;
    }
    for (path, list, time, id, argument, kept, more) in [
        ("/fills", "fills", "fillTime", "fill_id", "lastFillTime", 810, &[][..]),
        ("/history", "history", "time", "uid", "lastTime", 810, &[("symbol", SYMBOL)]),
    ] {
        let (mut pages, mut seen, mut last) = (Vec::new(), BTreeSet::new(), None::<String>);
        loop {
            let mut arguments = more.to_vec();
            arguments.extend(last.as_deref().map(|last| (argument, last)));
            let answer = alice.request("GET", path, &arguments).send().await;
            let told = answer.json();
            let rows = ids(&told, list, id);
            let Some(oldest) = told[list].as_array().and_then(|rows| rows.last()) else { break };
            last = Some(oldest[time].as_str().expect("a time").to_owned());
            pages.push((rows.len(), incomplete(&answer).map(str::to_owned)));
            for row in rows {
                assert!(seen.insert(row), "{path}: a row on two pages");
            }
        }
        // The newest 100 end among the 600, of which a page holds no more than makes it 500; then the 10 with all of the
        // 150 before them; then the 20.
        let cut = "only the newest rows of 2026-01-01T00:00:03.000Z".to_owned();
        assert_eq!(pages, [(500, Some(cut)), (160, None), (20, None)], "{path}");
        assert_eq!(seen.len(), kept - 130, "{path}: what the answer says it does not show");
    }
}

#[tokio::test]
async fn a_page_of_fills_ends_no_instant_in_the_middle_though_its_rows_are_more_than_a_hundred() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    trades(&venue, 250).await;
    let fills = alice.get("/fills", &[]).await;
    assert_eq!(ids(&fills, "fills", "fill_id").len(), 250, "all that can ever be asked for by time");
    let before = alice.get("/fills", &[("lastFillTime", "2026-01-01T00:00:00.000Z")]).await;
    assert_eq!(before["fills"], json!([]));
    // Of many instants, a page is a hundred.
    for _ in 0..101 {
        venue.advance(1).await;
        trades(&venue, 1).await;
    }
    let fills = alice.request("GET", "/fills", &[]).send().await;
    assert_eq!((ids(&fills.json(), "fills", "fill_id").len(), incomplete(&fills)), (100, None));
}

#[tokio::test]
async fn a_position_whose_fills_are_no_longer_shown_is_as_old_as_it_is() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    venue.advance(1_000).await;
    let order = |side| {
        [("orderType", "lmt"), ("symbol", "PI_ETHUSD"), ("side", side), ("size", "1"), ("limitPrice", "2000")]
    };
    for (client, side) in [(&bob, "sell"), (&alice, "buy")] {
        client.post("/sendorder", &order(side)).await;
    }
    venue.advance(1_000).await;
    let opened = |told: Value| {
        let rows = told["openPositions"].as_array().expect("a list").clone();
        let row = rows.into_iter().find(|row| row["symbol"] == "PI_ETHUSD");
        row.expect("a position")["fillTime"].clone()
    };
    assert_eq!(opened(alice.get("/openpositions", &[]).await), "2026-01-01T00:00:01.000Z");
    // As many fills as are kept.
    trades(&venue, 2_100).await;
    venue.advance(1_000).await;
    assert_eq!(opened(alice.get("/openpositions", &[]).await), "2026-01-01T00:00:01.000Z");
}

#[tokio::test]
async fn a_book_of_more_than_a_thousand_levels_is_shown_whole_like_the_feed_s() {
    let venue = Venue::start().await;
    for account in 0..3 {
        let level = |side, at: usize| ("lmt", side, (at + account * 400).to_string());
        batch(&venue.client(account), (0..400).map(|at| level("buy", 45_000 + at))).await;
        venue.client(account + 3).place("lmt", "sell", "0.001", &(51_000 + account).to_string(), &[]).await;
    }
    let answer = venue.client(0).get("/orderbook", &[("symbol", SYMBOL)]).await;
    let book = &answer["orderBook"];
    let bids: Vec<u64> =
        book["bids"].as_array().expect("bids").iter().map(|row| row[0].as_u64().expect("a price")).collect();
    assert_eq!(bids, (45_000..46_200).rev().collect::<Vec<_>>());
    let mut socket = Socket::open(&venue).await;
    let snapshot = socket.follow_book().await;
    for side in ["bids", "asks"] {
        let rows = snapshot[side].as_array().expect("levels").iter();
        let rows: Vec<Value> = rows.map(|level| json!([level["price"], level["qty"]])).collect();
        assert_eq!(book[side], json!(rows), "{side}");
    }
}

#[tokio::test]
async fn lists_are_given_to_who_posts_for_them_as_well() {
    let venue = Venue::start().await;
    let (alice, reader) = (venue.client(0), venue.reader(0));
    trades(&venue, 2).await;
    alice.place("lmt", "buy", "1", "40000", &[]).await;
    for (path, list) in [
        ("/accounts", "accounts"),
        ("/openorders", "openOrders"),
        ("/openpositions", "openPositions"),
        ("/fills", "fills"),
    ] {
        let got = alice.get(path, &[]).await;
        assert!(got[list].is_object() || got[list].as_array().is_some_and(|rows| !rows.is_empty()), "{path}");
        assert_eq!(alice.post(path, &[]).await, got, "{path}");
        assert_eq!(reader.post(path, &[]).await, got, "{path}: asking is no trading");
        // Nothing signed at all is one client's way of asking with GET, and no other way.
        for (method, allowed) in [("GET", None), ("POST", Some("authenticationError"))] {
            let mut unsigned = alice.request(method, path, &[("lastFillTime", "2027-01-01T00:00:00.000Z")]);
            unsigned.sign_text(b"");
            assert_eq!(unsigned.error().await.as_deref(), allowed, "{method} {path}");
        }
    }
    let old = [("lastFillTime", "2026-01-01T00:00:00.000Z")];
    assert_eq!(alice.post("/fills", &old).await["fills"], json!([]), "arguments stand in the form");
    let error = alice.request("POST", "/fills", &[("lastFillTime", "soon")]).error().await;
    assert_eq!(error.as_deref(), Some("invalidArgument: lastFillTime"));
}

async fn instruments(venue: &Venue, arguments: &[(&str, &str)]) -> Vec<Value> {
    let answer = venue.client(0).get("/instruments", arguments).await;
    answer["instruments"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn all_orders_of_a_product_are_cancelled_and_no_others() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let rows = instruments(&venue, &[]).await;
    let dated =
        rows.iter().filter_map(|row| row["symbol"].as_str()).find(|name| name.starts_with("FI_XBTUSD_"));
    let dated = dated.expect("a dated contract").to_owned();
    venue.pin("PF_ETHUSD", "3000").await;
    let place = async |symbol: &str, price: &str| {
        let order =
            [("orderType", "lmt"), ("symbol", symbol), ("side", "buy"), ("size", "1"), ("limitPrice", price)];
        let answer = alice.post("/sendorder", &order).await;
        assert_eq!(answer["sendStatus"]["status"], "placed", "{symbol}: {answer}");
        answer["sendStatus"]["order_id"].clone()
    };
    for (name, shown) in [("fi_xbtusd", "fi_xbtusd"), ("FI_XBTUSD", "fi_xbtusd")] {
        let theirs = [place("PI_XBTUSD", "40000").await, place(&dated, "40000").await];
        let others = [place("PI_ETHUSD", "2000").await, place(SYMBOL, "40000").await];
        let answer = alice.post("/cancelallorders", &[("symbol", name)]).await["cancelStatus"].clone();
        assert_eq!((&answer["status"], &answer["cancelOnly"]), (&json!("cancelled"), &json!(shown)));
        let gone: Vec<Value> = answer["cancelledOrders"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|order| order["order_id"].clone())
            .collect();
        assert_eq!(gone, theirs);
        let told: Vec<&Value> =
            answer["orderEvents"].as_array().expect("events").iter().map(|event| &event["uid"]).collect();
        assert_eq!(told, theirs.iter().collect::<Vec<_>>());
        let open = alice.get("/openorders", &[]).await;
        assert_eq!(
            ids(&open, "openOrders", "order_id"),
            others.map(|id| id.as_str().expect("an id").to_owned())
        );
        let again = alice.post("/cancelallorders", &[("symbol", name)]).await["cancelStatus"].clone();
        assert_eq!((&again["status"], &again["cancelOnly"]), (&json!("noOrdersToCancel"), &json!(shown)));
        alice.post("/cancelallorders", &[]).await;
    }
    for none in ["fi_foousd", "ff_xbtusd", "cash", "flex", "xbtusd"] {
        let error = alice.request("POST", "/cancelallorders", &[("symbol", none)]).error().await;
        assert_eq!(error.as_deref(), Some("invalidArgument: symbol"), "{none}");
    }
}

#[tokio::test]
async fn contracts_are_listed_while_they_live_or_when_they_are_over_and_say_where_they_may_be_traded() {
    let venue = Venue::start().await;
    let live = instruments(&venue, &[]).await;
    assert!(!live.is_empty());
    for row in &live {
        assert_eq!(row["platformsPermitted"], json!(["loligo"]), "{row}");
        assert_eq!(row["countriesBanned"], json!([]), "{row}");
    }
    assert_eq!(instruments(&venue, &[("expired", "false")]).await, live);
    assert_eq!(instruments(&venue, &[("expired", "true")]).await, Vec::<Value>::new());
    venue.order("POST", "/markets/PF_XBTUSD/expire", Value::Null).await;
    // A perpetual is there until it settles, and takes post-only orders.
    assert_eq!(instruments(&venue, &[("expired", "true")]).await, Vec::<Value>::new());
    let delisted = instruments(&venue, &[]).await;
    let row = delisted.iter().find(|row| row["symbol"] == SYMBOL).expect("listed");
    assert_eq!((&row["postOnly"], &row["tradeable"]), (&json!(true), &json!(true)));
    venue.advance(900_000).await;
    let over = instruments(&venue, &[("expired", "true")]).await;
    assert_eq!(over.iter().map(|row| &row["symbol"]).collect::<Vec<_>>(), [SYMBOL]);
    assert_eq!((&over[0]["isExpired"], &over[0]["tradeable"]), (&json!(true), &json!(false)));
    let left = live.into_iter().filter(|row| row["symbol"] != SYMBOL).collect::<Vec<_>>();
    assert_eq!(instruments(&venue, &[]).await, left);
    assert_eq!(instruments(&venue, &[("expired", "false")]).await, left);
}

#[tokio::test]
async fn a_contract_that_is_held_back_opens_in_the_future() {
    let venue = Venue::start().await;
    let opening = async || {
        let rows = instruments(&venue, &[]).await;
        let row = rows.into_iter().find(|row| row["symbol"] == SYMBOL).expect("listed");
        row["openingDate"].as_str().expect("a date").to_owned()
    };
    let born = opening().await;
    for (advance, want) in [(0, "2026-01-02"), (86_399_999, "2026-01-02"), (1, "2026-01-03")] {
        venue.advance(advance).await;
        venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "pre_launch"})).await;
        assert_eq!(opening().await, format!("{want}T00:00:00Z"), "after {advance} ms");
        venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "open"})).await;
        assert_eq!(opening().await, born);
    }
    // One that has a date shows its own.
    let late = json!({
        "symbol": "PF_LATEUSD", "kind": "linear", "pair": "LATE:USD", "base": "LATE", "tick_size": "0.01",
        "lot_precision": 0, "max_position_size": 1000, "impact_mid_size": 10,
        "margin_levels": [{"from": 0, "initial": "0.02"}], "opening": "2026-05-01T12:00:00Z",
    });
    venue.order("POST", "/markets", late).await;
    let rows = instruments(&venue, &[]).await;
    let row = rows.iter().find(|row| row["symbol"] == "PF_LATEUSD").expect("listed");
    assert_eq!((&row["openingDate"], &row["tradeable"]), (&json!("2026-05-01T12:00:00Z"), &json!(false)));
}

#[tokio::test]
async fn a_contract_without_an_index_shows_no_price_rather_than_zero() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let low = json!({
        "symbol": "PF_LOWUSD", "kind": "linear", "pair": "LOW:USD", "base": "LOW", "tick_size": "0.01",
        "lot_precision": 0, "max_position_size": 1000, "impact_mid_size": 10,
        "margin_levels": [{"from": 0, "initial": "0.02"}],
    });
    venue.order("POST", "/markets", low).await;
    let row = async || {
        let tickers = alice.get("/tickers", &[]).await["tickers"].as_array().expect("a list").clone();
        assert!(tickers.iter().all(|row| row["markPrice"] != 0 && row["indexPrice"] != 0));
        tickers.into_iter().find(|row| row["symbol"] == "PF_LOWUSD")
    };
    // The contract has no ticker without a mark price.
    assert_eq!(row().await, None);
    let answer = alice.request("GET", "/tickers/PF_LOWUSD", &[]).send().await;
    assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("marketUnavailable")));
    assert!(instruments(&venue, &[]).await.iter().any(|row| row["symbol"] == "PF_LOWUSD"));
    venue.pin("PF_LOWUSD", "5").await;
    let row = row().await.expect("a ticker");
    assert_eq!((&row["markPrice"], &row["indexPrice"]), (&json!(5), &json!(5)));
}

#[tokio::test]
async fn cash_names_every_currency_that_it_may_hold() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let cash = async || alice.get("/accounts", &[]).await["accounts"]["cash"]["balances"].clone();
    let balances = cash().await;
    let names: BTreeSet<&str> = balances.as_object().expect("balances").keys().map(String::as_str).collect();
    for name in ["usd", "eur", "gbp", "usdt", "usdc", "xbt", "eth", "sol", "xrp", "ltc", "doge", "pepe"] {
        assert_eq!(balances[name], "0", "{name}");
    }
    assert!(!names.contains("btc"), "a currency has one name");
    let known = names.len();
    // Each of them may be moved there, and what is there stands in its row.
    let path = format!("/accounts/{}/deposit", venue.start.accounts[0].uid);
    for name in names {
        venue.order("POST", &path, json!({"wallet": "cash", "currency": name, "amount": "1.5"})).await;
        assert_eq!(cash().await[name], "1.5");
    }
    assert_eq!(cash().await.as_object().map(serde_json::Map::len), Some(known));
}

#[tokio::test]
async fn an_id_that_can_be_none_goes_back_to_its_asker() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let long = "x".repeat(101);
    let cases = [
        ("order_id", "not an id"),
        ("order_id", "179f9af8e45e469db3e92fd4675cb7d0"),
        ("order_id", "\u{1f980}\"\\\n"),
        ("order_id", ""),
        ("order_id", "179f9af8-e45e-469d-b3e9-2fd4675cb7d0"),
        ("cliOrdId", long.as_str()),
        ("cliOrdId", "two\nlines"),
        ("cliOrdId", "unheard of"),
    ];
    for (word, status) in [("cancel", "notFound"), ("edit", "orderForEditNotFound")] {
        let elements = cases.map(|(name, id)| json!({"order": word, name: id, "size": 1}));
        let batch = json!({"batchOrder": elements}).to_string();
        let answer = alice.post("/batchorder", &[("json", &batch)]).await;
        for ((name, id), told) in cases.iter().zip(answer["batchStatus"].as_array().expect("a list")) {
            assert_eq!((&told["status"], &told[name]), (&json!(status), &json!(id)), "{word}: {told}");
        }
    }
    // Alone, an edit says it as well; of a cancel the contract wants a UUID, and there is none.
    let edit =
        alice.post("/editorder", &[("orderId", "not an id"), ("size", "1")]).await["editStatus"].clone();
    assert_eq!((&edit["status"], &edit["orderId"]), (&json!("orderForEditNotFound"), &json!("not an id")));
    let cancel = alice.post("/cancelorder", &[("order_id", "not an id")]).await["cancelStatus"].clone();
    assert_eq!((&cancel["status"], cancel.get("order_id")), (&json!("notFound"), None));
    let cancel = alice.post("/cancelorder", &[("cliOrdId", &long)]).await["cancelStatus"].clone();
    assert_eq!(cancel["cliOrdId"], json!(long));
}
