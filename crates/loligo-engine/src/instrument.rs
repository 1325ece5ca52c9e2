//! What a contract is: its grid (tick, lot), its kind, its margin schedule, and what a fill of it is worth.
//!
//! Both kinds share one arithmetic. `value(lots, price)` is signed so that for either kind a position worth `v` now
//! and entered at value `e` has the open P&L `v - e`: a linear contract is worth `lots x price`, an inverse one
//! `-lots / price` (its holder is short the quote currency, so its value in base rises as the price does).

use crate::id::{Currency, PairId, Price, Qty, Side, Timestamp};
use crate::money::{
    Fine, FinePrice, Money, PRICE_MAX, PRICE_MIN, div_half_even, millionths_up, mul_div_half_even, pow10,
    ratio_of_products,
};
use crate::words::ContractKind;
use serde::{Deserialize, Serialize};

/// Decimals of [`Fine`].
const FINE: u32 = 24;
/// As that of money, where it fits one register.
const FINE_PER_MONEY: u64 = crate::money::FINE_PER_MONEY as u64;
/// No price may exceed this many ticks (rules 1.11, row 8).
pub const MAX_TICKS: i64 = 1_000_000_000;
/// No quantity may exceed this many lots; far above every value cap, it keeps products in range.
pub const MAX_LOTS: i64 = 1_000_000_000_000;

/// A funding rate of all of the value, in 1e-8.
const RATE_ONE: i64 = 100_000_000;

/// Greatest value of a position (fine units): 10^12 of its settlement currency.
const VALUE_MAX: i128 = 10_i128.pow(36);

/// A leverage in hundredths: 500 is 5x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Leverage(pub u32);

impl Leverage {
    /// None at all: margin of the whole value.
    pub const ONE: Leverage = Leverage(100);
}

/// From which size on which margin is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarginLevel {
    /// Where the level starts: USD of position value (linear), contracts (inverse).
    pub from: u64,
    /// Initial margin, in millionths of the value.
    pub initial: u32,
    /// Maintenance margin, in millionths of the value.
    pub maintenance: u32,
}

/// Everything about a contract that is fixed when it is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentSpec {
    /// Unique symbol, upper case: `PF_XBTUSD`.
    pub symbol: String,
    /// Linear or inverse.
    pub kind: ContractKind,
    /// The pair whose index prices it, `XBT:USD`.
    pub pair: String,
    /// Base currency, `BTC`.
    pub base: Currency,
    /// Quote currency, `USD`.
    pub quote: Currency,
    /// Tick size as `tick_mantissa / 10^tick_scale` of quote.
    pub tick_mantissa: u32,
    /// Decimals of the tick size; at most 18.
    pub tick_scale: u8,
    /// A lot is `10^-lot_precision` contracts; from -3 to 8.
    pub lot_precision: i8,
    /// Greatest position (with open orders) in lots.
    pub max_position: Qty,
    /// Depth, in lots, over which the impact mid price is taken.
    pub impact_mid_size: Qty,
    /// Margin levels, first from 0, rising.
    pub margin_levels: Vec<MarginLevel>,
    /// When it opened or will open.
    pub opening: Timestamp,
    /// Last trading time of a dated contract.
    pub expiry: Option<Timestamp>,
    /// Divisor of the mean premium in the funding rate (perpetuals).
    pub funding_rate_coefficient: u32,
    /// Clamp of the hourly relative funding rate, in 1e-8 (perpetuals).
    pub max_relative_funding_rate: u32,
    /// Least hourly relative funding rate, in 1e-8 (perpetuals); absent where it is the greatest with its sign turned.
    pub min_relative_funding_rate: Option<i32>,
}

/// Why a listing is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A symbol twice.
    #[error("instrument {0} is listed already")]
    Duplicate(String),
    /// A figure that the arithmetic cannot carry exactly, or that makes no sense.
    #[error("instrument {symbol}: {problem}")]
    Figures {
        /// Which one.
        symbol: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A listed contract: its spec and the factors computed from it once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    spec: InstrumentSpec,
    pair: PairId,
    /// Linear: fine value of one lot at one tick. Inverse: fine value of one lot at one tick's price (1 / tick).
    unit: i128,
    /// Wallet money (1e-11 of quote): of one lot at one tick (linear), of one lot (inverse).
    money_unit: u64,
    /// Initial margin (fine units) of 1e-11 of a linear contract's value, at the rate of the first level: exact.
    margin_unit: u64,
    /// Where the second level starts: fine value (linear), lots (inverse). Beyond everything when there is none.
    first_level: i128,
    /// Initial margin of a linear contract's whole first level.
    first_margin: Fine,
}

