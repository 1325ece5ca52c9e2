//! Verbs for markets, orders and limits.

use super::body::{Exact, Nothing, read};
use super::verbs::{fact_trouble, refused};
use super::{Control, Refused, Trouble};
use crate::identity::Identity;
use crate::listing::InstrumentEntry;
use crate::record::Fact;
use loligo_engine::{
    AdminCancelOutcome, Ask, Command, ExpireOutcome, Limits, LimitsChange, ListOutcome, MarketState, OrderId,
    ReplaceOutcome,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Most orders of a kind that an account may be allowed in a contract. Cancelling all of them at once must pass the
/// queue of a feed's follower.
const ORDERS_MAX: u32 = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketBody {
    state: State,
    /// Now, when it is left out.
    at: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Open,
    Suspended,
    PostOnly,
    Inactive,
    PreLaunch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsBody {
    account: Option<String>,
    symbol: Option<String>,
    open_orders: Option<u32>,
    triggers: Option<u32>,
    trailing_stops: Option<u32>,
    small_orders: Option<u32>,
    small_order_usd: Option<u32>,
    order_value_usd: Option<u64>,
    /// In per cent.
    price_collar: Option<Exact>,
}

impl Control {
    pub(super) async fn set_market(&self, symbol: &str, body: &[u8]) -> Result<Value, Trouble> {
        let MarketBody { state, at } = read(body)?;
        let contract = self.contract(symbol)?;
        let (state, word) = match state {
            State::Open => (MarketState::Open, "open"),
            State::Suspended => (MarketState::Suspended, "suspended"),
            State::PostOnly => (MarketState::PostOnly, "post-only"),
            State::Inactive => (MarketState::Inactive, "inactive"),
            State::PreLaunch => (MarketState::PreLaunch, "closed until its launch"),
        };
        if let Some(at) = at {
            return self.plan_market(&contract, (state, word), &at).await;
        }
        let instrument = contract.id;
        self.order(vec![Command::SetMarketState { instrument, state }]).await?;
        self.market(instrument).await
    }

    pub(super) async fn expire_market(&self, symbol: &str, body: &[u8]) -> Result<Value, Trouble> {
        let Nothing {} = read(body)?;
        let contract = self.contract(symbol)?;
        match self.node.ask(Ask::expire(contract.id), None).await?.outcome {
            ExpireOutcome::Done | ExpireOutcome::Armed(None) => {}
            ExpireOutcome::Armed(Some(settles_at)) => self.announce_delisting(&contract, settles_at).await?,
            ExpireOutcome::Refused(refusal) => return Err(refused(&refusal.into()).into()),
        }
        self.market(contract.id).await
    }

    pub(super) async fn list_market(&self, body: &[u8]) -> Result<Value, Trouble> {
        let entry: InstrumentEntry = super::body::read_exact(body)?;
        let spec = entry.spec().map_err(|error| Refused::bad(error.to_string()))?;
        match self.node.ask(Ask::list(spec), None).await?.outcome {
            ListOutcome::Listed(instrument) => {
                if let Some(roll) = entry.roll() {
                    let rolls = Fact::ContractRolls { instrument, roll };
                    self.node.record(rolls).await.map_err(fact_trouble)?;
                }
                self.market(instrument).await
            }
            ListOutcome::Refused(refusal) => Err(refused(&refusal.into()).into()),
        }
    }

    pub(super) async fn cancel_order(&self, order_id: &str, body: &[u8]) -> Result<Value, Trouble> {
        let Nothing {} = read(body)?;
        let order = self.order_id(order_id)?;
        match self.node.ask(Ask::admin_cancel(order), None).await?.outcome {
            AdminCancelOutcome::Cancelled(order) => Ok(named(self.node.identity(), order)),
            AdminCancelOutcome::Refused(refusal) => Err(refused(&refusal.into()).into()),
        }
    }

    pub(super) async fn replace_order(&self, order_id: &str, body: &[u8]) -> Result<Value, Trouble> {
        let Nothing {} = read(body)?;
        let order = self.order_id(order_id)?;
        match self.node.ask(Ask::replace_trailing_stop(order), None).await?.outcome {
            ReplaceOutcome::Replaced(order) => Ok(named(self.node.identity(), order)),
            ReplaceOutcome::Refused(refusal) => Err(refused(&refusal.into()).into()),
        }
    }

    pub(super) async fn set_limits(&self, body: &[u8]) -> Result<Value, Trouble> {
        let body: LimitsBody = read(body)?;
        let account = body.account.as_deref().map(|uid| self.account(uid)).transpose()?;
        let contract = body.symbol.as_deref().map(|symbol| self.contract(symbol)).transpose()?;
        let instrument = contract.as_ref().map(|contract| contract.id);
        let change = LimitsChange {
            open_orders: body.open_orders,
            triggers: body.triggers,
            trailing_stops: body.trailing_stops,
            small_orders: body.small_orders,
            small_order_usd: body.small_order_usd,
            order_value_usd: body.order_value_usd,
            price_collar: body.price_collar.map(Exact::percent).transpose()?,
        };
        if change == LimitsChange::default() {
            return Err(Refused::bad("name at least one limit").into());
        }
        let counts = [change.open_orders, change.triggers, change.trailing_stops, change.small_orders];
        if counts.iter().flatten().any(|count| *count > ORDERS_MAX) {
            return Err(Refused::bad(format!("a limit of orders is at most {ORDERS_MAX}")).into());
        }
        self.order(vec![Command::SetLimits { account, instrument, change }]).await?;
        let limits = self.node.query(move |exchange| exchange.limits(account, instrument)).await?;
        let mut shown = limits_shown(&limits);
        shown["account"] = json!(body.account);
        shown["symbol"] = json!(contract.map(|contract| contract.instrument.spec().symbol.clone()));
        Ok(shown)
    }
}

/// The order that a verb came to.
fn named(identity: &Identity, order: OrderId) -> Value {
    json!({ "order_id": identity.order_uuid(order).to_string() })
}

pub(super) fn limits_shown(limits: &Limits) -> Value {
    let Limits {
        open_orders,
        triggers,
        trailing_stops,
        small_orders,
        small_order_usd,
        order_value_usd,
        price_collar,
    } = limits;
    json!({
        "open_orders": open_orders,
        "triggers": triggers,
        "trailing_stops": trailing_stops,
        "small_orders": small_orders,
        "small_order_usd": small_order_usd,
        "order_value_usd": order_value_usd,
        "price_collar": super::verbs::decimal(i128::from(*price_collar), 4),
    })
}
