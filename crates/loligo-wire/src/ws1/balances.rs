//! The private feeds of an account's wallets: `balances`, and the older `account_balances_and_margins`.

use uuid::Uuid;

use super::words::Feed;
use crate::decimal::Decimal;
use crate::json::{Object, write_array};
use crate::time::Timestamp;

/// A single-collateral wallet; amounts in its currency.
#[derive(Clone, Copy, Debug)]
pub struct SingleWallet<'a> {
    /// Its name, such as `F-XBT:USD`.
    pub name: &'a str,
    /// What it trades, such as `XBT/USD`.
    pub pair: &'a str,
    /// Its currency, in upper case.
    pub unit: &'a str,
    /// Balance with all that is unrealised.
    pub portfolio_value: Decimal,
    /// What it holds.
    pub balance: Decimal,
    /// Maintenance margin.
    pub maintenance_margin: Decimal,
    /// Initial margin with open orders.
    pub initial_margin: Decimal,
    /// What is free.
    pub available: Decimal,
    /// Unrealised funding.
    pub unrealized_funding: Decimal,
    /// Unrealised profit.
    pub pnl: Decimal,
    /// What the balance is worth in USD.
    pub cash_value: Option<Decimal>,
}

/// A currency in the multi-collateral wallet.
#[derive(Clone, Copy, Debug)]
pub struct Collateral<'a> {
    /// Its name, in upper case.
    pub currency: &'a str,
    /// The amount held.
    pub quantity: Decimal,
    /// Its value in USD.
    pub value: Decimal,
    /// Its value in USD after haircut.
    pub collateral_value: Decimal,
    /// The amount that could leave.
    pub available: Decimal,
    /// The haircut, as a fraction.
    pub haircut: Decimal,
    /// What a conversion costs, as a fraction.
    pub conversion_spread: Decimal,
}

/// Margin and what is unrealised, in USD: of a wallet, its cross positions, or one isolated position.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unrealized {
    /// Initial margin with open orders.
    pub initial_margin: Decimal,
    /// Initial margin of the positions alone.
    pub initial_margin_without_orders: Decimal,
    /// Maintenance margin.
    pub maintenance_margin: Decimal,
    /// Unrealised profit.
    pub pnl: Decimal,
    /// Unrealised funding.
    pub unrealized_funding: Decimal,
    /// Profit and funding together.
    pub total_unrealized: Decimal,
    /// The same as far as it counts as margin.
    pub total_unrealized_as_margin: Decimal,
}

/// What a wallet is worth, in USD: the whole multi-collateral wallet, or its cross positions with all collateral.
#[derive(Clone, Copy, Debug, Default)]
pub struct Equity {
    /// Margin and what is unrealised.
    pub unrealized: Unrealized,
    /// Value of all collateral.
    pub balance_value: Decimal,
    /// The same with all that is unrealised.
    pub portfolio_value: Decimal,
    /// Value of all collateral after haircuts.
    pub collateral_value: Decimal,
    /// Collateral value and what of the unrealised counts as margin.
    pub margin_equity: Decimal,
    /// Equity less initial margin.
    pub available_margin: Decimal,
    /// Value of all positions.
    pub total_position_size: Option<Decimal>,
}

/// The multi-collateral wallet.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlexWallet<'a> {
    /// What it holds.
    pub currencies: &'a [Collateral<'a>],
    /// What it is worth.
    pub equity: Equity,
    /// Its isolated positions, by market in upper case.
    pub isolated: &'a [(&'a str, Unrealized)],
    /// Its cross positions.
    pub cross: Equity,
    /// The value of the cross positions over their equity.
    pub effective_leverage: Decimal,
}

/// All wallets of an account, as a subscription begins with them.
#[derive(Clone, Copy, Debug)]
pub struct Wallets<'a> {
    /// The holding wallet: amounts by currency in upper case.
    pub holding: &'a [(&'a str, Decimal)],
    /// The single-collateral wallets.
    pub futures: &'a [SingleWallet<'a>],
    /// The multi-collateral wallet.
    pub flex_futures: FlexWallet<'a>,
    /// What the single-collateral wallets hold, in USD.
    pub futures_cash_value: Option<Decimal>,
    /// Their unrealised profit, in USD.
    pub futures_upnl_cash_value: Option<Decimal>,
}

/// The wallets that changed; each replaces what was told of it before.
#[derive(Clone, Copy, Debug)]
pub enum ChangedWallets<'a> {
    /// Amounts of the holding wallet by currency in upper case, and single-collateral wallets; either list may be empty.
    Single {
        /// Amounts by currency.
        holding: &'a [(&'a str, Decimal)],
        /// Wallets.
        futures: &'a [SingleWallet<'a>],
    },
    /// The multi-collateral wallet.
    Flex(&'a FlexWallet<'a>),
}

impl Wallets<'_> {
    /// Appends the first message of a subscription, whose `seq` is 0.
    pub fn write_snapshot(&self, out: &mut Vec<u8>, account: Uuid, timestamp: Timestamp) {
        let mut message = Object::new(out);
        message.string("feed", "balances_snapshot");
        message.uuid("account", account);
        write_holding(message.member("holding"), self.holding);
        write_futures(message.member("futures"), self.futures);
        self.flex_futures.write(message.member("flex_futures"));
        message.decimal_if_some("futures_cash_value", self.futures_cash_value);
        message.decimal_if_some("futures_upnl_cash_value", self.futures_upnl_cash_value);
        message.epoch_millis("timestamp", timestamp);
        message.int("seq", 0);
        message.end();
    }
}

