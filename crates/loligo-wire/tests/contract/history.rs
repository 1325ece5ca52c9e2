//! Answers of the history API.

use loligo_wire::account_log::{Conversion, LogEntry, LogInfo};
use loligo_wire::history::words::{ExecutionType, OrderType, PositionChange, TradeType};
use loligo_wire::history::{
    Amount, Distance, Element, Event, Execution, ExecutionSide, HistoryError, NotFound, Order, OrderEvent,
    OrderStep, PositionCause, PositionUpdate, PublicExecution, PublicPrice, Trade, Trigger, TriggerEvent,
    write_account_log, write_account_log_csv, write_account_page, write_public_page,
};
use loligo_wire::v3::words::{
    DeviationUnit, OrderError, OrderUpdateReason, Side, TriggerSide, TriggerSignal,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contract::{assert_allowed, history, validator, words};
use crate::sample::{ID, NOW, d, text, written};

const ACCOUNT: Uuid = Uuid::from_u128(0x1f2e_3d4c_5b6a_4798_8695_a4b3_c2d1_e0f1);
/// [`NOW`] in whole milliseconds.
const MILLIS: i64 = 1_767_225_600_123;

fn judge(list: &str) -> jsonschema::Validator {
    let history = history();
    for version in ["v2", "v3"] {
        let pointer = format!("/paths/~1api~1history~1{version}~1{list}/get/responses/200/$ref");
        assert!(history.pointer(&pointer).is_some(), "{pointer}");
    }
    let pointer = format!("/paths/~1api~1history~1v3~1{list}/get/responses/200/$ref");
    let response =
        history.pointer(&pointer).and_then(Value::as_str).expect("a reference").trim_start_matches('#');
    validator(&history, &format!("{response}/content/application~1json/schema"))
}

fn element<E>(event: E) -> Element<E> {
    Element { uid: Some(ID), timestamp: NOW, event }
}

/// The events of a page with these, as the contract allows them.
fn page<E: Event>(list: &str, events: impl IntoIterator<Item = E>) -> Vec<Value> {
    let elements = events.into_iter().map(element);
    let page = written(|out| write_account_page(out, ACCOUNT, elements, Some("bmV4dA=="), NOW));
    let page = assert_allowed(&judge(list), &page);
    let elements = page["elements"].as_array().expect("a list").clone();
    assert_eq!(page["accountUid"], ACCOUNT.to_string());
    assert_eq!(page["serverTime"], "2026-01-01T00:00:00.123Z");
    assert_eq!(page["len"], elements.len());
    assert_eq!(page["continuationToken"], "bmV4dA==");
    for element in &elements {
        assert_eq!((&element["uid"], &element["timestamp"]), (&json!(ID.to_string()), &json!(MILLIS)));
    }
    elements.into_iter().map(|mut element| element["event"].take()).collect()
}

fn order() -> Order<'static> {
    Order {
        uid: ID,
        account_uid: ACCOUNT,
        tradeable: "PF_XBTUSD",
        direction: Side::Buy,
        quantity: d("0.6").into(),
        filled: d("0.4"),
        timestamp: NOW,
        limit_price: d("49000").into(),
        order_type: OrderType::Limit,
        client_id: Some("mine"),
        reduce_only: true,
        last_update_timestamp: NOW,
    }
}

fn trigger() -> Trigger<'static> {
    Trigger {
        uid: ID,
        account_id: 7,
        account_uid: ACCOUNT,
        tradeable: "PF_XBTUSD",
        direction: Side::Sell,
        quantity: d("0.1").into(),
        timestamp: NOW,
        limit_price: None,
        order_type: OrderType::Market,
        client_id: None,
        reduce_only: true,
        last_update_timestamp: NOW,
        trigger_price: d("48000").into(),
        trigger_signal: TriggerSignal::Mark,
        trigger_side: TriggerSide::Below,
        trailing_stop: None,
        limit_price_offset: None,
    }
}

