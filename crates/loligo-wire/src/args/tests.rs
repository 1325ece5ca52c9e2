use std::borrow::Cow;

use proptest::prelude::*;

use super::{Args, Conflict, MAX_BYTES, MAX_PAIRS, NotText, TooManyArguments, Value};
use crate::decimal::{Decimal, Number};

fn args<'a>(query: &'a str, body: &'a str) -> Args<'a> {
    Args::new(query.as_bytes(), body.as_bytes()).expect("within bounds")
}

fn texts<'a>(values: impl Iterator<Item = Value<'a>>) -> Vec<String> {
    values.map(|value| value.text().expect("text").into_owned()).collect()
}

#[test]
fn query_and_body_are_one() {
    let args = args("symbol=PF_XBTUSD&side=buy", "side=sell&size=1");
    assert_eq!(args.get("symbol").map(Value::raw), Some(&b"PF_XBTUSD"[..]));
    assert_eq!(args.get("size").map(Value::raw), Some(&b"1"[..]));
    assert_eq!(args.get("Size"), None, "names are told apart by case");
}

#[test]
fn an_argument_that_comes_twice_must_say_one_thing() {
    for (query, body, want) in [
        ("side=buy", "size=1", Ok(Some("buy"))),
        ("size=1", "", Ok(None)),
        ("side=buy", "side=buy", Ok(Some("buy"))),
        ("", "side=buy&side=buy", Ok(Some("buy"))),
        ("side=b%75y", "s%69de=buy", Ok(Some("b%75y"))),
        ("side=buy", "side=sell", Err(Conflict)),
        ("side=buy", "side=", Err(Conflict)),
        ("side", "side=buy", Err(Conflict)),
        ("side=buy&side=buy", "side=buy&side=sell", Err(Conflict)),
        ("side=1+1", "side=1%201", Err(Conflict)),
        ("side=1+1", "side=1%2B1", Err(Conflict)),
        ("side=%ff", "side=%ff", Ok(Some("%ff"))),
        ("side=%ff", "side=%FF", Err(Conflict)),
    ] {
        let one = args(query, body).one("side").map(|value| value.map(|value| value.raw().to_vec()));
        assert_eq!(one, want.map(|text| text.map(|text: &str| text.as_bytes().to_vec())), "{query} {body}");
    }
}

#[test]
fn odd_pairs_are_no_trouble() {
    let args = args("&&a&b=&=c&d=e=f&", "");
    let pairs: Vec<_> = args.pairs().map(|(name, value)| (name.into_owned(), value.raw())).collect();
    let expected: Vec<(Vec<u8>, &[u8])> =
        vec![(b"a".to_vec(), b""), (b"b".to_vec(), b""), (b"".to_vec(), b"c"), (b"d".to_vec(), b"e=f")];
    assert_eq!(pairs, expected);
}

#[test]
fn lists_come_in_every_spelling() {
    let args = args("ids=a&ids%5B%5D=b&ids[7]=c", "ids[]=d&idsX=e&ids[x]=f&ids[=g&id=h&%zz=i");
    assert_eq!(texts(args.list("ids")), ["a", "b", "c", "d"]);
}

#[test]
fn values_are_decoded_once() {
    let rows: &[(&str, Result<&str, NotText>)] = &[
        ("", Ok("")),
        ("plain", Ok("plain")),
        ("a+b", Ok("a b")),
        ("a%2Bb", Ok("a+b")),
        ("%252B", Ok("%2B")),
        ("%e2%82%AC", Ok("\u{20ac}")),
        ("\u{20ac}", Ok("\u{20ac}")),
        ("%00%1f", Ok("\0\u{1f}")),
        ("%", Err(NotText)),
        ("%4", Err(NotText)),
        ("%4g", Err(NotText)),
        ("%+1", Err(NotText)),
        ("%ff", Err(NotText)),
        ("%ED%A0%80", Err(NotText)),
    ];
    for (raw, expected) in rows {
        assert_eq!(Value::new(raw.as_bytes()).text().as_deref().map_err(|e| *e), *expected, "{raw:?}");
    }
    assert_eq!(Value::new(b"\xff").text(), Err(NotText));
}

#[test]
fn what_needs_no_decoding_is_borrowed() {
    assert!(matches!(Value::new(b"PF_XBTUSD").text(), Ok(Cow::Borrowed(_))));
    assert!(matches!(Value::new(b"1e+2").token(), Ok(Cow::Borrowed(_))));
}

#[test]
fn numbers_keep_their_plus() {
    let hundred = Ok(Number::Fits(Decimal::from_int(100)));
    assert_eq!(Value::new(b"1e+2").number(), hundred);
    assert_eq!(Value::new(b"1e%2B2").number(), hundred);
    assert!(Value::new(b"").number().is_err());
    assert!(Value::new(b"1%").number().is_err());
}

#[test]
fn truth_has_several_spellings() {
    for (text, expected) in [
        ("true", Some(true)),
        ("True", Some(true)),
        ("TRUE", Some(true)),
        ("1", Some(true)),
        ("false", Some(false)),
        ("False", Some(false)),
        ("0", Some(false)),
        ("", None),
        ("yes", None),
        ("2", None),
        ("true ", None),
    ] {
        assert_eq!(Value::new(text.as_bytes()).boolean(), expected, "{text:?}");
    }
}

#[test]
fn the_raw_tail_ignores_separators_and_leaves_what_is_around_it() {
    let json = r#"{"a":"b&c=d"}"#;
    let (in_body, in_query) = (format!("x=y&json={json}&z=1"), format!("x=y&json={json}"));
    for (query, body, tail) in
        [("q=1", in_body.as_str(), format!("{json}&z=1")), (in_query.as_str(), "z=1&q=1", json.to_owned())]
    {
        let args = args(query, body);
        let found = args.raw_tail("json").expect("there");
        assert_eq!(found.text, tail.as_bytes());
        let around = found.around(json.len());
        let raw = |name| around.get(name).map(Value::raw);
        assert_eq!((raw("q"), raw("x"), raw("z")), (Some(&b"1"[..]), Some(&b"y"[..]), Some(&b"1"[..])));
        assert_eq!((raw("c"), raw("json")), (None, None), "the text's own ampersands separate nothing");
        assert!(args.raw_tail("son").is_none());
    }
}

#[test]
fn arguments_have_bounds() {
    let bytes = vec![b'a'; MAX_BYTES];
    assert!(Args::new(&bytes, b"").is_ok());
    assert_eq!(Args::new(&bytes, b"b").err(), Some(TooManyArguments));
    let pairs = "a&".repeat(MAX_PAIRS);
    assert_eq!(Args::new(b"", pairs.as_bytes()).err(), Some(TooManyArguments));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(
        query in proptest::collection::vec(any::<u8>(), 0..64),
        body in "[a-c&=%+\\[\\]0-9]{0,64}",
    ) {
        let args = Args::new(&query, body.as_bytes()).expect("short");
        for (_, value) in args.pairs() {
            let _ = (value.text(), value.number(), value.time(), value.boolean());
        }
        let _ = (args.list("a").count(), args.one("b"), args.raw_tail("c").map(|tail| tail.around(1).pairs().count()));
    }

    #[test]
    fn encoded_text_is_read_back(text in "\\PC{0,20}") {
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        prop_assert_eq!(Value::new(encoded.as_bytes()).text(), Ok(Cow::Borrowed(text.as_str())));
    }
}
