//! Requests that move money.
//!
//! Wallets and currencies are read in any case and given in lower case, as the answers write them. That they exist is not
//! said: a wallet, a currency or an amount that cannot be used has an error word of its own.

use std::borrow::Cow;

use uuid::Uuid;

use super::argument::{Argument, Found, required, slots};
use super::{Request, RequestError, parse_uuid};
use crate::args::Args;
use crate::decimal::{NotANumber, Number};

/// The wallet that a withdrawal takes from if it names none.
const DEFAULT_SOURCE: &str = "cash";

/// `POST /transfer`: between wallets of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer<'a> {
    /// The wallet that gives, in lower case.
    pub from_account: Cow<'a, str>,
    /// The wallet that takes, in lower case.
    pub to_account: Cow<'a, str>,
    /// The currency, in lower case.
    pub unit: Cow<'a, str>,
    /// How much of it.
    pub amount: Number,
}

slots! {
    struct TransferSlots {
        from_account = "fromAccount",
        to_account = "toAccount",
        unit = "unit",
        amount = "amount",
    }
}

impl<'a> Request<'a> for Transfer<'a> {
    type Found = Found<TransferSlots<'a>, [Argument<'a>; 4]>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        TransferSlots::find(args, Self::required_slots)
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let ([from_account, to_account, unit, amount], _) = found.one()?;
        Ok(Self {
            from_account: from_account.lower_case("fromAccount")?,
            to_account: to_account.lower_case("toAccount")?,
            unit: unit.lower_case("unit")?,
            amount: read_amount(amount)?,
        })
    }
}

impl<'a> Transfer<'a> {
    fn required_slots(slots: &TransferSlots<'a>) -> Result<[Argument<'a>; 4], RequestError> {
        Ok([
            required(slots.from_account, "fromAccount")?,
            required(slots.to_account, "toAccount")?,
            required(slots.unit, "unit")?,
            required(slots.amount, "amount")?,
        ])
    }
}

/// `POST /transfer/subaccount`: between accounts of one family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubaccountTransfer<'a> {
    /// The account that gives. `None` for text that can be no account's id: the contract types it as plain text, so that
    /// it names an account that does not exist.
    pub from_user: Option<Uuid>,
    /// The account that takes; `None` likewise.
    pub to_user: Option<Uuid>,
    /// The wallet that gives, in lower case.
    pub from_account: Cow<'a, str>,
    /// The wallet that takes, in lower case.
    pub to_account: Cow<'a, str>,
    /// The currency, in lower case.
    pub unit: Cow<'a, str>,
    /// How much of it.
    pub amount: Number,
}

slots! {
    struct SubaccountTransferSlots {
        from_user = "fromUser",
        to_user = "toUser",
        from_account = "fromAccount",
        to_account = "toAccount",
        unit = "unit",
        amount = "amount",
    }
}

impl<'a> Request<'a> for SubaccountTransfer<'a> {
    type Found = Found<SubaccountTransferSlots<'a>, [Argument<'a>; 6]>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        SubaccountTransferSlots::find(args, Self::required_slots)
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let ([from_user, to_user, from_account, to_account, unit, amount], _) = found.one()?;
        Ok(Self {
            from_user: account(from_user),
            to_user: account(to_user),
            from_account: from_account.lower_case("fromAccount")?,
            to_account: to_account.lower_case("toAccount")?,
            unit: unit.lower_case("unit")?,
            amount: read_amount(amount)?,
        })
    }
}

impl<'a> SubaccountTransfer<'a> {
    fn required_slots(slots: &SubaccountTransferSlots<'a>) -> Result<[Argument<'a>; 6], RequestError> {
        Ok([
            required(slots.from_user, "fromUser")?,
            required(slots.to_user, "toUser")?,
            required(slots.from_account, "fromAccount")?,
            required(slots.to_account, "toAccount")?,
            required(slots.unit, "unit")?,
            required(slots.amount, "amount")?,
        ])
    }
}

/// `POST /withdrawal`: out of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal<'a> {
    /// The currency, in lower case.
    pub currency: Cow<'a, str>,
    /// How much of it.
    pub amount: Number,
    /// The wallet it is taken from, in lower case; `cash` unless another is named.
    pub source_wallet: Cow<'a, str>,
}

slots! {
    struct WithdrawalSlots {
        currency = "currency",
        amount = "amount",
        source_wallet = "sourceWallet",
    }
}

impl<'a> Request<'a> for Withdrawal<'a> {
    type Found = Found<WithdrawalSlots<'a>, [Argument<'a>; 2]>;

    fn find(args: &Args<'a>) -> Result<Self::Found, RequestError> {
        WithdrawalSlots::find(args, Self::required_slots)
    }

    fn read(found: Self::Found) -> Result<Self, RequestError> {
        let ([currency, amount], slots) = found.one()?;
        Ok(Self {
            currency: currency.lower_case("currency")?,
            amount: read_amount(amount)?,
            source_wallet: slots
                .source_wallet
                .map_or(Ok(Cow::Borrowed(DEFAULT_SOURCE)), |wallet| wallet.lower_case("sourceWallet"))?,
        })
    }
}

impl<'a> Withdrawal<'a> {
    fn required_slots(slots: &WithdrawalSlots<'a>) -> Result<[Argument<'a>; 2], RequestError> {
        Ok([required(slots.currency, "currency")?, required(slots.amount, "amount")?])
    }
}

fn read_amount(argument: Argument<'_>) -> Result<Number, RequestError> {
    argument.number().map_err(|NotANumber| RequestError::InvalidArgument("amount"))
}

fn account(argument: Argument<'_>) -> Option<Uuid> {
    argument.text().ok().and_then(|text| parse_uuid(text.as_bytes()))
}
