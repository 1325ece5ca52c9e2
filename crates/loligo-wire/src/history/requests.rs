//! What is asked of history.
//!
//! Nothing here is judged but the form: a market that nobody knows, or a range that ends before it begins, asks for an empty page. A
//! continuation token is a text here; whoever gave it out knows it again.

use std::borrow::Cow;

use crate::account_log::LogInfo;
use crate::args::{Args, Conflict, Value};
use crate::decimal::{Decimal, Number};
use crate::time::Timestamp;

/// Most elements of a page; a request for more gets this many.
pub const MAX_COUNT: u32 = 1_000;
/// Most entries of one answer of the account log; likewise.
pub const MAX_LOG_COUNT: u32 = 100_000;
const DEFAULT_LOG_COUNT: u32 = 500;

/// An argument that cannot be read, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid argument: {0}")]
pub struct InvalidArgument(pub &'static str);

/// Which end of a list comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Oldest first.
    Ascending,
    /// Newest first.
    #[default]
    Descending,
}

/// From when to when, in whole milliseconds: the first is asked for, the last is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub since: Option<Timestamp>,
    /// The one behind the last.
    pub before: Option<Timestamp>,
}

/// How many elements: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(u32);

impl Count {
    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// A page of a market's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketEvents<'a> {
    /// From when to when.
    pub range: Range,
    /// Which end first.
    pub sort: Sort,
    /// Where the page before ended.
    pub token: Option<Cow<'a, str>>,
    /// How many.
    pub count: Count,
}

/// A page of an account's executions, and what all lists of an account's events ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events<'a> {
    /// The page.
    pub page: MarketEvents<'a>,
    /// Only this market's, in upper case. That there is such a market is not said.
    pub tradeable: Option<String>,
}

/// A page of an account's order or trigger events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvents<'a> {
    /// What all lists ask.
    pub events: Events<'a>,
    /// Whether placements are asked for.
    pub opened: bool,
    /// Whether ends of orders are asked for.
    pub closed: bool,
}

/// A page of an account's position updates. In each of the two groups, a change is asked for when its flag is set, or none is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionEvents<'a> {
    /// What all lists ask.
    pub events: Events<'a>,
    /// Changes: opened, closed, increased, decreased, reversed, not changed.
    pub changes: [bool; 6],
    /// Causes: trades, funding, settlement.
    pub causes: [bool; 3],
}

/// `account-log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLog {
    /// From when to when.
    pub range: Range,
    /// The first number.
    pub from: Option<u64>,
    /// The last number.
    pub to: Option<u64>,
    /// Which end first.
    pub sort: Sort,
    /// Only these kinds; all when empty.
    pub infos: Vec<LogInfo>,
    /// How many.
    pub count: Count,
    /// Whether the terms of conversions are asked for.
    pub conversion_details: bool,
}

/// `accountlogcsv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLogCsv {
    /// Whether the terms of conversions are asked for.
    pub conversion_details: bool,
}

type Result<T> = std::result::Result<T, InvalidArgument>;

impl<'a> MarketEvents<'a> {
    /// Reads the request.
    ///
    /// # Errors
    /// The first argument that cannot be read.
    pub fn parse(args: &Args<'a>) -> Result<Self> {
        Ok(Self {
            range: range(args)?,
            sort: sort(args)?,
            token: token(args)?,
            count: count(args, MAX_COUNT, MAX_COUNT)?,
        })
    }
}

impl<'a> Events<'a> {
    /// Reads the request.
    ///
    /// # Errors
    /// The first argument that cannot be read.
    pub fn parse(args: &Args<'a>) -> Result<Self> {
        let page = MarketEvents::parse(args)?;
        let tradeable = one(args, "tradeable")?.map(|value| text(value, "tradeable")).transpose()?;
        Ok(Self { page, tradeable: tradeable.map(|symbol| symbol.to_uppercase()) })
    }
}

impl<'a> OrderEvents<'a> {
    /// Reads the request.
    ///
    /// # Errors
    /// The first argument that cannot be read.
    pub fn parse(args: &Args<'a>) -> Result<Self> {
        Ok(Self {
            events: Events::parse(args)?,
            opened: flag(args, "opened", true)?,
            closed: flag(args, "closed", true)?,
        })
    }
}

impl<'a> PositionEvents<'a> {
    /// Reads the request.
    ///
    /// # Errors
    /// The first argument that cannot be read.
    pub fn parse(args: &Args<'a>) -> Result<Self> {
        let mut changes = [false; 6];
        let names = ["opened", "closed", "increased", "decreased", "reversed", "no_change"];
        for (wanted, name) in changes.iter_mut().zip(names) {
            *wanted = flag(args, name, false)?;
        }
        let mut causes = [false; 3];
        for (wanted, name) in causes.iter_mut().zip(["trades", "funding_realization", "settlement"]) {
            *wanted = flag(args, name, false)?;
        }
        Ok(Self { events: Events::parse(args)?, changes, causes })
    }
}

