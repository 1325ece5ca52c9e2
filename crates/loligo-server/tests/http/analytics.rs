//! Analytics over HTTP: what a trader's charts show beside prices. The figures are those that the trades, books and positions of a
//! test come to by hand.

use super::charts::{again, in_folder};
use crate::agreement::exact;
use crate::venue::{Answer, SYMBOL, Venue, form, send};
use loligo_wire::decimal::{Decimal, Number};
use serde_json::{Value, json};
use std::fs;
use tempfile::TempDir;
use tokio::net::TcpStream;

/// 2026-01-01T00:00:00Z, where the clock of a test begins.
const START: i64 = 1_767_225_600;

const TYPES: [&str; 16] = [
    "open-interest",
    "aggressor-differential",
    "trade-volume",
    "trade-count",
    "liquidation-volume",
    "rolling-volatility",
    "long-short-ratio",
    "long-short-info",
    "cvd",
    "top-traders",
    "orderbook",
    "spreads",
    "liquidity",
    "slippage",
    "future-basis",
    "funding",
];

async fn get(venue: &Venue, path: &str) -> Answer {
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    send(&mut stream, "GET", &format!("/api/charts/v1/analytics{path}"), &[], b"").await.expect("an answer")
}

/// The result of a good answer.
async fn result(venue: &Venue, path: &str) -> Value {
    let answer = get(venue, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    assert!(answer.head.contains("access-control-allow-origin: *"), "a page may draw it: {}", answer.head);
    let told = answer.json();
    assert_eq!(told["errors"], json!([]), "{path}");
    told["result"].clone()
}

/// What is told of [`SYMBOL`] since the start.
async fn data(venue: &Venue, kind: &str, interval: u32) -> Value {
    data_of(venue, SYMBOL, kind, interval).await
}

async fn data_of(venue: &Venue, symbol: &str, kind: &str, interval: u32) -> Value {
    let told = result(venue, &format!("/{symbol}/{kind}?since={START}&interval={interval}")).await;
    told["data"].clone()
}

/// The value of the pool by minutes.
async fn pool(venue: &Venue) -> Value {
    let told = result(venue, &format!("/liquidity-pool?since={START}&interval=60")).await;
    told["data"]["usdValue"].clone()
}

/// Which buckets a query of minutes holds, in minutes since the start, and whether there are more.
async fn minutes(venue: &Venue, kind: &str, query: &str) -> (Vec<i64>, bool) {
    let told = result(venue, &format!("/{SYMBOL}/{kind}?interval=60&{query}")).await;
    let times = told["timestamp"].as_array().expect("a list").iter();
    let minutes = times.map(|time| (time.as_i64().expect("seconds") - START) / 60).collect();
    (minutes, told["more"] == true)
}

/// One account buys from another at a price; the buyer comes when it `buys`, or else the seller.
async fn trade(venue: &Venue, (buyer, seller): (usize, usize), size: &str, price: &str, buys: bool) {
    let (rests, comes) =
        if buys { ((seller, "sell"), (buyer, "buy")) } else { ((buyer, "buy"), (seller, "sell")) };
    for ((account, side), kind) in [(rests, "lmt"), (comes, "ioc")] {
        let status = venue.client(account).place(kind, side, size, price, &[]).await;
        assert_eq!(status["status"], "placed", "{status}");
    }
}

/// Five minutes: Alice buys 0.4 in the first; in the second Bob sells Dave 0.5, in the fourth Alice sells Dave what she has. In the
/// others nothing happens.
async fn busy(venue: &Venue) {
    trade(venue, (0, 1), "0.4", "50000", true).await;
    venue.advance(90_000).await;
    trade(venue, (3, 1), "0.3", "49990", false).await;
    trade(venue, (3, 1), "0.2", "49990", false).await;
    venue.advance(110_000).await;
    trade(venue, (3, 0), "0.4", "49980", false).await;
    venue.advance(50_000).await;
}

#[tokio::test]
async fn what_takers_bought_and_sold_is_counted_by_the_minute() {
    let venue = Venue::start().await;
    busy(&venue).await;
    for (kind, by_minutes, by_five) in [
        ("trade-volume", json!(["0.4", "0.5", "0", "0.4", "0"]), json!(["1.3"])),
        ("trade-count", json!([1, 2, 0, 1, 0]), json!([4])),
        ("aggressor-differential", json!(["0.4", "-0.5", "0", "-0.4", "0"]), json!(["-0.5"])),
        ("liquidation-volume", json!(["0", "0", "0", "0", "0"]), json!(["0"])),
        (
            "cvd",
            json!({
                "buy_volume": ["0.4", "0", "0", "0", "0"],
                "sell_volume": ["0", "0.5", "0", "0.4", "0"],
                "cvd": ["0.4", "-0.1", "-0.1", "-0.5", "-0.5"],
            }),
            json!({"buy_volume": ["0.4"], "sell_volume": ["0.9"], "cvd": ["-0.5"]}),
        ),
        (
            "open-interest",
            json!([
                ["0", "0.4", "0", "0.4"],
                ["0.4", "0.9", "0.4", "0.9"],
                ["0.9", "0.9", "0.9", "0.9"],
                ["0.9", "0.9", "0.9", "0.9"],
                ["0.9", "0.9", "0.9", "0.9"],
            ]),
            json!([["0", "0.9", "0", "0.9"]]),
        ),
    ] {
        assert_eq!(data(&venue, kind, 60).await, by_minutes, "{kind}");
        for longer in [300, 86_400, 604_800] {
            let week = START - if longer == 604_800 { 3 * 86_400 } else { 0 };
            let told = result(&venue, &format!("/{SYMBOL}/{kind}?since={week}&interval={longer}")).await;
            assert_eq!(told["data"], by_five, "{kind}");
        }
    }
    // What is cumulative counts from the listing, whatever is asked.
    let later = format!("/{SYMBOL}/cvd?since={}&interval=60", START + 180);
    assert_eq!(result(&venue, &later).await["data"]["cvd"], json!(["-0.5", "-0.5"]));
    assert_eq!(
        data_of(&venue, "PI_XBTUSD", "trade-count", 60).await,
        json!([0, 0, 0, 0, 0]),
        "another market"
    );
}

#[tokio::test]
async fn holders_are_counted_by_their_side_and_the_largest_fifth_of_them_by_itself() {
    let venue = Venue::start().await;
    assert_eq!(
        data(&venue, "long-short-info", 60).await,
        json!({
            "openInterest": ["0"], "longCount": [0], "shortCount": [0], "longPercent": [null], "shortPercent": [null],
            "ratio": [null],
        })
    );
    // Bob is short of 1.5; long are Alice of 0.1, Carol of 0.2, Dave of 0.3, Erin of 0.4 and Frank of 0.5.
    for (buyer, size) in [(0, "0.1"), (2, "0.2"), (3, "0.3"), (4, "0.4"), (5, "0.5")] {
        trade(&venue, (buyer, 1), size, "50000", true).await;
    }
    venue.advance(60_000).await;
    // Alice turns: she sells 0.2 to Frank.
    trade(&venue, (5, 0), "0.2", "50000", true).await;
    assert_eq!(
        data(&venue, "long-short-info", 60).await,
        json!({
            "openInterest": ["1.5", "1.6"], "longCount": [5, 4], "shortCount": [1, 2],
            "longPercent": ["83.3333", "66.6667"], "shortPercent": ["16.6667", "33.3333"], "ratio": ["5", "2"],
        })
    );
    assert_eq!(data(&venue, "long-short-ratio", 60).await, json!(["5", "2"]));
    // Two of six are a fifth, rounded up: Bob and Frank.
    assert_eq!(
        data(&venue, "top-traders", 60).await,
        json!({"top20Percent": {
            "openInterest": ["2", "2.2"], "longCount": [1, 1], "shortCount": [1, 1], "longPercent": ["50", "50"],
            "shortPercent": ["50", "50"], "ratio": ["1", "1"],
        }})
    );
}

#[tokio::test]
async fn the_book_is_told_as_it_was_at_the_end_of_a_bucket() {
    let venue = Venue::start().await;
    let bob = venue.client(1);
    for (side, size, price) in [
        ("sell", "0.01", "50000"),
        ("sell", "0.03", "50100"),
        ("sell", "1", "51000"),
        ("sell", "10", "75000"),
        ("buy", "0.1", "49900"),
        ("buy", "2", "49000"),
    ] {
        assert_eq!(bob.place("lmt", side, size, price, &[]).await["status"], "placed", "{size} at {price}");
    }
    venue.advance(59_999).await;
    // Still in the first minute: it ends without this level.
    venue.client(0).place("ioc", "buy", "0.01", "50000", &[]).await;
    venue.advance(61_000).await;
    bob.post("/cancelallorders", &[]).await;

    // Half, one, two and a half, five, ten and a hundred per cent from 50,100 are 50,350.5, 50,601, 51,352.5, 52,605, 55,110 and
    // 100,200; from 49,900 down they are 49,650.5, 49,401, 48,652.5 and so on.
    let ask = [
        ("best_price", json!(["50100", "50100", null])),
        ("liquidity_005", json!(["0.03", "0.03", "0"])),
        ("liquidity_01", json!(["0.03", "0.03", "0"])),
        ("liquidity_025", json!(["1.03", "1.03", "0"])),
        ("liquidity_05", json!(["1.03", "1.03", "0"])),
        ("liquidity_10", json!(["1.03", "1.03", "0"])),
        ("liquidity_100", json!(["11.03", "11.03", "0"])),
        // An order worth so much takes level after level, of the last one a part; its price is that value over its size.
        ("slippage_1k", json!(["50100", "50100", null])),
        ("slippage_10k", json!(["50862.67078887", "50862.67078887", null])),
        ("slippage_100k", json!(["60121.686293057", "60121.686293057", null])),
        ("slippage_1m", json!([null, null, null])),
    ];
    let bid = [
        ("best_price", json!(["49900", "49900", null])),
        ("liquidity_005", json!(["0.1", "0.1", "0"])),
        ("liquidity_01", json!(["0.1", "0.1", "0"])),
        ("liquidity_025", json!(["2.1", "2.1", "0"])),
        ("liquidity_05", json!(["2.1", "2.1", "0"])),
        ("liquidity_10", json!(["2.1", "2.1", "0"])),
        ("liquidity_100", json!(["2.1", "2.1", "0"])),
        ("slippage_1k", json!(["49900", "49900", null])),
        ("slippage_10k", json!(["49445.005045409", "49445.005045409", null])),
        ("slippage_100k", json!(["49044.139725753", "49044.139725753", null])),
        ("slippage_1m", json!([null, null, null])),
    ];
    let whole = data(&venue, "orderbook", 60).await;
    let camel = |name: &str| {
        let mut words = name.split('_');
        let first = words.next().expect("a word").to_owned();
        words.fold(first, |name, word| match word.as_bytes()[0] {
            b'0'..=b'9' => name + word,
            _ => name + &word[..1].to_uppercase() + &word[1..],
        })
    };
    for (side, wanted) in [("ask", &ask), ("bid", &bid)] {
        let mut told = serde_json::Map::new();
        for kind in ["spreads", "liquidity", "slippage"] {
            let part = data(&venue, kind, 60).await[side].as_object().expect("members").clone();
            told.extend(part);
        }
        assert_eq!(told.len(), 11, "{told:?}");
        for (name, wanted) in wanted {
            assert_eq!(whole[side][camel(name)], told[*name], "{side} {name}");
            assert_eq!(&told[*name], wanted, "{side} {name}");
        }
        assert_eq!(whole[side].as_object().map(serde_json::Map::len), Some(11));
    }
}

#[tokio::test]
async fn a_contract_of_one_usd_is_filled_at_its_harmonic_mean() {
    let venue = Venue::start().await;
    let bob = venue.client(1);
    // The third of each side is half a per cent from the best price, the fourth a tick further.
    for (side, size, price) in [
        ("sell", "600", "50000"),
        ("sell", "4000", "50100"),
        ("sell", "7", "50250"),
        ("sell", "9", "50250.5"),
        ("buy", "50", "49000"),
        ("buy", "5", "48900"),
        ("buy", "3", "48755"),
        ("buy", "2", "48754.5"),
    ] {
        let order = [
            ("orderType", "lmt"),
            ("symbol", "PI_XBTUSD"),
            ("side", side),
            ("size", size),
            ("limitPrice", price),
        ];
        assert_eq!(bob.post("/sendorder", &order).await["sendStatus"]["status"], "placed");
    }
    // 600 at 50,000 and 400 at 50,100 are 0.012 and 0.00798403... of a BTC.
    let told = data_of(&venue, "PI_XBTUSD", "slippage", 60).await;
    assert_eq!(told["ask"]["slippage_1k"], json!(["50039.952057531"]));
    assert_eq!(told["ask"]["slippage_10k"], json!([null]));
    let near = data_of(&venue, "PI_XBTUSD", "liquidity", 60).await;
    for (side, half, one) in [("ask", "4607", "4616"), ("bid", "58", "60")] {
        let told = (&near[side]["liquidity_005"], &near[side]["liquidity_01"]);
        assert_eq!(told, (&json!([half]), &json!([one])), "{side}: a bound is counted in");
    }
}

#[tokio::test]
async fn the_basis_is_how_far_the_mark_is_from_the_index() {
    let venue = Venue::start().await;
    venue.advance(30_000).await;
    venue.order("PUT", &format!("/prices/{SYMBOL}"), json!({"index": "50000", "mark": "50010.5"})).await;
    venue.advance(60_000).await;
    venue.order("PUT", &format!("/prices/{SYMBOL}"), json!({"index": "50020", "mark": "50010.25"})).await;
    venue.advance(60_000).await;
    assert_eq!(data(&venue, "future-basis", 60).await, json!({"basis": ["10.5", "-9.75", "-9.75"]}));
    assert_eq!(data(&venue, "future-basis", 300).await, json!({"basis": ["-9.75"]}));
}

#[tokio::test]
async fn volatility_is_that_of_the_mark_and_begins_one_bucket_early() {
    let venue = Venue::start().await;
    // Up a tenth, down a tenth, and still.
    for price in ["55000", "49500", "49500"] {
        venue.advance(60_000).await;
        venue.pin(SYMBOL, price).await;
    }
    // Returns of 0.1, -0.1 and 0: a mean of nothing, and a deviation of the root of 0.02/3.
    assert_eq!(data(&venue, "rolling-volatility", 60).await, json!([null, null, "0.1", "0.081649658092"]));
    assert_eq!(minutes(&venue, "rolling-volatility", &format!("since={START}")).await.0, [0, 1, 2, 3]);
    assert_eq!(minutes(&venue, "rolling-volatility", &format!("since={}", START + 120)).await.0, [1, 2, 3]);
    assert_eq!(minutes(&venue, "trade-volume", &format!("since={}", START + 120)).await.0, [2, 3]);
}

fn decimal(text: &str) -> Option<Decimal> {
    Number::parse(text.as_bytes()).ok().and_then(Number::decimal)
}

#[tokio::test]
async fn funding_is_told_by_the_hour_in_milliseconds() {
    let venue = Venue::start().await;
    // Quoted 0.4% above the index: 0.05% an hour.
    let carol = venue.client(2);
    carol.place("lmt", "buy", "5", "50190", &[]).await;
    carol.place("lmt", "sell", "5", "50210", &[]).await;
    venue.advance(3_600_000).await;
    carol.post("/cancelallorders", &[]).await;
    venue.advance(3_600_000).await;
    let path = format!("/{SYMBOL}/funding?since={START}&interval=3600");
    let told = result(&venue, &path).await;
    let hours: Vec<i64> = (0..3).map(|hour| (START + hour * 3_600) * 1_000).collect();
    assert_eq!(told["timestamp"], json!(hours));
    assert_eq!(told["data"]["rate"][0], json!([null, null, null, null]), "nothing was fixed before");
    assert_eq!(told["data"]["rate"][1], json!(["25", "25", "25", "25"]));
    assert_eq!(told["data"]["relativeRate"][1], json!(["0.0005", "0.0005", "0.0005", "0.0005"]));
    // What was fixed is what was paid.
    let rates = carol.get("/historical-funding-rates", &[("symbol", SYMBOL)]).await["rates"].clone();
    for (row, hour) in rates.as_array().expect("rates").iter().zip(1..) {
        for (name, member) in [("fundingRate", "rate"), ("relativeFundingRate", "relativeRate")] {
            let value = told["data"][member][hour][0].as_str().expect("a rate");
            assert_eq!(decimal(&row[name].to_string()), decimal(value), "{name} of hour {hour}");
        }
    }
    let day = result(&venue, &format!("/{SYMBOL}/funding?since={START}&interval=86400")).await;
    let rate = &day["data"]["rate"][0];
    assert_eq!((&rate[0], &rate[1]), (&json!("25"), &json!("25")), "from the first that there was");
    let dated = data_of(&venue, "FF_XBTUSD_260130", "funding", 3_600).await;
    assert_eq!(dated["rate"][2], json!([null, null, null, null]), "a dated contract has none");
}

#[tokio::test]
async fn liquidations_and_the_pool_that_they_pay_into_are_told() {
    let venue = Venue::start().await;
    let (_, poor) = venue.subaccount(0, "poor", "1500").await;
    venue.client(1).place("lmt", "sell", "1", "50010", &[]).await;
    poor.place("ioc", "buy", "1", "50010", &[]).await;
    venue.client(1).place("lmt", "buy", "1", "49990", &[]).await;
    assert_eq!(pool(&venue).await, json!(["0"]));
    venue.advance(60_000).await;
    // A tenth of the position goes on the book.
    venue.pin(SYMBOL, "48700").await;
    assert_eq!(data(&venue, "liquidation-volume", 60).await, json!(["0", "0.1"]));
    assert_eq!(data(&venue, "trade-volume", 60).await, json!(["1", "0.1"]), "it is a trade, too");
    assert_eq!(pool(&venue).await, json!(["0", "12.4975"]));
    // The rest goes without it: no trade, and a liquidation all the same.
    venue.client(1).post("/cancelallorders", &[]).await;
    venue.advance(60_000).await;
    venue.pin(SYMBOL, "47000").await;
    venue.advance(60_000).await;
    let forced = data(&venue, "liquidation-volume", 60).await;
    assert_eq!((&forced[0], &forced[1], &forced[2]), (&json!("0"), &json!("0.1"), &json!("0.9")));
    assert_eq!(data(&venue, "trade-volume", 60).await[2], "0");
    assert_eq!(data(&venue, "open-interest", 60).await[3][3], "0");

    // All of it is worth what the operator sees: USD as they are, and bitcoin at the index.
    venue.order("PUT", "/pool", json!({"currency": "BTC", "amount": "0.5"})).await;
    let held = venue.order("GET", "/pool", Value::Null).await["pool"].clone();
    let usd = exact(&held["USD"]);
    for (index, worth) in [("47000", 23_500), ("48000", 24_000)] {
        venue.pin(SYMBOL, index).await;
        let told = pool(&venue).await;
        let newest = told.as_array().and_then(|told| told.last()).expect("a value");
        assert_eq!(exact(newest), usd + worth * 100_000_000_000, "{held}");
    }
}

#[tokio::test]
async fn a_range_begins_at_its_first_whole_bucket_and_ends_with_the_one_that_is_forming() {
    let venue = Venue::start().await;
    busy(&venue).await;
    let all = vec![0, 1, 2, 3, 4];
    let at = |seconds: i64| START + seconds;
    for (query, wanted) in [
        (format!("since={START}"), all.clone()),
        (format!("since={}", at(1)), vec![1, 2, 3, 4]),
        (format!("since={}", at(60)), vec![1, 2, 3, 4]),
        (format!("since={}", at(240)), vec![4]),
        (format!("since={}", at(241)), vec![]),
        (format!("since={}&to={}", at(60), at(60)), vec![1]),
        (format!("since={}&to={}", at(60), at(179)), vec![1, 2]),
        (format!("since={}&to={}", at(120), at(60)), vec![]),
        (format!("since={START}&to={}", at(86_400)), all.clone()),
        ("since=0".to_owned(), all.clone()),
        ("since=-1".to_owned(), all.clone()),
        ("since=-9223372036854775808&to=9223372036854775807".to_owned(), all.clone()),
        ("since=9223372036854775807".to_owned(), vec![]),
        ("since=0&to=-1".to_owned(), vec![]),
        (format!("since={START}&to="), all.clone()),
    ] {
        for kind in ["trade-volume", "spreads"] {
            assert_eq!(minutes(&venue, kind, &query).await, (wanted.clone(), false), "{kind} {query}");
        }
    }
    // Weeks begin on Monday: the first of January 2026 was a Thursday.
    let week = result(&venue, &format!("/{SYMBOL}/trade-count?since=0&interval=604800")).await;
    assert_eq!(week["timestamp"], json!([START - 3 * 86_400]));
    assert_eq!(week["data"], json!([4]));
}

#[tokio::test]
async fn a_long_range_is_read_page_by_page_without_a_hole() {
    let venue = Venue::start().await;
    trade(&venue, (0, 1), "0.1", "50000", true).await;
    for hours in [20, 40] {
        venue.advance(hours * 3_600_000).await;
        trade(&venue, (0, 1), "0.1", "50001", true).await;
    }
    let (mut since, mut seen, mut pages) = (START, Vec::new(), 0);
    loop {
        let (page, more) = minutes(&venue, "trade-count", &format!("since={since}")).await;
        assert!(page.len() <= 2_000);
        seen.extend(page);
        pages += 1;
        if !more {
            break;
        }
        since = START + (seen.last().expect("some") + 1) * 60;
    }
    assert_eq!(seen, (0..=3_600).collect::<Vec<_>>());
    assert_eq!(pages, 2);
    // With the bucket before it, a page is as long as any other.
    let (page, more) = minutes(&venue, "rolling-volatility", &format!("since={}", START + 600)).await;
    assert_eq!((page.len(), page[0], more), (2_000, 9, true));
}

#[tokio::test]
async fn what_is_not_there_has_no_buckets() {
    let venue = Venue::start().await;
    busy(&venue).await;
    for kind in TYPES {
        let told = result(&venue, &format!("/PF_NOPEUSD/{kind}?since={START}&interval=60")).await;
        assert_eq!((&told["timestamp"], &told["more"]), (&json!([]), &json!(false)), "{kind}");
        // Of the same shape as any other.
        let full = data(&venue, kind, 60).await;
        assert_eq!(names(&told["data"]), names(&full), "{kind}");
        // The symbol may be in any case, as elsewhere.
        assert_eq!(data_of(&venue, "pf_xbtusd", kind, 60).await, full, "{kind}");
    }
    // A contract that is listed later has none from before; one that is over has none from after.
    venue.advance(20 * 24 * 3_600_000).await;
    let days = async |symbol: &str| {
        let told = result(&venue, &format!("/{symbol}/spreads?since={START}&interval=86400")).await;
        told["timestamp"].as_array().expect("a list").iter().map(Value::as_i64).collect::<Vec<_>>()
    };
    assert_eq!(days("FF_XBTUSD_260130").await.len(), 21);
    venue.advance(20 * 24 * 3_600_000).await;
    assert_eq!(days("FF_XBTUSD_260130").await.len(), 30, "from the first to the thirtieth");
    let rolled = days("FF_XBTUSD_260227").await;
    assert_eq!((rolled.len(), rolled[0]), (12, Some(START + 29 * 86_400)), "from the thirtieth of January");
    let told =
        result(&venue, &format!("/FF_XBTUSD_260130/open-interest?since={START}&interval=604800")).await;
    assert_eq!(told["data"].as_array().map(Vec::len), Some(4), "weeks that began since");
}

/// The names of members, through and through.
fn names(data: &Value) -> Value {
    match data {
        Value::Object(members) => members.iter().map(|(name, data)| (name.clone(), names(data))).collect(),
        _ => Value::Null,
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name() {
    let venue = Venue::start().await;
    for (path, status, kind, fields) in [
        ("/PF_XBTUSD/trade-volume?since=1&interval=1", 400, "Invalid arguments", json!(["interval"])),
        ("/PF_XBTUSD/trade-volume?since=1&interval=7200", 400, "Invalid arguments", json!(["interval"])),
        ("/PF_XBTUSD/trade-volume?since=1&interval=1m", 400, "Invalid arguments", json!(["interval"])),
        ("/PF_XBTUSD/trade-volume?since=1", 400, "Invalid arguments", json!(["interval"])),
        ("/PF_XBTUSD/trade-volume?interval=60", 400, "Invalid arguments", json!(["since"])),
        ("/PF_XBTUSD/trade-volume", 400, "Invalid arguments", json!(["since", "interval"])),
        ("/PF_XBTUSD/trade-volume?since=soon&interval=60", 400, "Invalid arguments", json!(["since"])),
        ("/PF_XBTUSD/trade-volume?since=1&since=2&interval=60", 400, "Invalid arguments", json!(["since"])),
        ("/PF_XBTUSD/trade-volume?since=1&interval=60&to=x", 400, "Invalid arguments", json!(["to"])),
        ("/PF_XBTUSD/trade-volume?since=1e30&interval=60", 400, "Invalid arguments", json!(["since"])),
        ("/PF_NOPEUSD/trade-volume?since=1&interval=61", 400, "Invalid arguments", json!(["interval"])),
        (
            "/liquidity-pool?since=x&interval=0&to=%zz",
            400,
            "Invalid arguments",
            json!(["since", "interval", "to"]),
        ),
        ("/PF_XBTUSD/volume?since=1&interval=60", 404, "Unknown method", json!([null])),
        ("/PF_XBTUSD/Trade-Volume", 404, "Unknown method", json!([null])),
        ("/PF_NOPEUSD/x", 404, "Unknown method", json!([null])),
    ] {
        let answer = get(&venue, path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        let told = answer.json();
        let errors: Vec<Value> = fields
            .as_array()
            .expect("fields")
            .iter()
            .map(|field| {
                json!({
                    "severity": "E", "error_class": "General", "type": kind, "msg": null, "value": null, "field": field,
                })
            })
            .collect();
        assert_eq!(told, json!({"result": null, "errors": errors}), "{path}");
        assert!(answer.head.contains("access-control-allow-origin: *"), "{}", answer.head);
    }
    // One more than are read.
    let many = form(&[("x", "1"); 2_048]);
    let answer = get(&venue, &format!("/liquidity-pool?{many}")).await;
    let error = json!({
        "severity": "E", "error_class": "General", "type": "Invalid arguments", "msg": null, "value": null, "field": null,
    });
    assert_eq!((answer.status, answer.json()), (400, json!({"result": null, "errors": [error]})));
}

/// The bytes of every type at some lengths, of two contracts, and of the pool.
async fn everything(venue: &Venue) -> Vec<(String, String)> {
    let mut paths = vec![format!("/liquidity-pool?since={START}&interval=60")];
    for (symbol, interval) in [(SYMBOL, 60), (SYMBOL, 900), (SYMBOL, 86_400), ("PI_XBTUSD", 300)] {
        paths.extend(TYPES.map(|kind| format!("/{symbol}/{kind}?since={START}&interval={interval}")));
    }
    let mut all = Vec::new();
    for path in paths {
        let body = String::from_utf8(get(venue, &path).await.body).expect("text");
        all.push((path, body));
    }
    all
}

#[tokio::test]
async fn analytics_outlive_a_restart_and_are_made_again_from_the_journal_alone() {
    let folder = TempDir::new().expect("a folder");
    let venue = Venue::with(in_folder(&folder, None)).await;
    busy(&venue).await;
    venue.client(4).place("lmt", "buy", "3", "49000", &[]).await;
    let before = everything(&venue).await;
    venue.server.stop().await;

    let venue = again(in_folder(&folder, None)).await;
    assert_eq!(everything(&venue).await, before);
    venue.server.stop().await;

    // A folder of the time before there were any has no file of them. The journal is the truth.
    for name in ["analytics.db", "analytics.db-wal", "analytics.db-shm"] {
        let _ = fs::remove_file(folder.path().join(name));
    }
    let venue = again(in_folder(&folder, None)).await;
    assert_eq!(everything(&venue).await, before);
    // What stood is known: an order that stood since before is taken now.
    venue.client(1).place("ioc", "sell", "1", "49000", &[]).await;
    assert_eq!(data(&venue, "trade-volume", 60).await[4], "1");
    assert_eq!(data(&venue, "liquidity", 60).await["bid"]["liquidity_005"][4], "2");
    assert_eq!(data(&venue, "open-interest", 60).await[4][3], "1.9");
}

#[tokio::test]
async fn analytics_go_back_with_the_venue() {
    let folder = TempDir::new().expect("a folder");
    let venue = Venue::with(in_folder(&folder, None)).await;
    trade(&venue, (0, 1), "0.2", "49990", true).await;
    venue.advance(24 * 3_600_000).await;
    busy(&venue).await;
    let before = everything(&venue).await;
    let last = venue.order("GET", "/health", Value::Null).await["sequence"].as_u64().expect("a number");
    trade(&venue, (2, 1), "0.3", "50040", true).await;
    venue.advance(2 * 24 * 3_600_000).await;
    trade(&venue, (2, 1), "0.1", "50050", true).await;
    assert_ne!(everything(&venue).await, before);
    venue.server.stop().await;

    let venue = again(in_folder(&folder, Some(last + 1))).await;
    assert_eq!(everything(&venue).await, before);
    let at = |told: &Value| told.as_array().expect("a list").last().cloned();
    assert_eq!(at(&data(&venue, "trade-count", 86_400).await), Some(json!(4)));
    trade(&venue, (3, 1), "0.1", "50001", true).await;
    assert_eq!(at(&data(&venue, "trade-count", 86_400).await), Some(json!(5)));
    let interest = at(&data(&venue, "open-interest", 86_400).await).expect("a row");
    assert_eq!(interest[3], "1.2", "of positions as they were then");
}

/// The text of one answer, to the byte.
#[tokio::test]
async fn an_answer_looks_like_this() {
    let venue = Venue::start().await;
    busy(&venue).await;
    let text = async |path: &str| String::from_utf8(get(&venue, path).await.body).expect("text");
    assert_eq!(
        text(&format!("/{SYMBOL}/cvd?since={START}&interval=60&to={}", START + 60)).await,
        r#"{"result":{"timestamp":[1767225600,1767225660],"more":false,"data":{"buy_volume":["0.4","0"],"sell_volume":["0","0.5"],"cvd":["0.4","-0.1"]}},"errors":[]}"#
    );
    assert_eq!(
        text(&format!("/liquidity-pool?since={START}&interval=604800")).await,
        r#"{"result":{"timestamp":[],"more":false,"data":{"usdValue":[]}},"errors":[]}"#,
        "its week began before"
    );
    assert_eq!(
        text("/PF_XBTUSD/cvd?since=0&interval=59").await,
        r#"{"result":null,"errors":[{"severity":"E","error_class":"General","type":"Invalid arguments","msg":null,"value":null,"field":"interval"}]}"#
    );
}
