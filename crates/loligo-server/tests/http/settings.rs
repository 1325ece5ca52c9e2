//! How an account trades: its family's self-trade strategy, and its leverage in each contract.

use crate::venue::{SYMBOL, Venue};
use serde_json::{Value, json};

#[tokio::test]
async fn the_master_s_strategy_is_its_family_s() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let (_, child) = venue.subaccount(0, "child", "100000").await;
    assert_eq!(alice.get("/self-trade-strategy", &[]).await["strategy"], "REJECT_TAKER");
    for (strategy, mine, childs) in [
        ("REJECT_TAKER", "selfFill", "selfFill"),
        ("CANCEL_MAKER_SELF", "iocWouldNotExecute", "selfFill"),
        ("CANCEL_MAKER_CHILD", "iocWouldNotExecute", "iocWouldNotExecute"),
        ("CANCEL_MAKER_ANY", "iocWouldNotExecute", "iocWouldNotExecute"),
    ] {
        let answer = alice.put("/self-trade-strategy", &[("strategy", strategy)]).await;
        assert_eq!(answer["strategy"], strategy, "{answer}");
        for client in [&alice, &child, &venue.reader(0)] {
            assert_eq!(client.get("/self-trade-strategy", &[]).await["strategy"], strategy);
        }
        for (maker, want) in [(&alice, mine), (&child, childs)] {
            maker.place("lmt", "sell", "0.1", "50000", &[]).await;
            let taken = alice.place("ioc", "buy", "0.1", "50000", &[]).await;
            assert_eq!(taken["status"], want, "{strategy}");
            maker.post("/cancelallorders", &[]).await;
        }
    }
    // Set on the master alone, and by a key that may trade.
    let refused = child.request("PUT", "/self-trade-strategy", &[("strategy", "REJECT_TAKER")]).error().await;
    assert_eq!(refused.as_deref(), Some("authenticationError"));
    let reader = venue.reader(0);
    let refused =
        reader.request("PUT", "/self-trade-strategy", &[("strategy", "REJECT_TAKER")]).error().await;
    assert_eq!(refused.as_deref(), Some("authenticationError"));
    for (arguments, want) in [
        (vec![("strategy", "reject_taker")], "invalidArgument: strategy"),
        (vec![("strategy", "")], "invalidArgument: strategy"),
        (vec![], "requiredArgumentMissing"),
    ] {
        let error = alice.request("PUT", "/self-trade-strategy", &arguments).error().await;
        assert_eq!(error.as_deref(), Some(want));
    }
    assert_eq!(child.get("/self-trade-strategy", &[]).await["strategy"], "CANCEL_MAKER_ANY");
    assert_eq!(venue.client(1).get("/self-trade-strategy", &[]).await["strategy"], "REJECT_TAKER");
}

#[tokio::test]
async fn arguments_of_a_put_may_be_in_the_query() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let mut request = alice.request("PUT", "/self-trade-strategy", &[]);
    request.query = "strategy=CANCEL_MAKER_ANY".to_owned();
    request.sign();
    assert_eq!(request.json().await["strategy"], "CANCEL_MAKER_ANY");
}

#[tokio::test]
async fn a_leverage_is_set_and_shown_and_unset() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let shown = async || alice.get("/leveragepreferences", &[]).await["leveragePreferences"].clone();
    assert_eq!(shown().await, json!([]));
    for (leverage, want) in [("10", 10.0), ("2.5", 2.5), ("100", 100.0), ("1", 1.0)] {
        let answer =
            alice.put("/leveragepreferences", &[("symbol", "pf_xbtusd"), ("maxLeverage", leverage)]).await;
        assert_eq!(answer["result"], "success", "{answer}");
        assert_eq!(shown().await, json!([{"symbol": SYMBOL, "maxLeverage": want}]));
    }
    alice.put("/leveragepreferences", &[("symbol", SYMBOL), ("maxLeverage", "5")]).await;
    venue.client(1).place("lmt", "sell", "1", "50000", &[]).await;
    alice.place("lmt", "buy", "1", "50000", &[]).await;
    let position = alice.get("/openpositions", &[]).await["openPositions"][0].clone();
    assert_eq!(position["maxFixedLeverage"], json!(5), "{position}");
    // 50,000 at 5x: 10,000 are set aside, of a million less the fee of 25.
    let flex = async || alice.get("/accounts", &[]).await["accounts"]["flex"]["availableMargin"].clone();
    assert_eq!(flex().await, json!(989_975));
    assert_eq!(alice.put("/leveragepreferences", &[("symbol", SYMBOL)]).await["result"], "success");
    assert_eq!((shown().await, flex().await), (json!([]), json!(999_475)));
}

