//! Requests that move money: between wallets, between the accounts of a family, and out of the exchange (rules 6).
//!
//! What is wrong is told by its cause, in this order: the account, the wallet, the unit, the amount, and then whether so
//! much may leave (rules 2.4).

use super::convert::refusals;
use super::private::KrakenRequest;
use super::{Answer, Failure, Kraken};
use crate::grid::time;
use crate::login::Caller;
use crate::projection::{AccountEntry, Directory};
use crate::wallets;
use loligo_engine::{
    AccountId, Currency, Money, Transfer, TransferOutcome, Wallet, Withdraw, WithdrawOutcome,
};
use loligo_wire::decimal::{Number, ScaleError};
use loligo_wire::v3::requests;
use loligo_wire::v3::responses;
use loligo_wire::v3::words::Error;
use uuid::Uuid;

/// One end of a movement.
struct End<'n> {
    account: AccountId,
    wallet: &'n str,
}

impl Kraken {
    pub(super) async fn transfer(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::Transfer<'_>, Failure>,
        caller: Caller,
    ) -> Answer {
        let request = request?;
        asked.active(&caller)?;
        let account = caller.account;
        let from = End { account, wallet: &request.from_account };
        let to = End { account, wallet: &request.to_account };
        self.move_money(asked.directory, caller, from, to, &request.unit, request.amount).await
    }

    pub(super) async fn subaccount_transfer(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::SubaccountTransfer<'_>, Failure>,
        caller: Caller,
    ) -> Answer {
        let request = request?;
        asked.active(&caller)?;
        let relative = |uid| self.relative(asked.directory, caller.account, uid);
        let from = End { account: relative(request.from_user)?, wallet: &request.from_account };
        let to = End { account: relative(request.to_user)?, wallet: &request.to_account };
        self.move_money(asked.directory, caller, from, to, &request.unit, request.amount).await
    }

    async fn move_money(
        &self,
        directory: &Directory,
        caller: Caller,
        from: End<'_>,
        to: End<'_>,
        unit: &str,
        amount: Number,
    ) -> Answer {
        let wallet = |name| wallets::wallet(directory, name).ok_or(Error::InvalidAccount);
        let (from_wallet, to_wallet) = (wallet(from.wallet)?, wallet(to.wallet)?);
        let currency = held(directory, unit, &[from_wallet, to_wallet])?;
        let transfer = Transfer {
            by: caller.account,
            from: from.account,
            from_wallet,
            to: to.account,
            to_wallet,
            currency,
            amount: money(amount)?,
        };
        let reply = self.node.ask(transfer, caller.nonce).await?;
        match reply.outcome {
            TransferOutcome::Done => {
                let mut body = Vec::with_capacity(96);
                responses::write_done(&mut body, time(self.node.now()));
                Ok(body)
            }
            TransferOutcome::AccountInactive => Err(Error::AccountInactive.into()),
            TransferOutcome::Refused(refusal) => Err(refusals::of_transfer(refusal)),
        }
    }

    pub(super) async fn withdrawal(
        &self,
        asked: KrakenRequest<'_>,
        request: Result<requests::Withdrawal<'_>, Failure>,
        caller: Caller,
    ) -> Answer {
        let request = request?;
        asked.active(&caller)?;
        let directory = asked.directory;
        let wallet = wallets::wallet(directory, &request.source_wallet).ok_or(Error::InvalidAccount)?;
        let currency = held(directory, &request.currency, &[wallet])?;
        let withdraw = Withdraw { account: caller.account, wallet, currency, amount: money(request.amount)? };
        let reply = self.node.ask(withdraw, caller.nonce).await?;
        match reply.outcome {
            WithdrawOutcome::Done => {
                let uid = self.node.identity().withdrawal_uid(reply.sequence);
                let mut body = Vec::with_capacity(128);
                responses::write_withdrawal(&mut body, uid, time(self.node.now()));
                Ok(body)
            }
            WithdrawOutcome::AccountInactive => Err(Error::AccountInactive.into()),
            WithdrawOutcome::Refused(refusal) => Err(refusals::of_withdrawal(refusal)),
        }
    }

    /// An account of the caller's family. Whether another account exists is nobody's to know.
    fn relative(
        &self,
        directory: &Directory,
        caller: AccountId,
        uid: Option<Uuid>,
    ) -> Result<AccountId, Failure> {
        let master = |account: &AccountEntry| account.parent.unwrap_or(account.id);
        let own = directory.account(caller).map(master);
        uid.and_then(|uid| self.node.identity().account_id(uid))
            .and_then(|id| directory.account(id))
            .filter(|account| own == Some(master(account)))
            .map(|account| account.id)
            .ok_or_else(|| Error::NotFound.into())
    }
}

/// The currency of a unit, which each of these wallets can hold.
fn held(directory: &Directory, unit: &str, wallets: &[Wallet]) -> Result<Currency, Error> {
    let currency = wallets::currency(unit).ok_or(Error::InvalidUnit)?;
    let all = wallets.iter().all(|wallet| wallets::may_hold(directory, *wallet, currency));
    if all { Ok(currency) } else { Err(Error::InvalidUnit) }
}

/// A positive amount. More than any wallet holds is no mistake in itself: it is not there.
fn money(amount: Number) -> Result<Money, Error> {
    let too_large = |negative| if negative { Error::InvalidAmount } else { Error::InsufficientFunds };
    match amount {
        Number::Fits(decimal) => match decimal.at_scale(11) {
            Ok(units) if units > 0 => Ok(Money(units)),
            Ok(_) | Err(ScaleError::TooPrecise) => Err(Error::InvalidAmount),
            Err(ScaleError::TooLarge) => Err(too_large(decimal.is_negative())),
        },
        Number::TooLarge { negative } => Err(too_large(negative)),
        Number::TooPrecise { .. } => Err(Error::InvalidAmount),
    }
}
