//! What positions and orders hold, what stands behind them, and what is left (rules 4.2, 4.7, 5.2 to 5.4).

use super::{Contract, Model, Position, figures};
use loligo_engine::{
    AccountId, ContractKind, Currency, Fine, InstrumentId, Leverage, MarginLevel, PairId, PositionView, Side,
    Wallet, WalletView,
};
use num_bigint::{BigInt, Sign};
use std::collections::BTreeMap;

/// Positions that stand and fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Portfolio {
    /// All cross positions of a wallet.
    Cross(AccountId, Wallet),
    /// An isolated position.
    Isolated(AccountId, InstrumentId),
}

impl Portfolio {
    /// Whose.
    pub fn account(self) -> AccountId {
        let (Self::Cross(account, _) | Self::Isolated(account, _)) = self;
        account
    }
}

/// A size and its value, without sign.
#[derive(Clone, Debug, Default)]
pub(super) struct Exposure {
    pub lots: i64,
    pub value: BigInt,
}

/// What stands behind positions, and what must.
#[derive(Clone, Debug)]
pub(super) struct MarginStatus {
    pub equity: BigInt,
    pub maintenance: BigInt,
}

impl MarginStatus {
    /// To be liquidated.
    pub fn is_short(&self) -> bool {
        self.maintenance > BigInt::ZERO && self.equity < self.maintenance
    }

    pub fn spare(&self) -> BigInt {
        &self.equity - &self.maintenance
    }
}

impl Contract {
    /// From which size on a level charges: value of linear contracts, lots of inverse ones.
    fn level_start(&self, level: &MarginLevel) -> BigInt {
        match self.spec.kind {
            ContractKind::Linear => figures::usd(level.from),
            ContractKind::Inverse => self.lots_of_contracts(level.from),
        }
    }

    fn measure(&self, of: &Exposure) -> BigInt {
        match self.spec.kind {
            ContractKind::Linear => of.value.clone(),
            ContractKind::Inverse => BigInt::from(of.lots),
        }
    }

    /// Each slice of a size at the rate of its own level, rounded up.
    fn charge(&self, of: &Exposure, rate: impl Fn(&MarginLevel) -> u32) -> BigInt {
        if of.lots == 0 {
            return BigInt::ZERO;
        }
        let whole = self.measure(of);
        let levels = &self.spec.margin_levels;
        let mut weighted = BigInt::ZERO;
        for (at, level) in levels.iter().enumerate() {
            let from = self.level_start(level);
            let to =
                levels.get(at + 1).map_or(whole.clone(), |next| self.level_start(next).min(whole.clone()));
            if to > from {
                weighted += (to - from) * rate(level);
            }
        }
        let million = BigInt::from(1_000_000);
        match self.spec.kind {
            ContractKind::Linear => figures::up(&weighted, &million),
            // Levels count contracts; the value is split over them pro rata.
            ContractKind::Inverse => figures::up(&(weighted * &of.value), &(million * of.lots)),
        }
    }

    /// Initial margin: by levels, or, isolated, of the value at its leverage.
    pub(super) fn initial(&self, leverage: Option<Leverage>, of: &Exposure) -> BigInt {
        match leverage {
            None => self.charge(of, |level| level.initial),
            Some(leverage) => figures::up(&(&of.value * 100), &BigInt::from(leverage.0)),
        }
    }

    pub(super) fn maintenance(&self, of: &Exposure) -> BigInt {
        self.charge(of, |level| level.maintenance)
    }

    /// True when the level that a size reaches allows a leverage.
    pub(super) fn level_allows(&self, leverage: Leverage, of: &Exposure) -> bool {
        let whole = self.measure(of);
        let reached = self.spec.margin_levels.iter().rev().find(|level| self.level_start(level) < whole);
        allows(reached.unwrap_or(&self.spec.margin_levels[0]), leverage)
    }
}