#[tokio::test]
async fn a_preference_that_cannot_be_is_refused_by_number() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let (_, poor) = venue.subaccount(0, "poor", "600").await;
    let before = venue.order("GET", "/state-hash", Value::Null).await["state_hash"].clone();
    for (symbol, leverage, want) in [
        ("PF_NOSUCHUSD", "10", (87, "CONTRACT_DOES_NOT_EXIST")),
        ("PI_XBTUSD", "10", (88, "CONTRACT_NOT_MULTI_COLLATERAL")),
        ("PI_XBTUSD", "0", (88, "CONTRACT_NOT_MULTI_COLLATERAL")),
        (SYMBOL, "0", (98, "MAX_LEVERAGE_OUT_OF_BOUNDS")),
        (SYMBOL, "0.99", (98, "MAX_LEVERAGE_OUT_OF_BOUNDS")),
        (SYMBOL, "100.01", (98, "MAX_LEVERAGE_OUT_OF_BOUNDS")),
        (SYMBOL, "2.555", (98, "MAX_LEVERAGE_OUT_OF_BOUNDS")),
        (SYMBOL, "-5", (98, "MAX_LEVERAGE_OUT_OF_BOUNDS")),
        (SYMBOL, "1e400", (98, "MAX_LEVERAGE_OUT_OF_BOUNDS")),
        (SYMBOL, "42949673.05", (98, "MAX_LEVERAGE_OUT_OF_BOUNDS")),
    ] {
        let arguments = [("symbol", symbol), ("maxLeverage", leverage)];
        let (code, message) =
            alice.request("PUT", "/leveragepreferences", &arguments).refused_preference().await;
        assert_eq!((code, message.as_str()), want, "{symbol} {leverage}");
    }
    for (arguments, want) in [
        (vec![("maxLeverage", "5")], "requiredArgumentMissing"),
        (vec![("symbol", SYMBOL), ("maxLeverage", "ten")], "invalidArgument: maxLeverage"),
        (vec![("symbol", SYMBOL), ("maxLeverage", "")], "invalidArgument: maxLeverage"),
        (vec![("symbol", "PF XBTUSD")], "invalidArgument: symbol"),
    ] {
        let error = alice.request("PUT", "/leveragepreferences", &arguments).error().await;
        assert_eq!(error.as_deref(), Some(want));
    }
    let reader = venue.reader(0).request("PUT", "/leveragepreferences", &[("symbol", SYMBOL)]).error().await;
    assert_eq!(reader.as_deref(), Some("authenticationError"));
    let after = venue.order("GET", "/state-hash", Value::Null).await["state_hash"].clone();
    assert_eq!(after, before, "a refusal changes nothing");

    // 600 carry a position of 50,000 at 1% and not at 50x, which asks 1,000; at 100x a loss of 300 liquidates it.
    venue.client(1).place("lmt", "sell", "1", "50000", &[]).await;
    assert_eq!(poor.place("lmt", "buy", "1", "50000", &[]).await["status"], "placed");
    let arguments = [("symbol", SYMBOL), ("maxLeverage", "50")];
    let (code, message) = poor.request("PUT", "/leveragepreferences", &arguments).refused_preference().await;
    assert_eq!((code, message.as_str()), (92, "INSUFFICIENT_MARGIN"));
    venue.pin(SYMBOL, "49700").await;
    let arguments = [("symbol", SYMBOL), ("maxLeverage", "100")];
    let (code, message) = poor.request("PUT", "/leveragepreferences", &arguments).refused_preference().await;
    assert_eq!((code, message.as_str()), (41, "WOULD_CAUSE_LIQUIDATION"));
}

