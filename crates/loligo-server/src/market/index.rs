//! The price source: for every pair a walk that wanders a few percent around where it began.

use super::dice::Dice;
use loligo_engine::{Command, Exchange, FinePrice, PairId};

/// One second's move is the sum of this many throws.
const THROWS: u32 = 4;
/// Each throw is at most this many billionths of the price: a standard deviation of about 0.5 basis points a second.
const THROW_PPB: i64 = 40_000;
/// Of the distance to where the price began, this share is taken back each second. One or two percent is then how far
/// it usually strays.
const RETURN_SECONDS: i128 = 200_000;
/// Significant digits of a published price.
const DIGITS: u32 = 7;
/// Keeps this stream of dice apart from those of the contracts.
const PURPOSE: u64 = 1 << 32;

pub(super) fn publish(
    seed: u64,
    second: i64,
    anchors: &[(String, FinePrice)],
    exchange: &Exchange,
    commands: &mut Vec<Command>,
) {
    for (number, (name, anchor)) in anchors.iter().enumerate() {
        let Some(pair) = exchange.pair_by_name(name) else { continue };
        let price = current(exchange, pair).unwrap_or(*anchor);
        let dice = Dice::new(seed, second, PURPOSE + number as u64);
        commands.push(Command::PublishIndex { pair, price: next(price, *anchor, dice) });
    }
}

fn current(exchange: &Exchange, pair: PairId) -> Option<FinePrice> {
    let (id, _) = exchange.instruments().find(|(_, instrument)| instrument.pair() == pair)?;
    exchange.market(id)?.index
}

fn next(price: FinePrice, anchor: FinePrice, mut dice: Dice) -> FinePrice {
    let noise: i128 = (0..THROWS).map(|_| i128::from(dice.between(-THROW_PPB, THROW_PPB))).sum();
    // Divided first: a price may have 27 digits, and the product would leave its range.
    let step = price.0 / 1_000_000_000 * noise + (anchor.0 - price.0) / RETURN_SECONDS;
    let moved = (price.0 + step).max(1);
    let have = moved.ilog10() + 1;
    let unit = 10_i128.pow(have.saturating_sub(DIGITS));
    FinePrice((moved / unit * unit).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_of_seconds_strays_some_percent_and_comes_back() {
        let anchor = FinePrice(80_000 * 10_i128.pow(18));
        let mut price = anchor;
        let (mut low, mut high) = (price, price);
        for second in 0..7 * 86_400 {
            let moved = next(price, anchor, Dice::new(1, second, PURPOSE));
            assert!((moved.0 - price.0).abs() <= price.0 / 1_000, "at most 10 basis points in a second");
            price = moved;
            (low, high) = (low.min(price), high.max(price));
        }
        assert!(low.0 > anchor.0 * 85 / 100 && high.0 < anchor.0 * 115 / 100, "{low:?} {high:?}");
        assert!(high.0 - low.0 > anchor.0 / 200, "it moves");
    }

    #[test]
    fn the_smallest_price_stays_one() {
        let anchor = FinePrice(10_i128.pow(8));
        let mut price = anchor;
        for second in 0..10_000 {
            price = next(price, anchor, Dice::new(1, second, PURPOSE));
            assert!(price.0 > 0);
        }
    }
}
