//! The figures of the default listing, as a table.

use super::Listing;
use super::calendar::{Maturity, Roll, maturities};
use loligo_engine::{
    ContractKind, Currency, FinePrice, InstrumentSpec, MAX_LOTS, MarginLevel, Qty, Timestamp,
};

/// Divisor of the mean premium in the funding rate.
pub(super) const FUNDING_COEFFICIENT: u32 = 8;
/// Clamp of the hourly relative funding rate, in 1e-8: 0.5%.
pub(super) const MAX_FUNDING_RATE: u32 = 500_000;
/// When the perpetuals opened, on a venue that begins later: 2018-01-01T00:00:00Z.
const OPENING: Timestamp = Timestamp(1_514_764_800_000_000);
/// How long before its expiry a dated contract opened: nine months, the longest that one is listed.
const DATED_LISTED: i64 = 275 * 86_400 * Timestamp::SECOND;

/// Bounds of position value (linear) or contracts (inverse), each with its initial margin in millionths.
type Levels = &'static [(u64, u32)];

const XBT_LINEAR: Levels = &[
    (0, 10_000),
    (1_000_000, 20_000),
    (3_000_000, 40_000),
    (10_000_000, 100_000),
    (30_000_000, 200_000),
    (50_000_000, 300_000),
    (150_000_000, 500_000),
];
const CLASS_A: Levels = &[
    (0, 20_000),
    (1_000_000, 40_000),
    (2_000_000, 50_000),
    (5_000_000, 100_000),
    (10_000_000, 200_000),
    (20_000_000, 300_000),
    (60_000_000, 500_000),
];
const CLASS_B: Levels = &[
    (0, 20_000),
    (250_000, 40_000),
    (750_000, 50_000),
    (1_000_000, 100_000),
    (5_000_000, 200_000),
    (10_000_000, 300_000),
    (30_000_000, 500_000),
];
const CLASS_C: Levels = &[
    (0, 40_000),
    (250_000, 50_000),
    (500_000, 100_000),
    (1_000_000, 200_000),
    (2_500_000, 300_000),
    (5_000_000, 500_000),
];
const XBT_INVERSE: Levels = &[
    (0, 20_000),
    (500_000, 40_000),
    (1_000_000, 60_000),
    (3_000_000, 100_000),
    (6_000_000, 150_000),
    (12_000_000, 250_000),
    (20_000_000, 300_000),
    (50_000_000, 400_000),
];
const ETH_INVERSE: Levels = &[
    (0, 20_000),
    (250_000, 40_000),
    (500_000, 60_000),
    (2_000_000, 100_000),
    (5_000_000, 150_000),
    (8_000_000, 250_000),
    (15_000_000, 300_000),
    (30_000_000, 400_000),
];
const LTC_INVERSE: Levels =
    &[(0, 20_000), (250_000, 40_000), (500_000, 60_000), (2_000_000, 100_000), (4_000_000, 150_000)];
const XRP_INVERSE: Levels = &[(0, 100_000), (1_000_000, 200_000)];
const XBT_DATED: Levels = &[(0, 20_000), (500_000, 40_000)];
const ETH_DATED: Levels = &[(0, 20_000), (250_000, 40_000)];

const TO_QUARTER: [Roll; 2] = [Roll::Month, Roll::Quarter];
const TO_HALF: [Roll; 3] = [Roll::Month, Roll::Quarter, Roll::Half];

/// One contract, or one series of dated contracts.
struct Row {
    prefix: &'static str,
    base: &'static str,
    /// The base in symbols and pairs, where it differs from the currency: XBT for BTC.
    symbol_base: &'static str,
    /// Mantissa and decimals.
    tick: (u32, u8),
    lot_precision: i8,
    /// In lots.
    max_position: i64,
    impact_mid_size: i64,
    levels: Levels,
    /// Which maturities are listed; none for perpetuals.
    kinds: &'static [Roll],
}

