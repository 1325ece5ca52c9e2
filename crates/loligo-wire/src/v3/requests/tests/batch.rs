use std::borrow::Cow;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::{
    BatchInstruction, BatchOrder, ClientOrderId, MAX_BATCH_INSTRUCTIONS, OrderName, Request, RequestError,
    SendOrder,
};
use super::{args, complete, invalid, missing};
use crate::decimal::{Decimal, Number};
use crate::time::Timestamp;
use crate::v3::words::{OrderType, QuantityMode, SendStatus};

const ID: &str = "e35d61dd-8a30-4d5f-a574-b5593ef0c050";

fn encoded(json: &str) -> String {
    json.bytes().fold("json=".to_owned(), |mut form, byte| {
        let _ = write!(form, "%{byte:02X}");
        form
    })
}

fn of(elements: &str) -> String {
    format!(r#"{{"batchOrder":[{elements}]}}"#)
}

/// Parses one element, sent in both ways, which must agree.
fn parse(elements: &str) -> Result<Vec<BatchInstruction>, RequestError> {
    let json = of(elements);
    let encoded = BatchOrder::parse(&args(&encoded(&json))).map(|batch| batch.instructions);
    let raw = BatchOrder::parse(&args(&format!("json={json}"))).map(|batch| batch.instructions);
    assert_eq!(encoded, raw);
    encoded
}

fn send(elements: &str) -> SendOrder<'static> {
    match parse(elements).expect("readable").remove(0) {
        BatchInstruction::Send(send) => send.order.expect("a type and a side"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_three_instructions_are_read() {
    let elements = format!(
        r#"{{"order":"send","order_tag":"1","orderType":"lmt","symbol":"pi_xbtusd","side":"buy","size":1,
             "limitPrice":1.0,"cliOrdId":"my_another_client_id","ccxtExtra":{{"a":[1]}}}},
           {{"order":"edit","order_id":"{ID}","size":"2","qtyMode":"ABSOLUTE","limitPrice":null}},
           {{"order":"cancel","order_id":"{ID}"}},
           {{"order":"cancel","cliOrdId":"my_client_id"}}"#
    );
    let instructions = parse(&elements).expect("readable");
    let [
        BatchInstruction::Send(send),
        BatchInstruction::Edit(edit),
        BatchInstruction::Cancel(by_id),
        BatchInstruction::Cancel(by_client),
    ] = instructions.as_slice()
    else {
        panic!("{instructions:?}");
    };
    assert_eq!(send.order_tag, "1");
    let order = send.order.as_ref().expect("a type and a side");
    assert_eq!((order.order_type, order.symbol.as_str()), (OrderType::Limit, "PI_XBTUSD"));
    assert_eq!(order.limit_price, Some(Number::Fits(Decimal::from_int(1))));
    let client_id = ClientOrderId::Valid(Cow::Borrowed("my_another_client_id"));
    assert_eq!((&order.cli_ord_id, &send.cli_ord_id), (&Some(client_id.clone()), &Some(client_id)));
    let id = OrderName::Id(ID.parse().expect("a UUID"));
    assert_eq!((&edit.order, edit.quantity_mode, edit.limit_price), (&id, QuantityMode::Absolute, None));
    assert_eq!(edit.size, Some(Number::Fits(Decimal::from_int(2))));
    assert_eq!(by_id.order, id);
    assert_eq!(by_client.order, OrderName::ClientId(Cow::Borrowed("my_client_id")));
}

#[test]
fn numbers_may_be_strings_and_tags_numbers() {
    for (size, reduce_only) in [("0.25", "true"), (r#""0.25""#, r#""True""#), ("2.5e-1", r#""1""#)] {
        let order = send(&format!(
            r#"{{"order":"send","order_tag":0,"orderType":"mkt","symbol":"PF_XBTUSD","side":"sell",
                 "size":{size},"reduceOnly":{reduce_only}}}"#
        ));
        assert_eq!(order.size, Number::Fits(Decimal::new(25, 2)));
        assert!(order.reduce_only);
    }
}

#[test]
fn a_number_too_large_is_kept() {
    let order =
        send(r#"{"order":"send","order_tag":"1","orderType":"mkt","symbol":"A","side":"buy","size":1e400}"#);
    assert_eq!(order.size, Number::TooLarge { negative: false });
}

#[test]
fn a_bad_type_or_side_refuses_only_its_instruction() {
    for (order_type, side, expected) in [
        ("nonsense", "buy", SendStatus::InvalidOrderType),
        ("mkt", "hold", SendStatus::InvalidSide),
        ("nonsense", "hold", SendStatus::InvalidOrderType),
    ] {
        let instructions = parse(&format!(
            r#"{{"order":"send","order_tag":"1","orderType":"{order_type}","symbol":"A","side":"{side}","size":1,
                 "cliOrdId":"mine"}}"#
        ))
        .expect("readable");
        let [BatchInstruction::Send(send)] = instructions.as_slice() else { panic!("{instructions:?}") };
        assert_eq!(send.order, Err(expected));
        assert_eq!(send.cli_ord_id, Some(ClientOrderId::Valid(Cow::Borrowed("mine"))));
    }
}

