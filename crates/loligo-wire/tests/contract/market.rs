//! Answers about markets.

use loligo_wire::v3::responses::{
    Funding, Instrument, InstrumentStatus, MarginLevel, MarginLevelFrom, Ticker, Trade, TradingInstrument,
    write_history, write_instrument_status, write_instruments, write_instruments_status, write_order_book,
    write_ticker, write_tickers, write_trading_instruments,
};
use loligo_wire::v3::words::{DislocationDirection, InstrumentType, Side, TickerTag, TradeType};

use serde_json::{Value, json};

use crate::contract::{answer_pointer, assert_published, assert_valid, rest, validator};
use crate::sample::{ID, NOW, d, written};

#[test]
fn a_book_has_two_sides() {
    let judge = validator(&rest(), &answer_pointer("get", "/orderbook"));
    let bids = [(d("40178"), d("5")), (d("40174.5"), d("4.2"))];
    let answer =
        assert_valid(&judge, &written(|out| write_order_book(out, bids, [(d("40186"), d("1"))], NOW)));
    assert_eq!(
        answer["orderBook"],
        serde_json::json!({ "bids": [[40178, 5], [40174.5, 4.2]], "asks": [[40186, 1]] })
    );
    assert_valid(&judge, &written(|out| write_order_book(out, [], [], NOW)));
}

#[test]
fn trades_are_numbered_by_row() {
    let judge = validator(&rest(), &answer_pointer("get", "/history"));
    let trades = TradeType::ALL.iter().map(|&trade_type| Trade {
        price: d("81830"),
        side: Side::Sell,
        size: d("0.8988"),
        time: NOW,
        trade_type,
        uid: ID,
        sequence_id: u64::MAX,
    });
    let answer = assert_valid(&judge, &written(|out| write_history(out, trades, NOW)));
    let rows = answer["history"].as_array().expect("a list");
    for (row, trade) in rows.iter().enumerate() {
        assert_eq!(trade["trade_id"], row + 1);
        assert_eq!(trade["type"], TradeType::ALL[row].as_str());
        assert_eq!(trade["time"], "2026-01-01T00:00:00.123456Z");
        assert_eq!(trade["sequence_id"], "18446744073709551615");
        assert!(trade["size"].is_number());
    }
}

fn perpetual() -> Instrument<'static> {
    const LEVELS: &[MarginLevel] = &[MarginLevel {
        from: MarginLevelFrom::Notional(loligo_wire::decimal::Decimal::ZERO),
        initial_margin: loligo_wire::decimal::Decimal::new(1, 2),
        maintenance_margin: loligo_wire::decimal::Decimal::new(5, 3),
    }];
    Instrument {
        symbol: "PF_XBTUSD",
        instrument_type: InstrumentType::FlexibleFutures,
        underlying: None,
        pair: "BTC:USD",
        base: "BTC",
        quote: "USD",
        tick_size: d("1"),
        contract_size: d("1"),
        contract_value_trade_precision: 4,
        impact_mid_size: d("0.08"),
        max_position_size: d("1200"),
        opening_date: NOW,
        last_trading_time: None,
        margin_levels: LEVELS,
        funding_rate_coefficient: Some(8),
        max_relative_funding_rate: Some(d("0.005")),
        min_relative_funding_rate: None,
        isin: Some("GB00BQ84JX13"),
        post_only: false,
        fee_schedule_uid: Some("723888f7-0a8e-4183-8648-f920a22339e3"),
        mtf: true,
        tradfi: false,
        category: "Layer 1",
        platforms_permitted: &["loligo"],
        countries_banned: &[],
        is_expired: false,
        tradeable: true,
        maker_protection_millis: None,
    }
}

