//! Wallets whose margin is short: found when a mark moves or an order fills, judged before anything else happens.
//!
//! What is found costs little: equity against what is held. That is enough as long as the initial margin of every
//! position covers its maintenance margin, which it does unless the mark is far from where it was entered; a wallet with
//! a position of which this is not sure is checked always, and judged whenever something moves. So is one that is on the ladder:
//! it leaves it as soon as it is no longer short.

use super::{Exchange, Portfolio};
use crate::account::{MarginWallet, Position};
use crate::command::{Command, Deposit, EditOrder, PlaceOrder, Transfer, Withdraw};
use crate::event::Event;
use crate::id::{AccountId, InstrumentId, Side};
use crate::market::Market;
use crate::money::{Fine, Money};
use crate::slot::{OrderSlot, PositionSlot, WalletSlot};
use crate::words::{BalanceCause, UpdateReason};

/// True when a wallet must be judged after the mark or the size of one of its positions has changed.
#[inline]
pub(super) fn needs_margin_check(
    market: &Market,
    position: &Position,
    margin_wallet: &mut MarginWallet,
) -> bool {
    margin_wallet.checked_always |= !market.covers(position);
    margin_wallet.checked_always
        || margin_wallet.equity() < margin_wallet.initial_margin
        || position.leverage.is_some()
}

impl Exchange {
    /// After a fill of a position, with its margin up to date: notes its wallet if it must be judged.
    #[inline]
    pub(super) fn look_at(&mut self, slot: PositionSlot) {
        if self.work.looking.is_some() {
            self.value(self.positions[slot].account, None);
        } else if self.accrues {
            let Position { account, margin_wallet, .. } = self.positions[slot];
            self.value(account, Some(margin_wallet));
        }
        let position = &self.positions[slot];
        let market = &self.markets[position.instrument];
        if needs_margin_check(market, position, &mut self.margin_wallets[position.margin_wallet]) {
            self.work.check_margin_of(position.account, position.margin_wallet);
        }
    }

    /// A mark has moved: who holds the contract is to be looked over, from the first account on. Marks that move before that is
    /// done are looked at together, once for each account; one that moves amid it begins it anew.
    pub(super) fn begin_looking(&mut self, moved: InstrumentId) {
        self.work.looking.get_or_insert_default().add(moved);
        self.work.busy = true;
    }

    /// As [`Exchange::begin_looking`], for a price at which collateral counts: who has other collateral than USD is to be looked over.
    pub(super) fn begin_looking_at_collateral(&mut self) {
        self.work.looking.get_or_insert_default().add_collateral();
        self.work.busy = true;
    }

    /// Values an account's positions at the marks of now, with their funding up to now: those of one wallet, or all.
    #[cold]
    fn value(&mut self, account: AccountId, of: Option<WalletSlot>) {
        if of.is_none() {
            self.revalue_collateral(account);
        }
        let Self { accounts, positions, margin_wallets, markets, now, work, .. } = self;
        let moved = work.looking.as_ref().map_or(&[][..], |looking| &looking.moved);
        for (instrument, slot) in &accounts[account].positions {
            let (position, market) = (&mut positions[*slot], &markets[*instrument]);
            // What neither its mark nor time has moved is counted as it is.
            let is_other = market.accrues() || moved.contains(instrument);
            if is_other && position.size != 0 && of.is_none_or(|of| of == position.margin_wallet) {
                market.recount(position, &mut margin_wallets[position.margin_wallet], *now);
            }
        }
    }

    /// Whose margin a command asks for is settled and looked over before it is taken up, whenever its turn comes. Who is unwound against
    /// whom is found anew after it.
    #[cold]
    pub(super) fn look_over_asker(&mut self, command: &Command, events: &mut Vec<Event>) {
        self.rank_anew_for(command);
        let account = match command {
            Command::Place(PlaceOrder { account, .. })
            | Command::Edit(EditOrder { account, .. })
            | Command::Transfer(Transfer { from: account, .. })
            | Command::Withdraw(Withdraw { account, .. })
            | Command::Deposit(Deposit { account, .. })
            | Command::SetLeverage { account, .. }
            | Command::SetPnlPreference { account, .. } => *account,
            _ => return,
        };
        if self.accounts.get(account).is_none() {
            return;
        }
        self.settle_all_of(account, events);
        if !self.is_looked_over(account) {
            self.look_over(account);
        }
    }

