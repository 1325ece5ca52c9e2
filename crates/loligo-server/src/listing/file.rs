//! An instruments file: contracts and first index prices in TOML.
//!
//! ```toml
//! [indexes]
//! "LOW:USD" = "5.00"
//!
//! [[instruments]]
//! symbol = "PF_LOWUSD"
//! kind = "linear"
//! pair = "LOW:USD"
//! base = "LOW"
//! tick_size = "0.01"
//! lot_precision = 0
//! max_position_size = 1000000
//! impact_mid_size = 1000
//! margin_levels = [{ from = 0, initial = "0.02", maintenance = "0.01" }]
//! ```
//!
//! Decimals stand in quotes, so that they are exact; whole numbers need none.
//!
//! A dated contract that says `roll = "month"`, `"quarter"` or `"half"` is followed by the next of its kind when it
//! expires; one that says nothing is not. What rolls trades last on the last Friday of a month, at 16:00 in London
//! (inverse) or 08:00 UTC (linear), and has that day at the end of its symbol, as in `FI_LOWUSD_260327`.

use super::Listing;
use super::calendar::{self, Roll};
use super::figures::{FUNDING_COEFFICIENT, MAX_FUNDING_RATE};
use loligo_engine::{
    ContractKind, Currency, FinePrice, Instrument, InstrumentSpec, MarginLevel, PairId, Qty, Timestamp,
};
use loligo_wire::decimal::{Decimal, Number};
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// More than a file of all the contracts that an exchange lists, each in full.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why an instruments file is refused.
#[derive(Debug, thiserror::Error)]
pub enum ListingFileError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Unreadable {
        /// Which file.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// It is not TOML of this shape; the message names line and column.
    #[error("{path}: {message}")]
    Shape {
        /// Which file.
        path: String,
        /// What is wrong, and where.
        message: String,
    },
    /// A figure makes no sense.
    #[error("{name}: {problem}")]
    Figure {
        /// Which contract or pair.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A contract as a person writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentEntry {
    symbol: String,
    kind: Kind,
    pair: String,
    base: String,
    #[serde(default = "usd")]
    quote: String,
    tick_size: Exact,
    lot_precision: i8,
    max_position_size: Exact,
    impact_mid_size: Exact,
    margin_levels: Vec<LevelEntry>,
    opening: Option<String>,
    last_trading_time: Option<String>,
    roll: Option<RollWord>,
    funding_rate_coefficient: Option<u32>,
    max_relative_funding_rate: Option<Exact>,
    min_relative_funding_rate: Option<Exact<true>>,
}

/// A [`Roll`] as a file spells it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RollWord {
    Month,
    Quarter,
    Half,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Linear,
    Inverse,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LevelEntry {
    from: u64,
    initial: Exact,
    maintenance: Option<Exact>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    indexes: BTreeMap<String, Exact>,
    #[serde(default)]
    instruments: Vec<InstrumentEntry>,
}

fn usd() -> String {
    "USD".to_owned()
}

/// An exact decimal; unless `SIGNED`, one that is not negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exact<const SIGNED: bool = false>(Decimal);

impl<const SIGNED: bool> Exact<SIGNED> {
    fn parse(text: &str) -> Option<Self> {
        Self::of(Number::parse(text.as_bytes()).ok()?.decimal()?)
    }

    fn of(decimal: Decimal) -> Option<Self> {
        (SIGNED || !decimal.is_negative()).then_some(Self(decimal))
    }

    /// As a whole number of `10^-decimals`; `None` when it is finer, or too large.
    fn at(self, decimals: i32) -> Option<i128> {
        match u32::try_from(decimals) {
            Ok(scale) => self.0.at_scale(scale).ok(),
            Err(_) => {
                let (whole, unit) = (self.0.at_scale(0).ok()?, 10_i128.checked_pow(decimals.unsigned_abs())?);
                (whole % unit == 0).then_some(whole / unit)
            }
        }
    }
}

impl<'de, const SIGNED: bool> Deserialize<'de> for Exact<SIGNED> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words<const SIGNED: bool>;
        impl<const SIGNED: bool> Visitor<'_> for Words<SIGNED> {
            type Value = Exact<SIGNED>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a decimal in quotes, such as \"0.01\", or a whole number")?;
                f.write_str(if SIGNED { "" } else { "; not negative" })
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Exact::parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
                let whole = Exact::of(Decimal::new(i128::from(number), 0));
                whole.ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
                let whole = Exact::of(Decimal::new(i128::from(number), 0));
                whole.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
            }
        }
        deserializer.deserialize_any(Words::<SIGNED>)
    }
}

