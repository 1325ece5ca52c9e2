//! The account log as comma separated text.

use uuid::Uuid;

use crate::account_log::LogEntry;
use crate::decimal::Decimal;
use crate::time::Timestamp;

const HEADER: &str = "uid,dateTime,account,type,symbol,contract,change,new balance,new average entry price,trade price,\
    mark price,funding rate,realized pnl,fee,realized funding,collateral,conversion spread percentage,liquidation fee,\
    position uid";
const CONVERSION_HEADER: &str = ",exchange rate,exchange rate from,conversion fee";

/// Appends the whole answer of `accountlogcsv`, a row an entry. Names of wallets, currencies and contracts are letters, digits and
/// marks that need no quotes.
pub fn write_account_log_csv<'a>(
    out: &mut Vec<u8>,
    entries: impl IntoIterator<Item = LogEntry<'a>>,
    conversion_details: bool,
) {
    out.extend_from_slice(HEADER.as_bytes());
    if conversion_details {
        out.extend_from_slice(CONVERSION_HEADER.as_bytes());
    }
    out.push(b'\n');
    for entry in entries {
        write_entry(&entry, out, conversion_details);
    }
}

fn write_entry(entry: &LogEntry<'_>, out: &mut Vec<u8>, conversion_details: bool) {
    let mut row = Row { out, begun: false };
    row.uuid(entry.booking_uid);
    row.date_time(entry.date);
    row.text(entry.margin_account);
    row.text(entry.info.as_str());
    row.text(entry.asset);
    row.text(entry.contract.unwrap_or_default());
    row.difference(entry.new_balance, entry.old_balance);
    for value in [
        Some(entry.new_balance),
        entry.new_average_entry_price,
        entry.trade_price,
        entry.mark_price,
        entry.funding_rate,
        entry.realized_pnl,
        entry.fee,
        entry.realized_funding,
    ] {
        row.number(value);
    }
    row.text(entry.collateral.unwrap_or_default());
    row.number(entry.conversion.map(|terms| terms.spread_percentage));
    row.number(entry.liquidation_fee);
    row.text("");
    if conversion_details {
        row.number(entry.conversion.map(|terms| terms.exchange_rate));
        row.text(entry.conversion.map_or("", |terms| terms.exchange_rate_from));
        row.number(entry.conversion.map(|terms| terms.fee));
    }
    out.push(b'\n');
}

/// A row in the making: cells are written one after the other.
struct Row<'b> {
    out: &'b mut Vec<u8>,
    begun: bool,
}

impl Row<'_> {
    fn cell(&mut self) -> &mut Vec<u8> {
        if self.begun {
            self.out.push(b',');
        }
        self.begun = true;
        self.out
    }

    fn text(&mut self, text: &str) {
        self.cell().extend_from_slice(text.as_bytes());
    }

    fn uuid(&mut self, uuid: Uuid) {
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        self.text(uuid.hyphenated().encode_lower(&mut text));
    }

    fn number(&mut self, value: Option<Decimal>) {
        let out = self.cell();
        if let Some(value) = value {
            value.write(out);
        }
    }

    /// What was added, exactly; nothing where a number of 127 bits cannot hold it.
    fn difference(&mut self, new: Decimal, old: Decimal) {
        let scale = new.scale().max(old.scale());
        let change = match (new.at_scale(scale), old.at_scale(scale)) {
            (Ok(new), Ok(old)) => new.checked_sub(old).map(|units| Decimal::new(units, scale)),
            (Err(_), _) | (_, Err(_)) => None,
        };
        self.number(change);
    }

    /// `2026-01-31 08:00:00`, in UTC.
    fn date_time(&mut self, time: Timestamp) {
        let out = self.cell();
        let start = out.len();
        time.write_seconds(out);
        out.pop();
        if let Some(between) = out.get_mut(start + 10) {
            *between = b' ';
        }
    }
}
