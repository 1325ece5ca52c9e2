//! Money between wallets and accounts, and out of the exchange: what arrives, what is refused, and that none is lost.

use crate::venue::{Client, Venue};
use serde_json::{Value, json};

/// Each account begins with 1,000,000 USD in flex and the worth of a tenth of it in each inverse wallet: 1.25 XBT.
const XBT: &str = "1.25";

fn movement<'a>(from: &'a str, to: &'a str, unit: &'a str, amount: &'a str) -> [(&'static str, &'a str); 4] {
    [("fromAccount", from), ("toAccount", to), ("unit", unit), ("amount", amount)]
}

/// What an account holds of a currency in cash, in flex, and in its wallet of XBT contracts.
async fn held(client: &Client, unit: &str) -> (String, String, String) {
    let accounts = client.get("/accounts", &[]).await["accounts"].clone();
    let text = |value: &Value| match value {
        Value::Null => "0".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let cash = text(&accounts["cash"]["balances"][unit]);
    let flex = text(&accounts["flex"]["currencies"][unit.to_uppercase()]["quantity"]);
    (cash, flex, text(&accounts["fi_xbtusd"]["balances"][unit]))
}

#[tokio::test]
async fn money_arrives_where_it_is_sent() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let (usd, xbt) = (venue.deposited("USD").await, venue.deposited("BTC").await);
    for (from, to, unit, amount, want) in [
        ("flex", "cash", "usd", "1000.5", ("1000.5", "998999.5", "0")),
        ("CASH", "Flex", "USD", "0.5", ("1000", "999000", "0")),
        ("cash", "cash", "usd", "1000", ("1000", "999000", "0")),
        ("flex", "cash", "usd", "0.0000001", ("1000.0000001", "998999.9999999", "0")),
        ("fi_xbtusd", "cash", "xbt", "0.25", ("0.25", "0", "1")),
        ("cash", "flex", "btc", "0.2", ("0.05", "0.2", "1")),
        ("flex", "fi_xbtusd", "XBT", "2e-1", ("0.05", "0", "1.2")),
    ] {
        let answer = alice.post("/transfer", &movement(from, to, unit, amount)).await;
        assert_eq!(answer["result"], "success", "{answer}");
        let unit = if unit.eq_ignore_ascii_case("usd") { "usd" } else { "xbt" };
        let (cash, flex, inverse) = held(&alice, unit).await;
        assert_eq!(
            (cash.as_str(), flex.as_str(), inverse.as_str()),
            want,
            "{amount} {unit} from {from} to {to}"
        );
    }
    assert_eq!((venue.deposited("USD").await, venue.deposited("BTC").await), (usd, xbt));
}

#[tokio::test]
async fn a_movement_that_cannot_be_is_told_why_and_changes_nothing() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let seen = async || alice.get("/accounts", &[]).await["accounts"].clone();
    let before = seen().await;
    let many = "9".repeat(60);
    for (from, to, unit, amount, want) in [
        ("flex", "cash", "usd", "1000000000", "insufficientFunds"),
        ("flex", "cash", "usd", "1000000.00000000001", "insufficientFunds"),
        ("flex", "flex", "usd", "1000000.00000000001", "insufficientFunds"),
        ("cash", "flex", "usd", "1", "insufficientFunds"),
        ("flex", "cash", "usd", "1e13", "insufficientFunds"),
        ("flex", "cash", "usd", "1e400", "insufficientFunds"),
        ("flex", "cash", "usd", many.as_str(), "insufficientFunds"),
        ("flex", "cash", "eth", "1", "insufficientFunds"),
        ("cash", "flex", "sol", "1", "insufficientFunds"),
        ("fi_xbtusd", "cash", "xbt", "1.26", "insufficientFunds"),
        ("fi_foousd", "cash", "usd", "1", "invalidAccount"),
        ("flex", "fi_foousd", "usd", "1", "invalidAccount"),
        ("", "cash", "usd", "1", "invalidAccount"),
        ("flex", "PF_XBTUSD", "usd", "1", "invalidAccount"),
        ("flex", "cash", "usd", "0", "invalidAmount"),
        ("flex", "cash", "usd", "-1", "invalidAmount"),
        ("flex", "cash", "usd", "-1e400", "invalidAmount"),
        ("flex", "cash", "usd", "0.000000000001", "invalidAmount"),
        ("flex", "cash", "usd", "1e-400", "invalidAmount"),
        ("flex", "cash", "abc", "1", "invalidUnit"),
        ("flex", "cash", "", "1", "invalidUnit"),
        ("flex", "cash", "no such thing", "1", "invalidUnit"),
        ("flex", "fi_xbtusd", "usd", "1", "invalidUnit"),
        ("fi_xbtusd", "cash", "usd", "1", "invalidUnit"),
        ("cash", "flex", "doge", "1", "invalidUnit"),
        // The first thing wrong is the one told.
        ("margin_wallet", "cash", "abc", "-1", "invalidAccount"),
        ("flex", "cash", "abc d", "-1", "invalidUnit"),
        ("flex", "cash", "abc", "-1", "invalidUnit"),
        ("fi_xbtusd", "cash", "eth", "-1", "invalidUnit"),
        ("fi_xbtusd", "cash", "eth", "1e13", "invalidUnit"),
        ("cash", "fi_xbtusd", "eth", "-1", "invalidUnit"),
        ("flex", "cash", "usd", "much", "invalidArgument: amount"),
        ("flex", "cash", "usd", "NaN", "invalidArgument: amount"),
        ("flex", "cash", "usd", "", "invalidArgument: amount"),
    ] {
        let error = alice.request("POST", "/transfer", &movement(from, to, unit, amount)).error().await;
        assert_eq!(error.as_deref(), Some(want), "{amount} {unit} from {from} to {to}");
    }
    let whole = movement("flex", "cash", "usd", "1");
    for left_out in 0..whole.len() {
        let mut arguments = whole.to_vec();
        arguments.remove(left_out);
        let mut request = alice.request("POST", "/transfer", &arguments);
        request.authent = None;
        assert_eq!(request.error().await.as_deref(), Some("requiredArgumentMissing"));
    }
    let reader = venue.reader(0).request("POST", "/transfer", &whole).error().await;
    assert_eq!(reader.as_deref(), Some("authenticationError"));
    assert_eq!(seen().await, before);
}

