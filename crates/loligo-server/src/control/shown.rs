//! What the operator may look at: accounts, markets, prices, limits and routes, as they were set and as they are in force.

use super::venue::limits_shown;
use super::verbs::decimal;
use super::{Control, Refused, Trouble};
use crate::grid;
use crate::operations::Operation;
use crate::projection::{AccountEntry, ApiKey, Directory, ListedInstrument};
use crate::record::{GeneralRight, WithdrawalRight};
use crate::wallets;
use http::{StatusCode, Uri};
use loligo_engine::{
    AccountId, Dislocation, Exchange, FinePrice, InstrumentId, LimitsChange, MarketState, MarketView, Wallet,
    WalletView,
};
use loligo_wire::args::Args;
use serde_json::{Map, Value, json};

impl Control {
    pub(super) fn accounts_shown(&self) -> Value {
        let directory = self.node.views().directory();
        let own = directory.accounts().iter().filter(|account| !account.house);
        let accounts: Vec<_> = own.map(|account| account_shown(&directory, account)).collect();
        json!({ "accounts": accounts })
    }

    pub(super) async fn account_shown(&self, named: &str) -> Result<Value, Trouble> {
        let id = self.account(named)?;
        let directory = self.node.views().directory();
        let Some(account) = directory.account(id) else { return Ok(Value::Null) };
        let (wallets, cancel_all_at) = self
            .node
            .query(move |exchange| {
                let held = exchange.account(id).and_then(|account| account.cancel_all_at);
                (exchange.wallets(id), held)
            })
            .await?;
        let mut shown = account_shown(&directory, account);
        let wallets: Map<String, Value> =
            wallets.iter().map(|wallet| (wallet_name(&directory, wallet), wallet_shown(wallet))).collect();
        shown["wallets"] = Value::Object(wallets);
        shown["cancel_all_at"] = json!(cancel_all_at.map(crate::report::time_text));
        Ok(shown)
    }

    /// A contract as the operator has it: what the calendar or a verb made of it, and what that comes to now.
    pub(super) async fn market(&self, instrument: InstrumentId) -> Result<Value, Trouble> {
        let market = self.node.query(move |exchange| exchange.market(instrument)).await?;
        let directory = self.node.views().directory();
        let listed = directory.instruments().get(usize::from(instrument.0));
        Ok(listed.map_or(Value::Null, |listed| market_shown(listed, market.as_ref())))
    }

    pub(super) async fn markets_shown(&self) -> Result<Value, Trouble> {
        let directory = self.node.views().directory();
        let all = |exchange: &Exchange| {
            exchange.instruments().map(|(id, _)| exchange.market(id)).collect::<Vec<_>>()
        };
        let markets = self.node.query(all).await?;
        let rows = directory.instruments().iter().zip(&markets);
        let rows: Vec<_> = rows.map(|(listed, market)| market_shown(listed, market.as_ref())).collect();
        Ok(json!({ "markets": rows }))
    }

    pub(super) async fn prices(&self, contract: &ListedInstrument) -> Result<Value, Trouble> {
        let id = contract.id;
        let seen = self.node.query(move |exchange| (exchange.market(id), exchange.pinned(id))).await?;
        Ok(prices_shown(contract, seen.0.as_ref(), seen.1))
    }

    pub(super) async fn all_prices(&self) -> Result<Value, Trouble> {
        let directory = self.node.views().directory();
        let all = |exchange: &Exchange| {
            let seen = exchange.instruments().map(|(id, _)| (exchange.market(id), exchange.pinned(id)));
            seen.collect::<Vec<_>>()
        };
        let seen = self.node.query(all).await?;
        let rows = directory.instruments().iter().zip(&seen);
        let mut rows: Vec<_> =
            rows.map(|(listed, (market, pinned))| prices_shown(listed, market.as_ref(), *pinned)).collect();
        rows.extend(self.pairs_shown().await?);
        Ok(json!({ "prices": rows }))
    }

