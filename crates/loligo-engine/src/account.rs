//! Accounts, their wallets, and their positions: what one account has in one contract, its size and its orders.

use crate::collateral::Collateral;
use crate::fees::{FEE_SCHEDULE, FeeRates};
use crate::id::{AccountId, Currency, InstrumentId, PairId, Side, Timestamp, Wallet};
use crate::instrument::{Instrument, Leverage, OpenSum};
use crate::margin::{self, Exposure, Sides, isolated_of};
use crate::money::{Fine, Money, mul_div_half_even, usd};
use crate::slot::{FamilySlot, Maybe, OrderSlot, PositionSlot, Table, UnderlyingSlot, WalletSlot};
use crate::words::SelfTradeStrategy;
use serde::{Deserialize, Serialize};

/// One account. Subaccounts are accounts with a parent; a master and its subaccounts are one family.
///
/// This and most of what follows is laid out by cache line: with thousands of accounts what an order costs is how many
/// lines it touches. What every order needs stands first.
#[repr(C, align(64))]
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// How many closed orders are still remembered, and from which number on to look for the oldest when there are too
    /// many.
    pub closed: u32,
    pub family: FamilySlot,
    pub oldest_closed: u64,
    /// How many fills it has had, and how many rows its log has.
    pub fills: u64,
    pub log: u64,
    /// The flex wallet.
    pub flex: WalletSlot,
    pub house: bool,
    /// It may ask for anything; set by the operator.
    pub active: bool,
    /// It may place and edit orders; set by its master.
    pub trading: bool,
    pub parent: Option<AccountId>,
    /// Its positions by instrument number: number and slot.
    pub positions: Vec<(InstrumentId, PositionSlot)>,
    /// Money that margins nothing.
    pub cash: Vec<(Currency, Money)>,
    /// Collateral of the flex wallet besides its settlement currency.
    pub flex_other: Vec<(Currency, Money)>,
    /// What that counts for in the flex wallet: at the prices of now, or at those before until the account is looked over.
    pub collateral: Money,
    /// See [`Account::inverse_wallet`].
    pub inverse: Table<PairId, Maybe<WalletSlot>>,
    /// When its dead man's switch cancels all of its orders.
    pub cancel_all_at: Option<Timestamp>,
}

impl Account {
    /// Its inverse wallet for a pair, where it has one.
    pub fn inverse_wallet(&self, pair: PairId) -> Option<WalletSlot> {
        self.inverse.get(pair)?.get()
    }

    /// Has an inverse wallet for a pair from now on.
    pub fn list_inverse(&mut self, pair: PairId, wallet: WalletSlot) {
        *self.inverse.grown_to(pair, Maybe::NONE) = wallet.into();
    }

    /// Its inverse wallets by pair.
    pub fn inverse_wallets(&self) -> impl Iterator<Item = WalletSlot> {
        self.inverse.iter().filter_map(|wallet| wallet.get())
    }

    /// The wallets that margin its contracts: its inverse wallets by pair, then the flex wallet.
    pub fn margin_wallets(&self) -> impl Iterator<Item = WalletSlot> {
        self.inverse_wallets().chain([self.flex])
    }

    /// It may place and edit orders.
    #[inline]
    pub fn may_trade(&self) -> bool {
        self.active && self.trading
    }
}

/// What cross positions need as initial margin, orders included: each by itself, and longs and shorts of one underlying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub alone: Fine,
    pub sides: Sides,
}

impl Needs {
    /// What they need less together than each of them by itself: the longs stand against the shorts (rules 5.2).
    fn relief(self) -> Fine {
        self.alone - self.sides.need()
    }
}

/// The positions of one wallet on one underlying, of which there are, or were, more than one: their sums, which are kept, so
/// that an order need not look at all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Underlying {
    sum: Needs,
    /// What each of them adds to that; isolated ones nothing.
    counted: Vec<Needs>,
}