#[test]
fn instruments_have_what_clients_need() {
    let rest = rest();
    let judge = validator(&rest, &answer_pointer("get", "/instruments"));
    let contracts = [MarginLevel {
        from: MarginLevelFrom::Contracts(d("500000")),
        initial_margin: d("0.04"),
        maintenance_margin: d("0.02"),
    }];
    let dated = Instrument {
        symbol: "FI_XBTUSD_260327",
        instrument_type: InstrumentType::FuturesInverse,
        underlying: Some("rr_xbtusd"),
        contract_value_trade_precision: -1,
        last_trading_time: Some(NOW),
        margin_levels: &contracts,
        funding_rate_coefficient: None,
        max_relative_funding_rate: None,
        isin: None,
        fee_schedule_uid: None,
        maker_protection_millis: Some(20),
        ..perpetual()
    };
    let answer = assert_valid(
        &judge,
        &written(|out| {
            let rows = [perpetual(), dated].map(|instrument| written(|row| instrument.write(row)));
            write_instruments(out, rows.iter().map(|row| &**row), NOW);
        }),
    );
    let instruments = answer["instruments"].as_array().expect("a list");
    for instrument in instruments {
        assert_published(&rest, "Instrument", instrument);
        // One client reads the whole list strictly and needs these of each.
        for name in [
            "openingDate",
            "marginLevels",
            "contractValueTradePrecision",
            "postOnly",
            "mtf",
            "base",
            "quote",
            "pair",
            "tickSize",
            "contractSize",
            "tradeable",
            "type",
        ] {
            assert!(instrument.get(name).is_some(), "{name}");
        }
    }
    assert_eq!(instruments[0]["openingDate"], "2026-01-01T00:00:00Z");
    // A typed client refuses the whole list without these two.
    assert_eq!(
        (&instruments[0]["platformsPermitted"], &instruments[0]["countriesBanned"]),
        (&json!(["loligo"]), &json!([]))
    );
    assert_eq!(instruments[0].get("lastTradingTime"), None, "else it would be taken for a dated market");
    assert!(instruments[0]["fundingRateCoefficient"].is_i64());
    assert_eq!(instruments[1]["lastTradingTime"], "2026-01-01T00:00:00Z");
    assert_eq!(instruments[1]["marginLevels"][0]["contracts"], 500_000);
}

#[test]
fn an_account_sees_its_own_instruments() {
    let rest = rest();
    let judge = validator(&rest, &answer_pointer("get", "/trading/instruments"));
    let open = TradingInstrument {
        instrument: perpetual(),
        minimum_trade_size: d("0.0001"),
        rebate_levels: &[(d("0.5"), d("0.002")), (d("1"), d("0.0030"))],
        restricted: false,
    };
    let bare =
        Instrument { isin: None, fee_schedule_uid: None, maker_protection_millis: Some(20), ..perpetual() };
    let closed = TradingInstrument { instrument: bare, rebate_levels: &[], restricted: true, ..open };
    let answer = assert_valid(&judge, &written(|out| write_trading_instruments(out, [open, closed], NOW)));
    let known = rest.pointer("/components/schemas/TradingInstrument/properties").expect("a schema");
    for instrument in answer["instruments"].as_array().expect("a list") {
        assert_published(&rest, "TradingInstrument", instrument);
        for member in instrument.as_object().expect("an object").keys() {
            assert!(known.get(member).is_some(), "{member} is not in the contract");
        }
    }
    let (open, closed) = (&answer["instruments"][0], &answer["instruments"][1]);
    assert_eq!(open["rebateLevels"], serde_json::json!({ "0.5": 0.002, "1": 0.003 }));
    assert_eq!((&open["isin"], &open["minimumTradeSize"]), (&"GB00BQ84JX13".into(), &0.0001.into()));
    assert_eq!((&open["restricted"], &closed["restricted"]), (&false.into(), &true.into()));
    assert_eq!((&closed["isin"], &closed["feeScheduleUid"]), (&Value::Null, &Value::Null));
    assert_eq!(closed["makerProtectionMillis"], 20);
}

