//! Each list of words is the contract's, in its order.

use loligo_wire::v3::words::*;
use serde_json::Value;

use crate::contract::{rest, seed, websocket, words};

/// Asserts that an enum has exactly the words at some place of a document.
macro_rules! same_words {
    ($document:expr, $pointer:expr, $name:ident) => {
        let ours: Vec<String> = $name::ALL.iter().map(|word| word.as_str().to_owned()).collect();
        assert_eq!(ours, words($document, $pointer), "{}", $pointer);
        for word in $name::ALL {
            assert_eq!($name::from_word(word.as_str()), Some(*word));
        }
        assert_eq!($name::from_word("no such word"), None);
    };
}

fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words
}

fn collect(words: impl IntoIterator<Item = Option<&'static str>>) -> Vec<String> {
    sorted(words.into_iter().flatten().map(str::to_owned).collect())
}

#[test]
fn the_words_of_the_seed_are_complete() {
    let seed = seed();
    same_words!(&seed, "/components/schemas/OrderStatusJson/enum", OrderStatus);
    same_words!(&seed, "/components/schemas/OrderUpdateReason/enum", OrderUpdateReason);
    same_words!(&seed, "/components/schemas/OrderError/enum", OrderError);
    same_words!(&seed, "/components/schemas/Error/enum", Error);
    same_words!(&seed, "/components/schemas/CachedOrderJson/properties/type/enum", OrderKind);
    assert_eq!((OrderError::ALL.len(), Error::ALL.len(), OrderUpdateReason::ALL.len()), (42, 17, 23));
    trigger_words(&seed, "/components/schemas/TriggerOptions/properties");
}

fn trigger_words(document: &Value, properties: &str) {
    assert_eq!(
        collect(TriggerSide::ALL.iter().map(|side| Some(side.status_word()))),
        sorted(words(document, &format!("{properties}/triggerSide/enum")))
    );
    assert_eq!(
        collect(TriggerSignal::ALL.iter().map(|signal| Some(signal.status_word()))),
        sorted(words(document, &format!("{properties}/triggerSignal/enum")))
    );
}

#[test]
fn the_words_of_the_rest_contract_are_complete() {
    let rest = rest();
    let schema = |path: &str| format!("/components/schemas/{path}");
    same_words!(&rest, &schema("OrderStatusJson/enum"), OrderStatus);
    same_words!(&rest, &schema("OrderUpdateReason/enum"), OrderUpdateReason);
    same_words!(&rest, &schema("OrderError/enum"), OrderError);
    same_words!(&rest, &schema("Error/enum"), Error);
    same_words!(&rest, &schema("SendOrderStatus/enum"), SendStatus);
    same_words!(&rest, &schema("CancelOrderStatusJson/properties/status/enum"), CancelStatus);
    same_words!(&rest, &schema("CancelAllOrdersStatusJson/properties/status/enum"), CancelAllStatus);
    same_words!(&rest, &schema("OrderJson/properties/type/enum"), EventOrderType);
    same_words!(&rest, &schema("OrderJson/properties/side/enum"), Side);
    same_words!(&rest, &schema("SendOrderForm/properties/orderType/enum"), OrderType);
    same_words!(&rest, &schema("SendOrderForm/properties/trailingStopDeviationUnit/enum"), DeviationUnit);
    same_words!(&rest, &schema("EditOrderSpringForm/properties/qtyMode/enum"), QuantityMode);
    same_words!(&rest, &schema("OpenOrderJson/properties/status/enum"), OpenOrderStatus);
    same_words!(&rest, &schema("RejectEvent/properties/reason/enum"), RejectReason);
    same_words!(&rest, &schema("FillJson/properties/fillType/enum"), FillType);
    same_words!(&rest, &schema("HistoryJson/properties/type/enum"), TradeType);
    same_words!(&rest, &schema("OpenPositionJson/properties/side/enum"), PositionSide);
    same_words!(&rest, &schema("Instrument/properties/type/enum"), InstrumentType);
    same_words!(&rest, &schema("ContractType/enum"), ContractType);
    same_words!(&rest, &schema("MarketTicker/properties/tag/enum"), TickerTag);
    same_words!(&rest, &schema("SelfTradeStrategy/enum"), SelfTradeStrategy);
    same_words!(
        &rest,
        &schema("InstrumentStatus/properties/priceDislocationDirection/enum"),
        DislocationDirection
    );
    trigger_words(&rest, &schema("TriggerOptions/properties"));
}

