//! The dialect's one route table: every path of the contract's documents, served or not, and the contract's name for what is
//! asked there.

use super::history::Past;
use super::private::{KrakenRequest, batch_cost, complete, fills_cost};
use super::{Failure, Kraken, Success};
use crate::login::Right;
use crate::operations::{self, Operations};
use http::Method;
use loligo_wire::v3::requests;
use std::sync::LazyLock;

const V3: &str = "/derivatives/api/v3";
const V4: &str = "/derivatives/api/v4";
const HISTORY2: &str = "/api/history/v2";
const HISTORY3: &str = "/api/history/v3";
const CHARTS: &str = "/api/charts/v1";

/// For what has no base of its own.
const ROOT: &str = "";

/// Whom an operation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Market data, for everyone.
    Public,
    /// With a key.
    Private,
    /// Nobody: it is in the contract, and the venue has it switched off.
    Nobody,
}

/// Where an operation is asked for.
struct Row {
    base: &'static str,
    paths: &'static [&'static str],
    methods: &'static [Method],
    operation: Operation,
}

macro_rules! audience {
    (off) => {
        Audience::Nobody
    };
    (past $what:ident public) => {
        Audience::Public
    };
    (past $what:ident key) => {
        Audience::Private
    };
    (public $($how:tt)+) => {
        Audience::Public
    };
    (chart $handler:ident) => {
        Audience::Public
    };
    (key $($how:tt)+) => {
        Audience::Private
    };
    (reasoned $right:ident $handler:ident) => {
        Audience::Private
    };
}

/// Whether an operation tells errors by a status and a reason, as the history API does.
macro_rules! is_reasoned {
    (past $what:ident $whom:ident) => {
        true
    };
    (reasoned $right:ident $handler:ident) => {
        true
    };
    ($($how:tt)+) => {
        false
    };
}

/// Why an operation is not served, where it is not.
macro_rules! not_served {
    (off) => {
        Some(Failure::SwitchedOff)
    };
    ($($how:tt)+) => {
        None
    };
}

/// How an operation is carried out. What must be there is looked for before the key, and read after it: rows 0 to 4 of the
/// checks.
macro_rules! serve {
    ($kraken:ident, $asked:ident, off) => {{
        let _ = $asked;
        Err(Failure::SwitchedOff)
    }};
    ($kraken:ident, $asked:ident, past $what:ident $whom:ident) => {
        $kraken.past(Past::$what, $asked).await
    };
    ($kraken:ident, $asked:ident, chart $handler:ident) => {{
        $kraken.told_fault(&$asked).await?;
        $kraken.$handler(&$asked).await.map(Success::from)
    }};
    ($kraken:ident, $asked:ident, public $handler:ident) => {{
        $asked.args()?;
        $kraken.told_fault(&$asked).await?;
        $kraken.$handler(&$asked).await.map(Success::from)
    }};
    ($kraken:ident, $asked:ident, reasoned $right:ident $handler:ident) => {{
        let caller = $kraken.admit(&$asked, Right::$right, 1).await?;
        $kraken.$handler(&$asked, &caller).map(Success::from)
    }};
    ($kraken:ident, $asked:ident, key {$right:ident} $cost:literal $handler:ident) => {{
        let caller = $kraken.admit(&$asked, $kraken.$right, $cost).await?;
        $kraken.$handler($asked, caller).await.map(Success::from)
    }};
    ($kraken:ident, $asked:ident, key $right:ident $cost:literal $handler:ident) => {{
        let caller = $kraken.admit(&$asked, Right::$right, $cost).await?;
        $kraken.$handler($asked, caller).await.map(Success::from)
    }};
    ($kraken:ident, $asked:ident, key $right:ident {$cost:ident} $handler:ident) => {{
        let caller = $kraken.admit(&$asked, Right::$right, $cost(&$asked)).await?;
        $kraken.$handler($asked, caller).await.map(Success::from)
    }};
    ($kraken:ident, $asked:ident, key $right:ident $cost:literal $request:ident $handler:ident) => {{
        let found = $asked.find::<requests::$request>()?;
        let caller = $kraken.admit(&$asked, Right::$right, $cost).await?;
        $kraken.$handler($asked, complete(found), caller).await.map(Success::from)
    }};
    ($kraken:ident, $asked:ident, key $right:ident {$cost:ident} $request:ident $handler:ident) => {{
        let found = $asked.find::<requests::$request>()?;
        let caller = $kraken.admit(&$asked, Right::$right, $cost(&found)).await?;
        $kraken.$handler($asked, complete(found), caller).await.map(Success::from)
    }};
}

