//! What `verify` and `replay` say, for people.

use crate::node::{StateHashes, Verified};
use loligo_engine::Timestamp;
use loligo_wire::decimal::Decimal;
use std::fmt::Write as _;

/// Where a venue stands: its last record and the hashes there.
#[must_use]
pub fn hashes_text(hashes: &StateHashes) -> String {
    format!(
        "record {} at {}\nstate hash {}\nevent hash {}",
        hashes.sequence,
        time_text(hashes.time),
        hex(&hashes.state),
        hex(&hashes.events)
    )
}

/// The same, with the sums that the check of all invariants came to.
#[must_use]
pub fn verified_text(verified: &Verified) -> String {
    let mut text = hashes_text(&verified.hashes);
    for sums in &verified.audit.currencies {
        let amount = |fine: loligo_engine::Fine| Decimal::new(fine.0, 24);
        let _ = write!(
            text,
            "\n{}: {} deposited = {} in wallets - {} in open positions + {} of fees + {} in the liquidation pool \
             + {} of dust",
            sums.currency.code(),
            amount(sums.deposited),
            amount(sums.wallets),
            amount(sums.entries),
            amount(sums.fees),
            amount(sums.pool),
            amount(sums.dust)
        );
    }
    if verified.taken_over > 0 {
        let _ = write!(
            text,
            "\nrecords 1 to {0} were made under earlier rules: their hashes hold, and what they came to is taken from the snapshot of \
             record {0}",
            verified.taken_over
        );
    }
    let (orders, positions) = (verified.audit.open_orders, verified.audit.positions);
    let _ = write!(text, "\n{orders} open orders, {positions} positions; every invariant holds");
    text
}

/// `2026-01-01T00:00:00.000000Z`.
pub(crate) fn time_text(time: Timestamp) -> String {
    let mut text = Vec::with_capacity(32);
    loligo_wire::time::Timestamp::from_micros(time.0).write_micros(&mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
