//! Collateral in many currencies, as an operator prices it and an account sees, spends and moves it.

use crate::history::ask;
use crate::venue::{Client, SYMBOL, Venue};
use loligo_wire::decimal::Number;
use serde_json::{Value, json};

/// A number, or a text of one, in units of 1e-11, exactly.
fn exact(value: &Value) -> i128 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let number = Number::parse(text.as_bytes()).ok().and_then(Number::decimal);
    number.and_then(|number| number.at_scale(11).ok()).unwrap_or_else(|| panic!("a number, not {text}"))
}

async fn deposit(venue: &Venue, currency: &str, amount: &str) {
    let uid = &venue.start.accounts[0].uid;
    let body = json!({"wallet": "flex", "currency": currency, "amount": amount});
    venue.order("POST", &format!("/accounts/{uid}/deposit"), body).await;
}

async fn flex(client: &Client) -> Value {
    client.get("/accounts", &[]).await["accounts"]["flex"].clone()
}

/// A venue at which alice has no USD in flex, but this.
async fn with(held: &[(&str, &str)]) -> (Venue, Client) {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let out = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1000000")];
    alice.post("/transfer", &out).await;
    for (currency, amount) in held {
        deposit(&venue, currency, amount).await;
    }
    (venue, alice)
}

#[tokio::test]
async fn an_operator_prices_collateral_by_the_name_of_its_pair() {
    let venue = Venue::start().await;
    let shown =
        |index: &str, pinned: bool| json!({"pair": "EUR:USD", "index": index, "index_pinned": pinned});
    assert_eq!(venue.order("GET", "/prices/EUR:USD", Value::Null).await, shown("1.1", false));
    let told = venue.order("PUT", "/prices/eur%3Ausd", json!({"index": "1.25"})).await;
    assert_eq!(told, shown("1.25", true));
    let all = venue.order("GET", "/prices", Value::Null).await["prices"].clone();
    let rows: Vec<&Value> =
        all.as_array().expect("rows").iter().filter(|row| row["pair"].is_string()).collect();
    let of = |pair: &str| rows.iter().find(|row| row["pair"] == pair).copied();
    assert_eq!(of("EUR:USD"), Some(&shown("1.25", true)));
    for (pair, index) in [
        ("GBP:USD", json!("1.3")),
        ("CAD:USD", json!("0.72")),
        ("AUD:USD", json!("0.65")),
        ("USDC:USD", json!("1")),
        ("USDT:USD", json!("1")),
        ("NEAR:USD", Value::Null),
    ] {
        assert_eq!(of(pair).expect(pair)["index"], index, "{pair}");
    }
    assert_eq!(of("XBT:USD"), None, "its contracts are shown");
    assert_eq!(venue.order("DELETE", "/prices/EUR:USD", Value::Null).await, shown("1.1", false));
    // The pair of contracts is a pair, too.
    assert_eq!(venue.order("GET", "/prices/XBT:USD", Value::Null).await["index"], "50000");
    for (path, body, status) in [
        ("/prices/ZZZ:USD", json!({"index": "1"}), 404),
        ("/prices/EUR:USD", json!({"mark": "1"}), 400),
        ("/prices/EUR:USD", json!({"index": "1", "mark": "1"}), 400),
        ("/prices/EUR:USD", json!({}), 400),
        ("/prices/EUR:USD", json!({"index": "0"}), 400),
        ("/prices/EUR:USD", json!({"index": "-1"}), 400),
        ("/prices/EUR:USD", json!({"index": "much"}), 400),
    ] {
        let (told, answer) = venue.ask("PUT", path, body.clone()).await;
        assert_eq!(told, status, "{path} {body}: {answer}");
        assert!(answer["error"].is_string(), "{answer}");
    }
    assert_eq!(venue.order("GET", "/prices/EUR:USD", Value::Null).await, shown("1.1", false));
}

