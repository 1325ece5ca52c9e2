//! Wallets and positions as the dialect shows them.
//!
//! What an account has is rounded down, what is asked of it is rounded up, both at the wallet's 11 decimals.

use crate::grid::{amount, fine_price, money, need, size};
use crate::projection::{AccountEntry, Directory};
use crate::wallets::inverse_name;
use loligo_engine::{
    AccountId, ContractKind, Currency, Exchange, Fine, FinePrice, Instrument, InstrumentId, Money,
    PositionView, Timestamp, Wallet, WalletView,
};
use loligo_wire::decimal::Decimal;
use loligo_wire::time::Timestamp as WireTime;
use loligo_wire::v3::responses::{
    self, Accounts, Auxiliary, FlexAccount, FlexCurrency, MarginAccount, MarginFigures, OpenPosition,
    Subaccount,
};
use loligo_wire::v3::words::PositionSide;
use uuid::Uuid;

/// What the answer of `/accounts` is made of, all of one moment.
pub(crate) struct Seen {
    wallets: Vec<WalletView>,
    /// Each wallet's pair, in the order of the wallets; empty for cash and flex.
    pairs: Vec<String>,
    positions: Vec<(PositionView, Held)>,
    /// Prices in USD of currencies that flex holds.
    rates: Vec<(Currency, FinePrice)>,
}

/// What is needed to know of a position's contract.
struct Held {
    symbol: String,
    wallet: Wallet,
    size: Decimal,
    mark: Option<FinePrice>,
}

impl Seen {
    pub(crate) fn of(exchange: &Exchange, account: AccountId) -> Self {
        let wallets = exchange.wallets(account);
        let pairs = wallets
            .iter()
            .map(|view| match view.wallet {
                Wallet::Cash | Wallet::Flex => String::new(),
                Wallet::Inverse(pair) => exchange.pair_name(pair).unwrap_or_default().to_owned(),
            })
            .collect();
        let positions = exchange
            .positions(account)
            .into_iter()
            .filter_map(|position| {
                let instrument = exchange.instrument(position.instrument)?;
                let held = Held {
                    symbol: instrument.spec().symbol.to_ascii_lowercase(),
                    wallet: wallet_of(instrument),
                    size: size(loligo_engine::Qty(position.qty), instrument.spec()),
                    mark: exchange.market(position.instrument).and_then(|market| market.mark),
                };
                Some((position, held))
            })
            .collect();
        let held = wallets.iter().filter(|view| view.wallet == Wallet::Flex).flat_map(|view| &view.balances);
        let rates = held.filter_map(|(currency, _)| Some((*currency, rate(exchange, *currency)?))).collect();
        Self { wallets, pairs, positions, rates }
    }

    /// Appends the whole answer. Cash has a row for each of these currencies, of which it may hold none: clients look
    /// them up by name.
    pub(crate) fn write(&self, out: &mut Vec<u8>, currencies: &[Currency], server_time: WireTime) {
        let mut cash = self.balances(Wallet::Cash, str::to_ascii_lowercase);
        for currency in currencies {
            let name = name(currency).to_ascii_lowercase();
            if !cash.iter().any(|(held, _)| *held == name) {
                cash.push((name, Decimal::ZERO));
            }
        }
        let cash = borrow(&cash);
        let inverse: Vec<InverseWallet> =
            self.inverse_wallets().map(|(view, pair)| self.inverse(view, pair)).collect();
        let rows: Vec<_> = inverse.iter().map(|wallet| borrow(&wallet.balances)).collect();
        let margin_accounts: Vec<MarginAccount<'_>> = inverse
            .iter()
            .zip(&rows)
            .map(|(wallet, balances)| MarginAccount {
                wallet: &wallet.name,
                currency: &wallet.currency,
                balances,
                auxiliary: wallet.auxiliary,
                margin_requirements: wallet.requirements,
                trigger_estimates: wallet.estimates,
            })
            .collect();
        let names = self.balances(Wallet::Flex, str::to_owned);
        let currencies = self.flex_currencies(&names);
        let accounts =
            Accounts { cash: &cash, margin_accounts: &margin_accounts, flex: self.flex_account(&currencies) };
        accounts.write(out, server_time);
    }

