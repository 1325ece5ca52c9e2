//! Figures that cannot be, on the roads that money goes: each is told in the words of its document, and nothing moves.

use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};

/// A venue with a position, an order, a subaccount and a program, so that there is something to move.
struct Furnished {
    venue: Venue,
    /// Of the first account.
    child: String,
    before: Value,
}

impl Furnished {
    async fn start() -> Self {
        let venue = Venue::start().await;
        let (alice, bob) = (venue.client(0), venue.client(1));
        bob.place("lmt", "sell", "1", "50000", &[]).await;
        alice.place("lmt", "buy", "1.5", "50000", &[]).await;
        let (child, _) = venue.subaccount(0, "child", "500").await;
        let program = with(&PROGRAM, "maxSize", "10");
        alice.post("/assignmentprogram/add", &program).await;
        let before = picture(&venue).await;
        Self { venue, child, before }
    }

    async fn has_not_moved(&self, why: &str) {
        assert_eq!(picture(&self.venue).await, self.before, "{why} moved something");
    }

    /// Nothing is done with any of these figures of an operator's, and the answer is this sentence, or begins with it.
    async fn refuses(&self, method: &str, path: &str, rows: &[(&str, u16, &str)]) {
        for (body, status, sentence) in rows {
            let answer = self.venue.control(method, path, body).await;
            let told = answer.json();
            let said = told["error"].as_str().unwrap_or_else(|| panic!("{path} {body}: {told}"));
            assert_eq!(answer.status, *status, "{path} {body}: {told}");
            assert!(said.starts_with(sentence), "{path} {body}: {said}");
            self.has_not_moved(&format!("{method} {path} {body}")).await;
        }
    }
}

/// Everything that there is, by its hash, and what it comes to.
async fn picture(venue: &Venue) -> Value {
    let hash = venue.order("GET", "/state-hash", Value::Null).await["state_hash"].clone();
    let accounts = [0, 1].map(|account| venue.client(account));
    let mut seen = vec![hash];
    for client in &accounts {
        seen.push(client.get("/accounts", &[]).await);
        seen.push(client.get("/rfq-assignment/max-leverage", &[]).await);
    }
    Value::Array(seen)
}

/// A program that takes everything of a contract.
const PROGRAM: [(&str, &str); 6] = [
    ("contractType", "flex"),
    ("contract", SYMBOL),
    ("acceptLong", "true"),
    ("acceptShort", "true"),
    ("timeFrame", "all"),
    ("enabled", "true"),
];

/// Arguments with one of them otherwise.
fn with<'a>(
    arguments: &[(&'static str, &'a str)],
    name: &'static str,
    value: &'a str,
) -> Vec<(&'static str, &'a str)> {
    let mut changed = arguments.to_vec();
    changed.retain(|(other, _)| *other != name);
    changed.push((name, value));
    changed
}

const NO_NUMBER: &str = "the body cannot be read: expected a decimal number of at most 38 digits";
const NO_OBJECT: &str = "the body must be a JSON object";