const REASON: OrderUpdateReason = OrderUpdateReason::PartialFill;

#[test]
fn an_order_is_told_with_its_open_size_and_what_was_filled() {
    let [placed] = &page(
        "orders",
        [OrderEvent::Step(OrderStep::Placed { order: order(), reason: OrderUpdateReason::NewUserOrder })],
    )[..] else {
        panic!("one")
    };
    assert_eq!(
        placed,
        &json!({"OrderPlaced": {"reason": "new_user_order", "reducedQuantity": "", "order": {
            "uid": ID.to_string(), "accountUid": ACCOUNT.to_string(), "tradeable": "PF_XBTUSD", "direction": "Buy",
            "quantity": "0.6", "filled": "0.4", "timestamp": MILLIS, "limitPrice": "49000", "orderType": "Limit",
            "clientId": "mine", "reduceOnly": true, "lastUpdateTimestamp": MILLIS, "spotData": null,
        }}})
    );
}

#[test]
fn every_kind_of_order_event_is_allowed() {
    let old = order();
    let new = Order { client_id: None, direction: Side::Sell, ..old };
    let events = page(
        "orders",
        [
            OrderEvent::Step(OrderStep::Placed { order: old, reason: REASON }),
            OrderEvent::Step(OrderStep::Updated { old, new, reason: REASON, reduced: Some(d("0.1")) }),
            OrderEvent::Step(OrderStep::Updated { old, new, reason: REASON, reduced: None }),
            OrderEvent::Step(OrderStep::Rejected {
                order: old,
                error: Some(OrderError::InsufficientMargin),
                reason: None,
            }),
            OrderEvent::Step(OrderStep::Cancelled { order: old, reason: OrderUpdateReason::DeadManSwitch }),
            OrderEvent::NotFound { account_uid: ACCOUNT, order: NotFound::Uid(ID) },
            OrderEvent::NotFound { account_uid: ACCOUNT, order: NotFound::ClientId("no \"such") },
            OrderEvent::EditRejected { old, attempted: new, error: Some(OrderError::EditHasNoEffect) },
        ],
    );
    assert_eq!(events[1]["OrderUpdated"]["reducedQuantity"], "0.1");
    assert_eq!(events[1]["OrderUpdated"]["newOrder"]["clientId"], "");
    assert_eq!(events[2]["OrderUpdated"]["reducedQuantity"], "");
    assert_eq!(events[3]["OrderRejected"]["orderError"], "INSUFFICIENT_MARGIN");
    assert_eq!(events[3]["OrderRejected"]["reason"], "new_user_order");
    assert_eq!(events[4]["OrderCancelled"]["reason"], "dead_man_switch");
    assert_eq!(events[5]["OrderNotFound"]["orderId"], format!("Uuid(uuid={ID})"));
    assert_eq!(events[6]["OrderNotFound"]["orderId"], "ClientId(id=no \"such)");
    assert_eq!(events[7]["OrderEditRejected"]["orderError"], "EDIT_HAS_NO_EFFECT");
}

#[test]
fn every_word_of_an_order_is_allowed() {
    let types = OrderType::ALL.iter().map(|&order_type| {
        OrderEvent::Step(OrderStep::Placed {
            order: Order { order_type, ..order() },
            reason: OrderUpdateReason::NewUserOrder,
        })
    });
    assert_eq!(
        page("orders", types).len(),
        words(&history(), "/components/schemas/HistoryOrderType/enum").len()
    );
    let refusals = OrderError::ALL.iter().map(|&error| {
        OrderEvent::Step(OrderStep::Rejected {
            order: order(),
            error: Some(error),
            reason: Some(OrderUpdateReason::PostWouldExecute),
        })
    });
    for (event, error) in page("orders", refusals).iter().zip(OrderError::ALL) {
        assert_eq!(event["OrderRejected"]["orderError"], error.as_str());
    }
    let wordless = OrderEvent::Step(OrderStep::Rejected { order: order(), error: None, reason: None });
    assert_eq!(page("orders", [wordless])[0]["OrderRejected"]["orderError"], "CLIENT_ORDER_ID_INVALID");
    for word in words(&history(), "/components/schemas/EventReason/examples") {
        let told = OrderUpdateReason::ALL.iter().any(|reason| reason.history_word() == Some(&word));
        assert!(told, "{word}");
    }
}

