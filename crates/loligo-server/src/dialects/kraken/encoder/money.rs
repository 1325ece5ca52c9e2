//! Positions and wallets as the feeds tell them: the figures of `/openpositions` and `/accounts`, under other names.

use crate::dialects::kraken::convert::accounts::name;
use crate::grid::{amount, fine_price, money, need, price, size, time};
use crate::hub::{Names, WalletsShown};
use crate::projection::{PositionStated, Statement, WalletStated};
use loligo_engine::{ContractKind, Fine, FlexView, Money, Qty, Wallet, WalletView};
use loligo_wire::decimal::Decimal;
use loligo_wire::ws1::{
    self, ChangedWallets, Collateral, Equity, FlexWallet, MarginAccount, Position, SingleWallet, Unrealized,
    Wallets,
};

/// Appends all open positions.
pub(super) fn write_positions(out: &mut Vec<u8>, names: Names<'_>, statement: &Statement, seq: u64) {
    let rows = statement.positions.iter().filter_map(|position| shown(names, position));
    let account = names.identity.account_uid(statement.account);
    ws1::write_open_positions(out, account, rows, seq, time(statement.time));
}

fn shown<'d>(names: Names<'d>, position: &'d PositionStated) -> Option<Position<'d>> {
    let PositionStated { view, risk, mark, index, .. } = position;
    let instrument = names.directory.instrument(view.instrument)?;
    let spec = instrument.spec();
    let pnl = amount(view.unrealized_pnl);
    Some(Position {
        instrument: &spec.symbol,
        balance: size(Qty(view.qty), spec),
        pnl,
        entry_price: fine_price(view.average_price),
        mark_price: fine_price(mark.or(*index)?),
        index_price: fine_price(index.or(*mark)?),
        liquidation_threshold: risk.liquidation_price.map(|at| price(at, spec)),
        effective_leverage: leverage(risk.value_at_mark, risk.equity),
        return_on_equity: ratio(view.unrealized_pnl, risk.initial_margin, 100).unwrap_or_default(),
        unrealized_funding: instrument.is_perpetual().then(|| amount(view.unrealized_funding)),
        initial_margin: need(risk.initial_margin),
        initial_margin_with_orders: need(risk.initial_margin_with_orders),
        maintenance_margin: need(view.maintenance_margin),
        pnl_currency: (spec.kind == ContractKind::Linear)
            .then(|| view.gains_in.as_ref().map_or(spec.quote.code(), |currency| currency.code())),
        max_fixed_leverage: view.leverage.map(|leverage| Decimal::new(i128::from(leverage.0), 2)),
    })
}

/// A value over the equity behind it; absent where there is none.
fn leverage(value: Fine, equity: Fine) -> Option<Decimal> {
    (equity > Fine::ZERO).then(|| ratio(value, equity, 1)).flatten()
}

/// One amount over another, times so much, to four decimals, toward zero; absent over nothing.
fn ratio(one: Fine, other: Fine, times: i128) -> Option<Decimal> {
    // To 1e-11 first: neither is shown in more.
    let (one, other) = (one.floor().0, other.ceil().0);
    let units = one.checked_mul(10_000 * times)?.checked_div(other)?;
    Some(Decimal::new(units, 4))
}

/// Appends wallets, whole or as they have changed. False when nothing is to be told of them.
pub(super) fn write_wallets(
    out: &mut Vec<u8>,
    names: Names<'_>,
    statement: &Statement,
    shown: WalletsShown<'_>,
    seq: u64,
) -> bool {
    let account = names.identity.account_uid(statement.account);
    let at = time(statement.time);
    match shown {
        WalletsShown::All => {
            let (holding, singles) = (holding(statement, None), singles(names, statement, None));
            let usd = |of: fn(&WalletStated) -> Option<Money>| {
                let inverse = statement.wallets.iter().filter(|wallet| is_inverse(&wallet.view));
                // Without one of the prices there is no sum.
                inverse.map(of).sum::<Option<Money>>().map(money)
            };
            let futures: Vec<SingleWallet<'_>> = singles.iter().map(Single::row).collect();
            with_flex(names, statement, |flex| {
                let wallets = Wallets {
                    holding: &holding,
                    futures: &futures,
                    flex_futures: flex,
                    futures_cash_value: usd(|wallet| wallet.usd_value),
                    futures_upnl_cash_value: usd(|wallet| wallet.usd_pnl),
                };
                wallets.write_snapshot(out, account, at);
            });
        }
        WalletsShown::Changed(before) => {
            let (holding, singles) =
                (holding(statement, Some(before)), singles(names, statement, Some(before)));
            if holding.is_empty() && singles.is_empty() {
                return false;
            }
            let futures: Vec<SingleWallet<'_>> = singles.iter().map(Single::row).collect();
            ChangedWallets::Single { holding: &holding, futures: &futures }.write(out, account, at, seq);
        }
        WalletsShown::Flex => {
            with_flex(names, statement, |flex| ChangedWallets::Flex(&flex).write(out, account, at, seq));
        }
    }
    true
}

