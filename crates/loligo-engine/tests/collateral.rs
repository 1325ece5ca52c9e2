//! Collateral in many currencies (rules 5.3, 6, 6.1): what each counts for, how it pays what USD does not cover, and what of it may
//! leave. Each figure is worked here by hand.

mod fixture;

use fixture::{Desk, ask, bid, reduce_only};
use loligo_engine::{
    AccountId, Command, Conversion, Currency, Deposit, Event, Exchange, Fine, FinePrice, InterestPaid, Money,
    OrderError, Outcome, PairId, Refusal, Timestamp, Transfer, UpdateReason, Wallet, Withdraw,
};

/// One BTC, in lots.
const BTC: i64 = 10_000;

fn code(code: &str) -> Currency {
    Currency::parse(code).expect("a code")
}

/// So many units of 1e-2.
fn cents(units: i128) -> Money {
    Money(units * Money::ONE / 100)
}

fn price(millionths: i128) -> FinePrice {
    FinePrice(millionths * 10_i128.pow(12))
}

/// A desk at which alice has no USD, but this.
fn with(held: &[(&str, i128)]) -> Desk {
    let mut desk = Desk::open();
    desk.holds(desk.alice, 0);
    for (currency, whole) in held {
        give(&mut desk, currency, Money(whole * Money::ONE));
    }
    desk
}

fn give(desk: &mut Desk, currency: &str, amount: Money) {
    let (account, currency) = (desk.alice, code(currency));
    desk.done(&Command::Deposit(Deposit { account, wallet: Wallet::Flex, currency, amount }));
}

fn pair(desk: &Desk, name: &str) -> PairId {
    desk.exchange.pair_by_name(name).expect("a pair")
}

fn pin(desk: &mut Desk, name: &str, millionths: Option<i128>) {
    let pair = pair(desk, name);
    desk.done(&Command::PinIndex { pair, price: millionths.map(price) });
}

/// Value, what counts, and what may leave, of a currency of alice's.
fn row(desk: &Desk, currency: &str) -> (Money, Money, Money) {
    let flex = desk.exchange.flex(desk.alice, &desk.flex(desk.alice));
    let held = flex.held.iter().find(|held| held.currency == code(currency)).expect("held");
    (held.value, held.collateral, held.available)
}

fn held(desk: &Desk, currency: &str) -> Money {
    let wallet = desk.flex(desk.alice);
    wallet.balances.iter().find(|(of, _)| *of == code(currency)).map_or(Money::ZERO, |(_, held)| *held)
}

fn conversions(desk: &Desk) -> Vec<Conversion> {
    let of = |event: &Event| if let Event::Converted(one) = event { Some(**one) } else { None };
    desk.events().iter().filter_map(of).collect()
}

fn audited(desk: &Desk) {
    desk.exchange.audit().expect("every sum holds");
}

#[test]
fn currencies_without_contracts_have_pairs_of_their_own_with_constant_prices() {
    let mut desk = Desk::open();
    for (name, millionths) in [
        ("EUR:USD", Some(1_100_000)),
        ("GBP:USD", Some(1_300_000)),
        ("CAD:USD", Some(720_000)),
        ("AUD:USD", Some(650_000)),
        ("USDC:USD", Some(1_000_000)),
        ("USDT:USD", Some(1_000_000)),
        ("ETH:USD", None),
        ("NEAR:USD", None),
        ("SUI:USD", None),
        ("TAO:USD", None),
        ("XBT:USD", Some(50_000_000_000)),
    ] {
        let seen = desk.exchange.index_of(pair(&desk, name)).expect("a pair");
        assert_eq!(seen, (millionths.map(price), name == "XBT:USD"), "{name}");
    }
    assert_eq!(desk.exchange.pair_by_name("BTC:USD"), None, "the contracts' pair prices bitcoin");
    // Pinned it is what the operator says, released it is constant again; others keep what was said last.
    pin(&mut desk, "EUR:USD", Some(1_200_000));
    pin(&mut desk, "NEAR:USD", Some(5_000_000));
    desk.wait(3_600 * Timestamp::SECOND);
    assert_eq!(desk.exchange.index_of(pair(&desk, "EUR:USD")), Some((Some(price(1_200_000)), true)));
    pin(&mut desk, "EUR:USD", None);
    pin(&mut desk, "NEAR:USD", None);
    assert_eq!(desk.exchange.index_of(pair(&desk, "EUR:USD")), Some((Some(price(1_100_000)), false)));
    assert_eq!(desk.exchange.index_of(pair(&desk, "NEAR:USD")), Some((Some(price(5_000_000)), false)));
}

