//! The end of a contract (rules 4.4): at its last trading time the market stops, what is open in it goes, and its positions are closed
//! at the settlement price, one holder a step, by account.
//!
//! Between the first step and the last the exchange stands in for those who are not closed yet: it takes over each position at
//! the settlement price, so that money adds up after every step; when all are closed it holds nothing but what rounding left,
//! which is dust. Whoever asks for margin meanwhile is closed first.
//!
//! A loss is booked in full, be it more than the wallet has: what a wallet is then short of is the ladder's to see to (rules 5.6), since it
//! is judged like any that has changed. Of an isolated position what is beyond its set-aside the pool pays at once, and the fee is at
//! most what its loss leaves of that; so nothing of the rest of the wallet, its collateral included, is touched for it.

use super::off_book::{beyond_set_aside, left_of_set_aside};
use super::position::{Booking, Charges, Margin, PositionChange};
use super::{Exchange, Timer, emit};
use crate::event::{Event, Settlement};
use crate::fees::fee_on;
use crate::funding::FundingRate;
use crate::id::{AccountId, ExecutionId, InstrumentId, Timestamp, Wallet};
use crate::money::{Fine, FinePrice, Money};
use crate::outcome::{ExpireOutcome, ExpireRefusal};
use crate::settlement::{DELISTING, Ending};
use crate::slot::{OrderSlot, Slot, SlotSet};
use crate::words::{MarketState, UpdateReason};

/// A settlement has two rows in the account's log: what it did to the position, then to the wallet.
const SETTLEMENT_ROWS: u64 = 2;

impl Exchange {
    /// The operator ends a contract: a dated one at once, a perpetual when its holders have had time to see it.
    pub(super) fn expire_now(&mut self, id: InstrumentId, events: &mut Vec<Event>) -> ExpireOutcome {
        let Some(market) = self.markets.get(id) else {
            return ExpireOutcome::Refused(ExpireRefusal::UnknownInstrument);
        };
        if market.instrument.is_perpetual() && !market.has_expired() {
            return ExpireOutcome::Armed(Some(self.delist(id, events)));
        }
        self.expire(id, events);
        ExpireOutcome::Done
    }

    /// A perpetual takes post-only orders alone from now on; tells when it settles. One that is delisted already keeps its time.
    fn delist(&mut self, id: InstrumentId, events: &mut Vec<Event>) -> Timestamp {
        let at = self.now;
        let market = &mut self.markets[id];
        if let Some(due) = market.ending.due {
            return due;
        }
        let settles_at = at.plus(DELISTING);
        market.ending.due = Some(settles_at);
        self.timers.insert((settles_at, Timer::Expiry(id)));
        emit(events, || Event::Delisting { instrument: id, settles_at, at });
        self.emit_state(id, events);
        settles_at
    }

    /// Last trading time: orders and triggers go before anything else may look at the market, then positions.
    pub(super) fn expire(&mut self, id: InstrumentId, events: &mut Vec<Event>) {
        let market = &mut self.markets[id];
        if market.has_expired() {
            return;
        }
        market.trading = MarketState::Expired;
        match market.ends_at() {
            Some(at) if at == self.now => {}
            planned => {
                market.ending.due = Some(self.now);
                planned.map(|at| self.timers.remove(&(at, Timer::Expiry(id))));
            }
        }
        self.emit_state(id, events);
        self.fix_settlement_price(id, events);
        self.clear_market(id, UpdateReason::ContractExpired, UpdateReason::Expired);
        self.work.settling.push_back((id, AccountId(0)));
        self.work.busy = true;
    }

    /// Fixes the settlement price: what the samples came to, or the present index. There is none, and nothing to be settled, in a
    /// contract that never had an index.
    fn fix_settlement_price(&mut self, id: InstrumentId, events: &mut Vec<Event>) -> Option<FinePrice> {
        let market = &mut self.markets[id];
        let index = self.pairs[market.pair()].index;
        let price = market.ending.mean().or(index.map(Ending::price_of))?;
        market.ending.settle_at(price);
        let at = self.now;
        emit(events, || Event::SettlementPrice { instrument: id, price, at });
        Some(price)
    }

    /// Goes on to the next position to be closed, and ends contracts that have none left.
    pub(super) fn pass_over_settled(&mut self) {
        while let Some((id, from)) = self.work.settling.front().copied() {
            let market = &self.markets[id];
            if let Some(next) = SlotSet::first_of_any(std::iter::once(&market.holders), from).next() {
                self.work.settling[0].1 = next;
                return;
            }
            self.work.settling.pop_front();
            self.end_settlement(id);
        }
    }

