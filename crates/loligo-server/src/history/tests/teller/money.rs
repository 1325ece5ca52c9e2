//! What moved money without a trade, and the row of a gain in a currency of the account's choice.

use super::{Teller, nothing_logged};
use crate::grid::{fine_price, money, rate};
use loligo_engine::{
    BalanceCause, Conversion, Event, FundingBooked, GainPaid, InterestPaid, Money, Timestamp, Wallet,
};
use loligo_history::rows::{self, causes};

/// A row of an amount in a wallet that no contract moved.
struct Moved<'a> {
    account: u32,
    wallet: Wallet,
    code: &'a str,
    change: i128,
    balance: Money,
    number: u64,
    info: &'a str,
    at: Timestamp,
}

impl Teller {
    pub(super) fn balance(&mut self, event: &Event) {
        let Event::Balance { account, wallet, currency, change, balance, log, cause, at } = event else {
            return;
        };
        let info = match cause {
            BalanceCause::Operator | BalanceCause::Pool => "admin transfer",
            BalanceCause::Transfer => "transfer",
            BalanceCause::SubaccountTransfer => "subaccount transfer",
            BalanceCause::Withdrawal => "cross-exchange transfer",
        };
        let (account, wallet, balance, number, at) = (account.0, *wallet, *balance, *log, *at);
        let code = &currency.code().to_lowercase();
        self.moved(
            Moved { account, wallet, code, change: change.0, balance, number, info, at },
            nothing_logged(),
        );
    }

    /// A debit, then a credit; both say on what terms.
    pub(super) fn converted(&mut self, converted: &Conversion) {
        // Millionths, as per cent.
        let percent = format!("{}.{:04}", converted.spread / 10_000, converted.spread % 10_000);
        let percent = if converted.spread == 0 { "0".to_owned() } else { super::shortened(&percent) };
        let terms = rows::Conversion {
            spread: percent.clone(),
            rate: fine_price(converted.rate).to_string(),
            rate_from: converted.debit.currency.code().to_lowercase(),
            fee: percent,
        };
        for (leg, sign) in [(converted.debit, -1), (converted.credit, 1)] {
            let moved = Moved {
                account: converted.account.0,
                wallet: Wallet::Flex,
                code: &leg.currency.code().to_lowercase(),
                change: sign * leg.amount.0,
                balance: leg.balance,
                number: leg.log,
                info: "conversion",
                at: converted.at,
            };
            self.moved(moved, rows::AccountLogEntry { conversion: Some(terms.clone()), ..nothing_logged() });
        }
    }

    /// Interest is a fee.
    pub(super) fn interest(&mut self, paid: &InterestPaid) {
        let moved = Moved {
            account: paid.account.0,
            wallet: Wallet::Flex,
            code: "usd",
            change: -paid.amount.0,
            balance: paid.balance,
            number: paid.log,
            info: "interest payment",
            at: paid.at,
        };
        self.moved(
            moved,
            rows::AccountLogEntry { fee: Some(money(paid.amount).to_string()), ..nothing_logged() },
        );
    }

    fn moved(&mut self, moved: Moved<'_>, more: rows::AccountLogEntry) {
        let row = rows::AccountLogEntry {
            number: moved.number,
            info: moved.info.to_owned(),
            asset: moved.code.to_owned(),
            wallet: self.wallet(moved.wallet),
            old_balance: money(Money(moved.balance.0 - moved.change)).to_string(),
            new_balance: money(moved.balance).to_string(),
            collateral: Some(moved.code.to_owned()),
            ..more
        };
        self.tell_own(moved.account, moved.at, row);
    }

    pub(super) fn funding(&mut self, booked: &FundingBooked) {
        let contract = u32::from(booked.instrument.0);
        let entry = self.contracts[contract as usize].average_price(booked.position, booked.entry);
        let entry = Some(fine_price(entry).to_string());
        let (code, got) = (booked.currency.code(), money(booked.realized).to_string());
        let update = rows::PositionUpdate {
            cause: causes::FUNDING,
            contract,
            old_position: booked.position,
            new_position: booked.position,
            old_entry: entry.clone(),
            new_entry: entry,
            opened_ms: booked.opened_at.map(super::ms),
            fee: "0".to_owned(),
            realized_pnl: "0".to_owned(),
            realized_funding: got.clone(),
            currency: code.to_owned(),
            execution: None,
            price: None,
            qty: None,
            role: None,
        };
        self.tell_own(booked.account.0, booked.at, update);
        let moved = Moved {
            account: booked.account.0,
            wallet: booked.wallet,
            code: &code.to_lowercase(),
            change: booked.realized.0,
            balance: booked.balance,
            number: booked.log,
            info: "funding rate change",
            at: booked.at,
        };
        let row = rows::AccountLogEntry {
            contract: Some(contract),
            mark: booked.mark.map(|mark| fine_price(mark).to_string()),
            funding_rate: Some(rate(booked.rate.absolute).to_string()),
            realized_funding: Some(got),
            ..nothing_logged()
        };
        self.moved(moved, row);
    }
}

/// The third row of what closes a position: the gain, in the currency in which it is paid.
pub(super) fn gain_row(gain: &GainPaid, of_money: &rows::AccountLogEntry) -> rows::AccountLogEntry {
    let code = gain.currency.code().to_lowercase();
    rows::AccountLogEntry {
        number: of_money.number + 1,
        asset: code.clone(),
        collateral: Some(code),
        old_balance: money(Money(gain.balance.0 - gain.amount.0)).to_string(),
        new_balance: money(gain.balance).to_string(),
        realized_pnl: Some(money(gain.amount).to_string()),
        fee: Some("0".to_owned()),
        realized_funding: Some("0".to_owned()),
        liquidation_fee: None,
        ..of_money.clone()
    }
}