#[test]
fn every_currency_counts_less_its_haircut_and_the_fee_of_its_conversion() {
    let mut desk = Desk::open();
    for (name, millionths) in [
        ("ETH:USD", 3_000_000_000),
        ("SOL:USD", 150_000_000),
        ("ADA:USD", 500_000),
        ("XRP:USD", 2_500_000),
        ("LTC:USD", 100_000_000),
        ("AAVE:USD", 200_000_000),
        ("NEAR:USD", 5_000_000),
        ("SUI:USD", 4_000_000),
        ("TAO:USD", 400_000_000),
    ] {
        pin(&mut desk, name, Some(millionths));
    }
    // 100 of each: its value in cents, and of 10,000 parts of that what counts.
    let mut counts = Money(100_000 * Money::ONE);
    for (currency, value, parts) in [
        ("EUR", 11_000, 99_950_000),
        ("GBP", 13_000, 99_950_000),
        ("CAD", 7_200, 99_950_000),
        ("AUD", 6_500, 99_950_000),
        // 99% of 99.95%, 98% of 99.5%, 90% of 99.5%, 80% of 99.5%.
        ("USDT", 10_000, 98_950_500),
        ("USDC", 10_000, 98_950_500),
        ("BTC", 500_000_000, 97_510_000),
        ("ETH", 30_000_000, 97_510_000),
        ("SOL", 1_500_000, 89_550_000),
        ("ADA", 5_000, 89_550_000),
        ("XRP", 25_000, 89_550_000),
        ("LTC", 1_000_000, 89_550_000),
        ("AAVE", 2_000_000, 79_600_000),
        ("NEAR", 50_000, 79_600_000),
        ("SUI", 40_000, 79_600_000),
        ("TAO", 4_000_000, 79_600_000),
    ] {
        give(&mut desk, currency, Money(100 * Money::ONE));
        let collateral = Money(cents(value).0 * parts / 100_000_000);
        assert_eq!(row(&desk, currency), (cents(value), collateral, Money(100 * Money::ONE)), "{currency}");
        counts += collateral;
    }
    let wallet = desk.flex(desk.alice);
    assert_eq!((wallet.equity, wallet.available()), (counts.fine(), counts.fine()));
    let flex = desk.exchange.flex(desk.alice, &wallet);
    assert_eq!(flex.collateral, counts);
    assert_eq!(flex.portfolio, flex.value.fine());
    assert_eq!(row(&desk, "USD").1, Money(100_000 * Money::ONE), "USD counts in full");
}

#[test]
fn without_a_price_a_currency_counts_for_nothing_and_may_leave() {
    let desk = with(&[("NEAR", 7)]);
    assert_eq!(row(&desk, "NEAR"), (Money::ZERO, Money::ZERO, Money(7 * Money::ONE)));
    assert_eq!(desk.flex(desk.alice).equity, Fine::ZERO);
}

#[test]
fn more_than_a_trillion_of_one_currency_counts_for_a_trillion() {
    let mut desk = with(&[("BTC", 1_000_000_000_000), ("EUR", 1_000_000_000_000)]);
    pin(&mut desk, "EUR:USD", Some(900_000_000_000_000));
    for currency in ["BTC", "EUR"] {
        assert_eq!(row(&desk, currency).0, Money(1_000_000_000_000 * Money::ONE));
    }
    audited(&desk);
}

