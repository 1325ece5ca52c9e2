//! Margin as the rules have it (4.2, 4.7, 5.2 to 5.5), each figure of their examples to the cent.

mod fixture;

use fixture::{Desk, ask, bid};
use loligo_engine::{Fine, Money, OrderError, Outcome};

/// Hundredths of a USD, as amounts of a wallet and as computed ones.
const fn cents(cents: i128) -> Money {
    Money(cents * Money::ONE / 100)
}

fn fine(units: i128, decimals: u32) -> Fine {
    Fine(units * 10_i128.pow(24 - decimals))
}

#[test]
fn each_slice_of_a_linear_position_is_charged_at_its_own_level() {
    // Bought at 50,000 in lots of 0.0001: value, initial and maintenance margin in cents.
    let rows = [
        (10_000, 50_000_00, 500_00),
        (200_000, 1_000_000_00, 10_000_00),
        (200_001, 1_000_005_00, 10_000_10),
        (600_000, 3_000_000_00, 50_000_00),
        (980_000, 4_900_000_00, 126_000_00),
        (2_200_000, 11_000_000_00, 430_000_00),
    ];
    for (lots, value, initial) in rows {
        let mut desk = Desk::listed();
        for account in [desk.alice, desk.bob] {
            desk.holds(account, 10_000_000 * Money::ONE);
        }
        desk.placed(desk.bob, ask(lots, 50_000));
        desk.placed(desk.alice, bid(lots, 50_000));
        let wallet = desk.flex(desk.alice);
        assert_eq!(wallet.initial_margin, cents(initial).fine(), "initial margin of {value} cents");
        assert_eq!(wallet.initial_margin_with_orders, cents(initial).fine(), "held for {value} cents");
        assert_eq!(wallet.maintenance_margin, cents(initial / 2).fine(), "maintenance of {value} cents");
    }
}

#[test]
fn levels_of_inverse_contracts_count_contracts_and_split_the_value_over_them() {
    let mut desk = Desk::listed();
    desk.inverse();
    desk.placed(desk.bob, ask(600_000, 2 * 10_000));
    desk.placed(desk.alice, bid(600_000, 2 * 10_000));
    // 60 BTC: 500,000 of 600,000 contracts at 2%, the rest at 4%.
    let wallet = desk.coins(desk.alice);
    assert_eq!(wallet.initial_margin, fine(14, 1), "50 x 2% + 10 x 4%");
    assert_eq!(wallet.maintenance_margin, fine(7, 1));
    // 300,000 more reach 900,000: 90 BTC, 50 x 2% + 40 x 4%.
    desk.placed(desk.alice, bid(300_000, 2 * 10_000));
    assert_eq!(desk.coins(desk.alice).initial_margin_with_orders, fine(26, 1));
}

#[test]
fn an_order_that_reaches_a_higher_level_needs_that_much() {
    let mut desk = Desk::listed();
    // 4,900,000 USD: 10,000 + 40,000 + 76,000.
    let outcome = desk.place(desk.alice, bid(1_000_000, 49_000));
    assert!(matches!(outcome, Outcome::Rejected(_, OrderError::InsufficientMargin)), "{outcome:?}");
    desk.holds(desk.alice, 128_449 * Money::ONE);
    let outcome = desk.place(desk.alice, bid(1_000_000, 49_000));
    assert!(matches!(outcome, Outcome::Rejected(_, OrderError::InsufficientMargin)), "fee 2,450: {outcome:?}");
    desk.holds(desk.alice, 128_450 * Money::ONE);
    let order = desk.placed(desk.alice, bid(1_000_000, 49_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, cents(126_000_00).fine());
    // Cancelled, nothing is held; in two halves the second is charged at what the first leaves of the levels.
    desk.cancel(desk.alice, order);
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, Fine::ZERO);
    desk.placed(desk.alice, bid(500_000, 49_000));
    let second = desk.placed(desk.alice, bid(480_000, 49_000));
    // 4,802,000: 10,000 + 40,000 + 72,080.
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, cents(122_080_00).fine());
    desk.placed(desk.bob, ask(100_000, 49_000));
    desk.cancel(desk.alice, second);
    // 2,450,000 in all, part position, part order: 10,000 + 29,000.
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, cents(39_000_00).fine());
}