impl Underlying {
    /// Has one position more; gives its place.
    pub fn join(&mut self) -> u32 {
        self.counted.push(Needs::default());
        (self.counted.len() - 1) as u32
    }

    /// What all but the position at a place need.
    pub fn beside(&self, place: u32) -> Sides {
        self.sum.sides - self.counted[place as usize].sides
    }

    /// What all of them need.
    pub fn sides(&self) -> Sides {
        self.sum.sides
    }

    /// The position at a place needs this from now on; gives by how much they all need more together than each by itself.
    pub fn recount(&mut self, place: u32, needs: Needs) -> Fine {
        let before = self.sum.relief();
        let counted = std::mem::replace(&mut self.counted[place as usize], needs);
        self.sum.alone += needs.alone - counted.alone;
        self.sum.sides = self.sum.sides - counted.sides + needs.sides;
        before - self.sum.relief()
    }
}

/// Whether other contracts of its underlying stand against a position in its wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Netting {
    /// There is, and was, none.
    Alone,
    /// It is not held yet; one is that stands alone until then.
    BesideOne(PositionSlot),
    /// It is not held yet; those are that are netted.
    Beside(UnderlyingSlot),
    /// It is one of them, at this place.
    Among(UnderlyingSlot, u32),
}

/// A wallet that margins contracts: its balance in the settlement currency and the sums its positions put on it.
#[repr(align(64))]
#[derive(Clone, Debug)]
pub(crate) struct MarginWallet {
    pub balance: Money,
    /// What stands beside the balance: the positions' unrealised funding; their open P&L at mark as margin counts it, but for isolated
    /// ones, whose is their own; what collateral in other currencies counts for.
    pub beside: Fine,
    /// The positions' initial margin, orders included, longs of an underlying against its shorts; of isolated ones what is set
    /// aside.
    pub initial_margin: Fine,
    pub currency: Currency,
    pub wallet: Wallet,
    /// Fee tier of the family, kept here because every fill passes by.
    pub tier: u8,
    /// Some position may need more maintenance margin than it needed initially: what is held says nothing then about
    /// what must be there, and the sums are looked at whenever they move. Or some of it is on the ladder, and may be
    /// cured.
    pub checked_always: bool,
}

const _: () = assert!(size_of::<MarginWallet>() == 64, "a margin_wallet is one cache line");

impl MarginWallet {
    /// What its account pays per fill.
    #[inline]
    pub fn rates(&self) -> FeeRates {
        FEE_SCHEDULE[usize::from(self.tier)].rates
    }

    /// Equity as it was last counted: the balance and what stands beside it. What is set aside for isolated positions is still in
    /// it.
    #[inline]
    pub fn equity(&self) -> Fine {
        self.balance.fine() + self.beside
    }
}

/// What one account has in one contract.
///
/// Not aligned as the others are: there may be one for every account and contract, so size counts more.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub account: AccountId,
    pub family: FamilySlot,
    /// The wallet that margins it.
    pub margin_wallet: WalletSlot,
    pub instrument: InstrumentId,
    pub house: bool,
    /// Signed lots.
    pub size: i64,
    /// Signed value the position was entered at.
    pub entry: Fine,
    /// When the position was opened; absent when it is flat, or was opened before that was noted.
    pub opened_at: Option<Timestamp>,
    /// Initial margin with orders of the contract by itself. The margin wallet has the sum, less what contracts of one underlying
    /// need less together.
    pub initial_margin: Fine,
    /// Open orders that may add to the position: lots and value at limit, by side.
    pub buys: OpenSum,
    pub sells: OpenSum,
    /// Slots of all resting orders, in no order.
    pub orders: Vec<OrderSlot>,
    /// Slots of all waiting triggers, in no order; how many of them trail.
    pub triggers: Vec<OrderSlot>,
    pub trailing_stops: u32,
    /// How many resting orders and waiting triggers are small, and how many resting orders are reduce-only.
    pub small_orders: u32,
    pub reduce_only_orders: u32,
    /// Margin of its own, at this leverage; cross when absent.
    pub leverage: Option<Leverage>,
    /// What its gains are paid in; USD when absent.
    pub gains_in: Option<Collateral>,
    pub netting: Netting,
    /// Since when it accrues funding: the hour began then, or it changed.
    pub funded_at: Timestamp,
    /// Open P&L and unrealised funding as its wallet counts them: at the mark of now, or at the one before until its account is
    /// looked over, and the funding up to `counted_at`.
    pub counted: Fine,
    pub counted_at: Timestamp,
}