#[rustfmt::skip]
const ROWS: [Row; 15] = [
    Row { prefix: "PF", base: "BTC", symbol_base: "XBT", tick: (1, 0), lot_precision: 4, max_position: 12_000_000, impact_mid_size: 800, levels: XBT_LINEAR, kinds: &[] },
    Row { prefix: "PF", base: "ETH", symbol_base: "ETH", tick: (1, 1), lot_precision: 3, max_position: 16_000_000, impact_mid_size: 1_700, levels: XBT_LINEAR, kinds: &[] },
    Row { prefix: "PF", base: "SOL", symbol_base: "SOL", tick: (1, 2), lot_precision: 2, max_position: 8_000_000, impact_mid_size: 600, levels: CLASS_B, kinds: &[] },
    Row { prefix: "PF", base: "DOGE", symbol_base: "DOGE", tick: (1, 5), lot_precision: 0, max_position: 200_000_000, impact_mid_size: 45_000, levels: CLASS_B, kinds: &[] },
    Row { prefix: "PF", base: "ADA", symbol_base: "ADA", tick: (1, 5), lot_precision: 0, max_position: 60_000_000, impact_mid_size: 5_500, levels: CLASS_B, kinds: &[] },
    Row { prefix: "PF", base: "AAVE", symbol_base: "AAVE", tick: (1, 2), lot_precision: 2, max_position: 6_000_000, impact_mid_size: 1_600, levels: CLASS_B, kinds: &[] },
    Row { prefix: "PF", base: "PEPE", symbol_base: "PEPE", tick: (1, 10), lot_precision: -3, max_position: 1_000_000_000, impact_mid_size: 875_000, levels: CLASS_C, kinds: &[] },
    Row { prefix: "PI", base: "BTC", symbol_base: "XBT", tick: (5, 1), lot_precision: 0, max_position: 75_000_000, impact_mid_size: 1_000, levels: XBT_INVERSE, kinds: &[] },
    Row { prefix: "PI", base: "ETH", symbol_base: "ETH", tick: (5, 2), lot_precision: 0, max_position: 45_000_000, impact_mid_size: 1_000, levels: ETH_INVERSE, kinds: &[] },
    Row { prefix: "PI", base: "LTC", symbol_base: "LTC", tick: (1, 2), lot_precision: 0, max_position: 5_000_000, impact_mid_size: 1_000, levels: LTC_INVERSE, kinds: &[] },
    Row { prefix: "PI", base: "XRP", symbol_base: "XRP", tick: (1, 4), lot_precision: 0, max_position: 3_000_000, impact_mid_size: 1_000, levels: XRP_INVERSE, kinds: &[] },
    Row { prefix: "FI", base: "BTC", symbol_base: "XBT", tick: (5, 1), lot_precision: 0, max_position: 40_000_000, impact_mid_size: 1_000, levels: XBT_DATED, kinds: &TO_HALF },
    Row { prefix: "FI", base: "ETH", symbol_base: "ETH", tick: (5, 2), lot_precision: 0, max_position: 15_000_000, impact_mid_size: 1_000, levels: ETH_DATED, kinds: &TO_HALF },
    Row { prefix: "FF", base: "BTC", symbol_base: "XBT", tick: (1, 0), lot_precision: 4, max_position: 6_000_000, impact_mid_size: 150, levels: CLASS_A, kinds: &TO_HALF },
    Row { prefix: "FF", base: "ETH", symbol_base: "ETH", tick: (1, 1), lot_precision: 3, max_position: 8_000_000, impact_mid_size: 350, levels: CLASS_A, kinds: &TO_QUARTER },
];

/// First index prices: pair, mantissa, decimals.
const INDEXES: [(&str, i128, u32); 9] = [
    ("XBT:USD", 80_000, 0),
    ("ETH:USD", 3_000, 0),
    ("SOL:USD", 150, 0),
    ("DOGE:USD", 2, 1),
    ("ADA:USD", 5, 1),
    ("AAVE:USD", 200, 0),
    ("PEPE:USD", 1, 5),
    ("LTC:USD", 100, 0),
    ("XRP:USD", 25, 1),
];

pub(super) fn standard(start: Timestamp) -> Listing {
    let mut instruments = Vec::new();
    for row in &ROWS {
        if row.kinds.is_empty() {
            instruments.push(row.spec(None, start));
        }
        for maturity in maturities(row.kinds, start, row.contract(), |_| false).unwrap_or_default() {
            instruments.push(row.spec(Some(maturity), start));
        }
    }
    let indexes = INDEXES
        .iter()
        .map(|(pair, mantissa, scale)| ((*pair).to_owned(), FinePrice(mantissa * 10_i128.pow(18 - scale))))
        .collect();
    Listing { instruments, indexes, rolls: Vec::new() }
}

/// The kinds that a series of the default listing has; none for any other.
pub(super) fn kinds(series: &str) -> &'static [Roll] {
    ROWS.iter().find(|row| row.name() == series).map_or(&[], |row| row.kinds)
}

impl Row {
    /// The symbol of a perpetual; what the symbols of a series begin with.
    fn name(&self) -> String {
        format!("{}_{}USD", self.prefix, self.symbol_base)
    }

    fn contract(&self) -> ContractKind {
        match self.prefix {
            "PI" | "FI" => ContractKind::Inverse,
            _ => ContractKind::Linear,
        }
    }

    fn spec(&self, maturity: Option<Maturity>, start: Timestamp) -> InstrumentSpec {
        debug_assert!(self.max_position <= MAX_LOTS);
        InstrumentSpec {
            symbol: maturity.map_or_else(|| self.name(), |maturity| maturity.symbol(&self.name())),
            kind: self.contract(),
            pair: format!("{}:USD", self.symbol_base),
            base: Currency::parse(self.base).unwrap_or(Currency::USD),
            quote: Currency::USD,
            tick_mantissa: self.tick.0,
            tick_scale: self.tick.1,
            lot_precision: self.lot_precision,
            max_position: Qty(self.max_position),
            impact_mid_size: Qty(self.impact_mid_size),
            margin_levels: self.levels.iter().map(|(from, initial)| level(*from, *initial)).collect(),
            // No contract of a new venue opens later than the venue itself.
            opening: match maturity {
                None => OPENING.min(start),
                Some(maturity) => Timestamp(maturity.expiry.0 - DATED_LISTED).min(start),
            },
            expiry: maturity.map(|maturity| maturity.expiry),
            funding_rate_coefficient: if maturity.is_none() { FUNDING_COEFFICIENT } else { 0 },
            max_relative_funding_rate: if maturity.is_none() { MAX_FUNDING_RATE } else { 0 },
            min_relative_funding_rate: None,
        }
    }
}

