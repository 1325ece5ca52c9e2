//! Every operation of the contract is answered as the contract says, or stands here by name as one that is switched off.

use crate::contract::{OPERATIONS, Operation};
use crate::venue::{Answer, Client, SYMBOL, Venue};
use serde_json::{Value, json};

/// Operations that the venue has switched off where it trades, and answers like a path that there is not.
const SWITCHED_OFF: [&str; 15] = [
    "getPortfolioMarginingParameters",
    "simulatePortfolio",
    "getAllOpenRfqs",
    "getRfq",
    "getOpenRfqOffers",
    "getClosedRfqOffers",
    "placeRfqOffer",
    "cancelRfqOffer",
    "getOpenRfqsForAccount",
    "createUserRfq",
    "cancelUserRfq",
    "acceptRfqOffer",
    "placeRfqOfferLegacy",
    "replaceRfqOffer",
    "cancelRfqOfferLegacy",
];

/// Arguments of a request.
type Arguments = &'static [(&'static str, &'static str)];

const MARKET: Arguments = &[("symbol", SYMBOL)];
const ORDER: Arguments =
    &[("orderType", "lmt"), ("symbol", SYMBOL), ("side", "buy"), ("size", "0.1"), ("limitPrice", "40000")];
const MOVED: Arguments = &[("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "usd"), ("amount", "1")];

const TAKES: Arguments = &[
    ("contractType", "flex"),
    ("contract", SYMBOL),
    ("acceptLong", "true"),
    ("acceptShort", "true"),
    ("timeFrame", "ALL"),
    ("enabled", "true"),
];

/// With which arguments an operation is carried out after [`happenings`], in the order in which they are asked; what takes none
/// stands only where its order matters.
const ASKED: [(&str, Arguments); 27] = [
    ("getOrderbook", MARKET),
    ("getHistory", MARKET),
    ("getOrderStatus", &[("cliOrdIds", "rests")]),
    ("getOrderStatusByGet", &[("cliOrdIds", "rests")]),
    ("getInitialMargin", ORDER),
    ("getMaxOrderSize", &[("orderType", "mkt"), ("symbol", SYMBOL)]),
    ("historicalFundingRates", MARKET),
    ("historicalFundingRatesV4", MARKET),
    ("getMarketAnalytics", &[("since", "1767225600"), ("interval", "60")]),
    ("getLiquidityPoolStats", &[("since", "1767225600"), ("interval", "60")]),
    ("setLeverageSetting", &[("symbol", "PF_ETHUSD"), ("maxLeverage", "5")]),
    ("setSelfTradeStrategy", &[("strategy", "CANCEL_MAKER_ANY")]),
    ("setRfqAssignmentMaxLeverage", &[("maxLeverage", "5")]),
    ("updateSubaccountTradingCapability", &[("tradingEnabled", "true")]),
    ("setPnlCurrencyPreference", &[("symbol", SYMBOL), ("pnlPreference", "EUR")]),
    ("addAssignmentProgram", TAKES),
    ("deleteAssignmentProgram", &[("id", "1")]),
    ("sendOrder", ORDER),
    ("editOrderSpring", &[("cliOrdId", "rests"), ("limitPrice", "41000")]),
    ("sendBatchOrder", &[("json", r#"{"batchOrder":[{"order":"cancel","cliOrdId":"waits"}]}"#)]),
    ("cancelOrder", &[("cliOrdId", "rests")]),
    ("cancelAllOrdersAfter", &[("timeout", "60")]),
    ("cancelAllOrders", MARKET),
    ("transfer", MOVED),
    ("subAccountTransfer", MOVED),
    ("withdrawal", &[("currency", "usd"), ("amount", "1"), ("sourceWallet", "cash")]),
    ("clearRfqAssignmentMaxLeverage", &[]),
];

/// Who asks, and whom it names.
struct Asking {
    client: Client,
    master: String,
    child: String,
}

/// A venue in which no list is empty: orders, a trigger, trades, a position, a subaccount, a leverage, a currency of gains, an assignment program, a notice, an hour of
/// funding;
/// and an asker with all rights.
async fn happenings() -> (Venue, Asking) {
    let venue = Venue::start().await;
    let master = venue.start.accounts[0].uid.clone();
    let rights = json!({"general": "full", "withdrawal": "full"});
    let key = venue.order("POST", &format!("/accounts/{master}/keys"), rights).await;
    let (client, bob) = (venue.client_of(&key), venue.client(1));
    let (child, _) = venue.subaccount(0, "child", "1000").await;
    client.put("/leveragepreferences", &[("symbol", SYMBOL), ("maxLeverage", "5")]).await;
    client.put("/pnlpreferences", &[("symbol", SYMBOL), ("pnlPreference", "EUR")]).await;
    bob.place("lmt", "sell", "1", "50000", &[]).await;
    client.place("ioc", "buy", "0.5", "50000", &[]).await;
    client.place("lmt", "buy", "0.1", "40000", &[("cliOrdId", "rests")]).await;
    client.place("stp", "sell", "0.1", "39000", &[("cliOrdId", "waits"), ("stopPrice", "39500")]).await;
    client.post("/transfer", MOVED).await;
    client.post("/assignmentprogram/add", TAKES).await;
    venue.order("POST", "/notifications", json!({"note": "a notice"})).await;
    // The first hour of funding is over.
    venue.advance(3_600_000).await;
    (venue, Asking { client, master, child })
}

impl Asking {
    async fn ask(&self, operation: &Operation, arguments: Arguments) -> Answer {
        let path = operation
            .path
            .replace("{symbol}", SYMBOL)
            .replace("{tradeable}", SYMBOL)
            .replace("{subaccountUid}", &self.child)
            .replace("{rfqUid}", &self.child)
            .replace("{tick_type}", "trade")
            .replace("{resolution}", "1m")
            .replace("{analytics_type}", "open-interest");
        assert!(!path.contains('{'), "{path} names something");
        let method = ["GET", "POST", "PUT", "DELETE"].into_iter().find(|method| *method == operation.method);
        let users = [("fromUser", &*self.master), ("toUser", &*self.child)];
        let users = if operation.name == "subAccountTransfer" { &users[..] } else { &[] };
        let all = [arguments, users].concat();
        let mut request = self.client.request(method.expect("a method"), "", &all);
        request.path = path;
        request.sign();
        request.send().await
    }
}

/// Whether a good answer shows something: a list in it is not empty.
fn shows_something(answer: &Answer) -> bool {
    if answer.header("content-type") != Some("application/json") {
        return !answer.body.is_empty();
    }
    let json = answer.json();
    let is_full = |value: &Value| value.as_array().is_none_or(|list| !list.is_empty());
    match &json {
        // A key is bound to no addresses. Analytics tell of no errors, and of some buckets.
        Value::Object(members) => {
            let may_be_empty = |name: &str| ["allowedCidrBlocks", "errors"].contains(&name);
            members.iter().all(|(name, member)| may_be_empty(name) || is_full(member))
                && is_full(&json["result"]["timestamp"])
        }
        value => is_full(value),
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "the count is what one wants to read")]
async fn every_operation_is_answered_as_the_contract_says() {
    let (_venue, asking) = happenings().await;
    let place = |operation: &&Operation| {
        let at = ASKED.iter().position(|(name, _)| *name == operation.name);
        // What only reads comes first.
        (operation.method != "GET", at)
    };
    let mut operations: Vec<&Operation> = OPERATIONS.iter().collect();
    operations.sort_by_key(place);
    let (mut answered, mut off, mut wrong) = (0, 0, Vec::new());
    for operation in &operations {
        let name = operation.name.as_str();
        let arguments =
            ASKED.iter().find(|(asked, _)| *asked == name).map_or(&[][..], |(_, arguments)| *arguments);
        // Its form was judged when it came.
        let answer = asking.ask(operation, arguments).await;
        let word = if answer.header("content-type") == Some("application/json") {
            answer.json()["error"].as_str().map(str::to_owned)
        } else {
            None
        };
        if SWITCHED_OFF.contains(&name) {
            off += 1;
            assert_eq!(answer.status, 404, "{name} is served: {answer:?}");
        } else if [200, 204].contains(&answer.status) && word.is_none() && shows_something(&answer) {
            answered += 1;
        } else {
            wrong.push(format!("{name}: {answer:?}"));
        }
    }
    println!(
        "{answered} of {} operations have a judged answer, {off} are switched off as on the venue",
        operations.len()
    );
    assert!(wrong.is_empty(), "not answered: {wrong:#?}");
    for name in SWITCHED_OFF.into_iter().chain(ASKED.map(|(name, _)| name)) {
        assert!(operations.iter().any(|operation| operation.name == name), "the contract has no {name}");
    }
}

/// Without a key, what is private is refused in the form of its document, and what is public is answered.
#[tokio::test]
async fn every_operation_refuses_strangers_as_the_contract_says() {
    let (_venue, mut asking) = happenings().await;
    asking.client.api_key = "nobody".to_owned();
    for operation in OPERATIONS.iter().filter(|operation| !SWITCHED_OFF.contains(&&*operation.name)) {
        let arguments = ASKED
            .iter()
            .find(|(asked, _)| *asked == operation.name)
            .map_or(&[][..], |(_, arguments)| *arguments);
        let answer = asking.ask(operation, arguments).await;
        let refused = answer.status == 401
            || answer.header("content-type") == Some("application/json")
                && answer.json()["error"] == "authenticationError";
        assert_eq!(refused, operation.is_private(), "{}: {answer:?}", operation.name);
    }
}