/// What a quantity is worth at a price, without sign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worth {
    /// In quote currency.
    pub notional: Money,
    /// In the settlement currency; of a linear contract the same amount.
    pub value: Fine,
}

/// A size and its value, both without sign: a sum over open orders, or a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OpenSum {
    pub lots: i64,
    pub value: Fine,
}

impl OpenSum {
    /// A position without its sign, at a value it was entered at or has now.
    #[inline]
    pub fn of(size: i64, value: Fine) -> Self {
        Self { lots: size.abs(), value: Fine(value.0.abs()) }
    }
}

impl std::ops::Add for OpenSum {
    type Output = OpenSum;
    #[inline]
    fn add(self, other: OpenSum) -> OpenSum {
        OpenSum { lots: self.lots + other.lots, value: self.value + other.value }
    }
}

impl InstrumentSpec {
    /// Lots in a millionth of a contract, and millionths in a lot: one of the two is 1. What is at 18 decimals for a contract is at
    /// 24 for a lot by it.
    pub fn lot_of_millionth(&self) -> (i128, i128) {
        match 6 - i32::from(self.lot_precision) {
            coarser @ 0.. => (1, pow10(coarser as u32)),
            finer => (pow10(finer.unsigned_abs()), 1),
        }
    }
}

impl Instrument {
    /// Checks a spec and computes its factors.
    ///
    /// # Errors
    /// [`ListingError::Figures`] when a figure is out of the range that exact arithmetic carries.
    pub fn new(spec: InstrumentSpec, pair: PairId) -> Result<Self, ListingError> {
        let bad = |problem| Err(ListingError::Figures { symbol: spec.symbol.clone(), problem });
        if spec.symbol.is_empty()
            || spec.symbol.len() > 40
            || !spec.symbol.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        {
            return bad("a symbol is 1 to 40 upper-case letters, digits and underscores");
        }
        if spec.tick_mantissa == 0 || spec.tick_scale > 18 {
            return bad("the tick size must be positive, with at most 18 decimals");
        }
        if !(-3..=8).contains(&spec.lot_precision) {
            return bad("the lot precision must be from -3 to 8");
        }
        if spec.max_position.0 <= 0
            || spec.max_position.0 > MAX_LOTS
            || spec.impact_mid_size.0 <= 0
            || spec.impact_mid_size.0 > MAX_LOTS
        {
            return bad("maximum size and impact size must be positive, and at most 10^12 lots");
        }
        let rising =
            spec.margin_levels.windows(2).all(|w| w[0].from < w[1].from && w[0].initial <= w[1].initial);
        let sane = spec.margin_levels.iter().all(|l| {
            l.initial > 0
                && l.initial <= 1_000_000
                && l.maintenance > 0
                && l.maintenance <= l.initial
                && l.from <= 1_000_000_000_000
        });
        if spec.margin_levels.first().is_none_or(|l| l.from != 0) || !rising || !sane {
            return bad(
                "margin levels must start at 0, rise, and stay between 0 and 100%, maintenance at most initial",
            );
        }
        if spec.expiry.is_some_and(|at| at <= spec.opening) {
            return bad("the last trading time must be after the opening");
        }
        if spec.expiry.is_none() && spec.funding_rate_coefficient == 0 {
            return bad("a perpetual needs a funding rate coefficient");
        }
        let most = i64::from(spec.max_relative_funding_rate);
        let least = spec.min_relative_funding_rate.map_or(-most, i64::from);
        if spec.expiry.is_none() && (most > RATE_ONE || least < -RATE_ONE || least > most) {
            return bad(
                "a perpetual's funding rates are from -100% to 100% an hour, the least not above the greatest",
            );
        }
        if i128::from(spec.tick_mantissa) > 1_000 * pow10(u32::from(spec.tick_scale)) {
            return bad("the tick size must be at most 1000");
        }
        let scale = i32::from(spec.tick_scale) + i32::from(spec.lot_precision);
        let unit = match spec.kind {
            ContractKind::Linear => {
                // The value of every fill must be exact in wallet money (11 decimals).
                if scale > 11 {
                    return bad("tick times lot must have at most 11 decimals");
                }
                i128::from(spec.tick_mantissa) * pow10((FINE as i32 - scale) as u32)
            }
            ContractKind::Inverse => {
                let exponent = FINE as i32 - i32::from(spec.lot_precision) + i32::from(spec.tick_scale);
                if exponent > 30 {
                    return bad("an inverse contract's lot and tick are too fine");
                }
                // Kept over the tick's mantissa: `value` divides by both at once, so nothing is rounded twice.
                pow10(exponent as u32)
            }
        };
        let money_unit = match spec.kind {
            ContractKind::Linear => unit / i128::from(FINE_PER_MONEY),
            ContractKind::Inverse => pow10((11 - i32::from(spec.lot_precision)) as u32),
        };
        if money_unit > pow10(17) {
            return bad("a tick of a lot is worth too much");
        }
        // The greatest position at the worst price must stay in range, open orders and both sides included.
        // An order that turns the greatest short into the greatest long is twice as large.
        let most = 2 * i128::from(spec.max_position.0);
        let worst = match spec.kind {
            ContractKind::Linear => {
                unit.checked_mul(i128::from(MAX_TICKS)).and_then(|worst| worst.checked_mul(most))
            }
            // The product itself must fit, before the tick's mantissa divides it.
            ContractKind::Inverse => {
                unit.checked_mul(most).map(|worst| worst / i128::from(spec.tick_mantissa))
            }
        };
        let worst = worst.map(|worst| worst / 2);
        if worst.is_none_or(|worst| worst > 10 * VALUE_MAX) {
            return bad("the maximum size is too large for its tick and lot");
        }
        let money_unit = money_unit as u64;
        let first = spec.margin_levels[0].initial;
        let margin_unit = FINE_PER_MONEY / 1_000_000 * u64::from(first);
        let mut instrument = Self {
            spec,
            pair,
            unit,
            money_unit,
            margin_unit,
            first_level: i128::MAX,
            first_margin: Fine(i128::MAX),
        };
        if let Some(second) = instrument.spec.margin_levels.get(1) {
            instrument.first_level = instrument.level_start(second);
            instrument.first_margin = Fine(millionths_up(instrument.first_level, first));
        }
        Ok(instrument)
    }