    /// The wallets of inverse contracts, each with its pair.
    fn inverse_wallets(&self) -> impl Iterator<Item = (&WalletView, &String)> {
        let all = self.wallets.iter().zip(&self.pairs);
        all.filter(|(view, _)| matches!(view.wallet, Wallet::Inverse(_)))
    }

    fn flex(&self) -> Option<&WalletView> {
        self.wallets.iter().find(|view| view.wallet == Wallet::Flex)
    }

    /// A wallet's balances under the dialect's names.
    fn balances(&self, wallet: Wallet, case: fn(&str) -> String) -> Vec<(String, Decimal)> {
        let view = self.wallets.iter().find(|view| view.wallet == wallet);
        let balances = view.map(|view| view.balances.as_slice()).unwrap_or_default();
        balances.iter().map(|(currency, balance)| (case(name(currency)), money(*balance))).collect()
    }

    /// A wallet of inverse contracts (rules 5.2).
    fn inverse(&self, view: &WalletView, pair: &str) -> InverseWallet {
        let currency =
            view.settlement.as_ref().map(|currency| name(currency).to_ascii_lowercase()).unwrap_or_default();
        let mut balances = self.balances(view.wallet, str::to_ascii_lowercase);
        let held = || self.positions.iter().filter(|(_, held)| held.wallet == view.wallet);
        balances.extend(held().map(|(_, held)| (held.symbol.clone(), held.size)));
        let mm = need(view.maintenance_margin);
        InverseWallet {
            name: inverse_name(pair),
            currency,
            balances,
            auxiliary: Auxiliary {
                usd: Decimal::ZERO,
                pv: amount(view.equity),
                pnl: amount(view.unrealized_pnl),
                af: amount(view.available().max(Fine::ZERO)),
                funding: Decimal::ZERO,
            },
            requirements: MarginFigures { im: need(view.initial_margin), mm, lt: mm, tt: Decimal::ZERO },
            estimates: estimates(view, held()),
        }
    }

    /// What the flex wallet holds, under the names that its balances go by.
    fn flex_currencies<'s>(&self, names: &'s [(String, Decimal)]) -> Vec<FlexCurrency<'s>> {
        let balances = self.flex().map(|view| view.balances.as_slice()).unwrap_or_default();
        let named = names.iter().zip(balances);
        named
            .map(|((name, quantity), (currency, balance))| {
                self.flex_currency(name, *quantity, *currency, *balance)
            })
            .collect()
    }

    fn flex_currency<'s>(
        &self,
        name: &'s str,
        quantity: Decimal,
        currency: Currency,
        balance: Money,
    ) -> FlexCurrency<'s> {
        let view = self.flex();
        let counts = view.is_some_and(|view| view.settlement == Some(currency));
        let value = self.value(currency, balance);
        let free = view.map_or(Fine::ZERO, |view| view.available().max(Fine::ZERO)).floor();
        FlexCurrency {
            currency: name,
            quantity,
            value: money(value),
            // Only USD margins positions yet; what does not is no collateral.
            collateral: money(if counts { value } else { Money::ZERO }),
            available: money(if counts { balance.min(free) } else { balance }),
        }
    }

    /// An amount's worth in USD, rounded down; nothing where there is no price.
    fn value(&self, currency: Currency, balance: Money) -> Money {
        if currency == Currency::USD {
            return balance;
        }
        let rate = self.rates.iter().find(|(priced, _)| *priced == currency).map(|(_, rate)| rate.0);
        // 1e-11 of the currency times 1e-11 of the price.
        let worth = rate.and_then(|rate| balance.0.checked_mul(rate / 10_i128.pow(7)));
        Money(worth.map_or(0, |worth| worth.div_euclid(Money::ONE)))
    }

    /// The wallet of linear contracts (rules 5.3).
    fn flex_account<'s>(&self, currencies: &'s [FlexCurrency<'s>]) -> FlexAccount<'s> {
        let Some(view) = self.flex() else { return FlexAccount::default() };
        let worth: Money = view.balances.iter().map(|(currency, held)| self.value(*currency, *held)).sum();
        let collateral = view
            .balances
            .iter()
            .find(|(currency, _)| view.settlement == Some(*currency))
            .map_or(Money::ZERO, |(_, balance)| *balance);
        let pnl = amount(view.unrealized_pnl);
        FlexAccount {
            currencies,
            initial_margin: need(view.initial_margin),
            initial_margin_with_orders: need(view.initial_margin_with_orders),
            maintenance_margin: need(view.maintenance_margin),
            balance_value: money(worth),
            portfolio_value: amount(worth.fine() + view.unrealized_pnl),
            collateral_value: money(collateral),
            pnl,
            unrealized_funding: Decimal::ZERO,
            total_unrealized: pnl,
            total_unrealized_as_margin: pnl,
            available_margin: amount(view.available()),
            margin_equity: amount(view.equity),
        }
    }
}

