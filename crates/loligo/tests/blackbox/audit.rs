//! The sums that an operator can check by hand: what `GET /audit` answers and `loligo verify` prints, added up.

use serde_json::{Value, json};

use crate::venue::{Home, QUIET, text};

/// Decimals that the sums are told with, at most.
const DECIMALS: usize = 24;

/// A decimal as a whole number of its last possible digits.
fn units(decimal: &str) -> i128 {
    let (sign, size) = decimal.strip_prefix('-').map_or((1, decimal), |size| (-1, size));
    let (whole, part) = size.split_once('.').unwrap_or((size, ""));
    assert!(part.len() <= DECIMALS, "{decimal} has more digits than the exchange keeps");
    let digits = format!("{whole}{part:0<DECIMALS$}");
    sign * digits.parse::<i128>().unwrap_or_else(|error| panic!("{decimal}: {error}"))
}

/// What a sum comes to, each of its amounts followed by words: `1 here - 2 there + 3 of that`.
fn sum(terms: &str) -> i128 {
    let mut sign = 1;
    let mut total = 0;
    for word in terms.split(' ') {
        match word {
            "+" => sign = 1,
            "-" => sign = -1,
            amount if amount.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit()) => {
                total += sign * units(amount);
            }
            _ => {}
        }
    }
    total
}

#[test]
fn the_sums_that_are_told_add_up_after_a_liquidation() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    venue.pin("PF_XBTUSD", "50000");
    let poor = venue.control("POST", "/accounts", &json!({"name": "poor", "flex": {"usd": 1500}}));
    let (mut poor, mut other) = (venue.client_of(&poor), venue.client(0));
    other.place_limit("PF_XBTUSD", "sell", "1", "50010", "ask");
    poor.place_limit("PF_XBTUSD", "buy", "1", "50010", "position");
    other.place_limit("PF_XBTUSD", "buy", "1", "49990", "bid");
    // 164.995 for a maintenance margin of 243.50: a tenth is sold, and a quarter of a per cent of it goes to the pool.
    venue.pin("PF_XBTUSD", "48700");

    let audit = venue.control("GET", "/audit", &Value::Null);
    let sums = audit["currencies"].as_array().expect("a list").iter();
    let usd = sums.clone().find(|sums| sums["currency"] == "USD").expect("dollars");
    assert_eq!(usd["pool"], "12.4975", "{usd}");
    let parts = [
        ("wallets", 1),
        ("entries", -1),
        ("fees", 1),
        ("pool", 1),
        ("funding", 1),
        ("exchanged", 1),
        ("dust", 1),
    ];
    for sums in sums {
        let told: i128 = parts.iter().map(|(name, sign)| sign * units(text(&sums[*name]))).sum();
        assert_eq!(told, units(text(&sums["deposited"])), "{sums}");
        assert_eq!(sums.as_object().map(serde_json::Map::len), Some(parts.len() + 2), "nothing else: {sums}");
    }

    venue.kill();
    let verified = home.run("verify");
    assert!(verified.status.success(), "{verified:?}");
    let lines: Vec<&str> = verified.stdout.lines().filter(|line| line.contains(" deposited = ")).collect();
    assert!(lines.iter().any(|line| line.contains(" 12.4975 in the liquidation pool")), "{lines:?}");
    for line in lines {
        let (deposited, terms) = line.split_once(" deposited = ").expect("just looked for");
        let (_, deposited) = deposited.split_once(": ").expect("of a currency");
        assert_eq!(sum(terms), units(deposited), "{line}");
    }
}