    /// The limits in force, for the account and the contract that the query names, and all that was set.
    pub(super) async fn limits_in_force(&self, uri: &Uri) -> Result<Value, Trouble> {
        let args = Args::new(uri.query().unwrap_or_default().as_bytes(), b"")
            .map_err(|_| Refused::bad("there are too many arguments"))?;
        let mut named = [None, None];
        for (name, value) in args.pairs() {
            let text = value.text().map_err(|_| Refused::bad("the query is no text"))?.into_owned();
            match &*name {
                b"account" => named[0] = Some(text),
                b"symbol" => named[1] = Some(text),
                _ => return Err(Refused::bad("limits are shown for ?account=NAME and ?symbol=SYMBOL").into()),
            }
        }
        let [account, symbol] = named;
        let account = account.as_deref().map(|named| self.account(named)).transpose()?;
        let instrument =
            symbol.as_deref().map(|symbol| self.contract(symbol)).transpose()?.map(|listed| listed.id);
        let (in_force, set) = self
            .node
            .query(move |exchange| {
                let set = exchange.particular_limits();
                let set: Vec<_> = set.map(|(account, of, change)| (account, of, change.clone())).collect();
                (exchange.limits(account, instrument), set)
            })
            .await?;
        let directory = self.node.views().directory();
        let set: Vec<_> = set
            .iter()
            .map(|(account, instrument, change)| {
                let mut shown = change_shown(change);
                whom(&directory, &mut shown, *account, *instrument);
                shown
            })
            .collect();
        let mut in_force = limits_shown(&in_force);
        whom(&directory, &mut in_force, account, instrument);
        Ok(json!({ "in_force": in_force, "set": set }))
    }

    pub(super) fn routes_shown(&self) -> Value {
        let service = self.node.views().service();
        let all = self.operations.all.iter();
        let rows: Vec<_> = all
            .map(|Operation { name, method, path, built }| {
                let available = *built && !service.out.contains(*name);
                json!({
                    "operation": name,
                    "method": method.as_str(),
                    "path": path,
                    "built": built,
                    "available": available,
                })
            })
            .collect();
        json!({ "routes": rows })
    }

    pub(super) fn route_shown(&self, operation: &str) -> Result<Value, Trouble> {
        let name = self.operations.served_name(operation).unwrap_or(operation);
        let all = self.routes_shown();
        let mut rows = all["routes"].as_array().into_iter().flatten();
        let row = rows.find(|row| row["operation"] == name).cloned();
        row.ok_or_else(|| {
            let sentence = "there is no such operation (GET /loligo/v1/routes lists them)";
            Refused::new(StatusCode::NOT_FOUND, sentence).into()
        })
    }
}

fn account_shown(directory: &Directory, account: &AccountEntry) -> Value {
    // The house's own are not shown at all.
    let AccountEntry { id, uid, name, parent, house: _, active, trading, off_book_leverage: _ } = account;
    let uid_of = |id: AccountId| directory.account(id).map(|account| account.uid.to_string());
    let keys = directory.keys().iter().filter(|key| key.account == *id).map(|key| {
        // What signs is shown once, when the key is made.
        let ApiKey { id: _, account: _, api_key, secret: _, general, withdrawal, created: _ } = &**key;
        let general = match general {
            GeneralRight::Full => "full",
            GeneralRight::ReadOnly => "read_only",
            GeneralRight::None => "none",
        };
        let withdrawal = match withdrawal {
            WithdrawalRight::Full => "full",
            WithdrawalRight::None => "none",
        };
        json!({ "api_key": &**api_key, "general": general, "withdrawal": withdrawal })
    });
    json!({
        "uid": uid.to_string(),
        "name": name.as_deref(),
        "master": parent.and_then(uid_of),
        "active": active,
        "trading": trading,
        "keys": keys.collect::<Vec<_>>(),
    })
}

