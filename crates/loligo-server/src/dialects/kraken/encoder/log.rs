//! Rows of the account log, and what of them are deposits and withdrawals, as the feeds tell them.

use crate::dialects::kraken::convert::accounts::name;
use crate::dialects::kraken::history::Shown;
use crate::history::LogRow;
use crate::hub::Names;
use loligo_engine::{AccountId, Currency};
use loligo_wire::decimal::Decimal;
use loligo_wire::history;
use loligo_wire::ws1::{self, LogEntry, Payment, PaymentStatus};
use std::sync::Arc;

/// Appends the latest rows, newest first.
pub(super) fn write_log(out: &mut Vec<u8>, names: Names<'_>, account: AccountId, rows: &[Arc<LogRow>]) {
    let shown = shown(names);
    let texts: Vec<_> = rows.iter().map(|row| Texts::of(shown, row)).collect();
    let entries = rows.iter().zip(&texts).filter_map(|(row, texts)| {
        let entry = shown.log_entry(account.0, row, texts.contract.as_deref())?;
        Some(log_entry(&entry, texts))
    });
    ws1::write_account_log_snapshot(out, entries);
}

/// Appends a new row; false when the contract has no word for it.
pub(super) fn write_row(out: &mut Vec<u8>, names: Names<'_>, account: AccountId, row: &LogRow) -> bool {
    let shown = shown(names);
    let texts = Texts::of(shown, row);
    let Some(entry) = shown.log_entry(account.0, row, texts.contract.as_deref()) else { return false };
    ws1::write_account_log(out, &log_entry(&entry, &texts));
    true
}

/// Appends deposits and withdrawals, newest first.
pub(super) fn write_payments(out: &mut Vec<u8>, names: Names<'_>, account: AccountId, rows: &[Arc<LogRow>]) {
    let shown = shown(names);
    let entries = rows.iter().filter_map(|row| {
        let entry = shown.log_entry(account.0, row, None)?;
        let unit = Currency::parse(&entry.asset.to_uppercase());
        Some((entry, entry.booking_uid.to_string(), unit))
    });
    let entries: Vec<_> = entries.collect();
    let payments = entries.iter().map(|(entry, uid, unit)| Payment {
        uid,
        time: entry.date,
        amount: difference(entry.new_balance, entry.old_balance),
        unit: unit.as_ref().map_or("", name),
        // Money comes from nowhere here, and goes to nobody.
        receiving_address: "",
        status: PaymentStatus::Processed,
        confirmations: 0,
        tx_reference: uid,
    });
    ws1::write_deposits_withdrawals(out, payments);
}

fn shown(Names { directory, identity }: Names<'_>) -> Shown<'_> {
    Shown { directory, identity }
}

/// What one amount of a wallet is more than another.
fn difference(one: Decimal, other: Decimal) -> Decimal {
    let units = |amount: Decimal| amount.at_scale(11).unwrap_or_default();
    Decimal::new(units(one) - units(other), 11)
}

/// Texts that a row is made of beside its own.
struct Texts {
    contract: Option<String>,
    execution: Option<String>,
}

impl Texts {
    fn of(shown: Shown<'_>, row: &LogRow) -> Self {
        let execution = row
            .row
            .execution
            .map(|number| shown.identity.execution_uuid(loligo_engine::ExecutionId(number)).to_string());
        Self { contract: shown.log_contract(&row.row), execution }
    }
}

fn log_entry<'r>(entry: &history::LogEntry<'r>, texts: &'r Texts) -> LogEntry<'r> {
    LogEntry {
        id: entry.id,
        date: entry.date,
        asset: entry.asset,
        contract: entry.contract,
        info: entry.info.as_str(),
        booking_uid: entry.booking_uid,
        margin_account: entry.margin_account,
        old_balance: entry.old_balance,
        new_balance: entry.new_balance,
        old_average_entry_price: entry.old_average_entry_price,
        new_average_entry_price: entry.new_average_entry_price,
        trade_price: entry.trade_price,
        mark_price: entry.mark_price,
        realized_pnl: entry.realized_pnl,
        fee: entry.fee,
        execution: texts.execution.as_deref(),
        collateral: entry.collateral,
        funding_rate: entry.funding_rate,
        realized_funding: entry.realized_funding,
        conversion_spread_percentage: entry.conversion.as_ref().map(|terms| terms.spread_percentage),
        liquidation_fee: entry.liquidation_fee,
    }
}
