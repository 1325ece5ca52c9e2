//! Positions and wallets: the figures that are answered over http, told when they change.

use super::socket::{Socket, alert, with};
use crate::venue::{Client, SYMBOL, Venue};
use loligo_wire::decimal::Number;
use serde_json::{Value, json};

const FEEDS: [&str; 3] = ["open_positions", "balances", "account_balances_and_margins"];
const ETH: &str = "PF_ETHUSD";

/// What was told until now, by feed and number.
fn heads(told: &[Value]) -> Vec<(&str, u64)> {
    told.iter().map(|told| (told["feed"].as_str().unwrap(), told["seq"].as_u64().unwrap())).collect()
}

/// A number in units of 1e-11, exactly.
fn units(number: &Value) -> i128 {
    let text = number.to_string();
    let decimal = Number::parse(text.as_bytes()).ok().and_then(Number::decimal);
    decimal.and_then(|decimal| decimal.at_scale(11).ok()).unwrap_or_else(|| panic!("a number, not {text}"))
}

/// Whether all figures that are named are the same.
fn same(what: &str, feed: &Value, rest: &Value, names: &[(&str, &str)]) {
    for (of_feed, of_rest) in names {
        assert!(!rest[of_rest].is_null(), "{what}: {of_rest} of {rest}");
        let (told, shown) = (units(&feed[of_feed]), units(&rest[of_rest]));
        assert_eq!(told, shown, "{what}: {of_feed}\n{feed:#}\n{rest:#}");
    }
}

/// The flex wallet, as balances tell it, against `/accounts`.
async fn judge_flex(client: &Client, flex: &Value) {
    let rest = client.get("/accounts", &[]).await["accounts"]["flex"].clone();
    same(
        "flex",
        flex,
        &rest,
        &[
            ("balance_value", "balanceValue"),
            ("portfolio_value", "portfolioValue"),
            ("collateral_value", "collateralValue"),
            ("initial_margin", "initialMarginWithOrders"),
            ("initial_margin_without_orders", "initialMargin"),
            ("maintenance_margin", "maintenanceMargin"),
            ("pnl", "pnl"),
            ("total_unrealized", "totalUnrealized"),
            ("total_unrealized_as_margin", "totalUnrealizedAsMargin"),
            ("margin_equity", "marginEquity"),
            ("available_margin", "availableMargin"),
        ],
    );
    for (currency, held) in flex["currencies"].as_object().expect("currencies") {
        let shown = &rest["currencies"][currency];
        let names = [("quantity", "quantity"), ("value", "value"), ("available", "available")];
        same(currency, held, shown, &[&names[..], &[("collateral_value", "collateral")]].concat());
    }
    // Rounded one by one, they may be one apart at the last place.
    let near = |a: i128, b: i128| assert!((a - b).abs() <= 1, "{a} {b}");
    let (cross, number) = (&flex["cross"], |of: &Value, name: &str| units(&of[name]));
    near(
        number(cross, "margin_equity"),
        number(cross, "collateral_value") + number(cross, "total_unrealized_as_margin"),
    );
    near(number(cross, "available_margin"), number(cross, "margin_equity") - number(cross, "initial_margin"));
}

/// Positions, as the feed tells them, against `/openpositions`.
async fn judge_positions(client: &Client, told: &Value) {
    let rest = client.get("/openpositions", &[]).await["openPositions"].clone();
    let (told, rest) = (told["positions"].as_array().unwrap(), rest.as_array().unwrap());
    assert_eq!(told.len(), rest.len());
    for (told, rest) in told.iter().zip(rest) {
        assert_eq!(told["instrument"], rest["symbol"]);
        let sign = if rest["side"] == "long" { 1 } else { -1 };
        assert_eq!(units(&told["balance"]), sign * units(&rest["size"]));
        same("position", told, rest, &[("entry_price", "price"), ("pnl", "unrealizedPnl")]);
        assert_eq!(told.get("unrealized_funding"), rest.get("unrealizedFunding"));
        assert_eq!(told.get("max_fixed_leverage"), rest.get("maxFixedLeverage"));
    }
}

async fn open(venue: &Venue, client: &Client) -> (Socket, Value) {
    let mut socket = Socket::open(venue).await;
    let credentials = socket.credentials(client).await;
    for feed in FEEDS {
        let first = socket.join(&credentials, feed).await;
        let named = if feed == "balances" { "balances_snapshot" } else { feed };
        assert_eq!((&first["feed"], &first["seq"]), (&json!(named), &json!(0)), "{first}");
        match feed {
            "balances" => judge_flex(client, &first["flex_futures"]).await,
            "open_positions" => judge_positions(client, &first).await,
            _ => assert!(first["margin_accounts"].as_array().is_some_and(|rows| !rows.is_empty())),
        }
    }
    (socket, credentials)
}