fn wallet_name(directory: &Directory, wallet: &WalletView) -> String {
    match wallet.wallet {
        Wallet::Cash => "cash".to_owned(),
        Wallet::Flex => "flex".to_owned(),
        Wallet::Inverse(pair) => {
            let of_pair = |listed: &&ListedInstrument| listed.instrument.pair() == pair;
            let listed = directory.instruments().iter().find(of_pair);
            listed.map_or_else(String::new, |listed| wallets::inverse_name(&listed.instrument.spec().pair))
        }
    }
}

fn wallet_shown(wallet: &WalletView) -> Value {
    let balances: Map<String, Value> = wallet
        .balances
        .iter()
        .map(|(currency, money)| (currency.code().to_owned(), json!(decimal(money.0, 11))))
        .collect();
    let mut shown = json!({ "balances": balances });
    if let Some(settlement) = wallet.settlement {
        shown["margin_in"] = json!(settlement.code());
        shown["equity"] = json!(grid::amount(wallet.equity).to_string());
        shown["available"] = json!(grid::amount(wallet.available()).to_string());
        shown["liquidated"] = json!(wallet.liquidated);
    }
    shown
}

fn market_shown(listed: &ListedInstrument, market: Option<&MarketView>) -> Value {
    json!({
        "symbol": listed.instrument.spec().symbol,
        "state": market.map(|market| state_word(market.trading)),
        "in_force": market.map(|market| state_word(market.state)),
        "dislocation": market.and_then(|market| market.dislocation).map(|side| match side {
            Dislocation::Above => "above",
            Dislocation::Below => "below",
        }),
        "margin_multiplier": market.map(|market| market.margin_multiplier),
        "ends_at": market.and_then(|market| market.ends_at).map(crate::report::time_text),
        "settlement_price": market.and_then(|market| market.settlement_price).map(|price| decimal(price.0, 18)),
    })
}

fn state_word(state: MarketState) -> &'static str {
    match state {
        MarketState::Open => "open",
        MarketState::Suspended => "suspended",
        MarketState::PostOnly => "post_only",
        MarketState::Inactive => "inactive",
        MarketState::PreLaunch => "pre_launch",
        MarketState::Expired => "expired",
    }
}

fn prices_shown(
    listed: &ListedInstrument,
    market: Option<&MarketView>,
    pinned: Option<(bool, bool)>,
) -> Value {
    let text = |price: Option<FinePrice>| price.map(|price| decimal(price.0, 18));
    let pinned = pinned.unwrap_or_default();
    json!({
        "symbol": listed.instrument.spec().symbol,
        "index": text(market.and_then(|market| market.index)),
        "mark": text(market.and_then(|market| market.mark)),
        "index_pinned": pinned.0,
        "mark_pinned": pinned.1,
    })
}

/// For whom limits hold; for all when neither is named.
fn whom(
    directory: &Directory,
    shown: &mut Value,
    account: Option<AccountId>,
    instrument: Option<InstrumentId>,
) {
    let account = account.and_then(|id| directory.account(id));
    shown["account"] = json!(account.map(|account| account.uid.to_string()));
    shown["symbol"] =
        json!(instrument.and_then(|id| directory.instrument(id)).map(|listed| &listed.spec().symbol));
}

/// What was set of the limits of somebody, and nothing else.
fn change_shown(change: &LimitsChange) -> Value {
    let LimitsChange {
        open_orders,
        triggers,
        trailing_stops,
        small_orders,
        small_order_usd,
        order_value_usd,
        price_collar,
    } = change;
    let all = [
        ("open_orders", json!(open_orders)),
        ("triggers", json!(triggers)),
        ("trailing_stops", json!(trailing_stops)),
        ("small_orders", json!(small_orders)),
        ("small_order_usd", json!(small_order_usd)),
        ("order_value_usd", json!(order_value_usd)),
        ("price_collar", json!(price_collar.map(|collar| decimal(i128::from(collar), 4)))),
    ];
    let set = all.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(set.map(|(name, value)| (name.to_owned(), value)).collect())
}