#[test]
fn what_was_refused_is_told_as_it_was_sent() {
    for (sent, told) in [
        (Amount::Written("0.00000000001"), "0.00000000001"),
        (Amount::Written("1e-05"), "0.00001"),
        (Amount::Written("+.50"), "0.5"),
        (Amount::Written("-1e400"), "-1e400"),
        (Amount::Written("+1e400"), "0"),
        (Amount::Written(".1e400"), "0"),
        (Amount::Written("1.e400"), "0"),
        (Amount::Written("text"), "0"),
        (Amount::Absent, "0"),
    ] {
        let refused = Order { quantity: sent, limit_price: sent, ..order() };
        let event = OrderEvent::Step(OrderStep::Rejected {
            order: refused,
            error: Some(OrderError::InvalidPrice),
            reason: None,
        });
        let order = &page("orders", [event])[0]["OrderRejected"]["order"];
        assert_eq!((&order["quantity"], &order["limitPrice"]), (&json!(told), &json!(told)), "{sent:?}");
    }
}

fn execution(role: ExecutionType) -> Execution<'static> {
    Execution {
        side: ExecutionSide {
            role,
            order: order(),
            fee: d("-0.1"),
            percentage_fee: d("0.05"),
            position_size: d("-1.5"),
            realized_pnl: d("2.25"),
        },
        trade: Trade {
            uid: ID,
            timestamp: NOW,
            quantity: d("0.2"),
            price: d("48999.5"),
            mark_price: d("49001.123456789"),
            limit_filled: false,
            old_taker: None,
            usd_value: d("9799.9"),
            taker_reduced: None,
        },
    }
}

#[test]
fn an_execution_tells_its_own_side_by_both_names() {
    for (role, order, data, others) in [
        (ExecutionType::Maker, "makerOrder", "makerOrderData", ["takerOrder", "takerOrderData"]),
        (ExecutionType::Taker, "takerOrder", "takerOrderData", ["makerOrder", "makerOrderData"]),
    ] {
        let events = page("executions", [execution(role)]);
        let told = &events[0]["execution"]["execution"];
        assert_eq!(told["executionType"], role.as_str());
        assert_eq!(told["order"]["quantity"], "0.6");
        assert_eq!(told["order"], told[order]);
        assert_eq!(
            told["orderData"],
            json!({"fee": "-0.1", "positionSize": "-1.5",
            "feeCalculationInfo": {"percentageFee": "0.05"}, "realizedPnl": "2.25"})
        );
        assert_eq!(told["orderData"], told[data]);
        for other in others {
            assert_eq!(told.get(other), None);
        }
        for (name, value) in [
            ("quantity", "0.2"),
            ("price", "48999.5"),
            ("markPrice", "49001.123456789"),
            ("usdValue", "9799.90"),
        ] {
            assert_eq!(told[name], value);
        }
        assert_eq!(events[0]["execution"]["takerReducedQuantity"], "");
        assert_eq!(told.get("oldTakerOrder"), None);
    }
}

#[test]
fn an_execution_after_an_edit_tells_what_was_edited() {
    let mut edited = execution(ExecutionType::Taker);
    edited.trade.old_taker = Some(Order { limit_price: d("40000").into(), ..order() });
    edited.trade.taker_reduced = Some(d("0.3"));
    let events = page("executions", [edited]);
    assert_eq!(events[0]["execution"]["execution"]["oldTakerOrder"]["limitPrice"], "40000");
    assert_eq!(events[0]["execution"]["takerReducedQuantity"], "0.3");
}