    /// Equity of a margin wallet at the marks of now, looked over since they moved or not, with its funding up to now.
    #[inline]
    pub(super) fn equity(&self, account: AccountId, margin_wallet: WalletSlot) -> Fine {
        let counted = self.margin_wallets[margin_wallet].equity();
        if self.work.looking.is_none() && !self.accrues {
            counted
        } else {
            self.equity_now(account, margin_wallet)
        }
    }

    /// Equity of a margin wallet as its owner is shown it: with what isolated positions have gained or lost.
    pub(super) fn margin_equity(&self, account: AccountId, margin_wallet: WalletSlot) -> Fine {
        let of = self.of_wallet(account, margin_wallet).map(|slot| &self.positions[slot]);
        let isolated = of.filter(|position| position.leverage.is_some());
        let gained =
            isolated.map(|position| self.markets[position.instrument].unrealized_as_margin(position));
        self.equity(account, margin_wallet) + gained.sum::<Fine>()
    }

    #[cold]
    fn equity_now(&self, account: AccountId, margin_wallet: WalletSlot) -> Fine {
        let counted = self.margin_wallets[margin_wallet].equity();
        let owner = &self.accounts[account];
        let collateral = match owner.flex == margin_wallet && self.work.looking.is_some() {
            true => self.collateral_now(account).fine() - owner.collateral.fine(),
            false => Fine::ZERO,
        };
        let of = self.of_wallet(account, margin_wallet).map(|slot| &self.positions[slot]);
        of.fold(counted + collateral, |equity, position| {
            equity + self.markets[position.instrument].shared(position, self.now) - position.counted
        })
    }

    /// True when time alone has moved what a wallet is worth since it was last valued: it is looked at when something happens to it.
    pub(crate) fn has_accrued(&self, account: AccountId, margin_wallet: WalletSlot) -> bool {
        let mut held = self.of_wallet(account, margin_wallet).map(|slot| &self.positions[slot]);
        held.any(|position| {
            let market = &self.markets[position.instrument];
            position.counted != market.shared(position, self.now)
        })
    }

    /// After the mark of something it holds has moved: an account is valued at it, and those of its wallets in which something is to be done are to be
    /// judged.
    pub(super) fn look_over(&mut self, account: AccountId) {
        self.value(account, None);
        let Self { accounts, positions, margin_wallets, markets, work, .. } = self;
        let owner = &accounts[account];
        let mut margin_checks: Vec<WalletSlot> = Vec::new();
        for (instrument, slot) in &owner.positions {
            let position = &positions[*slot];
            let market = &markets[*instrument];
            if position.size != 0
                && needs_margin_check(market, position, &mut margin_wallets[position.margin_wallet])
                && !margin_checks.contains(&position.margin_wallet)
            {
                margin_checks.push(position.margin_wallet);
            }
        }
        // What other collateral counts for may have moved, with orders alone to be margined by it.
        let flex = &margin_wallets[owner.flex];
        if !owner.flex_other.is_empty()
            && (flex.checked_always || flex.equity() < flex.initial_margin)
            && !margin_checks.contains(&owner.flex)
        {
            margin_checks.push(owner.flex);
        }
        if !work.margin_checks.is_empty() {
            margin_checks.extend(
                owner
                    .margin_wallets()
                    .filter(|margin_wallet| work.margin_checks.remove(&(account, *margin_wallet))),
            );
        }
        for margin_wallet in margin_checks {
            if self.needs_judging(account, margin_wallet) {
                self.work.check_margin_of(account, margin_wallet);
            } else {
                self.margin_wallets[margin_wallet].checked_always =
                    self.must_be_checked_always(account, margin_wallet);
            }
        }
    }

