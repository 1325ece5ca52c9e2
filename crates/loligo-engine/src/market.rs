//! One contract while it trades: its book, its prices, who holds it; and the pairs whose index prices it.

use crate::account::{MarginWallet, Position};
use crate::book::Book;
use crate::funding::Funding;
use crate::id::{AccountId, PairId, Price, Side, Timestamp};
use crate::instrument::{Instrument, OpenSum};
use crate::margin::{initial_of, maintenance_of};
use crate::money::{
    Fine, FinePrice, Money, div_half_even, millionths_up, mul_div_half_even, mul_div_up, pow10,
};
use crate::past::PastTrade;
use crate::settlement::Ending;
use crate::slot::{Maybe, PositionSlot, Slot, Table};
use crate::trigger::Watches;
use crate::words::{Dislocation, MarketState, Signal};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// An index older than this stops its markets (rules 4.5).
const INDEX_STALE: i64 = 10 * Timestamp::SECOND;
/// The premium in a mark is the mean of this many one-second samples, unless the operator sets fewer (rules 4.5).
pub(crate) const SMOOTHING: u8 = 30;
/// How long the last good premium stands in for a side that is too thin.
const PREMIUM_KEPT: i64 = 60 * Timestamp::SECOND;
/// How far a book may be from its index, beyond the greatest premium that counts, before it is dislocated (rules 1.12);
/// and how much nearer it must come for that to end.
const DISLOCATED: i128 = ONE / 25;
const DISLOCATION_ENDS: i128 = ONE / 100;
/// Over which time an index is volatile or not, and what new initial margin is multiplied by then (rules 1.12).
const VOLATILITY_WINDOW: i64 = 300 * Timestamp::SECOND;
const VOLATILE_MULTIPLIER: u32 = 2;
/// One, at the 18 decimals of premiums and prices.
const ONE: i128 = 10_i128.pow(18);
const DAY: i128 = 86_400 * Timestamp::SECOND as i128;

/// A pair with an index price.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub name: String,
    pub index: Option<FinePrice>,
    /// The operator's pin; quotes do not move it.
    pub pinned: bool,
    /// When the price source last spoke; absent while the index is a constant, which never ages.
    pub published_at: Option<Timestamp>,
    /// The index has moved far in little time (rules 1.12), and not calmed down since.
    volatile: bool,
    /// What the index was in the last five minutes, and since when, oldest first: one a second at most.
    moves: VecDeque<(Timestamp, FinePrice)>,
    /// The price at which collateral is valued: the index as it was last sampled, or pinned.
    #[serde(skip)]
    pub valued: Option<FinePrice>,
}

impl Pair {
    /// A pair without an index price.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            index: None,
            pinned: false,
            published_at: None,
            volatile: false,
            moves: VecDeque::new(),
            valued: None,
        }
    }

    /// Values collateral at the index of now. True when that is another price.
    pub fn revalue(&mut self) -> bool {
        std::mem::replace(&mut self.valued, self.index) != self.index
    }

    /// Takes one sample of the index: volatile when it is more than 10% from anything that it was in the last five
    /// minutes, until that is below 5%.
    pub fn sample(&mut self, now: Timestamp) {
        let Some(index) = self.index else { return };
        self.volatile = self.is_volatile(index, now);
        self.moves.drain(..self.window_at(now));
        if self.moves.back().is_none_or(|(_, last)| *last != index) {
            self.moves.push_back((now, index));
        }
    }

    /// Where the window begins: the first move that counts is what the index was at its beginning.
    fn window_at(&self, now: Timestamp) -> usize {
        self.moves.partition_point(|(at, _)| now.0 - at.0 >= VOLATILITY_WINDOW).saturating_sub(1)
    }

    fn is_volatile(&self, index: FinePrice, now: Timestamp) -> bool {
        self.moves.range(self.window_at(now)..).any(|(_, before)| {
            let moved = 100 * (index.0 - before.0).abs();
            if self.volatile { moved >= 5 * before.0 } else { moved > 10 * before.0 }
        })
    }

    /// When a sample makes it volatile or calm, if the index stays as it is: at `next`, the full second that is sampled next,
    /// or perhaps when the oldest move has left the window; `None` when it stays as it is.
    pub fn changes_at(&self, next: Timestamp) -> Option<Timestamp> {
        let index = self.index?;
        if self.is_volatile(index, next) != self.volatile || self.valued != self.index {
            return Some(next);
        }
        // One that is calm can only get calmer.
        self.volatile.then(|| self.moves.get(1).map_or(next, |(at, _)| at.plus(VOLATILITY_WINDOW)))
    }

    /// What new initial margin is multiplied by.
    #[inline]
    pub fn margin_multiplier(&self) -> u32 {
        if self.volatile { VOLATILE_MULTIPLIER } else { 1 }
    }

    /// When the index will be too old to trade on, or became it, if nothing is published; never while it is pinned, or a
    /// constant.
    pub fn stale_from(&self) -> Option<Timestamp> {
        self.published_at.filter(|_| !self.pinned).map(|at| at.plus(INDEX_STALE + 1))
    }

    /// True when the index is too old (or missing) to trade on.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        self.index.is_none()
            || (!self.pinned && self.published_at.is_some_and(|at| now.0 - at.0 > INDEX_STALE))
    }
}