#[test]
fn coins_alone_margin_an_order_to_the_last_lot() {
    // 1 BTC at 50,000 counts for 48,755; a lot of 5 USD needs 1% and the fee of 0.05%.
    let mut desk = with(&[("BTC", 1)]);
    assert_eq!(row(&desk, "BTC"), (cents(5_000_000), cents(4_875_500), Money(Money::ONE)));
    assert_eq!(desk.refused(desk.alice, bid(928_667, 50_000)), OrderError::InsufficientMargin);
    desk.placed(desk.alice, bid(928_666, 50_000));
    let exactly = 48_755 - 46_433;
    let left = desk.flex(desk.alice).available();
    assert_eq!(left, Fine(exactly * 10_i128.pow(24) - 3 * 10_i128.pow(23)), "46,433.30 are held");
}

#[test]
fn a_wallet_is_valued_anew_at_the_sample_after_a_price_moved_and_at_once_when_it_is_pinned() {
    let mut desk = with(&[("EUR", 1_000)]);
    let equity = |desk: &Desk| desk.flex(desk.alice).equity;
    assert_eq!(equity(&desk), cents(109_945).fine());
    let eur = pair(&desk, "EUR:USD");
    desk.done(&Command::PublishIndex { pair: eur, price: price(1_000_000) });
    assert_eq!(equity(&desk), cents(109_945).fine(), "not before the next full second");
    assert_eq!(desk.exchange.next_due(), Some(Timestamp(Timestamp::SECOND)));
    desk.wait(Timestamp::SECOND);
    assert_eq!(equity(&desk), cents(99_950).fine());
    pin(&mut desk, "EUR:USD", Some(2_000_000));
    assert_eq!(equity(&desk), cents(199_900).fine());
}

#[test]
fn collateral_that_falls_below_what_orders_hold_takes_those_orders_away() {
    // 1 BTC counts for 48,755 at 50,000, and for 39,979.1 at 41,000.
    let mut desk = with(&[("BTC", 1)]);
    let order = desk.placed(desk.alice, bid(80 * BTC, 50_000));
    assert_eq!(desk.flex(desk.alice).initial_margin_with_orders, cents(4_000_000).fine());
    pin(&mut desk, "XBT:USD", Some(41_021_434_000));
    assert_eq!(desk.cancelled_for(UpdateReason::NotEnoughMargin), 0, "40,000.0002334 still cover it");
    pin(&mut desk, "XBT:USD", Some(41_021_433_000));
    assert_eq!(desk.cancelled_for(UpdateReason::NotEnoughMargin), 1, "39,999.99925 do not");
    assert_eq!(desk.order(order).reason, Some(UpdateReason::NotEnoughMargin));
}

#[test]
fn collateral_that_falls_below_maintenance_is_liquidated() {
    let mut desk = with(&[("BTC", 1)]);
    desk.placed(desk.bob, ask(10 * BTC, 50_000));
    desk.placed(desk.alice, bid(10 * BTC, 50_000));
    assert_eq!(desk.exchange.positions(desk.alice).len(), 1);
    // 10 BTC need 2,500 at mark; the fee took 250 USD of it. Nobody buys: what is liquidated is unwound at once.
    pin(&mut desk, "XBT:USD", Some(1_000_000_000));
    assert_eq!(desk.exchange.positions(desk.alice), []);
}

#[test]
fn what_usd_does_not_cover_is_paid_from_the_lowest_haircut_first() {
    let mut desk = with(&[("BTC", 1), ("USDT", 1_000), ("EUR", 1_000)]);
    desk.placed(desk.bob, ask(BTC / 10, 50_000));
    let rows = desk.exchange.account(desk.alice).expect("an account").log_rows;
    desk.placed(desk.alice, bid(BTC / 10, 50_000));
    // The fee is 2.50 USD; a euro gives 1.1 x 99.95%, and 0.05% of what went is kept.
    let [one] = conversions(&desk)[..] else { panic!("one conversion") };
    assert_eq!((one.debit.currency, one.debit.amount), (code("EUR"), Money(227_386_420_483)));
    assert_eq!(one.debit.balance, Money(99_772_613_579_517));
    assert_eq!((one.credit.currency, one.credit.amount), (code("USD"), cents(250)));
    assert_eq!((one.credit.balance, one.fee), (Money::ZERO, Money(113_693_211)));
    assert_eq!((one.rate, one.spread), (price(1_100_000), 500));
    // Two rows of the fill, then debit and credit.
    assert_eq!((one.debit.log, one.credit.log), (rows + 3, rows + 4));
    assert_eq!(held(&desk, "BTC"), Money(Money::ONE));
}

