//! What the end of a contract does to wallets (rules 4.4, 4.7, 5.3, 5.6): gains in other currencies, losses that take collateral, and
//! wallets that have too little.

mod ending;
mod fixture;

use ending::{BTC, DATED, FIRST, GRAIN, HOUR, ONE, dated, index, settled, trade, usd};
use fixture::{Desk, ask, bid};
use loligo_engine::{
    AccountId, BalanceCause, Command, ContractKind, Conversion, CreateAccount, Currency, Deposit, Event,
    FinePrice, InstrumentId, Leverage, Money, OrderType, Outcome, PairId, PlaceOrder, Settlement, Side,
    Wallet,
};

const COINS: Wallet = Wallet::Inverse(PairId(0));
/// All currencies that gains are paid in, with their index prices here, in hundredths of a USD; of bitcoin it is where the contract settles.
const PAID_IN: [(&str, Option<i128>); 7] = [
    ("USD", Some(100)),
    ("EUR", Some(110)),
    ("GBP", Some(130)),
    ("USDC", Some(100)),
    ("USDT", Some(100)),
    ("BTC", None),
    ("ETH", Some(300_000)),
];

fn code(code: &str) -> Currency {
    Currency::parse(code).expect("a code")
}

fn prefer(desk: &mut Desk, account: AccountId, currency: &str) {
    let currency = Some(code(currency));
    desk.done(&Command::SetPnlPreference { account, instrument: DATED, currency });
}

fn deposit(desk: &mut Desk, account: AccountId, wallet: Wallet, currency: &str, amount: Money) {
    desk.done(&Command::Deposit(Deposit { account, wallet, currency: code(currency), amount }));
}

fn holds(desk: &Desk, account: AccountId, currency: &str) -> Money {
    let flex = desk.flex(account);
    let held = flex.balances.iter().find(|(of, _)| *of == code(currency));
    held.map_or(Money::ZERO, |(_, held)| *held)
}

fn log_rows(desk: &Desk, account: AccountId) -> u64 {
    desk.exchange.account(account).expect("there").log_rows
}

fn settlement_of(desk: &Desk, account: AccountId) -> Settlement {
    settled(desk.events()).into_iter().find(|one| one.account == account).expect("settled")
}

fn conversions(desk: &Desk) -> Vec<Conversion> {
    let conversion = |event: &Event| match event {
        Event::Converted(one) => Some(**one),
        _ => None,
    };
    desk.events().iter().filter_map(conversion).collect()
}

/// What the pool paid into wallets: to whom, how much, and the row and balance it left.
fn paid_by_pool(desk: &Desk) -> Vec<(AccountId, Wallet, Money, u64, Money)> {
    let paid = |event: &Event| match event {
        Event::Balance { account, wallet, change, log, balance, cause: BalanceCause::Pool, .. } => {
            Some((*account, *wallet, *change, *log, *balance))
        }
        _ => None,
    };
    desk.events().iter().filter_map(paid).collect()
}

/// Of a whole quotient, half to even.
fn half_even(over: i128, under: i128) -> i128 {
    let (whole, rest) = (over.div_euclid(under), over.rem_euclid(under));
    whole + i128::from(2 * rest > under || (2 * rest == under && whole % 2 == 1))
}

