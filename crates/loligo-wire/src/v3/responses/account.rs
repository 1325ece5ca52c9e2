//! Answers about one account: wallets, positions, fills; and what trading costs.

use uuid::Uuid;

use crate::decimal::Decimal;
use crate::json::{Object, write_array, write_success};
use crate::time::Timestamp;
use crate::v3::words::{FillType, PositionSide, Side};

/// The answer of `/accounts`: every wallet of the account.
#[derive(Clone, Copy, Debug)]
pub struct Accounts<'a> {
    /// The holding wallet: amounts by currency, in lower case.
    pub cash: &'a [(&'a str, Decimal)],
    /// The single-collateral wallets.
    pub margin_accounts: &'a [MarginAccount<'a>],
    /// The multi-collateral wallet.
    pub flex: FlexAccount<'a>,
}

/// A single-collateral wallet.
#[derive(Clone, Copy, Debug)]
pub struct MarginAccount<'a> {
    /// Its name, in lower case, such as `fi_xbtusd`.
    pub wallet: &'a str,
    /// Its currency, in lower case.
    pub currency: &'a str,
    /// Amounts by currency, and sizes of positions by symbol, both in lower case; short positions are negative.
    pub balances: &'a [(&'a str, Decimal)],
    /// What it is worth.
    pub auxiliary: Auxiliary,
    /// The margin that its positions need.
    pub margin_requirements: MarginFigures,
    /// At which index price each of those would be met; zero if there is none.
    pub trigger_estimates: MarginFigures,
}

/// What a single-collateral wallet is worth, in its currency.
#[derive(Clone, Copy, Debug, Default)]
pub struct Auxiliary {
    /// Balance of the counter currency.
    pub usd: Decimal,
    /// Portfolio value.
    pub pv: Decimal,
    /// Unrealised profit.
    pub pnl: Decimal,
    /// Available funds.
    pub af: Decimal,
    /// Unrealised funding.
    pub funding: Decimal,
}

/// A figure for each level of margin.
#[derive(Clone, Copy, Debug, Default)]
pub struct MarginFigures {
    /// Initial margin.
    pub im: Decimal,
    /// Maintenance margin.
    pub mm: Decimal,
    /// Liquidation threshold.
    pub lt: Decimal,
    /// Termination threshold.
    pub tt: Decimal,
}

/// The multi-collateral wallet; amounts in USD.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlexAccount<'a> {
    /// What it holds.
    pub currencies: &'a [FlexCurrency<'a>],
    /// Margin of the positions.
    pub initial_margin: Decimal,
    /// The same with open orders.
    pub initial_margin_with_orders: Decimal,
    /// Maintenance margin.
    pub maintenance_margin: Decimal,
    /// Value of all collateral.
    pub balance_value: Decimal,
    /// The same with unrealised profit.
    pub portfolio_value: Decimal,
    /// Value of all collateral after haircuts.
    pub collateral_value: Decimal,
    /// Unrealised profit.
    pub pnl: Decimal,
    /// Unrealised funding.
    pub unrealized_funding: Decimal,
    /// Profit and funding together.
    pub total_unrealized: Decimal,
    /// The same after haircut.
    pub total_unrealized_as_margin: Decimal,
    /// Equity less initial margin.
    pub available_margin: Decimal,
    /// Collateral value and the unrealised total after haircut.
    pub margin_equity: Decimal,
}

/// A currency in the multi-collateral wallet.
#[derive(Clone, Copy, Debug)]
pub struct FlexCurrency<'a> {
    /// Its name, in upper case (in the list of subaccounts in lower case).
    pub currency: &'a str,
    /// The amount held.
    pub quantity: Decimal,
    /// Its value in USD.
    pub value: Decimal,
    /// Its value in USD after haircut.
    pub collateral: Decimal,
    /// The amount that could be withdrawn.
    pub available: Decimal,
}

