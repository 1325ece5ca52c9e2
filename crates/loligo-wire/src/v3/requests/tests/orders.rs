use std::borrow::Cow;

use proptest::prelude::*;
use uuid::Uuid;

use super::super::{
    CancelAllOrders, CancelAllOrdersAfter, CancelOrder, ClientOrderId, EditOrder, OrderName, Request,
    RequestError, SendOrder, Symbol, UnknownUnit,
};
use super::{args, complete, invalid, missing};
use crate::decimal::{Decimal, NotANumber, Number};
use crate::time::Timestamp;
use crate::v3::words::{DeviationUnit, OrderType, QuantityMode, Side, TriggerSignal};

const LIMIT: &str = "orderType=lmt&symbol=pf_xbtusd&side=buy&size=1&limitPrice=49000";
const ID: &str = "179f9af8-e45e-469d-b3e9-2fd4675cb7d0";

fn fits(mantissa: i128, scale: u32) -> Number {
    Number::Fits(Decimal::new(mantissa, scale))
}

/// [`LIMIT`] with one argument of another value.
fn changed(pair: &str) -> String {
    let name = pair.split('=').next().unwrap_or_default();
    let others = LIMIT.split('&').filter(|other| other.split('=').next() != Some(name));
    others.chain([pair]).collect::<Vec<_>>().join("&")
}

fn sent(form: &str) -> SendOrder<'_> {
    SendOrder::parse(&args(form)).unwrap_or_else(|error| panic!("{form}: {error}"))
}

#[test]
fn a_limit_order_is_read() {
    let form = "orderType=lmt&symbol=pf_xbtusd&side=sell&size=0.0001&limitPrice=4.9e%2B4&cliOrdId=my+order\
                &reduceOnly=True&processBefore=2023-11-08T19%3A56%3A35.441899Z&unheardOf=1";
    let expected = SendOrder {
        process_before: Some(Timestamp::from_micros(1_699_473_395_441_899)),
        order_type: OrderType::Limit,
        symbol: Symbol::parse("PF_XBTUSD").expect("a symbol"),
        side: Side::Sell,
        size: fits(1, 4),
        limit_price: Some(fits(49_000, 0)),
        stop_price: None,
        cli_ord_id: Some(ClientOrderId::Valid(Cow::Borrowed("my order"))),
        trigger_signal: None,
        reduce_only: true,
        trailing_stop_max_deviation: None,
        trailing_stop_deviation_unit: None,
        limit_price_offset_value: None,
        limit_price_offset_unit: None,
    };
    assert_eq!(sent(form), expected);
}

#[test]
fn a_trailing_stop_is_read() {
    let form = "orderType=trailing_stop&symbol=PI_XBTUSD&side=buy&size=10&triggerSignal=spot\
                &trailingStopMaxDeviation=1.5&trailingStopDeviationUnit=percent\
                &limitPriceOffsetValue=-0.5&limitPriceOffsetUnit=QUOTE_CURRENCY";
    let order = sent(form);
    assert_eq!(order.order_type, OrderType::TrailingStop);
    assert_eq!(order.trigger_signal, Some(TriggerSignal::Index));
    assert_eq!(order.trailing_stop_max_deviation, Some(fits(15, 1)));
    assert_eq!(order.trailing_stop_deviation_unit, Some(DeviationUnit::Percent));
    assert_eq!(order.limit_price_offset_value, Some(Ok(fits(-5, 1))));
    assert_eq!(order.limit_price_offset_unit, Some(Ok(DeviationUnit::QuoteCurrency)));
}

#[test]
fn an_unreadable_offset_is_left_to_the_order_checks() {
    let form = "orderType=stp&symbol=PI_XBTUSD&side=buy&size=10&stopPrice=1\
                &limitPriceOffsetValue=abc&limitPriceOffsetUnit=TICKS";
    let order = sent(form);
    assert_eq!(order.limit_price_offset_value, Some(Err(NotANumber)));
    assert_eq!(order.limit_price_offset_unit, Some(Err(UnknownUnit)));
}