#[test]
fn a_settled_gain_is_paid_in_the_currency_of_choice_and_has_a_row_of_its_own() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    trade(&mut desk, BTC, 50_000);
    let (alice, bob) = (desk.alice, desk.bob);
    prefer(&mut desk, alice, "EUR");
    prefer(&mut desk, bob, "EUR");
    let before = [alice, bob].map(|account| (holds(&desk, account, "USD"), log_rows(&desk, account)));
    index(&mut desk, 51_100 * ONE);
    desk.wait(HOUR);
    // 1,100 USD are 1,000 euros; a taker's 0.05% of 51,100 is in USD.
    let fee = Money(usd(2_555).0 / 100);
    let won = settlement_of(&desk, alice);
    assert_eq!((won.realized_pnl, won.fee, won.currency), (usd(1_100), fee, Currency::USD));
    let gain = *won.gain.expect("paid in euros");
    assert_eq!(gain.currency, code("EUR"));
    assert_eq!((gain.amount, gain.balance, gain.index), (usd(1_000), usd(1_000), FinePrice(11 * ONE / 10)));
    // None of it is in the USD that its second row tells; the euros are in the third.
    assert_eq!((won.balance, won.log), (before[0].0 - fee, before[0].1 + 1));
    assert_eq!((holds(&desk, alice, "USD"), holds(&desk, alice, "EUR")), (won.balance, usd(1_000)));
    assert_eq!(log_rows(&desk, alice), before[0].1 + 3);
    // A loss is in USD, whatever gains are in.
    let lost = settlement_of(&desk, bob);
    assert_eq!((lost.realized_pnl, lost.gain), (usd(-1_100), None));
    assert_eq!((lost.balance, lost.log), (before[1].0 - usd(1_100) - fee, before[1].1 + 1));
    assert_eq!((holds(&desk, bob, "EUR"), log_rows(&desk, bob)), (Money::ZERO, before[1].1 + 2));
}

/// Opens an account that will trade the dated contract at a leverage, or cross, with its gains in a currency.
fn opens(desk: &mut Desk, leverage: Option<Leverage>, currency: &str) -> AccountId {
    let Outcome::AccountCreated(account) =
        desk.apply(&Command::CreateAccount(CreateAccount { parent: None, house: false }))
    else {
        panic!("an account")
    };
    deposit(desk, account, Wallet::Flex, "USD", usd(10_000));
    if leverage.is_some() {
        desk.done(&Command::SetLeverage { account, instrument: DATED, leverage });
    }
    prefer(desk, account, currency);
    account
}

#[test]
fn one_expiry_settles_both_sides_cross_and_isolated_whatever_their_gains_are_paid_in() {
    // The index at the end, and whether who is long wins by it.
    for (price, long_wins) in [(51_100, true), (48_900, false)] {
        let mut desk = dated(ContractKind::Linear, HOUR);
        let ether = desk.exchange.pair_by_name("ETH:USD").expect("a pair");
        desk.done(&Command::PinIndex { pair: ether, price: Some(FinePrice(3_000 * ONE)) });
        let mut holders = Vec::new();
        for (currency, cents) in PAID_IN {
            for leverage in [None, Some(Leverage(1_000))] {
                for side in [ask(BTC, 50_000), bid(BTC, 50_000)] {
                    let account = opens(&mut desk, leverage, currency);
                    let long = side.side == bid(1, 1).side;
                    desk.placed(account, side);
                    holders.push((account, long == long_wins, currency, cents));
                }
            }
        }
        index(&mut desk, price * ONE);
        let before: Vec<Money> = holders.iter().map(|(account, ..)| holds(&desk, *account, "USD")).collect();
        desk.wait(HOUR);
        let told = settled(desk.events());
        let accounts: Vec<AccountId> = told.iter().map(|one| one.account).collect();
        assert_eq!(accounts, holders.iter().map(|(account, ..)| *account).collect::<Vec<_>>(), "by account");
        for ((one, (account, wins, currency, cents)), before) in told.iter().zip(&holders).zip(before) {
            let pnl = usd(if *wins { 1_100 } else { -1_100 });
            let fee = Money(usd(price).0 / 2_000);
            assert_eq!((one.realized_pnl, one.fee), (pnl, fee), "{account:?}");
            let row = format!("{currency}, {wins}: {one:?}");
            let other = *wins && *currency != "USD";
            // In hundredths of a USD, to the eleventh decimal.
            let paid = half_even(pnl.0 * 100, cents.unwrap_or(price * 100));
            let gain = one.gain.as_ref().map(|gain| (gain.currency, gain.amount));
            assert_eq!(gain, other.then_some((code(currency), Money(paid))), "{row}");
            let left = if other { before - fee } else { before + pnl - fee };
            assert_eq!((one.balance, holds(&desk, *account, "USD")), (left, left), "{row}");
            let of_choice = match *currency {
                "USD" => left,
                _ if *wins => Money(paid),
                _ => Money::ZERO,
            };
            assert_eq!(holds(&desk, *account, currency), of_choice, "{row}");
            assert_eq!(desk.exchange.positions(*account), [], "{row}");
            // Nothing is set aside any more: all of it may leave.
            assert_eq!(desk.flex(*account).may_leave(), left, "{row}");
        }
    }
}