/// Reads an instruments file.
///
/// # Errors
/// [`ListingFileError`], naming the line or the contract.
pub fn read_listing(path: &Path) -> Result<Listing, ListingFileError> {
    let name = path.display().to_string();
    let text = crate::files::read_text(path, FILE_BYTES_MAX)
        .map_err(|error| ListingFileError::Unreadable { path: name.clone(), error })?;
    parse(&text).map_err(|error| match error {
        ListingFileError::Shape { message, .. } => ListingFileError::Shape { path: name, message },
        other => other,
    })
}

fn parse(text: &str) -> Result<Listing, ListingFileError> {
    let file: File = toml::from_str(text)
        .map_err(|error| ListingFileError::Shape { path: String::new(), message: error.to_string() })?;
    if file.instruments.is_empty() {
        return Err(ListingFileError::Shape {
            path: String::new(),
            message: "at least one [[instruments]] entry is needed".to_owned(),
        });
    }
    let mut symbols = HashSet::new();
    let mut instruments = Vec::with_capacity(file.instruments.len());
    let mut rolls = Vec::new();
    for entry in &file.instruments {
        let spec = entry.spec()?;
        if !symbols.insert(spec.symbol.clone()) {
            return Err(figure(&spec.symbol, "it is listed twice"));
        }
        rolls.extend(entry.roll().map(|roll| (spec.symbol.clone(), roll)));
        instruments.push(spec);
    }
    let mut indexes = Vec::with_capacity(file.indexes.len());
    for (pair, price) in file.indexes {
        let price = price.at(18).filter(|price| *price > 0);
        let price =
            price.ok_or_else(|| figure(&pair, "an index price is positive, with at most 18 decimals"))?;
        indexes.push((pair.to_ascii_uppercase(), FinePrice(price)));
    }
    Ok(Listing { instruments, indexes, rolls })
}

fn figure(name: &str, problem: impl Into<String>) -> ListingFileError {
    ListingFileError::Figure { name: name.to_owned(), problem: problem.into() }
}

impl InstrumentEntry {
    /// What the engine is to list.
    ///
    /// # Errors
    /// [`ListingFileError::Figure`], in the engine's words where it is the engine that cannot carry a figure.
    pub fn spec(&self) -> Result<InstrumentSpec, ListingFileError> {
        let symbol = self.symbol.to_ascii_uppercase();
        let bad = |problem: &str| figure(&symbol, problem);
        let currency = |code: &str| {
            Currency::parse(code).ok_or_else(|| bad("a currency code has one to eight letters or digits"))
        };
        let lots = |size: Exact| {
            size.at(i32::from(self.lot_precision))
                .and_then(|lots| i64::try_from(lots).ok())
                .map(Qty)
                .ok_or_else(|| bad("max_position_size and impact_mid_size must be whole lots"))
        };
        let tick = self.tick_size.0.normalized();
        let tick_scale = u8::try_from(tick.scale()).unwrap_or(u8::MAX);
        let tick_mantissa =
            u32::try_from(tick.mantissa()).map_err(|_| bad("the tick size has too many digits"))?;
        let expiry = self.last_trading_time.as_deref().map(|text| instant(&symbol, text)).transpose()?;
        let rate = self.max_relative_funding_rate.map(|rate| {
            let rate = rate.at(8).and_then(|rate| u32::try_from(rate).ok());
            rate.ok_or_else(|| bad("max_relative_funding_rate has at most 8 decimals"))
        });
        let least = self.min_relative_funding_rate.map(|rate| {
            let rate = rate.at(8).and_then(|rate| i32::try_from(rate).ok());
            rate.ok_or_else(|| bad("min_relative_funding_rate has at most 8 decimals"))
        });
        let perpetual = expiry.is_none();
        let spec = InstrumentSpec {
            kind: match self.kind {
                Kind::Linear => ContractKind::Linear,
                Kind::Inverse => ContractKind::Inverse,
            },
            pair: self.pair.to_ascii_uppercase(),
            base: currency(&self.base)?,
            quote: currency(&self.quote)?,
            tick_mantissa,
            tick_scale,
            lot_precision: self.lot_precision,
            max_position: lots(self.max_position_size)?,
            impact_mid_size: lots(self.impact_mid_size)?,
            margin_levels: self
                .margin_levels
                .iter()
                .map(|level| {
                    level.level().ok_or_else(|| bad("a margin is a share of 1 with at most 6 decimals"))
                })
                .collect::<Result<_, _>>()?,
            opening: match &self.opening {
                Some(text) => instant(&symbol, text)?,
                None => Timestamp(0),
            },
            expiry,
            funding_rate_coefficient: self.funding_rate_coefficient.unwrap_or(if perpetual {
                FUNDING_COEFFICIENT
            } else {
                0
            }),
            max_relative_funding_rate: rate.transpose()?.unwrap_or(if perpetual {
                MAX_FUNDING_RATE
            } else {
                0
            }),
            min_relative_funding_rate: least.transpose()?,
            symbol: symbol.clone(),
        };
        if let Some(roll) = self.roll() {
            calendar::check(&spec, roll).map_err(|problem| figure(&symbol, problem))?;
        }
        // The engine checks again when it lists; asked here, its refusal names the file's entry.
        match Instrument::new(spec.clone(), PairId(0)) {
            Ok(_) => Ok(spec),
            Err(error) => Err(figure(&symbol, error.to_string())),
        }
    }

