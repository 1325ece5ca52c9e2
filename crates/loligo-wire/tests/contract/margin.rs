//! Answers about orders that are only supposed.

use loligo_wire::v3::responses::{InitialMargin, MaxOrderSize};
use loligo_wire::v3::words::OrderError;
use serde_json::Value;

use crate::contract::{answer_pointer, assert_allowed, assert_valid, rest, validator};
use crate::sample::{NOW, d, text, written};

#[test]
fn the_margin_of_an_order_is_told() {
    let judge = validator(&rest(), &answer_pointer("get", "/initialmargin"));
    let margin = InitialMargin {
        initial_margin: Some(d("49.50")),
        estimated_liquidation_threshold: Some(d("43210.5")),
        price: Some(d("49500")),
        error: None,
    };
    assert_valid(&judge, &written(|out| margin.write(out, NOW)));
    let expected = concat!(
        r#"{"result":"success","initialMargin":49.5,"estimatedLiquidationThreshold":43210.5,"price":49500,"#,
        r#""serverTime":"2026-01-01T00:00:00.123Z"}"#,
    );
    assert_eq!(text(|out| margin.write(out, NOW)), expected);
    let unknown = assert_valid(&judge, &written(|out| InitialMargin::default().write(out, NOW)));
    assert_eq!(unknown["initialMargin"], Value::Null);
}

#[test]
fn an_order_that_would_be_refused_is_a_success_with_an_error() {
    let judge = validator(&rest(), &answer_pointer("get", "/initialmargin"));
    for &error in OrderError::ALL {
        let margin =
            InitialMargin { price: Some(d("49500")), error: Some(error), ..InitialMargin::default() };
        let answer = assert_allowed(&judge, &written(|out| margin.write(out, NOW)));
        assert_eq!((&answer["result"], &answer["error"]), (&"success".into(), &error.as_str().into()));
    }
}

#[test]
fn the_largest_order_is_told_for_both_sides() {
    let judge = validator(&rest(), &answer_pointer("get", "/initialmargin/maxordersize"));
    let size = MaxOrderSize {
        max_buy_size: Some(d("1.2345")),
        max_sell_size: Some(d("0")),
        buy_price: Some(d("50010")),
        sell_price: None,
    };
    assert_valid(&judge, &written(|out| size.write(out, NOW)));
    let expected = concat!(
        r#"{"result":"success","maxBuySize":1.2345,"maxSellSize":0,"buyPrice":50010,"sellPrice":null,"#,
        r#""serverTime":"2026-01-01T00:00:00.123Z"}"#,
    );
    assert_eq!(text(|out| size.write(out, NOW)), expected);
}
