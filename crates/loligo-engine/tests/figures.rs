//! The figures of the rule book (4.1, 4.2, 4.8, 4.9), as they stand there, against what the engine makes of them. That the
//! default listing has these figures is the server's to show.

mod fixture;
mod page;

use fixture::{Desk, ask, bid, immediate};
use loligo_engine::{
    AccountId, AssignmentProgram, Command, ContractKind, CreateAccount, Currency, Deposit, FeeRates, Fine,
    FinePrice, InstrumentId, InstrumentSpec, MarginLevel, Money, Outcome, Qty, TimeFrame, Timestamp, Wallet,
    WalletView, fee_schedule,
};
use page::{number, table};

/// One BTC, in lots.
const BTC: i64 = 10_000;

/// The levels of each row of a table of 4.2: where each begins, and its initial margin in millionths.
fn levels(head: &str) -> Vec<(String, Vec<MarginLevel>)> {
    let (heads, rows) = table("4.2", head);
    let level = |(cell, head): (&String, &String)| {
        let initial = u32::try_from(number(head, 6)).expect("a rate");
        let from = u64::try_from(number(cell, 0)).expect("where it begins");
        MarginLevel { from, initial, maintenance: initial / 2 }
    };
    let row = |row: Vec<String>| {
        let begun = row.iter().zip(&heads).skip(1).filter(|(cell, _)| *cell != "-");
        (row[0].clone(), begun.map(level).collect())
    };
    rows.into_iter().map(row).collect()
}

/// A contract like the desk's, with these levels, to be traded from here on.
fn list(desk: &mut Desk, like: InstrumentId, name: &str, levels: Vec<MarginLevel>) {
    let spec = desk.exchange.instrument(like).expect("listed").spec().clone();
    let max_position = Qty(spec.max_position.0 * 3);
    let spec = InstrumentSpec { symbol: format!("{name}_2"), margin_levels: levels, max_position, ..spec };
    let outcome = desk.apply(&Command::List(Box::new(spec)));
    let Outcome::Listed(id) = outcome else { panic!("{name}: {outcome:?}") };
    desk.second_again(id);
}

/// Alice buys so many lots from Bob, in orders that are not too large.
fn buys(desk: &mut Desk, lots: i64, price: i64, most: i64) {
    let mut left = lots;
    while left > 0 {
        desk.placed(desk.bob, ask(left.min(most), price));
        desk.placed(desk.alice, immediate(bid(left.min(most), price)));
        left -= left.min(most);
    }
}

/// Sizes at which levels meet: where each begins, a little beyond, and far beyond the last.
fn sizes(levels: &[MarginLevel], step: u64) -> Vec<u64> {
    let ends = levels.iter().flat_map(|level| [level.from, level.from + step]);
    ends.chain([levels[levels.len() - 1].from + 1_000_000]).filter(|size| *size > 0).collect()
}

/// The margin of a size, slice by slice, in millionths of its unit.
fn by_slices(levels: &[MarginLevel], size: u64) -> u64 {
    let end = |at: usize| levels.get(at + 1).map_or(u64::MAX, |next| next.from);
    let slice = |at: usize| size.min(end(at)).saturating_sub(levels[at].from);
    (0..levels.len()).map(|at| slice(at) * u64::from(levels[at].initial)).sum()
}

fn rich(desk: &mut Desk) {
    for account in [desk.alice, desk.bob] {
        desk.holds(account, 1_000_000_000 * Money::ONE);
        let WalletView { wallet, balances, .. } = desk.coins(account);
        let (currency, amount) = (balances[0].0, Money(1_000_000 * Money::ONE));
        desk.done(&Command::Deposit(Deposit { account, wallet, currency, amount }));
    }
}

#[test]
fn every_class_of_linear_contracts_needs_for_each_slice_what_its_row_says() {
    let classes = levels("Linear");
    assert_eq!(classes.len(), 8);
    for (name, levels) in classes {
        for value in sizes(&levels, 5) {
            let mut desk = Desk::open();
            rich(&mut desk);
            list(&mut desk, InstrumentId(0), &name, levels.clone());
            // A lot is worth 5 USD, an order 20 million at most.
            buys(&mut desk, i64::try_from(value / 5).expect("lots"), 50_000, 4_000_000);
            let wallet = desk.flex(desk.alice);
            let initial = Fine(i128::from(by_slices(&levels, value)) * 10_i128.pow(18));
            assert_eq!(wallet.initial_margin, initial, "{name}, {value} USD");
            // The mark is where it was bought, so maintenance is half.
            assert_eq!(wallet.maintenance_margin.0 * 2, initial.0, "{name}, {value} USD");
        }
    }
}