    /// True for an account that is valued at the marks of now: none of what it holds has moved, or its turn has been.
    pub(crate) fn is_looked_over(&self, account: AccountId) -> bool {
        self.work.looking.as_ref().is_none_or(|looking| {
            account < looking.from
                || !looking
                    .concerned(&self.markets, &self.collateral_holders)
                    .any(|set| set.contains(account))
        })
    }

    /// True when judging a wallet comes to something: one of its portfolios gets onto the ladder, or off it, or it is
    /// close-only and has orders that add risk.
    pub(crate) fn needs_judging(&self, account: AccountId, margin_wallet: WalletSlot) -> bool {
        let house = self.accounts[account].house;
        self.portfolios(account, margin_wallet).into_iter().any(|portfolio| {
            match self.margin_status(portfolio).is_short() {
                true => !house && !self.has_begun(portfolio),
                false => {
                    self.liquidations.contains_key(&portfolio) && !self.unwinding.contains_key(&portfolio)
                }
            }
        }) || self.is_flat_and_short(account, margin_wallet)
            || (self.is_close_only(account, margin_wallet)
                && self.of_wallet(account, margin_wallet).any(|slot| !self.adding_orders(slot).is_empty()))
    }

    /// True for a position that is liquidated, or all of its wallet, as soon as its turn comes to be judged. It takes no new
    /// risk until then.
    pub(super) fn is_doomed(&self, position: &Position) -> bool {
        let Position { account, margin_wallet, instrument, .. } = *position;
        self.is_wallet_doomed(account, margin_wallet)
            || (self.may_be_short() && self.is_to_be_liquidated(Portfolio::Isolated { account, instrument }))
    }

    pub(super) fn is_wallet_doomed(&self, account: AccountId, margin_wallet: WalletSlot) -> bool {
        self.may_be_short() && self.is_to_be_liquidated(Portfolio::Cross { account, margin_wallet })
    }

    /// False when nobody can be short of margin who is not on the ladder: everyone is valued as of now, and was judged.
    #[inline]
    pub(super) fn may_be_short(&self) -> bool {
        self.work.busy || self.accrues
    }

    fn is_to_be_liquidated(&self, portfolio: Portfolio) -> bool {
        let (Portfolio::Cross { account, .. } | Portfolio::Isolated { account, .. }) = portfolio;
        !self.accounts[account].house
            && !self.liquidations.contains_key(&portfolio)
            && self.margin_status(portfolio).is_short()
    }

    /// What becomes of a wallet whose margin may be short. With less than its positions need to be kept they are
    /// liquidated, until it is there again (rules 5.6); with less than they and its orders need initially it is close-only: the orders that add
    /// risk go (rules 5.5).
    #[cold]
    pub(super) fn check_margin_wallet(
        &mut self,
        account: AccountId,
        margin_wallet: WalletSlot,
        events: &mut Vec<Event>,
    ) {
        for portfolio in self.portfolios(account, margin_wallet) {
            self.leave_if_cured(portfolio);
            if self.margin_status(portfolio).is_short() && !self.accounts[account].house {
                self.liquidate(portfolio, events);
            }
        }
        self.margin_wallets[margin_wallet].checked_always =
            self.must_be_checked_always(account, margin_wallet);
        if self.is_close_only(account, margin_wallet) {
            self.cancel_what_adds(account, margin_wallet, events);
        }
        if self.is_flat_and_short(account, margin_wallet) {
            let short = -self.margin_wallets[margin_wallet].balance;
            self.pay_from_pool(account, margin_wallet, short, events);
        }
    }

    /// True for a wallet that has no position left to make good what it is short of.
    pub(crate) fn is_flat_and_short(&self, account: AccountId, margin_wallet: WalletSlot) -> bool {
        self.margin_wallets[margin_wallet].balance < Money::ZERO
            && self.of_wallet(account, margin_wallet).all(|slot| self.positions[slot].size == 0)
    }

