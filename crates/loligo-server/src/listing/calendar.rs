//! When dated contracts expire, and which of them a series has at one time.
//!
//! Contracts that differ in nothing but their maturity are a series (`FI_XBTUSD`). They expire on the last Friday of
//! their month. A series always has one contract of each of its kinds, all of different maturities: the month is the
//! nearest month end; the quarter is the nearest quarter end behind the month; the half-year is the quarter end behind
//! the quarter, or June or December where a series has no quarter. So where a month end is a quarter end, what was the
//! quarter serves as the month from then on, what was the half-year as the quarter, and a new half-year is listed.
//! Each expiry is then followed by exactly one listing, and no two kinds ever share a contract.

use jiff::civil::{Date, Weekday, time};
use jiff::tz::TimeZone;
use loligo_engine::{ContractKind, InstrumentSpec, Timestamp};

/// A kind of maturity of which a series always has a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Roll {
    /// The nearest month end.
    Month,
    /// The nearest quarter end that is not the month: March, June, September, December.
    Quarter,
    /// The quarter end behind the quarter.
    Half,
}

/// A maturity: its day and its last trading time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Maturity {
    pub(super) date: Date,
    pub(super) expiry: Timestamp,
}

impl Maturity {
    /// The symbol of a series' contract of this maturity.
    pub(super) fn symbol(&self, series: &str) -> String {
        format!("{series}_{}", self.date.strftime("%y%m%d"))
    }
}

/// The maturities of a series with these kinds (sorted) at `after`, nearest first, all later than it. A maturity that is
/// `passed_over` counts as expired already. `None` beyond the years that civil time knows.
pub(super) fn maturities(
    kinds: &[Roll],
    after: Timestamp,
    contract: ContractKind,
    passed_over: impl Fn(&Maturity) -> bool,
) -> Option<Vec<Maturity>> {
    let half_months = if kinds.contains(&Roll::Quarter) { 3 } else { 6 };
    let mut day = month_of(after)?;
    let mut found = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let months = match kind {
            Roll::Month => 1,
            Roll::Quarter => 3,
            Roll::Half => half_months,
        };
        loop {
            let maturity = of_month(day, contract)?;
            let fits = day.month() % months == 0 && maturity.expiry > after && !passed_over(&maturity);
            day = day.checked_add(jiff::Span::new().months(1)).ok()?;
            if fits {
                found.push(maturity);
                break;
            }
        }
    }
    Some(found)
}

/// Which of the kinds a contract is at `now`, by the month in which it expires.
pub(crate) fn kind_at(now: Timestamp, expiry: Timestamp, contract: ContractKind) -> Roll {
    let places = maturities(&[Roll::Month, Roll::Quarter], now, contract, |_| false).unwrap_or_default();
    let within =
        |place: &Maturity| month_of(expiry).is_some_and(|month| month <= place.date.first_of_month());
    match places.iter().position(within) {
        Some(0) => Roll::Month,
        Some(_) => Roll::Quarter,
        None => Roll::Half,
    }
}

/// Whether a contract can roll as this kind.
///
/// # Errors
/// What keeps it from that, in words.
pub(super) fn check(spec: &InstrumentSpec, roll: Roll) -> Result<(), String> {
    let expiry = spec.expiry.ok_or("only a contract with a last_trading_time can roll")?;
    let maturity = month_of(expiry).and_then(|month| of_month(month, spec.kind));
    let maturity = maturity.ok_or("no calendar knows its last_trading_time")?;
    if maturity.expiry != expiry {
        let close = match spec.kind {
            ContractKind::Inverse => "16:00 in London",
            ContractKind::Linear => "08:00 UTC",
        };
        let date = maturity.date;
        return Err(format!(
            "a contract that rolls trades last on the last Friday of its month, {date} {close}"
        ));
    }
    if roll != Roll::Month && maturity.date.month() % 3 != 0 {
        return Err("a quarter or half-year ends in March, June, September or December".to_owned());
    }
    let day = maturity.symbol("");
    match spec.symbol.strip_suffix(&day) {
        Some(series) if !series.is_empty() => Ok(()),
        _ => Err(format!("the symbol of a contract that rolls ends in its last day, {day}")),
    }
}

/// The first day of an instant's month, UTC.
fn month_of(at: Timestamp) -> Option<Date> {
    let at = jiff::Timestamp::from_microsecond(at.0).ok()?;
    Some(at.to_zoned_datetime(TimeZone::UTC).date().first_of_month())
}