#[tokio::test]
async fn orders_and_fills_are_told_at_once_and_prices_once_a_second() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let (mut socket, credentials) = open(&venue, &alice).await;
    assert_eq!(socket.settle().await, Vec::<Value>::new(), "nothing has changed");

    // An order that rests binds margin, and is no position.
    alice.place("lmt", "buy", "1", "49000", &[]).await;
    let told = socket.settle().await;
    assert_eq!(heads(&told), [("balances", 1), ("account_balances_and_margins", 1)]);
    assert!(told[0].get("holding").is_none() && told[0].get("futures").is_none(), "what has not changed");
    judge_flex(&alice, &told[0]["flex_futures"]).await;
    assert_eq!(told[0]["flex_futures"]["initial_margin"], 490);
    let flex = told[1]["margin_accounts"].as_array().unwrap().last().unwrap();
    assert_eq!((&flex["name"], &flex["im"], &flex["mm"]), (&json!("flex"), &json!(490), &json!(0)));

    bob.place("ioc", "sell", "0.4", "49000", &[]).await;
    let told = socket.settle().await;
    assert_eq!(heads(&told), [("open_positions", 1), ("balances", 2), ("account_balances_and_margins", 2)]);
    judge_positions(&alice, &told[0]).await;
    judge_flex(&alice, &told[1]["flex_futures"]).await;
    let position = &told[0]["positions"][0];
    assert_eq!(
        with(position, json!({"liquidation_threshold": 0, "effective_leverage": 0, "return_on_equity": 0})),
        json!({
            "instrument": SYMBOL, "balance": 0.4, "pnl": 400, "entry_price": 49_000, "mark_price": 50_000,
            "index_price": 50_000, "liquidation_threshold": 0, "effective_leverage": 0, "return_on_equity": 0,
            "unrealized_funding": 0, "initial_margin": 196, "initial_margin_with_orders": 490,
            "maintenance_margin": 100, "pnl_currency": "USD",
        })
    );
    // 400 over 196 in per cent; 20,000 over what the wallet is worth.
    assert_eq!(position["return_on_equity"], json!(204.0816));
    let equity = units(&told[1]["flex_futures"]["cross"]["margin_equity"]);
    let leverage = 20_000 * 10_000 * 10_i128.pow(11) / equity;
    assert_eq!(units(&position["effective_leverage"]), leverage * 10_i128.pow(7));
    assert_eq!(told[2]["margin_accounts"].as_array().unwrap().last().unwrap()["name"], "flex");

    // Prices move three times in a second, and that is told once.
    for price in ["50100", "50200", "50300"] {
        venue.pin(SYMBOL, price).await;
    }
    assert_eq!(socket.settle().await, Vec::<Value>::new(), "the second is not over");
    venue.advance(1_000).await;
    let told = socket.settle().await;
    // What the bitcoin of another wallet is worth has changed, too.
    let wanted =
        [("open_positions", 2), ("balances", 3), ("balances", 4), ("account_balances_and_margins", 3)];
    assert_eq!(heads(&told), wanted);
    assert_eq!(told[0]["positions"][0]["pnl"], 520);
    judge_positions(&alice, &told[0]).await;
    judge_flex(&alice, &told[2]["flex_futures"]).await;

    // What is closed disappears.
    bob.place("lmt", "buy", "0.4", "50000", &[]).await;
    alice.place("mkt", "sell", "0.4", "50000", &[]).await;
    let told = socket.settle().await;
    let positions: Vec<&Value> = told.iter().filter(|told| told["feed"] == "open_positions").collect();
    assert_eq!(positions.last().expect("it is told")["positions"], json!([]));
    // Asked for again it begins anew; left, it ends.
    let again = socket.ask(with(&credentials, json!({"event": "subscribe", "feed": "balances"}))).await;
    assert_eq!(again, alert("Already subscribed to feed, re-requesting"));
    let first = socket.hear().await;
    assert_eq!((&first["feed"], &first["seq"]), (&json!("balances_snapshot"), &json!(0)));
    for feed in FEEDS {
        socket.leave(&credentials, feed).await;
    }
    alice.place("lmt", "buy", "1", "49000", &[]).await;
    assert_eq!(socket.settle().await, Vec::<Value>::new());
}

