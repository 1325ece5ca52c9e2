//! Contracts of one underlying in one wallet stand against each other (rules 5.2, 5.3, 6.1): what they need is the greater of what their
//! longs need and what their shorts need, of each contract the worst case of its orders first. Isolated positions stand alone.
//!
//! A wallet's sum counts each contract by itself, less what those of each underlying need less together. Their sums are kept from
//! the second on; who never had two pays nothing for this.

use super::Exchange;
use super::place::Terms;
use crate::account::{Incoming, Needs, Netting, Position, Underlying};
use crate::id::{AccountId, InstrumentId, PairId, Price, Side};
use crate::instrument::OpenSum;
use crate::margin::{self, Sides};
use crate::money::Fine;
use crate::order::Order;
use crate::slot::{PositionSlot, UnderlyingSlot, WalletSlot};

impl Exchange {
    /// A position was opened for the first time: it is netted with those of its wallet on the same underlying from now on.
    pub(super) fn note_netting(&mut self, slot: PositionSlot) {
        let Position { account, margin_wallet, instrument, .. } = self.positions[slot];
        match self.netting_beside(account, margin_wallet, instrument) {
            Netting::Alone => {}
            Netting::BesideOne(other) => {
                let underlying = self.underlyings.push(Underlying::default());
                self.join(other, underlying);
                self.recount_netting(other);
                self.join(slot, underlying);
            }
            Netting::Beside(underlying) | Netting::Among(underlying, _) => self.join(slot, underlying),
        }
    }

    fn join(&mut self, slot: PositionSlot, underlying: UnderlyingSlot) {
        let place = self.underlyings[underlying].join();
        self.positions[slot].netting = Netting::Among(underlying, place);
    }

    /// How a position that a wallet does not have yet, or has just got, stands to the others.
    fn netting_beside(
        &self,
        account: AccountId,
        margin_wallet: WalletSlot,
        instrument: InstrumentId,
    ) -> Netting {
        let pair = self.markets[instrument].pair();
        let mut others = self.of_underlying(account, margin_wallet, pair);
        match others.find(|slot| self.positions[*slot].instrument != instrument) {
            None => Netting::Alone,
            Some(slot) => match self.positions[slot].netting {
                Netting::Among(underlying, _) => Netting::Beside(underlying),
                _ => Netting::BesideOne(slot),
            },
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
        let netting = self.netting_beside(account, margin_wallet, instrument);
        Position { netting, ..Position::new(account, owner.family, margin_wallet, instrument, owner.house) }
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
            if position.netting == Netting::Alone {
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
        (self.sides_beside(position) + sides.unwrap_or_default()).need()
    }

    /// What the other cross positions and orders on the underlying of a position need.
    fn sides_beside(&self, position: &Position) -> Sides {
        match position.netting {
            Netting::Alone => Sides::default(),
            Netting::BesideOne(other) => self.needs(&self.positions[other]).sides,
            Netting::Beside(underlying) => self.underlyings[underlying].sides(),
            Netting::Among(underlying, place) => self.underlyings[underlying].beside(place),
        }
    }

    /// What a position and its orders need of what stands against others, where its initial margin is up to date: of an isolated
    /// one, nothing.
    fn needs(&self, position: &Position) -> Needs {
        if position.leverage.is_some() {
            return Needs::default();
        }
        // The common case: what it holds is for one side.
        let one_side = [Side::Buy, Side::Sell].into_iter().find(|side| position.is_one_sided(*side));
        let sides = match one_side {
            Some(side) => Sides::of(side.sign(), position.initial_margin),
            None => position.sides(&self.markets[position.instrument].instrument),
        };
        Needs { alone: position.initial_margin, sides }
    }

    /// What a wallet's cross positions must have at mark, if a position, which it may not hold yet, were cross and needed this.
    pub(super) fn maintenance_with(&self, position: &Position, sides: Sides) -> Fine {
        let Position { account, margin_wallet, instrument, .. } = *position;
        let need =
            |other: &Position| Sides::of(other.size, self.maintenance_at_mark(other.instrument, other.size));
        if position.netting == Netting::Alone {
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
        let after = match position.is_one_sided(terms.side) {
            true => Sides::of(terms.side.sign(), initial_margin),
            false => self.sides_with(position, terms, crosses, instead_of),
        };
        let beside = self.sides_beside(position);
        (beside + after).need() - (beside + self.needs(position).sides).need()
    }

    /// What a cross position and its orders need with one order more.
    fn sides_with(
        &self,
        position: &Position,
        terms: &Terms,
        crosses: bool,
        instead_of: Option<&Order>,
    ) -> Sides {
        let instrument = &self.markets[position.instrument].instrument;
        let size = |lots, price| OpenSum { lots, value: instrument.worth(lots, Price(price)).value };
        let order = Incoming {
            side: terms.side,
            size: size(terms.lots, terms.limit.unwrap_or(0)),
            instead_of: instead_of.map_or(OpenSum::default(), |order| size(order.open(), order.price)),
            closes_first: terms.closes_first(crosses),
        };
        position.exposure_with(&order).sides(instrument)
    }

    /// Brings the sums of a position's underlying up to date, where it is netted, and its wallet's.
    #[cold]
    pub(super) fn recount_netting(&mut self, slot: PositionSlot) {
        let position = &self.positions[slot];
        let Netting::Among(underlying, place) = position.netting else { return };
        let needs = self.needs(position);
        let more = self.underlyings[underlying].recount(place, needs);
        self.margin_wallets[self.positions[slot].margin_wallet].initial_margin += more;
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