#[test]
fn every_inverse_contract_needs_for_each_slice_what_its_row_says() {
    let contracts = levels("Inverse");
    assert_eq!(contracts.len(), 6);
    for (name, levels) in contracts {
        for size in sizes(&levels, 10_000) {
            let mut desk = Desk::open();
            rich(&mut desk);
            desk.price(10_000);
            list(&mut desk, InstrumentId(1), &name, levels.clone());
            buys(&mut desk, i64::try_from(size).expect("lots"), 2 * 10_000, 20_000_000);
            let wallet = desk.coins(desk.alice);
            // Contracts of a USD each, at 10,000: slices are charged alike at that price.
            let initial = Fine(i128::from(by_slices(&levels, size)) * 10_i128.pow(14));
            assert_eq!(wallet.initial_margin, initial, "{name}, {size} contracts");
            assert_eq!(wallet.maintenance_margin.0 * 2, initial.0, "{name}, {size} contracts");
        }
    }
}

/// What Alice makes of so many lots, bought (or sold short) at one price and closed at another.
fn earned(desk: &mut Desk, lots: i64, entry: i64, exit: i64) -> Money {
    let (size, is_long) = (lots.abs(), lots > 0);
    for (other, price, buys) in [(desk.bob, entry, is_long), (desk.carol, exit, !is_long)] {
        let (ours, theirs) =
            if buys { (bid(size, price), ask(size, price)) } else { (ask(size, price), bid(size, price)) };
        desk.placed(other, theirs);
        desk.placed(desk.alice, ours);
    }
    desk.executions().pop().expect("the close").taker.realized_pnl
}

#[test]
fn what_n_contracts_earn_from_one_price_to_another() {
    // n (p - e) USD of whole BTC; n (1/e - 1/p), so of 1,000 from 8,000 to 10,000 0.025 BTC.
    for (contracts, entry, exit, usd) in [
        (1, 50_000, 51_000, 1_000),
        (3, 50_000, 49_900, -300),
        (-1, 50_000, 51_000, -1_000),
        (-2, 50_000, 49_000, 2_000),
    ] {
        let earned = earned(&mut Desk::open(), contracts * BTC, entry, exit);
        assert_eq!(earned, Money(usd * Money::ONE), "{contracts} from {entry} to {exit}");
    }
    for (contracts, entry, exit, millibitcoin) in [
        (1_000, 8_000, 10_000, 25),
        (1_000, 10_000, 8_000, -25),
        (-1_000, 10_000, 8_000, 25),
        (-400, 8_000, 10_000, -10),
    ] {
        let mut desk = Desk::open();
        desk.inverse();
        let earned = earned(&mut desk, contracts, 2 * entry, 2 * exit);
        assert_eq!(earned, Money(millibitcoin * Money::ONE / 1_000), "{contracts} from {entry} to {exit}");
    }
}

#[test]
fn the_published_average_of_two_inverse_contracts_comes_out_to_its_last_digit() {
    let mut desk = Desk::open();
    // Half ticks: 413.3 and 342.1 need a finer one.
    let spec = desk.exchange.instrument(InstrumentId(1)).expect("listed").spec().clone();
    let spec = InstrumentSpec { symbol: "PI_XBTUSD_2".into(), tick_mantissa: 1, ..spec };
    let Outcome::Listed(id) = desk.apply(&Command::List(Box::new(spec))) else { panic!("not listed") };
    desk.second_again(id);
    desk.done(&Command::PinMark { instrument: id, price: Some(FinePrice(400 * 10_i128.pow(18))) });
    for price in [4_133, 3_421] {
        desk.placed(desk.bob, ask(1, price));
        desk.placed(desk.alice, bid(1, price));
    }
    let average = desk.exchange.positions(desk.alice)[0].average_price.0;
    assert_eq!((average + 5 * 10_i128.pow(13)) / 10_i128.pow(14), 3_743_445, "374.3445 at four decimals");
    // What is sold leaves it, whatever it was sold for.
    desk.placed(desk.bob, bid(1, 4_000));
    desk.placed(desk.alice, ask(1, 4_000));
    let left = desk.exchange.positions(desk.alice)[0].average_price.0;
    assert!((left - average).abs() <= 1, "{left} of {average}");
}