    /// What was listed.
    pub fn spec(&self) -> &InstrumentSpec {
        &self.spec
    }

    /// The pair whose index prices it.
    pub fn pair(&self) -> PairId {
        self.pair
    }

    /// The currency of its P&L, fees and margin.
    pub fn settlement(&self) -> Currency {
        match self.spec.kind {
            ContractKind::Linear => self.spec.quote,
            ContractKind::Inverse => self.spec.base,
        }
    }

    /// True for contracts without a last trading time.
    pub fn is_perpetual(&self) -> bool {
        self.spec.expiry.is_none()
    }

    /// True when values of orders are never rounded, so that they add up.
    #[inline]
    pub(crate) fn is_exact(&self) -> bool {
        self.spec.kind == ContractKind::Linear
    }

    /// Average price that a position of so many signed lots was entered at, from its signed entry value; 0 of none.
    pub fn average_price(&self, size: i64, entry: Fine) -> FinePrice {
        let precision = i32::from(self.spec.lot_precision);
        let (lots, entry) = (i128::from(size.abs()), entry.0.abs());
        let price = match self.spec.kind {
            // Entry in 1e-24 over lots of 10^-precision contracts, to 1e-18.
            ContractKind::Linear if lots > 0 => {
                let (finer, coarser) = self.spec.lot_of_millionth();
                mul_div_half_even(entry, finer, lots * coarser)
            }
            // contracts / entry, to 1e-18: lots x 10^(42 - precision) over entry.
            ContractKind::Inverse if entry > 0 => {
                mul_div_half_even(lots * pow10(18), pow10((24 - precision) as u32), entry)
            }
            ContractKind::Linear | ContractKind::Inverse => None,
        };
        FinePrice(price.unwrap_or(0))
    }

    /// A value without sign as that of a purchase or a sale, signed like [`Instrument::value`].
    #[inline]
    pub(crate) fn signed(&self, side: Side, value: Fine) -> Fine {
        let rises = (self.spec.kind == ContractKind::Linear) == (side == Side::Buy);
        if rises { value } else { -value }
    }

    /// Value of `lots` (signed) traded at `price`: exact (linear), half to even at 24 decimals (inverse).
    #[inline]
    pub fn value(&self, lots: i64, price: Price) -> Fine {
        debug_assert!(price.0 > 0);
        match self.spec.kind {
            ContractKind::Linear => Fine(i128::from(lots) * i128::from(price.0) * self.unit),
            ContractKind::Inverse => {
                let price = i128::from(price.0) * i128::from(self.spec.tick_mantissa);
                // Rounded on the size without its sign, so that both sides of a trade round alike.
                let size = div_half_even(i128::from(lots.unsigned_abs()) * self.unit, price);
                Fine(if lots < 0 { size } else { -size })
            }
        }
    }