#[test]
fn words_outside_a_list_of_their_own_are_in_the_contract() {
    let rest = rest();
    let schema = |path: &str| words(&rest, &format!("/components/schemas/{path}"));
    let send = schema("SendOrderStatus/enum");

    let published_edit = schema("EditOrderStatus/properties/status/anyOf/0/enum");
    let edit: Vec<_> = EditStatus::ALL.iter().map(|word| word.as_str().to_owned()).collect();
    assert_eq!(edit[..published_edit.len()], published_edit);
    for word in edit.iter().chain(&schema("BatchInstructionStatus/anyOf/0/enum")) {
        assert!(send.contains(word), "{word}");
    }
    let open = schema("OpenOrderJson/properties/orderType/enum");
    for word in OpenOrderType::ALL {
        assert!(open.contains(&word.as_str().to_owned()), "{word}");
    }

    let trigger = "OrderTriggerJson/properties";
    assert_eq!(
        collect(TriggerSide::ALL.iter().map(|side| Some(side.event_word()))),
        sorted(schema(&format!("{trigger}/triggerSide/enum")))
    );
    assert_eq!(
        collect(TriggerSignal::ALL.iter().map(|signal| Some(signal.event_word()))),
        sorted(schema(&format!("{trigger}/triggerSignal/enum")))
    );
    assert_eq!(
        collect(TriggerSignal::ALL.iter().map(|signal| signal.feed_word())),
        sorted(schema("OpenOrderJson/properties/triggerSignal/enum"))
    );
    for word in schema("SendOrderForm/properties/triggerSignal/enum") {
        assert!(TriggerSignal::from_request(&word).is_some(), "{word}");
    }
    assert_eq!(TriggerSignal::from_request("spot"), Some(TriggerSignal::Index));
}