#[tokio::test]
async fn accounts_show_what_each_currency_is_worth_counts_for_and_may_leave() {
    let (_venue, alice) = with(&[("eur", "1000"), ("btc", "0.5"), ("near", "3")]).await;
    let shown = flex(&alice).await;
    // A euro counts for 1.1 x 99.95%, half a bitcoin for 25,000 x 98% x 99.5%.
    assert_eq!(
        shown["currencies"],
        json!({
            "EUR": {"quantity": 1000, "value": 1100, "collateral": 1099.45, "available": 1000},
            "NEAR": {"quantity": 3, "value": 0, "collateral": 0, "available": 3},
            "USD": {"quantity": 0, "value": 0, "collateral": 0, "available": 0},
            "XBT": {"quantity": 0.5, "value": 25_000, "collateral": 24_377.5, "available": 0.5},
        })
    );
    for (name, want) in [
        ("balanceValue", "26100"),
        ("collateralValue", "25476.95"),
        ("portfolioValue", "26100"),
        ("marginEquity", "25476.95"),
        ("availableMargin", "25476.95"),
        ("initialMargin", "0"),
    ] {
        assert_eq!(exact(&shown[name]), exact(&json!(want)), "{name}: {shown}");
    }
    // 2 BTC at 50,000 hold 1,000 USD: of euros, which count for less than the rest does without, all may leave.
    alice.place("lmt", "buy", "2", "50000", &[]).await;
    let shown = flex(&alice).await;
    assert_eq!(shown["initialMarginWithOrders"], 1000);
    assert_eq!(exact(&shown["availableMargin"]), 2_447_695_000_000_000);
    assert_eq!(shown["currencies"]["EUR"]["available"], 1000);
    // Of bitcoin all of it, too: 24,476.95 are more than it counts for. But not both.
    assert_eq!(exact(&shown["currencies"]["XBT"]["available"]), 50_000_000_000);
    let movement = |unit: &'static str, amount: &'static str| {
        [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", unit), ("amount", amount)]
    };
    let out = alice.request("POST", "/transfer", &movement("xbt", "0.50000000001")).error().await;
    assert_eq!(out.as_deref(), Some("insufficientFunds"));
    assert_eq!(alice.post("/transfer", &movement("eur", "1000")).await["result"], "success");
    // 23,377.5 beyond the margin: 0.47948928315 of it.
    let shown = flex(&alice).await["currencies"]["XBT"]["available"].clone();
    assert_eq!(exact(&shown), 47_948_928_315);
    let out = alice.request("POST", "/transfer", &movement("xbt", "0.47948928316")).error().await;
    assert_eq!(out.as_deref(), Some("insufficientFunds"));
    assert_eq!(alice.post("/transfer", &movement("xbt", "0.47948928315")).await["result"], "success");
    assert_eq!(alice.get("/openorders", &[]).await["openOrders"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_fee_without_usd_is_converted_and_told_in_two_rows_of_the_log() {
    let (venue, alice) = with(&[("eur", "1000"), ("btc", "0.5")]).await;
    venue.client(1).place("lmt", "sell", "0.1", "50000", &[]).await;
    alice.place("ioc", "buy", "0.1", "50000", &[]).await;
    let log = ask(&alice, "/account-log", &[("sort", "asc"), ("count", "1000")]).await;
    let rows = log["logs"].as_array().expect("rows");
    let ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>(), "numbers without a gap");
    let [.., cash, debit, credit] = &rows[..] else { panic!("rows") };
    assert_eq!((&cash["info"], &cash["new_balance"]), (&json!("futures trade"), &json!(-2.5)));
    for (row, asset, change) in [(debit, "eur", -227_386_420_483), (credit, "usd", 250_000_000_000)] {
        assert_eq!((&row["info"], &row["asset"]), (&json!("conversion"), &json!(asset)));
        assert_eq!((&row["margin_account"], &row["collateral"]), (&json!("flex"), &json!(asset)));
        assert_eq!(exact(&row["new_balance"]) - exact(&row["old_balance"]), change);
        assert_eq!(exact(&row["conversion_spread_percentage"]), 5_000_000_000);
        for none in ["contract", "execution", "trade_price", "fee", "realized_pnl", "exchange_rate"] {
            assert_eq!(row.get(none).unwrap_or(&Value::Null), &Value::Null, "{none}");
        }
    }
    assert_eq!(credit["new_balance"], 0);
    let asked = [("info", "conversion"), ("conversion_details", "true"), ("count", "1")];
    let newest = ask(&alice, "/account-log", &asked).await["logs"][0].clone();
    let terms = ["exchange_rate", "exchange_rate_from", "conversion_fee"].map(|name| newest[name].clone());
    assert_eq!(terms, [json!(1.1), json!("eur"), json!(0.05)]);
    // What the exchange took for it is in its sums.
    let audit = venue.order("GET", "/audit", Value::Null).await;
    let of = |currency: &str| {
        let sums = audit["currencies"].as_array().expect("sums").iter();
        sums.clone().find(|sums| sums["currency"] == currency).expect("a currency").clone()
    };
    assert_eq!(
        (&of("EUR")["exchanged"], &of("EUR")["fees"]),
        (&json!("2.27272727272"), &json!("0.00113693211"))
    );
    assert_eq!(of("USD")["exchanged"], "-2.5");
}

#[tokio::test]
async fn gains_are_paid_in_the_currency_that_was_set() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let shown = async || alice.get("/pnlpreferences", &[]).await["preferences"].clone();
    assert_eq!(shown().await, json!([]));
    let set = [("symbol", "pf_xbtusd"), ("pnlPreference", "eur")];
    assert_eq!(alice.put("/pnlpreferences", &set).await["result"], "success");
    assert_eq!(shown().await, json!([{"symbol": SYMBOL, "pnlCurrency": "EUR"}]));
    alice.put("/pnlpreferences", &[("symbol", "PF_ETHUSD"), ("pnlPreference", "XBT")]).await;
    assert_eq!(
        alice.get("/pnlpreferences", &[("symbol", "PF_ETHUSD")]).await["preferences"],
        json!([{"symbol": "PF_ETHUSD", "pnlCurrency": "BTC"}])
    );
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    alice.place("ioc", "buy", "1", "50000", &[]).await;
    venue.pin(SYMBOL, "50110").await;
    let position = alice.get("/openpositions", &[]).await["openPositions"][0].clone();
    assert_eq!((&position["pnlCurrency"], &position["unrealizedPnl"]), (&json!("EUR"), &json!(110)));
    // The gain counts less the fee of its conversion before it is paid.
    let before = flex(&alice).await;
    assert_eq!(before["totalUnrealized"], 110);
    assert_eq!(exact(&before["totalUnrealizedAsMargin"]), 10_994_500_000_000);
    assert_eq!(
        exact(&before["marginEquity"]),
        exact(&before["collateralValue"]) + exact(&before["totalUnrealizedAsMargin"])
    );
    bob.place("lmt", "buy", "1", "50110", &[]).await;
    alice.place("ioc", "sell", "1", "50110", &[]).await;
    let after = flex(&alice).await["currencies"].clone();
    assert_eq!(after["EUR"]["quantity"], 100, "110 USD at 1.1, without a fee");
    let paid = exact(&before["currencies"]["USD"]["quantity"]) - exact(&after["USD"]["quantity"]);
    assert_eq!(paid, 2_505_500_000_000, "the fee alone");

    let log = ask(&alice, "/account-log", &[("count", "3")]).await["logs"].clone();
    let [gain, cash, position] = [0, 1, 2].map(|at| log[at].clone());
    assert_eq!(position["asset"], "pf_xbtusd");
    assert_eq!((&cash["asset"], &gain["asset"]), (&json!("usd"), &json!("eur")));
    assert_eq!((&position["execution"], &cash["execution"]), (&gain["execution"], &gain["execution"]));
    for (row, pnl) in [(&cash, 0), (&gain, 100)] {
        assert_eq!(row["realized_pnl"], pnl);
        let booked = exact(&row["realized_pnl"]) - exact(&row["fee"]) + exact(&row["realized_funding"]);
        assert_eq!(exact(&row["new_balance"]) - exact(&row["old_balance"]), booked);
    }
    assert_eq!((&gain["fee"], &gain["collateral"]), (&json!(0), &json!("eur")));
    let numbers = [&position, &cash, &gain].map(|row| row["id"].as_u64().expect("an id"));
    assert_eq!(numbers, [numbers[0], numbers[0] + 1, numbers[0] + 2]);

    for symbol in [SYMBOL, "PF_ETHUSD"] {
        alice.put("/pnlpreferences", &[("symbol", symbol), ("pnlPreference", "USD")]).await;
    }
    assert_eq!(shown().await, json!([]), "USD takes the setting back");
}

#[tokio::test]
async fn a_currency_of_gains_that_cannot_be_is_refused_by_number() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let before = venue.order("GET", "/state-hash", Value::Null).await["state_hash"].clone();
    for (symbol, currency, want) in [
        ("PF_NOSUCHUSD", "EUR", (87, "CONTRACT_DOES_NOT_EXIST")),
        ("PI_XBTUSD", "EUR", (88, "CONTRACT_NOT_MULTI_COLLATERAL")),
        ("PI_XBTUSD", "nothing such", (88, "CONTRACT_NOT_MULTI_COLLATERAL")),
        (SYMBOL, "ZZZ", (89, "CURRENCY_DOES_NOT_EXIST")),
        (SYMBOL, "", (89, "CURRENCY_DOES_NOT_EXIST")),
        (SYMBOL, "E U R", (89, "CURRENCY_DOES_NOT_EXIST")),
        (SYMBOL, "CAD", (90, "CURRENCY_NOT_ENABLED")),
        (SYMBOL, "SOL", (90, "CURRENCY_NOT_ENABLED")),
        (SYMBOL, "DOGE", (90, "CURRENCY_NOT_ENABLED")),
    ] {
        let arguments = [("symbol", symbol), ("pnlPreference", currency)];
        let (code, message) = alice.request("PUT", "/pnlpreferences", &arguments).refused_preference().await;
        assert_eq!((code, message.as_str()), want, "{symbol} {currency}");
    }
    for (arguments, want) in [
        (vec![("pnlPreference", "EUR")], "requiredArgumentMissing"),
        (vec![("symbol", SYMBOL)], "requiredArgumentMissing"),
        (vec![("symbol", "PF XBTUSD"), ("pnlPreference", "EUR")], "invalidArgument: symbol"),
    ] {
        let error = alice.request("PUT", "/pnlpreferences", &arguments).error().await;
        assert_eq!(error.as_deref(), Some(want));
    }
    let set = [("symbol", SYMBOL), ("pnlPreference", "EUR")];
    let reader = venue.reader(0).request("PUT", "/pnlpreferences", &set).error().await;
    assert_eq!(reader.as_deref(), Some("authenticationError"));
    let after = venue.order("GET", "/state-hash", Value::Null).await["state_hash"].clone();
    assert_eq!(after, before, "a refusal changes nothing");
    // A gain of 257 behind a position that needs 251.285 counts for 250.6 in bitcoin.
    let (_, poor) = venue.subaccount(0, "poor", "525").await;
    venue.client(1).place("lmt", "sell", "1", "50000", &[]).await;
    poor.place("ioc", "buy", "1", "50000", &[]).await;
    venue.pin(SYMBOL, "52000").await;
    let out = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "500")];
    assert_eq!(poor.post("/transfer", &out).await["result"], "success");
    venue.pin(SYMBOL, "50257").await;
    let set = [("symbol", SYMBOL), ("pnlPreference", "BTC")];
    let (code, message) = poor.request("PUT", "/pnlpreferences", &set).refused_preference().await;
    assert_eq!((code, message.as_str()), (41, "WOULD_CAUSE_LIQUIDATION"));
}