#[test]
fn other_faults_refuse_the_whole_batch() {
    let send = r#""order":"send","order_tag":"1","symbol":"A","side":"buy""#;
    let rows = [
        ("{}".to_owned(), missing("order")),
        (r#"{"order":"wait"}"#.to_owned(), invalid("order")),
        (r#"{"order":{}}"#.to_owned(), invalid("order")),
        ("5".to_owned(), invalid("json")),
        (r#"{"order":"cancel","order":"cancel"}"#.to_owned(), invalid("json")),
        (r#"{"order":"cancel"}"#.to_owned(), missing("order_id")),
        (r#"{"order":"edit","size":1}"#.to_owned(), missing("order_id")),
        (
            r#"{"order":"send","orderType":"mkt","symbol":"A","side":"buy","size":1}"#.to_owned(),
            missing("order_tag"),
        ),
        (format!(r#"{{{send},"orderType":"mkt"}}"#), missing("size")),
        (format!(r#"{{{send},"size":1}}"#), missing("orderType")),
        (format!(r#"{{{send},"orderType":"lmt","size":1}}"#), missing("limitPrice")),
        (format!(r#"{{{send},"orderType":"lmt","size":1,"limitPrice":null}}"#), missing("limitPrice")),
        (format!(r#"{{{send},"orderType":"mkt","size":"abc"}}"#), invalid("size")),
        (format!(r#"{{{send},"orderType":"mkt","size":[]}}"#), invalid("size")),
        (format!(r#"{{{send},"orderType":"mkt","size":1,"reduceOnly":"x"}}"#), invalid("reduceOnly")),
        (
            format!(r#"{{{send},"orderType":"mkt","size":1,"symbol2":0}},{{"order":"cancel"}}"#),
            missing("order_id"),
        ),
    ];
    for (elements, expected) in rows {
        assert_eq!(parse(&elements).map(drop), expected, "{elements}");
    }
}

#[test]
fn client_ids_with_lone_surrogates_are_invalid() {
    for text in [r"\ud800", r"a\u0000b", ""] {
        let order = send(&format!(
            r#"{{"order":"send","order_tag":"1","orderType":"mkt","symbol":"A","side":"buy","size":1,"cliOrdId":"{text}"}}"#
        ));
        assert_eq!(order.cli_ord_id, Some(ClientOrderId::Invalid), "{text}");
    }
}

#[test]
fn what_is_no_json_is_told_apart() {
    for json in ["", "{", "json", r#"{"batchOrder":[}"#, r#"{"batchOrder":[]}}"#, "\u{0}"] {
        for form in [encoded(json), format!("json={json}")] {
            assert_eq!(BatchOrder::parse(&args(&form)), Err(RequestError::JsonParseError), "{form}");
        }
    }
    for json in ["[]", "5", "{}", r#"{"batchOrder":5}"#, r#"{"batchOrder":[]}"#] {
        assert_eq!(BatchOrder::parse(&args(&encoded(json))), invalid("json"), "{json}");
    }
    assert_eq!(complete::<BatchOrder>(&args("processBefore=x")), missing("json"));
    assert_eq!(BatchOrder::parse(&args("processBefore=x")), missing("json"));
    assert_eq!(complete::<BatchOrder>(&args("json=")), Ok(()));
}

#[test]
fn text_that_was_not_encoded_is_not_decoded() {
    let json = of(r#"{"order":"cancel","cliOrdId":"a+b%20c&d=e"}"#);
    let expected = OrderName::ClientId(Cow::Borrowed("a+b%20c&d=e"));
    let forms =
        [format!("json={json}"), format!("json={json}&processBefore=2026-01-01T00:00:00Z"), encoded(&json)];
    for form in forms {
        let batch = BatchOrder::parse(&args(&form)).expect("readable");
        let [BatchInstruction::Cancel(cancel)] = batch.instructions.as_slice() else { panic!("{batch:?}") };
        assert_eq!(cancel.order, expected, "{form}");
    }
}

#[test]
fn half_encoded_text_is_read_too() {
    let form = format!("json={}", of(r#"{"order":"cancel","cliOrdId":"mine"}"#).replace('"', "%22"));
    assert!(BatchOrder::parse(&args(&form)).is_ok());
}

#[test]
fn the_time_has_two_spellings() {
    let json = encoded(&of(r#"{"order":"cancel","cliOrdId":"a"}"#));
    for name in ["processBefore", "ProcessBefore"] {
        let form = format!("{json}&{name}=1970-01-01T00:00:01Z");
        let batch = BatchOrder::parse(&args(&form)).expect("readable");
        assert_eq!(batch.process_before, Some(Timestamp::from_micros(1_000_000)));
    }
    assert_eq!(BatchOrder::parse(&args(&format!("{json}&processBefore=x"))), invalid("processBefore"));
}

#[test]
fn a_batch_has_a_bound() {
    let cancels = |count| vec![r#"{"order":"cancel","cliOrdId":"a"}"#; count].join(",");
    let full = parse(&cancels(MAX_BATCH_INSTRUCTIONS)).expect("readable");
    assert_eq!(full.len(), MAX_BATCH_INSTRUCTIONS);
    assert_eq!(parse(&cancels(MAX_BATCH_INSTRUCTIONS + 1)), invalid("json"));
}

proptest! {
    #[test]
    fn any_json_is_answered(text in "\\{\"batchOrder\":\\[\\{(\"(order|size|side|cliOrdId|order_tag)\":(\"send\"|\"edit\"|1|null|\\{|\"\\\\ud8),?){0,4}\\}?\\]?\\}?") {
        let _ = BatchOrder::parse(&args(&format!("json={text}")));
        let _ = BatchOrder::parse(&args(&encoded(&text)));
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut form = b"json={".to_vec();
        form.extend(bytes);
        let args = crate::args::Args::new(b"", &form).expect("short");
        let _ = BatchOrder::parse(&args);
    }
}