#[test]
fn states_of_markets_are_told_singly_and_together() {
    let rest = rest();
    let calm = InstrumentStatus {
        symbol: "PF_XBTUSD",
        dislocation: None,
        extreme_volatility: false,
        initial_margin_multiplier: 1,
    };
    let mut statuses = vec![calm];
    statuses.extend(DislocationDirection::ALL.iter().map(|&direction| InstrumentStatus {
        dislocation: Some(direction),
        extreme_volatility: true,
        initial_margin_multiplier: 2,
        ..calm
    }));
    let judge = validator(&rest, &answer_pointer("get", "/instruments/status"));
    let answer = assert_valid(&judge, &written(|out| write_instruments_status(out, statuses, NOW)));
    assert_eq!(answer["instrumentStatus"][0]["priceDislocationDirection"], Value::Null);
    assert_eq!(answer["instrumentStatus"][1]["experiencingDislocation"], true);
    let judge = validator(&rest, &answer_pointer("get", "/instruments/{symbol}/status"));
    let answer = assert_valid(&judge, &written(|out| write_instrument_status(out, &calm, NOW)));
    assert_eq!(answer["tradeable"], "PF_XBTUSD");
}

fn ticker() -> Ticker<'static> {
    Ticker {
        symbol: "PF_XBTUSD",
        last: Some((d("81783"), NOW, d("0.0099"))),
        tag: TickerTag::Perpetual,
        pair: "XBT:USD",
        mark_price: d("81780.434623335"),
        index_price: Some(d("81770.17")),
        bid: Some((d("81782"), d("0.0225"))),
        ask: Some((d("81784"), d("0.0873"))),
        vol24h: d("8076.6192"),
        volume_quote: d("661565749.685"),
        open_interest: d("2357.1126"),
        open24h: Some(d("83241")),
        high24h: Some(d("83487")),
        low24h: Some(d("80320")),
        vwap24h: Some(d("81911.2221714")),
        change24h: d("-1.75"),
        funding: Some(Funding {
            rate: d("1.4840707878906"),
            rate_prediction: d("1.30091458365"),
            relative_rate: d("1.8166270833333e-05"),
            relative_rate_prediction: d("1.5901875e-05"),
        }),
        suspended: false,
        post_only: false,
    }
}

#[test]
fn tickers_leave_out_what_is_not_known() {
    let rest = rest();
    let judge = validator(&rest, &answer_pointer("get", "/tickers"));
    let quiet = |&tag: &TickerTag| Ticker {
        tag,
        last: None,
        bid: None,
        ask: None,
        open24h: None,
        high24h: None,
        low24h: None,
        vwap24h: None,
        funding: None,
        ..ticker()
    };
    let tickers = std::iter::once(ticker()).chain(TickerTag::ALL.iter().map(quiet));
    let answer = assert_valid(
        &judge,
        &written(|out| {
            let rows: Vec<_> = tickers.map(|ticker| written(|row| ticker.write(row))).collect();
            write_tickers(out, rows.iter().map(|row| &**row), NOW);
        }),
    );
    let tickers = answer["tickers"].as_array().expect("a list");
    for ticker in tickers {
        assert_published(&rest, "MarketTicker", ticker);
    }
    for member in
        ["last", "lastTime", "lastSize", "bid", "bidSize", "ask", "askSize", "fundingRate", "open24h"]
    {
        assert!(tickers[0].get(member).is_some() && tickers[1].get(member).is_none(), "{member}");
    }
    let judge = validator(&rest, &answer_pointer("get", "/tickers/{symbol}"));
    let one = written(|out| write_ticker(out, &ticker(), NOW));
    assert_valid(&judge, &one);
    let one = String::from_utf8_lossy(&one);
    assert!(one.contains(r#""relativeFundingRate":0.000018166270833333,"#), "no exponent: {one}");
    assert!(one.contains(r#""lastTime":"2026-01-01T00:00:00.123456Z""#), "{one}");
}