#[tokio::test]
async fn interest_is_an_operator_s_switch_and_a_row_of_the_log() {
    let (venue, alice) = with(&[("btc", "100")]).await;
    assert_eq!(venue.order("GET", "/interest", Value::Null).await, json!({"hourly_rate": "0"}));
    venue.order("PUT", "/interest", json!({"hourly_rate": "0.00001"})).await;
    assert_eq!(venue.order("GET", "/interest", Value::Null).await, json!({"hourly_rate": "0.00001"}));
    venue.client(1).place("lmt", "sell", "10", "50000", &[]).await;
    alice.place("ioc", "buy", "10", "50000", &[]).await;
    venue.order("PUT", &format!("/prices/{SYMBOL}"), json!({"mark": "45000"})).await;
    venue.advance(3_600_000).await;
    // 50,000 lost and no USD: 20,000 above 30,000, at 0.001%.
    let asked = [("info", "interest payment"), ("count", "10")];
    let log = ask(&alice, "/account-log", &asked).await["logs"].clone();
    let [row] = &log.as_array().expect("rows")[..] else { panic!("one row: {log}") };
    assert_eq!(
        (&row["asset"], &row["fee"], &row["margin_account"]),
        (&json!("usd"), &json!(0.2), &json!("flex"))
    );
    assert_eq!(exact(&row["new_balance"]) - exact(&row["old_balance"]), -20_000_000_000);
    let converted =
        ask(&alice, "/account-log", &[("info", "conversion"), ("count", "2")]).await["logs"].clone();
    assert_eq!((&converted[0]["new_balance"], &converted[1]["asset"]), (&json!(0), &json!("btc")));
}