#[tokio::test]
async fn wallets_that_change_are_told_by_themselves() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let (mut socket, _) = open(&venue, &alice).await;
    let account = &venue.start.accounts[0].uid;
    let deposit = async |wallet: &str, currency: &str, amount: &str| {
        let body = json!({"wallet": wallet, "currency": currency, "amount": amount});
        venue.order("POST", &format!("/accounts/{account}/deposit"), body).await;
    };
    venue.pin("PI_XBTUSD", "50000").await;
    socket.settle().await;
    deposit("cash", "USD", "250").await;
    let told = socket.settle().await;
    assert_eq!(told[0]["holding"], json!({"USD": 250}));
    assert_eq!(told[0]["futures"], json!({}));
    assert!(told[0].get("flex_futures").is_none(), "{}", told[0]);
    deposit("fi_xbtusd", "XBT", "0.5").await;
    let told = socket.settle().await;
    assert_eq!(
        told[0]["futures"],
        json!({"F-XBT:USD": {
            "name": "F-XBT:USD", "pair": "XBT/USD", "unit": "XBT", "portfolio_value": 1.75, "balance": 1.75,
            "maintenance_margin": 0, "initial_margin": 0, "available": 1.75, "unrealized_funding": 0, "pnl": 0,
            "cash_value": 87_500,
        }}),
        "to the 1.25 that were there"
    );
    assert_eq!(told[0]["holding"], json!({}), "what it held before is still there");
    let rows = told[1]["margin_accounts"].as_array().unwrap();
    let names: Vec<&Value> = rows.iter().map(|row| &row["name"]).collect();
    assert_eq!(
        (names[0], names[1], names[names.len() - 1]),
        (&json!("usd"), &json!("f-xbt:usd"), &json!("flex"))
    );
    // Seen whole by who comes now, and by another key of the account.
    let mut other = Socket::open(&venue).await;
    let credentials = other.credentials(&venue.reader(0)).await;
    let snapshot = other.join(&credentials, "balances").await;
    assert_eq!(snapshot["holding"], json!({"USD": 250}));
    let singles = snapshot["futures"].as_object().expect("wallets");
    let worth: i128 = singles.values().map(|wallet| units(&wallet["cash_value"])).sum();
    assert_eq!(units(&snapshot["futures_cash_value"]), worth);
    // Somebody else's money is nobody's business.
    venue.client(1).place("lmt", "buy", "1", "49000", &[]).await;
    assert_eq!(other.settle().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_isolated_position_stands_for_itself() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    alice.put("/leveragepreferences", &[("symbol", SYMBOL), ("maxLeverage", "5")]).await;
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    alice.place("ioc", "buy", "1", "50000", &[]).await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    let told = socket.join(&credentials, "open_positions").await;
    judge_positions(&alice, &told).await;
    let position = &told["positions"][0];
    assert_eq!((&position["max_fixed_leverage"], &position["initial_margin"]), (&json!(5), &json!(10_000)));
    assert_eq!(position["effective_leverage"], 5);
    // 10,000 set aside are used up at 40,000 but for the maintenance of 0.5%: 40,000 / 0.995.
    assert_eq!(position["liquidation_threshold"], 40_201);
    let snapshot = socket.join(&credentials, "balances").await;
    let isolated = &snapshot["flex_futures"]["isolated"];
    assert_eq!(isolated[SYMBOL]["initial_margin"], 10_000, "{isolated}");
    assert_eq!(snapshot["flex_futures"]["cross"]["total_position_size"], 0);
    assert_eq!(snapshot["flex_futures"]["total_position_size"], 50_000);
}

#[tokio::test]
async fn what_is_isolated_is_no_part_of_what_stands_behind_the_others() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    venue.pin(ETH, "3000").await;
    alice.put("/leveragepreferences", &[("symbol", SYMBOL), ("maxLeverage", "5")]).await;
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    alice.place("ioc", "buy", "1", "50000", &[]).await;
    for (client, side) in [(&bob, "sell"), (&alice, "buy")] {
        let order =
            [("orderType", "lmt"), ("symbol", ETH), ("side", side), ("size", "10"), ("limitPrice", "3000")];
        assert_eq!(client.post("/sendorder", &order).await["sendStatus"]["status"], "placed");
    }
    // 500 gained by the isolated one, 100 by the other.
    venue.pin(SYMBOL, "50500").await;
    venue.pin(ETH, "3010").await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    let flex = socket.join(&credentials, "balances").await["flex_futures"].clone();
    judge_flex(&alice, &flex).await;
    let cross = &flex["cross"];
    for (of, pnl, size) in [(&flex, 600, 80_600), (cross, 100, 30_100)] {
        assert_eq!((&of["pnl"], &of["total_position_size"]), (&json!(pnl), &json!(size)), "{of}");
    }
    let isolated = &flex["isolated"][SYMBOL];
    assert_eq!((&isolated["pnl"], &isolated["total_unrealized_as_margin"]), (&json!(500), &json!(500)));
    for name in ["portfolio_value", "margin_equity"] {
        assert_eq!(units(&flex[name]) - units(&cross[name]), units(&json!(500)), "{name}");
    }
    // 10,000 of the wallet are set aside.
    let behind = units(&cross["margin_equity"]) - units(&json!(10_000));
    let leverage = 30_100 * 10_000 * 10_i128.pow(11) / behind;
    assert_eq!(units(&cross["effective_leverage"]), leverage * 10_i128.pow(7));
}

