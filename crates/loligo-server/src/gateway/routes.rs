//! The dialect's one route table: every path of the contract, served or not.

use http::Method;

/// An operation of the contract that this exchange serves, or one that it only knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Instruments,
    InstrumentsStatus,
    InstrumentStatus,
    Tickers,
    Ticker,
    OrderBook,
    History,
    FeeSchedules,
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
    /// In the contract, not served yet.
    Missing,
}

use Operation as Op;

const V3: &str = "/derivatives/api/v3";
const V4: &str = "/derivatives/api/v4";

/// What each method does at a path.
type Methods = &'static [(Method, Operation)];

/// Base, path, methods.
#[rustfmt::skip]
const TABLE: &[(&str, &str, Methods)] = &[
    (V3, "/orderbook", &[(Method::GET, Op::OrderBook)]),
    (V3, "/tickers", &[(Method::GET, Op::Tickers)]),
    (V3, "/tickers/{symbol}", &[(Method::GET, Op::Ticker)]),
    (V3, "/history", &[(Method::GET, Op::History)]),
    (V3, "/instruments", &[(Method::GET, Op::Instruments)]),
    (V3, "/instruments/status", &[(Method::GET, Op::InstrumentsStatus)]),
    (V3, "/instruments/{symbol}/status", &[(Method::GET, Op::InstrumentStatus)]),
    (V3, "/trading/instruments", &[(Method::GET, Op::Missing)]),
    (V3, "/sendorder", &[(Method::POST, Op::SendOrder)]),
    (V3, "/editorder", &[(Method::POST, Op::EditOrder)]),
    (V3, "/cancelorder", &[(Method::POST, Op::CancelOrder)]),
    (V3, "/cancelallorders", &[(Method::POST, Op::CancelAllOrders)]),
    (V3, "/cancelallordersafter", &[(Method::POST, Op::CancelAllOrdersAfter)]),
    (V3, "/batchorder", &[(Method::POST, Op::BatchOrder)]),
    (V3, "/openorders", &[(Method::GET, Op::OpenOrders)]),
    (V3, "/orders/status", &[(Method::POST, Op::OrdersStatus), (Method::GET, Op::OrdersStatus)]),
    (V3, "/initialmargin", &[(Method::GET, Op::Missing)]),
    (V3, "/initialmargin/maxordersize", &[(Method::GET, Op::Missing)]),
    (V3, "/leveragepreferences", &[(Method::GET, Op::Missing), (Method::PUT, Op::Missing)]),
    (V3, "/pnlpreferences", &[(Method::GET, Op::Missing), (Method::PUT, Op::Missing)]),
    (V3, "/accounts", &[(Method::GET, Op::Accounts)]),
    (V3, "/openpositions", &[(Method::GET, Op::OpenPositions)]),
    (V3, "/unwindqueue", &[(Method::GET, Op::Missing)]),
    (V3, "/portfolio-margining/parameters", &[(Method::GET, Op::Missing)]),
    (V3, "/portfolio-margining/simulate", &[(Method::POST, Op::Missing)]),
    (V3, "/assignmentprogram/current", &[(Method::GET, Op::Missing)]),
    (V3, "/assignmentprogram/add", &[(Method::POST, Op::Missing)]),
    (V3, "/assignmentprogram/delete", &[(Method::POST, Op::Missing)]),
    (V3, "/assignmentprogram/history", &[(Method::GET, Op::Missing)]),
    (V3, "/feeschedules", &[(Method::GET, Op::FeeSchedules)]),
    (V3, "/feeschedules/volumes", &[(Method::GET, Op::Missing)]),
    (V3, "/notifications", &[(Method::GET, Op::Missing)]),
    (V3, "/fills", &[(Method::GET, Op::Fills)]),
    (V3, "/historical-funding-rates", &[(Method::GET, Op::Missing)]),
    (V4, "/historicalfundingrates", &[(Method::GET, Op::Missing)]),
    (V3, "/self-trade-strategy", &[(Method::GET, Op::Missing), (Method::PUT, Op::Missing)]),
    (V3, "/rfq-assignment/max-leverage",
        &[(Method::GET, Op::Missing), (Method::PUT, Op::Missing), (Method::DELETE, Op::Missing)]),
    (V3, "/subaccounts", &[(Method::GET, Op::Missing)]),
    (V3, "/subaccount/{subaccountUid}/trading-enabled", &[(Method::GET, Op::Missing), (Method::PUT, Op::Missing)]),
    (V3, "/transfer", &[(Method::POST, Op::Missing)]),
    (V3, "/transfer/subaccount", &[(Method::POST, Op::Missing)]),
    (V3, "/withdrawal", &[(Method::POST, Op::Missing)]),
    (V3, "/rfqs", &[(Method::GET, Op::Missing)]),
    (V3, "/rfqs/{rfqUid}", &[(Method::GET, Op::Missing)]),
    (V3, "/rfqs/open-offers", &[(Method::GET, Op::Missing)]),
    (V3, "/rfqs/closed-offers", &[(Method::GET, Op::Missing)]),
    (V3, "/rfqs/place-offer/{rfqUid}", &[(Method::POST, Op::Missing)]),
    (V3, "/rfqs/cancel-offer/{rfqUid}", &[(Method::DELETE, Op::Missing)]),
    (V3, "/rfqs/open-rfqs", &[(Method::GET, Op::Missing), (Method::POST, Op::Missing)]),
    (V3, "/rfqs/open-rfqs/{rfqUid}", &[(Method::DELETE, Op::Missing)]),
    (V3, "/rfqs/open-rfqs/accept-offer/{rfqUid}", &[(Method::POST, Op::Missing)]),
    (V3, "/rfqs/{rfqUid}/place-offer", &[(Method::POST, Op::Missing)]),
    (V3, "/rfqs/{rfqUid}/replace-offer", &[(Method::PUT, Op::Missing)]),
    (V3, "/rfqs/{rfqUid}/cancel-offer", &[(Method::DELETE, Op::Missing)]),
];