/// An order that is not there yet, as margin sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub side: Side,
    pub size: OpenSum,
    /// What is open of the order, of the same side, that it takes the place of.
    pub instead_of: OpenSum,
    /// It closes the position before anything that rests does (rules 5.5): what trades at once trades first, and no
    /// trigger may fail because an order rests. Orders that were to close the position are judged when it is done.
    pub closes_first: bool,
}

/// What booking a fill into a position comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Booked {
    /// Entry value after it.
    pub entry: Fine,
    /// Realised P&L, before rounding.
    pub realized: Fine,
}

impl Position {
    pub fn new(
        account: AccountId,
        family: FamilySlot,
        margin_wallet: WalletSlot,
        instrument: InstrumentId,
        house: bool,
    ) -> Self {
        Self {
            account,
            family,
            margin_wallet,
            instrument,
            house,
            size: 0,
            entry: Fine::ZERO,
            opened_at: None,
            initial_margin: Fine::ZERO,
            buys: OpenSum::default(),
            sells: OpenSum::default(),
            orders: Vec::new(),
            triggers: Vec::new(),
            trailing_stops: 0,
            leverage: None,
            small_orders: 0,
            reduce_only_orders: 0,
            gains_in: None,
            netting: Netting::Alone,
            funded_at: Timestamp(0),
            counted: Fine::ZERO,
            counted_at: Timestamp(0),
        }
    }