#[tokio::test]
async fn what_margin_holds_does_not_leave() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    // 100 at 50,000 and levels of 1%, 2% and 4%: 10,000 + 40,000 + 80,000 of initial margin.
    alice.place("lmt", "buy", "100", "50000", &[]).await;
    let margin = async || alice.get("/accounts", &[]).await["accounts"]["flex"]["availableMargin"].clone();
    assert_eq!(margin().await, json!(870_000));
    let out = async |amount: &str| {
        alice.request("POST", "/transfer", &movement("flex", "cash", "usd", amount)).error().await
    };
    assert_eq!(out("870000.00000000001").await.as_deref(), Some("insufficientFunds"));
    assert_eq!(out("870000").await, None);
    assert_eq!(margin().await, json!(0));
    assert_eq!(out("0.00000000001").await.as_deref(), Some("insufficientFunds"));
    alice.post("/cancelallorders", &[]).await;
    assert_eq!(out("130000").await, None, "what no order holds any more is free");
}

#[tokio::test]
async fn a_family_moves_money_as_its_master_says() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let master = venue.start.accounts[0].uid.clone();
    let stranger = venue.start.accounts[1].uid.clone();
    let (one, one_s) = venue.subaccount(0, "alice's first", "500").await;
    let (two, two_s) = venue.subaccount(0, "alice's second", "500").await;
    let (one, two) = (one.as_str(), two.as_str());
    let usd = venue.deposited("USD").await;
    let move_it = async |client: &Client, from: &str, to: &str, amount: &str| {
        let users = [("fromUser", from), ("toUser", to)];
        let arguments = [&users[..], &movement("flex", "flex", "usd", amount)].concat();
        client.request("POST", "/transfer/subaccount", &arguments).error().await
    };
    let nobody = "00000000-0000-4000-8000-000000000000";
    let master = master.as_str();
    for (client, from, to, amount, want) in [
        (&alice, master, one, "1000", None),
        (&alice, one, two, "100", None),
        (&alice, two, master, "600", None),
        (&one_s, one, master, "400", None),
        (&one_s, one, one, "1", None),
        (&two_s, two, master, "0.00000000001", Some("insufficientFunds")),
        (&one_s, one, two, "1", Some("authenticationError")),
        (&one_s, two, one, "1", Some("authenticationError")),
        (&one_s, master, one, "1", Some("authenticationError")),
        (&alice, master, &stranger, "1", Some("notFound")),
        (&alice, &stranger, master, "1", Some("notFound")),
        (&alice, &stranger, &stranger, "1", Some("notFound")),
        (&one_s, one, &stranger, "1", Some("notFound")),
        (&alice, nobody, one, "1", Some("notFound")),
        (&alice, master, "somebody", "1", Some("notFound")),
        (&alice, master, one, "-1", Some("invalidAmount")),
    ] {
        assert_eq!(move_it(client, from, to, amount).await.as_deref(), want, "{amount} from {from} to {to}");
    }
    let flex = async |client: &Client| held(client, "usd").await.1;
    let all = (flex(&alice).await, flex(&one_s).await, flex(&two_s).await);
    assert_eq!(all, ("1000000".to_owned(), "1000".to_owned(), "0".to_owned()));
    assert_eq!(venue.deposited("USD").await, usd);

    // Between other wallets, too: what arrives opens the wallet it arrives in.
    let users = [("fromUser", master), ("toUser", two)];
    let arguments = [&users[..], &movement("fi_xbtusd", "cash", "xbt", XBT)].concat();
    assert_eq!(alice.post("/transfer/subaccount", &arguments).await["result"], "success");
    assert_eq!(held(&two_s, "xbt").await.0, XBT);
}