    /// As what it rolls, if it does.
    #[must_use]
    pub fn roll(&self) -> Option<Roll> {
        self.roll.map(|word| match word {
            RollWord::Month => Roll::Month,
            RollWord::Quarter => Roll::Quarter,
            RollWord::Half => Roll::Half,
        })
    }
}

impl LevelEntry {
    fn level(&self) -> Option<MarginLevel> {
        let millionths = |rate: Exact| rate.at(6).and_then(|rate| u32::try_from(rate).ok());
        let initial = millionths(self.initial)?;
        let maintenance = match self.maintenance {
            Some(rate) => millionths(rate)?,
            None => initial / 2,
        };
        Some(MarginLevel { from: self.from, initial, maintenance })
    }
}

fn instant(symbol: &str, text: &str) -> Result<Timestamp, ListingFileError> {
    let at: jiff::Timestamp =
        text.parse().map_err(|error| figure(symbol, format!("{text:?} is no RFC 3339 instant: {error}")))?;
    Ok(Timestamp(at.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOW: &str = r#"
        [indexes]
        "LOW:USD" = "5.00"

        [[instruments]]
        symbol = "pf_lowusd"
        kind = "linear"
        pair = "LOW:USD"
        base = "LOW"
        tick_size = "0.01"
        lot_precision = 2
        max_position_size = 1000
        impact_mid_size = "10.5"
        margin_levels = [{ from = 0, initial = "0.02" }]
    "#;

    #[test]
    fn a_file_is_read_exactly() {
        let listing = parse(LOW).unwrap();
        assert_eq!(listing.indexes, [("LOW:USD".to_owned(), FinePrice(5 * 10_i128.pow(18)))]);
        let spec = &listing.instruments[0];
        assert_eq!((spec.symbol.as_str(), spec.kind), ("PF_LOWUSD", ContractKind::Linear));
        assert_eq!((spec.tick_mantissa, spec.tick_scale), (1, 2));
        assert_eq!((spec.max_position, spec.impact_mid_size), (Qty(100_000), Qty(1_050)));
        assert_eq!(spec.margin_levels, [MarginLevel { from: 0, initial: 20_000, maintenance: 10_000 }]);
        assert_eq!((spec.funding_rate_coefficient, spec.max_relative_funding_rate), (8, 500_000));
        assert_eq!((spec.opening, spec.expiry), (Timestamp(0), None));
    }

    /// A dated contract that rolls as quarter.
    fn rolling() -> String {
        let dated = "last_trading_time = \"2026-03-27T08:00:00Z\"\nroll = \"quarter\"\nlot_precision = 2";
        LOW.replace("pf_lowusd", "ff_lowusd_260327").replace("lot_precision = 2", dated)
    }

    #[test]
    fn a_contract_rolls_when_the_file_says_so() {
        let listing = parse(&rolling()).unwrap();
        assert_eq!(listing.rolls, [("FF_LOWUSD_260327".to_owned(), Roll::Quarter)]);
        let without = parse(&rolling().replace("roll = \"quarter\"", "")).unwrap();
        assert_eq!(without.rolls, []);
        assert_ne!(listing.digest(), without.digest(), "a start that names the other is refused");
        assert_eq!(without.instruments, listing.instruments);
    }

    #[test]
    fn a_file_without_rolls_is_the_venue_it_was() {
        #[derive(serde::Serialize)]
        struct Before {
            instruments: Vec<InstrumentSpec>,
            indexes: Vec<(String, FinePrice)>,
        }
        let listing = parse(LOW).unwrap();
        let digest = listing.digest();
        let before = Before { instruments: listing.instruments, indexes: listing.indexes };
        assert_eq!(digest, *blake3::hash(&postcard::to_allocvec(&before).unwrap()).as_bytes());
    }

    #[test]
    fn a_contract_that_cannot_roll_as_it_says_is_refused() {
        let rows = [
            ("roll = \"quarter\"", "roll = \"week\"", "unknown variant `week`"),
            (
                "last_trading_time = \"2026-03-27T08:00:00Z\"",
                "",
                "only a contract with a last_trading_time can roll",
            ),
            ("27T08", "28T08", "the last Friday of its month, 2026-03-27 08:00 UTC"),
            ("27T08", "27T16", "the last Friday of its month, 2026-03-27 08:00 UTC"),
            ("\"linear\"", "\"inverse\"", "the last Friday of its month, 2026-03-27 16:00 in London"),
            ("03-27", "02-27", "a quarter or half-year ends in March"),
            ("_260327", "_260326", "ends in its last day, _260327"),
            ("ff_lowusd_260327", "_260327", "ends in its last day, _260327"),
        ];
        for (from, to, want) in rows {
            let text = rolling().replace(from, to);
            assert_ne!(text, rolling(), "{from}");
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(want), "{to}: {error}");
        }
    }

    #[test]
    fn the_least_funding_rate_may_be_negative() {
        let with =
            |rates: &str| parse(&LOW.replace("lot_precision = 2", &format!("lot_precision = 2\n{rates}")));
        let listing =
            with("max_relative_funding_rate = \"0.005\"\nmin_relative_funding_rate = \"-0.001\"").unwrap();
        let spec = &listing.instruments[0];
        assert_eq!(
            (spec.max_relative_funding_rate, spec.min_relative_funding_rate),
            (500_000, Some(-100_000))
        );
        let refused = with("max_relative_funding_rate = \"-0.005\"").unwrap_err().to_string();
        assert!(refused.contains("not negative"), "{refused}");
    }

    #[test]
    fn what_is_wrong_is_said() {
        let rows = [
            ("tick_size = \"0.01\"", "tick_size = 0.01", "a decimal in quotes"),
            ("tick_size = \"0.01\"", "tick_size = \"-1\"", "not negative"),
            ("tick_size = \"0.01\"", "tick_size = \"one\"", "a decimal in quotes"),
            ("tick_size = \"0.01\"", "tick_size = \"99999999999\"", "too many digits"),
            ("tick_size = \"0.01\"", "tick_size = 0", "tick size must be positive"),
            ("tick_size = \"0.01\"", "tick_sise = \"0.01\"", "unknown field `tick_sise`"),
            ("kind = \"linear\"", "kind = \"quanto\"", "unknown variant `quanto`"),
            ("impact_mid_size = \"10.5\"", "impact_mid_size = \"0.001\"", "whole lots"),
            ("initial = \"0.02\"", "initial = \"2\"", "margin levels must"),
            ("from = 0", "from = 5", "margin levels must start at 0"),
            ("base = \"LOW\"", "base = \"\"", "currency code"),
            ("\"5.00\"", "\"0\"", "an index price is positive"),
            ("lot_precision = 2", "lot_precision = 2\nopening = \"soon\"", "no RFC 3339 instant"),
            ("pf_lowusd", "pf lowusd", "upper-case letters"),
        ];
        for (from, to, want) in rows {
            let text = LOW.replace(from, to);
            assert_ne!(text, LOW, "{from}");
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(want), "{to}: {error}");
        }
        assert!(parse("").unwrap_err().to_string().contains("at least one"));
        let (_, entry) = LOW.split_once("[[instruments]]").unwrap();
        let twice = format!("{LOW}\n[[instruments]]{entry}");
        assert!(parse(&twice).unwrap_err().to_string().contains("listed twice"));
    }
}