/// Finds operations by method and path.
pub(crate) struct Routes(matchit::Router<Methods>);

impl Routes {
    /// # Panics
    /// When two paths of the table are in each other's way, which a test would show.
    pub(crate) fn new() -> Self {
        let mut router = matchit::Router::new();
        for (base, path, operations) in TABLE {
            router
                .insert(format!("{base}{path}"), *operations)
                .expect("the paths of the contract are distinct");
        }
        Self(router)
    }

    /// The operation, and the last part of the path where it names something. `None` for a path that the contract does
    /// not have, and for a method that it does not have there: its list of other answers than HTTP 200 has no third.
    pub(crate) fn find<'p>(&self, method: &Method, path: &'p str) -> Option<(Operation, Option<&'p str>)> {
        let found = self.0.at(path).ok()?;
        let (_, operation) = found.value.iter().find(|(candidate, _)| candidate == method)?;
        Some((*operation, found.params.iter().next().map(|(_, value)| value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_of_the_contract_is_known_and_no_other() {
        let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../contract/rest.yaml"))
            .expect("the contract");
        let routes = Routes::new();
        let mut known = 0;
        let mut path = String::new();
        let mut in_paths = false;
        // The file is ours and regular: paths are indented by two, methods by four.
        for line in text.lines() {
            if !line.starts_with(' ') {
                in_paths = line == "paths:";
            }
            if !in_paths {
                continue;
            }
            if let Some(found) = line.strip_prefix("  /").and_then(|rest| rest.strip_suffix(':')) {
                path = format!("/{found}");
            }
            let method = line.strip_prefix("    ").and_then(|rest| rest.strip_suffix(':'));
            if let Some(method @ ("get" | "post" | "put" | "delete")) = method {
                let base = if path == "/historicalfundingrates" { V4 } else { V3 };
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                let concrete = format!("{base}{path}").replace('{', "").replace('}', "");
                assert!(routes.find(&method, &concrete).is_some(), "{method} {concrete}");
                known += 1;
            }
        }
        assert_eq!(known, TABLE.iter().map(|(_, _, operations)| operations.len()).sum::<usize>());
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
        let routes = Routes::new();
        let found = routes.find(&Method::GET, "/derivatives/api/v3/tickers/pf_xbtusd");
        assert_eq!(found, Some((Operation::Ticker, Some("pf_xbtusd"))));
    }
}