/// One row an operation: base, paths, methods, its name in the contract, and how it is served. That is
/// `off` for what the venue has switched off, too, and answers like a path that nobody has; `reasoned` for what tells its
/// errors like history, with the right it takes, at a cost of 1; `past`, what is asked of history, and of whom; `public` and its handler; `chart`, which is
/// public too and tells of its arguments in words of its own; or `key`, the right it takes (in braces what holds it, where the operator decides), what it costs (a number, or what works it out), the request
/// whose arguments it requires, if it requires any, and its handler.
macro_rules! routes {
    ($($base:ident [$($path:literal),+] [$($method:ident)+] $name:ident ($($how:tt)+),)+) => {
        /// What can be asked, by its name in the contract.
        #[expect(non_camel_case_types, reason = "they are spelled as the contract spells them")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operation {
            $($name,)+
        }

        impl Operation {
            /// Its name in the contract.
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            pub(crate) const fn audience(self) -> Audience {
                match self {
                    $(Self::$name => audience!($($how)+),)+
                }
            }

            /// Whether it only reads: what can be asked by GET changes nothing, by whatever method it is asked.
            pub(crate) fn reads(self) -> bool {
                match self {
                    $(Self::$name => [$(Method::$method),+].contains(&Method::GET),)+
                }
            }

            /// What is told of it whatever is asked, where it is not served.
            pub(super) const fn not_served(self) -> Option<Failure> {
                match self {
                    $(Self::$name => not_served!($($how)+),)+
                }
            }

            /// Whether it tells errors by a status and a reason, as the history API does.
            pub(crate) const fn is_reasoned(self) -> bool {
                match self {
                    $(Self::$name => is_reasoned!($($how)+),)+
                }
            }
        }

        static ROWS: &[Row] = &[$(Row {
            base: $base,
            paths: &[$($path),+],
            methods: &[$(Method::$method),+],
            operation: Operation::$name,
        },)+];

        impl Kraken {
            /// Carries out what is asked.
            pub(super) async fn carry_out(&self, operation: Operation, asked: KrakenRequest<'_>) -> Result<Success, Failure> {
                match operation {
                    $(Operation::$name => serve!(self, asked, $($how)+),)+
                }
            }
        }
    };
}

