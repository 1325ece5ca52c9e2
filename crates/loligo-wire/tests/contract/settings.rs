//! Answers about how an account trades, and to movements of money.

use loligo_wire::v3::responses::{
    LeveragePreference, write_done, write_leverage_preferences, write_off_book_leverage,
    write_self_trade_strategy, write_trading_enabled, write_withdrawal,
};
use loligo_wire::v3::words::SelfTradeStrategy;

use crate::contract::{answer_pointer, assert_valid, rest, validator};
use crate::sample::{ID, NOW, d, text, written};

#[test]
fn every_strategy_is_told_alike_when_read_and_set() {
    let rest = rest();
    for method in ["get", "put"] {
        let judge = validator(&rest, &answer_pointer(method, "/self-trade-strategy"));
        for &strategy in SelfTradeStrategy::ALL {
            let answer = assert_valid(&judge, &written(|out| write_self_trade_strategy(out, strategy, NOW)));
            assert_eq!(answer["strategy"], strategy.as_str());
        }
    }
}

#[test]
fn leverage_has_two_decimals() {
    let judge = validator(&rest(), &answer_pointer("get", "/leveragepreferences"));
    let preferences = [
        LeveragePreference { symbol: "PF_XBTUSD", max_leverage: d("5") },
        LeveragePreference { symbol: "PF_ETHUSD", max_leverage: d("2.5") },
    ];
    assert_valid(&judge, &written(|out| write_leverage_preferences(out, preferences, NOW)));
    let expected = concat!(
        r#"{"result":"success","leveragePreferences":[{"symbol":"PF_XBTUSD","maxLeverage":5.00},"#,
        r#"{"symbol":"PF_ETHUSD","maxLeverage":2.50}],"serverTime":"2026-01-01T00:00:00.123Z"}"#,
    );
    assert_eq!(text(|out| write_leverage_preferences(out, preferences, NOW)), expected);
    let cross = assert_valid(&judge, &written(|out| write_leverage_preferences(out, [], NOW)));
    assert_eq!(cross["leveragePreferences"], serde_json::json!([]));
}

#[test]
fn a_cap_off_the_book_has_two_decimals_or_is_null() {
    let rest = rest();
    for method in ["get", "put", "delete"] {
        let judge = validator(&rest, &answer_pointer(method, "/rfq-assignment/max-leverage"));
        for (cap, told) in [(Some(d("2.5")), "2.50"), (Some(d("0")), "0.00"), (None, "null")] {
            assert_valid(&judge, &written(|out| write_off_book_leverage(out, cap, NOW)));
            let expected = format!(
                r#"{{"result":"success","maxLeverage":{told},"serverTime":"2026-01-01T00:00:00.123Z"}}"#
            );
            assert_eq!(text(|out| write_off_book_leverage(out, cap, NOW)), expected);
        }
    }
}

#[test]
fn what_was_done_is_told_in_a_word() {
    let rest = rest();
    let done = written(|out| write_done(out, NOW));
    for (method, path) in
        [("put", "/leveragepreferences"), ("post", "/transfer"), ("post", "/transfer/subaccount")]
    {
        assert_valid(&validator(&rest, &answer_pointer(method, path)), &done);
    }
    let expected = r#"{"result":"success","serverTime":"2026-01-01T00:00:00.123Z"}"#;
    assert_eq!(String::from_utf8_lossy(&done), expected);
}

#[test]
fn a_withdrawal_has_an_id() {
    let judge = validator(&rest(), &answer_pointer("post", "/withdrawal"));
    let answer = assert_valid(&judge, &written(|out| write_withdrawal(out, ID, NOW)));
    assert_eq!(answer["uid"], ID.to_string());
}

#[test]
fn whether_a_subaccount_may_trade_is_a_bare_object() {
    let rest = rest();
    for method in ["get", "put"] {
        let judge = validator(&rest, &answer_pointer(method, "/subaccount/{subaccountUid}/trading-enabled"));
        for (enabled, expected) in
            [(true, r#"{"tradingEnabled":true}"#), (false, r#"{"tradingEnabled":false}"#)]
        {
            let answer = written(|out| write_trading_enabled(out, enabled));
            assert_valid(&judge, &answer);
            assert_eq!(String::from_utf8_lossy(&answer), expected);
        }
    }
}