    pub fn open_sum_mut(&mut self, side: Side) -> &mut OpenSum {
        match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        }
    }

    pub fn open_sum(&self, side: Side) -> OpenSum {
        match side {
            Side::Buy => self.buys,
            Side::Sell => self.sells,
        }
    }

    /// True when an order of `side` adds to the position and nothing is open on the other side: then the margin held
    /// is that of the position's value and the orders' together, and each order's own part of it can be told.
    #[inline]
    pub fn is_one_sided(&self, side: Side) -> bool {
        match side {
            Side::Buy => self.size >= 0 && self.sells.lots == 0,
            Side::Sell => self.size <= 0 && self.buys.lots == 0,
        }
    }

    /// True when `initial_margin` is the sum of its orders' and its position's own initial margins at the first level's rate, so
    /// that an order of `side` can be added or taken out by itself. Only asked of linear contracts.
    #[inline]
    pub fn margins_add_up(&self, instrument: &Instrument, side: Side, initial_margin: Fine) -> bool {
        self.is_one_sided(side) && self.leverage.is_none() && instrument.is_first_margin(initial_margin)
    }

    /// Lots that an order of `side` may have before position and open orders together pass the contract's greatest
    /// position.
    #[inline]
    pub fn room(&self, instrument: &Instrument, side: Side) -> i64 {
        let open = match side {
            Side::Buy => self.size + self.buys.lots,
            Side::Sell => self.sells.lots - self.size,
        };
        instrument.spec().max_position.0 - open
    }

    /// The side of an order that closes it.
    pub fn closing_side(&self) -> Side {
        if self.size > 0 { Side::Sell } else { Side::Buy }
    }

    /// Lots of the position that an order of `side` could close.
    pub fn closable(&self, side: Side) -> i64 {
        (-side.sign() * self.size).max(0)
    }

    /// Books `lots` (signed) traded for `value` (signed): adds to, reduces, closes or flips the position.
    #[inline]
    pub fn book(&mut self, lots: i64, value: Fine) -> Booked {
        let booked = book(self.size, self.entry, lots, value);
        self.size += lots;
        self.entry = booked.entry;
        booked
    }

    /// What of its wallet is set aside for the position alone: nothing unless it is isolated (rules 4.7).
    pub fn set_aside(&self) -> Fine {
        self.leverage.map_or(Fine::ZERO, |leverage| isolated_of(Fine(self.entry.0.abs()), leverage))
    }

    /// Initial margin with orders (rules 5.4).
    #[inline]
    pub fn initial_margin(&self, instrument: &Instrument) -> Fine {
        margin::with_orders(instrument, self.leverage, (self.size, self.entry), self.buys, self.sells)
    }

    /// What position and orders need if all of its buys, or all of its sells, were done (rules 5.4), of a cross position.
    pub fn sides(&self, instrument: &Instrument) -> Sides {
        Exposure::new(self.size, self.entry, self.buys, self.sells).sides(instrument)
    }

    /// What [`Position::initial_margin`] would be with one order more.
    pub fn margin_with(&self, instrument: &Instrument, order: &Incoming) -> Fine {
        if order.closes_first {
            return self.exposure_with(order).margin(instrument, self.leverage, self.size);
        }
        let (buys, sells) = self.sums_with(order.side, order.size, order.instead_of);
        margin::with_orders(instrument, self.leverage, (self.size, self.entry), buys, sells)
    }

    /// What position and orders could come to with one order more.
    pub fn exposure_with(&self, order: &Incoming) -> Exposure {
        let Incoming { side, size, instead_of, closes_first } = *order;
        let resting = if closes_first { OpenSum::default() } else { size };
        let (buys, sells) = self.sums_with(side, resting, instead_of);
        let exposure = Exposure::new(self.size, self.entry, buys, sells);
        if closes_first { exposure.with_first(self.size, side, size) } else { exposure }
    }

    /// Lots of one order more that close the position: what those that rest leave of it, or as much as there is.
    pub fn closing_part(&self, order: &Incoming) -> i64 {
        let ahead = match order.closes_first {
            true => 0,
            false => self.open_sum(order.side).lots - order.instead_of.lots,
        };
        (self.closable(order.side) - ahead).clamp(0, order.size.lots)
    }

    /// Open orders by side, with one order more instead of another of the same side.
    fn sums_with(&self, side: Side, order: OpenSum, instead_of: OpenSum) -> (OpenSum, OpenSum) {
        let (mut buys, mut sells) = (self.buys, self.sells);
        let sum = if side == Side::Buy { &mut buys } else { &mut sells };
        sum.lots += order.lots - instead_of.lots;
        sum.value = sum.value - instead_of.value + order.value;
        (buys, sells)
    }
}

/// Books `lots` (signed) traded for `value` (signed) into a position and its entry value.
///
/// Entry values make this conserve: whatever is realised, `realized - change of entry = -value`, so over both sides of a
/// trade nothing is made or lost.
#[inline]
pub(crate) fn book(size: i64, entry: Fine, lots: i64, value: Fine) -> Booked {
    if size == 0 || (size > 0) == (lots > 0) {
        Booked { entry: entry + value, realized: Fine::ZERO }
    } else {
        book_against(size, entry, lots, value)
    }
}

/// Books a fill that reduces, closes or flips the position.
#[inline(never)]
fn book_against(size: i64, entry: Fine, lots: i64, value: Fine) -> Booked {
    let (held, traded) = (size.abs(), lots.abs());
    let closing = traded.min(held);
    // A flip closes with its share of the value; the rest opens the other way, so nothing is lost to rounding.
    let closing_value =
        if closing == traded { value } else { Fine(share_half_even(value.0, closing, traded)) };
    let released = if closing == held { entry } else { Fine(share_half_even(entry.0, closing, held)) };
    Booked { entry: entry - released + (value - closing_value), realized: -closing_value - released }
}