#[test]
fn every_kind_of_trigger_event_is_allowed() {
    let old = trigger();
    let trailing = Trigger {
        limit_price: Some(d("47000").into()),
        client_id: Some("stop"),
        trailing_stop: Some(Distance { value: d("1.5").into(), unit: DeviationUnit::Percent }),
        limit_price_offset: Some(Distance { value: d("-10").into(), unit: DeviationUnit::QuoteCurrency }),
        ..old
    };
    let error = Some(OrderError::InvalidPrice);
    let events = page(
        "triggers",
        [
            TriggerEvent::Placed { order: old, reason: OrderUpdateReason::NewUserOrder },
            TriggerEvent::Cancelled { order: trailing, reason: OrderUpdateReason::CancelledByUser },
            TriggerEvent::Updated { old, new: trailing, reason: OrderUpdateReason::TrailingStopPriceUpdated },
            TriggerEvent::Activated { order: old },
            TriggerEvent::EditRejected { old, attempted: trailing, reason: None, error },
        ],
    );
    let placed = &events[0]["OrderTriggerPlaced"]["order"];
    assert_eq!((&placed["limitPrice"], &placed["clientId"]), (&json!(""), &json!("")));
    assert_eq!(
        placed["triggerOptions"],
        json!({"triggerPrice": "48000", "triggerSignal": "MarkPrice", "triggerSide": "Below",
            "trailingStopOptions": null, "limitPriceOffset": null})
    );
    let options = &events[2]["OrderTriggerUpdated"]["newOrderTrigger"]["triggerOptions"];
    assert_eq!(options["trailingStopOptions"], json!({"maxDeviation": "1.5", "unit": "Percent"}));
    assert_eq!(options["limitPriceOffset"], json!({"priceOffset": "-10", "unit": "QuoteCurrency"}));
    assert_eq!(events[4]["OrderTriggerEditRejected"]["orderError"], "INVALID_PRICE");
    for &trigger_signal in TriggerSignal::ALL {
        for &trigger_side in TriggerSide::ALL {
            page(
                "triggers",
                [TriggerEvent::Activated { order: Trigger { trigger_signal, trigger_side, ..old } }],
            );
        }
    }
}

fn position(change: PositionChange, cause: PositionCause) -> PositionUpdate<'static> {
    PositionUpdate {
        account_uid: ACCOUNT,
        tradeable: "PF_XBTUSD",
        old_position: d("-1"),
        old_average_entry_price: Some(d("50000")),
        new_position: d("0"),
        new_average_entry_price: Some(d("50000")),
        fill_time: Some(NOW),
        fee: d("1"),
        currency: "USD",
        realized_pnl: d("-5"),
        realized_funding: d("0.5"),
        change,
        cause,
        timestamp: NOW,
    }
}

#[test]
fn a_position_update_tells_what_changed_and_why() {
    let trade =
        |trade_type| PositionCause::Trade { execution_uid: ID, price: d("50000"), size: d("1"), trade_type };
    let updates = PositionChange::ALL
        .iter()
        .flat_map(|&change| TradeType::ALL.iter().map(move |&kind| position(change, trade(kind))))
        .chain([
            position(PositionChange::NoChange, PositionCause::Funding { at: NOW }),
            position(PositionChange::Close, PositionCause::Settlement { price: d("50001") }),
            PositionUpdate {
                old_average_entry_price: None,
                new_average_entry_price: None,
                fill_time: None,
                ..position(PositionChange::Open, trade(TradeType::UserExecution))
            },
        ]);
    let events = page("positions", updates);
    let [.., funding, settlement, opened] = &events[..] else { panic!("three at least") };
    assert_eq!(funding["PositionUpdate"]["updateReason"], "fundingRealisation");
    assert_eq!(funding["PositionUpdate"]["fundingRealizationTime"], MILLIS);
    assert_eq!(settlement["PositionUpdate"]["updateReason"], "settlement");
    assert_eq!(settlement["PositionUpdate"]["settlementPrice"], "50001");
    assert_eq!(opened["PositionUpdate"]["oldAverageEntryPrice"], "");
    assert_eq!(opened["PositionUpdate"]["fillTime"], Value::Null);
    let first = &events[0]["PositionUpdate"];
    for (name, value) in [
        ("oldPosition", "-1"),
        ("executionSize", "1"),
        ("realizedPnL", "-5"),
        ("feeCurrency", "USD"),
        ("updateReason", "trade"),
    ] {
        assert_eq!(first[name], value);
    }
}

