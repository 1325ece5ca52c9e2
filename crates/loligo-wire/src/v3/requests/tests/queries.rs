use proptest::prelude::*;
use uuid::Uuid;

use super::super::{
    Fills, History, Instruments, InstrumentsStatus, MAX_ORDER_IDS, OrderBook, OrdersStatus, Symbol, Tickers,
    TradingInstruments,
};
use super::{args, invalid, missing};
use crate::time::Timestamp;
use crate::v3::words::ContractType;

const A: &str = "179f9af8-e45e-469d-b3e9-2fd4675cb7d0";
const B: &str = "61ca5732-3478-42fe-8362-abbfd9465294";

fn uuids(texts: &[&str]) -> Vec<Uuid> {
    texts.iter().map(|text| text.parse().expect("a UUID")).collect()
}

fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).expect("a symbol")
}

#[test]
fn order_ids_come_in_every_spelling() {
    let forms = [
        format!("orderIds={A}&orderIds={B}"),
        format!("orderIds={A},{B}"),
        format!("orderIds={A}%2C{B}"),
        format!("orderIds[]={A}&orderIds[]={B}"),
        format!("orderIds%5B0%5D={A}&orderIds%5B1%5D={B}"),
        format!("orderIds={A},,{B},&orderIds="),
        format!("orderIds={}&orderIds={B}", A.to_uppercase()),
    ];
    for form in forms {
        let request = OrdersStatus::parse(&args(&form)).expect("readable");
        assert_eq!(request.order_ids, uuids(&[A, B]), "{form}");
        assert!(request.cli_ord_ids.is_empty());
    }
}

#[test]
fn client_ids_keep_their_commas_and_are_split_at_them() {
    let rows: &[(&str, &[&str])] = &[
        ("cliOrdIds=a&cliOrdIds=b", &["a", "b"]),
        ("cliOrdIds=a&cliOrdIds=a", &["a", "a"]),
        ("cliOrdIds[]=a+b", &["a b"]),
        ("cliOrdIds=a,b", &["a,b", "a", "b"]),
        ("cliOrdIds=a%2Cb", &["a,b", "a", "b"]),
        ("cliOrdIds=", &[]),
        ("cliOrdIds=%ff&cliOrdIds=a%00&cliOrdIds=b", &["b"]),
    ];
    for (form, expected) in rows {
        let request = OrdersStatus::parse(&args(form)).expect("readable");
        assert_eq!(request.cli_ord_ids, *expected, "{form}");
    }
    let joined = vec!["x".repeat(60); 2].join(",");
    let form = format!("cliOrdIds={joined}");
    let request = OrdersStatus::parse(&args(&form)).expect("readable");
    assert_eq!(request.cli_ord_ids.len(), 2, "the whole is longer than any id");
}

#[test]
fn none_are_none() {
    for form in ["", "orderIds=&cliOrdIds=", "orderIds[]=", "other=1"] {
        assert_eq!(OrdersStatus::parse(&args(form)), Ok(OrdersStatus::default()), "{form}");
    }
}

#[test]
fn malformed_ids_are_invalid() {
    for text in ["not-a-uuid", "1234", &A[1..], &A.replace('-', ""), &A.replace('1', "g"), " ", "%ff", "%"] {
        assert_eq!(
            OrdersStatus::parse(&args(&format!("orderIds={A}&orderIds={text}"))),
            invalid("orderIds"),
            "{text}"
        );
    }
}

#[test]
fn ids_are_counted_together() {
    let joined = |count: usize| vec![A; count].join(",");
    let full = format!("orderIds={}&cliOrdIds=a", joined(MAX_ORDER_IDS - 1));
    assert_eq!(
        OrdersStatus::parse(&args(&full)).map(|request| request.order_ids.len()),
        Ok(MAX_ORDER_IDS - 1)
    );
    assert_eq!(OrdersStatus::parse(&args(&format!("orderIds={}", joined(501)))), invalid("orderIds"));
    assert_eq!(OrdersStatus::parse(&args(&format!("{full},b"))), invalid("cliOrdIds"));
    assert_eq!(OrdersStatus::parse(&args(&format!("{full}&cliOrdIds=%ff"))), invalid("cliOrdIds"));
    let repeated: String = (0..501).map(|_| format!("orderIds={A}&")).collect();
    assert_eq!(OrdersStatus::parse(&args(&repeated)), invalid("orderIds"));
}