/// Appends all wallets in the older form.
pub(super) fn write_margins(out: &mut Vec<u8>, names: Names<'_>, statement: &Statement, seq: u64) {
    let none = MarginAccount {
        name: "",
        balance: Decimal::ZERO,
        pnl: Decimal::ZERO,
        pv: Decimal::ZERO,
        am: Decimal::ZERO,
        im: Decimal::ZERO,
        mm: Decimal::ZERO,
        funding: None,
    };
    let cash = holding(statement, None);
    let cash_names: Vec<String> = cash.iter().map(|(currency, _)| currency.to_lowercase()).collect();
    let held = cash.iter().zip(&cash_names).map(|((_, amount), name)| MarginAccount {
        name,
        balance: *amount,
        pv: *amount,
        am: *amount,
        ..none
    });
    let singles = singles(names, statement, None);
    let single_names: Vec<String> = singles.iter().map(|single| single.name.to_lowercase()).collect();
    let inverse = singles.iter().zip(&single_names).map(|(single, name)| {
        let SingleWallet {
            portfolio_value,
            balance,
            available,
            initial_margin,
            maintenance_margin,
            pnl,
            unrealized_funding,
            ..
        } = single.row();
        MarginAccount {
            name,
            balance,
            pnl,
            pv: portfolio_value,
            am: available,
            im: initial_margin,
            mm: maintenance_margin,
            funding: Some(unrealized_funding),
        }
    });
    let flex =
        wallet(statement, Wallet::Flex).zip(statement.flex.as_ref()).map(|(view, flex)| MarginAccount {
            name: "flex",
            balance: money(flex.value),
            pnl: amount(view.unrealized_pnl),
            pv: amount(flex.portfolio),
            am: amount(view.available()),
            im: need(view.initial_margin_with_orders),
            mm: need(view.maintenance_margin),
            funding: Some(amount(view.unrealized_funding)),
        });
    let account = names.identity.account_uid(statement.account);
    ws1::write_account_balances_and_margins(out, account, held.chain(inverse).chain(flex), seq);
}

fn is_inverse(view: &WalletView) -> bool {
    matches!(view.wallet, Wallet::Inverse(_))
}

fn wallet(statement: &Statement, which: Wallet) -> Option<&WalletView> {
    statement.wallets.iter().map(|stated| &stated.view).find(|view| view.wallet == which)
}

/// What cash holds; of what it held before only what is not the same.
fn holding<'s>(statement: &'s Statement, before: Option<&Statement>) -> Vec<(&'s str, Decimal)> {
    let balances = |statement: &'_ Statement| {
        wallet(statement, Wallet::Cash).map(|view| view.balances.clone()).unwrap_or_default()
    };
    let old = before.map(balances).unwrap_or_default();
    let now = wallet(statement, Wallet::Cash).map(|view| view.balances.as_slice()).unwrap_or_default();
    let changed = now.iter().filter(|row| before.is_none() || !old.contains(row));
    changed.map(|(currency, balance)| (name(currency), money(*balance))).collect()
}

/// An inverse wallet with the texts that it is made of.
struct Single<'s> {
    name: String,
    pair: String,
    stated: &'s WalletStated,
}

/// The inverse wallets; of those before only what is not the same.
fn singles<'s>(names: Names<'_>, statement: &'s Statement, before: Option<&Statement>) -> Vec<Single<'s>> {
    let inverse = statement.wallets.iter().filter(|stated| is_inverse(&stated.view));
    let changed =
        inverse.filter(|stated| before.is_none_or(|before| !before.wallets.iter().any(|old| old == *stated)));
    let single = |stated: &'s WalletStated| {
        let Wallet::Inverse(pair) = stated.view.wallet else { return None };
        let of_pair = names.directory.instruments().iter().find(|listed| listed.instrument.pair() == pair)?;
        let pair = &of_pair.instrument.spec().pair;
        Some(Single { name: format!("F-{pair}"), pair: pair.replace(':', "/"), stated })
    };
    changed.filter_map(single).collect()
}