#[test]
fn a_reduction_leaves_the_average_and_a_flip_begins_anew_beyond_zero() {
    let mut desk = Desk::open();
    let average = |desk: &Desk| desk.exchange.positions(desk.alice)[0].average_price.0 / 10_i128.pow(18);
    for (lots, price) in [(BTC, 50_000), (3 * BTC, 50_400)] {
        desk.placed(desk.bob, ask(lots, price));
        desk.placed(desk.alice, bid(lots, price));
    }
    assert_eq!(average(&desk), 50_300, "a quarter of the one, three of the other");
    for (lots, price, left, entered) in
        [(BTC, 51_000, 3 * BTC, 50_300), (2 * BTC, 49_000, BTC, 50_300), (5 * BTC, 50_700, -4 * BTC, 50_700)]
    {
        desk.placed(desk.carol, bid(lots, price));
        desk.placed(desk.alice, immediate(ask(lots, price)));
        assert_eq!((desk.position(desk.alice), average(&desk)), (left, entered), "{lots} sold at {price}");
    }
}

/// Tiers as they stand in the rule book: volume in USD, maker and taker in 1e-8.
fn tiers() -> Vec<(i128, FeeRates)> {
    let (_, rows) = table("4.8", "From USD");
    let rate = |cell: &str| i32::try_from(number(cell, 8)).expect("a rate");
    let tier =
        |row: Vec<String>| (number(&row[0], 0), FeeRates { maker: rate(&row[1]), taker: rate(&row[2]) });
    rows.into_iter().map(tier).collect()
}

#[test]
fn each_fee_tier_is_earned_at_exactly_its_volume_and_paid_from_the_next_fill_on() {
    let tiers = tiers();
    assert_eq!(tiers.len(), 12);
    let known: Vec<_> = fee_schedule().iter().map(|tier| (i128::from(tier.from_usd), tier.rates)).collect();
    assert_eq!(known, tiers);
    let mut desk = Desk::open();
    rich(&mut desk);
    let mut volume = 0;
    // Alice and Bob buy from each other in turn; a lot is worth 5 USD. What the last trade cost them, maker and taker.
    let mut trade = |desk: &mut Desk, lots: i64| {
        volume += i128::from(lots) * 5;
        let buys = desk.position(desk.alice) <= 0;
        let (maker, taker) = if buys {
            (ask(lots, 50_000), bid(lots, 50_000))
        } else {
            (bid(lots, 50_000), ask(lots, 50_000))
        };
        desk.placed(desk.bob, maker);
        desk.placed(desk.alice, taker);
        let fills = desk.executions().pop().expect("a trade");
        (fills.maker.fee, fills.taker.fee, volume)
    };
    let mut traded = 0;
    for (at, (from, rates)) in tiers.iter().enumerate().skip(1) {
        while from - traded > 5 {
            let lots = ((from - traded - 5) / 5).min(4_000_000);
            traded = trade(&mut desk, i64::try_from(lots).expect("lots")).2;
        }
        let before = tiers[at - 1].1;
        assert_eq!(desk.exchange.fee_rates(desk.alice), Some(before), "5 USD short of {from}");
        // The fill that reaches it is of the tier before; what follows pays by it, or is paid by it at once.
        let fee = |rate: i32| Money(5 * Money::ONE * i128::from(rate) / 100_000_000);
        let held = (desk.balance(desk.bob), desk.balance(desk.alice));
        assert_eq!(trade(&mut desk, 1), (fee(before.maker), fee(before.taker), *from));
        assert_eq!(
            (held.0 - desk.balance(desk.bob), held.1 - desk.balance(desk.alice)),
            (fee(before.maker).0, fee(before.taker).0)
        );
        for account in [desk.alice, desk.bob] {
            assert_eq!(desk.exchange.fee_rates(account), Some(*rates), "at {from}");
        }
        traded = *from;
    }
    let last = tiers[11].1;
    let held = desk.balance(desk.bob);
    let (maker, ..) = trade(&mut desk, 1);
    assert_eq!((maker, last.maker), (Money(-25_000_000), -5_000), "0.00025 USD of 5, paid to the maker");
    assert_eq!(desk.balance(desk.bob), held + 25_000_000);
}

