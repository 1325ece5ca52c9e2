//! The dialect's one route table: every path of the contract's documents, served or not, and the contract's name for what is
//! asked there. What is not built yet is answered in one form, whatever document it is of: `Unavailable`, not the 404 of
//! a path that nobody has.

use super::history::Asked;
use crate::operations::{self, Operations};
use http::Method;
use std::sync::LazyLock;

/// What is asked at a path by a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Market data, for everyone.
    Public(Public),
    /// With a key.
    Private(Private),
    /// What happened, with a key or without.
    History(Asked),
    /// In the contract, not served yet.
    Missing,
}

impl Operation {
    /// Whether anyone may ask, pages of other origins too.
    pub(crate) fn is_public(self) -> bool {
        match self {
            Self::Public(_) => true,
            Self::History(asked) => asked.is_public(),
            Self::Private(_) | Self::Missing => false,
        }
    }
}

/// What is asked without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Public {
    Instruments,
    InstrumentsStatus,
    InstrumentStatus,
    Tickers,
    Ticker,
    OrderBook,
    History,
    FeeSchedules,
}

/// What is asked with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Private {
    SendOrder,
    EditOrder,
    CancelOrder,
    CancelAllOrders,
    CancelAllOrdersAfter,
    BatchOrder,
    OpenOrders,
    OrdersStatus,
    Accounts,
    OpenPositions,
    Fills,
    TradingInstruments,
    InitialMargin,
    MaxOrderSize,
    LeveragePreferences,
    SetLeveragePreference,
    SelfTradeStrategy,
    SetSelfTradeStrategy,
    Subaccounts,
    TradingEnabled,
    SetTradingEnabled,
    Transfer,
    SubaccountTransfer,
    Withdrawal,
}

use Operation::History as Past;
use Operation::Missing as Gap;
use Operation::Private as Key;
use Operation::Public as Pub;
use Private as K;
use Public as P;

const V3: &str = "/derivatives/api/v3";
const V4: &str = "/derivatives/api/v4";
const HISTORY2: &str = "/api/history/v2";
const HISTORY3: &str = "/api/history/v3";
const CHARTS: &str = "/api/charts/v1";

/// What each method does at a path, and under which name in the contract.
type Methods = &'static [(Method, &'static str, Operation)];