fn entry() -> LogEntry<'static> {
    LogEntry {
        id: 2,
        date: NOW,
        asset: "usd",
        info: LogInfo::FuturesTrade,
        booking_uid: ID,
        margin_account: "flex",
        old_balance: d("100"),
        new_balance: d("97.5"),
        old_average_entry_price: None,
        new_average_entry_price: None,
        trade_price: Some(d("50000")),
        mark_price: Some(d("50001")),
        realized_pnl: Some(d("-2")),
        fee: Some(d("0.5")),
        execution: Some(ID),
        collateral: Some("usd"),
        contract: Some("pf_xbtusd"),
        funding_rate: None,
        realized_funding: Some(d("0")),
        liquidation_fee: None,
        conversion: None,
    }
}

#[test]
fn the_account_log_has_numbers_and_every_member() {
    let judge = judge("account-log");
    let entries = LogInfo::ALL.iter().map(|&info| LogEntry { info, ..entry() });
    let answer = assert_allowed(&judge, &written(|out| write_account_log(out, ACCOUNT, entries, true)));
    for (row, info) in answer["logs"].as_array().expect("a list").iter().zip(LogInfo::ALL) {
        assert_eq!(row["info"], info.as_str());
        assert_eq!((&row["id"], &row["new_balance"]), (&json!(2), &json!(97.5)));
        assert_eq!(row["date"], "2026-01-01T00:00:00.123Z");
        assert_eq!((&row["funding_rate"], &row["position_uid"]), (&Value::Null, &Value::Null));
        assert_eq!(row.get("exchange_rate"), None);
    }
    let published: std::collections::BTreeSet<_> =
        words(&history(), "/components/schemas/AccountLogInfo/enum").into_iter().collect();
    assert_eq!(published, LogInfo::ALL.iter().map(|info| info.as_str().to_owned()).collect());
}

#[test]
fn a_conversion_tells_its_terms_when_asked() {
    let converted = LogEntry {
        info: LogInfo::Conversion,
        contract: None,
        execution: None,
        conversion: Some(Conversion {
            spread_percentage: d("0.2"),
            exchange_rate: d("1.1"),
            exchange_rate_from: "eur",
            fee: d("0.05"),
        }),
        ..entry()
    };
    let judge = judge("account-log");
    for details in [false, true] {
        let answer =
            assert_allowed(&judge, &written(|out| write_account_log(out, ACCOUNT, [converted], details)));
        let row = &answer["logs"][0];
        assert_eq!(row["conversion_spread_percentage"], 0.2);
        assert_eq!((&row["execution"], &row["contract"]), (&Value::Null, &Value::Null));
        assert_eq!(row.get("exchange_rate").is_some(), details);
        assert_eq!(row.get("conversion_fee").is_some(), details);
    }
    let csv = text(|out| write_account_log_csv(out, [converted], true));
    assert!(
        csv.lines().next().expect("a header").ends_with(",exchange rate,exchange rate from,conversion fee")
    );
    assert!(csv.trim_end().ends_with(",0.2,,,1.1,eur,0.05"), "{csv}");
}

