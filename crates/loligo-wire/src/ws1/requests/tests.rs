//! What is a request, what is none, and what each non-request is answered.

use proptest::prelude::*;
use serde_json::json;

use super::{MAX_PRODUCT_IDS, Request, RequestError, Subscription};
use crate::ws1::words::Audience;
use crate::ws1::{Credentials, Feed};

fn subscription(feed: Feed, product_ids: &[&'static str]) -> Subscription<'static> {
    Subscription {
        feed: feed.into(),
        product_ids: product_ids.iter().map(|id| (*id).into()).collect(),
        credentials: None,
    }
}

#[test]
fn requests_are_read_and_what_they_say_beside_is_passed_over() {
    let signed = Credentials {
        api_key: "K".into(),
        original_challenge: "7d0e".into(),
        signed_challenge: "a+b/c==".into(),
    };
    let subscribe = |feed, ids| Request::Subscribe(subscription(feed, ids));
    for (text, wanted) in [
        (r#"{"event":"challenge","api_key":"K"}"#, Request::Challenge { api_key: "K".into() }),
        (r#"{"event":"challenge","api_key":""}"#, Request::Challenge { api_key: "".into() }),
        (r#"{"event":"subscribe","feed":"heartbeat"}"#, subscribe(Feed::Heartbeat, &[])),
        // A feed without products takes no notice of any, of whatever kind.
        (r#"{"event":"subscribe","feed":"heartbeat","product_ids":7}"#, subscribe(Feed::Heartbeat, &[])),
        (r#"{"event":"subscribe","feed":"open_orders","product_ids":[1]}"#, subscribe(Feed::OpenOrders, &[])),
        (
            r#"{"feed":"book","product_ids":["PF_XBTUSD","pi_ethusd"],"depth":25,"event":"subscribe"}"#,
            subscribe(Feed::Book, &["PF_XBTUSD", "pi_ethusd"]),
        ),
        // Who names a product again, in whatever case, has named it.
        (
            r#"{"event":"subscribe","feed":"book","product_ids":["PF_B","pf_a","PF_A","pf_b","PF_B","PF_C"]}"#,
            subscribe(Feed::Book, &["PF_B", "pf_a", "PF_C"]),
        ),
        (r#" {"event":"subscribe","feed":"book","product_ids":null} "#, subscribe(Feed::Book, &[])),
        (r#"{"event":"subscribe","feed":"book","product_ids":[]}"#, subscribe(Feed::Book, &[])),
        (
            r#"{"event":"subscribe","feed":"book","product_ids":["\u0041\""]}"#,
            subscribe(Feed::Book, &["A\""]),
        ),
        // The last of two counts.
        (r#"{"event":"nothing","event":"subscribe","feed":"fills"}"#, subscribe(Feed::Fills, &[])),
        (
            r#"{"event":"unsubscribe","feed":"fills","product_ids":["PF_XBTUSD"],"api_key":"K",
                "original_challenge":"7d0e","signed_challenge":"a+b\/c=="}"#,
            Request::Unsubscribe(Subscription {
                credentials: Some(signed),
                ..subscription(Feed::Fills, &["PF_XBTUSD"])
            }),
        ),
        // A part that is missing or no text leaves nobody to believe.
        (
            r#"{"event":"subscribe","feed":"fills","api_key":"K","original_challenge":"7d0e"}"#,
            subscribe(Feed::Fills, &[]),
        ),
        (
            r#"{"event":"subscribe","feed":"fills","api_key":"K","original_challenge":7,"signed_challenge":"s"}"#,
            subscribe(Feed::Fills, &[]),
        ),
    ] {
        assert_eq!(Request::parse(text), Ok(wanted), "{text}");
    }
    for &feed in Feed::ALL {
        let text =
            json!({"event": "subscribe", "feed": feed.as_str(), "product_ids": ["PF_XBTUSD"]}).to_string();
        let ids: &[&str] = if feed.takes_products() { &["PF_XBTUSD"] } else { &[] };
        assert_eq!(Request::parse(&text), Ok(subscribe(feed, ids)));
        assert!(feed.takes_products() || feed.audience() != Audience::Products);
    }
}

#[test]
fn what_is_no_request_has_its_answer() {
    const BAD_MESSAGE: &str = r#"{"event":"alert","message":"Bad websocket message"}"#;
    const BAD_REQUEST: &str = r#"{"event":"alert","message":"Bad request"}"#;
    const NO_FEED: &str = r#"{"event":"alert","message":"Couldn't subscribe to invalid feed"}"#;
    const NO_JSON: &str = r#"{"event":"error","message":"Json Error"}"#;
    let many = json!({"event": "subscribe", "feed": "book", "product_ids": vec!["A"; MAX_PRODUCT_IDS + 1]});
    for (text, error, answer) in [
        (r#"{"event":"ping"}"#, RequestError::UnknownMessage, BAD_MESSAGE),
        (r#"{"event":"Subscribe","feed":"heartbeat"}"#, RequestError::UnknownMessage, BAD_MESSAGE),
        (r#"{"event":7}"#, RequestError::UnknownMessage, BAD_MESSAGE),
        (r#"{"event":null}"#, RequestError::UnknownMessage, BAD_MESSAGE),
        (r#"{"feed":"book"}"#, RequestError::UnknownMessage, BAD_MESSAGE),
        ("{}", RequestError::UnknownMessage, BAD_MESSAGE),
        ("[]", RequestError::UnknownMessage, BAD_MESSAGE),
        ("1e999", RequestError::UnknownMessage, BAD_MESSAGE),
        (r#""subscribe""#, RequestError::UnknownMessage, BAD_MESSAGE),
        (r#"{"event":"challenge"}"#, RequestError::Malformed, BAD_REQUEST),
        (r#"{"event":"challenge","api_key":7}"#, RequestError::Malformed, BAD_REQUEST),
        (r#"{"event":"subscribe"}"#, RequestError::Malformed, BAD_REQUEST),
        (r#"{"event":"subscribe","feed":["book"]}"#, RequestError::Malformed, BAD_REQUEST),
        (
            r#"{"event":"subscribe","feed":"book","product_ids":"PF_XBTUSD"}"#,
            RequestError::Malformed,
            BAD_REQUEST,
        ),
        (r#"{"event":"subscribe","feed":"book","product_ids":[1]}"#, RequestError::Malformed, BAD_REQUEST),
        (
            r#"{"event":"subscribe","feed":"book","product_ids":["\ud800"]}"#,
            RequestError::Malformed,
            BAD_REQUEST,
        ),
        (&many.to_string(), RequestError::Malformed, BAD_REQUEST),
        (r#"{"event":"subscribe","feed":"liquidations"}"#, RequestError::UnknownFeed, NO_FEED),
        (r#"{"event":"subscribe","feed":"Book","product_ids":["A"]}"#, RequestError::UnknownFeed, NO_FEED),
        (r#"{"event":"unsubscribe","feed":""}"#, RequestError::UnknownFeed, NO_FEED),
        ("", RequestError::NotJson, NO_JSON),
        ("ping", RequestError::NotJson, NO_JSON),
        (r#"{"event":"ping"}}"#, RequestError::NotJson, NO_JSON),
        (r#"{"event":"ping""#, RequestError::NotJson, NO_JSON),
        ("{'event':'ping'}", RequestError::NotJson, NO_JSON),
    ] {
        assert_eq!(Request::parse(text), Err(error), "{text}");
        let mut out = Vec::new();
        error.write(&mut out);
        assert_eq!(String::from_utf8(out).as_deref(), Ok(answer), "{text}");
    }
    let most = json!({"event": "subscribe", "feed": "book", "product_ids": vec!["A"; MAX_PRODUCT_IDS]});
    assert!(Request::parse(&most.to_string()).is_ok(), "the most there may be");
}

/// Text that is nearly a request: its members in any order, each of any kind, cut anywhere.
fn nearly() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("\"subscribe\"".to_owned()),
        Just("\"challenge\"".to_owned()),
        Just("\"fills\"".to_owned()),
        Just("null".to_owned()),
        Just("[\"PF_XBTUSD\",null,[[]],{\"a\":\"\\ud83d\"}]".to_owned()),
        Just("-1.5e+400".to_owned()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap_or_default()),
    ];
    let name = prop_oneof![
        Just("event"),
        Just("feed"),
        Just("product_ids"),
        Just("api_key"),
        Just("original_challenge"),
        Just("signed_challenge"),
        Just("ev\\u0065nt"),
    ];
    let members = proptest::collection::vec((name, value), 0..8);
    (members, any::<proptest::sample::Index>(), any::<bool>()).prop_map(|(members, cut, whole)| {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let text = format!("{{{}}}", members.join(","));
        let end = if whole { text.len() } else { cut.index(text.len() + 1) };
        text.get(..end).unwrap_or(&text).to_owned()
    })
}

proptest! {
    #[test]
    fn any_text_is_a_request_or_has_an_answer(text in prop_oneof![any::<String>(), nearly()]) {
        match Request::parse(&text) {
            Ok(Request::Challenge { .. }) => {}
            Ok(Request::Subscribe(asked) | Request::Unsubscribe(asked)) => {
                prop_assert!(asked.product_ids.len() <= MAX_PRODUCT_IDS);
            }
            Err(error) => {
                let mut out = Vec::new();
                error.write(&mut out);
                let answer: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
                prop_assert_eq!(answer["event"] == "error", error == RequestError::NotJson);
                // What serde_json takes for JSON is never told to be none.
                prop_assert_eq!(
                    error == RequestError::NotJson,
                    serde_json::from_str::<serde::de::IgnoredAny>(&text).is_err()
                );
            }
        }
    }
}
