//! What the gains of a contract are paid in (rules 4.7, 6.1).

mod fixture;

use fixture::{Desk, ask, bid, reduce_only};
use loligo_engine::{
    Command, Currency, Deposit, Event, Exchange, Fill, Fine, FinePrice, InstrumentId, Money, Outcome,
    Refusal, Wallet,
};

/// One BTC, in lots.
const BTC: i64 = 10_000;
const XBT: InstrumentId = InstrumentId(0);

fn code(code: &str) -> Currency {
    Currency::parse(code).expect("a code")
}

fn cents(units: i128) -> Money {
    Money(units * Money::ONE / 100)
}

fn fine(units: i128) -> Fine {
    cents(units).fine()
}

fn prefer(desk: &mut Desk, instrument: InstrumentId, currency: &str) -> Outcome {
    let account = desk.alice;
    desk.apply(&Command::SetPnlPreference { account, instrument, currency: Some(code(currency)) })
}

/// Alice buys 1 BTC at 50,000 from bob.
fn long() -> Desk {
    let mut desk = Desk::open();
    desk.placed(desk.bob, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk
}

/// She sells so many lots at a price; her fill.
fn sell(desk: &mut Desk, lots: i64, ticks: i64) -> Fill {
    desk.placed(desk.bob, bid(lots, ticks));
    desk.placed(desk.alice, reduce_only(ask(lots, ticks)));
    desk.executions().pop().expect("an execution").taker
}

fn held(desk: &Desk, currency: &str) -> Money {
    let wallet = desk.flex(desk.alice);
    wallet.balances.iter().find(|(of, _)| *of == code(currency)).map_or(Money::ZERO, |(_, held)| *held)
}

#[test]
fn a_gain_is_paid_in_the_currency_of_choice_at_its_index_without_a_fee() {
    let mut desk = long();
    assert_eq!(prefer(&mut desk, XBT, "EUR"), Outcome::Done);
    let (usd, rows) = (held(&desk, "USD"), desk.exchange.account(desk.alice).expect("an account").log_rows);
    let fill = sell(&mut desk, BTC, 50_110);
    // 110 USD are 100 euros; the fee of 25.055 is in USD.
    assert_eq!(fill.realized_pnl, cents(11_000));
    let gain = *fill.gain.expect("paid in euros");
    assert_eq!((gain.currency, gain.amount, gain.balance), (code("EUR"), cents(10_000), cents(10_000)));
    assert_eq!(gain.index, FinePrice(11 * 10_i128.pow(17)));
    assert_eq!(fill.fee, Money(2_505_500_000_000));
    assert_eq!(fill.balance, usd - fill.fee);
    assert_eq!((held(&desk, "USD"), held(&desk, "EUR")), (usd - fill.fee, cents(10_000)));
    // Three rows: the position, USD, euros.
    assert_eq!(fill.log, rows + 1);
    assert_eq!(desk.exchange.account(desk.alice).expect("an account").log_rows, rows + 3);
}

#[test]
fn a_gain_is_rounded_half_to_even_in_its_currency() {
    let mut desk = long();
    let pair = desk.exchange.pair_by_name("EUR:USD").expect("a pair");
    desk.done(&Command::PinIndex { pair, price: Some(FinePrice(3 * 10_i128.pow(18))) });
    prefer(&mut desk, XBT, "EUR");
    let gain = sell(&mut desk, BTC, 50_110).gain.expect("paid in euros");
    assert_eq!(gain.amount, Money(3_666_666_666_667), "110 / 3");
}

#[test]
fn a_loss_is_paid_in_usd_whatever_the_currency_of_gains() {
    let mut desk = long();
    prefer(&mut desk, XBT, "EUR");
    let fill = sell(&mut desk, BTC, 49_900);
    assert_eq!((fill.realized_pnl, fill.gain), (cents(-10_000), None));
    assert_eq!(held(&desk, "EUR"), Money::ZERO);
}

#[test]
fn without_a_price_a_gain_stays_in_usd() {
    let mut desk = long();
    assert_eq!(prefer(&mut desk, XBT, "ETH"), Outcome::Done);
    assert_eq!(sell(&mut desk, BTC, 50_110).gain, None);
}

#[test]
fn a_gain_stays_in_usd_where_a_wallet_may_hold_no_more_of_its_currency() {
    let mut desk = long();
    prefer(&mut desk, XBT, "USDT");
    // 110 tether are the last that there is room for.
    let (account, currency, most) = (desk.alice, code("USDT"), 10_i128.pow(12));
    let amount = Money((most - 110) * Money::ONE);
    desk.done(&Command::Deposit(Deposit { account, wallet: Wallet::Flex, currency, amount }));
    assert_eq!(sell(&mut desk, BTC / 2, 50_220).gain.expect("paid in tether").amount, cents(11_000));
    let usd = held(&desk, "USD");
    let fill = sell(&mut desk, BTC / 2, 50_220);
    assert_eq!((fill.realized_pnl, fill.gain), (cents(11_000), None));
    assert_eq!(held(&desk, "USD"), usd + cents(11_000) - fill.fee);
    assert_eq!(held(&desk, "USDT"), Money(most * Money::ONE));
}

#[test]
fn a_gain_in_a_currency_with_a_haircut_counts_for_less_before_it_is_paid() {
    let mut desk = long();
    let before = desk.flex(desk.alice);
    prefer(&mut desk, XBT, "BTC");
    desk.mark(51_000);
    let wallet = desk.flex(desk.alice);
    // 1,000 USD at 98% of 99.5%; losses count in full.
    assert_eq!(wallet.unrealized_pnl, cents(100_000).fine());
    assert_eq!(wallet.unrealized_as_margin, cents(97_510).fine());
    assert_eq!(wallet.equity, before.equity + cents(97_510).fine());
    desk.mark(49_000);
    let wallet = desk.flex(desk.alice);
    assert_eq!(wallet.unrealized_as_margin, cents(-100_000).fine());
    prefer(&mut desk, XBT, "USD");
    desk.mark(51_000);
    assert_eq!(desk.flex(desk.alice).unrealized_as_margin, cents(100_000).fine());
    let flex = desk.exchange.flex(desk.alice, &desk.flex(desk.alice));
    assert_eq!(flex.collateral.fine() + cents(100_000).fine(), desk.flex(desk.alice).equity);
}

#[test]
fn margin_equity_is_collateral_and_what_gains_count_for_of_isolated_positions_too() {
    let mut desk = long();
    desk.lever(desk.alice, Some(1_000));
    prefer(&mut desk, XBT, "BTC");
    desk.mark(51_000);
    let wallet = desk.flex(desk.alice);
    // 1,000 gained, of which 98% of 99.5% count.
    assert_eq!((wallet.unrealized_pnl, wallet.unrealized_as_margin), (fine(100_000), fine(97_510)));
    assert_eq!(wallet.equity, held(&desk, "USD").fine() + fine(97_510));
}

#[test]
fn a_gain_in_another_currency_is_liquidated_at_the_mark_that_is_told() {
    let mut desk = long();
    prefer(&mut desk, XBT, "BTC");
    desk.second();
    desk.mark(50_000);
    desk.placed(desk.carol, ask(BTC, 50_000));
    desk.placed(desk.alice, bid(BTC, 50_000));
    desk.holds(desk.alice, 1_000 * Money::ONE);
    desk.first();
    desk.mark(52_000);
    desk.second_again(InstrumentId(2));
    desk.mark(48_000);
    // 1,000 less 2,000, and 97.51% of what the first gains, for half a per cent of both: there to 51,535.92.
    let told = |desk: &Desk| desk.exchange.position_risk(desk.alice, XBT).expect("held").liquidation_price;
    assert_eq!(told(&desk).map(|at| at.0), Some(51_535));
    desk.first();
    desk.mark(51_536);
    assert_eq!(desk.exchange.positions(desk.alice).len(), 2);
    desk.mark(51_535);
    assert_eq!(desk.exchange.positions(desk.alice).len(), 1);
}

#[test]
fn who_is_being_liquidated_chooses_no_currency() {
    let mut desk = Desk::open();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    desk.placed(desk.bob, ask(BTC, 50_010));
    desk.placed(desk.alice, bid(BTC, 50_010));
    // A tenth is sold, which is not enough.
    desk.placed(desk.bob, bid(BTC / 10, 48_690));
    desk.price(48_700);
    assert_eq!((desk.position(desk.alice), desk.flex(desk.alice).liquidated), (9 * BTC / 10, true));
    let refused = Outcome::Refused(Refusal::WouldLiquidate);
    assert_eq!(prefer(&mut desk, XBT, "EUR"), refused);
    assert_eq!(desk.exchange.pnl_preferences(desk.alice), []);

    // Who is short and waits, since the contract is halted, may: that takes nothing from it.
    let mut desk = long();
    desk.holds(desk.alice, 1_500 * Money::ONE);
    desk.state(loligo_engine::MarketState::Suspended);
    desk.price(48_700);
    assert_eq!(prefer(&mut desk, XBT, "EUR"), Outcome::Done);
}

#[test]
fn usd_takes_a_setting_back_and_each_change_is_told_once() {
    let mut desk = long();
    for currency in ["EUR", "EUR", "GBP", "USD", "USD"] {
        assert_eq!(prefer(&mut desk, XBT, currency), Outcome::Done, "{currency}");
    }
    let told = desk.events().iter().filter_map(|event| match event {
        Event::PnlPreference { currency, .. } => Some(*currency),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [Some(code("EUR")), Some(code("GBP")), None]);
    assert_eq!(desk.exchange.pnl_preferences(desk.alice), []);
    prefer(&mut desk, XBT, "USDC");
    assert_eq!(desk.exchange.pnl_preferences(desk.alice), [(XBT, code("USDC"))]);
}

#[test]
fn each_of_the_seven_is_taken_and_everything_else_is_refused_for_its_reason() {
    let mut desk = Desk::open();
    for currency in ["USD", "EUR", "GBP", "USDC", "USDT", "BTC", "ETH"] {
        assert_eq!(prefer(&mut desk, XBT, currency), Outcome::Done, "{currency}");
    }
    for (instrument, currency, refusal) in [
        (InstrumentId(9), "EUR", Refusal::UnknownInstrument),
        (InstrumentId(1), "EUR", Refusal::NoPnlCurrency),
        (XBT, "ZZZ", Refusal::UnknownCurrency),
        (XBT, "CAD", Refusal::CurrencyNotEnabled),
        (XBT, "SOL", Refusal::CurrencyNotEnabled),
    ] {
        assert_eq!(prefer(&mut desk, instrument, currency), Outcome::Refused(refusal), "{currency}");
    }
    assert_eq!(desk.exchange.pnl_preferences(desk.alice), [(XBT, code("ETH"))], "nothing has moved");
}

#[test]
fn a_setting_that_would_liquidate_is_refused_at_the_very_dollar() {
    // All of the 975 USD beside the fee leave against the profit, which then stands alone behind the position.
    for (mark, outcome) in [(50_257, Outcome::Refused(Refusal::WouldLiquidate)), (50_258, Outcome::Done)] {
        let mut desk = long();
        desk.price(52_000);
        desk.holds(desk.alice, 0);
        desk.mark(mark);
        // 257 counts for 250.6007 and 251.285 are needed; 258 for 251.5758 and 251.29.
        assert!(!desk.flex(desk.alice).liquidated);
        assert_eq!(prefer(&mut desk, XBT, "BTC"), outcome, "{mark}");
        assert_eq!(prefer(&mut desk, XBT, "EUR"), Outcome::Done, "a haircut of nothing but the fee");
    }
}

#[test]
fn a_setting_is_read_again_with_the_state_and_gains_go_on() {
    let mut desk = long();
    prefer(&mut desk, XBT, "EUR");
    sell(&mut desk, BTC / 2, 50_110);
    let read = Exchange::decode(&desk.exchange.encode()).expect("a state");
    assert_eq!(read.state_hash(), desk.exchange.state_hash());
    assert_eq!(read.pnl_preferences(desk.alice), [(XBT, code("EUR"))]);
    assert_eq!(read.wallets(desk.alice), desk.exchange.wallets(desk.alice));
    let audit = read.audit().expect("every sum holds");
    let euros = audit.currencies.iter().find(|sums| sums.currency == code("EUR")).expect("euros");
    assert_eq!(
        (euros.deposited, euros.exchanged),
        (Fine::ZERO, cents(-5_000).fine()),
        "given, not deposited"
    );
}
