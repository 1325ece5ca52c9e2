//! Requests about how an account trades, and what a master sees and decides of its subaccounts.

use super::convert::accounts::{self, SubaccountSeen};
use super::convert::commands::contract;
use super::convert::refusals;
use super::convert::settings::{leverage, strategy, strategy_word};
use super::private::KrakenRequest;
use super::{Answer, Failure, Kraken};
use crate::grid::time;
use crate::login::Caller;
use crate::projection::AccountEntry;
use loligo_engine::{Ask, Exchange, LeverageOutcome, SelfTradeOutcome, TradingOutcome};
use loligo_wire::decimal::Decimal;
use loligo_wire::v3::errors::NumberedError;
use loligo_wire::v3::requests::{self, RequestError, parse_uuid};
use loligo_wire::v3::responses;
use loligo_wire::v3::words::Error;
use uuid::Uuid;

impl Kraken {
    pub(super) async fn self_trade_strategy(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let account = caller.account;
        let held = self.node.query(move |exchange| exchange.account(account)).await?;
        let held = held.ok_or(Error::UnknownError)?.self_trade;
        let mut body = Vec::with_capacity(128);
        responses::write_self_trade_strategy(&mut body, strategy_word(held), time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn set_self_trade_strategy(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::SetSelfTradeStrategy, Failure>,
        caller: Caller,
    ) -> Answer {
        let word = request?.strategy;
        asked.active(&caller)?;
        let ask = Ask::set_self_trade(caller.account, strategy(word));
        let reply = self.node.ask(ask, caller.nonce).await?;
        match reply.outcome {
            SelfTradeOutcome::Done => {
                let mut body = Vec::with_capacity(128);
                responses::write_self_trade_strategy(&mut body, word, time(self.node.now()));
                Ok(body)
            }
            SelfTradeOutcome::AccountInactive => Err(Error::AccountInactive.into()),
            SelfTradeOutcome::Refused(refusal) => Err(refusals::of_self_trade(refusal)),
        }
    }

    pub(super) async fn leverage_preferences(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        let request = asked.read(&caller, requests::LeveragePreferences::parse)?;
        let only = request.symbol.map(|symbol| contract(asked.directory, &symbol)).transpose()?;
        let only = only.map(|listed| listed.id);
        let account = caller.account;
        let held = self.node.query(move |exchange| exchange.leverage_preferences(account)).await?;
        let rows =
            held.iter().filter(|(id, _)| only.is_none_or(|only| *id == only)).filter_map(|(id, leverage)| {
                let symbol = &asked.directory.instrument(*id)?.spec().symbol;
                Some(responses::LeveragePreference {
                    symbol,
                    max_leverage: Decimal::new(i128::from(leverage.0), 2),
                })
            });
        let mut body = Vec::with_capacity(256);
        responses::write_leverage_preferences(&mut body, rows, time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn set_leverage_preference(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::SetLeveragePreference, Failure>,
        caller: Caller,
    ) -> Answer {
        let request = request?;
        asked.active(&caller)?;
        let listed = asked.directory.by_symbol(request.symbol.as_str());
        let instrument = listed.ok_or(NumberedError::CONTRACT_DOES_NOT_EXIST)?.id;
        let leverage = request.max_leverage.map(leverage);
        let ask = Ask::set_leverage(caller.account, instrument, leverage);
        let reply = self.node.ask(ask, caller.nonce).await?;
        match reply.outcome {
            LeverageOutcome::Done => {
                let mut body = Vec::with_capacity(96);
                responses::write_done(&mut body, time(self.node.now()));
                Ok(body)
            }
            LeverageOutcome::AccountInactive => Err(Error::AccountInactive.into()),
            LeverageOutcome::Refused(refusal) => Err(refusals::of_leverage(refusal)),
        }
    }

    pub(super) async fn subaccounts(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let account = caller.account;
        // A subaccount has none, and is told whose it is.
        let master = asked.directory.account(account).and_then(|entry| entry.parent).unwrap_or(account);
        let children: Vec<AccountEntry> = asked
            .directory
            .accounts()
            .iter()
            .filter(|entry| entry.parent == Some(account))
            .cloned()
            .collect();
        let look = move |exchange: &Exchange| {
            children.into_iter().map(|entry| SubaccountSeen::of(exchange, entry)).collect::<Vec<_>>()
        };
        let seen = self.node.query(look).await?;
        let master = self.node.identity().account_uid(master);
        let mut body = Vec::with_capacity(256 + 1024 * seen.len());
        accounts::write_subaccounts(&mut body, master, &seen, time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn trading_enabled(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        let uid = asked.read(&caller, |_| subaccount_uid(asked.named))?;
        let entry = self.own_subaccount(&asked, &caller, uid)?;
        let mut body = Vec::with_capacity(32);
        responses::write_trading_enabled(&mut body, entry.trading);
        Ok(body)
    }

    pub(super) async fn set_trading_enabled(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::SetTradingEnabled, Failure>,
        caller: Caller,
    ) -> Answer {
        asked.args()?;
        let (uid, enabled) = (subaccount_uid(asked.named)?, request?.trading_enabled);
        asked.active(&caller)?;
        let account = self.own_subaccount(&asked, &caller, uid)?.id;
        let ask = Ask::set_trading(account, enabled);
        let reply = self.node.ask(ask, caller.nonce).await?;
        match reply.outcome {
            TradingOutcome::Done => {
                let mut body = Vec::with_capacity(32);
                responses::write_trading_enabled(&mut body, enabled);
                Ok(body)
            }
            TradingOutcome::Refused(refusal) => Err(refusals::of_trading(refusal)),
        }
    }

    /// A subaccount of the caller's. Whether another account exists is nobody's to know.
    fn own_subaccount<'d>(
        &self,
        asked: &KrakenRequest<'d>,
        caller: &Caller,
        uid: Uuid,
    ) -> Result<&'d AccountEntry, Failure> {
        let directory = asked.directory;
        let account = self.node.identity().account_id(uid).and_then(|id| directory.account(id));
        account.filter(|account| account.parent == Some(caller.account)).ok_or_else(|| Error::NotFound.into())
    }
}

fn subaccount_uid(text: &str) -> Result<Uuid, RequestError> {
    parse_uuid(text.as_bytes()).ok_or(RequestError::InvalidArgument("subaccountUid"))
}