/// The last Friday of a month: at 16:00 in London, summer time included, for inverse contracts; at 08:00 UTC for linear
/// ones.
fn of_month(day: Date, contract: ContractKind) -> Option<Maturity> {
    let date = day.nth_weekday_of_month(-1, Weekday::Friday).ok()?;
    let (hour, zone) = match contract {
        ContractKind::Inverse => (16, TimeZone::get("Europe/London").ok()?),
        ContractKind::Linear => (8, TimeZone::UTC),
    };
    let at = date.to_datetime(time(hour, 0, 0, 0)).to_zoned_datetime(zone).ok()?;
    Some(Maturity { date, expiry: Timestamp(at.timestamp().as_microsecond()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ContractKind::{Inverse, Linear};

    const ALL: [Roll; 3] = [Roll::Month, Roll::Quarter, Roll::Half];

    fn at(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn expiries(kinds: &[Roll], start: &str, contract: ContractKind) -> Vec<String> {
        let found = maturities(kinds, at(start), contract, |_| false).unwrap();
        found.iter().map(|m| jiff::Timestamp::from_microsecond(m.expiry.0).unwrap().to_string()).collect()
    }

    #[test]
    fn month_quarter_and_half_year_follow_each_other() {
        let rows: [(&str, ContractKind, [&str; 3]); 6] = [
            (
                "2026-01-01T00:00:00Z",
                Inverse,
                ["2026-01-30T16:00:00Z", "2026-03-27T16:00:00Z", "2026-06-26T15:00:00Z"],
            ),
            (
                "2026-01-01T00:00:00Z",
                Linear,
                ["2026-01-30T08:00:00Z", "2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z"],
            ),
            // A month that is a quarter end serves as the month; the quarter is the next one.
            (
                "2026-03-01T00:00:00Z",
                Linear,
                ["2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z", "2026-09-25T08:00:00Z"],
            ),
            // At the very instant of expiry the next month is the nearest.
            (
                "2026-01-30T08:00:00Z",
                Linear,
                ["2026-02-27T08:00:00Z", "2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z"],
            ),
            (
                "2026-01-30T07:59:59Z",
                Linear,
                ["2026-01-30T08:00:00Z", "2026-03-27T08:00:00Z", "2026-06-26T08:00:00Z"],
            ),
            // Over the end of the year, and into winter time.
            (
                "2026-10-15T12:00:00Z",
                Inverse,
                ["2026-10-30T16:00:00Z", "2026-12-25T16:00:00Z", "2027-03-26T16:00:00Z"],
            ),
        ];
        for (start, contract, want) in rows {
            assert_eq!(expiries(&ALL, start, contract), want, "from {start}, {contract:?}");
        }
    }

    /// What each expiry of two years is followed by, worked out with a calendar on paper.
    #[test]
    fn each_expiry_of_two_years_lists_one_contract_and_leaves_every_kind_there() {
        let rolls = [
            ("260130", "260227"),
            ("260227", "260925"),
            ("260327", "260424"),
            ("260424", "260529"),
            ("260529", "261225"),
            ("260626", "260731"),
            ("260731", "260828"),
            ("260828", "270326"),
            ("260925", "261030"),
            ("261030", "261127"),
            ("261127", "270625"),
            ("261225", "270129"),
            ("270129", "270226"),
            ("270226", "270924"),
            ("270326", "270430"),
            ("270430", "270528"),
            ("270528", "271231"),
            ("270625", "270730"),
            ("270730", "270827"),
            ("270827", "280331"),
            ("270924", "271029"),
            ("271029", "271126"),
            ("271126", "280630"),
            ("271231", "280128"),
        ];
        for contract in [Inverse, Linear] {
            let listed = |after| {
                let found = maturities(&ALL, after, contract, |_| false).unwrap();
                found.into_iter().map(|m| (m.symbol("F"), m.expiry)).collect::<Vec<_>>()
            };
            let mut there = listed(at("2026-01-01T00:00:00Z"));
            for (expired, follows) in rolls {
                let (symbol, expiry) = there.remove(0);
                assert_eq!(symbol, format!("F_{expired}"));
                // Nothing changes before the last instant of trading.
                let before = listed(Timestamp(expiry.0 - 1));
                assert_eq!(before[1..], there[..], "before {expired}");
                let now = listed(expiry);
                let new: Vec<_> = now.iter().filter(|listed| !there.contains(listed)).collect();
                assert!(there.iter().all(|listed| now.contains(listed)), "{expired}: none leaves early");
                assert_eq!(
                    new.iter().map(|(symbol, _)| symbol.clone()).collect::<Vec<_>>(),
                    [format!("F_{follows}")]
                );
                let kinds: Vec<Roll> = now.iter().map(|(_, at)| kind_at(expiry, *at, contract)).collect();
                assert_eq!(kinds, ALL, "after {expired}");
                there = now;
            }
        }
    }

    #[test]
    fn a_series_has_the_kinds_that_were_asked_for_and_no_other() {
        let rows: [(&[Roll], &str, &[&str]); 6] = [
            (&[Roll::Month], "2026-02-27T08:00:00Z", &["2026-03-27T08:00:00Z"]),
            (&[Roll::Quarter], "2026-02-27T08:00:00Z", &["2026-03-27T08:00:00Z"]),
            (&[Roll::Quarter], "2026-03-27T08:00:00Z", &["2026-06-26T08:00:00Z"]),
            (&[Roll::Half], "2026-02-27T08:00:00Z", &["2026-06-26T08:00:00Z"]),
            (&[Roll::Half], "2026-06-26T08:00:00Z", &["2026-12-25T08:00:00Z"]),
            (
                &[Roll::Quarter, Roll::Quarter],
                "2026-03-27T08:00:00Z",
                &["2026-06-26T08:00:00Z", "2026-09-25T08:00:00Z"],
            ),
        ];
        for (kinds, start, want) in rows {
            assert_eq!(expiries(kinds, start, Linear), want, "{kinds:?} from {start}");
        }
    }

    #[test]
    fn what_expired_before_its_time_is_passed_over() {
        let start = at("2026-01-10T00:00:00Z");
        let gone = |maturity: &Maturity| maturity.symbol("F") == "F_260327";
        let found = maturities(&ALL, start, Inverse, gone).unwrap();
        let symbols: Vec<String> = found.iter().map(|m| m.symbol("F")).collect();
        assert_eq!(symbols, ["F_260130", "F_260626", "F_260925"]);
    }

    #[test]
    fn the_end_of_time_has_no_maturities() {
        assert_eq!(maturities(&ALL, at("9999-12-01T00:00:00Z"), Linear, |_| false), None);
        assert_eq!(maturities(&ALL, Timestamp(i64::MAX), Linear, |_| false), None);
    }
}
