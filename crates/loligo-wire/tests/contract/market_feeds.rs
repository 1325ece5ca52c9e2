//! The public feeds beside the book's, held against the schema and the examples.

use loligo_wire::charts::{Candle, Resolution, TickType};
use loligo_wire::decimal::Decimal;
use loligo_wire::words::{Side, TickerTag};
use loligo_wire::ws1::{CandlesFeed, Funding, Ticker, TickerLite, Trade, TradeKind, write_trade_snapshot};

use serde_json::json;

use crate::contract::{validator, websocket};
use crate::sample::d;
use crate::ws1::{as_example, at, id, judged};

fn lite() -> TickerLite<'static> {
    TickerLite {
        product_id: "PF_XBTUSD",
        bid: Some((d("64050"), d("0.418"))),
        ask: Some((d("64051"), d("1.2025"))),
        change: d("-0.84"),
        premium: Decimal::ZERO,
        volume: d("1873.4406"),
        volume_quote: d("120016205.11"),
        tag: TickerTag::Perpetual,
        pair: "XBT:USD",
        days_to_maturity: 0,
        maturity: None,
    }
}

fn funding() -> Funding {
    Funding {
        rate: d("0.7311"),
        rate_prediction: d("0.6904"),
        relative_rate: d("0.00001141"),
        relative_rate_prediction: d("0.00001078"),
        next_time: at(1_796_043_600_000),
    }
}

fn perpetual() -> Ticker<'static> {
    Ticker {
        lite: lite(),
        time: at(1_796_040_001_003),
        last: Some(d("64051")),
        open: Some(d("64594")),
        high: Some(d("64880")),
        low: Some(d("63710")),
        index: d("64048.37"),
        mark_price: d("64049.91204"),
        open_interest: d("912.3341"),
        leverage: Some(d("50")),
        suspended: false,
        post_only: false,
        funding: Some(funding()),
    }
}

#[test]
fn tickers_are_those_of_the_examples() {
    // The examples write small rates with an exponent; as numbers they are the same.
    let perpetual_told = judged("Ticker", |out| perpetual().write(out));
    assert_eq!(perpetual_told["relative_funding_rate"].to_string(), "0.00001141");
    assert_eq!(perpetual_told["relative_funding_rate_prediction"].to_string(), "0.00001078");
    as_example("ticker-perpetual.json", "Ticker", |out| {
        let mut told = Vec::new();
        perpetual().write(&mut told);
        let told = String::from_utf8(told).expect("text");
        let told = told.replace(":0.00001141", ":1.141e-05").replace(":0.00001078", ":1.078e-05");
        out.extend_from_slice(told.as_bytes());
    });
    let dated = Ticker {
        lite: TickerLite {
            product_id: "FF_XBTUSD_261225",
            bid: Some((d("64390"), d("0.05"))),
            ask: Some((d("64402"), d("0.11"))),
            change: d("-0.61"),
            premium: d("0.6"),
            volume: d("41.22"),
            volume_quote: d("2654361.9"),
            tag: TickerTag::Month,
            days_to_maturity: 24,
            maturity: Some(at(1_798_185_600_000)),
            ..lite()
        },
        last: Some(d("64395")),
        open: Some(d("64790")),
        high: Some(d("65020")),
        low: Some(d("64101")),
        mark_price: d("64396.2"),
        open_interest: d("38.4402"),
        leverage: Some(d("25")),
        funding: None,
        ..perpetual()
    };
    as_example("ticker-dated.json", "Ticker", |out| dated.write(out));
    as_example("ticker_lite.json", "TickerLite", |out| lite().write(out));
}

#[test]
fn a_ticker_leaves_out_what_there_is_not() {
    let nothing = Ticker {
        lite: TickerLite { bid: None, ask: None, ..lite() },
        last: None,
        open: None,
        high: None,
        low: None,
        leverage: None,
        funding: Some(Funding { rate: Decimal::ZERO, relative_rate: Decimal::ZERO, ..funding() }),
        ..perpetual()
    };
    let told = judged("Ticker", |out| nothing.write(out));
    for name in [
        "bid",
        "ask",
        "bid_size",
        "ask_size",
        "last",
        "open",
        "high",
        "low",
        "leverage",
        "funding_rate",
        "relative_funding_rate",
    ] {
        assert_eq!(told.get(name), None, "{name}");
    }
    assert_eq!(told["funding_rate_prediction"].to_string(), "0.6904");
    // The small one says zero instead: one client reads both sides whatever is there.
    let told = judged("TickerLite", |out| nothing.lite.write(out));
    assert_eq!((told["bid"].as_u64(), told["ask"].as_u64()), (Some(0), Some(0)));
    for &tag in TickerTag::ALL {
        judged("TickerLite", |out| TickerLite { tag, ..lite() }.write(out));
    }
}