#[inline]
fn share_half_even(total: i128, part: i64, whole: i64) -> i128 {
    mul_div_half_even(total, i128::from(part), i128::from(whole))
        .expect("a share is not larger than the whole")
}

/// A master account and its subaccounts: fee volume is counted over all of them.
#[repr(C, align(64))]
#[derive(Clone, Debug)]
pub(crate) struct Family {
    /// Sum of the last thirty days' volume in USD, today included.
    pub volume: Money,
    /// Volume at which the next tier begins; beyond it the tier is looked up anew.
    pub next_tier: Money,
    /// Volume of the present day.
    today: Money,
    /// Counts no volume: the house pays the first tier.
    pub house: bool,
    pub self_trade: SelfTradeStrategy,
    /// Day number of the present day.
    day: i64,
    /// Volume of the days before, by day number modulo 30.
    days: Vec<Money>,
    pub members: Vec<AccountId>,
}

/// A family's fee volume by day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FamilyDays {
    /// Number of the present day.
    pub day: i64,
    /// Volume of the present day.
    pub today: Money,
    /// Volume of the days before, by day number modulo 30.
    pub before: Vec<Money>,
}

const DAYS: i64 = 30;
const DAY_MICROS: i64 = 86_400 * Timestamp::SECOND;

impl Family {
    pub fn new(member: AccountId, house: bool, now: Timestamp) -> Self {
        let day = day_of(now);
        Self {
            members: vec![member],
            house,
            self_trade: SelfTradeStrategy::default(),
            volume: Money::ZERO,
            next_tier: usd(FEE_SCHEDULE[1].from_usd),
            day,
            today: Money::ZERO,
            days: vec![Money::ZERO; DAYS as usize],
        }
    }

    /// Its volume by day.
    pub fn days(&self) -> FamilyDays {
        FamilyDays { day: self.day, today: self.today, before: self.days.clone() }
    }

    /// Takes up its volume by day; false when it is none.
    pub fn restore(&mut self, days: &FamilyDays) -> bool {
        let FamilyDays { day, today, before } = days;
        let sum = before.iter().try_fold(today.0, |sum, day| sum.checked_add(day.0));
        let Some(volume) = sum.filter(|_| before.len() == DAYS as usize) else { return false };
        (self.day, self.today, self.volume) = (*day, *today, Money(volume));
        self.days.clone_from(before);
        true
    }

    /// Counts a fill of the present day. True when the fee tier may have changed.
    #[inline]
    pub fn count(&mut self, value: Money) -> bool {
        if self.house {
            return false;
        }
        self.today += value;
        self.volume += value;
        self.volume >= self.next_tier
    }

    /// Drops the days that are more than thirty days old. True when a new day has begun.
    pub fn roll(&mut self, now: Timestamp) -> bool {
        let today = day_of(now);
        if today <= self.day {
            return false;
        }
        self.days[self.day.rem_euclid(DAYS) as usize] = std::mem::take(&mut self.today);
        for day in self.day + 1..=today.min(self.day + DAYS) {
            let bucket = &mut self.days[day.rem_euclid(DAYS) as usize];
            self.volume -= std::mem::take(bucket);
        }
        self.day = today;
        true
    }

    /// The volume that counts at an instant which has not come to the exchange yet.
    pub fn volume_at(&self, now: Timestamp) -> Money {
        let mut then = self.clone();
        then.roll(now);
        then.volume
    }

    /// Looks the tier up by its place in the schedule; sets where the next one begins.
    pub fn tier(&mut self) -> u8 {
        let at = FEE_SCHEDULE.partition_point(|tier| usd(tier.from_usd) <= self.volume).max(1);
        self.next_tier = FEE_SCHEDULE.get(at).map_or(Money(i128::MAX), |tier| usd(tier.from_usd));
        (at - 1) as u8
    }
}

/// Number of the day, by UTC, since 1970.
pub(crate) fn day_of(time: Timestamp) -> i64 {
    time.0.div_euclid(DAY_MICROS)
}
