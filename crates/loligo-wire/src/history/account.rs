//! The account log as JSON.

use uuid::Uuid;

use crate::account_log::{Absent, LogEntry};
use crate::json::{Object, write_array};

/// Appends the whole answer of `account-log`.
pub fn write_account_log<'a>(
    out: &mut Vec<u8>,
    account_uid: Uuid,
    entries: impl IntoIterator<Item = LogEntry<'a>>,
    conversion_details: bool,
) {
    let mut answer = Object::new(out);
    answer.uuid("accountUid", account_uid);
    write_array(answer.member("logs"), entries, |out, entry| write_entry(&entry, out, conversion_details));
    answer.end();
}

fn write_entry(entry: &LogEntry<'_>, out: &mut Vec<u8>, conversion_details: bool) {
    let mut row = Object::new(out);
    entry.write(&mut row, Absent::Null);
    row.null("position_uid");
    if let Some(terms) = entry.conversion.filter(|_| conversion_details) {
        row.decimal("exchange_rate", terms.exchange_rate);
        row.string("exchange_rate_from", terms.exchange_rate_from);
        row.decimal("conversion_fee", terms.fee);
    }
    row.end();
}