#[test]
fn the_volume_is_the_familys_over_all_contracts_and_nothing_of_the_houses() {
    let mut desk = Desk::open();
    rich(&mut desk);
    let outcome = desk.apply(&Command::CreateAccount(CreateAccount { parent: None, house: true }));
    let Outcome::AccountCreated(house) = outcome else { panic!("{outcome:?}") };
    desk.holds(house, 100_000_000 * Money::ONE);
    let volume =
        |desk: &Desk, account: AccountId| desk.exchange.volume_usd(account).expect("there").0 / Money::ONE;
    desk.placed(house, ask(20 * BTC, 50_000));
    desk.placed(desk.alice, bid(20 * BTC, 50_000));
    desk.inverse_again();
    desk.placed(desk.bob, ask(1_500_000, 2 * 50_000));
    let btc = Currency::parse("BTC").expect("a code");
    let amount = Money(1_000 * Money::ONE);
    let pair = loligo_engine::PairId(0);
    desk.done(&Command::Deposit(Deposit {
        account: desk.alice_sub,
        wallet: Wallet::Inverse(pair),
        currency: btc,
        amount,
    }));
    desk.placed(desk.alice_sub, bid(1_500_000, 2 * 50_000));
    // A million of the master's, and a million and a half of its subaccount's, of contracts of a USD each.
    for member in [desk.alice, desk.alice_sub] {
        assert_eq!(volume(&desk, member), 2_500_000);
        assert_eq!(desk.exchange.fee_rates(member), Some(tiers()[1].1));
    }
    assert_eq!((volume(&desk, desk.bob), volume(&desk, house)), (1_500_000, 0));
    desk.first();
    for _ in 0..3 {
        desk.placed(house, ask(20 * BTC, 50_000));
        desk.placed(desk.carol, bid(20 * BTC, 50_000));
        desk.placed(house, bid(20 * BTC, 50_000));
        desk.placed(desk.carol, ask(20 * BTC, 50_000));
    }
    assert_eq!(desk.exchange.fee_rates(house), Some(tiers()[0].1), "the first tier, whatever it trades");
}

#[test]
fn open_interest_is_the_sum_of_long_positions() {
    let mut desk = Desk::open();
    let open = |desk: &Desk| desk.exchange.market(InstrumentId(0)).expect("listed").open_interest.0;
    let trade = |desk: &mut Desk, buyer: AccountId, seller: AccountId, lots: i64| {
        desk.placed(seller, ask(lots, 50_000));
        desk.placed(buyer, bid(lots, 50_000));
        open(desk)
    };
    let (alice, bob, carol) = (desk.alice, desk.bob, desk.carol);
    assert_eq!(trade(&mut desk, alice, bob, 2 * BTC), 2 * BTC);
    assert_eq!(trade(&mut desk, carol, alice, BTC), 2 * BTC, "it changes hands");
    assert_eq!(trade(&mut desk, bob, carol, BTC), BTC, "both close");
    assert_eq!(trade(&mut desk, bob, alice, 3 * BTC), 2 * BTC, "both turn round: 2 long, 2 short");
}

#[test]
fn every_collateral_counts_by_its_row() {
    let rows = table("5.3", "Collateral").1;
    assert_eq!(rows.len(), 17);
    for [name, haircut, fee] in rows.iter().map(|row| <&[String; 3]>::try_from(&row[..]).expect("three")) {
        let mut desk = Desk::open();
        let currency = Currency::parse(name).expect("a code");
        // 1,234.5 of it at 3.75, of USD at 1.
        let price = if currency == Currency::USD { 100 } else { 375 };
        let pair = if name == "BTC" { "XBT:USD".to_owned() } else { format!("{name}:USD") };
        if currency != Currency::USD {
            let pair = desk.exchange.pair_by_name(&pair).expect("a pair of its own");
            desk.done(&Command::PinIndex { pair, price: Some(FinePrice(price * 10_i128.pow(16))) });
        }
        let (account, wallet, amount) = (desk.bob, Wallet::Flex, Money(12_345 * Money::ONE / 10));
        let before =
            desk.flex(account).balances.iter().find(|(of, _)| *of == currency).map_or(0, |(_, held)| held.0);
        desk.done(&Command::Deposit(Deposit { account, wallet, currency, amount: Money(amount.0 - before) }));
        let held = desk.exchange.flex(account, &desk.flex(account)).held;
        let held = held.iter().find(|held| held.currency == currency).expect("held");
        let (haircut, fee) = (number(haircut, 6), number(fee, 6));
        assert_eq!((i128::from(held.haircut), i128::from(held.conversion)), (haircut, fee), "{name}");
        let value = amount.0 * price / 100;
        assert_eq!(held.value.0, value, "{name}");
        let counts = value * (1_000_000 - haircut) / 1_000_000 * (1_000_000 - fee) / 1_000_000;
        assert_eq!(held.collateral.0, counts, "{name}");
    }
    let known = rows.iter().map(|row| Currency::parse(&row[0]).expect("a code"));
    let known: std::collections::BTreeSet<Currency> = known.collect();
    assert_eq!(loligo_engine::currencies([]), known.into_iter().collect::<Vec<_>>(), "and no others");
}