impl Accounts<'_> {
    /// Appends the whole answer.
    pub fn write(&self, out: &mut Vec<u8>, server_time: Timestamp) {
        let Self { cash: balances, margin_accounts, flex } = *self;
        write_success(out, server_time, |answer| {
            let mut accounts = Object::new(answer.member("accounts"));
            let mut cash = Object::new(accounts.member("cash"));
            cash.string("type", "cashAccount");
            write_balances(&mut cash, balances);
            cash.end();
            for account in margin_accounts {
                account.write(accounts.member(account.wallet));
            }
            flex.write(accounts.member("flex"));
            accounts.end();
        });
    }
}

/// Balances travel as strings.
fn write_balances(object: &mut Object<'_>, amounts: &[(&str, Decimal)]) {
    let mut balances = Object::new(object.member("balances"));
    for (name, amount) in amounts {
        balances.decimal_string(name, *amount);
    }
    balances.end();
}

impl MarginAccount<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        // The wallet is the name that it stands under.
        let Self { wallet: _, currency, balances, auxiliary, margin_requirements, trigger_estimates } = *self;
        let Auxiliary { usd, pv, pnl, af, funding } = auxiliary;
        let mut account = Object::new(out);
        account.string("type", "marginAccount");
        account.string("currency", currency);
        write_balances(&mut account, balances);
        let mut auxiliary = Object::new(account.member("auxiliary"));
        auxiliary.decimal("usd", usd);
        auxiliary.decimal("pv", pv);
        auxiliary.decimal("pnl", pnl);
        auxiliary.decimal("af", af);
        auxiliary.decimal("funding", funding);
        auxiliary.end();
        margin_requirements.write(account.member("marginRequirements"));
        trigger_estimates.write(account.member("triggerEstimates"));
        account.end();
    }
}

impl MarginFigures {
    fn write(&self, out: &mut Vec<u8>) {
        let Self { im, mm, lt, tt } = *self;
        let mut figures = Object::new(out);
        figures.decimal("im", im);
        figures.decimal("mm", mm);
        figures.decimal("lt", lt);
        figures.decimal("tt", tt);
        figures.end();
    }
}

impl FlexAccount<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut account = Object::new(out);
        account.string("type", "multiCollateralMarginAccount");
        let mut currencies = Object::new(account.member("currencies"));
        for currency in self.currencies {
            let mut held = Object::new(currencies.member(currency.currency));
            currency.write_members(&mut held);
            held.end();
        }
        currencies.end();
        self.write_figures(&mut account);
        account.end();
    }

    /// As the list of subaccounts shows it: without a type, and with its currencies as a list.
    fn write_in_list(&self, out: &mut Vec<u8>) {
        let mut account = Object::new(out);
        write_array(account.member("currencies"), self.currencies, |out, currency| {
            let mut held = Object::new(out);
            held.string("currency", currency.currency);
            currency.write_members(&mut held);
            held.end();
        });
        self.write_figures(&mut account);
        account.end();
    }

    fn write_figures(&self, account: &mut Object<'_>) {
        // The currencies come before, in the form of each place.
        let Self {
            currencies: _,
            initial_margin,
            initial_margin_with_orders,
            maintenance_margin,
            balance_value,
            portfolio_value,
            collateral_value,
            pnl,
            unrealized_funding,
            total_unrealized,
            total_unrealized_as_margin,
            available_margin,
            margin_equity,
        } = *self;
        account.decimal("initialMargin", initial_margin);
        account.decimal("initialMarginWithOrders", initial_margin_with_orders);
        account.decimal("maintenanceMargin", maintenance_margin);
        account.decimal("balanceValue", balance_value);
        account.decimal("portfolioValue", portfolio_value);
        account.decimal("collateralValue", collateral_value);
        account.decimal("pnl", pnl);
        account.decimal("unrealizedFunding", unrealized_funding);
        account.decimal("totalUnrealized", total_unrealized);
        account.decimal("totalUnrealizedAsMargin", total_unrealized_as_margin);
        account.decimal("availableMargin", available_margin);
        account.decimal("marginEquity", margin_equity);
    }
}