#[test]
fn a_settled_loss_that_usd_does_not_cover_takes_collateral_of_the_lowest_haircut_first() {
    let mut desk = dated(ContractKind::Linear, HOUR);
    let alice = desk.alice;
    trade(&mut desk, BTC, 50_000);
    deposit(&mut desk, alice, Wallet::Flex, "BTC", usd(1));
    deposit(&mut desk, alice, Wallet::Flex, "EUR", usd(500));
    let more = usd(100) - holds(&desk, alice, "USD");
    deposit(&mut desk, alice, Wallet::Flex, "USD", more);
    let rows = log_rows(&desk, alice);
    index(&mut desk, 49_000 * ONE);
    desk.wait(HOUR);
    // 1,000 lost and 24.50 paid of 100: 924.50 are owed.
    let one = settlement_of(&desk, alice);
    assert_eq!((one.balance, one.log), (Money(-usd(9_245).0 / 10), rows + 1));
    // All of the euros give 500 x 1.1 x 99.95%; bitcoin the rest, at 49,000 x 99.5%.
    let [euros, coins] = &conversions(&desk)[..] else { panic!("{:?}", conversions(&desk)) };
    let given = usd(549_725).0 / 1_000;
    assert_eq!(
        (euros.debit.currency, euros.debit.amount, euros.debit.balance),
        (code("EUR"), usd(500), usd(0))
    );
    assert_eq!((euros.credit.amount, euros.credit.balance), (Money(given), one.balance + Money(given)));
    assert_eq!((euros.debit.log, euros.credit.log), (rows + 3, rows + 4));
    let owed = usd(9_245).0 / 10 - given;
    let taken = (owed + 48_754) / 48_755;
    assert_eq!((coins.debit.currency, coins.debit.amount), (code("BTC"), Money(taken)));
    assert_eq!(
        (coins.debit.balance, holds(&desk, alice, "BTC")),
        (usd(1) - Money(taken), usd(1) - Money(taken))
    );
    assert_eq!((coins.credit.amount, coins.credit.balance), (Money(owed), Money::ZERO));
    assert_eq!((coins.debit.log, coins.credit.log), (rows + 5, rows + 6));
    assert_eq!((holds(&desk, alice, "USD"), log_rows(&desk, alice)), (Money::ZERO, rows + 6));
    // What collateral covers the pool does not pay.
    assert_eq!((paid_by_pool(&desk), desk.exchange.pool(Currency::USD)), (vec![], Money::ZERO));
}

/// A contract whose holder, Alice, loses more by its end than the wallet has: in hundredths of a unit of it, which are `has` before and
/// are short then by `short` beside the fee. A mark that nobody moves hides it until the end.
struct TooPoor {
    kind: ContractKind,
    lots: i64,
    ticks: i64,
    wallet: Wallet,
    currency: &'static str,
    has: i128,
    short: i128,
    fee: Money,
}

