//! What an account's wallets and positions come to, as the exchange itself reckons it: made by the writer for those who follow
//! an account's money, so that nobody reckons margin a second time.

use super::Applied;
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use loligo_engine::{
    AccountId, Event, Exchange, FinePrice, FlexView, Money, PositionRisk, PositionView, Timestamp, Wallet,
    WalletView,
};

/// All wallets and positions of an account, after one record.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) account: AccountId,
    /// The last record that is in it.
    pub(crate) sequence: u64,
    pub(crate) time: Timestamp,
    pub(crate) wallets: Vec<WalletStated>,
    /// What the flex wallet counts for.
    pub(crate) flex: Option<FlexView>,
    pub(crate) positions: Vec<PositionStated>,
}

/// A wallet, and beside its own figures what its balance in the settlement currency is worth in USD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WalletStated {
    pub(crate) view: WalletView,
    /// Of inverse wallets; absent without a price.
    pub(crate) usd_value: Option<Money>,
    /// The same of its open P&L.
    pub(crate) usd_pnl: Option<Money>,
}

/// A position at the prices it is judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PositionStated {
    pub(crate) view: PositionView,
    pub(crate) wallet: Wallet,
    pub(crate) risk: PositionRisk,
    pub(crate) mark: Option<FinePrice>,
    pub(crate) index: Option<FinePrice>,
}

impl Statement {
    pub(crate) fn of(exchange: &Exchange, account: AccountId, sequence: u64) -> Self {
        let views = exchange.wallets(account);
        let flex =
            views.iter().find(|view| view.wallet == Wallet::Flex).map(|view| exchange.flex(account, view));
        let stated = |view: WalletView| {
            let worth = |amount| match (view.wallet, view.settlement) {
                (Wallet::Inverse(_), Some(currency)) => exchange.usd_value(currency, amount),
                _ => None,
            };
            let held = view.balances.iter().filter(|(currency, _)| Some(*currency) == view.settlement);
            let balance = held.map(|(_, balance)| *balance).sum();
            let (usd_value, usd_pnl) = (worth(balance), worth(view.unrealized_pnl.floor()));
            WalletStated { view, usd_value, usd_pnl }
        };
        let positions = exchange.positions(account).into_iter().filter_map(|view| {
            let (id, market) = (view.instrument, exchange.market(view.instrument)?);
            Some(PositionStated {
                wallet: Wallet::of(exchange.instrument(id)?),
                risk: exchange.position_risk(account, id)?,
                mark: market.mark,
                index: market.index,
                view,
            })
        });
        Self {
            account,
            sequence,
            time: exchange.now(),
            positions: positions.collect(),
            flex,
            wallets: views.into_iter().map(stated).collect(),
        }
    }

    /// Whether what the wallets hold and are worth is the same.
    pub(crate) fn has_wallets_of(&self, other: &Self) -> bool {
        (&self.wallets, &self.flex) == (&other.wallets, &other.flex)
            && self.isolated().eq(other.isolated())
            && self.exposures().eq(other.exposures())
    }

    /// Isolated positions, which wallets tell of by themselves.
    pub(crate) fn isolated(&self) -> impl Iterator<Item = &PositionStated> {
        self.positions.iter().filter(|position| position.view.leverage.is_some())
    }

    fn exposures(&self) -> impl Iterator<Item = (Wallet, loligo_engine::Fine)> {
        self.positions.iter().map(|position| (position.wallet, position.risk.value_at_mark))
    }
}

/// Whose money a commit under way has touched.
#[derive(Default)]
pub(crate) struct Touched {
    accounts: HashSet<AccountId, FixedState>,
    /// Index or mark prices changed, and with them what positions are worth.
    prices: bool,
}

impl Touched {
    pub(crate) fn clear(&mut self) {
        self.accounts.clear();
        self.prices = false;
    }

    /// Whether an account's money is another now; true within when something happened to the account itself, and not to prices
    /// alone.
    pub(crate) fn of(&self, account: AccountId) -> Option<bool> {
        let itself = self.accounts.contains(&account);
        (itself || self.prices).then_some(itself)
    }

    pub(crate) fn note(&mut self, applied: Applied<'_>) {
        for event in applied.events {
            match event {
                Event::Executed(execution) => {
                    self.accounts.extend([execution.taker.account, execution.maker.account]);
                }
                Event::Placed { order, .. }
                | Event::Fired { order, .. }
                | Event::ActivationFailed { order }
                | Event::Repriced { order }
                | Event::Cancelled { order }
                | Event::Reduced { order, .. } => {
                    self.accounts.insert(order.account);
                }
                Event::Edited { change, .. } => {
                    self.accounts.insert(change.order.account);
                }
                Event::Funding(booked) => {
                    self.accounts.insert(booked.account);
                }
                Event::Settled(settlement) => {
                    self.accounts.insert(settlement.account);
                }
                Event::Balance { account, .. }
                | Event::Leverage { account, .. }
                | Event::PnlPreference { account, .. } => {
                    self.accounts.insert(*account);
                }
                Event::Converted(conversion) => {
                    self.accounts.insert(conversion.account);
                }
                Event::Interest(paid) => {
                    self.accounts.insert(paid.account);
                }
                Event::Index { .. } | Event::Mark { .. } => self.prices = true,
                Event::Listed { .. }
                | Event::FundingRate { .. }
                | Event::AssignmentProgram(_)
                | Event::Pool { .. }
                | Event::Delisting { .. }
                | Event::SettlementPrice { .. }
                | Event::Past { .. }
                | Event::AccountCreated { .. }
                | Event::Rejected { .. }
                | Event::Filled { .. }
                | Event::EditRejected(_)
                | Event::NotFound { .. }
                | Event::Noted { .. }
                | Event::Rewritten { .. }
                | Event::Forgotten { .. }
                | Event::Level { .. }
                | Event::Market { .. }
                | Event::Account { .. } => {}
            }
        }
    }
}