impl FlexCurrency<'_> {
    fn write_members(&self, held: &mut Object<'_>) {
        // The currency is named before, in the form of each place.
        let Self { currency: _, quantity, value, collateral, available } = *self;
        held.decimal("quantity", quantity);
        held.decimal("value", value);
        held.decimal("collateral", collateral);
        held.decimal("available", available);
    }
}

/// A subaccount with what it holds.
#[derive(Clone, Copy, Debug)]
pub struct Subaccount<'a> {
    /// Its id.
    pub account_uid: Uuid,
    /// The address of whoever uses it.
    pub email: &'a str,
    /// The name of whoever uses it.
    pub full_name: Option<&'a str>,
    /// The holding wallet: amounts by currency, in lower case.
    pub holding_accounts: &'a [(&'a str, Decimal)],
    /// The single-collateral wallets: available margin by name, in lower case, such as `f-xbt:usd`.
    pub futures_accounts: &'a [(&'a str, Decimal)],
    /// The multi-collateral wallet. Its currencies are in lower case here.
    pub flex_account: FlexAccount<'a>,
}

/// Appends the whole answer of `/subaccounts`. Amounts travel as numbers here.
pub fn write_subaccounts<'a>(
    out: &mut Vec<u8>,
    master_account_uid: Uuid,
    subaccounts: impl IntoIterator<Item = Subaccount<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        answer.uuid("masterAccountUid", master_account_uid);
        write_array(answer.member("subaccounts"), subaccounts, |out, subaccount| {
            let Subaccount {
                account_uid,
                email,
                full_name,
                holding_accounts,
                futures_accounts,
                flex_account,
            } = subaccount;
            let mut element = Object::new(out);
            element.uuid("accountUid", account_uid);
            element.string("email", email);
            element.opt_string("fullName", full_name);
            write_array(element.member("holdingAccounts"), holding_accounts, |out, (currency, amount)| {
                let mut held = Object::new(out);
                held.string("currency", currency);
                held.decimal("amount", *amount);
                held.end();
            });
            write_array(
                element.member("futuresAccounts"),
                futures_accounts,
                |out, (name, available_margin)| {
                    let mut wallet = Object::new(out);
                    wallet.string("name", name);
                    wallet.decimal("availableMargin", *available_margin);
                    wallet.end();
                },
            );
            flex_account.write_in_list(element.member("flexAccount"));
            element.end();
        });
    });
}

/// An open position.
#[derive(Clone, Copy, Debug)]
pub struct OpenPosition<'a> {
    /// The market, in upper case.
    pub symbol: &'a str,
    /// Long or short.
    pub side: PositionSide,
    /// Its size, never negative.
    pub size: Decimal,
    /// The average entry price.
    pub price: Decimal,
    /// When it last traded.
    pub fill_time: Timestamp,
    /// Unrealised funding; dated markets have none.
    pub unrealized_funding: Option<Decimal>,
    /// Unrealised profit.
    pub unrealized_pnl: Decimal,
    /// The currency in which profit is realised, if it was chosen.
    pub pnl_currency: Option<&'a str>,
    /// The leverage of an isolated position.
    pub max_fixed_leverage: Option<Decimal>,
}

/// Appends the whole answer of `/openpositions`.
pub fn write_open_positions<'a>(
    out: &mut Vec<u8>,
    positions: impl IntoIterator<Item = OpenPosition<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("openPositions"), positions, |out, position| {
            let OpenPosition {
                symbol,
                side,
                size,
                price,
                fill_time,
                unrealized_funding,
                unrealized_pnl,
                pnl_currency,
                max_fixed_leverage,
            } = position;
            let mut element = Object::new(out);
            element.string("side", side.as_str());
            element.string("symbol", symbol);
            element.decimal("price", price);
            element.time("fillTime", fill_time);
            element.decimal("size", size);
            element.decimal_if_some("unrealizedFunding", unrealized_funding);
            element.decimal("unrealizedPnl", unrealized_pnl);
            element.string_if_some("pnlCurrency", pnl_currency);
            element.decimal_if_some("maxFixedLeverage", max_fixed_leverage);
            element.end();
        });
    });
}