fn too_poor() -> [TooPoor; 2] {
    [
        // One at 50,000 that is 40,000: 10,000 lost of 1,000, and 20 paid.
        TooPoor {
            kind: ContractKind::Linear,
            lots: BTC,
            ticks: 50_000,
            wallet: Wallet::Flex,
            currency: "USD",
            has: 100_000,
            short: 900_000,
            fee: usd(20),
        },
        // 50,000 at 50,000 that are at 40,000: 0.25 lost of 0.1, and 0.05% of 1.25 paid.
        TooPoor {
            kind: ContractKind::Inverse,
            lots: 50_000,
            ticks: 100_000,
            wallet: COINS,
            currency: "BTC",
            has: 10,
            short: 15,
            fee: Money(62_500_000),
        },
    ]
}

impl TooPoor {
    /// Leaves Alice with what she has.
    fn impoverish(&self, desk: &mut Desk) {
        let (alice, view) = (desk.alice, |desk: &Desk| match self.wallet {
            Wallet::Flex => desk.flex(desk.alice),
            _ => desk.coins(desk.alice),
        });
        let held = view(desk).balances[0].1;
        deposit(desk, alice, self.wallet, self.currency, Money(self.has * Money::ONE / 100) - held);
    }

    fn short(&self) -> Money {
        Money(self.short * Money::ONE / 100) + self.fee
    }

    fn balance(&self, desk: &Desk) -> Money {
        match self.wallet {
            Wallet::Flex => desk.flex(desk.alice).balances[0].1,
            _ => desk.coins(desk.alice).balances[0].1,
        }
    }
}

#[test]
fn no_wallet_ends_a_settlement_below_zero_what_it_is_short_of_the_pool_pays() {
    for (case, pool) in too_poor().iter().flat_map(|case| [(case, 0), (case, 20_000)]) {
        let row = format!("{:?}, a pool of {pool}", case.kind);
        let mut desk = dated(case.kind, HOUR);
        let (alice, bob) = (desk.alice, desk.bob);
        desk.done(&Command::SetPool { currency: code(case.currency), amount: usd(pool) });
        trade(&mut desk, case.lots, case.ticks);
        case.impoverish(&mut desk);
        desk.done(&Command::PinMark { instrument: DATED, price: Some(FinePrice(50_000 * ONE)) });
        index(&mut desk, 40_000 * ONE);
        let rows = log_rows(&desk, alice);
        desk.wait(HOUR);
        let one = settlement_of(&desk, alice);
        assert_eq!((one.balance, one.fee, one.log), (-case.short(), case.fee, rows + 1), "{row}");
        // Be there anything in it or not.
        assert_eq!(paid_by_pool(&desk), [(alice, case.wallet, case.short(), rows + 3, Money::ZERO)], "{row}");
        assert_eq!(case.balance(&desk), Money::ZERO, "{row}");
        assert_eq!(desk.exchange.pool(code(case.currency)), usd(pool) - case.short(), "{row}");
        // Who won has all of it.
        let won = settlement_of(&desk, bob).realized_pnl;
        assert_eq!(won, Money((case.has + case.short) * Money::ONE / 100), "{row}");
    }
}

#[test]
fn a_wallet_that_a_settlement_leaves_short_with_another_position_ends_at_nothing_too() {
    for case in too_poor() {
        let row = format!("{:?}", case.kind);
        let mut desk = dated(case.kind, HOUR);
        let alice = desk.alice;
        trade(&mut desk, case.lots, case.ticks);
        // And a tenth of that in the perpetual.
        let perpetual = InstrumentId(u16::from(case.kind == ContractKind::Inverse));
        desk.second_again(perpetual);
        trade(&mut desk, case.lots / 10, case.ticks);
        case.impoverish(&mut desk);
        for instrument in [perpetual, DATED] {
            desk.done(&Command::PinMark { instrument, price: Some(FinePrice(50_000 * ONE)) });
        }
        index(&mut desk, 40_000 * ONE);
        desk.wait(HOUR);
        // Nothing stands behind the other position, so it goes down the ladder, to whoever is on the other side; what they cannot make good
        // the pool pays.
        assert_eq!(desk.exchange.positions(alice), [], "{row}");
        assert_eq!(case.balance(&desk), Money::ZERO, "{row}");
        // It may trade again.
        deposit(&mut desk, alice, case.wallet, case.currency, usd(1_000));
        let order = PlaceOrder { order_type: OrderType::Post, ..bid(case.lots / 10, case.ticks / 2) };
        desk.placed(alice, order);
    }
}

