//! Answers of the charts API.

use loligo_wire::charts::{
    Candle, ChartsError, MAX_CANDLES, PATH, Resolution, TickType, write_candles, write_resolutions,
    write_symbols, write_tick_types,
};
use loligo_wire::decimal::Decimal;
use loligo_wire::time::Timestamp;
use serde_json::{Value, json};

use crate::contract::{answer_pointer, assert_valid, charts, validator, words};
use crate::sample::{d, text, written};

/// Judges the good answer of a route of the charts API.
fn judged(route: &str, write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let path = format!("{PATH}{route}");
    assert_valid(&validator(&charts(), &answer_pointer("get", &path)), &written(write))
}

fn candle() -> Candle {
    Candle {
        time: Timestamp::from_micros(1_790_000_100_000_000),
        open: d("84000"),
        high: d("84012"),
        low: d("83991"),
        close: d("84005"),
        volume: d("1.25000000000"),
    }
}

#[test]
fn tick_types_and_resolutions_are_those_of_the_contract_in_its_order() {
    let listed = judged("/", write_tick_types);
    assert_eq!(listed, json!(words(&charts(), "/components/schemas/TickType/enum")));
    let listed = judged("/{tick_type}/{symbol}", write_resolutions);
    assert_eq!(listed, json!(words(&charts(), "/components/schemas/Resolution/enum")));
    for (word, &tick_type) in ["mark", "spot", "trade"].iter().zip(TickType::ALL) {
        assert_eq!(TickType::from_word(word), Some(tick_type));
    }
    for word in ["index", "last", "Trade", ""] {
        assert_eq!(TickType::from_word(word), None, "{word}");
    }
    let seconds: Vec<i64> = Resolution::ALL.iter().map(|resolution| resolution.seconds()).collect();
    let intervals = charts().pointer("/components/schemas/AnalyticsInterval/enum").cloned();
    assert_eq!(Some(json!(seconds)), intervals, "the contract counts the same lengths in seconds");
}

#[test]
fn symbols_are_a_list_that_may_be_empty() {
    let listed = judged("/{tick_type}", |out| write_symbols(out, ["PF_XBTUSD", "PI_XBTUSD"]));
    assert_eq!(listed, json!(["PF_XBTUSD", "PI_XBTUSD"]));
    assert_eq!(judged("/{tick_type}", |out| write_symbols(out, [])), json!([]));
}

#[test]
fn all_of_a_candle_but_its_time_is_text() {
    let route = "/{tick_type}/{symbol}/{resolution}";
    let answer = judged(route, |out| write_candles(out, [candle(), candle()], true));
    assert_eq!(answer["more_candles"], true);
    assert_eq!(
        answer["candles"][1],
        json!({
            "time": 1_790_000_100_000_i64, "open": "84000", "high": "84012", "low": "83991", "close": "84005",
            "volume": "1.25",
        })
    );
    // A mark price has as many digits as it has; its candles have no volume.
    let marked = Candle { close: d("0.00001000000000123"), volume: Decimal::ZERO, ..candle() };
    let answer = judged(route, |out| write_candles(out, [marked], false));
    assert_eq!(answer["candles"][0]["close"], "0.00001000000000123");
    assert_eq!(answer["candles"][0]["volume"], "0");
    assert_eq!(text(|out| write_candles(out, [], false)), r#"{"candles":[],"more_candles":false}"#);
}

#[test]
fn refusals_are_the_words_of_the_contract() {
    let pointer = "/components/responses/ChartsTextError/content/text~1plain/schema/examples";
    let known = words(&charts(), pointer);
    assert_eq!(known, [ChartsError::TickType.to_string(), ChartsError::Resolution.to_string()]);
    assert_eq!(MAX_CANDLES, 2_000);
}
