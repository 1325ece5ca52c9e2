//! Contracts of one underlying in one wallet stand against each other (rules 5.2, 5.3, 6.1): what they need is the greater of what their
//! longs need and what their shorts need, of each contract the worst case of its orders first. Isolated positions stand alone.
//!
//! A wallet's sum counts each contract by itself, less the relief of each underlying of which it has, or had, more than one. Who
//! never had two pays nothing for this.

use super::Exchange;
use super::place::Terms;
use crate::account::{Incoming, Position, Relief};
use crate::id::{AccountId, InstrumentId, PairId, Price};
use crate::instrument::OpenSum;
use crate::margin::{self, Sides};
use crate::money::Fine;
use crate::order::Order;
use crate::slot::{PositionSlot, WalletSlot};

impl Exchange {
    /// A position was opened for the first time: those of its wallet on the same underlying are netted with it from now on.
    pub(super) fn note_netting(&mut self, slot: PositionSlot) {
        let Position { account, margin_wallet, instrument, .. } = self.positions[slot];
        let pair = self.markets[instrument].pair();
        let of_underlying: Vec<PositionSlot> = self.of_underlying(account, margin_wallet, pair).collect();
        if of_underlying.len() > 1 {
            of_underlying.into_iter().for_each(|slot| self.positions[slot].netted = true);
        }
    }

    /// A position that an account does not have yet, without orders.
    pub(super) fn unheld(
        &self,
        account: AccountId,
        margin_wallet: WalletSlot,
        instrument: InstrumentId,
    ) -> Position {
        let owner = &self.accounts[account];
        let pair = self.markets[instrument].pair();
        let netted = self.of_underlying(account, margin_wallet, pair).next().is_some();
        Position { netted, ..Position::new(account, owner.family, margin_wallet, instrument, owner.house) }
    }

    /// Slots of the positions of a wallet on one underlying, isolated ones too.
    fn of_underlying(
        &self,
        account: AccountId,
        margin_wallet: WalletSlot,
        pair: PairId,
    ) -> impl Iterator<Item = PositionSlot> {
        self.of_wallet(account, margin_wallet)
            .filter(move |slot| self.markets[self.positions[*slot].instrument].pair() == pair)
    }

    /// What a wallet's cross positions need together, where each needs so much.
    pub(super) fn netted(
        &self,
        account: AccountId,
        margin_wallet: WalletSlot,
        needs: impl Fn(&Position) -> Sides,
    ) -> Fine {
        let mut alone = Fine::ZERO;
        let mut by_pair: Vec<(PairId, Sides)> = Vec::new();
        for slot in self.of_wallet(account, margin_wallet) {
            let position = &self.positions[slot];
            if position.leverage.is_some() {
                continue;
            }
            let sides = needs(position);
            if !position.netted {
                alone += sides.need();
                continue;
            }
            let pair = self.markets[position.instrument].pair();
            match by_pair.iter_mut().find(|(of, _)| *of == pair) {
                Some((_, sum)) => *sum += sides,
                None => by_pair.push((pair, sides)),
            }
        }
        by_pair.into_iter().map(|(_, sides)| sides.need()).sum::<Fine>() + alone
    }

    /// What the cross positions and orders need on the underlying of a position, with `sides` for what its own contract needs;
    /// `None` leaves that out.
    pub(super) fn need_of_underlying(&self, position: &Position, sides: Option<Sides>) -> Fine {
        let pair = self.markets[position.instrument].pair();
        let others = self
            .of_underlying(position.account, position.margin_wallet, pair)
            .map(|slot| &self.positions[slot])
            .filter(|other| other.instrument != position.instrument && other.leverage.is_none())
            .map(|other| other.sides(&self.markets[other.instrument].instrument));
        others.fold(sides.unwrap_or_default(), |sum, sides| sum + sides).need()
    }