fn trade() -> Trade<'static> {
    Trade {
        product_id: "PF_XBTUSD",
        uid: id("9a1b2c3d-64e7-4f11-8d2a-aa50c9e70b12"),
        side: Side::Sell,
        kind: TradeKind::Fill,
        seq: 5_121,
        time: at(1_796_040_000_655),
        qty: d("0.002"),
        price: d("64050"),
    }
}

#[test]
fn trades_are_those_of_the_examples() {
    as_example("trade.json", "Trade", |out| trade().write(out));
    let liquidation = Trade {
        uid: id("0f9e8d7c-2211-4c3b-b0aa-77e61d2c3b4a"),
        side: Side::Buy,
        kind: TradeKind::Liquidation,
        seq: 5_122,
        time: at(1_796_040_000_702),
        qty: d("0.75"),
        price: d("64053"),
        ..trade()
    };
    as_example("trade-liquidation.json", "Trade", |out| liquidation.write(out));
    let newest = Trade {
        uid: id("b0d1c0de-31f5-4a51-93e6-2a7b40c6a118"),
        side: Side::Buy,
        seq: 5_120,
        time: at(1_796_039_999_790),
        qty: d("0.0125"),
        price: d("64051"),
        ..trade()
    };
    let before = Trade {
        uid: id("4fb7d6a2-8c0e-4b7e-a0b1-6f7a9d1f9e55"),
        seq: 5_119,
        time: at(1_796_039_998_520),
        qty: d("0.3"),
        price: d("64049"),
        ..trade()
    };
    as_example("trade_snapshot.json", "TradeSnapshot", |out| {
        write_trade_snapshot(out, "PF_XBTUSD", [newest, before]);
    });
    judged("TradeSnapshot", |out| write_trade_snapshot(out, "PF_XBTUSD", []));
    for &kind in TradeKind::ALL {
        judged("Trade", |out| Trade { kind, ..trade() }.write(out));
    }
}

#[test]
fn candles_are_those_of_the_examples() {
    let feed = CandlesFeed { tick_type: TickType::Trade, resolution: Resolution::OneMinute };
    let candle = |close, volume| Candle {
        time: at(1_796_040_000_000),
        open: d("64040"),
        high: d("64055"),
        low: d("64038"),
        close: d(close),
        volume: d(volume),
    };
    // The examples pad the volume; as a number it is the same.
    let padded = |write: &dyn Fn(&mut Vec<u8>), out: &mut Vec<u8>| {
        let mut told = Vec::new();
        write(&mut told);
        let told = String::from_utf8(told).expect("text");
        out.extend_from_slice(
            told.replace("\"3.414\"", "\"3.41400000\"").replace("\"3.412\"", "\"3.41200000\"").as_bytes(),
        );
    };
    as_example("candles.json", "Candle", |out| {
        padded(&|out| feed.write(out, "PF_XBTUSD", &candle("64051", "3.414")), out);
    });
    as_example("candles_snapshot.json", "Candle", |out| {
        padded(&|out| feed.write_snapshot(out, "PF_XBTUSD", &candle("64050", "3.412")), out);
    });
}

#[test]
fn the_feeds_of_candles_are_all_those_that_the_schema_allows() {
    let schema = websocket();
    let request = validator(&schema, "/$defs/ClientPublic");
    let allows = |feed: &str| {
        request.is_valid(&json!({ "event": "subscribe", "feed": feed, "product_ids": ["PF_XBTUSD"] }))
    };
    let mut names = Vec::new();
    for &tick_type in TickType::ALL {
        for &resolution in Resolution::ALL {
            let feed = CandlesFeed { tick_type, resolution };
            assert_eq!(CandlesFeed::from_word(&feed.to_string()), Some(feed));
            assert!(allows(&feed.to_string()), "{feed}");
            names.push(feed.to_string());
        }
    }
    assert_eq!(names.len(), 27);
    for word in [
        "candles_trade",
        "candles_trade_2m",
        "candles_index_1m",
        "candles_trade_1m_snapshot",
        "candles__1m",
        "candles_trade_1M",
        "candle_trade_1m",
        "trade",
        "",
    ] {
        assert_eq!(CandlesFeed::from_word(word), None, "{word}");
        assert!(word == "trade" || !allows(word), "{word}");
    }
}