/// Maintenance is half of initial at every level.
fn level(from: u64, initial: u32) -> MarginLevel {
    MarginLevel { from, initial, maintenance: initial / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loligo_engine::{Instrument, PairId};

    /// 2026-01-01T00:00:00Z.
    const START: Timestamp = Timestamp(1_767_225_600_000_000);

    #[test]
    fn the_default_listing_is_this() {
        let symbols: Vec<String> = standard(START).instruments.into_iter().map(|spec| spec.symbol).collect();
        let want = "PF_XBTUSD PF_ETHUSD PF_SOLUSD PF_DOGEUSD PF_ADAUSD PF_AAVEUSD PF_PEPEUSD \
            PI_XBTUSD PI_ETHUSD PI_LTCUSD PI_XRPUSD \
            FI_XBTUSD_260130 FI_XBTUSD_260327 FI_XBTUSD_260626 FI_ETHUSD_260130 FI_ETHUSD_260327 FI_ETHUSD_260626 \
            FF_XBTUSD_260130 FF_XBTUSD_260327 FF_XBTUSD_260626 FF_ETHUSD_260130 FF_ETHUSD_260327";
        assert_eq!(symbols, want.split_whitespace().collect::<Vec<_>>());
    }

    #[test]
    fn the_engine_carries_every_contract_at_its_first_price() {
        let listing = standard(START);
        for spec in listing.instruments {
            let symbol = spec.symbol.clone();
            let (_, index) = listing.indexes.iter().find(|(pair, _)| *pair == spec.pair).expect(&symbol);
            let (opening, expiry) = (spec.opening, spec.expiry);
            assert!(
                opening <= START && expiry.is_none_or(|expiry| expiry > START),
                "{symbol} trades at start"
            );
            let instrument = Instrument::new(spec, PairId(0)).expect(&symbol);
            let ticks = instrument.ticks_floor(*index);
            assert!(ticks.0 >= 10_000, "{symbol}: the price has enough ticks for a book, {}", ticks.0);
        }
    }

    #[test]
    fn figures_read_as_in_the_rules() {
        let listing = standard(START);
        let find = |symbol: &str| listing.instruments.iter().find(|spec| spec.symbol == symbol).unwrap();
        // Contracts: lots / 10^precision.
        let rows: [(&str, f64, f64); 15] = [
            ("PF_XBTUSD", 1_200.0, 0.08),
            ("PF_ETHUSD", 16_000.0, 1.7),
            ("PF_SOLUSD", 80_000.0, 6.0),
            ("PF_DOGEUSD", 2e8, 45_000.0),
            ("PF_ADAUSD", 6e7, 5_500.0),
            ("PF_AAVEUSD", 60_000.0, 16.0),
            ("PF_PEPEUSD", 1e12, 875_000_000.0),
            ("PI_XBTUSD", 7.5e7, 1_000.0),
            ("PI_ETHUSD", 4.5e7, 1_000.0),
            ("PI_LTCUSD", 5e6, 1_000.0),
            ("PI_XRPUSD", 3e6, 1_000.0),
            ("FI_XBTUSD_260130", 4e7, 1_000.0),
            ("FI_ETHUSD_260130", 1.5e7, 1_000.0),
            ("FF_XBTUSD_260130", 600.0, 0.015),
            ("FF_ETHUSD_260130", 8_000.0, 0.35),
        ];
        for (symbol, max_position, impact) in rows {
            let spec = find(symbol);
            let lots = |contracts: f64| {
                let lots = contracts * 10f64.powi(i32::from(spec.lot_precision));
                lots.round() as i64
            };
            assert_eq!(spec.max_position.0, lots(max_position), "{symbol} maxPositionSize");
            assert_eq!(spec.impact_mid_size.0, lots(impact), "{symbol} impactMidSize");
        }
        assert_eq!(find("PF_XBTUSD").margin_levels[0], level(0, 10_000));
        assert_eq!(find("PF_XBTUSD").margin_levels[6].maintenance, 250_000);
        assert_eq!(find("FI_XBTUSD_260130").expiry, Some(Timestamp(1_769_788_800_000_000)));
    }

    #[test]
    fn a_venue_that_begins_before_the_first_opening_trades_at_once() {
        let early = Timestamp(1_000_000_000_000_000);
        assert!(standard(early).instruments.iter().all(|spec| spec.opening <= early));
    }
}
