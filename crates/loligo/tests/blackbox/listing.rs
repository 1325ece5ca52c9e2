//! An instruments file as its user meets it: what is wrong with it is said at the start, in words that name the place, and what is
//! right is what the exchange lists.

use std::fs;

use serde_json::{Value, json};

use crate::venue::{Home, INSTRUMENTS, QUIET};

/// The instruments file with figures of funding, and a second level of margins.
fn file() -> String {
    let one = r#"[{ from = 0, initial = "0.02" }]"#;
    let two = r#"[{ from = 0, initial = "0.02" }, { from = 100000, initial = "0.05" }]
funding_rate_coefficient = 24
max_relative_funding_rate = "0.0025"
min_relative_funding_rate = "-0.001""#;
    INSTRUMENTS.replace(one, two)
}

#[test]
fn a_file_that_cannot_be_listed_is_refused_in_words_that_name_the_place() {
    let home = Home::new();
    let (path, good) = (home.data().with_file_name("instruments.toml"), file());
    let flags = ["--instruments", path.to_str().expect("text")];
    let levels =
        "margin levels must start at 0, rise, and stay between 0 and 100%, maintenance at most initial";
    for (from, to, want) in [
        // Two levels that begin at one place, one that falls, one that leaves a gap below, and none.
        ("from = 100000", "from = 0", levels),
        ("initial = \"0.05\"", "initial = \"0.01\"", levels),
        ("from = 0", "from = 10", levels),
        (
            "margin_levels = [{ from = 0, initial = \"0.02\" }, { from = 100000, initial = \"0.05\" }]",
            "margin_levels = []",
            levels,
        ),
        ("initial = \"0.05\"", "initial = \"0.05\", maintenance = \"0.06\"", levels),
        ("tick_size = \"0.01\"", "tick_size = 0", "the tick size must be positive"),
        (
            "max_position_size = 1000000",
            "max_position_size = 0",
            "maximum size and impact size must be positive",
        ),
        ("impact_mid_size = 1000", "impact_mid_size = 0", "maximum size and impact size must be positive"),
        ("coefficient = 24", "coefficient = 0", "a perpetual needs a funding rate coefficient"),
        (
            "\"-0.001\"",
            "\"0.01\"",
            "a perpetual's funding rates are from -100% to 100% an hour, the least not above the greatest",
        ),
        (
            "max_relative_funding_rate = \"0.0025\"",
            "max_relative_funding_rate = \"1.5\"",
            "a perpetual's funding rates are from -100% to 100% an hour",
        ),
        (
            "base = \"LOW\"",
            "base = \"LOW\"\nlast_trading_time = \"2020-01-31T08:00:00Z\"",
            "its last trading time has passed",
        ),
        (
            "base = \"LOW\"",
            "base = \"LOW\"\nopening = \"2027-01-01T00:00:00Z\"\nlast_trading_time = \"2026-06-26T08:00:00Z\"",
            "the last trading time must be after the opening",
        ),
    ] {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        fs::write(&path, text).expect("written");
        let refused = home.refused(&flags);
        assert!(refused.said().contains(want), "{to}: {}", refused.said());
    }
    let (_, entry) = good.split_once("[[instruments]]").expect("one");
    // Symbols are the same in whatever case.
    fs::write(&path, format!("{good}[[instruments]]{}", entry.replace("PF_LOWUSD", "pf_lowusd")))
        .expect("written");
    let refused = home.refused(&flags);
    assert!(refused.said().contains("PF_LOWUSD: it is listed twice"), "{}", refused.said());

    // Nothing was begun with any of them: what starts here at last is what would have started at first.
    fs::write(&path, &good).expect("written");
    let flags = [&QUIET[..], &flags].concat();
    let states = [&home, &Home::new()].map(|home| home.start(&flags).hashes()["state_hash"].clone());
    assert_eq!(states[0], states[1]);
}

#[test]
fn figures_of_funding_are_the_files_and_are_shown() {
    let home = Home::new();
    let path = home.data().with_file_name("instruments.toml");
    fs::write(&path, file()).expect("written");
    let venue = home.start(&[&QUIET[..], &["--instruments", path.to_str().expect("text")]].concat());
    let told = venue.visitor().get("/instruments", &[])["instruments"][0].clone();
    for (member, want) in [
        ("fundingRateCoefficient", json!(24)),
        ("maxRelativeFundingRate", json!(0.0025)),
        ("minRelativeFundingRate", json!(-0.001)),
        ("lastTradingTime", Value::Null),
    ] {
        assert_eq!(told[member], want, "{member}: {told}");
    }
    assert!(venue.stop().status.success());
}