/// A listed contract and everything that moves on it.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    pub instrument: Instrument,
    /// What the operator or the calendar made of it; see [`Market::state`].
    pub trading: MarketState,
    pub book: Book,
    /// Triggers that wait; made anew from the orders when a state is read.
    pub triggers: Watches,
    /// The value of each signal when triggers were last judged by it, while any waits.
    pub judged: [Option<FinePrice>; 3],
    /// Price of the last execution, in ticks.
    pub last: Option<i64>,
    /// The last trade of the past that was made up for it.
    pub before: Option<PastTrade>,
    pub mark: Option<FinePrice>,
    /// Value of one lot at mark; zero without a mark.
    pub mark_value: Fine,
    /// Of the first margin level, at mark: maintenance margin of one lot, and the value a lot must have been entered at
    /// for its initial margin to cover that. Both rounded up.
    pub maintenance_per_lot: Fine,
    cover_per_lot: Fine,
    /// The greatest position that is within the first margin level at mark.
    pub first_level_lots: i64,
    pub mark_pinned: bool,
    /// Positions by account. Here, not with the accounts, because this is dense: an order finds its position without touching
    /// its account.
    positions: Table<AccountId, Maybe<PositionSlot>>,
    /// Sum of long positions in lots.
    pub open_interest: i64,
    /// Fees taken on this contract, and what rounding left over: the exchange's own side of its fills.
    pub fees: Money,
    pub dust: Fine,
    premiums: VecDeque<i128>,
    /// How many samples of the premium are kept, and make the mark.
    smoothing: usize,
    good_premium: Option<(i128, Timestamp)>,
    /// The prices beyond which a dislocated market takes no order further: least and greatest that it takes, in ticks.
    pub bounds: (i64, i64),
    /// On which side of its index the book was too far away when last sampled.
    dislocation: Option<Dislocation>,
    /// How many changes of price levels it has had, and how many trades.
    pub levels: u64,
    pub trades: u64,
    /// How it trades, as last told: what [`Market::state`] gives, between two changes.
    pub announced: MarketState,
    /// Of a perpetual.
    pub funding: Option<Funding>,
    pub ending: Ending,
}

/// What a contract's prices were and are, and what the operator made of it: all of a market that does not follow from its
/// orders and positions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MarketPrices {
    pub trading: MarketState,
    pub judged: [Option<FinePrice>; 3],
    pub last: Option<i64>,
    pub mark: Option<FinePrice>,
    pub mark_pinned: bool,
    pub premiums: VecDeque<i128>,
    pub good_premium: Option<(i128, Timestamp)>,
    pub bounds: (i64, i64),
    pub dislocation: Option<Dislocation>,
}

impl Market {
    pub fn new(instrument: Instrument) -> Self {
        Self {
            funding: instrument.is_perpetual().then(Funding::default),
            instrument,
            trading: MarketState::Open,
            book: Book::default(),
            triggers: Watches::default(),
            judged: [None; 3],
            last: None,
            before: None,
            mark: None,
            mark_value: Fine::ZERO,
            maintenance_per_lot: Fine::ZERO,
            cover_per_lot: Fine::ZERO,
            first_level_lots: i64::MAX,
            mark_pinned: false,
            positions: Table::default(),
            open_interest: 0,
            fees: Money::ZERO,
            dust: Fine::ZERO,
            premiums: VecDeque::with_capacity(SMOOTHING.into()),
            smoothing: SMOOTHING.into(),
            good_premium: None,
            bounds: (0, i64::MAX),
            dislocation: None,
            levels: 0,
            trades: 0,
            announced: MarketState::Open,
            ending: Ending::default(),
        }
    }

