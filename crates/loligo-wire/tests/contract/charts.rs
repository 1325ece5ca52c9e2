//! Answers of the charts API.

use loligo_wire::charts::{
    AnalyticsError, AnalyticsType, Candle, ChartsError, Data, MAX_CANDLES, MAX_STRETCHES, PATH, Resolution,
    Spelling, TickType, best_price, liquidity, slippage, write_analytics, write_candles, write_resolutions,
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

#[test]
fn the_types_and_names_of_analytics_are_those_of_the_contract() {
    let known: Vec<&str> = AnalyticsType::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(json!(known), json!(words(&charts(), "/components/schemas/AnalyticsType/enum")));
    let sides = charts().pointer("/components/schemas/BookSideSeries/properties").cloned();
    let sides = sides.expect("members");
    let mut named: Vec<&str> = Vec::new();
    for spelling in [Spelling::Snake, Spelling::Camel] {
        named.push(best_price(spelling));
        named.extend(liquidity(spelling));
        named.extend(slippage(spelling));
    }
    let members: Vec<&String> = sides.as_object().expect("members").keys().collect();
    assert_eq!(named.len(), members.len());
    for name in named {
        assert!(sides.get(name).is_some(), "{name}");
    }
    let most = "At most 2000 buckets per answer";
    assert!(charts().to_string().contains(most) && MAX_STRETCHES == 2_000);
}

#[test]
fn analytics_are_series_or_members_in_an_envelope() {
    let route = "/analytics/{symbol}/{analytics_type}";
    let row = [Some(d("1")), Some(d("2.50")), Some(d("0.5")), None];
    for (data, shown) in [
        (Data::Series(vec![Some(d("-0.10")), None]), json!(["-0.1", null])),
        (Data::Counts(vec![3, 0]), json!([3, 0])),
        (Data::Ohlc(vec![row, row]), json!([["1", "2.5", "0.5", null], ["1", "2.5", "0.5", null]])),
        (
            Data::Members(vec![("basis", Data::Series(vec![Some(d("10.5")), Some(d("0"))]))]),
            json!({"basis": ["10.5", "0"]}),
        ),
    ] {
        let answer = judged(route, |out| write_analytics(out, [1_790_000_100, 1_790_000_160], true, &data));
        let result = json!({"timestamp": [1_790_000_100, 1_790_000_160], "more": true, "data": shown});
        assert_eq!(answer, json!({"result": result, "errors": []}));
    }
    let pool = Data::Members(vec![("usdValue", Data::Series(Vec::new()))]);
    judged("/analytics/liquidity-pool", |out| write_analytics(out, [], false, &pool));
    assert_eq!(
        text(|out| write_analytics(out, [], false, &pool)),
        r#"{"result":{"timestamp":[],"more":false,"data":{"usdValue":[]}},"errors":[]}"#
    );
}

#[test]
fn refused_analytics_name_each_argument_in_the_same_envelope() {
    let sample = charts()
        .pointer("/components/responses/AnalyticsError/content/application~1json/example")
        .cloned()
        .expect("a sample");
    let judge = validator(&charts(), "/components/responses/AnalyticsError/content/application~1json/schema");
    let refused = AnalyticsError::Arguments(vec!["interval"]);
    assert_eq!(assert_valid(&judge, &written(|out| refused.write(out))), sample);
    let refused = AnalyticsError::Arguments(vec!["since", "to"]);
    let told = assert_valid(&judge, &written(|out| refused.write(out)));
    assert_eq!(told["errors"].as_array().map(Vec::len), Some(2));
    let told = assert_valid(&judge, &written(|out| AnalyticsError::UnknownMethod.write(out)));
    assert_eq!(
        (&told["errors"][0]["type"], &told["errors"][0]["field"]),
        (&json!("Unknown method"), &Value::Null)
    );
    let types = words(&charts(), "/components/schemas/AnalyticsErrorItem/properties/type/examples");
    assert_eq!(types, [refused.to_string(), AnalyticsError::UnknownMethod.to_string()]);
}