/// Leverage is in hundredths, margin rates in millionths.
pub(super) fn allows(level: &MarginLevel, leverage: Leverage) -> bool {
    u64::from(leverage.0) * u64::from(level.initial) <= 100 * 1_000_000
}

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
    pub(super) fn margined_by(&self, wallet: Wallet) -> Vec<InstrumentId> {
        self.instrument_ids().filter(|id| self.margin_wallet(*id).0 == wallet).collect()
    }

    pub(super) fn leverage(&self, account: AccountId, instrument: InstrumentId) -> Option<Leverage> {
        self.account(account).leverage.get(&instrument).copied()
    }

    /// A position at the value it was entered at.
    fn entered(position: &Position) -> Exposure {
        Exposure { lots: position.qty.abs(), value: size(&position.entry) }
    }

    /// A position at its value at mark.
    fn at_mark(&self, instrument: InstrumentId, qty: i64) -> Exposure {
        let contract = self.contract(instrument);
        let value = contract.mark.map_or(BigInt::ZERO, |mark| size(&contract.value_at_mark(qty, mark)));
        Exposure { lots: qty.abs(), value }
    }

    /// What a position and its orders of one side can come to, if all of that side fill: orders at their limits, the
    /// position at entry; those that close it count for nothing.
    pub(super) fn worst(&self, account: AccountId, instrument: InstrumentId, side: Side) -> Exposure {
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
            lots += order.open();
            value += size(&contract.value(order.open(), order.limit()));
        }
        let margin_status = position.qty * side.sign();
        if margin_status >= 0 {
            return Exposure { lots: margin_status + lots, value: size(&position.entry) + value };
        }
        // The position stands against this side: only what exceeds it opens something new.
        let beyond = lots + margin_status;
        if beyond <= 0 {
            return Exposure::default();
        }
        Exposure { lots: beyond, value: figures::up(&(value * beyond), &BigInt::from(lots)) }
    }

    /// Initial margin of what position and orders of a side can come to. What is set aside for an isolated position can be
    /// lost with it, so it is held besides what its orders would open the other way.
    pub(super) fn margin_one_way(
        &self,
        account: AccountId,
        instrument: InstrumentId,
        side: Side,
        worst: &Exposure,
    ) -> BigInt {
        let margin = self.contract(instrument).initial(self.leverage(account, instrument), worst);
        let flips = self.position(account, instrument).qty * side.sign() < 0;
        if flips { margin + self.set_aside(account, instrument) } else { margin }
    }

    /// Initial margin of everything that a wallet margins.
    pub(super) fn held(&self, account: AccountId, wallet: Wallet) -> BigInt {
        self.held_with(account, wallet, |instrument, side| self.worst(account, instrument, side))
    }

    /// The same, where a side of a contract can come to something else than it can now. What can come to be long and what can
    /// come to be short of one underlying net: the larger sum counts. Isolated contracts stand by themselves.
    pub(super) fn held_with(
        &self,
        account: AccountId,
        wallet: Wallet,
        worst: impl Fn(InstrumentId, Side) -> Exposure,
    ) -> BigInt {
        let margin = |instrument: InstrumentId, side: Side| {
            self.margin_one_way(account, instrument, side, &worst(instrument, side))
        };
        let (isolated, cross) = self.apart(account, wallet);
        let isolated: BigInt =
            isolated.into_iter().map(|i| margin(i, Side::Buy).max(margin(i, Side::Sell))).sum();
        isolated + self.netted(&cross, |i| (margin(i, Side::Buy), margin(i, Side::Sell)))
    }

    /// The isolated contracts of a wallet, and all others.
    fn apart(&self, account: AccountId, wallet: Wallet) -> (Vec<InstrumentId>, Vec<InstrumentId>) {
        self.margined_by(wallet).into_iter().partition(|i| self.leverage(account, *i).is_some())
    }

    /// What long and short of each contract come to, netted per underlying.
    fn netted(
        &self,
        contracts: &[InstrumentId],
        figures: impl Fn(InstrumentId) -> (BigInt, BigInt),
    ) -> BigInt {
        let mut pairs: BTreeMap<PairId, (BigInt, BigInt)> = BTreeMap::new();
        for id in contracts {
            let (long, short) = figures(*id);
            let sums = pairs.entry(self.contract(*id).pair).or_default();
            sums.0 += long;
            sums.1 += short;
        }
        pairs.into_values().map(|(longs, shorts)| longs.max(shorts)).sum()
    }

    /// The same of positions alone: a figure of each counts on the side that it is on.
    fn netted_positions(
        &self,
        account: AccountId,
        contracts: &[InstrumentId],
        figure: impl Fn(InstrumentId) -> BigInt,
    ) -> BigInt {
        self.netted(contracts, |i| match self.position(account, i).qty {
            0.. => (figure(i), BigInt::ZERO),
            _ => (BigInt::ZERO, figure(i)),
        })
    }

    /// What is set aside for an isolated position, and all that it can lose.
    pub(super) fn set_aside(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let leverage = self.leverage(account, instrument);
        let entered = Self::entered(&self.position(account, instrument));
        leverage.map_or(BigInt::ZERO, |_| self.contract(instrument).initial(leverage, &entered))
    }

    /// Open P&L of one position at mark.
    pub(super) fn open_pnl(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let position = self.position(account, instrument);
        match self.contract(instrument).mark {
            Some(mark) if position.qty != 0 => {
                self.contract(instrument).value_at_mark(position.qty, mark) - position.entry
            }
            _ => BigInt::ZERO,
        }
    }

    /// Open P&L of one position as far as it margins anything: a gain that will be paid in another currency than USD counts
    /// for what that would (rules 5.3).
    fn pnl_as_margin(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let pnl = self.open_pnl(account, instrument);
        Self::gain_as_margin(&pnl, self.account(account).pnl_currency.get(&instrument).copied())
    }

    /// What stands behind the cross positions of a wallet and all that is set aside in it: balance or collateral, the open
    /// P&L of cross positions, the funding of all.
    pub(super) fn equity(&self, account: AccountId, wallet: Wallet, currency: Currency) -> BigInt {
        let balance = match wallet {
            Wallet::Flex => self.flex_collateral(account),
            Wallet::Cash | Wallet::Inverse(_) => self.balance(account, wallet, currency),
        };
        let all = self.margined_by(wallet).into_iter();
        let funding = all.map(|i| self.unrealized_funding(account, i)).sum::<BigInt>();
        let (_, cross) = self.apart(account, wallet);
        let pnl = cross.into_iter().map(|i| self.pnl_as_margin(account, i)).sum::<BigInt>();
        figures::fine(balance) + funding + pnl
    }

    /// The same as its owner is shown it, with the open P&L of isolated positions.
    pub(super) fn margin_equity(&self, account: AccountId, wallet: Wallet, currency: Currency) -> BigInt {
        let (isolated, _) = self.apart(account, wallet);
        let pnl = isolated.into_iter().map(|i| self.pnl_as_margin(account, i)).sum::<BigInt>();
        self.equity(account, wallet, currency) + pnl
    }

    /// Equity that no margin holds.
    pub(super) fn available(&self, account: AccountId, wallet: Wallet, currency: Currency) -> BigInt {
        self.equity(account, wallet, currency) - self.held(account, wallet)
    }

    /// The currency a wallet counts in.
    pub(super) fn settlement(&self, wallet: Wallet) -> Option<Currency> {
        match wallet {
            Wallet::Cash => None,
            Wallet::Flex => Some(Currency::USD),
            Wallet::Inverse(_) => self.margined_by(wallet).first().map(|i| self.contract(*i).spec.base),
        }
    }

    /// The portfolios of a wallet: its isolated positions, then all others together.
    pub(super) fn portfolios(&self, account: AccountId, wallet: Wallet) -> Vec<Portfolio> {
        let isolated = self.margined_by(wallet).into_iter();
        let isolated = isolated.filter(|i| self.leverage(account, *i).is_some());
        isolated.map(|i| Portfolio::Isolated(account, i)).chain([Portfolio::Cross(account, wallet)]).collect()
    }

    /// The portfolio that a contract's position is in.
    pub(super) fn portfolio(&self, account: AccountId, instrument: InstrumentId) -> Portfolio {
        match self.leverage(account, instrument) {
            Some(_) => Portfolio::Isolated(account, instrument),
            None => Portfolio::Cross(account, self.margin_wallet(instrument).0),
        }
    }

    /// The contracts whose positions are in a portfolio.
    pub(super) fn contracts_in(&self, portfolio: Portfolio) -> Vec<InstrumentId> {
        match portfolio {
            Portfolio::Isolated(_, instrument) => vec![instrument],
            Portfolio::Cross(account, wallet) => {
                let mut contracts = self.margined_by(wallet);
                contracts.retain(|i| self.leverage(account, *i).is_none());
                contracts
            }
        }
    }

    /// What stands behind a portfolio, and what must: an isolated position its own margin and P&L, all others what their
    /// wallet has without what is set aside.
    pub(super) fn margin_status(&self, portfolio: Portfolio) -> MarginStatus {
        let contracts = self.contracts_in(portfolio);
        let (account, equity) = match portfolio {
            Portfolio::Isolated(account, i) => {
                (account, self.set_aside(account, i) + self.open_pnl(account, i))
            }
            Portfolio::Cross(account, wallet) => {
                let equity =
                    self.settlement(wallet).map_or(BigInt::ZERO, |c| self.equity(account, wallet, c));
                let aside = self.margined_by(wallet).into_iter().map(|i| self.set_aside(account, i));
                (account, equity - aside.sum::<BigInt>())
            }
        };
        let maintenance = self.netted_positions(account, &contracts, |i| self.maintenance_of(account, i));
        MarginStatus { equity, maintenance }
    }

    /// Maintenance margin of a position at mark.
    pub(super) fn maintenance_of(&self, account: AccountId, instrument: InstrumentId) -> BigInt {
        let qty = self.position(account, instrument).qty;
        self.contract(instrument).maintenance(&self.at_mark(instrument, qty))
    }

    /// Non-zero positions by contract.
    pub fn positions(&self, account: AccountId) -> Vec<PositionView> {
        let held = self.instrument_ids().filter(|i| self.position(account, *i).qty != 0);
        held.map(|instrument| {
            let position = self.position(account, instrument);
            let contract = self.contract(instrument);
            PositionView {
                instrument,
                qty: position.qty,
                entry: figures::as_fine(&position.entry),
                opened_at: position.opened_at,
                average_price: contract.average_price(position.qty, &position.entry),
                unrealized_pnl: figures::as_fine(&self.open_pnl(account, instrument)),
                unrealized_as_margin: figures::as_fine(&self.pnl_as_margin(account, instrument)),
                unrealized_funding: figures::as_fine(&self.unrealized_funding(account, instrument)),
                initial_margin: figures::as_fine(&contract.initial(None, &Self::entered(&position))),
                maintenance_margin: figures::as_fine(&self.maintenance_of(account, instrument)),
                leverage: self.leverage(account, instrument),
                gains_in: self.account(account).pnl_currency.get(&instrument).copied(),
                set_aside: figures::as_fine(&self.set_aside(account, instrument)),
            }
        })
        .collect()
    }

    /// One wallet as the engine would show it.
    pub fn wallet(&self, account: AccountId, wallet: Wallet) -> WalletView {
        let settlement = self.settlement(wallet);
        let kept = self.account(account).balances.iter().filter(|((w, _), _)| *w == wallet);
        let mut balances: BTreeMap<_, _> = kept.map(|((_, currency), money)| (*currency, *money)).collect();
        if let Some(currency) = settlement {
            balances.entry(currency).or_default();
        }
        let all = self.margined_by(wallet);
        let (isolated, cross) = self.apart(account, wallet);
        let sum = |of: &[InstrumentId], figure: &dyn Fn(InstrumentId) -> BigInt| {
            of.iter().map(|i| figure(*i)).sum::<BigInt>()
        };
        let pnl = |i| self.open_pnl(account, i);
        let initial = |i| self.contract(i).initial(None, &Self::entered(&self.position(account, i)));
        let as_margin = |i| self.pnl_as_margin(account, i);
        let funding = sum(&all, &|i| self.unrealized_funding(account, i));
        let isolated_as_margin = sum(&isolated, &as_margin);
        let equity =
            settlement.map_or(BigInt::ZERO, |c| self.equity(account, wallet, c) + &isolated_as_margin);
        let fine: fn(&BigInt) -> Fine = figures::as_fine;
        WalletView {
            wallet,
            balances: balances.into_iter().collect(),
            settlement,
            unrealized_pnl: fine(&sum(&all, &pnl)),
            unrealized_funding: fine(&funding),
            unrealized_as_margin: fine(&(sum(&all, &as_margin) + &funding)),
            equity: fine(&equity),
            isolated_pnl: fine(&sum(&isolated, &pnl)),
            isolated_as_margin: fine(&isolated_as_margin),
            set_aside: fine(&sum(&isolated, &|i| self.set_aside(account, i))),
            initial_margin: fine(&self.netted_positions(account, &cross, initial)),
            initial_margin_with_orders: fine(&self.held(account, wallet)),
            maintenance_margin: fine(
                &self.netted_positions(account, &cross, |i| self.maintenance_of(account, i)),
            ),
            liquidated: self.has_begun(Portfolio::Cross(account, wallet)),
        }
    }
}

/// A value without its sign.
pub(super) fn size(value: &BigInt) -> BigInt {
    if value.sign() == Sign::Minus { -value } else { value.clone() }
}