/// As [`isolated`], at tenfold.
fn tenfold(side: Side, ticks: i64, pool: Money) -> Desk {
    isolated(Leverage(1_000), side, ticks, pool)
}

/// Alice, isolated at a leverage, is long or short of Bob by one BTC of a contract that ends in an hour, at a price; a mark that nobody
/// moves hides what it comes to until the end.
fn isolated(leverage: Leverage, side: Side, ticks: i64, pool: Money) -> Desk {
    let mut desk = dated(ContractKind::Linear, HOUR);
    let (alice, bob) = (desk.alice, desk.bob);
    desk.done(&Command::SetPool { currency: Currency::USD, amount: pool });
    desk.done(&Command::SetLeverage { account: alice, instrument: DATED, leverage: Some(leverage) });
    let (own, other) = match side {
        Side::Buy => (bid(BTC, ticks), ask(BTC, ticks)),
        Side::Sell => (ask(BTC, ticks), bid(BTC, ticks)),
    };
    desk.placed(bob, other);
    desk.placed(alice, own);
    desk.done(&Command::PinMark { instrument: DATED, price: Some(FinePrice(50_000 * ONE)) });
    desk
}

/// Money in hundredths of a USD and in units.
fn cents(cents: i128, units: i128) -> Money {
    Money(cents * Money::ONE / 100 + units)
}

#[test]
fn an_isolated_position_loses_by_its_end_what_was_set_aside_and_the_pool_pays_from_the_next_unit_on() {
    // A tenth of the entry is set aside. Side, entry, settlement price in USD and in units; then P&L, fee and what the pool pays.
    let (buy, sell) = (Side::Buy, Side::Sell);
    for (side, entry, price, units, pnl, fee, paid) in [
        // Less is lost than there is: the fee is whole, also where it takes the last unit.
        (buy, 50_000, 45_100, 0, cents(-490_000, 0), cents(2_255, 0), Money::ZERO),
        (buy, 49_975, 45_000, 0, cents(-497_500, 0), cents(2_250, 0), Money::ZERO),
        // What is left is less than the fee.
        (buy, 49_975, 45_000, -1, cents(-497_500, -1), cents(2_250, -1), Money::ZERO),
        (buy, 50_000, 45_000, 1, cents(-500_000, 1), Money(1), Money::ZERO),
        // Exactly all of it, a unit more, much more.
        (buy, 50_000, 45_000, 0, cents(-500_000, 0), Money::ZERO, Money::ZERO),
        (buy, 50_000, 45_000, -1, cents(-500_000, -1), Money::ZERO, Money(1)),
        (buy, 50_000, 40_000, 0, cents(-1_000_000, 0), Money::ZERO, usd(5_000)),
        (sell, 50_000, 55_000, -1, cents(-500_000, 1), Money(1), Money::ZERO),
        (sell, 50_000, 55_000, 0, cents(-500_000, 0), Money::ZERO, Money::ZERO),
        (sell, 50_000, 55_000, 1, cents(-500_000, -1), Money::ZERO, Money(1)),
        (sell, 50_000, 80_000, 0, cents(-3_000_000, 0), Money::ZERO, usd(25_000)),
        // A gain pays all of its fee.
        (buy, 50_000, 60_000, 0, usd(10_000), usd(30), Money::ZERO),
    ] {
        let row = format!("{side:?} from {entry} to {price} and {units}");
        let mut desk = tenfold(side, entry, usd(100_000));
        let (alice, bob) = (desk.alice, desk.bob);
        let (had, rows) = (holds(&desk, alice, "USD"), log_rows(&desk, alice));
        let deposited = desk.exchange.audit().expect("in order").currencies[0].deposited;
        index(&mut desk, price * ONE + units * GRAIN);
        desk.wait(HOUR);
        let one = settlement_of(&desk, alice);
        assert_eq!((one.realized_pnl, one.fee, one.fee_rate), (pnl, fee, 50_000), "{row}");
        // Its row adds up by itself, and so does that of the pool behind it.
        assert_eq!((one.balance, one.log), (had + pnl - fee, rows + 1), "{row}");
        let want = (paid > Money::ZERO).then(|| (alice, Wallet::Flex, paid, rows + 3, one.balance + paid));
        assert_eq!(paid_by_pool(&desk), Vec::from_iter(want), "{row}");
        assert_eq!(desk.exchange.pool(Currency::USD), usd(100_000) - paid, "{row}");
        let left = holds(&desk, alice, "USD");
        assert_eq!(left, had + pnl - fee + paid, "{row}");
        let set_aside = usd(i128::from(entry)).0 / 10;
        assert!(left >= had - Money(set_aside), "{row}");
        if pnl.0 - fee.0 <= -set_aside {
            assert_eq!(left, had - Money(set_aside), "{row}");
        }
        // Who won has all of it, and no money came from elsewhere.
        assert_eq!(settlement_of(&desk, bob).realized_pnl, -pnl, "{row}");
        assert_eq!(desk.exchange.audit().expect("in order").currencies[0].deposited, deposited, "{row}");
        assert_eq!(desk.flex(alice).may_leave(), left, "{row}: nothing is set aside any more");
    }
}