/// Base, path, methods. What two methods do alike has one name, the first of [`ALIASES`]. Four lists are given to POST too,
/// which the contract does not have there: one widespread client asks so.
#[rustfmt::skip]
const TABLE: &[(&str, &str, Methods)] = &[
    (V3, "/orderbook", &[(Method::GET, "getOrderbook", Pub(P::OrderBook))]),
    (V3, "/tickers", &[(Method::GET, "getTickers", Pub(P::Tickers))]),
    (V3, "/tickers/{symbol}", &[(Method::GET, "getTicker", Pub(P::Ticker))]),
    (V3, "/history", &[(Method::GET, "getHistory", Pub(P::History))]),
    (V3, "/instruments", &[(Method::GET, "getInstruments", Pub(P::Instruments))]),
    (V3, "/instruments/status", &[(Method::GET, "instrumentsStatus", Pub(P::InstrumentsStatus))]),
    (V3, "/instruments/{symbol}/status", &[(Method::GET, "instrumentStatus", Pub(P::InstrumentStatus))]),
    (V3, "/trading/instruments", &[(Method::GET, "getTradingInstruments", Key(K::TradingInstruments))]),
    (V3, "/sendorder", &[(Method::POST, "sendOrder", Key(K::SendOrder))]),
    (V3, "/editorder", &[(Method::POST, "editOrderSpring", Key(K::EditOrder))]),
    (V3, "/cancelorder", &[(Method::POST, "cancelOrder", Key(K::CancelOrder))]),
    (V3, "/cancelallorders", &[(Method::POST, "cancelAllOrders", Key(K::CancelAllOrders))]),
    (V3, "/cancelallordersafter", &[(Method::POST, "cancelAllOrdersAfter", Key(K::CancelAllOrdersAfter))]),
    (V3, "/batchorder", &[(Method::POST, "sendBatchOrder", Key(K::BatchOrder))]),
    (V3, "/openorders", &[
        (Method::GET, "getOpenOrders", Key(K::OpenOrders)),
        (Method::POST, "getOpenOrders", Key(K::OpenOrders)),
    ]),
    (V3, "/orders/status", &[
        (Method::POST, "getOrderStatus", Key(K::OrdersStatus)),
        (Method::GET, "getOrderStatus", Key(K::OrdersStatus)),
    ]),
    (V3, "/initialmargin", &[(Method::GET, "getInitialMargin", Key(K::InitialMargin))]),
    (V3, "/initialmargin/maxordersize", &[(Method::GET, "getMaxOrderSize", Key(K::MaxOrderSize))]),
    (V3, "/leveragepreferences", &[
        (Method::GET, "getLeverageSetting", Key(K::LeveragePreferences)),
        (Method::PUT, "setLeverageSetting", Key(K::SetLeveragePreference)),
    ]),
    (V3, "/pnlpreferences", &[
        (Method::GET, "getPnlCurrencyPreference", Gap),
        (Method::PUT, "setPnlCurrencyPreference", Gap),
    ]),
    (V3, "/accounts", &[
        (Method::GET, "getAccounts", Key(K::Accounts)),
        (Method::POST, "getAccounts", Key(K::Accounts)),
    ]),
    (V3, "/openpositions", &[
        (Method::GET, "getOpenPositions", Key(K::OpenPositions)),
        (Method::POST, "getOpenPositions", Key(K::OpenPositions)),
    ]),
    (V3, "/unwindqueue", &[(Method::GET, "getUnwindQueue", Gap)]),
    (V3, "/portfolio-margining/parameters", &[(Method::GET, "getPortfolioMarginingParameters", Gap)]),
    (V3, "/portfolio-margining/simulate", &[(Method::POST, "simulatePortfolio", Gap)]),
    (V3, "/assignmentprogram/current", &[(Method::GET, "getAssignmentProgramCurrent", Gap)]),
    (V3, "/assignmentprogram/add", &[(Method::POST, "addAssignmentProgram", Gap)]),
    (V3, "/assignmentprogram/delete", &[(Method::POST, "deleteAssignmentProgram", Gap)]),
    (V3, "/assignmentprogram/history", &[(Method::GET, "getAssignmentProgramHistory", Gap)]),
    (V3, "/feeschedules", &[(Method::GET, "getFeeSchedulesV3", Pub(P::FeeSchedules))]),
    (V3, "/feeschedules/volumes", &[(Method::GET, "getUserFeeScheduleVolumesV3", Gap)]),
    (V3, "/notifications", &[(Method::GET, "getNotifications", Gap)]),
    (V3, "/fills", &[
        (Method::GET, "getFills", Key(K::Fills)),
        (Method::POST, "getFills", Key(K::Fills)),
    ]),
    (V3, "/historical-funding-rates", &[(Method::GET, "historicalFundingRates", Gap)]),
    (V4, "/historicalfundingrates", &[(Method::GET, "historicalFundingRatesV4", Gap)]),
    (V3, "/self-trade-strategy", &[
        (Method::GET, "getSelfTradeStrategy", Key(K::SelfTradeStrategy)),
        (Method::PUT, "setSelfTradeStrategy", Key(K::SetSelfTradeStrategy)),
    ]),
    (V3, "/rfq-assignment/max-leverage", &[
        (Method::GET, "getRfqAssignmentMaxLeverage", Gap),
        (Method::PUT, "setRfqAssignmentMaxLeverage", Gap),
        (Method::DELETE, "clearRfqAssignmentMaxLeverage", Gap),
    ]),
    (V3, "/subaccounts", &[(Method::GET, "listSubaccounts", Key(K::Subaccounts))]),
    (V3, "/subaccount/{subaccountUid}/trading-enabled", &[
        (Method::GET, "getSubaccountTradingCapability", Key(K::TradingEnabled)),
        (Method::PUT, "updateSubaccountTradingCapability", Key(K::SetTradingEnabled)),
    ]),
    (V3, "/transfer", &[(Method::POST, "transfer", Key(K::Transfer))]),
    (V3, "/transfer/subaccount", &[(Method::POST, "subAccountTransfer", Key(K::SubaccountTransfer))]),
    (V3, "/withdrawal", &[(Method::POST, "withdrawal", Key(K::Withdrawal))]),
    (V3, "/rfqs", &[(Method::GET, "getAllOpenRfqs", Gap)]),
    (V3, "/rfqs/{rfqUid}", &[(Method::GET, "getRfq", Gap)]),
    (V3, "/rfqs/open-offers", &[(Method::GET, "getOpenRfqOffers", Gap)]),
    (V3, "/rfqs/closed-offers", &[(Method::GET, "getClosedRfqOffers", Gap)]),
    (V3, "/rfqs/place-offer/{rfqUid}", &[(Method::POST, "placeRfqOffer", Gap)]),
    (V3, "/rfqs/cancel-offer/{rfqUid}", &[(Method::DELETE, "cancelRfqOffer", Gap)]),
    (V3, "/rfqs/open-rfqs", &[(Method::GET, "getOpenRfqsForAccount", Gap), (Method::POST, "createUserRfq", Gap)]),
    (V3, "/rfqs/open-rfqs/{rfqUid}", &[(Method::DELETE, "cancelUserRfq", Gap)]),
    (V3, "/rfqs/open-rfqs/accept-offer/{rfqUid}", &[(Method::POST, "acceptRfqOffer", Gap)]),
    (V3, "/rfqs/{rfqUid}/place-offer", &[(Method::POST, "placeRfqOfferLegacy", Gap)]),
    (V3, "/rfqs/{rfqUid}/replace-offer", &[(Method::PUT, "replaceRfqOffer", Gap)]),
    (V3, "/rfqs/{rfqUid}/cancel-offer", &[(Method::DELETE, "cancelRfqOfferLegacy", Gap)]),
    (HISTORY3, "/orders", &[(Method::GET, "getOrderEventsV3", Past(Asked::Orders))]),
    (HISTORY2, "/orders", &[(Method::GET, "getOrderEventsV2", Past(Asked::Orders))]),
    (HISTORY3, "/executions", &[(Method::GET, "getExecutionEventsV3", Past(Asked::Executions))]),
    (HISTORY2, "/executions", &[(Method::GET, "getExecutionEventsV2", Past(Asked::Executions))]),
    (HISTORY3, "/triggers", &[(Method::GET, "getTriggerEventsV3", Past(Asked::Triggers))]),
    (HISTORY2, "/triggers", &[(Method::GET, "getTriggerEventsV2", Past(Asked::Triggers))]),
    (HISTORY3, "/positions", &[(Method::GET, "getPositionEventsV3", Past(Asked::Positions))]),
    (HISTORY2, "/positions", &[(Method::GET, "getPositionEventsV2", Past(Asked::Positions))]),
    (HISTORY3, "/account-log", &[(Method::GET, "getAccountLogV3", Past(Asked::AccountLog))]),
    (HISTORY2, "/account-log", &[(Method::GET, "getAccountLogV2", Past(Asked::AccountLog))]),
    (HISTORY3, "/accountlogcsv", &[(Method::GET, "getAccountLogCsvV3", Past(Asked::AccountLogCsv))]),
    (HISTORY2, "/accountlogcsv", &[(Method::GET, "getAccountLogCsvV2", Past(Asked::AccountLogCsv))]),
    (HISTORY3, "/market/{tradeable}/orders", &[(Method::GET, "getPublicOrderEventsV3", Past(Asked::MarketOrders))]),
    (HISTORY2, "/market/{tradeable}/orders", &[(Method::GET, "getPublicOrderEventsV2", Past(Asked::MarketOrders))]),
    (HISTORY3, "/market/{tradeable}/executions", &[(Method::GET, "getPublicExecutionEventsV3", Past(Asked::MarketExecutions))]),
    (HISTORY2, "/market/{tradeable}/executions", &[(Method::GET, "getPublicExecutionEventsV2", Past(Asked::MarketExecutions))]),
    (HISTORY3, "/market/{tradeable}/price", &[(Method::GET, "getPublicPriceEventsV3", Past(Asked::MarketPrice))]),
    (HISTORY2, "/market/{tradeable}/price", &[(Method::GET, "getPublicPriceEventsV2", Past(Asked::MarketPrice))]),
    // One widespread client asks here for what the contract has elsewhere.
    (V3, "/orders", &[(Method::GET, "getOrderEventsV3", Past(Asked::Orders))]),
    (V3, "/executions", &[(Method::GET, "getExecutionEventsV3", Past(Asked::Executions))]),
    (V3, "/triggers", &[(Method::GET, "getTriggerEventsV3", Past(Asked::Triggers))]),
    (V3, "/accountlogcsv", &[(Method::GET, "getAccountLogCsvV3", Past(Asked::AccountLogCsv))]),
    (CHARTS, "", &[(Method::GET, "getTickTypes", Gap)]),
    (CHARTS, "/", &[(Method::GET, "getTickTypes", Gap)]),
    (CHARTS, "/{tick_type}", &[(Method::GET, "getChartMarkets", Gap)]),
    (CHARTS, "/{tick_type}/{symbol}", &[(Method::GET, "getChartResolutions", Gap)]),
    (CHARTS, "/{tick_type}/{symbol}/{resolution}", &[(Method::GET, "getCandles", Gap)]),
    (CHARTS, "/analytics/liquidity-pool", &[(Method::GET, "getLiquidityPoolStats", Gap)]),
    (CHARTS, "/analytics/{symbol}/{analytics_type}", &[(Method::GET, "getMarketAnalytics", Gap)]),
    ("", "/api/auth/v1/api-keys/v3/check", &[(Method::GET, "checkApiKeyV3", Gap)]),
    ("", "/api/stats/v1/rebates/self-market-share", &[(Method::GET, "getSelfMarketShare", Gap)]),
];