impl ChangedWallets<'_> {
    /// Appends a change. `seq` goes up by one with each message of a subscription.
    pub fn write(&self, out: &mut Vec<u8>, account: Uuid, timestamp: Timestamp, seq: u64) {
        let mut message = Object::new(out);
        message.string("feed", Feed::Balances.as_str());
        message.uuid("account", account);
        match self {
            Self::Single { holding, futures } => {
                write_holding(message.member("holding"), holding);
                write_futures(message.member("futures"), futures);
            }
            Self::Flex(flex) => flex.write(message.member("flex_futures")),
        }
        message.epoch_millis("timestamp", timestamp);
        message.int("seq", seq);
        message.end();
    }
}

fn write_holding(out: &mut Vec<u8>, amounts: &[(&str, Decimal)]) {
    let mut holding = Object::new(out);
    for (currency, amount) in amounts {
        holding.decimal(currency, *amount);
    }
    holding.end();
}

fn write_futures(out: &mut Vec<u8>, wallets: &[SingleWallet<'_>]) {
    let mut futures = Object::new(out);
    for wallet in wallets {
        let mut object = Object::new(futures.member(wallet.name));
        object.string("name", wallet.name);
        object.string("pair", wallet.pair);
        object.string("unit", wallet.unit);
        object.decimal("portfolio_value", wallet.portfolio_value);
        object.decimal("balance", wallet.balance);
        object.decimal("maintenance_margin", wallet.maintenance_margin);
        object.decimal("initial_margin", wallet.initial_margin);
        object.decimal("available", wallet.available);
        object.decimal("unrealized_funding", wallet.unrealized_funding);
        object.decimal("pnl", wallet.pnl);
        object.decimal_if_some("cash_value", wallet.cash_value);
        object.end();
    }
    futures.end();
}

impl FlexWallet<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut wallet = Object::new(out);
        let mut currencies = Object::new(wallet.member("currencies"));
        for held in self.currencies {
            let mut currency = Object::new(currencies.member(held.currency));
            currency.decimal("quantity", held.quantity);
            currency.decimal("value", held.value);
            currency.decimal("collateral_value", held.collateral_value);
            currency.decimal("available", held.available);
            currency.decimal("haircut", held.haircut);
            currency.decimal("conversion_spread", held.conversion_spread);
            currency.end();
        }
        currencies.end();
        self.equity.write_members(&mut wallet);
        // There are no accounts here whose wallets are one with those of a spot venue.
        wallet.bool("unified_balances", false);
        let mut isolated = Object::new(wallet.member("isolated"));
        for (symbol, margin) in self.isolated {
            let mut position = Object::new(isolated.member(symbol));
            margin.write_members(&mut position);
            position.end();
        }
        isolated.end();
        let mut cross = Object::new(wallet.member("cross"));
        self.cross.write_members(&mut cross);
        cross.decimal("effective_leverage", self.effective_leverage);
        cross.end();
        wallet.end();
    }
}

impl Unrealized {
    fn write_members(&self, object: &mut Object<'_>) {
        object.decimal("initial_margin", self.initial_margin);
        object.decimal("initial_margin_without_orders", self.initial_margin_without_orders);
        object.decimal("maintenance_margin", self.maintenance_margin);
        object.decimal("pnl", self.pnl);
        object.decimal("unrealized_funding", self.unrealized_funding);
        object.decimal("total_unrealized", self.total_unrealized);
        object.decimal("total_unrealized_as_margin", self.total_unrealized_as_margin);
    }
}

impl Equity {
    fn write_members(&self, object: &mut Object<'_>) {
        object.decimal("balance_value", self.balance_value);
        object.decimal("portfolio_value", self.portfolio_value);
        object.decimal("collateral_value", self.collateral_value);
        self.unrealized.write_members(object);
        object.decimal("margin_equity", self.margin_equity);
        object.decimal("available_margin", self.available_margin);
        object.decimal_if_some("total_position_size", self.total_position_size);
    }
}

/// A wallet as the older feed tells of it; amounts in its currency, of the multi-collateral wallet in USD.
#[derive(Clone, Copy, Debug)]
pub struct MarginAccount<'a> {
    /// Its name: `f-xbt:usd`, `flex`, or the currency of a holding wallet; in lower case.
    pub name: &'a str,
    /// What it holds.
    pub balance: Decimal,
    /// Unrealised profit.
    pub pnl: Decimal,
    /// Portfolio value.
    pub pv: Decimal,
    /// What is free.
    pub am: Decimal,
    /// Initial margin with open orders.
    pub im: Decimal,
    /// Maintenance margin.
    pub mm: Decimal,
    /// Unrealised funding.
    pub funding: Option<Decimal>,
}

/// Appends all wallets of an account in the older form: every message is the whole list, the first one of a subscription
/// has `seq` 0.
pub fn write_account_balances_and_margins<'a>(
    out: &mut Vec<u8>,
    account: Uuid,
    margin_accounts: impl IntoIterator<Item = MarginAccount<'a>>,
    seq: u64,
) {
    let mut message = Object::new(out);
    message.string("feed", Feed::AccountBalancesAndMargins.as_str());
    message.uuid("account", account);
    write_array(message.member("margin_accounts"), margin_accounts, |out, wallet| {
        let mut element = Object::new(out);
        element.string("name", wallet.name);
        element.decimal("balance", wallet.balance);
        element.decimal("pnl", wallet.pnl);
        element.decimal("pv", wallet.pv);
        element.decimal("am", wallet.am);
        element.decimal("im", wallet.im);
        element.decimal("mm", wallet.mm);
        element.decimal_if_some("funding", wallet.funding);
        element.end();
    });
    message.int("seq", seq);
    message.end();
}
