//! What positions and orders hold, and what is left (rules 5.2 to 5.5, initial margin at the first level).

use super::{Model, figures};
use loligo_engine::{
    AccountId, ContractKind, Currency, InstrumentId, PositionView, Side, Wallet, WalletView,
};
use num_bigint::{BigInt, Sign};
use std::collections::BTreeMap;

impl Model {
    /// The wallet that margins a contract, and the currency it counts in.
    pub fn margin_wallet(&self, instrument: InstrumentId) -> (Wallet, Currency) {
        let contract = self.contract(instrument);
        match contract.spec.kind {
            ContractKind::Linear => (Wallet::Flex, contract.spec.quote),
            ContractKind::Inverse => (Wallet::Inverse(contract.pair), contract.spec.base),
        }
    }

    /// The contracts that a wallet margins.
    fn margined_by(&self, wallet: Wallet) -> Vec<InstrumentId> {
        self.instrument_ids().filter(|id| self.margin_wallet(*id).0 == wallet).collect()
    }

    /// `rate` in millionths of a value, rounded up.
    fn rate(value: &BigInt, rate: u32) -> BigInt {
        figures::up(&(value * rate), &BigInt::from(1_000_000))
    }

    /// Initial margin of a position alone: at its entry value.
    fn position_margin(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let entry = self.position(account, instrument).entry;
        Self::rate(&size(&entry), self.contract(instrument).spec.margin_levels[0].initial)
    }

    /// Maintenance margin of a position at mark.
    fn maintenance(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let contract = self.contract(instrument);
        let Some(mark) = contract.mark else { return BigInt::ZERO };
        let value = contract.value_at_mark(self.position(account, instrument).qty, mark);
        Self::rate(&size(&value), contract.spec.margin_levels[0].maintenance)
    }

    /// Worst value that a position and its orders of one side can come to, if all of that side fill.
    fn worst_value(&self, account: AccountId, instrument: InstrumentId, side: Side) -> BigInt {
        let contract = self.contract(instrument);
        let position = self.position(account, instrument);
        let (mut lots, mut value) = (0, BigInt::ZERO);
        for order in self.orders.iter().filter(|o| {
            o.resting
                && o.view.account == account
                && o.view.instrument == instrument
                && o.view.side == side
                && !o.view.reduce_only
        }) {
            let limit = order.limit();
            lots += order.open();
            value += size(&contract.value(order.open(), limit));
        }
        let standing = position.qty * side.sign();
        if standing >= 0 {
            return size(&position.entry) + value;
        }
        // The position stands against this side: only what exceeds it opens something new.
        let beyond = lots + standing;
        if beyond <= 0 { BigInt::ZERO } else { figures::up(&(value * beyond), &BigInt::from(lots)) }
    }

    /// Initial margin of a contract's position and orders.
    pub(super) fn margin_with_orders(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let worst = self.worst_value(account, instrument, Side::Buy).max(self.worst_value(
            account,
            instrument,
            Side::Sell,
        ));
        Self::rate(&worst, self.contract(instrument).spec.margin_levels[0].initial)
    }

    /// Initial margin of everything that a wallet margins.
    pub(super) fn held(&self, account: AccountId, wallet: Wallet) -> BigInt {
        self.margined_by(wallet).into_iter().map(|i| self.margin_with_orders(account, i)).sum()
    }

    /// Open P&L of one position at mark.
    fn open_pnl(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let position = self.position(account, instrument);
        match self.contract(instrument).mark {
            Some(mark) if position.qty != 0 => {
                self.contract(instrument).value_at_mark(position.qty, mark) - position.entry
            }
            _ => BigInt::ZERO,
        }
    }

    /// Balance in the settlement currency plus open P&L.
    pub(super) fn equity(&self, account: AccountId, wallet: Wallet, currency: Currency) -> BigInt {
        let balance = figures::fine(self.balance(account, wallet, currency));
        self.margined_by(wallet).into_iter().map(|i| self.open_pnl(account, i)).sum::<BigInt>() + balance
    }

    /// Non-zero positions by contract.
    pub fn positions(&self, account: AccountId) -> Vec<PositionView> {
        let held = self.instrument_ids().filter(|i| self.position(account, *i).qty != 0);
        held.map(|instrument| {
            let position = self.position(account, instrument);
            PositionView {
                instrument,
                qty: position.qty,
                entry: figures::as_fine(&position.entry),
                average_price: self.contract(instrument).average_price(position.qty, &position.entry),
                unrealized_pnl: figures::as_fine(&self.open_pnl(account, instrument)),
            }
        })
        .collect()
    }

    /// One wallet as the engine would show it.
    pub fn wallet(&self, account: AccountId, wallet: Wallet) -> WalletView {
        let settlement = match wallet {
            Wallet::Cash => None,
            Wallet::Flex => Some(Currency::USD),
            Wallet::Inverse(_) => self.margined_by(wallet).first().map(|i| self.contract(*i).spec.base),
        };
        let kept = self.accounts[account.0 as usize].balances.iter().filter(|((w, _), _)| *w == wallet);
        let mut balances: BTreeMap<_, _> = kept.map(|((_, currency), money)| (*currency, *money)).collect();
        if let Some(currency) = settlement {
            balances.entry(currency).or_default();
        }
        let sum = |figure: &dyn Fn(InstrumentId) -> BigInt| {
            figures::as_fine(&self.margined_by(wallet).into_iter().map(figure).sum())
        };
        WalletView {
            wallet,
            balances: balances.into_iter().collect(),
            settlement,
            unrealized_pnl: sum(&|i| self.open_pnl(account, i)),
            equity: settlement
                .map_or(loligo_engine::Fine::ZERO, |c| figures::as_fine(&self.equity(account, wallet, c))),
            initial_margin: sum(&|i| self.position_margin(account, i)),
            initial_margin_with_orders: sum(&|i| self.margin_with_orders(account, i)),
            maintenance_margin: sum(&|i| self.maintenance(account, i)),
        }
    }
}

/// A value without its sign.
pub(super) fn size(value: &BigInt) -> BigInt {
    if value.sign() == Sign::Minus { -value } else { value.clone() }
}