#[test]
fn a_currency_without_contracts_is_priced_by_a_constant() {
    let desk = Desk::open();
    let rows = table("6.1", "Pair").1;
    assert_eq!(rows.len(), 6);
    for row in rows {
        let pair = desk.exchange.pair_by_name(&row[0]).expect("a pair");
        let price = FinePrice(number(&row[1], 18));
        assert_eq!(desk.exchange.index_of(pair), Some((Some(price), false)), "{}", row[0]);
    }
}

#[test]
fn what_is_settled_counts_in_no_volume() {
    let mut desk = Desk::open();
    let spec = desk.exchange.instrument(InstrumentId(0)).expect("listed").spec().clone();
    let expiry = Some(desk.exchange.now().plus(60 * Timestamp::SECOND));
    let spec = InstrumentSpec { symbol: "FF_XBTUSD".into(), expiry, ..spec };
    let Outcome::Listed(dated) = desk.apply(&Command::List(Box::new(spec))) else { panic!("not listed") };
    desk.second_again(dated);
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    let volumes = |desk: &Desk| [desk.alice, desk.bob].map(|account| desk.exchange.volume_usd(account));
    let traded = Some(Money(50_000 * Money::ONE));
    assert_eq!(volumes(&desk), [traded; 2]);
    desk.wait(60 * Timestamp::SECOND);
    assert_eq!((desk.position(desk.alice), volumes(&desk)), (0, [traded; 2]), "settled, and not traded");
}

#[test]
fn the_64_oldest_programs_take_part_in_an_assignment() {
    let mut desk = Desk::listed();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
    let program = AssignmentProgram {
        kind: ContractKind::Linear,
        instrument: Some(InstrumentId(0)),
        base: None,
        quote: None,
        max_size: None,
        max_position: None,
        accept_long: true,
        accept_short: false,
        time_frame: TimeFrame::All,
        enabled: true,
        max_notional: None,
        min_profit_long: None,
        min_profit_short: None,
    };
    let providers: Vec<AccountId> = (0..66)
        .map(|_| {
            let outcome = desk.apply(&Command::CreateAccount(CreateAccount { parent: None, house: false }));
            let Outcome::AccountCreated(account) = outcome else { panic!("{outcome:?}") };
            desk.holds(account, 1_000 * Money::ONE);
            desk.provides(account, program.clone());
            account
        })
        .collect();
    desk.price(48_700);
    // 156 lots each, and the odd 16 to the oldest.
    let taken: Vec<i64> = providers.iter().map(|account| desk.position(*account)).collect();
    let want: Vec<i64> = [172].into_iter().chain([156; 63]).chain([0; 2]).collect();
    assert_eq!(taken, want);
}

#[test]
fn lots_of_a_hundred_millionth_are_worth_what_is_left_at_24_decimals() {
    // A mark of 18 decimals times 1e-8: the last two are rounded, half to even.
    for (mark, lot) in [
        (50_000_123_456_789_012_345_678, 500_001_234_567_890_123_457),
        (50_000_123_456_789_012_345_650, 500_001_234_567_890_123_456),
        (50_000_123_456_789_012_345_750, 500_001_234_567_890_123_458),
    ] {
        let mut desk = Desk::open();
        let spec = desk.exchange.instrument(InstrumentId(0)).expect("listed").spec().clone();
        let finest =
            InstrumentSpec { symbol: "PF_FINEUSD".into(), lot_precision: 8, max_position: Qty(100), ..spec };
        let Outcome::Listed(id) = desk.apply(&Command::List(Box::new(finest))) else { panic!("not listed") };
        desk.second_again(id);
        desk.done(&Command::PinMark { instrument: id, price: Some(FinePrice(50_000 * 10_i128.pow(18))) });
        desk.placed(desk.bob, ask(3, 50_000));
        desk.placed(desk.alice, bid(3, 50_000));
        desk.done(&Command::PinMark { instrument: id, price: Some(FinePrice(mark)) });
        for (account, size) in [(desk.alice, 3), (desk.bob, -3)] {
            let position = desk.exchange.positions(account).remove(0);
            let entry = size * 50_000 * 10_i128.pow(16);
            assert_eq!((position.qty.into(), position.entry), (size, Fine(entry)));
            assert_eq!(position.unrealized_pnl, Fine(size * lot - entry), "at {mark}");
            assert_eq!(position.average_price, FinePrice(50_000 * 10_i128.pow(18)));
        }
        desk.exchange.audit().expect("adds up");
    }
}
