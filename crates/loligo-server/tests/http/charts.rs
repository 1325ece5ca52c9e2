//! Candles over HTTP: what a trader's chart shows of what happened.

use crate::venue::{Answer, SYMBOL, Venue, send};
use loligo_server::config::Config;
use loligo_server::{Server, ServerConfig};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// 2026-01-01T00:00:00Z, where the clock of a test begins.
const START: i64 = 1_767_225_600;

async fn get(venue: &Venue, path: &str) -> Answer {
    let mut stream = TcpStream::connect(venue.server.http()).await.expect("it listens");
    send(&mut stream, "GET", &format!("/api/charts/v1{path}"), &[], b"").await.expect("an answer")
}

/// An answer that the contract allows.
async fn chart(venue: &Venue, path: &str) -> Value {
    let answer = get(venue, path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    assert!(answer.head.contains("access-control-allow-origin: *"), "a page may draw it: {}", answer.head);
    answer.json()
}

/// `[seconds since the start, open, high, low, close, volume]` of each candle.
async fn candles(venue: &Venue, path: &str) -> Vec<Value> {
    let told = chart(venue, path).await;
    let rows = told["candles"].as_array().expect("a list").iter();
    rows.map(|row| {
        let at = row["time"].as_i64().expect("milliseconds") / 1_000 - START;
        let text = |name: &str| row[name].as_str().expect("text").to_owned();
        json!([at, text("open"), text("high"), text("low"), text("close"), text("volume")])
    })
    .collect()
}

/// What was refused, in words.
async fn refused(venue: &Venue, path: &str) -> String {
    let answer = get(venue, path).await;
    assert_eq!(answer.status, 400, "{path}: {answer:?}");
    assert!(answer.head.contains("content-type: text/plain"), "{}", answer.head);
    String::from_utf8(answer.body).expect("text")
}

/// One trade on [`SYMBOL`].
async fn trade(venue: &Venue, size: &str, price: &str) {
    let sold = venue.client(0).place("lmt", "sell", size, price, &[]).await;
    let bought = venue.client(1).place("ioc", "buy", size, price, &[]).await;
    assert_eq!((&sold["status"], &bought["status"]), (&json!("placed"), &json!("placed")), "{sold} {bought}");
}

/// Two minutes with trades, two without, and the one that has just begun.
async fn busy(venue: &Venue) {
    trade(venue, "0.4", "50000").await;
    venue.advance(90_000).await;
    trade(venue, "0.6", "50020").await;
    trade(venue, "0.5", "50010").await;
    venue.advance(150_000).await;
}

#[tokio::test]
async fn a_chart_shows_what_was_traded_and_stands_where_nothing_was() {
    let venue = Venue::start().await;
    busy(&venue).await;
    assert_eq!(
        candles(&venue, &format!("/trade/{SYMBOL}/1m")).await,
        [
            json!([0, "50000", "50000", "50000", "50000", "0.4"]),
            json!([60, "50020", "50020", "50010", "50010", "1.1"]),
            json!([120, "50010", "50010", "50010", "50010", "0"]),
            json!([180, "50010", "50010", "50010", "50010", "0"]),
            json!([240, "50010", "50010", "50010", "50010", "0"]),
        ]
    );
    for (resolution, opened) in [
        ("5m", 0),
        ("15m", 0),
        ("30m", 0),
        ("1h", 0),
        ("4h", 0),
        ("12h", 0),
        ("1d", 0),
        // The Monday before the first of January 2026, which was a Thursday.
        ("1w", -3 * 86_400),
    ] {
        assert_eq!(
            candles(&venue, &format!("/trade/{SYMBOL}/{resolution}")).await,
            [json!([opened, "50000", "50020", "50000", "50010", "1.5"])],
            "{resolution}"
        );
    }
    // The newest candle is the one that is forming: it closes where the ticker is.
    let ticker = venue.client(0).get(&format!("/tickers/{SYMBOL}"), &[]).await;
    assert_eq!(ticker["ticker"]["last"].to_string(), "50010");
    let traded = venue.client(0).get("/history", &[("symbol", SYMBOL)]).await;
    assert_eq!(traded["history"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn mark_and_index_have_charts_of_their_own() {
    let venue = Venue::start().await;
    venue.advance(30_000).await;
    venue.pin(SYMBOL, "50500").await;
    venue.advance(60_000).await;
    venue.pin(SYMBOL, "49000.5").await;
    for tick_type in ["mark", "spot"] {
        let found = candles(&venue, &format!("/{tick_type}/{SYMBOL}/1m")).await;
        // It stood at the pinned price when the minute began, and volume has no meaning here.
        assert_eq!(found[1..], [json!([60, "50500", "50500", "49000.5", "49000.5", "0"])], "{tick_type}");
        assert_eq!((&found[0][4], &found[0][5]), (&json!("50500"), &json!("0")));
    }
    // The index is the pair's: all its contracts have one chart. Their trades they have for themselves.
    let inverse = candles(&venue, "/spot/PI_XBTUSD/1m").await;
    assert_eq!(inverse, candles(&venue, &format!("/spot/{SYMBOL}/1m")).await);
    assert_eq!(candles(&venue, "/trade/PI_XBTUSD/1m").await, Vec::<Value>::new(), "never traded");
}

#[tokio::test]
async fn what_there_is_to_ask_for_is_listed() {
    let venue = Venue::start().await;
    for path in ["", "/"] {
        assert_eq!(chart(&venue, path).await, json!(["mark", "spot", "trade"]));
    }
    let instruments = venue.client(0).get("/instruments", &[]).await;
    let listed = instruments["instruments"].as_array().expect("a list").iter();
    let listed: Value = listed.map(|instrument| instrument["symbol"].clone()).collect();
    for tick_type in ["mark", "spot", "trade"] {
        assert_eq!(chart(&venue, &format!("/{tick_type}")).await, listed);
        let resolutions = chart(&venue, &format!("/{tick_type}/{SYMBOL}")).await;
        assert_eq!(resolutions, json!(["1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w"]));
    }
    // One that there is not has no candles and nothing to choose from, and that is no mistake.
    assert_eq!(chart(&venue, "/trade/PF_NOPEUSD").await, json!([]));
    let nothing = json!({"candles": [], "more_candles": false});
    assert_eq!(chart(&venue, "/trade/PF_NOPEUSD/1m").await, nothing);
    assert_eq!(chart(&venue, "/trade/pf_xbtusd/1m?count=0").await, nothing);
}

#[tokio::test]
async fn a_long_chart_is_read_page_by_page_without_a_hole() {
    let venue = Venue::start().await;
    trade(&venue, "0.1", "50000").await;
    // Two days and a half, of which nobody traded in the second.
    for hours in [20, 40] {
        venue.advance(hours * 3_600_000).await;
        trade(&venue, "0.1", "50001").await;
    }
    let path = format!("/trade/{SYMBOL}/1m");
    let whole = 60 * 60 + 1;
    let newest = chart(&venue, &path).await;
    assert_eq!(newest["candles"].as_array().map(Vec::len), Some(2_000), "a page when nothing is said");
    assert_eq!(newest["more_candles"], false, "nothing is newer");
    let (mut from, mut seen) = (START, 0);
    loop {
        let page = chart(&venue, &format!("{path}?from={from}&count=1700")).await;
        for candle in page["candles"].as_array().expect("a list") {
            assert_eq!(candle["time"], (START + seen * 60) * 1_000);
            seen += 1;
        }
        if page["more_candles"] == false {
            break;
        }
        from = START + seen * 60;
    }
    assert_eq!(seen, whole);
    let of = async |query: &str| {
        let page = chart(&venue, &format!("{path}?{query}")).await;
        let opened = page["candles"].as_array().expect("a list").iter();
        let opened = opened.map(|candle| candle["time"].as_i64().expect("a time") / 60_000 - START / 60);
        (opened.collect::<Vec<_>>(), page["more_candles"] == true)
    };
    assert_eq!(of(&format!("from={}&to={}", START + 61, START + 240)).await, (vec![2, 3, 4], false));
    assert_eq!(of(&format!("from={START}&count=2")).await, (vec![0, 1], true));
    assert_eq!(of(&format!("to={}&count=2", START + 100)).await, (vec![0, 1], false));
    assert_eq!(
        of(&format!("from={}&to={START}", START + 600)).await,
        (vec![], false),
        "ends before it begins"
    );
    assert_eq!(of("from=1e300").await, (vec![], false));
    assert_eq!(of(&format!("from={START}&count=0")).await, (vec![], true));
    assert_eq!(of(&format!("from={START}&count=9999999")).await.0.len(), 2_000, "cut");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_plain_words() {
    let venue = Venue::start().await;
    for (path, words) in [
        ("/index", "Invalid tick type"),
        ("/index/PF_XBTUSD", "Invalid tick type"),
        ("/TRADE/PF_XBTUSD/1m", "Invalid tick type"),
        ("/trade/PF_XBTUSD/2m", "Invalid resolution"),
        ("/trade/PF_XBTUSD/1M", "Invalid resolution"),
        ("/trade/PF_NOPEUSD/2m", "Invalid resolution"),
        ("/trade/PF_XBTUSD/1m?from=soon", "Invalid from"),
        ("/trade/PF_XBTUSD/1m?from=-1", "Invalid from"),
        ("/trade/PF_XBTUSD/1m?to=2026-01-01", "Invalid to"),
        ("/trade/PF_XBTUSD/1m?count=1.5", "Invalid count"),
        ("/trade/PF_XBTUSD/1m?count=-1", "Invalid count"),
        ("/trade/PF_XBTUSD/1m?count=1&count=2", "Invalid count"),
    ] {
        assert_eq!(refused(&venue, path).await, words, "{path}");
    }
}

/// A server of a folder, back at a record where one is named.
pub(super) fn in_folder(folder: &TempDir, until: Option<u64>) -> ServerConfig {
    ServerConfig {
        rate_limits: false,
        node: Config { data: Some(folder.path().to_path_buf()), until, ..Config::test() },
        ..ServerConfig::test()
    }
}

/// The venue of a folder as it was left, without a price being pinned anew.
pub(super) async fn again(config: ServerConfig) -> Venue {
    let real = config.real_time.clone();
    let server = Server::start(config).await.expect("it starts");
    Venue { real, start: server.start_file(), server }
}

/// The charts of [`SYMBOL`] by path.
async fn everything(venue: &Venue) -> Vec<(String, Vec<Value>)> {
    let mut all = Vec::new();
    for tick_type in ["trade", "mark", "spot"] {
        for resolution in ["1m", "15m", "1h", "1d", "1w"] {
            let path = format!("/{tick_type}/{SYMBOL}/{resolution}");
            let found = candles(venue, &path).await;
            all.push((path, found));
        }
    }
    all
}

/// Where two charts differ first, of all that are there.
fn first_difference<'c>(
    left: &'c [(String, Vec<Value>)],
    right: &'c [(String, Vec<Value>)],
) -> Option<(&'c str, Option<&'c Value>, Option<&'c Value>)> {
    let pairs = left.iter().zip(right);
    pairs.filter(|((left, _), (right, _))| left == right).find_map(|((path, left), (_, right))| {
        let most = left.len().max(right.len());
        let at = (0..most).find(|&at| left.get(at) != right.get(at))?;
        Some((path.as_str(), left.get(at), right.get(at)))
    })
}

#[tokio::test]
async fn charts_outlive_a_restart_and_are_made_again_from_the_journal_alone() {
    let folder = TempDir::new().expect("a folder");
    let venue = Venue::with(in_folder(&folder, None)).await;
    busy(&venue).await;
    let before = everything(&venue).await;
    assert_eq!(before[0].1.len(), 5);
    venue.server.stop().await;

    let venue = again(in_folder(&folder, None)).await;
    assert_eq!(first_difference(&everything(&venue).await, &before), None);
    venue.server.stop().await;

    // What is lost of them is folded again: the journal is the truth.
    for name in ["candles.db", "candles.db-wal", "candles.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    let venue = again(in_folder(&folder, None)).await;
    assert_eq!(first_difference(&everything(&venue).await, &before), None);
    trade(&venue, "0.1", "50030").await;
    let after = everything(&venue).await;
    assert_eq!(after[0].1[4], json!([240, "50030", "50030", "50030", "50030", "0.1"]));
    assert_eq!(after[1].1[0], json!([0, "50000", "50030", "50000", "50030", "1.6"]));

    // Anyone may look into the file meanwhile.
    let file = rusqlite::Connection::open(folder.path().join("candles.db")).expect("a database");
    let row = file.query_row(
        "SELECT open, high, low, close, volume FROM candles JOIN contracts USING (number)
         WHERE tick_type = 'trade' AND symbol = 'PF_XBTUSD' AND minutes = 5",
        [],
        |row| (0..5).map(|at| row.get::<_, String>(at)).collect::<Result<Vec<_>, _>>(),
    );
    // Volume stands there in lots.
    assert_eq!(row.expect("a row"), ["50000", "50030", "50000", "50030", "16000"]);
}

#[tokio::test]
async fn charts_go_back_with_the_venue() {
    let folder = TempDir::new().expect("a folder");
    let venue = Venue::with(in_folder(&folder, None)).await;
    // A day passes first: what is folded again is the day of the place that the venue goes back to.
    trade(&venue, "0.2", "49990").await;
    venue.advance(24 * 3_600_000).await;
    busy(&venue).await;
    let before = everything(&venue).await;
    let last = venue.order("GET", "/health", Value::Null).await["sequence"].as_u64().expect("a number");
    trade(&venue, "0.3", "50040").await;
    venue.advance(2 * 24 * 3_600_000).await;
    trade(&venue, "0.1", "50050").await;
    assert_ne!(first_difference(&everything(&venue).await, &before), None);
    venue.server.stop().await;

    let venue = again(in_folder(&folder, Some(last + 1))).await;
    assert_eq!(first_difference(&everything(&venue).await, &before), None);
    trade(&venue, "0.1", "50001").await;
    let after = everything(&venue).await;
    let newest = json!([86_640, "50001", "50001", "50001", "50001", "0.1"]);
    let stood = json!([86_640, "50010", "50010", "50010", "50010", "0"]);
    let want = (format!("/trade/{SYMBOL}/1m"), newest, stood);
    assert_eq!(first_difference(&after, &before), Some((want.0.as_str(), Some(&want.1), Some(&want.2))));
}

#[tokio::test]
async fn the_chart_of_an_expired_contract_ends_with_it() {
    let venue = Venue::start().await;
    venue.pin("FF_XBTUSD_260130", "50000").await;
    // It expires on the thirtieth of January at eight.
    let path = "/mark/FF_XBTUSD_260130/1d";
    venue.advance(20 * 24 * 3_600_000).await;
    assert_eq!(candles(&venue, path).await.len(), 21);
    venue.advance(20 * 24 * 3_600_000).await;
    let all = candles(&venue, path).await;
    assert_eq!(all.len(), 30, "from the first to the thirtieth");
    assert!(chart(&venue, "/mark").await.as_array().expect("a list").contains(&json!("FF_XBTUSD_260130")));
}