/// A fill of the account's own.
#[derive(Clone, Copy, Debug)]
pub struct Fill<'a> {
    /// The id of the trade.
    pub fill_id: Uuid,
    /// The market, in upper case.
    pub symbol: &'a str,
    /// The side of the account's order.
    pub side: Side,
    /// The account's order.
    pub order_id: Uuid,
    /// The client's own id of it.
    pub cli_ord_id: Option<&'a str>,
    /// The size of the trade.
    pub size: Decimal,
    /// The price of the trade.
    pub price: Decimal,
    /// When it happened.
    pub fill_time: Timestamp,
    /// How it came about.
    pub fill_type: FillType,
    /// Realised profit, zero for what opened a position; none where it is not told.
    pub realized_pnl: Option<Decimal>,
    /// Its number in the order of trades.
    pub sequence_id: u64,
}

/// Appends the whole answer of `/fills`, newest first as given.
pub fn write_fills<'a>(out: &mut Vec<u8>, fills: impl IntoIterator<Item = Fill<'a>>, server_time: Timestamp) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("fills"), fills, |out, fill| {
            let Fill {
                fill_id,
                symbol,
                side,
                order_id,
                cli_ord_id,
                size,
                price,
                fill_time,
                fill_type,
                realized_pnl,
                sequence_id,
            } = fill;
            let mut element = Object::new(out);
            element.uuid("fill_id", fill_id);
            element.string("symbol", symbol);
            element.string("side", side.as_str());
            element.uuid("order_id", order_id);
            // One widespread client reads the snake case alone.
            element.string_if_some("cliOrdId", cli_ord_id);
            element.string_if_some("cli_ord_id", cli_ord_id);
            element.decimal("size", size);
            element.decimal("price", price);
            element.time("fillTime", fill_time);
            element.string("fillType", fill_type.as_str());
            element.opt_decimal("realized_pnl", realized_pnl);
            element.int_string("sequence_id", sequence_id);
            element.end();
        });
    });
}

/// What trading costs, by volume.
#[derive(Clone, Copy, Debug)]
pub struct FeeSchedule<'a> {
    /// Its id.
    pub uid: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its tiers, from the smallest volume on.
    pub tiers: &'a [FeeTier],
}

/// A tier of a fee schedule.
#[derive(Clone, Copy, Debug)]
pub struct FeeTier {
    /// The maker's fee, in per cent.
    pub maker_fee: Decimal,
    /// The taker's fee, in per cent.
    pub taker_fee: Decimal,
    /// From which volume of 30 days in USD it applies.
    pub usd_volume: Decimal,
}

/// Appends the whole answer of `/feeschedules`.
pub fn write_fee_schedules<'a>(
    out: &mut Vec<u8>,
    schedules: impl IntoIterator<Item = FeeSchedule<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("feeSchedules"), schedules, |out, schedule| {
            let FeeSchedule { uid, name, tiers } = schedule;
            let mut element = Object::new(out);
            element.string("uid", uid);
            element.string("name", name);
            write_array(element.member("tiers"), tiers, |out, tier| {
                let FeeTier { maker_fee, taker_fee, usd_volume } = *tier;
                let mut element = Object::new(out);
                element.decimal("makerFee", maker_fee);
                element.decimal("takerFee", taker_fee);
                element.decimal("usdVolume", usd_volume);
                element.end();
            });
            element.end();
        });
    });
}

/// Appends the whole answer of `/feeschedules/volumes`: what was traded in thirty days, in USD, by the id of a schedule.
pub fn write_fee_schedule_volumes<'a>(
    out: &mut Vec<u8>,
    volumes: impl IntoIterator<Item = (&'a str, Decimal)>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        let mut by_schedule = Object::new(answer.member("volumesByFeeSchedule"));
        for (uid, volume) in volumes {
            by_schedule.decimal(uid, volume);
        }
        by_schedule.end();
    });
}