    /// What a wallet's cross positions must have at mark, if a position, which it may not hold yet, were cross and needed this.
    pub(super) fn maintenance_with(&self, position: &Position, sides: Sides) -> Fine {
        let Position { account, margin_wallet, instrument, .. } = *position;
        let need =
            |other: &Position| Sides::of(other.size, self.maintenance_at_mark(other.instrument, other.size));
        if !position.netted {
            let others = |other: &Position| {
                if other.instrument == instrument { Sides::default() } else { need(other) }
            };
            return self.netted(account, margin_wallet, others) + sides.need();
        }
        let pair = self.markets[instrument].pair();
        let elsewhere = self.netted(account, margin_wallet, |other| {
            if self.markets[other.instrument].pair() == pair { Sides::default() } else { need(other) }
        });
        let beside = self
            .of_underlying(account, margin_wallet, pair)
            .map(|slot| &self.positions[slot])
            .filter(|other| other.instrument != instrument && other.leverage.is_none());
        elsewhere + beside.fold(sides, |sum, other| sum + need(other)).need()
    }

    /// By how much an order raises what a wallet holds, of a contract that is netted with others; `initial_margin` is what the
    /// contract would hold by itself.
    #[cold]
    pub(super) fn netted_increase(
        &self,
        position: &Position,
        terms: &Terms,
        crosses: bool,
        instead_of: Option<&Order>,
        initial_margin: Fine,
    ) -> Fine {
        if position.leverage.is_some() {
            return initial_margin - position.initial_margin;
        }
        let instrument = &self.markets[position.instrument].instrument;
        let size = |lots, price| OpenSum { lots, value: instrument.worth(lots, Price(price)).value };
        let order = Incoming {
            side: terms.side,
            size: size(terms.lots, terms.limit.unwrap_or(0)),
            instead_of: instead_of.map_or(OpenSum::default(), |order| size(order.open(), order.price)),
            closes_first: terms.closes_first(crosses),
        };
        let after = position.exposure_with(&order).sides(instrument);
        self.need_of_underlying(position, Some(after))
            - self.need_of_underlying(position, Some(position.sides(instrument)))
    }

    /// Brings what the contracts of a position's underlying need less together up to date, and its wallet's sum.
    #[cold]
    pub(super) fn refresh_relief(&mut self, slot: PositionSlot) {
        let Position { account, margin_wallet, instrument, .. } = self.positions[slot];
        let pair = self.markets[instrument].pair();
        let (mut alone, mut sides) = (Fine::ZERO, Sides::default());
        for slot in self.of_underlying(account, margin_wallet, pair) {
            let position = &self.positions[slot];
            if position.leverage.is_none() {
                alone += position.initial_margin;
                sides += position.sides(&self.markets[position.instrument].instrument);
            }
        }
        let amount = alone - sides.need();
        let reliefs = &mut self.accounts[account].relief;
        let at =
            reliefs.iter().position(|relief| (relief.margin_wallet, relief.pair) == (margin_wallet, pair));
        let before = at.map_or(Fine::ZERO, |at| reliefs[at].amount);
        match at {
            Some(at) if amount == Fine::ZERO => drop(reliefs.remove(at)),
            Some(at) => reliefs[at].amount = amount,
            None if amount == Fine::ZERO => {}
            None => reliefs.push(Relief { margin_wallet, pair, amount }),
        }
        self.margin_wallets[margin_wallet].initial_margin += before - amount;
    }

    /// What a wallet's sum would be if it were made anew.
    pub(crate) fn initial_margin_anew(&self, account: AccountId, margin_wallet: WalletSlot) -> Fine {
        let isolated = self.of_wallet(account, margin_wallet).map(|slot| &self.positions[slot]);
        let isolated = isolated.filter(|position| position.leverage.is_some());
        let isolated = isolated.map(|position| {
            let standing = (position.size, position.entry);
            let instrument = &self.markets[position.instrument].instrument;
            margin::with_orders(instrument, position.leverage, standing, position.buys, position.sells)
        });
        isolated.sum::<Fine>()
            + self.netted(account, margin_wallet, |position| {
                position.sides(&self.markets[position.instrument].instrument)
            })
    }
}