#[tokio::test]
async fn a_withdrawal_leaves_the_exchange() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let uid = venue.start.accounts[0].uid.clone();
    let rights = json!({"general": "none", "withdrawal": "full"});
    let key = venue.order("POST", &format!("/accounts/{uid}/keys"), rights).await;
    let teller = venue.client_of(&key);
    let usd = venue.deposited("USD").await;
    assert_eq!(usd, "10000000");
    alice.post("/transfer", &movement("flex", "cash", "usd", "1000")).await;
    let out = |currency: &'static str, amount: &'static str, source: Option<&'static str>| {
        let mut arguments = vec![("currency", currency), ("amount", amount)];
        arguments.extend(source.map(|source| ("sourceWallet", source)));
        arguments
    };
    let mut uids = Vec::new();
    for arguments in
        [out("usd", "400.25", None), out("USD", "99.75", Some("flex")), out("xbt", "1.25", Some("fi_xbtusd"))]
    {
        let answer = teller.post("/withdrawal", &arguments).await;
        assert_eq!(answer["result"], "success", "{answer}");
        uids.push(answer["uid"].as_str().expect("a uid").to_owned());
    }
    assert!(uids[0] != uids[1] && uids[1] != uids[2]);
    assert_eq!(held(&alice, "usd").await, ("599.75".into(), "998900.25".into(), "0".into()));
    assert_eq!(held(&alice, "xbt").await.2, "0");
    assert_eq!(venue.deposited("USD").await, "9999500", "the sum of what came in, less what went out");
    assert_eq!(venue.deposited("BTC").await, "11.25");

    for (arguments, want) in [
        (out("usd", "599.76", None), "insufficientFunds"),
        (out("eth", "1", None), "insufficientFunds"),
        (out("usd", "1e99", Some("flex")), "insufficientFunds"),
        (out("usd", "0", None), "invalidAmount"),
        (out("usd", "-5", None), "invalidAmount"),
        (out("usd", "0.000000000001", None), "invalidAmount"),
        (out("abc", "1", None), "invalidUnit"),
        (out("usd", "1", Some("fi_xbtusd")), "invalidUnit"),
        (out("eth", "-1", Some("fi_xbtusd")), "invalidUnit"),
        (out("abc", "1e99", None), "invalidUnit"),
        (out("usd", "1", Some("margin_wallet")), "invalidAccount"),
        (out("usd", "some", None), "invalidArgument: amount"),
    ] {
        assert_eq!(teller.request("POST", "/withdrawal", &arguments).error().await.as_deref(), Some(want));
    }
    assert_eq!(venue.deposited("USD").await, "9999500");
    // The right to trade is not the right to withdraw, nor the other way round.
    let trader = alice.request("POST", "/withdrawal", &out("usd", "1", None)).error().await;
    assert_eq!(trader.as_deref(), Some("authenticationError"));
    let transfer = teller.request("POST", "/transfer", &movement("flex", "cash", "usd", "1")).error().await;
    assert_eq!(transfer.as_deref(), Some("authenticationError"));

    // The same requests come to the same uids.
    let again = Venue::start().await;
    let rights = json!({"general": "none", "withdrawal": "full"});
    let key = again.order("POST", &format!("/accounts/{uid}/keys"), rights).await;
    let teller = again.client_of(&key);
    again.client(0).post("/transfer", &movement("flex", "cash", "usd", "1000")).await;
    let answer = teller.post("/withdrawal", &out("usd", "400.25", None)).await;
    assert_eq!(answer["uid"], uids[0].as_str());
}