#[tokio::test]
async fn contracts_as_an_account_sees_them() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let all = alice.get("/instruments", &[]).await["instruments"].clone();
    let own = alice.get("/trading/instruments", &[]).await["instruments"].clone();
    let symbols = |list: &Value| {
        let rows = list.as_array().expect("a list").iter();
        rows.map(|row| row["symbol"].as_str().expect("a symbol").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(symbols(&own), symbols(&all));
    for (row, public) in own.as_array().expect("a list").iter().zip(all.as_array().expect("a list")) {
        for member in ["type", "tickSize", "marginLevels", "maxPositionSize", "lastTradingTime"] {
            assert_eq!(row.get(member), public.get(member), "{member}");
        }
        assert_eq!(row["restricted"], json!(false));
    }
    let row = |symbol: &str| {
        own.as_array().expect("a list").iter().find(|row| row["symbol"] == symbol).expect("listed").clone()
    };
    assert_eq!(row(SYMBOL)["minimumTradeSize"], json!(0.0001));
    assert_eq!(row("PF_PEPEUSD")["minimumTradeSize"], json!(1000));
    let inverse = alice.get("/trading/instruments", &[("contractType", "futures_inverse")]).await;
    assert!(
        symbols(&inverse["instruments"])
            .iter()
            .all(|symbol| symbol.starts_with("PI_") || symbol.starts_with("FI_"))
    );
    let bad = alice.request("GET", "/trading/instruments", &[("contractType", "nonsense")]).error().await;
    assert_eq!(bad.as_deref(), Some("invalidArgument: contractType"));
    let mut unsigned = alice.request("GET", "/trading/instruments", &[]);
    unsigned.authent = None;
    assert_eq!(unsigned.error().await.as_deref(), Some("authenticationError"));
    venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": "post_only"})).await;
    let own = alice.get("/trading/instruments", &[]).await["instruments"].clone();
    assert_eq!(own[0]["postOnly"], json!(true), "{}", own[0]);
}

#[tokio::test]
async fn a_cap_off_the_book_is_kept_told_and_taken_back_by_the_master_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    const PATH: &str = "/rfq-assignment/max-leverage";
    let venue = Venue::lasting(folder.path()).await;
    let (alice, reader) = (venue.client(0), venue.reader(0));
    let (_, child) = venue.subaccount(0, "child", "1000").await;
    assert_eq!(alice.get(PATH, &[]).await["maxLeverage"], Value::Null);
    for (sent, told) in [("0", "0.00"), ("2.5", "2.50"), ("100", "100.00"), ("7.00", "7.00")] {
        let answer = alice.request("PUT", PATH, &[("maxLeverage", sent)]).send().await;
        let text = String::from_utf8(answer.body).expect("text");
        assert!(text.contains(&format!(r#""maxLeverage":{told},"#)), "{text}");
        let told: Value = serde_json::from_str(told).expect("a number");
        assert_eq!(reader.get(PATH, &[]).await["maxLeverage"], told);
    }
    for bad in ["-1", "100.01", "2.555", "1e400", "-1e400", "many", ""] {
        let error = alice.request("PUT", PATH, &[("maxLeverage", bad)]).error().await;
        assert_eq!(error.as_deref(), Some("invalidArgument: maxLeverage"), "{bad}");
    }
    let missing = alice.request("PUT", PATH, &[]).error().await;
    assert_eq!(missing.as_deref(), Some("requiredArgumentMissing"));
    for (client, method) in
        [(&child, "GET"), (&child, "PUT"), (&child, "DELETE"), (&reader, "PUT"), (&reader, "DELETE")]
    {
        let error = client.request(method, PATH, &[("maxLeverage", "3")]).error().await;
        assert_eq!(error.as_deref(), Some("authenticationError"), "{method}");
    }
    assert_eq!(venue.client(1).get(PATH, &[]).await["maxLeverage"], Value::Null, "another's is another's");

    // A nonce that it was set with is spent for good, like every other.
    let set = alice.request("PUT", PATH, &[("maxLeverage", "9")]).nonce(5_000_000_000_u64);
    assert_eq!(set.done().await["maxLeverage"], json!(9.0));
    venue.server.stop().await;
    let venue = Venue::lasting(folder.path()).await;
    let alice = venue.client(0);
    assert_eq!(alice.get(PATH, &[]).await["maxLeverage"], json!(9.0));
    let again = alice.request("PUT", PATH, &[("maxLeverage", "1")]).nonce(5_000_000_000_u64).error().await;
    assert_eq!(again.as_deref(), Some("nonceBelowThreshold"));
    let cleared = alice.request("DELETE", PATH, &[]).done().await;
    assert_eq!(cleared["maxLeverage"], Value::Null);
    assert_eq!(alice.get(PATH, &[]).await["maxLeverage"], Value::Null);
    venue.server.stop().await;
}