/// A subaccount and what it holds, all of one moment.
pub(crate) struct SubaccountSeen {
    entry: AccountEntry,
    seen: Seen,
}

impl SubaccountSeen {
    pub(crate) fn of(exchange: &Exchange, entry: AccountEntry) -> Self {
        let seen = Seen::of(exchange, entry.id);
        Self { entry, seen }
    }
}

/// The texts that a subaccount's row is made of.
struct SubaccountRow<'s> {
    entry: &'s AccountEntry,
    seen: &'s Seen,
    cash: Vec<(String, Decimal)>,
    /// Available margin, which may be negative.
    inverse: Vec<(String, Decimal)>,
    flex: Vec<(String, Decimal)>,
}

/// Appends the whole answer of `/subaccounts`.
pub(crate) fn write_subaccounts(
    out: &mut Vec<u8>,
    master: Uuid,
    subaccounts: &[SubaccountSeen],
    server_time: WireTime,
) {
    let rows: Vec<SubaccountRow<'_>> = subaccounts
        .iter()
        .map(|SubaccountSeen { entry, seen }| {
            let margin = |(view, pair): (&WalletView, &String)| {
                (format!("f-{}", pair.to_ascii_lowercase()), amount(view.available()))
            };
            SubaccountRow {
                entry,
                seen,
                cash: seen.balances(Wallet::Cash, str::to_ascii_lowercase),
                inverse: seen.inverse_wallets().map(margin).collect(),
                flex: seen.balances(Wallet::Flex, str::to_ascii_lowercase),
            }
        })
        .collect();
    let borrowed: Vec<_> = rows
        .iter()
        .map(|row| (borrow(&row.cash), borrow(&row.inverse), row.seen.flex_currencies(&row.flex)))
        .collect();
    let shown = rows.iter().zip(&borrowed).map(|(row, (cash, inverse, currencies))| Subaccount {
        account_uid: row.entry.uid,
        // Nobody's address is known here.
        email: "",
        full_name: row.entry.name.as_deref(),
        holding_accounts: cash,
        futures_accounts: inverse,
        flex_account: row.seen.flex_account(currencies),
    });
    responses::write_subaccounts(out, master, shown, server_time);
}

fn borrow(amounts: &[(String, Decimal)]) -> Vec<(&str, Decimal)> {
    amounts.iter().map(|(name, amount)| (name.as_str(), *amount)).collect()
}

struct InverseWallet {
    name: String,
    currency: String,
    balances: Vec<(String, Decimal)>,
    auxiliary: Auxiliary,
    requirements: MarginFigures,
    estimates: MarginFigures,
}

