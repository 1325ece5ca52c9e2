//! What `verify` and `replay` say, for people.

use crate::node::{Began, Replayed, StateHashes, Verified};
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

/// The same of a replay, and where it began if that was not at the first record.
#[must_use]
pub fn replayed_text(replayed: &Replayed) -> String {
    hashes_text(&replayed.hashes) + &began_text(&replayed.began)
}

/// Why a replay did not begin with the first record, if it did not, in lines of their own.
fn began_text(began: &Began) -> String {
    let Began { taken_over, kept_from, other_rules } = *began;
    let mut text = String::new();
    if kept_from > 1 {
        let _ = write!(
            text,
            "\nwhat came before record {kept_from} was pruned: records are applied from {} on, to the snapshot of record \
             {taken_over}",
            taken_over + 1
        );
    }
    if taken_over > 0 && other_rules {
        let _ = write!(
            text,
            "\nrecords {kept_from} to {taken_over} were made under earlier rules: their hashes hold, and what they came to is taken \
             from the snapshot of record {taken_over}"
        );
    }
    text
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
             + {} of funding between its sides + {} of dust",
            sums.currency.code(),
            amount(sums.deposited),
            amount(sums.wallets),
            amount(sums.entries),
            amount(sums.fees),
            amount(sums.pool),
            amount(sums.funding),
            amount(sums.dust)
        );
    }
    text += &began_text(&verified.began);
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