// One widespread client asks for four lists of history under the paths of trading. What two methods do alike has one name, the first of [`ALIASES`]. Four lists are given to POST too, which the contract does
// not have there: one widespread client asks so. What the published table of costs does not list costs 1.
#[rustfmt::skip]
routes! {
    V3 ["/orderbook"] [GET] getOrderbook (public order_book),
    V3 ["/tickers"] [GET] getTickers (public tickers),
    V3 ["/tickers/{symbol}"] [GET] getTicker (public ticker),
    V3 ["/history"] [GET] getHistory (public history),
    V3 ["/instruments"] [GET] getInstruments (public instruments),
    V3 ["/instruments/status"] [GET] instrumentsStatus (public instruments_status),
    V3 ["/instruments/{symbol}/status"] [GET] instrumentStatus (public instrument_status),
    V3 ["/trading/instruments"] [GET] getTradingInstruments (key Read 1 trading_instruments),
    V3 ["/sendorder"] [POST] sendOrder (key Trade 10 SendOrder send_order),
    V3 ["/editorder"] [POST] editOrderSpring (key Trade 10 EditOrder edit_order),
    V3 ["/cancelorder"] [POST] cancelOrder (key Trade 10 CancelOrder cancel_order),
    V3 ["/cancelallorders"] [POST] cancelAllOrders (key Trade 25 cancel_all_orders),
    V3 ["/cancelallordersafter"] [POST] cancelAllOrdersAfter (key Trade 25 cancel_all_orders_after),
    V3 ["/batchorder"] [POST] sendBatchOrder (key Trade {batch_cost} BatchOrder batch_order),
    V3 ["/openorders"] [GET POST] getOpenOrders (key Read 2 open_orders),
    V3 ["/orders/status"] [POST GET] getOrderStatus (key {status_right} 1 orders_status),
    V3 ["/initialmargin"] [GET] getInitialMargin (key Read 1 InitialMargin initial_margin),
    V3 ["/initialmargin/maxordersize"] [GET] getMaxOrderSize (key Read 1 MaxOrderSize max_order_size),
    V3 ["/leveragepreferences"] [GET] getLeverageSetting (key Read 2 leverage_preferences),
    V3 ["/leveragepreferences"] [PUT] setLeverageSetting (key Trade 10 SetLeveragePreference set_leverage_preference),
    V3 ["/pnlpreferences"] [GET] getPnlCurrencyPreference (key Read 2 pnl_preferences),
    V3 ["/pnlpreferences"] [PUT] setPnlCurrencyPreference (key Trade 10 SetPnlPreference set_pnl_preference),
    V3 ["/accounts"] [GET POST] getAccounts (key Read 2 accounts),
    V3 ["/openpositions"] [GET POST] getOpenPositions (key Read 2 open_positions),
    V3 ["/unwindqueue"] [GET] getUnwindQueue (key Read 200 unwind_queue),
    V3 ["/portfolio-margining/parameters"] [GET] getPortfolioMarginingParameters (off),
    V3 ["/portfolio-margining/simulate"] [POST] simulatePortfolio (off),
    V3 ["/assignmentprogram/current"] [GET] getAssignmentProgramCurrent (key Read 1 assignment_programs),
    V3 ["/assignmentprogram/add"] [POST] addAssignmentProgram (key Read 1 AddAssignmentProgram add_assignment_program),
    V3 ["/assignmentprogram/delete"] [POST] deleteAssignmentProgram (key Read 1 DeleteAssignmentProgram delete_assignment_program),
    V3 ["/assignmentprogram/history"] [GET] getAssignmentProgramHistory (key Read 1 assignment_history),
    V3 ["/feeschedules"] [GET] getFeeSchedulesV3 (public fee_schedules),
    V3 ["/feeschedules/volumes"] [GET] getUserFeeScheduleVolumesV3 (key Read 1 fee_schedule_volumes),
    V3 ["/notifications"] [GET] getNotifications (key Read 1 notifications),
    V3 ["/fills"] [GET POST] getFills (key Read {fills_cost} fills),
    V3 ["/historical-funding-rates"] [GET] historicalFundingRates (public funding_rates),
    V4 ["/historicalfundingrates"] [GET] historicalFundingRatesV4 (public funding_rates),
    V3 ["/self-trade-strategy"] [GET] getSelfTradeStrategy (key Read 2 self_trade_strategy),
    V3 ["/self-trade-strategy"] [PUT] setSelfTradeStrategy (key Trade 2 SetSelfTradeStrategy set_self_trade_strategy),
    V3 ["/rfq-assignment/max-leverage"] [GET] getRfqAssignmentMaxLeverage (key Read 1 off_book_leverage),
    V3 ["/rfq-assignment/max-leverage"] [PUT] setRfqAssignmentMaxLeverage (key Trade 1 SetOffBookLeverage set_off_book_leverage),
    V3 ["/rfq-assignment/max-leverage"] [DELETE] clearRfqAssignmentMaxLeverage (key Trade 1 clear_off_book_leverage),
    V3 ["/subaccounts"] [GET] listSubaccounts (key Read 1 subaccounts),
    V3 ["/subaccount/{subaccountUid}/trading-enabled"] [GET] getSubaccountTradingCapability (key Trade 2 trading_enabled),
    V3 ["/subaccount/{subaccountUid}/trading-enabled"] [PUT] updateSubaccountTradingCapability (key Trade 2 SetTradingEnabled set_trading_enabled),
    V3 ["/transfer"] [POST] transfer (key Trade 10 Transfer transfer),
    V3 ["/transfer/subaccount"] [POST] subAccountTransfer (key Trade 10 SubaccountTransfer subaccount_transfer),
    V3 ["/withdrawal"] [POST] withdrawal (key Withdraw 100 Withdrawal withdrawal),
    V3 ["/rfqs"] [GET] getAllOpenRfqs (off),
    V3 ["/rfqs/{rfqUid}"] [GET] getRfq (off),
    V3 ["/rfqs/open-offers"] [GET] getOpenRfqOffers (off),
    V3 ["/rfqs/closed-offers"] [GET] getClosedRfqOffers (off),
    V3 ["/rfqs/place-offer/{rfqUid}"] [POST] placeRfqOffer (off),
    V3 ["/rfqs/cancel-offer/{rfqUid}"] [DELETE] cancelRfqOffer (off),
    V3 ["/rfqs/open-rfqs"] [GET] getOpenRfqsForAccount (off),
    V3 ["/rfqs/open-rfqs"] [POST] createUserRfq (off),
    V3 ["/rfqs/open-rfqs/{rfqUid}"] [DELETE] cancelUserRfq (off),
    V3 ["/rfqs/open-rfqs/accept-offer/{rfqUid}"] [POST] acceptRfqOffer (off),
    V3 ["/rfqs/{rfqUid}/place-offer"] [POST] placeRfqOfferLegacy (off),
    V3 ["/rfqs/{rfqUid}/replace-offer"] [PUT] replaceRfqOffer (off),
    V3 ["/rfqs/{rfqUid}/cancel-offer"] [DELETE] cancelRfqOfferLegacy (off),
    ROOT ["/api/history/v3/orders", "/derivatives/api/v3/orders"] [GET] getOrderEventsV3 (past Orders key),
    HISTORY2 ["/orders"] [GET] getOrderEventsV2 (past Orders key),
    ROOT ["/api/history/v3/executions", "/derivatives/api/v3/executions"] [GET] getExecutionEventsV3 (past Executions key),
    HISTORY2 ["/executions"] [GET] getExecutionEventsV2 (past Executions key),
    ROOT ["/api/history/v3/triggers", "/derivatives/api/v3/triggers"] [GET] getTriggerEventsV3 (past Triggers key),
    HISTORY2 ["/triggers"] [GET] getTriggerEventsV2 (past Triggers key),
    HISTORY3 ["/positions"] [GET] getPositionEventsV3 (past Positions key),
    HISTORY2 ["/positions"] [GET] getPositionEventsV2 (past Positions key),
    HISTORY3 ["/account-log"] [GET] getAccountLogV3 (past AccountLog key),
    HISTORY2 ["/account-log"] [GET] getAccountLogV2 (past AccountLog key),
    ROOT ["/api/history/v3/accountlogcsv", "/derivatives/api/v3/accountlogcsv"] [GET] getAccountLogCsvV3 (past AccountLogCsv key),
    HISTORY2 ["/accountlogcsv"] [GET] getAccountLogCsvV2 (past AccountLogCsv key),
    HISTORY3 ["/market/{tradeable}/orders"] [GET] getPublicOrderEventsV3 (past MarketOrders public),
    HISTORY2 ["/market/{tradeable}/orders"] [GET] getPublicOrderEventsV2 (past MarketOrders public),
    HISTORY3 ["/market/{tradeable}/executions"] [GET] getPublicExecutionEventsV3 (past MarketExecutions public),
    HISTORY2 ["/market/{tradeable}/executions"] [GET] getPublicExecutionEventsV2 (past MarketExecutions public),
    HISTORY3 ["/market/{tradeable}/price"] [GET] getPublicPriceEventsV3 (past MarketPrice public),
    HISTORY2 ["/market/{tradeable}/price"] [GET] getPublicPriceEventsV2 (past MarketPrice public),
    CHARTS ["", "/"] [GET] getTickTypes (chart tick_types),
    CHARTS ["/{tick_type}"] [GET] getChartMarkets (chart chart_markets),
    CHARTS ["/{tick_type}/{symbol}"] [GET] getChartResolutions (chart chart_resolutions),
    CHARTS ["/{tick_type}/{symbol}/{resolution}"] [GET] getCandles (chart candles),
    CHARTS ["/analytics/liquidity-pool"] [GET] getLiquidityPoolStats (chart liquidity_pool),
    CHARTS ["/analytics/{symbol}/{analytics_type}"] [GET] getMarketAnalytics (chart market_analytics),
    ROOT ["/api/auth/v1/api-keys/v3/check"] [GET] checkApiKeyV3 (reasoned Hold api_key_check),
    ROOT ["/api/stats/v1/rebates/self-market-share"] [GET] getSelfMarketShare (reasoned Read self_market_share),
}