#[tokio::test]
async fn a_position_tells_mark_and_index_apart_and_what_is_chosen_for_it() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    alice.place("ioc", "buy", "1", "50000", &[]).await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    let first = socket.join(&credentials, "open_positions").await;
    assert_eq!(first["positions"][0]["pnl_currency"], "USD");
    // What its owner decides is told at once, though no money has moved.
    alice.put("/pnlpreferences", &[("symbol", SYMBOL), ("pnlPreference", "EUR")]).await;
    let told = socket.settle().await;
    assert_eq!(told.last().expect("at once")["positions"][0]["pnl_currency"], "EUR");
    alice.put("/leveragepreferences", &[("symbol", SYMBOL), ("maxLeverage", "5")]).await;
    let told = socket.settle().await;
    assert_eq!(told.last().expect("at once")["positions"][0]["max_fixed_leverage"], 5);
    venue.order("PUT", &format!("/prices/{SYMBOL}"), json!({"mark": "50100"})).await;
    venue.advance(1_000).await;
    let told = socket.settle().await;
    let position = &told.last().expect("in a second")["positions"][0];
    assert_eq!((&position["mark_price"], &position["index_price"]), (&json!(50_100), &json!(50_000)));
    judge_positions(&alice, told.last().expect("told")).await;
}

/// A premium of 0.4%, so 0.05% an hour: 25 USD for the BTC that Alice has bought.
#[tokio::test]
async fn what_an_hour_books_is_told_though_no_price_moves() {
    const HOUR: u64 = 3_600_000;
    let venue = Venue::start().await;
    let (alice, bob, carol) = (venue.client(0), venue.client(1), venue.client(2));
    bob.place("lmt", "sell", "1", "50200", &[]).await;
    alice.place("lmt", "buy", "1", "50200", &[]).await;
    carol.place("lmt", "buy", "5", "50190", &[]).await;
    carol.place("lmt", "sell", "5", "50210", &[]).await;
    venue.advance(2 * HOUR - 1_000).await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    let first = socket.join(&credentials, "balances").await["flex_futures"].clone();
    venue.advance(1_000).await;
    let told = socket.settle().await;
    let flex = &told.last().expect("at the hour")["flex_futures"];
    let held = |flex: &Value| units(&flex["currencies"]["USD"]["quantity"]);
    assert_eq!(held(flex) - held(&first), -units(&json!(25)));
    judge_flex(&alice, flex).await;
}