impl Single<'_> {
    fn row(&self) -> SingleWallet<'_> {
        let WalletStated { view, usd_value, .. } = self.stated;
        let settled = view.balances.iter().find(|(currency, _)| Some(*currency) == view.settlement);
        SingleWallet {
            name: &self.name,
            pair: &self.pair,
            unit: view.settlement.as_ref().map_or("", name),
            portfolio_value: amount(view.equity),
            balance: settled.map_or(Decimal::ZERO, |(_, balance)| money(*balance)),
            maintenance_margin: need(view.maintenance_margin),
            initial_margin: need(view.initial_margin_with_orders),
            available: amount(view.available().max(Fine::ZERO)),
            unrealized_funding: amount(view.unrealized_funding),
            pnl: amount(view.unrealized_pnl),
            cash_value: usd_value.map(money),
        }
    }
}

/// Makes the flex wallet, of which a message borrows.
fn with_flex(names: Names<'_>, statement: &Statement, write: impl FnOnce(FlexWallet<'_>)) {
    let (Some(view), Some(flex)) = (wallet(statement, Wallet::Flex), &statement.flex) else {
        return write(FlexWallet::default());
    };
    let currencies: Vec<Collateral<'_>> = flex
        .held
        .iter()
        .map(|held| Collateral {
            currency: name(&held.currency),
            quantity: money(held.balance),
            value: money(held.value),
            collateral_value: money(held.collateral),
            haircut: millionths(held.haircut),
            available: money(held.available),
            conversion_spread: millionths(held.conversion),
        })
        .collect();
    let isolated: Vec<(&str, Unrealized)> = statement
        .isolated()
        .filter(|position| position.wallet == Wallet::Flex)
        .filter_map(|position| {
            let symbol = &names.directory.instrument(position.view.instrument)?.spec().symbol;
            let PositionStated { view, risk, .. } = position;
            let figures = unrealized(
                risk.initial_margin_with_orders,
                risk.initial_margin,
                view.maintenance_margin,
                (view.unrealized_pnl, view.unrealized_funding),
                view.unrealized_as_margin + view.unrealized_funding,
            );
            Some((symbol.as_str(), figures))
        })
        .collect();
    let of_flex = || statement.positions.iter().filter(|position| position.wallet == Wallet::Flex);
    let value = |isolated: bool| -> Fine {
        let counted = of_flex().filter(|position| isolated || position.view.leverage.is_none());
        counted.map(|position| position.risk.value_at_mark).sum()
    };
    let cross_pnl = view.unrealized_pnl - view.isolated_pnl;
    let isolated_funding: Fine = statement
        .isolated()
        .filter(|position| position.wallet == Wallet::Flex)
        .map(|position| position.view.unrealized_funding)
        .sum();
    let FlexView { held: _, value: balance_value, portfolio, collateral } = flex;
    let (balance_value, collateral_value) = (money(*balance_value), money(*collateral));
    let margins = |gains, as_margin| {
        let (with_orders, alone) = (view.initial_margin_with_orders, view.initial_margin);
        unrealized(with_orders, alone, view.maintenance_margin, gains, as_margin)
    };
    write(FlexWallet {
        currencies: &currencies,
        equity: Equity {
            unrealized: margins((view.unrealized_pnl, view.unrealized_funding), view.unrealized_as_margin),
            balance_value,
            portfolio_value: amount(*portfolio),
            collateral_value,
            margin_equity: amount(view.equity),
            available_margin: amount(view.available()),
            total_position_size: Some(amount(value(true))),
        },
        isolated: &isolated,
        cross: Equity {
            unrealized: margins(
                (cross_pnl, view.unrealized_funding - isolated_funding),
                view.unrealized_as_margin - view.isolated_as_margin - isolated_funding,
            ),
            balance_value,
            portfolio_value: amount(*portfolio - view.isolated_pnl),
            collateral_value,
            margin_equity: amount(view.equity - view.isolated_as_margin),
            available_margin: amount(view.available()),
            total_position_size: Some(amount(value(false))),
        },
        effective_leverage: leverage(value(false), view.cross_equity()).unwrap_or_default(),
    });
}

/// The seven figures of a margin; open P&L and funding stand together.
fn unrealized(
    with_orders: Fine,
    alone: Fine,
    maintenance: Fine,
    (pnl, funding): (Fine, Fine),
    as_margin: Fine,
) -> Unrealized {
    let (pnl, funding) = (pnl.floor(), funding.floor());
    Unrealized {
        initial_margin: need(with_orders),
        initial_margin_without_orders: need(alone),
        maintenance_margin: need(maintenance),
        pnl: money(pnl),
        unrealized_funding: money(funding),
        total_unrealized: money(pnl + funding),
        total_unrealized_as_margin: amount(as_margin),
    }
}

/// A rate in millionths as a part of one.
fn millionths(rate: u32) -> Decimal {
    Decimal::new(i128::from(rate), 6)
}
