//! Wallets and positions as the dialect shows them.
//!
//! What an account has is rounded down, what is asked of it is rounded up, both at the wallet's 11 decimals.

use crate::grid::{amount, fine_price, money, need, size};
use crate::projection::{AccountEntry, Directory};
use crate::wallets::inverse_name;
use loligo_engine::{
    AccountId, CollateralView, Currency, Exchange, Fine, FlexView, Instrument, InstrumentId, MarkEstimates,
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
    wallets: Vec<WalletSeen>,
    positions: Vec<Held>,
    /// What the flex wallet counts for.
    flex: Option<FlexView>,
}

/// A wallet, with what is told of it beside its own figures.
struct WalletSeen {
    view: WalletView,
    /// Its pair; empty for cash and flex.
    pair: String,
    estimates: MarkEstimates,
}

/// A position as its wallet shows it.
struct Held {
    symbol: String,
    wallet: Wallet,
    size: Decimal,
}

impl Seen {
    pub(crate) fn of(exchange: &Exchange, account: AccountId) -> Self {
        let views = exchange.wallets(account);
        let flex =
            views.iter().find(|view| view.wallet == Wallet::Flex).map(|view| exchange.flex(account, view));
        let seen = |view: WalletView| {
            let (pair, estimates) = match view.wallet {
                Wallet::Cash | Wallet::Flex => (String::new(), MarkEstimates::default()),
                Wallet::Inverse(pair) => (
                    exchange.pair_name(pair).unwrap_or_default().to_owned(),
                    exchange.mark_estimates(account, &view),
                ),
            };
            WalletSeen { view, pair, estimates }
        };
        let positions = exchange.positions(account).into_iter().filter_map(|position| {
            let instrument = exchange.instrument(position.instrument)?;
            Some(Held {
                symbol: instrument.spec().symbol.to_ascii_lowercase(),
                wallet: Wallet::of(instrument),
                size: size(loligo_engine::Qty(position.qty), instrument.spec()),
            })
        });
        Self { positions: positions.collect(), flex, wallets: views.into_iter().map(seen).collect() }
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
        let inverse: Vec<InverseWallet> = self.inverse_wallets().map(|wallet| self.inverse(wallet)).collect();
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

    fn inverse_wallets(&self) -> impl Iterator<Item = &WalletSeen> {
        self.wallets.iter().filter(|wallet| matches!(wallet.view.wallet, Wallet::Inverse(_)))
    }

    fn wallet(&self, wallet: Wallet) -> Option<&WalletView> {
        self.wallets.iter().map(|seen| &seen.view).find(|view| view.wallet == wallet)
    }

    /// A wallet's balances under the dialect's names.
    fn balances(&self, wallet: Wallet, case: fn(&str) -> String) -> Vec<(String, Decimal)> {
        let balances = self.wallet(wallet).map(|view| view.balances.as_slice()).unwrap_or_default();
        balances.iter().map(|(currency, balance)| (case(name(currency)), money(*balance))).collect()
    }

    /// A wallet of inverse contracts (rules 5.2).
    fn inverse(&self, WalletSeen { view, pair, estimates }: &WalletSeen) -> InverseWallet {
        let MarkEstimates { initial, maintenance, nothing } = *estimates;
        let price = |units| Decimal::new(units, 5);
        let currency =
            view.settlement.as_ref().map(|currency| name(currency).to_ascii_lowercase()).unwrap_or_default();
        let mut balances = self.balances(view.wallet, str::to_ascii_lowercase);
        let held = self.positions.iter().filter(|held| held.wallet == view.wallet);
        balances.extend(held.map(|held| (held.symbol.clone(), held.size)));
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
                funding: amount(view.unrealized_funding),
            },
            requirements: MarginFigures { im: need(view.initial_margin), mm, lt: mm, tt: Decimal::ZERO },
            estimates: MarginFigures {
                im: price(initial),
                mm: price(maintenance),
                lt: price(maintenance),
                tt: price(nothing),
            },
        }
    }

    /// What the flex wallet holds, under the names that its balances go by.
    fn flex_currencies<'s>(&self, names: &'s [(String, Decimal)]) -> Vec<FlexCurrency<'s>> {
        let held = self.flex.as_ref().map(|flex| flex.held.as_slice()).unwrap_or_default();
        let row = |((name, quantity), held): (&'s (String, Decimal), &CollateralView)| {
            let CollateralView { value, collateral, available, .. } = *held;
            FlexCurrency {
                currency: name,
                quantity: *quantity,
                value: money(value),
                collateral: money(collateral),
                available: money(available),
            }
        };
        names.iter().zip(held).map(row).collect()
    }

    /// The wallet of linear contracts (rules 5.3).
    fn flex_account<'s>(&self, currencies: &'s [FlexCurrency<'s>]) -> FlexAccount<'s> {
        let (Some(view), Some(flex)) = (self.wallet(Wallet::Flex), &self.flex) else {
            return FlexAccount::default();
        };
        let FlexView { held: _, value, portfolio, collateral } = flex;
        let (pnl, funding) = (view.unrealized_pnl.floor(), view.unrealized_funding.floor());
        FlexAccount {
            currencies,
            initial_margin: need(view.initial_margin),
            initial_margin_with_orders: need(view.initial_margin_with_orders),
            maintenance_margin: need(view.maintenance_margin),
            balance_value: money(*value),
            portfolio_value: amount(*portfolio),
            collateral_value: money(*collateral),
            pnl: money(pnl),
            unrealized_funding: money(funding),
            total_unrealized: money(pnl + funding),
            total_unrealized_as_margin: amount(view.unrealized_as_margin),
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
            let margin = |wallet: &WalletSeen| {
                (format!("f-{}", wallet.pair.to_ascii_lowercase()), amount(wallet.view.available()))
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
pub(crate) fn name(currency: &Currency) -> &str {
    match currency.code() {
        "BTC" => "XBT",
        code => code,
    }
}

/// An element of `/openpositions`.
pub(crate) fn position<'d>(
    position: &'d PositionView,
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
        // Dated contracts have none.
        unrealized_funding: instrument.is_perpetual().then(|| amount(position.unrealized_funding)),
        unrealized_pnl: amount(position.unrealized_pnl),
        // Told where one was chosen.
        pnl_currency: position.gains_in.as_ref().map(Currency::code),
        max_fixed_leverage: position.leverage.map(|leverage| Decimal::new(i128::from(leverage.0), 2)),
    })
}

fn instrument(directory: &Directory, id: InstrumentId) -> Option<&Instrument> {
    directory.instrument(id).map(|instrument| &**instrument)
}