    /// Has the pool pay what a wallet is not to lose, be there anything in it or not: what one without positions is short of (rules
    /// 5.6), and what a settlement takes of an isolated position beyond what was set aside (rules 4.4).
    pub(super) fn pay_from_pool(
        &mut self,
        account: AccountId,
        margin_wallet: WalletSlot,
        amount: Money,
        events: &mut Vec<Event>,
    ) {
        let MarginWallet { wallet, currency, .. } = self.margin_wallets[margin_wallet];
        *self.pool.entry(currency).or_default() += -amount;
        let paid = self.add(account, wallet, currency, amount, BalanceCause::Pool, events);
        assert!(paid.is_some(), "a margin wallet takes back what it lost");
    }

    /// Whether a wallet must be judged whenever something of it moves.
    pub(super) fn must_be_checked_always(&self, account: AccountId, margin_wallet: WalletSlot) -> bool {
        let liquidated = |portfolio| self.liquidations.contains_key(&portfolio);
        self.portfolios(account, margin_wallet).into_iter().any(liquidated)
            || self.of_wallet(account, margin_wallet).any(|slot| {
                let position = &self.positions[slot];
                !self.markets[position.instrument].covers(position)
            })
    }

    fn is_close_only(&self, account: AccountId, margin_wallet: WalletSlot) -> bool {
        self.equity(account, margin_wallet) < self.margin_wallets[margin_wallet].initial_margin
    }

    /// True for a wallet whose margin is as it may be while nothing waits to be done about it: what is short is on the ladder,
    /// and who is close-only has no orders that add risk.
    pub(crate) fn is_judged(&self, account: AccountId, margin_wallet: WalletSlot) -> bool {
        let house = self.accounts[account].house;
        let settled = |portfolio| {
            house || self.liquidations.contains_key(&portfolio) || !self.margin_status(portfolio).is_short()
        };
        self.portfolios(account, margin_wallet).into_iter().all(settled)
            && (!self.is_close_only(account, margin_wallet)
                || self.of_wallet(account, margin_wallet).all(|slot| self.adding_orders(slot).is_empty()))
    }

    /// Slots of the positions that a wallet margins, by contract.
    pub(super) fn of_wallet(
        &self,
        account: AccountId,
        margin_wallet: WalletSlot,
    ) -> impl Iterator<Item = PositionSlot> {
        let positions = self.accounts[account].positions.iter().map(|(_, slot)| *slot);
        positions.filter(move |slot| self.positions[*slot].margin_wallet == margin_wallet)
    }

    /// Cancels all of a wallet's orders that add risk, the youngest first.
    fn cancel_what_adds(&mut self, account: AccountId, margin_wallet: WalletSlot, events: &mut Vec<Event>) {
        let positions: Vec<PositionSlot> = self.of_wallet(account, margin_wallet).collect();
        let mut adding: Vec<OrderSlot> =
            positions.into_iter().flat_map(|slot| self.adding_orders(slot)).collect();
        adding.sort_unstable_by_key(|slot| std::cmp::Reverse(self.orders.get(*slot).id));
        for slot in adding {
            self.remove_open(slot, UpdateReason::NotEnoughMargin, None, events);
        }
    }

    /// Slots of a position's resting orders that could add to it: all but those that together only close it,
    /// the most aggressive of them first, at one price the oldest.
    fn adding_orders(&self, slot: PositionSlot) -> Vec<OrderSlot> {
        let position = &self.positions[slot];
        let adds = |slot: &OrderSlot| !self.orders.get(*slot).reduce_only;
        let mut orders: Vec<OrderSlot> = position.orders.iter().copied().filter(adds).collect();
        orders.sort_unstable_by_key(|slot| {
            let order = self.orders.get(*slot);
            (-order.side.sign() * order.price, order.id)
        });
        let mut closable = [Side::Buy, Side::Sell].map(|side| position.closable(side));
        orders.retain(|slot| {
            let order = self.orders.get(*slot);
            let left = &mut closable[order.side as usize];
            let closes = order.open() <= *left;
            if closes {
                *left -= order.open();
            }
            !closes
        });
        orders
    }
}