/// Names of the contract for what another name does, and that one.
const ALIASES: [(&str, &str); 1] = [("getOrderStatusByGet", "getOrderStatus")];

/// A request's place in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found<'p> {
    pub(crate) operation: Operation,
    /// The part of the path that names something, where there is one.
    pub(crate) named: Option<&'p str>,
}

/// All that can be asked.
pub(crate) fn operations() -> Operations {
    let all = ROWS.iter().flat_map(|row| {
        row.paths.iter().flat_map(move |path| {
            row.methods.iter().map(move |method| operations::Operation {
                name: row.operation.name(),
                method: method.clone(),
                path: format!("{}{path}", row.base),
                built: row.operation.audience() != Audience::Nobody,
            })
        })
    });
    Operations { all: all.collect(), aliases: ALIASES.to_vec() }
}

/// What each method does at a path.
type Methods = Vec<(&'static Method, Operation)>;

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
        let mut paths: Vec<(String, Methods)> = Vec::new();
        for row in ROWS {
            for path in row.paths {
                let (path, methods) = (format!("{}{path}", row.base), row.methods.iter());
                let methods = methods.map(|method| (method, row.operation));
                match paths.iter_mut().find(|(known, _)| *known == path) {
                    Some((_, known)) => known.extend(methods),
                    None => paths.push((path, methods.collect())),
                }
            }
        }
        let mut router = matchit::Router::new();
        for (path, methods) in paths {
            router.insert(path, methods).expect("the paths of the contract are distinct");
        }
        Self(router)
    }

    /// What a request asks. `None` for a path that the contract does not have, and for a method that it does not have
    /// there: its list of other answers than HTTP 200 has no third.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Option<Found<'p>> {
        let found = self.0.at(path).ok()?;
        let (_, operation) = found.value.iter().find(|(candidate, _)| *candidate == method)?;
        let named = found.params.iter().next().map(|(_, value)| value);
        Some(Found { operation: *operation, named })
    }

    /// The methods that a path knows; none for a path that the contract does not have.
    pub(crate) fn methods(&self, path: &str) -> Vec<&'static str> {
        let Ok(found) = self.0.at(path) else { return Vec::new() };
        found.value.iter().map(|(method, _)| method.as_str()).collect()
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
                found = routes.find(&method, &concrete).map(|found| found.operation);
                assert!(found.is_some(), "{method} {concrete}");
                known += 1;
            }
            if let Some(name) = line.strip_prefix("      operationId: ") {
                let operation = found.expect(name);
                let known = operation.name();
                let one = if name == "getOrderStatusByGet" { "getOrderStatus" } else { name };
                assert_eq!(known, one);
                let served = operation.audience() != Audience::Nobody;
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
            assert_eq!(
                routes.find(&Method::GET, &alias).map(|found| found.operation),
                routes.find(&Method::GET, &own).map(|found| found.operation)
            );
            known += 1;
        }
        // The tick types are told with and without a slash at the end.
        assert_eq!(known + 1, operations().all.len());
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
        let want = Found { operation: Operation::getTicker, named: Some("pf_xbtusd") };
        assert_eq!(found, Some(want));
        let found = routes.find(&Method::PUT, "/derivatives/api/v3/subaccount/x-y/trading-enabled");
        assert_eq!(found.and_then(|found| found.named), Some("x-y"));
        assert_eq!(operations().served_name("getticker"), None, "names are as the contract writes them");
    }
}
