//! One argument with two values: nobody can say which of them was meant, so the request is refused by its name.

use super::super::{
    BatchOrder, CancelAllOrders, CancelAllOrdersAfter, CancelOrder, EditOrder, Fills, History, InitialMargin,
    Instruments, LeveragePreferences, MaxOrderSize, OrderBook, OrdersStatus, Request, RequestError,
    SendOrder, SetLeveragePreference, SetSelfTradeStrategy, SetTradingEnabled, SubaccountTransfer, Tickers,
    Transfer, Withdrawal,
};
use crate::args::Args;

type Read = fn(&Args<'_>) -> Result<(), RequestError>;
/// How a request is read, what it says, and each of its arguments with another value.
type Case = (Read, String, Vec<(&'static str, &'static str)>);

const ID: &str = "e35d61dd-8a30-4d5f-a574-b5593ef0c050";
const JSON: &str = r#"{"batchOrder":[{"order":"cancel","cliOrdId":"a"}]}"#;

fn requests() -> Vec<Case> {
    let order = "orderType=stp&symbol=PF_XBTUSD&side=buy&size=1&limitPrice=5&stopPrice=6&cliOrdId=a\
                 &triggerSignal=mark&reduceOnly=true&trailingStopMaxDeviation=1&trailingStopDeviationUnit=PERCENT\
                 &limitPriceOffsetValue=1&limitPriceOffsetUnit=PERCENT&processBefore=2026-01-01T00:00:00Z";
    let time = ("processBefore", "2027-01-01T00:00:00Z");
    vec![
        (
            |args| SendOrder::parse(args).map(drop),
            order.to_owned(),
            vec![
                ("orderType", "take_profit"),
                ("symbol", "PF_ETHUSD"),
                ("side", "sell"),
                ("size", "5"),
                ("limitPrice", "6"),
                ("stopPrice", "7"),
                ("cliOrdId", "b"),
                ("triggerSignal", "last"),
                ("reduceOnly", "false"),
                ("trailingStopMaxDeviation", "2"),
                ("trailingStopDeviationUnit", "QUOTE_CURRENCY"),
                ("limitPriceOffsetValue", "2"),
                ("limitPriceOffsetUnit", "QUOTE_CURRENCY"),
                time,
            ],
        ),
        (
            |args| EditOrder::parse(args).map(drop),
            format!("orderId={ID}&size=1&limitPrice=5&qtyMode=ABSOLUTE"),
            vec![("orderId", "b"), ("size", "2"), ("limitPrice", "6"), ("qtyMode", "RELATIVE")],
        ),
        (|args| CancelOrder::parse(args).map(drop), format!("order_id={ID}"), vec![("order_id", "b")]),
        (|args| CancelOrder::parse(args).map(drop), "cliOrdId=a".to_owned(), vec![("cliOrdId", "b")]),
        (
            |args| CancelAllOrders::parse(args).map(drop),
            "symbol=PF_XBTUSD".to_owned(),
            vec![("symbol", "PF_ETHUSD")],
        ),
        (|args| CancelAllOrdersAfter::parse(args).map(drop), "timeout=60".to_owned(), vec![("timeout", "0")]),
        (
            |args| BatchOrder::parse(args).map(drop),
            format!("json={}&processBefore=2026-01-01T00:00:00Z", JSON.replace('"', "%22")),
            vec![("json", r#"{"batchOrder":[]}"#), ("json", "%7B%7D"), time],
        ),
        (
            |args| BatchOrder::parse(args).map(drop),
            format!("json={JSON}&processBefore=2026-01-01T00:00:00Z"),
            vec![("json", r#"{"batchOrder":[]}"#), ("json", ""), time],
        ),
        (
            |args| Transfer::parse(args).map(drop),
            "fromAccount=cash&toAccount=flex&unit=usd&amount=1".to_owned(),
            vec![("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "eur"), ("amount", "900000")],
        ),
        (
            |args| SubaccountTransfer::parse(args).map(drop),
            format!("fromUser={ID}&toUser={ID}&fromAccount=cash&toAccount=flex&unit=usd&amount=1"),
            vec![("fromUser", "x"), ("toUser", "x"), ("fromAccount", "flex"), ("amount", "2")],
        ),
        (
            |args| Withdrawal::parse(args).map(drop),
            "currency=usd&amount=1&sourceWallet=cash".to_owned(),
            vec![("currency", "eur"), ("amount", "2"), ("sourceWallet", "flex")],
        ),
        (
            |args| SetLeveragePreference::parse(args).map(drop),
            "symbol=PF_XBTUSD&maxLeverage=5".to_owned(),
            vec![("symbol", "PF_ETHUSD"), ("maxLeverage", "50")],
        ),
        (
            |args| LeveragePreferences::parse(args).map(drop),
            "symbol=PF_XBTUSD".to_owned(),
            vec![("symbol", "PF_ETHUSD")],
        ),
        (
            |args| SetSelfTradeStrategy::parse(args).map(drop),
            "strategy=REJECT_TAKER".to_owned(),
            vec![("strategy", "CANCEL_MAKER_ANY")],
        ),
        (
            |args| SetTradingEnabled::parse(args).map(drop),
            "tradingEnabled=true".to_owned(),
            vec![("tradingEnabled", "false")],
        ),
        (
            |args| InitialMargin::parse(args).map(drop),
            "orderType=lmt&symbol=PF_XBTUSD&side=buy&size=1&limitPrice=5".to_owned(),
            vec![("orderType", "mkt"), ("symbol", "x"), ("side", "sell"), ("size", "2"), ("limitPrice", "6")],
        ),
        (
            |args| MaxOrderSize::parse(args).map(drop),
            "orderType=lmt&symbol=PF_XBTUSD&limitPrice=5".to_owned(),
            vec![("orderType", "mkt"), ("symbol", "x"), ("limitPrice", "6")],
        ),
        (
            |args| OrderBook::parse(args).map(drop),
            "symbol=PF_XBTUSD".to_owned(),
            vec![("symbol", "PF_ETHUSD")],
        ),
        (
            |args| History::parse(args).map(drop),
            "symbol=PF_XBTUSD&lastTime=2026-01-01T00:00:00Z&includeMTFData=true".to_owned(),
            vec![("symbol", "PF_ETHUSD"), ("lastTime", "2027-01-01T00:00:00Z"), ("includeMTFData", "false")],
        ),
        (
            |args| Fills::parse(args).map(drop),
            "lastFillTime=2026-01-01T00:00:00Z".to_owned(),
            vec![("lastFillTime", "2027-01-01T00:00:00Z")],
        ),
        (|args| Instruments::parse(args).map(drop), "expired=true".to_owned(), vec![("expired", "false")]),
    ]
}

#[test]
fn an_argument_with_two_values_is_refused_by_its_name_wherever_they_stand() {
    for (read, form, others) in requests() {
        let args = |query: &str, body: &str| {
            let args = Args::new(query.as_bytes(), body.as_bytes()).expect("within bounds");
            read(&args)
        };
        assert_eq!(args("", &form), Ok(()), "{form}");
        assert_eq!(args(&form, ""), Ok(()), "{form}");
        assert_eq!(args(&form, &form), Ok(()), "said twice: {form}");
        for (name, other) in others {
            let other = format!("{name}={other}");
            let refused = Err(RequestError::InvalidArgument(name));
            assert_eq!(args(&other, &form), refused, "{other} before {form}");
            assert_eq!(args(&form, &other), refused, "{other} behind {form}");
            assert_eq!(args("", &format!("{form}&{other}")), refused, "{other} beside {form}");
        }
    }
}

#[test]
fn the_two_spellings_of_the_time_limit_are_one_argument() {
    let order = "orderType=mkt&symbol=PF_XBTUSD&side=buy&size=1";
    let limits = |one: u32, other: u32| {
        format!("processBefore=202{one}-01-01T00:00:00Z&ProcessBefore=202{other}-01-01T00:00:00Z")
    };
    let send = |limits: &str| {
        let form = format!("{order}&{limits}");
        SendOrder::parse(&super::args(&form)).map(|order| order.process_before)
    };
    let batch = |limits: &str| {
        let form = format!("{limits}&json={JSON}");
        BatchOrder::parse(&super::args(&form)).map(|batch| batch.process_before)
    };
    let (same, other) = (limits(7, 7), limits(7, 8));
    for read in [send(&same), batch(&same)] {
        assert!(matches!(read, Ok(Some(_))), "{read:?}");
    }
    for read in [send(&other), batch(&other)] {
        assert_eq!(read, super::invalid("processBefore"));
    }
}

#[test]
fn a_batch_may_say_in_its_text_what_would_be_an_argument_beside_it() {
    let json = r#"{"batchOrder":[{"order":"cancel","cliOrdId":"a&json=b&processBefore=c"}]}"#;
    let form = format!("json={json}&processBefore=2026-01-01T00:00:00Z");
    let batch = BatchOrder::parse(&super::args(&form)).expect("readable");
    assert!(batch.process_before.is_some());
    assert_eq!(batch.instructions.len(), 1);
}

#[test]
fn lists_take_all_that_is_said_of_them() {
    let other = "e35d61dd-8a30-4d5f-a574-b5593ef0c051";
    let (query, body) = (format!("orderIds={ID}&cliOrdIds=a"), format!("orderIds={other}&cliOrdIds=b"));
    let args = Args::new(query.as_bytes(), body.as_bytes()).expect("within bounds");
    let status = OrdersStatus::parse(&args).expect("readable");
    assert_eq!((status.order_ids.len(), status.cli_ord_ids), (2, vec!["a".into(), "b".into()]));
    let args = Args::new(b"symbol=PF_XBTUSD", b"symbol=PF_ETHUSD").expect("within bounds");
    assert_eq!(Tickers::parse(&args).map(|tickers| tickers.symbols.len()), Ok(2));
}