/// A currency as the dialect writes it in wallets: bitcoin is `XBT`.
fn name(currency: &Currency) -> &str {
    match currency.code() {
        "BTC" => "XBT",
        code => code,
    }
}

fn wallet_of(instrument: &Instrument) -> Wallet {
    match instrument.spec().kind {
        ContractKind::Linear => Wallet::Flex,
        ContractKind::Inverse => Wallet::Inverse(instrument.pair()),
    }
}

/// The price of a currency in USD: the index of a contract on it.
fn rate(exchange: &Exchange, currency: Currency) -> Option<FinePrice> {
    exchange
        .instruments()
        .find(|(_, listed)| listed.spec().base == currency && listed.spec().quote == Currency::USD)
        .and_then(|(id, _)| exchange.market(id))
        .and_then(|market| market.index)
}

/// At which mark price the wallet's value comes down to each of its figures, the contracts' marks taken as one
/// (rules 5.2). Zero where there is none.
fn estimates<'p>(
    view: &WalletView,
    positions: impl Iterator<Item = &'p (PositionView, Held)>,
) -> MarginFigures {
    // With n contracts in all, entered at a value of e and holding a balance of b: value(p) = b - e - n / p.
    let (mut contracts, mut entry) = (0_i128, 0_i128);
    let mut mark = None;
    for (position, held) in positions {
        contracts += held.size.at_scale(6).unwrap_or_default();
        entry += position.entry.0;
        mark = mark.or(held.mark);
    }
    let Some(mark) = mark.filter(|_| contracts != 0) else { return MarginFigures::default() };
    let balance: Fine = view
        .balances
        .iter()
        .filter(|(currency, _)| view.settlement == Some(*currency))
        .map(|(_, balance)| balance.fine())
        .sum();
    // Maintenance is taken at mark, so it is m / p: 1e-24 times 1e-18 to 1e-6.
    let kept = (view.maintenance_margin.0 / 10_i128.pow(12))
        .checked_mul(mark.0 / 10_i128.pow(9))
        .map_or(0, |product| product / 10_i128.pow(15));
    let price = |numerator: i128, denominator: i128| {
        // 1e-6 of contracts over 1e-24 of value, to 1e-5: the value to 1e-12 first.
        let units = numerator
            .checked_mul(10_i128.pow(11))
            .and_then(|scaled| scaled.checked_div(denominator / 10_i128.pow(12)))
            .unwrap_or_default();
        Decimal::new(units.max(0), 5)
    };
    let left = balance.0 - entry;
    let mm = price(contracts + kept, left);
    MarginFigures {
        im: price(contracts, left - view.initial_margin.0),
        mm,
        lt: mm,
        tt: price(contracts, left),
    }
}

/// An element of `/openpositions`.
pub(crate) fn position<'d>(
    position: &PositionView,
    directory: &'d Directory,
    last_fill: Timestamp,
) -> Option<OpenPosition<'d>> {
    let instrument = instrument(directory, position.instrument)?;
    let spec = instrument.spec();
    Some(OpenPosition {
        symbol: &spec.symbol,
        side: if position.qty > 0 { PositionSide::Long } else { PositionSide::Short },
        size: size(loligo_engine::Qty(position.qty.abs()), spec),
        price: fine_price(position.average_price),
        fill_time: crate::grid::time(last_fill),
        // None is charged yet; dated contracts never have any.
        unrealized_funding: instrument.is_perpetual().then_some(Decimal::ZERO),
        unrealized_pnl: amount(position.unrealized_pnl),
        pnl_currency: None,
        max_fixed_leverage: position.leverage.map(|leverage| Decimal::new(i128::from(leverage.0), 2)),
    })
}

fn instrument(directory: &Directory, id: InstrumentId) -> Option<&Instrument> {
    directory.instrument(id).map(|instrument| &**instrument)
}