    /// What `lots` (not negative) are worth at `price`; fits for every quantity that a position may have. On the path of every order: unsigned products with factors of
    /// one word, and nothing of inverse contracts in line.
    #[inline]
    pub(crate) fn worth(&self, lots: i64, price: Price) -> Worth {
        debug_assert!(lots >= 0 && price.0 >= 0);
        if self.spec.kind == ContractKind::Inverse {
            return self.inverse_worth(lots, price);
        }
        let notional = self.linear_notional(lots, price);
        let value = notional * u128::from(FINE_PER_MONEY);
        Worth { notional: Money(notional as i128), value: Fine(value as i128) }
    }

    #[inline]
    fn linear_notional(&self, lots: i64, price: Price) -> u128 {
        u128::from(lots as u64) * u128::from(price.0 as u64) * u128::from(self.money_unit)
    }

    #[cold]
    fn inverse_worth(&self, lots: i64, price: Price) -> Worth {
        Worth { notional: self.notional(lots, price), value: -self.value(lots, price) }
    }

    /// Where a margin level starts: in fine units of value (linear), in lots (inverse).
    pub(crate) fn level_start(&self, level: &MarginLevel) -> i128 {
        match self.spec.kind {
            ContractKind::Linear => i128::from(level.from) * pow10(FINE),
            ContractKind::Inverse => self.lots_of_contracts(level.from),
        }
    }

    /// True for a size of which nothing is beyond the first margin level.
    #[inline]
    pub(crate) fn is_first_level(&self, size: OpenSum) -> bool {
        match self.spec.kind {
            ContractKind::Linear => size.value.0 <= self.first_level,
            ContractKind::Inverse => i128::from(size.lots) <= self.first_level,
        }
    }

    /// The most lots that are within the first margin level when a lot is worth `value` (without sign).
    pub(crate) fn first_level_lots(&self, value: i128) -> i64 {
        let lots = match self.spec.kind {
            ContractKind::Linear => self.first_level / value.max(1),
            ContractKind::Inverse => self.first_level,
        };
        i64::try_from(lots).unwrap_or(i64::MAX)
    }

    /// True while so much initial margin of a linear contract is all charged at the first level's rate: then margins of
    /// orders add up.
    #[inline]
    pub(crate) fn is_first_margin(&self, margin: Fine) -> bool {
        margin <= self.first_margin
    }

    /// Initial margin of an order of a linear contract, at the rate of the first level; exact, so margins of orders may
    /// be added up. `None` for inverse contracts, whose values are rounded.
    #[inline]
    pub(crate) fn exact_margin(&self, worth: &Worth) -> Option<Fine> {
        let margin = worth.notional.0 as u128 * u128::from(self.margin_unit);
        self.is_exact().then_some(Fine(margin as i128))
    }

    /// Value of one lot at an index or mark price, signed like [`Instrument::value`]. `price` must be positive.
    pub fn value_per_lot(&self, price: FinePrice) -> Fine {
        let precision = i32::from(self.spec.lot_precision);
        match self.spec.kind {
            ContractKind::Linear => {
                let (finer, coarser) = self.spec.lot_of_millionth();
                Fine(div_half_even(price.0 * coarser, finer))
            }
            // lot / price = 10^-precision / (p 10^-18), at 24 decimals.
            ContractKind::Inverse => {
                let numerator = (FINE as i32 - precision) as u32;
                Fine(
                    -mul_div_half_even(pow10(numerator), pow10(18), price.0)
                        .expect("an index price this small is refused when it is set"),
                )
            }
        }
    }

    /// Value of `lots` (signed) at an index, mark or settlement price, signed like [`Instrument::value`]: exact (linear), half to even at
    /// 24 decimals (inverse). `price` must be positive.
    pub(crate) fn value_at(&self, lots: i64, price: FinePrice) -> Fine {
        match self.spec.kind {
            ContractKind::Linear => Fine(i128::from(lots) * self.value_per_lot(price).0),
            ContractKind::Inverse => {
                let (size, per) =
                    (i128::from(lots.unsigned_abs()), FINE as i32 - i32::from(self.spec.lot_precision));
                let value = mul_div_half_even(size * pow10(18), pow10(per as u32), price.0);
                let value = value.expect("a price that is carried values every position");
                Fine(if lots < 0 { value } else { -value })
            }
        }
    }