#[test]
fn market_data_needs_a_market() {
    assert_eq!(OrderBook::parse(&args("symbol=pf_xbtusd")), Ok(OrderBook { symbol: symbol("PF_XBTUSD") }));
    for (form, expected) in
        [("", missing("symbol")), ("symbol=", invalid("symbol")), ("symbol=a b", invalid("symbol"))]
    {
        assert_eq!(OrderBook::parse(&args(form)), expected);
    }
    let history = History {
        symbol: symbol("PI_XBTUSD"),
        last_time: Some(Timestamp::from_micros(1_700_000_000_000_000)),
        include_mtf_data: true,
    };
    let form = "symbol=PI_XBTUSD&lastTime=2023-11-14T22:13:20+00:00&includeMTFData=1";
    assert_eq!(History::parse(&args(form)), Ok(history));
    assert_eq!(History::parse(&args("lastTime=x")), missing("symbol"));
    assert_eq!(History::parse(&args("symbol=a&lastTime=x")), invalid("lastTime"));
    assert_eq!(History::parse(&args("symbol=a&includeMTFData=x")), invalid("includeMTFData"));
}

#[test]
fn filters_are_lists() {
    let both = vec![ContractType::FuturesInverse, ContractType::FlexibleFutures];
    let form = "contractType=futures_inverse&contractType=flexible_futures";
    let status = InstrumentsStatus { contract_types: both.clone() };
    assert_eq!(InstrumentsStatus::parse(&args(form)), Ok(status));
    let trading = TradingInstruments { contract_types: both.clone() };
    assert_eq!(TradingInstruments::parse(&args(form)), Ok(trading));
    assert_eq!(TradingInstruments::parse(&args("contractType=")), Ok(TradingInstruments::default()));
    assert_eq!(TradingInstruments::parse(&args("contractType=all,spot")), invalid("contractType"));
    assert_eq!(TradingInstruments::parse(&args("contractType=%ff")), invalid("contractType"));
    let joined = "contractType=futures_inverse,flexible_futures&expired=true";
    let instruments = Instruments { contract_types: both, expired: true };
    assert_eq!(Instruments::parse(&args(joined)), Ok(instruments));
    assert_eq!(Instruments::parse(&args("")), Ok(Instruments::default()));
    assert_eq!(Instruments::parse(&args("contractType=spot")), invalid("contractType"));
    assert_eq!(Instruments::parse(&args("expired=x")), invalid("expired"));
    let tickers = Tickers { symbols: vec![symbol("PF_XBTUSD"), symbol("PI_XBTUSD")], contract_types: vec![] };
    assert_eq!(Tickers::parse(&args("symbol=pf_xbtusd&symbol=PI_XBTUSD")), Ok(tickers));
    assert_eq!(Tickers::parse(&args("symbol=%ff")), invalid("symbol"));
}

#[test]
fn fills_may_end_at_a_time() {
    assert_eq!(Fills::parse(&args("")), Ok(Fills { last_fill_time: None }));
    let at = Some(Timestamp::from_micros(0));
    assert_eq!(Fills::parse(&args("lastFillTime=1970-01-01T00:00:00Z")), Ok(Fills { last_fill_time: at }));
    assert_eq!(Fills::parse(&args("lastFillTime=0")), invalid("lastFillTime"));
}

proptest! {
    #[test]
    fn any_query_is_answered(query in "((symbol|orderIds|cliOrdIds|lastTime|contractType|expired)(\\[\\])?=[a-f0-9,%+:TZ.-]{0,40}&){0,4}") {
        let args = args(&query);
        let _ = (OrdersStatus::parse(&args), History::parse(&args), OrderBook::parse(&args), Tickers::parse(&args));
        let _ = (Instruments::parse(&args), InstrumentsStatus::parse(&args), Fills::parse(&args));
        let _ = TradingInstruments::parse(&args);
    }
}