/// Names of the contract for what another name does, and that one.
const ALIASES: [(&str, &str); 1] = [("getOrderStatusByGet", "getOrderStatus")];

/// A request's place in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'p> {
    /// The operation's name in the contract.
    pub(crate) name: &'static str,
    pub(crate) operation: Operation,
    /// The part of the path that names something, where there is one.
    pub(crate) named: Option<&'p str>,
}

/// All that can be asked.
pub(crate) fn operations() -> Operations {
    let rows =
        TABLE.iter().flat_map(|(base, path, methods)| methods.iter().map(move |row| (base, path, row)));
    let all = rows.map(|(base, path, (method, name, operation))| {
        let built = *operation != Operation::Missing;
        operations::Operation { name, method: method.clone(), path: format!("{base}{path}"), built }
    });
    Operations { all: all.collect(), aliases: ALIASES.to_vec() }
}

/// Finds operations by method and path.
pub(crate) struct Routes(matchit::Router<Methods>);

impl Routes {
    /// All routes.
    pub(crate) fn all() -> &'static Self {
        static ALL: LazyLock<Routes> = LazyLock::new(Routes::new);
        &ALL
    }

    /// # Panics
    /// When two paths of the table are in each other's way, which a test would show.
    fn new() -> Self {
        let mut router = matchit::Router::new();
        for (base, path, methods) in TABLE {
            router.insert(format!("{base}{path}"), *methods).expect("the paths of the contract are distinct");
        }
        Self(router)
    }

    /// What a request asks. `None` for a path that the contract does not have, and for a method that it does not have
    /// there: its list of other answers than HTTP 200 has no third.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Option<Found<'p>> {
        let found = self.0.at(path).ok()?;
        let (_, name, operation) = found.value.iter().find(|(candidate, ..)| candidate == method)?;
        let named = found.params.iter().next().map(|(_, value)| value);
        Some(Found { name, operation: *operation, named })
    }

    /// The methods that a path knows; none for a path that the contract does not have.
    pub(crate) fn methods(&self, path: &str) -> Vec<&'static str> {
        let found = self.0.at(path).map(|found| *found.value).unwrap_or_default();
        found.iter().map(|(method, ..)| method.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_contract_is_known_and_no_other() {
        let document = |name| {
            let path = format!("{}/../../contract/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
            std::fs::read_to_string(path).expect("the contract")
        };
        let text = ["rest", "history", "charts"].map(document).join("\n");
        let routes = Routes::all();
        let mut known = 0;
        let mut path = String::new();
        let mut found = None;
        let mut in_paths = false;
        // The file is ours and regular: paths are indented by two, methods by four.
        for line in text.lines() {
            if !line.starts_with(' ') {
                in_paths = line == "paths:";
            }
            if !in_paths {
                continue;
            }
            if let Some(text) = line.strip_prefix("  /").and_then(|rest| rest.strip_suffix(':')) {
                path = format!("/{text}");
            }
            let method = line.strip_prefix("    ").and_then(|rest| rest.strip_suffix(':'));
            if let Some(method @ ("get" | "post" | "put" | "delete")) = method {
                let base = match &*path {
                    "/historicalfundingrates" => V4,
                    other if other.starts_with("/api/") => "",
                    _ => V3,
                };
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                let concrete = format!("{base}{path}").replace('{', "").replace('}', "");
                found = routes.find(&method, &concrete).map(|found| (found.name, found.operation));
                assert!(found.is_some(), "{method} {concrete}");
                known += 1;
            }
            if let Some(name) = line.strip_prefix("      operationId: ") {
                let (known, operation) = found.expect(name);
                let one = if name == "getOrderStatusByGet" { "getOrderStatus" } else { name };
                assert_eq!(known, one);
                let served = operation != Operation::Missing;
                assert_eq!(operations().served_name(name), served.then_some(known));
            }
        }
        for path in ["/accounts", "/openorders", "/openpositions", "/fills"] {
            let path = format!("{V3}{path}");
            assert_eq!(routes.find(&Method::POST, &path), routes.find(&Method::GET, &path));
            known += 1;
        }
        for path in ["/orders", "/executions", "/triggers", "/accountlogcsv"] {
            let [alias, own] = [V3, HISTORY3].map(|base| format!("{base}{path}"));
            assert_eq!(routes.find(&Method::GET, &alias), routes.find(&Method::GET, &own));
            known += 1;
        }
        // The tick types are told with and without a slash at the end.
        assert_eq!(known + 1, TABLE.iter().map(|(_, _, methods)| methods.len()).sum::<usize>());
        for (method, path) in [
            (Method::GET, "/derivatives/api/v3/sendorder"),
            (Method::PATCH, "/derivatives/api/v3/instruments"),
            (Method::HEAD, "/derivatives/api/v3/instruments"),
            (Method::GET, "/derivatives/api/v3/instruments/"),
            (Method::GET, "/derivatives/api/v3/historicalfundingrates"),
            (Method::GET, "/derivatives/api/v4/instruments"),
            (Method::GET, "/derivatives/api/v3"),
        ] {
            assert!(routes.find(&method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn a_path_says_what_it_names() {
        let routes = Routes::all();
        let found = routes.find(&Method::GET, "/derivatives/api/v3/tickers/pf_xbtusd");
        let want = Found { name: "getTicker", operation: Pub(P::Ticker), named: Some("pf_xbtusd") };
        assert_eq!(found, Some(want));
        let found = routes.find(&Method::PUT, "/derivatives/api/v3/subaccount/x-y/trading-enabled");
        assert_eq!(found.and_then(|found| found.named), Some("x-y"));
        assert_eq!(operations().served_name("getticker"), None, "names are as the contract writes them");
    }
}