#[tokio::test]
async fn what_a_pool_cannot_be_set_to() {
    let furnished = Furnished::start().await;
    let out_of_range = "the amount is out of range";
    let rows = [
        (r#"{"currency": "USD", "amount": "NaN"}"#, 400, NO_NUMBER),
        (r#"{"currency": "USD", "amount": "Infinity"}"#, 400, NO_NUMBER),
        (r#"{"currency": "USD", "amount": 1e400}"#, 400, NO_NUMBER),
        (r#"{"currency": "USD", "amount": true}"#, 400, NO_NUMBER),
        (r#"{"currency": "USD", "amount": null}"#, 400, NO_NUMBER),
        (r#"{"currency": "USD", "amount": "-0.00000000001"}"#, 400, out_of_range),
        (r#"{"currency": "USD", "amount": -1}"#, 400, out_of_range),
        (r#"{"currency": "USD", "amount": "1000000000000.00000000001"}"#, 400, out_of_range),
        (r#"{"currency": "USD", "amount": "1e13"}"#, 400, out_of_range),
        (r#"{"currency": "USD", "amount": "0.000000000001"}"#, 400, "an amount has at most 11 decimals"),
        (r#"{"currency": "EUR", "amount": 1}"#, 400, "no contract settles in EUR"),
        (r#"{"currency": "ZZZ", "amount": 1}"#, 400, "no contract settles in ZZZ"),
        (r#"{"currency": "", "amount": 1}"#, 400, "a currency is a code such as USD or BTC"),
        (r#"{"currency": "U S D", "amount": 1}"#, 400, "a currency is a code such as USD or BTC"),
        (r#"{"currency": "USD"}"#, 400, "the body cannot be read: missing field `amount`"),
        (r#"{"amount": 1}"#, 400, "the body cannot be read: missing field `currency`"),
        (r#"{"currency": "USD", "amount": 1, "to": 2}"#, 400, "the body cannot be read: unknown field `to`"),
        ("[]", 400, NO_OBJECT),
        ("", 400, "the body cannot be read: missing field `currency`"),
    ];
    furnished.refuses("PUT", "/pool", &rows).await;
    assert_eq!(furnished.venue.order("GET", "/pool", Value::Null).await["pool"]["USD"], "0");
}

#[tokio::test]
async fn what_interest_cannot_be_set_to() {
    let furnished = Furnished::start().await;
    let most = "an hour's interest is at most 1% of what counts";
    let rows = [
        (r#"{"hourly_rate": "NaN"}"#, 400, NO_NUMBER),
        (r#"{"hourly_rate": 1e400}"#, 400, NO_NUMBER),
        (r#"{"hourly_rate": true}"#, 400, NO_NUMBER),
        (r#"{"hourly_rate": null}"#, 400, NO_NUMBER),
        (r#"{"hourly_rate": -0.1}"#, 400, "the rate is negative or too large"),
        (r#"{"hourly_rate": "-0.00000001"}"#, 400, "the rate is negative or too large"),
        (r#"{"hourly_rate": "0.01000001"}"#, 400, most),
        (r#"{"hourly_rate": 2}"#, 400, most),
        (r#"{"hourly_rate": "0.000000001"}"#, 400, "an hour's rate has at most 8 decimals"),
        (r#"{"rate": 0}"#, 400, "the body cannot be read: unknown field `rate`"),
        ("{}", 400, "the body cannot be read: missing field `hourly_rate`"),
        ("[0.001]", 400, NO_OBJECT),
    ];
    furnished.refuses("PUT", "/interest", &rows).await;
    let set = furnished.venue.order("GET", "/interest", Value::Null).await;
    assert_eq!(set, json!({"hourly_rate": "0"}));
}

#[tokio::test]
async fn what_smoothing_cannot_be_set_to() {
    let furnished = Furnished::start().await;
    let rows = [
        (r#"{"seconds": 31}"#, 400, "marks are smoothed over 30 seconds at most"),
        (r#"{"seconds": 255}"#, 400, "marks are smoothed over 30 seconds at most"),
        (r#"{"seconds": 256}"#, 400, "the body cannot be read: invalid value: integer `256`"),
        (r#"{"seconds": -1}"#, 400, "the body cannot be read: invalid value: integer `-1`"),
        (r#"{"seconds": 0.5}"#, 400, "the body cannot be read: invalid type: floating point `0.5`"),
        (r#"{"seconds": "30"}"#, 400, "the body cannot be read: invalid type: string"),
        (r#"{"seconds": "NaN"}"#, 400, "the body cannot be read: invalid type: string"),
        (r#"{"seconds": 1e400}"#, 400, "the body cannot be read: number out of range"),
        (r#"{"seconds": null}"#, 400, "the body cannot be read: invalid type: null"),
        (r#"{"second": 1}"#, 400, "the body cannot be read: unknown field `second`"),
        ("{}", 400, "the body cannot be read: missing field `seconds`"),
        ("[0]", 400, NO_OBJECT),
    ];
    furnished.refuses("PUT", "/smoothing", &rows).await;
    assert_eq!(furnished.venue.order("GET", "/smoothing", Value::Null).await, json!({"seconds": 30}));
}

#[tokio::test]
async fn what_prices_cannot_be_pinned_to() {
    let furnished = Furnished::start().await;
    let out_of_range = "the price is out of range";
    let nobody = "there is no such contract (GET /loligo/v1/markets lists them)";
    let rows = [
        (r#"{"index": "0"}"#, 400, out_of_range),
        (r#"{"index": "-1"}"#, 400, out_of_range),
        (r#"{"index": "1000000000.1"}"#, 400, out_of_range),
        (r#"{"mark": "0"}"#, 400, out_of_range),
        (r#"{"mark": "-0.5"}"#, 400, out_of_range),
        (r#"{"mark": "1e10"}"#, 400, out_of_range),
        // Both or none.
        (r#"{"index": "50001", "mark": "0"}"#, 400, out_of_range),
        (r#"{"index": "0", "mark": "50001"}"#, 400, out_of_range),
        (r#"{"index": "NaN"}"#, 400, NO_NUMBER),
        (r#"{"mark": "-Infinity"}"#, 400, NO_NUMBER),
        (r#"{"index": "1e400"}"#, 400, NO_NUMBER),
        (r#"{"mark": true}"#, 400, NO_NUMBER),
        (r#"{"index": "0.0000000000000000001"}"#, 400, "a price has at most 18 decimals"),
        (r#"{"index": null}"#, 400, "name an index, a mark, or both"),
        ("{}", 400, "name an index, a mark, or both"),
        (r#"{"index": "1", "last": "2"}"#, 400, "the body cannot be read: unknown field `last`"),
        ("[]", 400, NO_OBJECT),
    ];
    furnished.refuses("PUT", "/prices/PF_XBTUSD", &rows).await;
    let rows = [
        (r#"{"index": "0"}"#, 400, out_of_range),
        (r#"{"index": "-1"}"#, 400, out_of_range),
        (r#"{"index": "NaN"}"#, 400, NO_NUMBER),
        (r#"{"mark": "1.1"}"#, 400, "a pair has an index, and no mark: name an index"),
        (r#"{"index": "1.2", "mark": "1.1"}"#, 400, "a pair has an index, and no mark: name an index"),
        ("{}", 400, "a pair has an index, and no mark: name an index"),
    ];
    furnished.refuses("PUT", "/prices/EUR:USD", &rows).await;
    for path in ["/prices/ZZZ:USD", "/prices/USD:USD", "/prices/PF_NOSUCHUSD", "/prices/XBT"] {
        furnished.refuses("PUT", path, &[(r#"{"index": "2"}"#, 404, nobody)]).await;
        furnished.refuses("DELETE", path, &[("", 404, nobody)]).await;
    }
}

#[tokio::test]
async fn contracts_that_cannot_be_listed() {
    let furnished = Furnished::start().await;
    let levels = "PF_NEWUSD: instrument PF_NEWUSD: margin levels must start at 0, rise, and stay between 0 and 100%, \
                  maintenance at most initial";
    let tick = "PF_NEWUSD: instrument PF_NEWUSD: the tick size must be positive, with at most 18 decimals";
    let sizes = "PF_NEWUSD: instrument PF_NEWUSD: maximum size and impact size must be positive";
    let rates = "PF_NEWUSD: instrument PF_NEWUSD: a perpetual's funding rates are from -100% to 100% an hour";
    let no_decimal = "the body cannot be read: invalid value: string \"NaN\", expected a decimal in quotes";
    let level = |from: u64, initial: &str| json!({"from": from, "initial": initial});
    for (name, value, sentence) in [
        // Two that begin at one place, one behind a later one, a gap below the first, one that asks less.
        ("margin_levels", json!([level(0, "0.02"), level(0, "0.05")]), levels),
        ("margin_levels", json!([level(0, "0.02"), level(100, "0.05"), level(50, "0.1")]), levels),
        ("margin_levels", json!([level(10, "0.02")]), levels),
        ("margin_levels", json!([level(0, "0.05"), level(10, "0.02")]), levels),
        ("margin_levels", json!([{"from": 0, "initial": "0.02", "maintenance": "0.03"}]), levels),
        ("margin_levels", json!([level(0, "0")]), levels),
        ("margin_levels", json!([level(0, "1.01")]), levels),
        ("margin_levels", json!([]), levels),
        ("margin_levels", json!([level(0, "NaN")]), no_decimal),
        ("tick_size", json!("0"), tick),
        ("tick_size", json!(0), tick),
        ("tick_size", json!("NaN"), no_decimal),
        ("symbol", json!("PF_XBTUSD"), "instrument PF_XBTUSD is listed already"),
        ("symbol", json!("pf_xbtusd"), "instrument PF_XBTUSD is listed already"),
        ("max_position_size", json!(0), sizes),
        ("impact_mid_size", json!(0), sizes),
        ("max_relative_funding_rate", json!("1.5"), rates),
        ("min_relative_funding_rate", json!("0.1"), rates),
        ("max_relative_funding_rate", json!("NaN"), no_decimal),
        (
            "funding_rate_coefficient",
            json!(0),
            "PF_NEWUSD: instrument PF_NEWUSD: a perpetual needs a funding rate coefficient",
        ),
    ] {
        let mut contract = json!({
            "symbol": "PF_NEWUSD", "kind": "linear", "pair": "NEW:USD", "base": "NEW", "tick_size": "0.01",
            "lot_precision": 0, "max_position_size": 1000, "impact_mid_size": 10,
            "margin_levels": [{"from": 0, "initial": "0.02"}],
        });
        contract[name] = value;
        furnished.refuses("POST", "/markets", &[(&contract.to_string(), 400, sentence)]).await;
    }
}

/// One request of an account's that is answered with this word.
async fn is_told(
    furnished: &Furnished,
    client: &Client,
    asked: (&'static str, &str),
    arguments: &[(&str, &str)],
    want: &str,
) {
    let (method, path) = asked;
    let error = client.request(method, path, arguments).error().await;
    assert_eq!(error.as_deref(), Some(want), "{path} {arguments:?}");
    furnished.has_not_moved(&format!("{path} {arguments:?}")).await;
}

#[tokio::test]
async fn programs_with_one_bad_field() {
    let furnished = Furnished::start().await;
    let alice = furnished.venue.client(0);
    let many = "9".repeat(60);
    let sizes = ["", "0", "-1", "NaN", "inf", "much", "1e400", "1e30", "0.0000001", many.as_str()];
    let shares =
        ["", "NaN", "much", "10000.0001", "-10000.0001", "1e400", "-1e400", "0.00001", many.as_str()];
    for (name, values) in [
        ("contractType", &["", "spot", "NaN", "fi_zzzusd", "PF_XBTUSD", "flex "][..]),
        ("contract", &["", "PF_NOSUCHUSD", "PI_XBTUSD", "no symbol", "-1"]),
        ("baseCurrency", &["", "no currency", "-1"]),
        ("quoteCurrency", &["", "USD", "ZZZ", "no currency"]),
        ("acceptLong", &["", "maybe", "2", "NaN", "null"]),
        ("acceptShort", &["", "maybe", "2", "NaN", "null"]),
        ("enabled", &["", "maybe", "2", "NaN", "null"]),
        ("timeFrame", &["", "SOMETIMES", "0", "week days"]),
        ("maxSize", &sizes),
        ("maxPosition", &sizes),
        (
            "cashAccountOpenPositionMaxNotional",
            &["", "0", "-1", "NaN", "inf", "much", "1e400", "1e30", "0.000000000001", many.as_str()],
        ),
        ("minimumProfitabilityPerAssignmentLongBps", &shares),
        ("minimumProfitabilityPerAssignmentShortBps", &shares),
    ] {
        for value in values {
            let arguments = with(&PROGRAM, name, value);
            let want = format!("invalidArgument: {name}");
            is_told(&furnished, &alice, ("POST", "/assignmentprogram/add"), &arguments, &want).await;
        }
    }
    let held = alice.get("/assignmentprogram/current", &[]).await["participants"].clone();
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    // What another holds is nobody else's to take away.
    let id = held[0]["id"].to_string();
    let delete = ("POST", "/assignmentprogram/delete");
    is_told(&furnished, &furnished.venue.client(1), delete, &[("id", &id)], "notFound").await;
}

#[tokio::test]
async fn leverage_that_cannot_be() {
    let furnished = Furnished::start().await;
    let alice = furnished.venue.client(0);
    for leverage in ["0", "1000", "-1", "0.99", "100.01", "2.555", "1e400", "-1e400"] {
        let arguments = [("symbol", SYMBOL), ("maxLeverage", leverage)];
        let (code, word) =
            alice.request("PUT", "/leveragepreferences", &arguments).refused_preference().await;
        assert_eq!((code, &*word), (98, "MAX_LEVERAGE_OUT_OF_BOUNDS"), "{leverage}");
        furnished.has_not_moved(leverage).await;
    }
    for leverage in ["NaN", "nan", "inf", "ten", "", "10x"] {
        let arguments = [("symbol", SYMBOL), ("maxLeverage", leverage)];
        let asked = ("PUT", "/leveragepreferences");
        is_told(&furnished, &alice, asked, &arguments, "invalidArgument: maxLeverage").await;
    }
    for leverage in ["1000", "-1", "NaN", "2.555", "1e400", ""] {
        let asked = ("PUT", "/rfq-assignment/max-leverage");
        is_told(&furnished, &alice, asked, &[("maxLeverage", leverage)], "invalidArgument: maxLeverage")
            .await;
    }
    // Inverse contracts know no preference, whatever it is, and however little is said of it.
    let inverse = (88, "CONTRACT_NOT_MULTI_COLLATERAL".to_owned());
    for symbol in ["PI_XBTUSD", "pi_ethusd"] {
        for leverage in [Some("10"), Some("0"), Some("1000"), None] {
            let mut arguments = vec![("symbol", symbol)];
            arguments.extend(leverage.map(|leverage| ("maxLeverage", leverage)));
            let told = alice.request("PUT", "/leveragepreferences", &arguments).refused_preference().await;
            assert_eq!(told, inverse, "{arguments:?}");
        }
        for currency in ["USD", "EUR", "BTC", "ZZZ", ""] {
            let arguments = [("symbol", symbol), ("pnlPreference", currency)];
            let told = alice.request("PUT", "/pnlpreferences", &arguments).refused_preference().await;
            assert_eq!(told, inverse, "{arguments:?}");
        }
        furnished.has_not_moved(symbol).await;
    }
}

#[tokio::test]
async fn money_that_does_not_move() {
    let furnished = Furnished::start().await;
    let (alice, bob) = (furnished.venue.client(0), furnished.venue.client(1));
    let good = [("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1")];
    let uid = |account: usize| furnished.venue.start.accounts[account].uid.clone();
    let (own, foreign, child) = (uid(0), uid(1), furnished.child.clone());
    let nobody = "00000000-0000-4000-8000-000000000000";
    let family = [&[("fromUser", &*own), ("toUser", &*child)][..], &good].concat();
    let rows = [
        ("amount", "0", "invalidAmount"),
        ("amount", "-0", "invalidAmount"),
        ("amount", "0.00", "invalidAmount"),
        ("amount", "-1", "invalidAmount"),
        ("amount", "-0.00000000001", "invalidAmount"),
        ("amount", "0.000000000001", "invalidAmount"),
        ("amount", "1.000000000001", "invalidAmount"),
        ("amount", "1e-400", "invalidAmount"),
        ("amount", "NaN", "invalidArgument: amount"),
        ("amount", "inf", "invalidArgument: amount"),
        ("amount", "", "invalidArgument: amount"),
        ("amount", "1,000", "invalidArgument: amount"),
        ("amount", "1000000", "insufficientFunds"),
        ("amount", "1e400", "insufficientFunds"),
        ("unit", "zzz", "invalidUnit"),
        ("unit", "us d", "invalidUnit"),
        ("unit", "", "invalidUnit"),
        ("fromAccount", "fi_zzzusd", "invalidAccount"),
        ("fromAccount", "futures", "invalidAccount"),
        ("toAccount", "spot", "invalidAccount"),
        ("toAccount", "", "invalidAccount"),
    ];
    for (name, value, want) in rows {
        is_told(&furnished, &alice, ("POST", "/transfer"), &with(&good, name, value), want).await;
        is_told(&furnished, &alice, ("POST", "/transfer/subaccount"), &with(&family, name, value), want)
            .await;
    }
    // Of a family that is not the caller's nobody learns that it exists.
    for (client, from, to) in [
        (&alice, &*own, &*foreign),
        (&alice, &foreign, &own),
        (&alice, &foreign, &foreign),
        (&alice, &child, &foreign),
        (&alice, &own, nobody),
        (&alice, &own, "child"),
        (&alice, &own, ""),
        (&bob, &foreign, &child),
        (&bob, &child, &foreign),
    ] {
        let arguments = [&[("fromUser", from), ("toUser", to)][..], &good].concat();
        is_told(&furnished, client, ("POST", "/transfer/subaccount"), &arguments, "notFound").await;
    }
    let path = format!("/subaccount/{child}/trading-enabled");
    is_told(&furnished, &bob, ("PUT", &path), &[("tradingEnabled", "false")], "notFound").await;
}