/// What a send, a `send` of a batch, and an edit say when a check fails.
type Statuses = (OrderError, &'static str, &'static str, Option<&'static str>);

#[test]
fn each_refusal_has_its_status_in_each_request() {
    use OrderError as E;
    let everywhere = [
        (E::MarketSuspended, "marketSuspended"),
        (E::MarketNotFound, "marketInactive"),
        (E::InvalidPrice, "invalidPrice"),
        (E::InvalidQuantity, "invalidSize"),
        (E::SmallOrderLimitExceeded, "tooManySmallOrders"),
        (E::OrderLimitExceeded, "tooManyOrders"),
        (E::TrailingStopOrderLimitExceeded, "tooManyOrders"),
        (E::InsufficientMargin, "insufficientAvailableFunds"),
        (E::InsufficientClosingMargin, "insufficientAvailableFunds"),
        (E::WouldCauseLiquidation, "wouldCauseLiquidation"),
        (E::MaxPositionExceeded, "maxPositionViolation"),
        (E::PriceCollar, "outsidePriceCollar"),
        (E::PriceDislocation, "wouldIncreasePriceDislocation"),
        (E::EditHasNoEffect, "edited"),
        (E::OrderForEditNotFound, "orderForEditNotFound"),
        (E::PostWouldExecute, "postWouldExecute"),
        (E::IocWouldNotExecute, "iocWouldNotExecute"),
        (E::WouldExecuteSelf, "selfFill"),
        (E::WouldNotReducePosition, "wouldNotReducePosition"),
        (E::RejectedAfterExecution, "partiallyFilled"),
        (E::MarketIsPostOnly, "marketIsPostOnly"),
        (E::FixedLeverageTooHigh, "fixedLeverageTooHigh"),
        (E::CannotEditTriggerPriceOfTrailingStop, "cannotEditTriggerPriceOfTrailingStop"),
        (E::CannotEditLimitPriceOfTrailingStop, "cannotEditLimitPriceOfTrailingStop"),
        (E::TrailingStopPercentDeviationExceedsMaxDecimalPlaces, "invalidPrice"),
        (E::TrailingStopQuoteDeviationNotMultipleOfTickSize, "invalidPrice"),
        (E::TrailingStopMaxDeviationTooLarge, "invalidPrice"),
        (E::TrailingStopMaxDeviationTooSmall, "invalidPrice"),
        (E::InsufficientHeadroomAroundCurrentPriceToEditTrailingStop, "invalidPrice"),
        (E::NoReferencePriceAvailableForCalculatingTrailingStopTriggerPrice, "invalidPrice"),
        (E::LimitPriceSetAsAbsoluteAndRelative, "invalidPrice"),
        (E::LimitPriceOffsetValueInvalid, "invalidPrice"),
        (E::LimitPriceOffsetUnitInvalid, "invalidPrice"),
        (E::LimitPriceOffsetMustHaveValueAndUnit, "invalidPrice"),
        (E::LimitPriceOffsetQuoteCurrencyValueMustBeMultipleOfTickSize, "invalidPrice"),
        (E::LimitPriceOffsetPercentValueTooManyDecimalPlaces, "invalidPrice"),
        (E::LimitPriceOffsetTooHigh, "invalidPrice"),
        (E::LimitPriceOffsetTooLow, "invalidPrice"),
    ];
    let apart: [Statuses; 4] = [
        (E::ClientOrderIdTooLong, "clientOrderIdTooBig", "clientOrderIdTooLong", None),
        (E::ClientOrderIdInUse, "clientOrderIdAlreadyExist", "clientOrderIdAlreadyExist", None),
        (E::OrderCannotHaveTriggerPrice, "invalidPrice", "invalidPrice", Some("orderForEditNotAStop")),
        (E::OrderForCancellationNotFound, "notFound", "notFound", None),
    ];
    let rows: Vec<Statuses> =
        everywhere.into_iter().map(|(error, word)| (error, word, word, Some(word))).chain(apart).collect();
    for &(error, send, batch, edit) in &rows {
        assert_eq!(error.send_status().as_str(), send, "{error}");
        assert_eq!(error.batch_status().as_str(), batch, "{error}");
        assert_eq!(error.edit_status().map(EditStatus::as_str), edit, "{error}");
    }
    for error in E::ALL {
        assert_eq!(rows.iter().filter(|row| row.0 == *error).count(), 1, "{error}");
    }
}

#[test]
fn edits_and_cancels_of_a_batch_keep_their_words() {
    for &status in EditStatus::ALL {
        assert_eq!(SendStatus::from(status).as_str(), status.as_str());
    }
    for &status in CancelStatus::ALL {
        assert_eq!(SendStatus::from(status).as_str(), status.as_str());
    }
}

#[test]
fn the_feed_has_a_word_for_each_reason() {
    use OrderUpdateReason as R;
    let rows = [
        (R::LoadingMarket, None),
        (R::NewUserOrder, Some("new_placed_order_by_user")),
        (R::LiquidationOrder, Some("liquidation")),
        (R::StopOrderTriggered, Some("stop_order_triggered")),
        (R::LimitFromStop, Some("limit_order_from_stop")),
        (R::PartialFill, Some("partial_fill")),
        (R::FullFill, Some("full_fill")),
        (R::CancelledByUser, Some("cancelled_by_user")),
        (R::ContractExpired, Some("contract_expired")),
        (R::NotEnoughMargin, Some("not_enough_margin")),
        (R::MarketInactive, Some("market_inactive")),
        (R::DeadManSwitch, Some("dead_man_switch")),
        (R::CancelledByAdmin, Some("cancelled_by_admin")),
        (R::PostWouldExecute, Some("post_order_failed_because_it_would_filled")),
        (R::IocWouldNotExecute, Some("ioc_order_failed_because_it_would_not_be_executed")),
        (R::WouldExecuteSelf, Some("would_execute_self")),
        (R::WouldNotReducePosition, Some("would_not_reduce_position")),
        (R::EditedByUser, Some("edited_by_user")),
        (R::OrderForEditNotFound, Some("order_for_edit_not_found")),
        (R::Expired, Some("contract_expired")),
        (R::TrailingStopPriceUpdated, Some("trailing_stop_price_updated")),
        (R::TrailingStopCancelledAndReplacedByAdmin, Some("cancelled_by_admin")),
        (R::Unknown, Some("unknown")),
    ];
    assert_eq!(rows.map(|(reason, _)| reason), R::ALL);
    for (reason, word) in rows {
        assert_eq!(reason.ws_word(), word, "{reason}");
    }
    // The feed's own list has no word for the unknown, which no record of this version's own has.
    let known = R::ALL.iter().filter(|&&reason| reason != R::Unknown);
    let mut spelled = collect(known.map(|reason| reason.ws_word()));
    spelled.dedup();
    let published = words(&websocket(), "/$defs/OpenOrdersUpdate/properties/reason/enum");
    assert_eq!(spelled, sorted(published));
}

#[test]
fn units_are_read_in_any_case() {
    assert_eq!(DeviationUnit::from_any_case("percent"), Some(DeviationUnit::Percent));
    assert_eq!(DeviationUnit::from_any_case("Quote_Currency"), Some(DeviationUnit::QuoteCurrency));
    assert_eq!(DeviationUnit::from_any_case("TICKS"), None);
}