#[test]
fn the_log_as_text_has_the_columns_of_the_contract() {
    let csv = text(|out| write_account_log_csv(out, [entry()], false));
    let [header, row] = csv.lines().collect::<Vec<_>>()[..] else { panic!("two lines: {csv}") };
    let history = history();
    let said = history["components"]["responses"]["AccountLogCsv"]["description"].as_str().expect("a text");
    let columns = said.split("(observed): ").nth(1).and_then(|rest| rest.split(';').next()).expect("a list");
    let columns: Vec<_> =
        columns.split(',').map(|name| name.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(header.split(',').collect::<Vec<_>>(), columns);
    assert_eq!(
        row,
        format!(
            "{ID},2026-01-01 00:00:00,flex,futures trade,usd,pf_xbtusd,-2.5,97.5,,50000,50001,,-2,0.5,0,usd,,,"
        )
    );
}

#[test]
fn a_market_tells_no_owner() {
    let public = order().public();
    let judge_orders = judge("market~1{tradeable}~1orders");
    let error = Some(OrderError::PostWouldExecute);
    let elements = [
        OrderStep::Placed { order: public, reason: OrderUpdateReason::NewUserOrder },
        OrderStep::Updated { old: public, new: public, reason: REASON, reduced: None },
        OrderStep::Cancelled { order: public, reason: OrderUpdateReason::CancelledByUser },
        OrderStep::Rejected { order: public, error, reason: Some(OrderUpdateReason::PostWouldExecute) },
    ]
    .map(element);
    let orders = text(|out| write_public_page(out, elements, Some("next")));
    let page = assert_allowed(&judge_orders, orders.as_bytes());
    assert_eq!((&page["len"], &page["continuationToken"]), (&json!(4), &json!("next")));
    let trade = PublicExecution {
        maker: public,
        taker: public,
        trade: Trade {
            uid: ID,
            timestamp: NOW,
            quantity: d("0.2"),
            price: d("49000"),
            mark_price: d("49001"),
            limit_filled: true,
            old_taker: Some(public),
            usd_value: d("9800"),
            taker_reduced: None,
        },
    };
    let executions = text(|out| write_public_page(out, [element(trade)], None));
    let page = assert_allowed(&judge("market~1{tradeable}~1executions"), executions.as_bytes());
    assert_eq!(page.get("continuationToken"), None);
    let told = &page["elements"][0]["event"]["Execution"]["execution"];
    assert_eq!((&told["usdValue"], &told["limitFilled"]), (&json!("9800.00"), &json!(true)));
    for text in [orders, executions] {
        for private in [ACCOUNT.to_string().as_str(), "mine", "\"filled\"", "serverTime", "fee"] {
            assert!(!text.contains(private), "{private}: {text}");
        }
    }
}

#[test]
fn a_mark_price_has_no_name() {
    let price = Element { uid: None, timestamp: NOW, event: PublicPrice { price: d("49001.5") } };
    let page = written(|out| write_public_page(out, [price], None));
    let page = assert_allowed(&judge("market~1{tradeable}~1price"), &page);
    assert_eq!(page["elements"][0]["uid"], "");
    assert_eq!(page["elements"][0]["event"]["MarkPriceChanged"]["price"], "49001.5");
    let none: [Element<PublicPrice>; 0] = [];
    let empty = written(|out| write_public_page(out, none, None));
    assert_eq!(assert_allowed(&judge("market~1{tradeable}~1price"), &empty)["len"], 0);
}

#[test]
fn errors_say_what_is_wrong() {
    let judge = validator(&history(), "/components/schemas/HistoryError");
    let example =
        history()["components"]["responses"]["Unauthorized"]["content"]["application/json"]["example"].take();
    let told = assert_allowed(&judge, &written(|out| HistoryError::unauthorized().write(out)));
    assert_eq!(told, example);
    for error in [HistoryError::bad_request("count"), HistoryError::unavailable("behind")] {
        let told = assert_allowed(&judge, &written(|out| error.write(out)));
        assert_eq!(told["status"], error.status);
    }
}