#[test]
fn of_equal_haircuts_the_larger_value_goes_first() {
    let mut desk = with(&[("EUR", 1_000), ("GBP", 1_000)]);
    desk.placed(desk.bob, ask(BTC / 10, 50_000));
    desk.placed(desk.alice, bid(BTC / 10, 50_000));
    let [one] = conversions(&desk)[..] else { panic!("one conversion") };
    assert_eq!((one.debit.currency, one.debit.amount), (code("GBP"), Money(192_403_894_255)));
}

#[test]
fn a_currency_that_does_not_suffice_goes_to_its_last_unit_and_the_next_pays_the_rest() {
    let mut desk = with(&[("EUR", 1), ("USDT", 100)]);
    desk.placed(desk.bob, ask(BTC / 10, 50_000));
    desk.placed(desk.alice, bid(BTC / 10, 50_000));
    let [euro, tether] = conversions(&desk)[..] else { panic!("two conversions") };
    // All of one euro gives 1.09945; the other 1.40055 are paid in tether at 99.95%.
    assert_eq!((euro.debit.amount, euro.debit.balance), (Money(Money::ONE), Money::ZERO));
    assert_eq!((euro.credit.amount, euro.credit.balance), (Money(109_945_000_000), Money(-140_055_000_000)));
    assert_eq!((tether.debit.amount, tether.credit.amount), (Money(140_125_062_532), Money(140_055_000_000)));
    assert_eq!((tether.fee, tether.credit.balance), (Money(70_062_532), Money::ZERO));
    assert_eq!(held(&desk, "USDT"), Money(9_859_874_937_468));
    let rows = [euro.debit.log, euro.credit.log, tether.debit.log, tether.credit.log];
    assert_eq!(rows, [0, 1, 2, 3].map(|row| euro.debit.log + row), "each has a row of its own");
    audited(&desk);

    // Seven units of a euro come to 7.69615 of a dollar: to seven.
    let mut desk = with(&[("USDT", 100)]);
    give(&mut desk, "EUR", Money(7));
    desk.placed(desk.bob, ask(BTC / 10, 50_000));
    desk.placed(desk.alice, bid(BTC / 10, 50_000));
    let [euro, _] = conversions(&desk)[..] else { panic!("two conversions") };
    assert_eq!((euro.debit.amount, euro.credit.amount), (Money(7), Money(7)));
    audited(&desk);
}

#[test]
fn a_conversion_is_at_the_index_of_its_moment() {
    let mut desk = with(&[("BTC", 1)]);
    desk.done(&Command::PinIndex { pair: PairId(0), price: None });
    desk.publish(50_000);
    desk.wait(Timestamp::SECOND);
    // What collateral counts for follows at the next full second; what it is turned into does not wait for that.
    desk.publish(50_100);
    assert_eq!(row(&desk, "BTC").0, cents(5_000_000));
    desk.placed(desk.bob, ask(BTC / 10, 50_000));
    desk.placed(desk.alice, bid(BTC / 10, 50_000));
    let [one] = conversions(&desk)[..] else { panic!("one conversion") };
    assert_eq!((one.rate, one.credit.amount), (price(50_100_000_000), cents(250)));
}