    /// Averages the premium over so many seconds from the next sample on; at 0 the newest counts alone.
    pub fn smooth_over(&mut self, seconds: u8) {
        self.smoothing = usize::from(seconds).max(1);
        let passed = self.premiums.len().saturating_sub(self.smoothing);
        self.premiums.drain(..passed);
    }

    /// When it ends: a dated contract at its last trading time, a perpetual when it settles, once it is delisted.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.ending.due.or(self.instrument.spec().expiry)
    }

    /// True of one that has come to its end.
    pub fn has_expired(&self) -> bool {
        self.trading == MarketState::Expired
    }

    /// The number of one more change of a price level.
    #[inline(always)]
    pub fn next_level(&mut self) -> u64 {
        self.levels += 1;
        self.levels
    }

    /// What is stored of it beside its spec and its money.
    pub fn prices(&self) -> MarketPrices {
        MarketPrices {
            trading: self.trading,
            judged: self.judged,
            last: self.last,
            mark: self.mark,
            mark_pinned: self.mark_pinned,
            premiums: self.premiums.clone(),
            good_premium: self.good_premium,
            bounds: self.bounds,
            dislocation: self.dislocation,
        }
    }

    /// Takes up what was stored. The mark must be a price that the contract carries.
    pub fn restore(&mut self, prices: MarketPrices) {
        let MarketPrices {
            trading,
            judged,
            last,
            mark,
            mark_pinned,
            premiums,
            good_premium,
            bounds,
            dislocation,
        } = prices;
        (self.trading, self.judged, self.last, self.mark_pinned) = (trading, judged, last, mark_pinned);
        (self.premiums, self.good_premium) = (premiums, good_premium);
        (self.bounds, self.dislocation) = (bounds, dislocation);
        if let Some(mark) = mark {
            self.set_mark(mark);
        }
    }

    /// Finds a position by its account from now on.
    pub fn list_position(&mut self, account: AccountId, slot: PositionSlot) {
        *self.positions.grown_to(account, Maybe::NONE) = slot.into();
    }

    /// The position of an account, where it has one.
    #[inline(always)]
    pub fn position_of(&self, account: AccountId) -> Option<PositionSlot> {
        self.positions.get(account)?.get()
    }

    /// Every position, by account.
    pub fn positions(&self) -> impl Iterator<Item = PositionSlot> {
        self.positions.iter().filter_map(|slot| slot.get())
    }

    /// The positions of the accounts from one on.
    pub fn positions_from(&self, account: AccountId) -> impl Iterator<Item = PositionSlot> {
        self.positions.iter().skip(account.index()).filter_map(|slot| slot.get())
    }

    pub fn pair(&self) -> PairId {
        self.instrument.pair()
    }

    /// How it trades now.
    #[inline]
    pub fn state(&self, pair: &Pair, now: Timestamp) -> MarketState {
        let spec = self.instrument.spec();
        match self.trading {
            MarketState::Inactive | MarketState::PreLaunch | MarketState::Expired => self.trading,
            MarketState::Open | MarketState::PostOnly | MarketState::Suspended => {
                if now < spec.opening {
                    MarketState::PreLaunch
                } else if self.mark.is_none() || pair.is_stale(now) {
                    MarketState::Suspended
                } else if self.ending.due.is_some() && self.trading == MarketState::Open {
                    MarketState::PostOnly
                } else {
                    self.trading
                }
            }
        }
    }

    /// The present value of a signal; none before the first trade, or without an index.
    pub fn signal(&self, signal: Signal, pair: &Pair) -> Option<FinePrice> {
        match signal {
            Signal::Last => self.last.map(|last| self.instrument.fine_price(Price(last))),
            Signal::Mark => self.mark,
            Signal::Index => pair.index,
        }
    }

    /// What a trailing stop begins to follow: the value of its signal, and before the first trade the last one that was made
    /// up. Nothing fires on that.
    pub fn reference(&self, signal: Signal, pair: &Pair) -> Option<FinePrice> {
        let before = self.before.filter(|_| signal == Signal::Last);
        self.signal(signal, pair).or(before.map(|trade| self.instrument.fine_price(trade.price)))
    }

    /// Begins with this mark price, as if it had stood so far from the index before.
    pub fn begin_at(&mut self, mark: FinePrice, index: FinePrice) {
        let premium = mul_div_half_even(mark.0 - index.0, ONE, index.0);
        self.premiums.extend(premium);
        self.set_mark(mark);
    }

    /// Sets the mark price.
    pub fn set_mark(&mut self, price: FinePrice) {
        self.mark = Some(price);
        self.mark_value = self.instrument.value_per_lot(price);
        let (first, value) = (&self.instrument.spec().margin_levels[0], self.mark_value.0.abs());
        self.maintenance_per_lot = Fine(millionths_up(value, first.maintenance));
        let cover = mul_div_up(value, first.maintenance.into(), first.initial.into());
        self.cover_per_lot = Fine(cover.expect("maintenance is not above initial margin"));
        self.first_level_lots = self.instrument.first_level_lots(value);
    }

    /// True when the initial margin of a position, at entry, is sure to cover its maintenance margin, at mark. True of
    /// isolated ones, which take nothing from their wallet's other positions.
    #[inline]
    pub fn covers(&self, position: &Position) -> bool {
        if position.leverage.is_some() {
            return true;
        }
        let lots = position.size.abs();
        if lots <= self.first_level_lots {
            i128::from(lots) * self.cover_per_lot.0 <= position.entry.0.abs()
        } else {
            self.covers_large(position)
        }
    }

    #[cold]
    fn covers_large(&self, position: &Position) -> bool {
        let entered = OpenSum::of(position.size, position.entry);
        maintenance_of(&self.instrument, self.at_mark(position.size)) <= initial_of(&self.instrument, entered)
    }

    /// Open P&L of a position at mark.
    #[inline]
    pub fn unrealized(&self, position: &Position) -> Fine {
        if self.mark.is_none() {
            return Fine::ZERO;
        }
        Fine(i128::from(position.size) * self.mark_value.0) - position.entry
    }

    /// Open P&L of a position at mark that its wallet's other positions may live on: none of an isolated one. Of a gain that is
    /// paid in another currency as much as that would count for.
    #[inline]
    pub fn shared_pnl(&self, position: &Position) -> Fine {
        if position.leverage.is_some() { Fine::ZERO } else { self.unrealized_as_margin(position) }
    }

    /// Open P&L of a position at mark as far as it stands behind positions (rules 5.3).
    #[inline]
    pub fn unrealized_as_margin(&self, position: &Position) -> Fine {
        let pnl = self.unrealized(position);
        match position.gains_in {
            Some(currency) if pnl > Fine::ZERO => currency.terms().counted_gain(pnl),
            _ => pnl,
        }
    }

    /// What a position has accrued since its funding was last booked; positive what it gets.
    #[inline]
    pub fn accrued(&self, position: &Position, until: Timestamp) -> Fine {
        match &self.funding {
            Some(funding) if funding.rate.absolute != 0 && position.size != 0 => {
                funding.accrued(&self.instrument, position, until)
            }
            _ => Fine::ZERO,
        }
    }

    /// What booking a position's funding now would come to.
    pub fn due_funding(&self, position: &Position, now: Timestamp) -> Money {
        match &self.funding {
            Some(funding) if funding.rate.absolute != 0 && position.size != 0 => {
                funding.due(&self.instrument, position, now)
            }
            _ => Money::ZERO,
        }
    }

    /// Books what a position has accrued: from `now` on it accrues anew.
    #[inline]
    pub fn realize_funding(&mut self, position: &mut Position, now: Timestamp) -> Money {
        let realized = match &mut self.funding {
            Some(funding) if funding.rate.absolute != 0 && position.size != 0 => {
                funding.realize(&self.instrument, position, now)
            }
            _ => Money::ZERO,
        };
        position.funded_at = now;
        realized
    }

    /// True while its positions are booked every hour: it is a perpetual, and has not come to its end.
    pub fn pays_funding(&self) -> bool {
        self.funding.is_some() && !self.has_expired()
    }

    /// What its wallet counts of a position: its share of the open P&L at the mark of now, and its funding up to an instant, which
    /// is the wallet's, be the position isolated or not (rules 4.6).
    #[inline]
    pub fn shared(&self, position: &Position, until: Timestamp) -> Fine {
        self.shared_pnl(position) + self.accrued(position, until)
    }

    /// Counts a position in its wallet as it is now.
    #[inline]
    pub fn recount(&self, position: &mut Position, margin_wallet: &mut MarginWallet, now: Timestamp) {
        let counts = self.shared(position, now);
        margin_wallet.beside += counts - position.counted;
        (position.counted, position.counted_at) = (counts, now);
    }

    /// By how much `lots` (signed) traded for `value` (signed) are worse than at mark; negative when they are better.
    #[inline]
    pub fn loss_to_mark(&self, lots: i64, value: Fine) -> Fine {
        value - Fine(i128::from(lots) * self.mark_value.0)
    }

    /// A position at its value at mark; nothing without a mark.
    #[inline]
    pub fn at_mark(&self, size: i64) -> OpenSum {
        OpenSum::of(size, Fine(i128::from(size) * self.mark_value.0))
    }

    /// Takes one sample of the premium at `now` and each of the full seconds just before it, `seconds` in all, in which the
    /// book stood as it does now.
    pub fn sample(&mut self, index: FinePrice, seconds: i64, now: Timestamp) {
        self.ending.sample(self.instrument.spec(), index, seconds, now);
        self.dislocation = self.dislocation_at(index, now);
        let given = self.book_premium(index);
        if now > self.instrument.spec().opening {
            let (premium, kept) = match (given, self.good_premium) {
                (Some(premium), _) => (premium, seconds),
                (None, Some((premium, at))) => {
                    let stays = at.plus(PREMIUM_KEPT + seconds * Timestamp::SECOND).0 - now.0;
                    (premium, stays.div_euclid(Timestamp::SECOND).clamp(0, seconds))
                }
                (None, None) => (0, 0),
            };
            if let Some(funding) = &mut self.funding {
                funding.sample(premium, kept, seconds);
            }
        }
        for before in (0..seconds.min(self.smoothing as i64)).rev() {
            let at = now.plus(-before * Timestamp::SECOND);
            if self.premiums.len() == self.smoothing {
                self.premiums.pop_front();
            }
            self.premiums.push_back(self.capped(self.good_premium_of(given, at), at));
        }
        // One that is too old stays where it is, and counts no more.
        self.good_premium = self.good_premium_of(given, now).or(self.good_premium);
    }

    /// The premium that the book gives; `None` when a side is too thin.
    fn book_premium(&self, index: FinePrice) -> Option<i128> {
        let mid = self.impact_mid()?;
        let premium = mul_div_half_even(mid.0 - index.0, ONE, index.0);
        Some(premium.unwrap_or(if mid > index { ONE } else { -ONE }))
    }

    /// The premium that counts at `now` and when the book gave it: now, or as long as it is kept for a side that is too thin.
    fn good_premium_of(&self, given: Option<i128>, now: Timestamp) -> Option<(i128, Timestamp)> {
        match given {
            Some(premium) => Some((premium, now)),
            None => self.good_premium.filter(|(_, at)| now.0 - at.0 <= PREMIUM_KEPT),
        }
    }

    /// True when book and index have stood as they do now for as long as the mean looks back, and stay so at `next`, the full
    /// second that is sampled next: its sample moves the mark by no more than the cap of the premium moves.
    pub fn only_drifts(&self, index: FinePrice, next: Timestamp) -> bool {
        let Some(premium) = self.book_premium(index) else { return false };
        let at = |before: usize| next.plus(-(before as i64 + 1) * Timestamp::SECOND);
        let samples = self.premiums.iter().rev().enumerate();
        self.premiums.len() == self.smoothing
            && samples
                .into_iter()
                .all(|(before, sample)| *sample == self.capped(Some((premium, at(before))), at(before)))
            && (self.mark_pinned || self.mark == Some(self.formula_mark(index)))
            && self.dislocation_at(index, next) == self.dislocation
    }

    /// A premium as it is sampled.
    fn capped(&self, good: Option<(i128, Timestamp)>, now: Timestamp) -> i128 {
        let cap = self.premium_cap(now);
        good.map_or(0, |(premium, _)| premium).clamp(-cap, cap)
    }

    /// When a sample moves the mark, or finds the book dislocated or no more, if book and index stay as they are: at `next`,
    /// the full second that is sampled next, or at a later one; `None` when all is still.
    pub fn changes_at(&self, index: FinePrice, next: Timestamp) -> Option<Timestamp> {
        if self.dislocation_at(index, next) != self.dislocation {
            return Some(next);
        }
        if self.mark_pinned {
            return None;
        }
        let good = self.good_premium_of(self.book_premium(index), next);
        let sample = self.capped(good, next);
        let settled = self.premiums.iter().all(|premium| *premium == sample)
            && (sample == 0 || !self.premiums.is_empty());
        if !settled || self.mark != Some(self.formula_mark(index)) {
            return Some(next);
        }
        let (premium, at) = good?;
        if at == next {
            // The first full second from which the cap presses it.
            let from = self.pressed_from(premium, next)?.max(next).plus(Timestamp::SECOND - 1);
            return Some(from.plus(-from.0.rem_euclid(Timestamp::SECOND)));
        }
        (sample != 0).then(|| at.plus(PREMIUM_KEPT + Timestamp::SECOND))
    }

    /// The mark price by its formula: index x (1 + mean of the capped premium samples), 14 significant digits.
    pub fn formula_mark(&self, index: FinePrice) -> FinePrice {
        let mean = match self.premiums.len() as i128 {
            0 => 0,
            count => div_half_even(self.premiums.iter().sum(), count),
        };
        let mark =
            mul_div_half_even(index.0, ONE + mean, ONE).expect("a capped premium cannot overflow a price");
        FinePrice(round_significant(mark, 14).max(1))
    }

    /// On which side of its index the book is too far away, as it stands now. Once it is, it must come nearer than where
    /// it began.
    pub fn dislocation_at(&self, index: FinePrice, now: Timestamp) -> Option<Dislocation> {
        let mid = self.impact_mid()?;
        let far = self.premium_cap(now) + DISLOCATED;
        let kept = |side| if self.dislocation == Some(side) { far - DISLOCATION_ENDS } else { far };
        if mid.0 > scaled(index, ONE + kept(Dislocation::Above)) {
            Some(Dislocation::Above)
        } else if mid.0 < scaled(index, ONE - kept(Dislocation::Below)) {
            Some(Dislocation::Below)
        } else {
            None
        }
    }

    /// Puts the bounds of a dislocated market where its index has them.
    pub fn set_bounds(&mut self, index: FinePrice, now: Timestamp) {
        let far = self.premium_cap(now) + DISLOCATED;
        let at = |factor| FinePrice(scaled(index, factor));
        let least = self.instrument.ticks_ceil(at(ONE - far)).0;
        self.bounds = (least, self.instrument.ticks_floor(at(ONE + far)).0);
    }

    /// Greatest premium counted (rules 4.5): 1% for perpetuals; for dated contracts 1% at one day to 20% at 210 days.
    fn premium_cap(&self, now: Timestamp) -> i128 {
        let percent = ONE / 100;
        let Some(expiry) = self.instrument.spec().expiry else { return percent };
        let left = i128::from(expiry.0.saturating_sub(now.0).max(0));
        if left <= DAY {
            percent
        } else if left >= 210 * DAY {
            20 * percent
        } else {
            percent + 19 * percent * (left - DAY) / (209 * DAY)
        }
    }

    /// From when on the cap of a dated contract's premium presses it down, and its mark with it, if its book stays as it is; that
    /// is past when it does already. `None` when it will not, or no more.
    fn pressed_from(&self, premium: i128, now: Timestamp) -> Option<Timestamp> {
        let percent = ONE / 100;
        let expiry = i128::from(self.instrument.spec().expiry?.0);
        let over = (premium.abs() - percent).min(19 * percent);
        let pressed_until = expiry - DAY;
        if over <= 0 || i128::from(now.0) >= pressed_until {
            return None;
        }
        let from = pressed_until - over * 209 * DAY / (19 * percent);
        Some(Timestamp(i64::try_from(from).unwrap_or(i64::MIN)))
    }

    /// Mean of the average prices of buying and of selling the impact size; `None` when a side is too thin.
    fn impact_mid(&self) -> Option<FinePrice> {
        let size = self.instrument.spec().impact_mid_size.0;
        let cost = |side| {
            let (mut left, mut cost) = (size, 0_i128);
            for level in self.book.levels(side) {
                let taken = left.min(level.qty);
                cost += i128::from(taken) * i128::from(level.price);
                left -= taken;
                if left == 0 {
                    return Some(cost);
                }
            }
            None
        };
        let both = cost(Side::Buy)? + cost(Side::Sell)?;
        let tick = self.instrument.fine_price(Price(1)).0;
        mul_div_half_even(both, tick, 2 * i128::from(size)).map(FinePrice)
    }
}

/// A price times a factor of 18 decimals.
fn scaled(price: FinePrice, factor: i128) -> i128 {
    mul_div_half_even(price.0, factor, ONE).expect("a premium cannot carry a price out of range")
}

/// `value` (positive) rounded half to even at so many significant digits.
fn round_significant(value: i128, digits: u32) -> i128 {
    let have = value.checked_ilog10().map_or(1, |log| log + 1);
    if have <= digits { value } else { div_half_even(value, pow10(have - digits)) * pow10(have - digits) }
}