/// A subaccount of 0.0005 BTC buys 1,000 inverse contracts at 50,000: 0.02 BTC, of which 2% must be there, and a hundredth kept.
#[tokio::test]
async fn an_inverse_wallet_tells_the_same_figures_everywhere_and_its_balance_apart_from_its_gains() {
    let venue = Venue::start().await;
    venue.pin("PI_XBTUSD", "50000").await;
    let path = format!("/accounts/{}/subaccounts", venue.start.accounts[0].uid);
    let told = venue.order("POST", &path, json!({"name": "tight", "wallets": {"fi_xbtusd": "0.0005"}})).await;
    let (tight, master) = (venue.client_of(&told), venue.client(0));
    let order = |side: &'static str, size: &'static str, price: &'static str| {
        [("orderType", "lmt"), ("symbol", "PI_XBTUSD"), ("side", side), ("size", size), ("limitPrice", price)]
    };
    venue.client(1).post("/sendorder", &order("sell", "1000", "50000")).await;
    tight.post("/sendorder", &order("buy", "1000", "50000")).await;
    // 100 more at 40,000 hold 2% of 0.0025.
    tight.post("/sendorder", &order("buy", "100", "40000")).await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&tight).await;
    let mark = async |price: &str| {
        venue.order("PUT", "/prices/PI_XBTUSD", json!({"mark": price})).await;
        tight.get("/accounts", &[]).await["accounts"]["fi_xbtusd"].clone()
    };
    // 0.02 less 1,000 / 50,100 gained, and a fee of 0.00001 paid.
    let wallet = mark("50100").await;
    let pnl = 3_992_015;
    let auxiliary = &wallet["auxiliary"];
    assert_eq!((units(&auxiliary["pnl"]), units(&auxiliary["pv"])), (pnl, 49_000_000 + pnl));
    assert_eq!(units(&auxiliary["af"]), 49_000_000 + pnl - 45_000_000);
    assert_eq!(
        (&wallet["marginRequirements"]["im"], &wallet["marginRequirements"]["tt"]),
        (&json!(0.0004), &json!(0))
    );
    assert_eq!(wallet["triggerEstimates"]["lt"], wallet["triggerEstimates"]["mm"]);
    let snapshot = socket.join(&credentials, "balances").await;
    let single = &snapshot["futures"]["F-XBT:USD"];
    assert_eq!(
        (units(&single["balance"]), units(&single["portfolio_value"])),
        (49_000_000, 49_000_000 + pnl)
    );
    assert_eq!(single["initial_margin"], 0.00045, "with what its order holds");
    // At an index of 50,000.
    assert_eq!((&single["cash_value"], &snapshot["futures_cash_value"]), (&json!(24.5), &json!(24.5)));
    assert_eq!(units(&snapshot["futures_upnl_cash_value"]), pnl * 50_000);

    // 1,000 / 49,505 is 0.000199 more than 0.02: less is left than must be there initially, and the order is gone.
    let wallet = mark("49505").await;
    assert_eq!((&wallet["auxiliary"]["af"], &wallet["balances"]["pi_xbtusd"]), (&json!(0), &json!("1000")));
    let row = master.get("/subaccounts", &[]).await["subaccounts"][0]["futuresAccounts"][0].clone();
    let missing = units(&wallet["auxiliary"]["pv"]) - 40_000_000;
    assert!(missing < 0, "{wallet}");
    assert_eq!(units(&row["availableMargin"]), missing, "a master is told what is missing");
}

/// The liquidation price that is told is the one at which it happens.
#[tokio::test]
async fn a_position_is_liquidated_at_the_mark_that_was_told() {
    let venue = Venue::start().await;
    let bob = venue.client(1);
    let (_, poor) = venue.subaccount(0, "poor", "600").await;
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    poor.place("ioc", "buy", "1", "50000", &[]).await;
    bob.place("lmt", "buy", "5", "49500", &[]).await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&poor).await;
    let told = socket.join(&credentials, "open_positions").await;
    let threshold = told["positions"][0]["liquidation_threshold"].as_i64().expect("whole ticks");
    venue.pin(SYMBOL, &(threshold + 1).to_string()).await;
    assert_eq!(poor.get("/openpositions", &[]).await["openPositions"].as_array().unwrap().len(), 1);
    venue.pin(SYMBOL, &threshold.to_string()).await;
    let told = socket.settle().await;
    let last = told.last().expect("it is told at once");
    assert_ne!(last["positions"][0]["balance"], 1, "a part of it is closed, or all");
    judge_positions(&poor, last).await;
}

#[tokio::test]
async fn collateral_is_told_with_its_haircut_and_the_spread_of_its_conversion() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let (mut socket, _) = open(&venue, &alice).await;
    let path = format!("/accounts/{}/deposit", venue.start.accounts[0].uid);
    for (currency, amount) in [("eur", "1000"), ("btc", "0.5")] {
        let body = json!({"wallet": "flex", "currency": currency, "amount": amount});
        venue.order("POST", &path, body).await;
    }
    let told = socket.settle().await;
    let flex = &told.iter().rfind(|told| told["feed"] == "balances").expect("wallets")["flex_futures"];
    judge_flex(&alice, flex).await;
    let row = |currency: &str, names: [&str; 4]| names.map(|name| units(&flex["currencies"][currency][name]));
    let names = ["value", "collateral_value", "haircut", "conversion_spread"];
    // 1,100 USD at 99.95%; 25,000 at 98% of 99.5%.
    assert_eq!(row("EUR", names), [110_000_000_000_000, 109_945_000_000_000, 0, 50_000_000]);
    assert_eq!(row("XBT", names), [2_500_000_000_000_000, 2_437_750_000_000_000, 2_000_000_000, 500_000_000]);
    let margins = told.iter().rfind(|told| told["feed"] == "account_balances_and_margins").expect("margins");
    let rows = margins["margin_accounts"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["name"] == "flex").expect("the flex wallet");
    // A million USD, and these.
    assert_eq!(
        (units(&row["balance"]), units(&row["am"])),
        (102_610_000_000_000_000, 102_547_695_000_000_000)
    );
}