    /// All positions are closed: what rounding left is dust, and nobody pays funding any more.
    fn end_settlement(&mut self, id: InstrumentId) {
        let market = &mut self.markets[id];
        debug_assert_eq!(market.ending.lots, 0, "both sides of a contract are as large");
        market.dust -= std::mem::take(&mut market.ending.value);
        if let Some(funding) = &mut market.funding {
            funding.rate = FundingRate::ZERO;
            self.note_rates();
        }
    }

    /// Closes the positions that an account has in contracts that settle.
    #[cold]
    pub(super) fn settle_all_of(&mut self, account: AccountId, events: &mut Vec<Event>) {
        let ending: Vec<InstrumentId> = self.work.settling.iter().map(|(id, _)| *id).collect();
        for id in ending {
            self.clear_of(id, account, events);
            self.close_at_settlement(id, account, events);
        }
    }

    /// What an account has open in a contract that has ended goes before its position does, for the same reasons as all of it.
    fn clear_of(&mut self, id: InstrumentId, account: AccountId, events: &mut Vec<Event>) {
        let Some(slot) = self.markets[id].position_of(account) else { return };
        let position = &self.positions[slot];
        let mut open: Vec<OrderSlot> = position.orders.iter().chain(&position.triggers).copied().collect();
        open.sort_unstable_by_key(|slot| self.orders.get(*slot).id);
        for order in open {
            let waits = self.orders.get(order).level.is_none();
            let reason = if waits { UpdateReason::Expired } else { UpdateReason::ContractExpired };
            self.remove(order, reason, None, events);
        }
    }

    /// A step: closes one position at the settlement price, and has what waits for its account to do.
    pub(super) fn settle(&mut self, id: InstrumentId, account: AccountId, events: &mut Vec<Event>) {
        self.work.settling[0].1 = AccountId::of_index(account.index() + 1);
        self.close_at_settlement(id, account, events);
    }

    fn close_at_settlement(&mut self, id: InstrumentId, account: AccountId, events: &mut Vec<Event>) {
        let market = &self.markets[id];
        let Some(slot) = market.position_of(account).filter(|slot| self.positions[*slot].size != 0) else {
            return;
        };
        // One that expired under rules that left positions as they were has none yet.
        let Some(price) = market.ending.price.or_else(|| self.fix_settlement_price(id, events)) else {
            return;
        };
        let position = &self.positions[slot];
        let (size, side, margin_wallet) = (position.size, position.closing_side(), position.margin_wallet);
        let instrument = &self.markets[id].instrument;
        let worth = instrument.value_at(size, price);
        let value = Fine(worth.0.abs());
        let left = left_of_set_aside(position, -size, instrument.signed(side, value));
        let change = PositionChange { side, lots: size.abs(), value, rows: SETTLEMENT_ROWS };
        let Booking {
            entry_before,
            opened_at,
            realized_pnl,
            realized_funding,
            charges,
            gain,
            balance,
            log,
            ..
        } = self.book_position(slot, &change, |_, margin_wallet| {
            let rate = margin_wallet.rates().taker;
            let fee = fee_on(value, rate);
            let fee = left.map_or(fee, |left| fee.min(left.floor().max(Money::ZERO)));
            Charges { rate, fee, into_pool: None }
        });
        let execution = ExecutionId(self.next_execution);
        self.next_execution += 1;
        let market = &mut self.markets[id];
        market.ending.lots += size;
        market.ending.value += worth;
        let instrument = &market.instrument;
        let settlement = Settlement {
            execution,
            account,
            instrument: id,
            log,
            price,
            closed: size,
            entry: entry_before,
            opened_at,
            fee: charges.fee,
            fee_rate: charges.rate,
            realized_pnl,
            gain: gain.map(Box::new),
            realized_funding,
            mark: market.mark,
            wallet: Wallet::of(instrument),
            currency: instrument.settlement(),
            balance,
            at: self.now,
        };
        emit(events, || Event::Settled(Box::new(settlement)));
        let beyond = beyond_set_aside(left);
        if beyond > Money::ZERO {
            self.pay_from_pool(account, margin_wallet, beyond, events);
        }
        self.after_change(slot, Margin::Stale, events);
    }
}