#[tokio::test]
async fn maturities_stand_against_the_perpetual_in_what_accounts_show() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let listed = alice.get("/instruments", &[]).await["instruments"].clone();
    let rows = listed.as_array().expect("a list");
    let dated = rows.iter().filter_map(|row| row["symbol"].as_str()).find(|it| it.starts_with("FF_XBTUSD_"));
    let dated = dated.expect("a maturity").to_owned();
    venue.order("PUT", &format!("/prices/{dated}"), json!({"mark": "50000"})).await;
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    alice.place("ioc", "buy", "1", "50000", &[]).await;
    let alone = flex(&alice).await;
    assert_eq!((&alone["initialMargin"], &alone["maintenanceMargin"]), (&json!(500), &json!(250)));
    let order = |side: &'static str, kind: &'static str| {
        vec![
            ("orderType", kind.to_owned()),
            ("symbol", dated.clone()),
            ("side", side.to_owned()),
            ("size", "1".to_owned()),
            ("limitPrice", "50000".to_owned()),
        ]
    };
    for (client, side, kind) in [(&bob, "buy", "lmt"), (&alice, "sell", "ioc")] {
        let order = order(side, kind);
        let arguments: Vec<(&str, &str)> =
            order.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = client.post("/sendorder", &arguments).await;
        assert_eq!(answer["sendStatus"]["status"], "placed", "{answer}");
    }
    // The maturity needs 2%, the perpetual 1%: the greater of the two.
    let both = flex(&alice).await;
    for (name, want) in
        [("initialMargin", 1000), ("initialMarginWithOrders", 1000), ("maintenanceMargin", 500)]
    {
        assert_eq!(both[name], want, "{name}");
    }
}
