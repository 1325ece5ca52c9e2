//! An exchange on the machine's clock that is down when a contract ends: started later, it has settled what one that was up has settled.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::clock::{set_ahead, with_own_clock};
use crate::venue::{Home, Venue, text};

const FLAGS: &[&str] = &["--market", "none", "--rate-limits", "off", "--accounts", "3"];
const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// The machine's clock of a home is put to a second since 1970.
fn stand(ahead: &Path, second: i64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let now = i64::try_from(now).expect("seconds");
    set_ahead(ahead, u32::try_from(second - now).expect("later than now"));
}

/// Puts a running exchange's clock to a second, and waits until what was due by then is done: the first question wakes whoever
/// sees to that, before the second is answered.
fn comes_to(venue: &mut Venue, ahead: &Path, second: i64) {
    stand(ahead, second);
    for _ in 0..2 {
        venue.control("GET", "/audit", &Value::Null);
    }
}

/// The linear contract on bitcoin that ends next, and the second of its last trading time.
fn ends_next(venue: &Venue) -> (String, i64) {
    let told = venue.visitor().get("/instruments", &[]);
    let rows = told["instruments"].as_array().expect("a list").iter();
    let dated = rows.filter(|row| text(&row["symbol"]).starts_with("FF_XBTUSD_"));
    let ends = dated.map(|row| {
        let ends = loligo_server::parse_time(text(&row["lastTradingTime"])).expect("a time");
        (ends.0 / 1_000_000, text(&row["symbol"]).to_owned())
    });
    let (second, symbol) = ends.min().expect("one is always listed");
    (symbol, second)
}

/// All that the log of an account says of the settlement.
fn settled(venue: &Venue, account: usize) -> Vec<String> {
    let answer = venue.client(account).send("GET", "/accountlogcsv", "", None, None).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let csv = answer.text();
    csv.lines().filter(|line| line.contains(",settlement,")).map(str::to_owned).collect()
}

/// A home with a clock of its own and a copy of another one's data.
fn copy(home: &Home) -> (Home, PathBuf) {
    let (copied, ahead) = with_own_clock();
    home.copy_to(&copied);
    (copied, ahead)
}

#[test]
fn an_exchange_that_is_down_when_a_contract_ends_settles_it_as_one_that_is_up() {
    let (home, ahead) = with_own_clock();
    set_ahead(&ahead, 0);
    let mut venue = home.start(FLAGS);
    let (symbol, ends) = ends_next(&venue);
    // Up for half of the window, with one index price in one part of it and another in the next; then it is killed.
    comes_to(&mut venue, &ahead, ends - 40 * MINUTE);
    venue.pin("PF_XBTUSD", "50000");
    venue.client(0).place_limit(&symbol, "sell", "0.5", "50000", "sold");
    venue.client(1).place_limit(&symbol, "buy", "0.5", "50000", "bought");
    comes_to(&mut venue, &ahead, ends - 20 * MINUTE);
    venue.pin("PF_XBTUSD", "51000");
    comes_to(&mut venue, &ahead, ends - 15 * MINUTE);
    venue.kill();

    let mut found = Vec::new();
    // When it is started again, from the end on, and where its clock goes from there.
    for (start, way) in [
        // Up at the last trading time: at once, and after five more minutes of the window have gone by.
        (-15 * MINUTE, &[-10 * MINUTE, -MINUTE, -2, 3, DAY][..]),
        (-10 * MINUTE, &[-1, 2, DAY]),
        // Down at it: started some seconds later, and days.
        (7, &[DAY]),
        (3 * DAY, &[]),
    ] {
        let (home, ahead) = copy(&home);
        stand(&ahead, ends + start);
        let mut venue = home.start(FLAGS);
        for next in way {
            comes_to(&mut venue, &ahead, ends + next);
        }
        let audit = venue.control("GET", "/audit", &Value::Null);
        assert_eq!((&audit["status"], &audit["positions"]), (&Value::from("ok"), &Value::from(0)));
        let market = venue.control("GET", &format!("/markets/{symbol}"), &Value::Null);
        let told = ["state", "settlement_price", "ends_at"].map(|member| market[member].clone());
        let rows = [0, 1].map(|account| settled(&venue, account));
        let (following, _) = ends_next(&venue);
        found.push((told, rows, following));
        venue.kill();
        assert!(home.run("verify").status.success(), "started {start} s from the end");
    }
    let (told, rows, following) = &found[0];
    // Ten minutes of thirty with 50,000 and twenty with 51,000, but for the seconds that this took.
    let price: f64 = text(&told[1]).parse().expect("a price");
    assert!((50_600.0..50_668.0).contains(&price), "{told:?}");
    let at = loligo_server::parse_time(text(&told[2])).expect("a time");
    assert_eq!((text(&told[0]), at.0), ("expired", ends * 1_000_000));
    for rows in rows {
        assert_eq!(rows.len(), 2, "{rows:?}");
        // At nine decimals.
        assert!(rows.iter().all(|row| row.contains(&text(&told[1])[..12])), "{rows:?}");
    }
    assert!(*following > symbol, "{following} follows {symbol}");
    assert!(found.iter().all(|one| one == &found[0]), "{found:#?}");
}
