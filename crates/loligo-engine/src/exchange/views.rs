//! Questions the outside may ask.

use super::Exchange;
use crate::account::MarginWallet;
use crate::collateral::Collateral;
use crate::event::OrderView;
use crate::fees::FeeRates;
use crate::id::{AccountId, Currency, InstrumentId, OrderId, PairId, Price, Qty, Side, Timestamp, Wallet};
use crate::instrument::{Instrument, Leverage, OpenSum};
use crate::margin::{Sides, initial_of, maintenance_of};
use crate::market::Market;
use crate::money::{Fine, Money};
use crate::slot::{OrderSlot, PositionSlot, Slot, WalletSlot};
use crate::view::{AccountView, MarketView, PositionView, WalletView};

impl Exchange {
    /// A listed contract.
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.markets.get(id).map(|market| &market.instrument)
    }

    /// Every listed contract, in order of number.
    pub fn instruments(&self) -> impl Iterator<Item = (InstrumentId, &Instrument)> {
        self.markets.entries().map(|(id, market)| (id, &market.instrument))
    }

    /// A pair by its name.
    pub fn pair_by_name(&self, name: &str) -> Option<PairId> {
        self.pairs.iter().position(|pair| pair.name == name).map(PairId::of_index)
    }

    /// A pair's name.
    pub fn pair_name(&self, id: PairId) -> Option<&str> {
        self.pairs.get(id).map(|pair| pair.name.as_str())
    }

    /// An account.
    pub fn account(&self, id: AccountId) -> Option<AccountView> {
        let account = self.accounts.get(id)?;
        Some(AccountView {
            id,
            parent: account.parent,
            house: account.house,
            active: account.active,
            trading: account.trading,
            self_trade: self.families[account.family].self_trade,
            cancel_all_at: account.cancel_all_at,
            fills: account.fills,
            log_rows: account.log,
        })
    }

    /// What an account's family traded in the thirty days that end with the day of `now`, in USD: what its fees go by. The house
    /// has none.
    pub fn fee_volume(&self, id: AccountId, now: Timestamp) -> Option<Money> {
        let account = self.accounts.get(id)?;
        Some(self.families[account.family].volume_at(now.max(self.now)))
    }

    /// How many accounts there are; their numbers are dense from 0.
    pub fn account_count(&self) -> usize {
        self.accounts.len()
    }

    /// Prices and state of a contract.
    pub fn market(&self, id: InstrumentId) -> Option<MarketView> {
        let market = self.markets.get(id)?;
        let pair = &self.pairs[market.pair()];
        Some(MarketView {
            state: market.state(pair, self.now),
            trading: market.trading,
            index: pair.index,
            mark: market.mark,
            last: market.last.map(Price).or(market.before.map(|trade| trade.price)),
            before: market.before,
            bid: market.book.touch(Side::Buy),
            ask: market.book.touch(Side::Sell),
            open_interest: Qty(market.open_interest),
            dislocation: pair.index.and_then(|index| market.dislocation_at(index, self.now)),
            margin_multiplier: pair.margin_multiplier(),
            level_changes: market.levels,
            trades: market.trades,
            funding: self.funding(id),
            ends_at: market.ends_at(),
            settlement_price: market.ending.price,
        })
    }

    /// Price levels of one side, best first, at most so many.
    pub fn depth(&self, id: InstrumentId, side: Side, levels: usize) -> Vec<(Price, Qty)> {
        self.markets.get(id).map_or_else(Vec::new, |market| {
            market.book.levels(side).take(levels).map(|level| (Price(level.price), Qty(level.qty))).collect()
        })
    }

    /// An order that is open, or was closed in the last five seconds.
    pub fn order(&self, id: OrderId) -> Option<OrderView> {
        self.orders.find(id).map(|slot| self.view(slot))
    }

    /// An order as the world may see it.
    #[inline(always)]
    pub(super) fn view(&self, slot: OrderSlot) -> OrderView {
        let position = &self.positions[self.orders.get(slot).position];
        self.orders.view(slot, position.instrument)
    }

    /// Open orders of an account, by contract, then oldest first.
    pub fn open_orders(&self, account: AccountId) -> Vec<OrderView> {
        self.open_slots(account, None).into_iter().map(|slot| self.view(slot)).collect()
    }

    /// Every order that is open, or was closed in the last five seconds, in order of number.
    pub fn known_orders(&self) -> Vec<OrderView> {
        self.orders.known().map(|slot| self.view(slot)).collect()
    }

    /// An account's positions, by contract.
    pub fn positions(&self, account: AccountId) -> Vec<PositionView> {
        let Some(owner) = self.accounts.get(account) else { return Vec::new() };
        let held = owner.positions.iter().map(|(_, slot)| &self.positions[*slot]);
        held.filter(|position| position.size != 0)
            .map(|position| {
                let market = &self.markets[position.instrument];
                PositionView {
                    instrument: position.instrument,
                    qty: position.size,
                    entry: position.entry,
                    opened_at: position.opened_at,
                    average_price: market.instrument.average_price(position.size, position.entry),
                    unrealized_pnl: market.unrealized(position),
                    unrealized_as_margin: market.unrealized_as_margin(position),
                    unrealized_funding: market.accrued(position, self.now),
                    initial_margin: initial_of(
                        &market.instrument,
                        OpenSum::of(position.size, position.entry),
                    ),
                    maintenance_margin: maintenance_of(&market.instrument, market.at_mark(position.size)),
                    gains_in: position.gains_in.map(Collateral::currency),
                    leverage: position.leverage,
                    set_aside: position.set_aside(),
                }
            })
            .collect()
    }

    /// Who holds which contract, and how many signed lots, which are never zero: in no order that means anything, and the same one
    /// for the same state.
    pub fn holdings(&self) -> impl Iterator<Item = (InstrumentId, AccountId, i64)> {
        let held = self.positions.iter().filter(|position| position.size != 0);
        held.map(|position| (position.instrument, position.account, position.size))
    }

    /// An account's wallets: cash, flex, then its inverse wallets by pair.
    pub fn wallets(&self, account: AccountId) -> Vec<WalletView> {
        let Some(owner) = self.accounts.get(account) else { return Vec::new() };
        let cash = WalletView {
            wallet: Wallet::Cash,
            balances: owner.cash.clone(),
            settlement: None,
            unrealized_pnl: Fine::ZERO,
            unrealized_as_margin: Fine::ZERO,
            equity: Fine::ZERO,
            unrealized_funding: Fine::ZERO,
            isolated_pnl: Fine::ZERO,
            isolated_as_margin: Fine::ZERO,
            set_aside: Fine::ZERO,
            initial_margin: Fine::ZERO,
            initial_margin_with_orders: Fine::ZERO,
            maintenance_margin: Fine::ZERO,
            liquidated: false,
        };
        let mut wallets = vec![cash, self.wallet(account, owner.flex)];
        wallets.extend(owner.inverse_wallets().map(|margin_wallet| self.wallet(account, margin_wallet)));
        wallets
    }

    fn wallet(&self, account: AccountId, margin_wallet_slot: WalletSlot) -> WalletView {
        let owner = &self.accounts[account];
        let margin_wallet: &MarginWallet = &self.margin_wallets[margin_wallet_slot];
        let (mut set_aside, mut isolated_pnl, mut isolated_as_margin) = (Fine::ZERO, Fine::ZERO, Fine::ZERO);
        let (mut unrealized_pnl, mut unrealized_funding, mut as_margin) =
            (Fine::ZERO, Fine::ZERO, Fine::ZERO);
        for slot in self.of_wallet(account, margin_wallet_slot) {
            let position = &self.positions[slot];
            if position.size == 0 {
                continue;
            }
            let market = &self.markets[position.instrument];
            let (pnl, counts) = (market.unrealized(position), market.unrealized_as_margin(position));
            unrealized_funding += market.accrued(position, self.now);
            unrealized_pnl += pnl;
            as_margin += counts;
            if position.leverage.is_some() {
                set_aside += position.set_aside();
                isolated_pnl += pnl;
                isolated_as_margin += counts;
            }
        }
        let of_size = |of: fn(&Market, i64, Fine) -> Fine| {
            self.netted(account, margin_wallet_slot, |position| {
                let market = &self.markets[position.instrument];
                Sides::of(position.size, of(market, position.size, position.entry))
            })
        };
        let initial = of_size(|market, size, entry| initial_of(&market.instrument, OpenSum::of(size, entry)));
        let maintenance = of_size(|market, size, _| maintenance_of(&market.instrument, market.at_mark(size)));
        let equity = self.equity(account, margin_wallet_slot);
        let mut balances = vec![(margin_wallet.currency, margin_wallet.balance)];
        if margin_wallet.wallet == Wallet::Flex {
            balances.extend_from_slice(&owner.flex_other);
            balances.sort_unstable_by_key(|(currency, _)| *currency);
        }
        WalletView {
            wallet: margin_wallet.wallet,
            balances,
            settlement: Some(margin_wallet.currency),
            unrealized_pnl,
            unrealized_funding,
            unrealized_as_margin: as_margin + unrealized_funding,
            equity: equity + isolated_as_margin,
            isolated_pnl,
            isolated_as_margin,
            set_aside,
            initial_margin: initial,
            initial_margin_with_orders: margin_wallet.initial_margin,
            maintenance_margin: maintenance,
            liquidated: self.is_wallet_liquidated(account, margin_wallet_slot),
        }
    }

    /// What liquidations have paid for the losses of others.
    pub fn pool(&self, currency: Currency) -> Money {
        self.pool.get(&currency).copied().unwrap_or(Money::ZERO)
    }

    /// The contracts in which an account's margin is isolated, by number, each with its leverage.
    pub fn leverage_preferences(&self, account: AccountId) -> Vec<(InstrumentId, Leverage)> {
        let Some(owner) = self.accounts.get(account) else { return Vec::new() };
        let preference = |(id, slot): &(InstrumentId, PositionSlot)| {
            self.positions[*slot].leverage.map(|leverage| (*id, leverage))
        };
        owner.positions.iter().filter_map(preference).collect()
    }

    /// What an account pays per fill now.
    pub fn fee_rates(&self, account: AccountId) -> Option<FeeRates> {
        let account = self.accounts.get(account)?;
        Some(self.margin_wallets[account.flex].rates())
    }

    /// Volume of an account's family over the last thirty days, in USD.
    pub fn volume_usd(&self, account: AccountId) -> Option<Money> {
        let account = self.accounts.get(account)?;
        Some(self.families[account.family].volume)
    }
}
