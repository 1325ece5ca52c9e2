//! The messages of the WebSocket API, held against its schema and its examples.

use loligo_wire::decimal::Decimal;
use loligo_wire::time::Timestamp;
use loligo_wire::v3::words::{DeviationUnit, FillType, OrderUpdateReason, Side, TriggerSignal};
use loligo_wire::ws1::{
    Alert, Answer, BookUpdate, Credentials, Feed, Fill, FillOrderType, OpenOrder, OpenOrderType,
    OrderRemoval, OrderUpdate, OrdersFeed, Request, RequestError, TrailingStopOptions, write_book_snapshot,
    write_challenge, write_fills, write_fills_snapshot, write_heartbeat, write_info,
    write_open_orders_snapshot,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contract::{assert_valid, example, example_names, validator, websocket, words};
use crate::sample::{d, text, written};

/// Judges a message by the definition it is meant to be, and by what a server may send at all.
pub fn judged(definition: &str, write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let body = written(write);
    let schema = websocket();
    assert_valid(&validator(&schema, "/$defs/ServerMessage"), &body);
    assert_valid(&validator(&schema, &format!("/$defs/{definition}")), &body)
}

/// The same value with every number as the example's reader sees it: `84001.0` is `84001`.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            json!(text.strip_suffix(".0").unwrap_or(&text))
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        other => other.clone(),
    }
}

/// Judges a message and demands that it says what an example of the contract says.
pub fn as_example(name: &str, definition: &str, write: impl FnOnce(&mut Vec<u8>)) {
    assert_eq!(plain(&judged(definition, write)), plain(&example(name)), "{name}");
}

pub fn at(millis: i64) -> Timestamp {
    // Whatever stands behind the milliseconds is cut.
    Timestamp::from_micros(millis * 1000 + 999)
}

pub fn id(text: &str) -> Uuid {
    text.parse().expect("a UUID")
}

pub const ACCOUNT: &str = "6f1d2c5e-0b7a-4e0f-9a35-1f6c8f4d2b90";

fn credentials() -> Credentials<'static> {
    Credentials {
        api_key: "HqpcoCapN52mIFR3tTNxVgD3bD3Q3YdWJWJFQonhLkEFVdy23y/Sqj92oH63DABU".into(),
        original_challenge: "7d0e4c12-55f3-4a9b-8a61-0c9e2f7b1d34".into(),
        signed_challenge:
            "gmFepyUuvpB4tki6TI7aqm2u6oYOm/Db+hFZKdb9M0hdRi6K1eE90B0lYp2I5vRUtUfD6ns9XrH6Pv8ahEEYmQ==".into(),
    }
}