#[test]
fn funding_that_usd_does_not_cover_is_paid_from_collateral() {
    let mut desk = with(&[("EUR", 10_000)]);
    // A premium of 1% an hour long: the rate of the next is 0.125%.
    desk.placed(desk.carol, bid(1_000, 50_990));
    desk.placed(desk.carol, ask(1_000, 51_010));
    desk.wait(3_600 * Timestamp::SECOND);
    desk.placed(desk.bob, ask(BTC, 51_000));
    desk.placed(desk.alice, bid(BTC, 51_000));
    let before = conversions(&desk).len();
    desk.wait(3_600 * Timestamp::SECOND);
    let paid = &conversions(&desk)[before..];
    assert_eq!(paid.len(), 1);
    let of = |event: &Event| match event {
        Event::Funding(booked) if booked.account == AccountId(0) => Some(booked.realized),
        _ => None,
    };
    let owed = desk.events().iter().filter_map(of).sum::<Money>();
    assert!(owed < Money::ZERO, "longs pay");
    assert_eq!((paid[0].debit.currency, paid[0].credit.balance), (code("EUR"), Money::ZERO));
    assert_eq!(paid[0].credit.amount, -owed);
    audited(&desk);
}

#[test]
fn losses_are_paid_from_collateral_and_what_it_cannot_pay_stays_owed() {
    let mut desk = with(&[("EUR", 600)]);
    // 0.5 BTC need 250 USD; 659.67 stand behind them.
    desk.placed(desk.bob, ask(BTC / 2, 50_000));
    desk.placed(desk.alice, bid(BTC / 2, 50_000));
    desk.placed(desk.bob, bid(BTC / 2, 49_500));
    desk.placed(desk.alice, reduce_only(ask(BTC / 2, 49_500)));
    // 250 lost, 12.50 and 12.375 of fees.
    let given: Money = conversions(&desk).iter().map(|one| one.credit.amount).sum();
    assert_eq!(given, Money(27_487_500_000_000));
    assert_eq!(held(&desk, "USD"), Money::ZERO);
    assert_eq!(row(&desk, "EUR").2, held(&desk, "EUR"), "nothing is held any more: all of it may leave");
}

#[test]
fn what_may_leave_is_what_margin_does_without() {
    let mut desk = with(&[("EUR", 1_000)]);
    desk.placed(desk.alice, bid(BTC / 2, 50_000));
    // 1,099.45 less 250, at 1.1 x 99.95% a euro, is 772.61357951703; but what counts of the rest is rounded down, and one unit
    // more must stay.
    let available = Money(77_261_357_951_702);
    assert_eq!(row(&desk, "EUR").2, available);
    let move_out = |amount: Money, to_wallet: Wallet| {
        Command::Transfer(Transfer {
            by: AccountId(0),
            from: AccountId(0),
            from_wallet: Wallet::Flex,
            to: AccountId(0),
            to_wallet,
            currency: code("EUR"),
            amount,
        })
    };
    let refused = |outcome: Outcome| outcome == Outcome::Refused(Refusal::InsufficientFunds);
    assert!(refused(desk.apply(&move_out(available + Money(1), Wallet::Cash))));
    let withdraw = |amount| {
        let (account, wallet, currency) = (AccountId(0), Wallet::Flex, code("EUR"));
        Command::Withdraw(Withdraw { account, wallet, currency, amount })
    };
    assert!(refused(desk.apply(&withdraw(available + Money(1)))));
    desk.done(&move_out(available, Wallet::Cash));
    // The margin is met to the last unit, and the order stays.
    assert_eq!(row(&desk, "EUR").2, Money::ZERO);
    assert!(desk.flex(desk.alice).available() >= Fine::ZERO);
    assert_eq!(desk.cancelled_for(UpdateReason::NotEnoughMargin), 0);
    assert!(refused(desk.apply(&withdraw(Money(1)))));
    // An inverse wallet does not take euros.
    let wrong = desk.apply(&move_out(Money(1), Wallet::Inverse(PairId(0))));
    assert_eq!(wrong, Outcome::Refused(Refusal::WrongCurrency));
}

