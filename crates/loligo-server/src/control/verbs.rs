//! What the verbs do.

use super::body::{Exact, Nothing, read};
use super::{Control, Refused, Trouble};
use crate::config::ClockKind;
use crate::node::{AccountError, ClockError, IssuedKey, OpenAccount, OpenedAccount, Submission, check_name};
use crate::projection::{AccountEntry, Directory, ListedInstrument};
use crate::record::{FactRefusal, GeneralRight, WithdrawalRight};
use crate::report::{hex, time_text};
use crate::wallets;
use http::StatusCode;
use loligo_engine::{
    AccountId, Ask, Audit, Command, Currency, CurrencyAudit, Deposit, DepositOutcome, DepositRefusal, Money,
    Outcome, PoolOutcome, PoolRefusal, Refusal, SmoothingOutcome, Timestamp, Wallet,
};
use loligo_wire::decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most that an account begins with of a currency, in whole units: the engine's own limit of one deposit.
const OPENING_MAX: i128 = 1_000_000_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateAccountBody {
    name: Option<String>,
    #[serde(default)]
    flex: BTreeMap<String, Exact>,
    #[serde(default)]
    wallets: BTreeMap<String, Exact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateKeyBody {
    #[serde(default)]
    general: General,
    #[serde(default)]
    withdrawal: Withdrawal,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum General {
    #[default]
    Full,
    ReadOnly,
    None,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Withdrawal {
    Full,
    #[default]
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DepositBody {
    wallet: String,
    currency: String,
    amount: Exact,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolBody {
    currency: String,
    amount: Exact,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PricesBody {
    index: Option<Exact>,
    mark: Option<Exact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SmoothingBody {
    seconds: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    advance_ms: Option<i64>,
    set: Option<String>,
}

impl Control {
    pub(super) fn health(&self) -> Value {
        let (told, speaks_from) = self.history.extent();
        json!({
            "status": "ok",
            "sequence": self.node.acknowledged(),
            "time": time_text(self.node.now()),
            // By how much the machine's clock is behind that time; null where it is moved by hand.
            "clock_behind_ms": self.node.clock_behind().map(|behind| behind.as_millis() as u64),
            // The last record that history tells, and the first from which on it has all.
            "history": {"sequence": told, "speaks_from": speaks_from},
        })
    }

    pub(super) async fn create_account(&self, body: &[u8]) -> Result<Value, Trouble> {
        self.open_account(None, body).await
    }

    pub(super) async fn create_subaccount(&self, uid: &str, body: &[u8]) -> Result<Value, Trouble> {
        let parent = self.account(uid)?;
        self.open_account(Some(parent), body).await
    }

    async fn open_account(&self, parent: Option<AccountId>, body: &[u8]) -> Result<Value, Trouble> {
        let body: CreateAccountBody = read(body)?;
        let directory = self.node.views().directory();
        let mut deposits = Vec::new();
        for (code, amount) in body.flex {
            deposits.push((Wallet::Flex, currency(&code)?, opening(amount)?));
        }
        for (name, amount) in body.wallets {
            let (wallet, base) = inverse_wallet(&directory, &name)?;
            deposits.push((wallet, base, opening(amount)?));
        }
        // Checked before there is an account, which would stay without its name; and one at a time, so that of two who
        // want one name the second finds it taken.
        let _turn = self.opening.lock().await;
        let directory = self.node.views().directory();
        let taken = |name: &String| {
            directory.accounts().iter().any(|account| account.name.as_deref() == Some(name.as_str()))
        };
        if body.name.as_ref().is_some_and(taken) {
            return Err(fact_trouble(FactRefusal::NameTaken.into()));
        }
        if let Some(name) = &body.name {
            check_name(name).map_err(|refusal| fact_trouble(refusal.into()))?;
        }
        let wanted = OpenAccount { name: body.name, parent, deposits };
        let opened = self.node.open_account(wanted).await.map_err(fact_trouble)?;
        Ok(start_file_entry(&opened))
    }

    pub(super) async fn set_active(&self, uid: &str, active: bool, body: &[u8]) -> Result<Value, Trouble> {
        let Nothing {} = read(body)?;
        let account = self.account(uid)?;
        self.order(vec![Command::SetActive { account, active }]).await?;
        Ok(json!({ "uid": self.node.identity().account_uid(account).to_string(), "active": active }))
    }

    pub(super) async fn create_key(&self, uid: &str, body: &[u8]) -> Result<Value, Trouble> {
        let body: CreateKeyBody = read(body)?;
        let account = self.account(uid)?;
        let general = match body.general {
            General::Full => GeneralRight::Full,
            General::ReadOnly => GeneralRight::ReadOnly,
            General::None => GeneralRight::None,
        };
        let withdrawal = match body.withdrawal {
            Withdrawal::Full => WithdrawalRight::Full,
            Withdrawal::None => WithdrawalRight::None,
        };
        let key = self.node.create_key(account, general, withdrawal).await.map_err(fact_trouble)?;
        Ok(key_entry(&key))
    }

    pub(super) async fn deposit(&self, uid: &str, body: &[u8]) -> Result<Value, Trouble> {
        let body: DepositBody = read(body)?;
        let account = self.account(uid)?;
        let directory = self.node.views().directory();
        let wallet = match body.wallet.to_ascii_lowercase().as_str() {
            "cash" => Wallet::Cash,
            "flex" => Wallet::Flex,
            name => inverse_wallet(&directory, name)?.0,
        };
        let currency = currency(&body.currency)?;
        let amount = body.amount.money()?;
        match self.node.ask(Deposit { account, wallet, currency, amount }, None).await?.outcome {
            DepositOutcome::Done => {}
            // A negative amount takes money out again.
            DepositOutcome::Refused(DepositRefusal::AmountOutOfRange) if amount < Money::ZERO => {
                return Err(Refused::bad("no more can be taken out than is free in the wallet").into());
            }
            DepositOutcome::Refused(refusal) => return Err(refused(&refusal.into()).into()),
        }
        let balance =
            self.node.query(move |exchange| balance_of(&exchange.wallets(account), wallet, currency)).await?;
        Ok(json!({ "wallet": body.wallet, "currency": currency.code(), "balance": decimal(balance.0, 11) }))
    }

    /// Below zero where it paid for what it did not have: no wallet stays there.
    pub(super) async fn pools(&self) -> Result<Value, Trouble> {
        let pools = self.node.query(loligo_engine::Exchange::pools).await?;
        let pools =
            pools.into_iter().map(|(currency, amount)| (currency.code().to_owned(), decimal(amount.0, 11)));
        Ok(json!({ "pool": pools.collect::<BTreeMap<_, _>>() }))
    }

    pub(super) async fn set_pool(&self, body: &[u8]) -> Result<Value, Trouble> {
        let body: PoolBody = read(body)?;
        let (currency, amount) = (currency(&body.currency)?, body.amount.money()?);
        match self.node.ask(Ask::set_pool(currency, amount), None).await?.outcome {
            PoolOutcome::Done => Ok(json!({ "currency": currency.code(), "amount": decimal(amount.0, 11) })),
            PoolOutcome::Refused(PoolRefusal::WrongCurrency) => {
                Err(Refused::bad(format!("no contract settles in {}", currency.code())).into())
            }
            PoolOutcome::Refused(refusal) => Err(refused(&refusal.into()).into()),
        }
    }

    pub(super) async fn pin_prices(&self, symbol: &str, body: &[u8]) -> Result<Value, Trouble> {
        let body: PricesBody = read(body)?;
        if let Some(pair) = self.pair(symbol).await? {
            return self.pin_pair(pair, body.index, body.mark).await;
        }
        let contract = self.contract(symbol)?;
        let (index, mark) =
            (body.index.map(Exact::price).transpose()?, body.mark.map(Exact::price).transpose()?);
        if index.is_none() && mark.is_none() {
            return Err(Refused::bad("name an index, a mark, or both").into());
        }
        self.order(vec![Command::PinPrices { instrument: contract.id, index, mark }]).await?;
        self.prices(&contract).await
    }

    pub(super) async fn release_prices(&self, symbol: &str) -> Result<Value, Trouble> {
        if let Some(pair) = self.pair(symbol).await? {
            return self.release_pair(pair).await;
        }
        let contract = self.contract(symbol)?;
        self.order(vec![
            Command::PinIndex { pair: contract.instrument.pair(), price: None },
            Command::PinMark { instrument: contract.id, price: None },
        ])
        .await?;
        self.prices(&contract).await
    }

    pub(super) async fn smoothing(&self) -> Result<Value, Trouble> {
        let seconds = self.node.query(loligo_engine::Exchange::mark_smoothing).await?;
        Ok(json!({ "seconds": seconds }))
    }

    pub(super) async fn set_smoothing(&self, body: &[u8]) -> Result<Value, Trouble> {
        let SmoothingBody { seconds } = read(body)?;
        match self.node.ask(Ask::set_mark_smoothing(seconds), None).await?.outcome {
            SmoothingOutcome::Done => self.smoothing().await,
            SmoothingOutcome::Refused(refusal) => Err(refused(&refusal.into()).into()),
        }
    }

    pub(super) fn clock(&self) -> Value {
        let to = self.node.moving_to();
        let time = time_text(self.node.now());
        match self.node.clock() {
            ClockKind::Real => json!({ "kind": "real", "time": time }),
            ClockKind::Manual { .. } => {
                json!({ "kind": "manual", "time": time, "moving": to.is_some(), "to": to.map(time_text) })
            }
        }
    }

    pub(super) async fn move_clock(&self, body: &[u8]) -> Result<Value, Trouble> {
        let body: ClockBody = read(body)?;
        let moved = match (body.advance_ms, body.set) {
            (Some(millis), None) => self.node.advance(millis).await,
            (None, Some(text)) => {
                let to = loligo_wire::time::Timestamp::parse(text.as_bytes())
                    .map_err(|_| Refused::bad("`set` wants a time such as 2026-01-01T00:00:00Z"))?;
                self.node.set_time(Timestamp(to.micros())).await
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(Refused::bad("give either `advance_ms` or `set`").into());
            }
        };
        match moved {
            Ok(time) => Ok(json!({ "kind": "manual", "time": time_text(time), "ended": false })),
            Err(ClockError::Ended { at }) => {
                Ok(json!({ "kind": "manual", "time": time_text(at), "ended": true }))
            }
            Err(error) => Err(clock_trouble(error)),
        }
    }

    pub(super) async fn end_moves(&self, body: &[u8]) -> Result<Value, Trouble> {
        let Nothing {} = read(body)?;
        let at = self.node.end_moves().await.map_err(clock_trouble)?;
        Ok(json!({ "kind": "manual", "time": time_text(at), "moving": false, "to": null }))
    }

    pub(super) async fn state_hash(&self) -> Result<Value, Trouble> {
        let hashes = self.node.state_hashes().await?;
        Ok(json!({
            "sequence": hashes.sequence,
            "time": time_text(hashes.time),
            "state_hash": hex(&hashes.state),
            "event_hash": hex(&hashes.events),
        }))
    }

    pub(super) async fn audit(&self) -> Result<Value, Trouble> {
        match self.node.audit().await? {
            Ok(audit) => Ok(audit_sums(&audit)),
            Err(broken) => Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, broken.to_string()).into()),
        }
    }

    /// Has commands carried out that come to nothing but that they are done; the first refusal is the answer.
    pub(super) async fn order(&self, commands: Vec<Command>) -> Result<(), Trouble> {
        let replies = self.node.submit_all(commands.into_iter().map(Submission::new).collect()).await?;
        replies.into_iter().try_for_each(|reply| match reply.outcome {
            Outcome::Done => Ok(()),
            Outcome::Refused(refusal) => Err(refused(&refusal).into()),
            outcome @ (Outcome::AccountCreated(_)
            | Outcome::Listed(_)
            | Outcome::Placed(_)
            | Outcome::Rejected(..)
            | Outcome::Edited(_)
            | Outcome::EditRejected(..)
            | Outcome::Cancelled(_)
            | Outcome::AlreadyFilled(_)
            | Outcome::CancelNotFound(_)
            | Outcome::CancelledAll(_)
            | Outcome::Armed(_)
            | Outcome::Replaced(_)
            | Outcome::ProgramAdded(_)
            | Outcome::ProgramRemoved(_)
            | Outcome::AccountInactive
            | Outcome::TooLate) => {
                unreachable!("a verb's command that is done or refused came to {outcome:?}")
            }
        })
    }

    /// The account of a uid or of a name.
    pub(super) fn account(&self, named: &str) -> Result<AccountId, Refused> {
        let directory = self.node.views().directory();
        let by_uid = Uuid::try_parse(named).ok().and_then(|uid| self.node.identity().account_id(uid));
        let by_uid = by_uid.filter(|id| directory.account(*id).is_some());
        let by_name = || {
            let named = |account: &&AccountEntry| account.name.as_deref() == Some(named);
            directory.accounts().iter().find(named).map(|account| account.id)
        };
        by_uid.or_else(by_name).ok_or_else(|| {
            let sentence = "there is no account of this uid or name (GET /loligo/v1/accounts lists them)";
            Refused::new(StatusCode::NOT_FOUND, sentence)
        })
    }

    pub(super) fn contract(&self, symbol: &str) -> Result<ListedInstrument, Refused> {
        let directory = self.node.views().directory();
        directory.by_symbol(symbol).cloned().ok_or_else(|| {
            let sentence = "there is no such contract (GET /loligo/v1/markets lists them)";
            Refused::new(StatusCode::NOT_FOUND, sentence)
        })
    }
}

/// What a clock that is not moved is for the operator.
fn clock_trouble(error: ClockError) -> Trouble {
    let status = match error {
        ClockError::Node(error) => return error.into(),
        ClockError::RealClock => StatusCode::CONFLICT,
        ClockError::Backward { .. } | ClockError::TooFar => StatusCode::BAD_REQUEST,
        ClockError::Ended { .. } | ClockError::DiskFull { .. } => StatusCode::SERVICE_UNAVAILABLE,
    };
    Refused::new(status, error.to_string()).into()
}

/// An account as the start file shows it.
pub(crate) fn start_file_entry(account: &OpenedAccount) -> Value {
    let mut entry = key_entry(&account.full);
    entry["uid"] = json!(account.uid.to_string());
    entry["name"] = json!(account.name);
    entry["read_only"] = key_entry(&account.read_only);
    entry
}

fn key_entry(key: &IssuedKey) -> Value {
    json!({ "api_key": key.api_key, "api_secret": key.secret.to_base64() })
}

/// What a refusal of the engine's is for the operator.
pub(super) fn refused(refusal: &Refusal) -> Refused {
    let status = match refusal {
        Refusal::UnknownAccount | Refusal::UnknownInstrument | Refusal::UnknownOrder => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    Refused::new(status, refusal.to_string())
}

/// What a fact that does not hold is for the operator.
pub(super) fn fact_trouble(error: AccountError) -> Trouble {
    match error {
        AccountError::Refused(refusal) => refused(&refusal).into(),
        AccountError::Registry(refusal) => {
            let status = match refusal {
                FactRefusal::UnknownAccount
                | FactRefusal::UnknownFault
                | FactRefusal::UnknownNotice
                | FactRefusal::NotDated => StatusCode::NOT_FOUND,
                FactRefusal::BadName
                | FactRefusal::BadOperation
                | FactRefusal::BadNote
                | FactRefusal::PlanTooLate
                | FactRefusal::NeverTold
                | FactRefusal::BadLeverage => StatusCode::BAD_REQUEST,
                FactRefusal::TooManyKeys
                | FactRefusal::KeyExists
                | FactRefusal::NameTaken
                | FactRefusal::SealedForAnother
                | FactRefusal::TooManyRoutes
                | FactRefusal::TooManyFaults
                | FactRefusal::TooManyNotices => StatusCode::CONFLICT,
            };
            Refused::new(status, refusal.to_string()).into()
        }
        AccountError::NoRandomness => {
            Refused::new(StatusCode::INTERNAL_SERVER_ERROR, AccountError::NoRandomness.to_string()).into()
        }
        AccountError::Node(error) => error.into(),
    }
}

/// What an account begins with. Asked before there is one: a deposit that is refused would leave it there without.
fn opening(amount: Exact) -> Result<Money, Refused> {
    let amount = amount.money()?;
    if (1..=OPENING_MAX * Money::ONE).contains(&amount.0) {
        Ok(amount)
    } else {
        Err(Refused::bad("an account begins with amounts that are positive and at most 10^12"))
    }
}

fn currency(code: &str) -> Result<Currency, Refused> {
    wallets::currency(code).ok_or_else(|| Refused::bad("a currency is a code such as USD or BTC"))
}

fn inverse_wallet(directory: &Directory, name: &str) -> Result<(Wallet, Currency), Refused> {
    wallets::inverse(directory, name).ok_or_else(|| {
        Refused::bad(format!("there is no wallet {name:?}: it is cash, flex or one like fi_xbtusd"))
    })
}

fn balance_of(wallets: &[loligo_engine::WalletView], wallet: Wallet, currency: Currency) -> Money {
    wallets
        .iter()
        .find(|view| view.wallet == wallet)
        .and_then(|view| view.balances.iter().find(|(held, _)| *held == currency))
        .map_or(Money::ZERO, |(_, balance)| *balance)
}

fn audit_sums(audit: &Audit) -> Value {
    let Audit { currencies, open_orders, positions } = audit;
    let currencies: Vec<Value> =
        currencies
            .iter()
            .map(|sums| {
                let CurrencyAudit {
                    currency,
                    deposited,
                    wallets,
                    entries,
                    fees,
                    exchanged,
                    pool,
                    funding,
                    dust,
                } = sums;
                json!({
                    "currency": currency.code(),
                    "deposited": decimal(deposited.0, 24),
                    "wallets": decimal(wallets.0, 24),
                    "entries": decimal(entries.0, 24),
                    "fees": decimal(fees.0, 24),
                    "exchanged": decimal(exchanged.0, 24),
                    "pool": decimal(pool.0, 24),
                    "funding": decimal(funding.0, 24),
                    "dust": decimal(dust.0, 24),
                })
            })
            .collect();
    json!({
        "status": "ok",
        "currencies": currencies,
        "open_orders": open_orders,
        "positions": positions,
    })
}

pub(super) fn decimal(units: i128, scale: u32) -> String {
    Decimal::new(units, scale).to_string()
}