#[test]
fn a_pool_that_has_exactly_what_a_settlement_takes_ends_at_nothing_and_a_unit_less_is_a_unit_below() {
    for (filled, left) in [
        (usd(10) + Money(1), Money(1)),
        (usd(10), Money::ZERO),
        (usd(10) - Money(1), Money(-1)),
        (Money::ZERO, usd(-10)),
    ] {
        let mut desk = tenfold(Side::Buy, 50_000, filled);
        let had = holds(&desk, desk.alice, "USD");
        index(&mut desk, 44_990 * ONE);
        desk.wait(HOUR);
        assert_eq!(desk.exchange.pool(Currency::USD), left, "{filled:?}");
        assert_eq!(holds(&desk, desk.alice, "USD"), had - usd(5_000), "{filled:?}");
    }
}

#[test]
fn of_a_set_aside_that_is_between_two_units_the_wallet_loses_the_lower() {
    // A seventh of 50,000: 7,142.857142857142857...
    let lower = Money(714_285_714_285_714);
    for (loss, fee, paid) in [
        (lower - Money(1), Money(1), Money::ZERO),
        (lower, Money::ZERO, Money::ZERO),
        (lower + Money(1), Money::ZERO, Money(1)),
        (usd(10_000), Money::ZERO, usd(10_000) - lower),
    ] {
        let mut desk = isolated(Leverage(700), Side::Buy, 50_000, Money::ZERO);
        let had = holds(&desk, desk.alice, "USD");
        index(&mut desk, (usd(50_000) - loss).0 * GRAIN);
        desk.wait(HOUR);
        let one = settlement_of(&desk, desk.alice);
        assert_eq!((one.realized_pnl, one.fee), (-loss, fee), "{loss:?}");
        assert_eq!(holds(&desk, desk.alice, "USD"), had - lower, "{loss:?}");
        assert_eq!(desk.exchange.pool(Currency::USD), -paid, "{loss:?}");
    }
}