/// 1,000 contracts from 8,000, which hold 0.0025 BTC, and 0.01 BTC.
#[test]
fn of_an_inverse_wallet_may_leave_what_its_margin_does_without_and_never_more_than_it_has() {
    for (mark, may_leave) in [
        // 0.025 gained: all of the balance, and nothing of the gain.
        (10_000, Money(1_000_000_000)),
        // 1,000 / 7,990 - 0.125 = 0.00015644555694 lost, and a little.
        (7_990, Money(734_355_444)),
        // 0.0103 lost.
        (7_390, Money::ZERO),
    ] {
        let mut desk = Desk::open();
        desk.inverse();
        desk.mark(8_000);
        desk.placed(desk.bob, ask(1_000, 16_000));
        desk.placed(desk.alice, bid(1_000, 16_000));
        let (account, wallet, currency) = (desk.alice, Wallet::Inverse(PairId(0)), code("BTC"));
        let amount = Money(1_000_000_000) - desk.coins(desk.alice).balances[0].1;
        desk.done(&Command::Deposit(Deposit { account, wallet, currency, amount }));
        // Nobody is liquidated while the contract is halted.
        desk.state(loligo_engine::MarketState::Suspended);
        desk.mark(mark);
        let withdraw = |amount| Command::Withdraw(Withdraw { account, wallet, currency, amount });
        let more = desk.apply(&withdraw(may_leave + Money(1)));
        assert_eq!(more, Outcome::Refused(Refusal::InsufficientFunds), "{mark}");
        if may_leave > Money::ZERO {
            desk.done(&withdraw(may_leave));
        }
    }
}