#[test]
fn what_is_missing_is_told_first_and_in_order() {
    let rows = [
        ("", "orderType"),
        ("symbol=PF_XBTUSD&side=hold&size=abc", "orderType"),
        ("orderType=lmt", "symbol"),
        ("orderType=lmt&symbol=PF_XBTUSD", "side"),
        ("orderType=lmt&symbol=PF_XBTUSD&side=buy", "size"),
        ("orderType=lmt&symbol=PF_XBTUSD&side=buy&size=1", "limitPrice"),
        ("orderType=post&symbol=PF_XBTUSD&side=buy&size=1", "limitPrice"),
        ("orderType=ioc&symbol=PF_XBTUSD&side=buy&size=1", "limitPrice"),
        ("orderType=fok&symbol=PF_XBTUSD&side=hold&size=1", "limitPrice"),
        ("orderType=stp&symbol=PF_XBTUSD&side=buy&size=1&limitPrice=1", "stopPrice"),
        ("orderType=take_profit&symbol=PF_XBTUSD&side=buy&size=1", "stopPrice"),
        ("orderType=trailing_stop&symbol=PF_XBTUSD&side=buy&size=1", "trailingStopMaxDeviation"),
        (
            "orderType=trailing_stop&symbol=PF_XBTUSD&side=buy&size=1&trailingStopMaxDeviation=1",
            "trailingStopDeviationUnit",
        ),
    ];
    for (form, name) in rows {
        assert_eq!(complete::<SendOrder>(&args(form)), missing(name), "{form}");
        assert_eq!(SendOrder::parse(&args(form)), missing(name), "{form}");
    }
    for form in [
        LIMIT,
        "orderType=mkt&symbol=PF_XBTUSD&side=buy&size=1",
        "orderType=stp&symbol=PF_XBTUSD&side=buy&size=1&stopPrice=1",
        "orderType=nonsense&symbol=PF_XBTUSD&side=buy&size=1",
        "orderType=lmt&symbol=&side=&size=&limitPrice=",
    ] {
        assert_eq!(complete::<SendOrder>(&args(form)), Ok(()), "{form}");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let rows = [
        ("orderType=LMT", "orderType"),
        ("orderType=nonsense", "orderType"),
        ("orderType=%ff", "orderType"),
        ("symbol=", "symbol"),
        ("symbol=PF XBTUSD", "symbol"),
        ("symbol=PF-XBTUSD", "symbol"),
        ("symbol=PF_XBTUSD_PF_XBTUSD_PF_XBTUSD_PF_XBTUSD_Z", "symbol"),
        ("symbol=%ff", "symbol"),
        ("side=hold", "side"),
        ("side=", "side"),
        ("size=", "size"),
        ("size=NaN", "size"),
        ("size=1%", "size"),
        ("limitPrice=", "limitPrice"),
        ("limitPrice=NaN", "limitPrice"),
        ("limitPrice=inf", "limitPrice"),
        ("limitPrice=1,5", "limitPrice"),
        ("stopPrice=x", "stopPrice"),
        ("triggerSignal=bid", "triggerSignal"),
        ("reduceOnly=maybe", "reduceOnly"),
        ("reduceOnly=", "reduceOnly"),
        ("trailingStopMaxDeviation=x", "trailingStopMaxDeviation"),
        ("trailingStopDeviationUnit=TICKS", "trailingStopDeviationUnit"),
        ("processBefore=soon", "processBefore"),
        ("ProcessBefore=1699473395000", "processBefore"),
    ];
    for (pair, name) in rows {
        assert_eq!(SendOrder::parse(&args(&changed(pair))), invalid(name), "{pair}");
    }
}

#[test]
fn numbers_that_no_market_takes_are_still_numbers() {
    for (text, expected) in [
        ("0", fits(0, 0)),
        ("-1", fits(-1, 0)),
        ("49000.123456789", fits(49_000_123_456_789, 9)),
        ("1e400", Number::TooLarge { negative: false }),
        ("1234567890123456789012345678901234567890", Number::TooLarge { negative: false }),
        ("1e-400", Number::TooPrecise { negative: false }),
    ] {
        let form = changed(&format!("limitPrice={text}"));
        assert_eq!(sent(&form).limit_price, Some(expected), "{text}");
    }
}

#[test]
fn client_ids_are_told_apart_and_never_refused_here() {
    let hundred = "x".repeat(100);
    let hundred_wide = "\u{20ac}".repeat(100);
    let too_long = "x".repeat(101);
    let valid = |text: &'static str| ClientOrderId::Valid(Cow::Borrowed(text));
    let rows = [
        ("abc", valid("abc")),
        ("a%20b%26c", valid("a b&c")),
        (&hundred, ClientOrderId::Valid(Cow::Borrowed(&hundred))),
        (&hundred_wide, ClientOrderId::Valid(Cow::Borrowed(&hundred_wide))),
        (&too_long, ClientOrderId::TooLong(Cow::Borrowed(&too_long))),
        ("", ClientOrderId::Invalid),
        ("a%00b", ClientOrderId::Invalid),
        ("a%0Ab", ClientOrderId::Invalid),
        ("a%7F", ClientOrderId::Invalid),
        ("a%C2%85", ClientOrderId::Invalid),
        ("%ED%A0%80", ClientOrderId::Invalid),
        ("%ff", ClientOrderId::Invalid),
        ("%zz", ClientOrderId::Invalid),
    ];
    for (text, expected) in rows {
        let form = format!("{LIMIT}&cliOrdId={text}");
        assert_eq!(sent(&form).cli_ord_id, Some(expected), "{text}");
    }
    assert_eq!(sent(LIMIT).cli_ord_id, None);
}

#[test]
fn cancels_and_edits_name_their_order() {
    let id = OrderName::Id(ID.parse::<Uuid>().expect("a UUID"));
    let upper = ID.to_uppercase();
    let too_long = "x".repeat(101);
    let text = |text: &str| Some(Cow::Owned(text.to_owned()));
    let no_id = |id: &str| OrderName::Nothing { id: text(id), client_id: None };
    let no_client_id = |id: &str| OrderName::Nothing { id: None, client_id: text(id) };
    let rows = [
        (format!("={ID}"), id.clone()),
        (format!("={upper}"), id.clone()),
        (format!("={ID}&cliOrdId=mine"), id),
        // Text that can be no id is kept, to be told back.
        ("=&cliOrdId=mine".to_owned(), no_id("")),
        ("=1234".to_owned(), no_id("1234")),
        ("=%ff".to_owned(), OrderName::Nothing { id: None, client_id: None }),
        (format!("={}", ID.replace('-', "")), no_id(&ID.replace('-', ""))),
        (format!("={{{ID}}}"), no_id(&format!("{{{ID}}}"))),
        (format!("=urn:uuid:{ID}"), no_id(&format!("urn:uuid:{ID}"))),
        ("X=1&cliOrdId=mine".to_owned(), OrderName::ClientId(Cow::Borrowed("mine"))),
        ("X=1&cliOrdId=".to_owned(), no_client_id("")),
        ("X=1&cliOrdId=a%0ab".to_owned(), no_client_id("a\nb")),
        (format!("X=1&cliOrdId={too_long}"), no_client_id(&too_long)),
    ];
    for (rest, expected) in rows {
        let (cancel, edit) = (format!("order_id{rest}"), format!("orderId{rest}"));
        assert_eq!(complete::<CancelOrder>(&args(&cancel)), Ok(()));
        assert_eq!(complete::<EditOrder>(&args(&edit)), Ok(()));
        assert_eq!(CancelOrder::parse(&args(&cancel)).map(|request| request.order), Ok(expected.clone()));
        assert_eq!(EditOrder::parse(&args(&edit)).map(|request| request.order), Ok(expected));
    }
    for form in ["", "size=1", "orderid=x"] {
        assert_eq!(complete::<CancelOrder>(&args(form)), missing("order_id"));
        assert_eq!(CancelOrder::parse(&args(form)), missing("order_id"));
        assert_eq!(complete::<EditOrder>(&args(form)), missing("orderId"));
        assert_eq!(EditOrder::parse(&args(form)), missing("orderId"));
    }
    assert_eq!(CancelOrder::parse(&args("order_id=1&processBefore=x")), invalid("processBefore"));
}

#[test]
fn edits_leave_out_what_stays() {
    let form = "cliOrdId=mine&size=2&qtyMode=absolute";
    let expected = EditOrder {
        process_before: None,
        order: OrderName::ClientId(Cow::Borrowed("mine")),
        size: Some(fits(2, 0)),
        limit_price: None,
        stop_price: None,
        trailing_stop_max_deviation: None,
        trailing_stop_deviation_unit: None,
        quantity_mode: QuantityMode::Absolute,
    };
    assert_eq!(EditOrder::parse(&args(form)), Ok(expected));
    let relative = EditOrder::parse(&args("cliOrdId=mine")).map(|edit| edit.quantity_mode);
    assert_eq!(relative, Ok(QuantityMode::Relative));
    assert_eq!(EditOrder::parse(&args("cliOrdId=mine&qtyMode=both")), invalid("qtyMode"));
    assert_eq!(EditOrder::parse(&args("cliOrdId=mine&limitPrice=")), invalid("limitPrice"));
}

#[test]
fn cancelling_all_may_name_a_market() {
    let all = |symbol| Ok(CancelAllOrders { symbol });
    assert_eq!(CancelAllOrders::parse(&args("")), all(None));
    assert_eq!(CancelAllOrders::parse(&args("symbol=fi_xbtusd")), all(Symbol::parse("FI_XBTUSD")));
    assert_eq!(CancelAllOrders::parse(&args("symbol=")), invalid("symbol"));
}

#[test]
fn the_dead_mans_switch_takes_whole_seconds() {
    for (form, expected) in [
        ("timeout=60", Ok(60)),
        ("timeout=0", Ok(0)),
        ("timeout=60.0", Ok(60)),
        ("timeout=86400", Ok(86_400)),
        ("timeout=86401", invalid("timeout")),
        ("timeout=4294967295", invalid("timeout")),
        ("timeout=4294967356", invalid("timeout")),
        ("timeout=-1", invalid("timeout")),
        ("timeout=1.5", invalid("timeout")),
        ("timeout=1e400", invalid("timeout")),
        ("timeout=1e-400", invalid("timeout")),
        ("timeout=abc", invalid("timeout")),
        ("timeout=%ff", invalid("timeout")),
        ("timeout=", invalid("timeout")),
        ("", invalid("timeout")),
    ] {
        let expected = expected.map(|timeout| CancelAllOrdersAfter { timeout });
        assert_eq!(CancelAllOrdersAfter::parse(&args(form)), expected, "{form}");
    }
}

#[test]
fn symbols_are_upper_case() {
    assert_eq!(
        Symbol::parse("of_xbtusd_261225_120000_c").as_ref().map(Symbol::as_str),
        Some("OF_XBTUSD_261225_120000_C")
    );
    let longest = "A".repeat(Symbol::MAX_LEN);
    assert_eq!(Symbol::parse(&longest).map(|symbol| symbol.to_string()), Some(longest));
}

proptest! {
    #[test]
    fn any_values_are_answered(
        values in proptest::collection::vec("[a-z0-9%+=&,._TZ:-]{0,12}", 16),
        order_type in "lmt|stp|trailing_stop|mkt|x",
    ) {
        let names = ["symbol", "side", "size", "limitPrice", "stopPrice", "cliOrdId", "triggerSignal", "reduceOnly",
            "trailingStopMaxDeviation", "trailingStopDeviationUnit", "limitPriceOffsetValue", "limitPriceOffsetUnit",
            "processBefore", "orderId", "order_id", "timeout"];
        let pairs: String = names.iter().zip(&values).map(|(name, value)| format!("&{name}={value}")).collect();
        let form = format!("orderType={order_type}{pairs}");
        let args = args(&form);
        if let Err(RequestError::RequiredArgumentMissing(name)) = SendOrder::parse(&args) {
            prop_assert_eq!(complete::<SendOrder>(&args), missing(name));
        }
        let _ = (EditOrder::parse(&args), CancelOrder::parse(&args), CancelAllOrders::parse(&args));
        let _ = CancelAllOrdersAfter::parse(&args);
    }

    #[test]
    fn any_id_is_classified(text in any::<String>()) {
        match ClientOrderId::classify(Cow::Borrowed(&text)) {
            ClientOrderId::Valid(same) => prop_assert!(same == text && text.chars().count() <= 100),
            ClientOrderId::TooLong(same) => prop_assert!(same == text && text.chars().count() > 100),
            ClientOrderId::Invalid => prop_assert!(text.is_empty() || text.chars().any(char::is_control)),
        }
    }
}