#[test]
fn what_an_isolated_position_loses_by_its_end_touches_nothing_else_of_its_wallet() {
    let mut desk = tenfold(Side::Buy, 50_000, Money::ZERO);
    let alice = desk.alice;
    deposit(&mut desk, alice, Wallet::Flex, "EUR", usd(500));
    // Across the same wallet, and resting, something else.
    desk.first();
    let rests = PlaceOrder { order_type: OrderType::Post, ..bid(1_000, 49_000) };
    let rests = desk.placed(alice, rests);
    trade(&mut desk, 1_000, 50_000);
    desk.done(&Command::PinMark { instrument: FIRST, price: Some(FinePrice(50_000 * ONE)) });
    let more = usd(5_000) - holds(&desk, alice, "USD");
    deposit(&mut desk, alice, Wallet::Flex, "USD", more);
    index(&mut desk, 40_000 * ONE);
    desk.wait(HOUR);
    // 10,000 are lost of 5,000 set aside: the USD are gone to the last unit, and neither euros, nor position, nor order.
    assert_eq!((holds(&desk, alice, "USD"), holds(&desk, alice, "EUR")), (Money::ZERO, usd(500)));
    assert_eq!((conversions(&desk), desk.exchange.pool(Currency::USD)), (vec![], usd(-5_000)));
    assert_eq!(desk.exchange.positions(alice).len(), 1);
    assert!(!desk.order(rests).status.is_closed() && !desk.flex(alice).liquidated);
}

#[test]
fn a_wallet_that_has_gained_beyond_what_may_be_deposited_gets_back_what_is_not_its_to_lose() {
    let mut desk = tenfold(Side::Buy, 50_000, Money::ZERO);
    let (alice, bob) = (desk.alice, desk.bob);
    let most = usd(1_000_000_000_000) - holds(&desk, alice, "USD");
    deposit(&mut desk, alice, Wallet::Flex, "USD", most);
    desk.first();
    trade(&mut desk, BTC, 50_000);
    desk.mark(59_000);
    desk.placed(bob, bid(BTC, 59_000));
    desk.placed(alice, ask(BTC, 59_000));
    let had = holds(&desk, alice, "USD");
    assert!(had > usd(1_000_000_008_000), "{had:?}");
    index(&mut desk, 44_999 * ONE);
    desk.wait(HOUR);
    assert_eq!(holds(&desk, alice, "USD"), had - usd(5_000));
    assert_eq!(paid_by_pool(&desk).into_iter().map(|paid| paid.2).collect::<Vec<_>>(), [usd(1)]);
}

#[test]
fn funding_is_booked_whole_beside_what_an_isolated_position_loses_by_its_end() {
    // A book in the middle of which is 50,200, at an index of 50,000, makes a rate of 25 USD an hour for a BTC.
    let mut desk = Desk::open();
    let (alice, carol) = (desk.alice, desk.carol);
    desk.placed(carol, bid(5 * BTC, 50_190));
    desk.placed(carol, ask(5 * BTC, 50_210));
    assert_eq!(desk.lever(alice, Some(1_000)), Outcome::Done);
    trade(&mut desk, BTC, 50_200);
    desk.wait(HOUR + HOUR / 2);
    let had = holds(&desk, alice, "USD");
    desk.apply(&Command::Expire { instrument: FIRST });
    index(&mut desk, 30_000 * ONE);
    // The window's mean is of twenty minutes before and ten after, and far below what was set aside.
    desk.wait(HOUR / 4);
    let one = settlement_of(&desk, alice);
    assert!(one.realized_pnl < usd(-5_020), "{one:?}");
    assert_eq!((one.fee, one.realized_funding), (Money::ZERO, cents(-1_875, 0)), "{one:?}");
    assert_eq!(one.balance, had + one.realized_pnl + one.realized_funding);
    assert_eq!(holds(&desk, alice, "USD"), had - usd(5_020) - cents(1_875, 0));
    assert_eq!(desk.exchange.pool(Currency::USD), one.realized_pnl + usd(5_020));
}