#[test]
fn an_unrealised_profit_lets_balance_leave_and_does_not_leave_itself() {
    let mut desk = with(&[]);
    desk.holds(desk.alice, 525 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    // 500 USD are left, which the position holds; 2,000 of profit take their place.
    assert_eq!(row(&desk, "USD").2, Money::ZERO);
    desk.price(52_000);
    assert_eq!(row(&desk, "USD").2, cents(50_000));
    let (account, wallet, currency) = (desk.alice, Wallet::Flex, Currency::USD);
    let withdraw = |amount| Command::Withdraw(Withdraw { account, wallet, currency, amount });
    assert_eq!(desk.apply(&withdraw(cents(50_001))), Outcome::Refused(Refusal::InsufficientFunds));
    desk.done(&withdraw(cents(50_000)));
    assert_eq!(desk.balance(desk.alice), 0);
}

fn holds_usd(desk: &mut Desk, usd: i128) {
    let amount = Money(usd * Money::ONE) - held(desk, "USD");
    give(desk, "USD", amount);
}

fn interest(desk: &Desk) -> Vec<InterestPaid> {
    let of = |event: &Event| if let Event::Interest(paid) = event { Some(**paid) } else { None };
    desk.events().iter().filter_map(of).collect()
}

/// Alice has 100 BTC and a loss of 50,000 USD, and so many USD.
fn losing(usd: i128) -> Desk {
    let mut desk = with(&[("BTC", 100)]);
    desk.placed(desk.bob, ask(10 * BTC, 50_000));
    desk.placed(desk.alice, bid(10 * BTC, 50_000));
    desk.mark(45_000);
    holds_usd(&mut desk, usd);
    desk
}

#[test]
fn an_hour_of_a_loss_above_thirty_thousand_costs_what_the_operator_says() {
    let mut desk = losing(5_000);
    // 50,000 less 5,000 of USD and 30,000 that are free: 15,000 at 0.001% an hour.
    desk.done(&Command::SetInterest { rate: 1_000 });
    assert_eq!(desk.exchange.interest(), 1_000);
    let rows = desk.exchange.account(desk.alice).expect("an account").log_rows;
    desk.wait(3_600 * Timestamp::SECOND);
    let [paid] = interest(&desk)[..] else { panic!("one payment") };
    assert_eq!((paid.account, paid.loss, paid.amount), (desk.alice, cents(1_500_000), cents(15)));
    assert_eq!((paid.rate, paid.at), (1_000, Timestamp(3_600 * Timestamp::SECOND)));
    assert_eq!(paid.log, rows + 2, "the funding of the hour comes first");
    assert_eq!(held(&desk, "USD"), cents(499_985));
    audited(&desk);
}

#[test]
fn interest_is_rounded_up_and_paid_from_collateral_where_there_is_no_usd() {
    let mut desk = losing(0);
    desk.done(&Command::SetInterest { rate: 1 });
    desk.wait(3_600 * Timestamp::SECOND);
    // 20,000 at 1e-8.
    let [paid] = interest(&desk)[..] else { panic!("one payment") };
    assert_eq!((paid.amount, paid.balance), (Money(20_000_000), Money(-20_000_000)));
    let last = *conversions(&desk).last().expect("a conversion");
    assert_eq!(
        (last.debit.currency, last.credit.amount, last.credit.balance),
        (code("BTC"), Money(20_000_000), Money::ZERO)
    );
    audited(&desk);
}

#[test]
fn interest_counts_what_isolated_positions_lose_to_the_unit_and_the_house_pays_none() {
    let mut desk = losing(0);
    let twice = |account| {
        let leverage = Some(loligo_engine::Leverage(200));
        Command::SetLeverage { account, instrument: loligo_engine::InstrumentId(0), leverage }
    };
    let alice = desk.alice;
    desk.done(&twice(alice));
    let Outcome::AccountCreated(house) =
        desk.apply(&Command::CreateAccount(loligo_engine::CreateAccount { parent: None, house: true }))
    else {
        panic!("no account")
    };
    let (wallet, currency, amount) = (Wallet::Flex, code("BTC"), Money(100 * Money::ONE));
    desk.done(&Command::Deposit(Deposit { account: house, wallet, currency, amount }));
    desk.mark(50_000);
    desk.placed(desk.bob, ask(10 * BTC, 50_000));
    desk.placed(house, bid(10 * BTC, 50_000));
    // A loss of 50,000.000000000001: what is less than a unit of it costs nothing.
    let price = Some(FinePrice(45_000 * 10_i128.pow(18) - 10_i128.pow(5)));
    desk.done(&Command::PinMark { instrument: loligo_engine::InstrumentId(0), price });
    desk.done(&Command::SetInterest { rate: 1 });
    desk.wait(3_600 * Timestamp::SECOND);
    let paid: Vec<_> = interest(&desk).iter().map(|paid| (paid.account, paid.loss, paid.amount)).collect();
    assert_eq!(paid, [(desk.alice, cents(2_000_000), Money(20_000_000))]);
    audited(&desk);
}

#[test]
fn an_hour_whose_interest_is_charged_in_part_goes_on_from_its_state() {
    let mut desk = losing(0);
    desk.done(&Command::SetInterest { rate: 1_000 });
    let hour = Timestamp(3_600 * Timestamp::SECOND);
    let charged = |mut exchange: Exchange, limit: u32, reads: bool| {
        let mut events = Vec::new();
        exchange.set_work_limit(limit);
        while exchange.is_due(hour) {
            exchange.apply(hour, &Command::Advance, &mut events);
            if reads {
                exchange = Exchange::decode(&exchange.encode()).expect("what was just written");
                exchange.set_work_limit(limit);
            }
        }
        let paid = events.iter().filter(|event| matches!(event, Event::Interest(_))).count();
        (paid, exchange.state_hash())
    };
    let whole = charged(desk.exchange.clone(), u32::MAX, false);
    assert_eq!(whole.0, 1);
    assert_eq!(charged(desk.exchange, 1, true), whole);
}

#[test]
fn interest_is_off_at_first_and_nothing_up_to_thirty_thousand() {
    let mut desk = losing(0);
    desk.wait(3_600 * Timestamp::SECOND);
    assert!(interest(&desk).is_empty(), "off");
    desk.done(&Command::SetInterest { rate: 1_000 });
    holds_usd(&mut desk, 20_000);
    desk.wait(3_600 * Timestamp::SECOND);
    assert!(interest(&desk).is_empty(), "exactly 30,000 are not covered");
    let outcome = desk.apply(&Command::SetInterest { rate: 1_000_001 });
    assert_eq!(outcome, Outcome::Refused(Refusal::InterestTooHigh));
    desk.done(&Command::SetInterest { rate: 0 });
    holds_usd(&mut desk, 0);
    desk.wait(3_600 * Timestamp::SECOND);
    assert!(interest(&desk).is_empty(), "off again");
}

#[test]
fn holders_are_valued_a_bounded_number_a_record_and_each_is_told_at_the_price_of_now_meanwhile() {
    let mut desk = with(&[("EUR", 1_000)]);
    for account in [desk.bob, desk.carol, desk.alice_sub] {
        desk.done(&Command::Deposit(Deposit {
            account,
            wallet: Wallet::Flex,
            currency: code("EUR"),
            amount: Money(Money::ONE),
        }));
    }
    let mut exchange = desk.exchange;
    exchange.set_work_limit(1);
    let (now, pair) = (exchange.now(), exchange.pair_by_name("EUR:USD").expect("a pair"));
    let pinned = Command::PinIndex { pair, price: Some(price(2_000_000)) };
    exchange.apply(now, &pinned, &mut Vec::new());
    assert!(exchange.is_busy(), "one account a record");
    let worth = |exchange: &Exchange, account| exchange.wallets(account)[1].equity;
    let told: Vec<Fine> = (0..4).map(|id| worth(&exchange, AccountId(id))).collect();
    // Stored amid it and read, it goes on to the same.
    let mut read = Exchange::decode(&exchange.encode()).expect("a state");
    read.set_work_limit(1);
    for exchange in [&mut exchange, &mut read] {
        let mut records = 0;
        while exchange.is_busy() {
            exchange.apply(now, &Command::Advance, &mut Vec::new());
            exchange.audit().expect("every sum holds");
            records += 1;
        }
        assert!(records >= 3, "{records}");
        let after: Vec<Fine> = (0..4).map(|id| worth(exchange, AccountId(id))).collect();
        assert_eq!(after, told);
    }
    assert_eq!(told[0], cents(199_900).fine());
    assert_eq!(exchange.state_hash(), read.state_hash());
}

#[test]
fn a_state_with_collateral_is_read_as_it_was() {
    let mut desk = losing(0);
    give(&mut desk, "EUR", Money(3));
    desk.done(&Command::SetInterest { rate: 7 });
    let eur = pair(&desk, "EUR:USD");
    desk.done(&Command::PublishIndex { pair: eur, price: price(1_000_000) });
    let read = Exchange::decode(&desk.exchange.encode()).expect("a state");
    assert_eq!(read.state_hash(), desk.exchange.state_hash());
    assert_eq!(read.wallets(desk.alice), desk.exchange.wallets(desk.alice));
    assert_eq!((read.interest(), read.next_due()), (7, desk.exchange.next_due()));
    read.audit().expect("every sum holds");
}

/// Alice owes 1,036.50 USD: half of a position that gains was sold at a loss.
fn owing() -> Desk {
    let mut desk = with(&[("USD", 1_000)]);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.mark(55_000);
    desk.placed(desk.bob, bid(BTC / 2, 46_000));
    desk.placed(desk.alice, ask(BTC / 2, 46_000));
    assert_eq!(held(&desk, "USD"), cents(-103_650));
    desk
}

#[test]
fn what_is_owed_is_paid_from_collateral_that_comes_later() {
    let mut desk = owing();
    give(&mut desk, "USDT", Money(400 * Money::ONE));
    assert_eq!((held(&desk, "USDT"), held(&desk, "USD")), (Money::ZERO, cents(-63_670)), "0.05% are kept");
    give(&mut desk, "USDT", Money(1_000 * Money::ONE));
    assert_eq!(held(&desk, "USD"), Money::ZERO);
    assert_eq!(conversions(&desk).len(), 2);
    audited(&desk);
}

#[test]
fn what_is_owed_is_paid_from_collateral_that_has_a_price_later() {
    let mut desk = owing();
    give(&mut desk, "NEAR", Money(1_000 * Money::ONE));
    assert_eq!((held(&desk, "USD"), conversions(&desk).len()), (cents(-103_650), 0));
    pin(&mut desk, "NEAR:USD", Some(2_000_000));
    desk.wait(Timestamp::SECOND);
    assert_eq!(held(&desk, "USD"), Money::ZERO);
    audited(&desk);
}