impl AccountLog {
    /// Reads the request.
    ///
    /// # Errors
    /// The first argument that cannot be read.
    pub fn parse(args: &Args<'_>) -> Result<Self> {
        Ok(Self {
            range: range(args)?,
            from: entry_number(args, "from")?,
            to: entry_number(args, "to")?,
            sort: sort(args)?,
            infos: infos(args)?,
            count: count(args, DEFAULT_LOG_COUNT, MAX_LOG_COUNT)?,
            conversion_details: flag(args, "conversion_details", false)?,
        })
    }
}

impl AccountLogCsv {
    /// Reads the request.
    ///
    /// # Errors
    /// When the flag is none.
    pub fn parse(args: &Args<'_>) -> Result<Self> {
        Ok(Self { conversion_details: flag(args, "conversion_details", false)? })
    }
}

fn one<'a>(args: &Args<'a>, name: &'static str) -> Result<Option<Value<'a>>> {
    args.one(name).map_err(|Conflict| InvalidArgument(name))
}

fn text<'a>(value: Value<'a>, name: &'static str) -> Result<Cow<'a, str>> {
    value.text().map_err(|_| InvalidArgument(name))
}

fn flag(args: &Args<'_>, name: &'static str, absent: bool) -> Result<bool> {
    one(args, name)?.map_or(Ok(absent), |value| value.boolean().ok_or(InvalidArgument(name)))
}

fn sort(args: &Args<'_>) -> Result<Sort> {
    let Some(value) = one(args, "sort")? else { return Ok(Sort::default()) };
    match text(value, "sort")? {
        word if word.eq_ignore_ascii_case("asc") => Ok(Sort::Ascending),
        word if word.eq_ignore_ascii_case("desc") => Ok(Sort::Descending),
        _ => Err(InvalidArgument("sort")),
    }
}

/// The token, by either of its names.
fn token<'a>(args: &Args<'a>) -> Result<Option<Cow<'a, str>>> {
    const NAME: &str = "continuation_token";
    let named = one(args, NAME)?;
    let alias = one(args, "continuationToken")?;
    let value = match (named, alias) {
        (Some(named), Some(alias)) if !named.is(alias) => return Err(InvalidArgument(NAME)),
        (named, alias) => named.or(alias),
    };
    // Its plus is a plus: clients send it as it came.
    let Some(value) = value else { return Ok(None) };
    let bytes = value.token().map_err(|_| InvalidArgument(NAME))?;
    let token = match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).map(Cow::Borrowed).ok(),
        Cow::Owned(bytes) => String::from_utf8(bytes).map(Cow::Owned).ok(),
    };
    token.map(Some).ok_or(InvalidArgument(NAME))
}

fn range(args: &Args<'_>) -> Result<Range> {
    Ok(Range { since: instant(args, "since")?, before: instant(args, "before")? })
}

/// Whole milliseconds since 1970, or an RFC 3339 date and time. Beyond what a date can tell, the last date is as good as any.
fn instant(args: &Args<'_>, name: &'static str) -> Result<Option<Timestamp>> {
    let Some(value) = one(args, name)? else { return Ok(None) };
    if let Ok(time) = value.time() {
        return Ok(Some(time.clamp(Timestamp::from_micros(0), Timestamp::MAX)));
    }
    let millis = whole(value, name)?;
    let micros = i64::try_from(millis).unwrap_or(i64::MAX).saturating_mul(1_000);
    Ok(Some(Timestamp::from_micros(micros).min(Timestamp::MAX)))
}

/// A whole number, zero or more; one beyond 64 bits counts as the greatest.
fn whole(value: Value<'_>, name: &'static str) -> Result<u64> {
    match value.number() {
        Ok(Number::Fits(number)) if number >= Decimal::ZERO => match number.at_scale(0) {
            Ok(units) => Ok(u64::try_from(units).unwrap_or(u64::MAX)),
            Err(_) => Err(InvalidArgument(name)),
        },
        Ok(Number::TooLarge { negative: false }) => Ok(u64::MAX),
        Ok(_) | Err(_) => Err(InvalidArgument(name)),
    }
}

/// A whole number from one on.
fn from_one(value: Value<'_>, name: &'static str) -> Result<u64> {
    whole(value, name).and_then(|number| if number == 0 { Err(InvalidArgument(name)) } else { Ok(number) })
}

fn count(args: &Args<'_>, absent: u32, most: u32) -> Result<Count> {
    let Some(value) = one(args, "count")? else { return Ok(Count(absent)) };
    let asked = from_one(value, "count")?;
    Ok(Count(u32::try_from(asked).map_or(most, |count| count.min(most))))
}

fn entry_number(args: &Args<'_>, name: &'static str) -> Result<Option<u64>> {
    one(args, name)?.map(|value| from_one(value, name)).transpose()
}

/// The kinds, repeated or comma-joined.
fn infos(args: &Args<'_>) -> Result<Vec<LogInfo>> {
    let mut infos = Vec::new();
    for value in args.list("info") {
        for word in text(value, "info")?.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let info = LogInfo::from_word(word).ok_or(InvalidArgument("info"))?;
            if !infos.contains(&info) {
                infos.push(info);
            }
        }
    }
    Ok(infos)
}

#[cfg(test)]
mod tests;