#[test]
fn every_request_of_the_examples_is_read() {
    let schema = websocket();
    let judge = validator(&schema, "/$defs/ClientMessage");
    let mut read = 0;
    for name in example_names().into_iter().filter(|name| name.starts_with("client-")) {
        let text = example(&name).to_string();
        assert_valid(&judge, text.as_bytes());
        match Request::parse(&text) {
            Ok(Request::Challenge { api_key }) => assert_eq!(api_key, credentials().api_key),
            Ok(Request::Subscribe(asked) | Request::Unsubscribe(asked)) => {
                let private = name.contains("private") || name.contains("fills");
                assert_eq!(asked.credentials, private.then(credentials), "{name}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
        read += 1;
    }
    assert_eq!(read, 7);
}

#[test]
fn the_feeds_are_those_of_the_contract() {
    let schema = websocket();
    let mut known = words(&schema, "/$defs/ClientPublic/properties/feed/anyOf/0/enum");
    known.extend(words(&schema, "/$defs/ClientPrivate/properties/feed/enum"));
    let ours: Vec<&str> = Feed::ALL.iter().map(|feed| feed.as_str()).collect();
    known.sort_by_key(|name| ours.iter().position(|feed| feed == name));
    assert_eq!(known, ours);
}

#[test]
fn answers_are_those_of_the_examples() {
    as_example("info.json", "Info", write_info);
    as_example("challenge.json", "Challenge", |out| {
        write_challenge(out, id("7d0e4c12-55f3-4a9b-8a61-0c9e2f7b1d34"));
    });
    for (name, joined, feed, product_id) in [
        ("subscribed-heartbeat.json", true, Feed::Heartbeat, None),
        ("subscribed-public.json", true, Feed::Book, Some("PF_XBTUSD")),
        ("unsubscribed-public.json", false, Feed::Book, Some("PF_ETHUSD")),
        ("subscribed-private.json", true, Feed::OpenOrders, None),
        ("unsubscribed-private.json", false, Feed::OpenOrders, None),
    ] {
        let answer = Answer { joined, feed: feed.into(), product_id };
        as_example(name, "Subscription", |out| answer.write(out));
    }
    for (name, alert) in [
        ("alert-invalid-product.json", Alert::InvalidProduct("PF_NOPEUSD")),
        ("alert-invalid-feed.json", Alert::InvalidFeed),
        ("alert-auth-failed.json", Alert::NotAuthenticated),
        ("alert-already-subscribed.json", Alert::AlreadySubscribed),
        ("alert-not-subscribed.json", Alert::NotSubscribed),
        ("alert-bad-message.json", Alert::BadMessage),
        ("alert-bad-request.json", Alert::BadRequest),
        ("alert-rate-limited.json", Alert::RateLimited),
        ("alert-engine-unavailable.json", Alert::Unavailable),
    ] {
        as_example(name, "Alert", |out| alert.write(out));
    }
    judged("Alert", |out| Alert::InvalidProduct("quo\"te\u{1}").write(out));
    judged("Error", |out| RequestError::NotJson.write(out));
    // Clients' own tests read these as text.
    assert_eq!(text(write_info), r#"{"event":"info","version":1}"#);
    let answer = Answer { joined: true, feed: Feed::Book.into(), product_id: Some("PI_XBTUSD") };
    assert_eq!(
        text(|out| answer.write(out)),
        r#"{"event":"subscribed","feed":"book","product_ids":["PI_XBTUSD"]}"#
    );
    let heartbeat = judged("Heartbeat", |out| write_heartbeat(out, at(1_796_040_000_000)));
    assert_eq!(heartbeat, json!({"feed": "heartbeat", "time": 1_796_040_000_000_i64}));
}

#[test]
fn books_are_those_of_the_examples() {
    as_example("book_snapshot.json", "BookSnapshot", |out| {
        let bids = [(d("64050"), d("0.418")), (d("64049"), d("2.5"))];
        let asks = [(d("64051"), d("1.2025")), (d("64054"), d("0.6"))];
        write_book_snapshot(out, "PF_XBTUSD", at(1_796_040_000_120), 880_041, bids, asks);
    });
    judged("BookSnapshot", |out| write_book_snapshot(out, "PF_XBTUSD", at(0), 0, [], []));
    let update = BookUpdate {
        product_id: "PF_XBTUSD",
        side: Side::Buy,
        seq: 880_042,
        price: d("64050"),
        qty: d("0.416"),
        timestamp: at(1_796_040_000_655),
    };
    as_example("book.json", "Book", |out| update.write(out));
    let removed = BookUpdate {
        side: Side::Sell,
        seq: 880_043,
        price: d("64054"),
        qty: Decimal::ZERO,
        timestamp: at(1_796_040_000_690),
        ..update
    };
    as_example("book-remove.json", "Book", |out| removed.write(out));
}

fn order() -> OpenOrder<'static> {
    OpenOrder {
        instrument: "PF_XBTUSD",
        time: at(1_796_040_000_000),
        last_update_time: at(1_796_040_000_000),
        qty: d("0.5"),
        filled: Decimal::ZERO,
        limit_price: Some(d("63900")),
        stop_price: Decimal::ZERO,
        order_type: OpenOrderType::Limit,
        order_id: id("c4a9b7d0-1e2f-4a3b-8c4d-5e6f70819203"),
        cli_ord_id: Some("mm-0001"),
        side: Side::Buy,
        reduce_only: false,
        trigger_signal: None,
        trailing_stop_options: None,
    }
}

fn stop() -> OpenOrder<'static> {
    OpenOrder {
        qty: d("0.25"),
        limit_price: None,
        stop_price: d("62500"),
        order_type: OpenOrderType::Stop,
        order_id: id("d5b0c8e1-2f30-4b4c-9d5e-6f7081920314"),
        cli_ord_id: None,
        side: Side::Sell,
        reduce_only: true,
        trigger_signal: Some(TriggerSignal::Mark),
        ..order()
    }
}

#[test]
fn open_orders_are_those_of_the_examples() {
    let trailing = OpenOrder {
        qty: d("0.1"),
        stop_price: d("63400.5"),
        order_type: OpenOrderType::TrailingStop,
        order_id: id("e6c1d9f2-3041-4c5d-8e6f-708192031425"),
        cli_ord_id: Some("trail-7"),
        trigger_signal: Some(TriggerSignal::Last),
        trailing_stop_options: Some(TrailingStopOptions {
            max_deviation: d("1.5"),
            unit: DeviationUnit::Percent,
        }),
        ..stop()
    };
    as_example("open_orders_snapshot.json", "OpenOrdersSnapshot", |out| {
        write_open_orders_snapshot(out, OrdersFeed::Plain, id(ACCOUNT), [order(), stop(), trailing]);
    });
    as_example("open_orders_verbose_snapshot.json", "OpenOrdersSnapshot", |out| {
        write_open_orders_snapshot(out, OrdersFeed::Verbose, id(ACCOUNT), []);
    });

    let moved = OpenOrder { limit_price: Some(d("63950")), ..order() };
    let hit = |qty, filled, at_millis| OpenOrder {
        qty: d(qty),
        filled: d(filled),
        last_update_time: at(at_millis),
        ..moved
    };
    let from_stop = OpenOrder {
        time: at(1_796_040_009_000),
        last_update_time: at(1_796_040_009_000),
        limit_price: Some(d("61875")),
        stop_price: Decimal::ZERO,
        order_type: OpenOrderType::Limit,
        trigger_signal: None,
        ..stop()
    };
    let refused = OpenOrder {
        limit_price: Some(d("64051")),
        order_id: id("f7d2ea03-4152-4d6e-9f70-819203142536"),
        cli_ord_id: Some("mm-0002"),
        ..order()
    };
    use OrderUpdateReason as Reason;
    use OrdersFeed::{Plain, Verbose};
    for (name, feed, order, is_cancel, reason) in [
        ("open_orders-placed.json", Plain, order(), false, Reason::NewUserOrder),
        ("open_orders-edited.json", Plain, hit("0.5", "0", 1_796_040_005_000), false, Reason::EditedByUser),
        (
            "open_orders-partial_fill.json",
            Plain,
            hit("0.3", "0.2", 1_796_040_006_100),
            false,
            Reason::PartialFill,
        ),
        ("open_orders-full_fill.json", Plain, hit("0", "0.5", 1_796_040_006_400), true, Reason::FullFill),
        ("open_orders-limit_order_from_stop.json", Plain, from_stop, false, Reason::LimitFromStop),
        ("open_orders_verbose-post_rejected.json", Verbose, refused, true, Reason::PostWouldExecute),
    ] {
        let reason = reason.ws_word().expect("a word of the feed");
        let update = OrderUpdate { feed, order, is_cancel, reason };
        as_example(name, "OpenOrdersUpdate", |out| update.write(out));
    }
    for (name, order, reason) in [
        ("open_orders-cancelled.json", trailing, Reason::CancelledByUser),
        ("open_orders-stop_order_triggered.json", stop(), Reason::StopOrderTriggered),
    ] {
        let removal = OrderRemoval {
            feed: Plain,
            order_id: order.order_id,
            cli_ord_id: order.cli_ord_id,
            reason: reason.ws_word().expect("a word of the feed"),
        };
        as_example(name, "OpenOrdersRemoval", |out| removal.write(out));
    }
}

#[test]
fn every_reason_and_kind_is_one_of_the_schema() {
    for feed in [OrdersFeed::Plain, OrdersFeed::Verbose] {
        // A reason of a later version is told as it is; the schema lists only those known.
        let known = OrderUpdateReason::ALL.iter().filter(|reason| **reason != OrderUpdateReason::Unknown);
        for reason in known.filter_map(|reason| reason.ws_word()) {
            for is_cancel in [false, true] {
                let update = OrderUpdate { feed, order: order(), is_cancel, reason };
                judged("OpenOrdersUpdate", |out| update.write(out));
            }
            let removal = OrderRemoval { feed, order_id: order().order_id, cli_ord_id: None, reason };
            if reason != "trailing_stop_price_updated" {
                judged("OpenOrdersRemoval", |out| removal.write(out));
            }
        }
    }
    let units = [DeviationUnit::Percent, DeviationUnit::QuoteCurrency];
    for ((&order_type, &signal), unit) in
        OpenOrderType::ALL.iter().zip(TriggerSignal::ALL).zip(units.into_iter().cycle())
    {
        let trailing_stop_options = Some(TrailingStopOptions { max_deviation: d("10"), unit });
        let order = OpenOrder { order_type, trigger_signal: Some(signal), trailing_stop_options, ..stop() };
        judged("OpenOrdersSnapshot", |out| {
            write_open_orders_snapshot(out, OrdersFeed::Plain, id(ACCOUNT), [order]);
        });
    }
}

fn fill() -> Fill<'static> {
    Fill {
        instrument: "PF_XBTUSD",
        time: at(1_796_039_910_000),
        price: d("64120"),
        seq: 11,
        side: Side::Sell,
        qty: d("0.25"),
        remaining_order_qty: Decimal::ZERO,
        order_id: id("f7d2ea03-4152-4d6e-9f70-819203142536"),
        cli_ord_id: None,
        fill_id: id("1c2d3e4f-5a6b-4c7d-8e9f-a0b1c2d3e4f5"),
        fill_type: FillType::Taker,
        fee_paid: d("8.015"),
        fee_currency: "USD",
        taker_order_type: FillOrderType::Market,
        order_type: FillOrderType::Market,
    }
}

#[test]
fn fills_are_those_of_the_examples() {
    let bought = Fill {
        time: at(1_796_039_997_000),
        price: d("63950"),
        seq: 12,
        side: Side::Buy,
        qty: d("0.1"),
        remaining_order_qty: d("0.4"),
        order_id: id("c4a9b7d0-1e2f-4a3b-8c4d-5e6f70819203"),
        cli_ord_id: Some("mm-0001"),
        fill_id: id("2d3e4f50-6b7c-4d8e-9fa0-b1c2d3e4f506"),
        fill_type: FillType::Maker,
        fee_paid: d("1.279"),
        taker_order_type: FillOrderType::ImmediateOrCancel,
        order_type: FillOrderType::Post,
        ..fill()
    };
    as_example("fills_snapshot.json", "FillsSnapshot", |out| {
        write_fills_snapshot(out, id(ACCOUNT), [fill(), bought]);
    });
    let newest = Fill {
        time: at(1_796_040_006_100),
        seq: 13,
        qty: d("0.2"),
        remaining_order_qty: d("0.3"),
        fill_id: id("3e4f5061-7c8d-4e9f-a0b1-c2d3e4f50617"),
        fee_paid: d("2.558"),
        order_type: FillOrderType::Limit,
        ..bought
    };
    as_example("fills.json", "Fills", |out| write_fills(out, id(ACCOUNT), [newest]));
    judged("FillsSnapshot", |out| write_fills_snapshot(out, id(ACCOUNT), []));
    for (&order_type, &fill_type) in FillOrderType::ALL.iter().zip(FillType::ALL.iter().cycle()) {
        let fee_paid = d("-0.00000000001");
        let row = Fill { order_type, taker_order_type: order_type, fill_type, fee_paid, ..fill() };
        judged("Fills", |out| write_fills(out, id(ACCOUNT), [row]));
    }
}
