//! Requests about how an account trades, and what a master sees and decides of its subaccounts.

use super::convert::accounts::{self, SubaccountSeen};
use super::convert::commands::contract;
use super::convert::markets;
use super::convert::refusals;
use super::convert::settings::{hundredths, leverage, off_book_leverage, strategy, strategy_word};
use super::private::KrakenRequest;
use super::{Answer, Failure, Kraken};
use crate::grid::time;
use crate::login::Caller;
use crate::node::AccountError;
use crate::projection::AccountEntry;
use crate::record::Fact;
use crate::wallets;
use loligo_engine::{
    Ask, ContractKind, Exchange, LeverageOutcome, PnlPreferenceOutcome, SelfTradeOutcome, TradingOutcome,
};
use loligo_wire::v3::errors::{ErrorAnswer, NumberedError};
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
                Some(responses::LeveragePreference { symbol, max_leverage: hundredths(leverage.0) })
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

    pub(super) async fn pnl_preferences(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        let request = asked.read(&caller, requests::PnlPreferences::parse)?;
        let only = request.symbol.map(|symbol| contract(asked.directory, &symbol)).transpose()?;
        let only = only.map(|listed| listed.id);
        let account = caller.account;
        let held = self.node.query(move |exchange| exchange.pnl_preferences(account)).await?;
        let rows =
            held.iter().filter(|(id, _)| only.is_none_or(|only| *id == only)).filter_map(|(id, currency)| {
                let symbol = &asked.directory.instrument(*id)?.spec().symbol;
                Some(responses::PnlPreference { symbol, currency: currency.code() })
            });
        let mut body = Vec::with_capacity(256);
        responses::write_pnl_preferences(&mut body, rows, time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn set_pnl_preference(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::SetPnlPreference<'_>, Failure>,
        caller: Caller,
    ) -> Answer {
        let request = request?;
        asked.active(&caller)?;
        let listed = asked.directory.by_symbol(request.symbol.as_str());
        let listed = listed.ok_or(NumberedError::CONTRACT_DOES_NOT_EXIST)?;
        if listed.instrument.spec().kind == ContractKind::Inverse {
            return Err(NumberedError::CONTRACT_NOT_MULTI_COLLATERAL.into());
        }
        // What is no code is no currency that anybody knows.
        let currency = wallets::currency(&request.currency).ok_or(NumberedError::CURRENCY_DOES_NOT_EXIST)?;
        let ask = Ask::set_pnl_preference(caller.account, listed.id, Some(currency));
        let reply = self.node.ask(ask, caller.nonce).await?;
        match reply.outcome {
            PnlPreferenceOutcome::Done => {
                let mut body = Vec::with_capacity(96);
                responses::write_done(&mut body, time(self.node.now()));
                Ok(body)
            }
            PnlPreferenceOutcome::AccountInactive => Err(Error::AccountInactive.into()),
            PnlPreferenceOutcome::Refused(refusal) => Err(refusals::of_pnl_preference(refusal)),
        }
    }

    /// How far a master lets be leveraged what fills off the book. Nothing does here, so it is remembered and told, no more.
    pub(super) async fn off_book_leverage(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let cap = master(&asked, &caller)?.off_book_leverage;
        let mut body = Vec::with_capacity(96);
        responses::write_off_book_leverage(&mut body, cap.map(hundredths), time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn set_off_book_leverage(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::SetOffBookLeverage, Failure>,
        caller: Caller,
    ) -> Answer {
        let cap = off_book_leverage(request?.max_leverage);
        let cap = cap.ok_or(ErrorAnswer::invalid_argument("maxLeverage"))?;
        self.cap_off_book_leverage(&asked, &caller, Some(cap)).await
    }

    pub(super) async fn clear_off_book_leverage(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.args()?;
        self.cap_off_book_leverage(&asked, &caller, None).await
    }

    async fn cap_off_book_leverage(
        &self,
        asked: &KrakenRequest<'_>,
        caller: &Caller,
        cap: Option<u32>,
    ) -> Answer {
        asked.active(caller)?;
        let account = master(asked, caller)?.id;
        match self.node.record_by(Fact::OffBookLeverage { account, cap }, caller.nonce).await {
            Ok(_) => {}
            Err(AccountError::Node(error)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(%error, "a cap that was checked was refused");
                return Err(Error::UnknownError.into());
            }
        }
        let mut body = Vec::with_capacity(96);
        responses::write_off_book_leverage(&mut body, cap.map(hundredths), time(self.node.now()));
        Ok(body)
    }

    /// What the family of an account traded in thirty days, which is what its fees go by.
    pub(super) async fn fee_schedule_volumes(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let (account, now) = (caller.account, self.node.now());
        let volume = self.node.query(move |exchange| exchange.fee_volume(account, now)).await?;
        let mut body = Vec::with_capacity(160);
        markets::write_fee_volume(&mut body, volume.ok_or(Error::UnknownError)?, time(now));
        Ok(body)
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

/// The caller's account, which is a master.
fn master<'d>(asked: &KrakenRequest<'d>, caller: &Caller) -> Result<&'d AccountEntry, Failure> {
    let entry = asked.directory.account(caller.account).ok_or(Error::UnknownError)?;
    if entry.parent.is_some() { Err(Error::AuthenticationError.into()) } else { Ok(entry) }
}

fn subaccount_uid(text: &str) -> Result<Uuid, RequestError> {
    parse_uuid(text.as_bytes()).ok_or(RequestError::InvalidArgument("subaccountUid"))
}