    /// The price in ticks at which `lots` (signed, not zero) are worth `value` (signed, as of [`Instrument::value`]):
    /// rounded down, or up, to the tick, and within the range of prices. The nearest end of it where no price is.
    pub(crate) fn price_worth(&self, lots: i64, value: Fine, up: bool) -> Price {
        let size = i128::from(lots.unsigned_abs());
        let ticks = match self.spec.kind {
            ContractKind::Linear if (value.0 > 0) != (lots > 0) => 0,
            ContractKind::Linear => ratio_of_products((value.0.abs(), 1), (size, self.unit), up),
            // A long is worth less than nothing at every price, and nothing where the price has no end.
            ContractKind::Inverse if value.0 == 0 || (value.0 < 0) != (lots > 0) => i128::MAX,
            ContractKind::Inverse => {
                ratio_of_products((size, self.unit), (value.0.abs(), self.spec.tick_mantissa.into()), up)
            }
        };
        Price(ticks.clamp(1, MAX_TICKS.into()) as i64)
    }

    /// A price in ticks as an index or mark price; exact.
    pub fn fine_price(&self, price: Price) -> FinePrice {
        FinePrice(
            i128::from(price.0)
                * i128::from(self.spec.tick_mantissa)
                * pow10(18 - u32::from(self.spec.tick_scale)),
        )
    }

    /// True for prices in ticks that a trigger may come to: those of orders, and those up to twice the greatest index.
    pub(crate) fn is_near_range(&self, price: Price) -> bool {
        let fine = self.tick_size().checked_mul(price.0.into());
        price.0 <= MAX_TICKS || fine.is_some_and(|price| price <= 2 * PRICE_MAX)
    }

    /// The number of ticks of an index or mark price, rounded down.
    pub fn ticks_floor(&self, price: FinePrice) -> Price {
        Price(i64::try_from(price.0.div_euclid(self.tick_size())).unwrap_or(i64::MAX))
    }

    /// The number of ticks of an index or mark price, rounded up.
    pub fn ticks_ceil(&self, price: FinePrice) -> Price {
        Price(i64::try_from(-(-price.0).div_euclid(self.tick_size())).unwrap_or(i64::MAX))
    }

    /// The tick size at 18 decimals.
    fn tick_size(&self) -> i128 {
        i128::from(self.spec.tick_mantissa) * pow10(18 - u32::from(self.spec.tick_scale))
    }

    /// Worth of `lots` (not negative) at `price` in quote currency (USD), in wallet money: what value caps, fee tiers
    /// and small-order limits count. Exact; fits for every quantity and price the engine counts.
    #[inline]
    pub fn notional(&self, lots: i64, price: Price) -> Money {
        match self.spec.kind {
            ContractKind::Linear => {
                Money(i128::from(lots) * i128::from(price.0) * i128::from(self.money_unit))
            }
            ContractKind::Inverse => Money(i128::from(lots) * i128::from(self.money_unit)),
        }
    }

    /// Worth of `lots` at an index or mark price in quote currency, rounded down; `None` beyond every cap.
    pub fn notional_at(&self, lots: i64, price: FinePrice) -> Option<Money> {
        match self.spec.kind {
            ContractKind::Linear => {
                i128::from(lots).checked_mul(self.value_per_lot(price).0).map(|fine| Fine(fine).floor())
            }
            ContractKind::Inverse => Some(Money(i128::from(lots) * i128::from(self.money_unit))),
        }
    }

    /// True for index and mark prices that may be set: those at which the greatest position's value stays in range.
    pub fn carries(&self, price: FinePrice) -> bool {
        self.worth_at_most(VALUE_MAX, price)
    }

    /// True for marks that may come of an index that may be set. A premium takes them up to a fifth beyond it (rules 4.5).
    pub fn carries_as_mark(&self, mark: FinePrice) -> bool {
        (PRICE_MIN / 2..=2 * PRICE_MAX).contains(&mark.0) && self.worth_at_most(2 * VALUE_MAX, mark)
    }

    fn worth_at_most(&self, most: i128, price: FinePrice) -> bool {
        let value = self.value_per_lot(price).0.checked_mul(i128::from(self.spec.max_position.0));
        value.is_some_and(|value| value.abs() <= most)
    }

    /// The lots in whole `contracts`.
    pub fn lots_of_contracts(&self, contracts: u64) -> i128 {
        let precision = i32::from(self.spec.lot_precision);
        if precision >= 0 {
            i128::from(contracts) * pow10(precision as u32)
        } else {
            i128::from(contracts) / pow10((-precision) as u32)
        }
    }
}
