//! Tables of the pages whose rows are worked out: by their heads, what a row says, and what the engine comes to.

use super::venue::{Found, Venue, fine_price, listed};
use crate::page::{number, table};
use loligo_engine::{FinePrice, InstrumentSpec, Side};

/// What the rows of a kind of table say, and how a row is worked out: what comes of it, in the order of what it says.
struct Kind {
    heads: &'static [&'static str],
    said: &'static [usize],
    work: fn(&[String]) -> Vec<Found>,
}

const KINDS: [Kind; 4] = [
    Kind {
        heads: &["Like", "Premium", "Coefficient", "Greatest", "Index", "Relative rate", "Absolute rate"],
        said: &[5, 6],
        work: rate,
    },
    Kind {
        heads: &["Currency", "Quantity", "Index", "Value", "Haircut", "Conversion fee", "Collateral"],
        said: &[3, 4, 5, 6],
        work: collateral,
    },
    Kind {
        heads: &["Value", "Haircut", "Conversion fee", "Collateral", "To the cent"],
        said: &[3, 4],
        work: terms,
    },
    Kind {
        heads: &["Contract", "Size", "Entry", "Mark", "Initial margin", "Maintenance margin"],
        said: &[4, 5],
        work: margin,
    },
];

fn kind_of(heads: &[String]) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.heads == heads)
}

/// The columns in which a table says what comes of the others.
pub fn said(heads: &[String]) -> &'static [usize] {
    kind_of(heads).map_or(&[], |kind| kind.said)
}

/// What is wrong with a table, its heads first.
pub fn wrong_with(rows: &[Vec<String>]) -> Vec<String> {
    let Some(kind) = kind_of(&rows[0]) else {
        return vec![format!("nobody knows how to work out {:?}", rows[0])];
    };
    let mut wrong = Vec::new();
    for row in &rows[1..] {
        let found = (kind.work)(row);
        for (column, found) in kind.said.iter().zip(found) {
            if !found.is(&row[*column]) {
                wrong.push(format!("{}: {found}, not {}", rows[0][*column], row[*column]));
            }
        }
    }
    wrong
}

/// An hour of a book that stands so far from its index, and the rate that comes of it.
fn rate(row: &[String]) -> Vec<Found> {
    let [like, premium, coefficient, greatest, index, ..] = row else { panic!("a row of rates") };
    let spec = InstrumentSpec {
        // Fine enough for any premium of the page.
        tick_mantissa: 1,
        tick_scale: 2,
        funding_rate_coefficient: u32::try_from(number(coefficient, 0)).expect("a coefficient"),
        max_relative_funding_rate: u32::try_from(number(greatest, 8)).expect("a rate"),
        ..listed(like)
    };
    let (symbol, pair) = (spec.symbol.clone(), spec.pair.clone());
    let mut venue = Venue::listing(vec![spec]);
    let index = fine_price(index);
    venue.price(&pair, index, true);
    let mid = index.0 + index.0 / 10_i128.pow(9) * number(premium, 18) / 10_i128.pow(9);
    let at = |price: i128| Found::Amount(FinePrice(price).0 * 1_000_000).to_string();
    let tick = 10_i128.pow(16);
    let size = impact_size(like);
    venue.placed("carol", Side::Buy, &size, &symbol, &at(mid - tick));
    venue.placed("carol", Side::Sell, &size, &symbol, &at(mid + tick));
    venue.pass(3_600_000_000);
    ["relative rate", "absolute rate"].map(|name| venue.look_up(&symbol, name).expect("a perpetual")).into()
}

/// How many contracts the impact mid is taken over.
fn impact_size(symbol: &str) -> String {
    let rows = table("4.2", "Contract").1;
    rows.into_iter().find(|row| row[0] == symbol).expect("it is listed").swap_remove(4)
}

/// So much of a currency in a flex wallet, at an index price.
fn collateral(row: &[String]) -> Vec<Found> {
    let [currency, quantity, index, ..] = row else { panic!("a row of collateral") };
    let mut venue = Venue::of("PF_XBTUSD PF_ETHUSD PF_SOLUSD");
    if currency != "USD" {
        let base = if currency == "BTC" { "XBT" } else { currency };
        venue.price(&format!("{base}:USD"), fine_price(index), true);
    }
    venue.carry_out(&format!("alice has {quantity} {currency}"));
    let of = |what: &str| venue.look_up("alice flex", &format!("{what} of {currency}")).expect("it is held");
    vec![of("value"), of("haircut"), of("fee"), of("collateral")]
}

/// What is left of a value on terms that no currency of the exchange has.
fn terms(row: &[String]) -> Vec<Found> {
    let [value, haircut, fee, ..] = row else { panic!("a row of terms") };
    let kept = |part: &str| 1_000_000 - number(part, 6);
    let left = number(value, 8) * kept(haircut) * kept(fee) * 10_i128.pow(4);
    let cent = 10_i128.pow(22);
    vec![Found::Amount(left), Found::Amount((left + cent / 2) / cent * cent)]
}

/// A position that was bought at one price and is marked at another.
fn margin(row: &[String]) -> Vec<Found> {
    let [contract, size, entry, mark, ..] = row else { panic!("a row of margin") };
    let mut venue = Venue::of(contract);
    let pair = listed(contract).pair;
    venue.price(&pair, fine_price(entry), true);
    // No order may be worth more than 20 million.
    let (parts, part) = Some(number(size, 0))
        .filter(|size| *size > 100 && contract.starts_with('P'))
        .map_or((1, size.clone()), |all| (8, (all / 8).to_string()));
    for _ in 0..parts {
        venue.carry_out(&format!("alice buys {part} {contract} at {entry} from bob"));
    }
    venue.price(&pair, fine_price(mark), true);
    let position = format!("alice {contract}");
    ["initialMargin", "maintenanceMargin"]
        .map(|name| venue.look_up(&position, name).expect("a position"))
        .into()
}
