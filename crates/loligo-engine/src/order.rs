//! All orders the exchange knows: the open ones, waiting triggers among them, and the closed ones of the last five seconds.
//!
//! Orders live in a slab; a slot is what books, positions and queues point at. What matching touches (`Order`, one
//! cache line) is apart from what only views need (`Record`). Orders are found by number through a paged table, by
//! the client's own name through a hash table that is never iterated, so its layout cannot reach any output.

use crate::event::OrderView;
use crate::id::{AccountId, InstrumentId, OrderId, Price, Qty, Side, Timestamp};
use crate::slot::{LevelSlot, Maybe, OrderSlot, PositionSlot, Table};
use crate::trigger::{Attached, Trigger};
use crate::words::{OrderError, OrderStatus, OrderType, UpdateReason};
use foldhash::quality::FixedState;
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

/// The part of an order that matching reads and writes.
#[repr(align(64))]
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub id: OrderId,
    /// Limit in ticks; 0 when what was asked is no price (refused orders), and for triggers that have none.
    pub price: i64,
    /// Total size in lots; 0 when what was asked is no quantity (refused orders only).
    pub qty: i64,
    pub filled: i64,
    pub updated_at: Timestamp,
    /// Neighbours in the queue of the price level.
    pub prev: Maybe<OrderSlot>,
    pub next: Maybe<OrderSlot>,
    /// Its price level; none when it is in no book.
    pub level: Maybe<LevelSlot>,
    /// Whose position it trades into.
    pub position: PositionSlot,
    pub side: Side,
    pub order_type: OrderType,
    pub status: OrderStatus,
    pub reduce_only: bool,
    pub flags: OrderFlags,
    pub reason: Option<UpdateReason>,
    pub error: Option<OrderError>,
}

/// What is only yes or no about an order, in one byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OrderFlags(u8);

impl OrderFlags {
    const SMALL: u8 = 1;
    const NAMED: u8 = 2;
    const ATTACHED: u8 = 4;
    const RESERVED: u8 = 8;

    #[inline]
    pub fn new(small: bool, named: bool) -> Self {
        Self((u8::from(small) * Self::SMALL) | (u8::from(named) * Self::NAMED))
    }

    /// Counts as a small order while it is open.
    #[inline]
    pub fn small(self) -> bool {
        self.0 & Self::SMALL != 0
    }

    pub fn set_small(&mut self, small: bool) {
        self.0 = (self.0 & !Self::SMALL) | (u8::from(small) * Self::SMALL);
    }

    /// Its record has a client's name for it.
    #[inline]
    pub fn named(self) -> bool {
        self.0 & Self::NAMED != 0
    }

    /// The name is reserved for it: no other order may take it.
    #[inline]
    pub fn reserved(self) -> bool {
        self.0 & Self::RESERVED != 0
    }

    /// It is one of the few with something attached.
    #[inline]
    pub fn attached(self) -> bool {
        self.0 & Self::ATTACHED != 0
    }

    /// Leaves something behind when it is forgotten: a name, or what is attached.
    #[inline]
    pub fn is_marked(self) -> bool {
        self.0 & (Self::NAMED | Self::ATTACHED) != 0
    }
}

impl Order {
    #[inline]
    pub fn open(&self) -> i64 {
        self.qty - self.filled
    }
}

const _: () = assert!(size_of::<Order>() == 64, "matching reads one cache line per order");

/// The part of an order that only views read.
#[repr(align(32))]
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub account: AccountId,
    /// Place in the position's list of resting orders, or of waiting triggers; says nothing of an order that is in neither.
    pub own_place: u32,
    pub placed_at: Timestamp,
    pub client_order_id: Option<Arc<str>>,
}

const _: () = assert!(size_of::<Record>() == 32, "a record never straddles two cache lines");

/// The slab of orders with its two indexes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    orders: Table<OrderSlot, Order>,
    records: Table<OrderSlot, Record>,
    free: Vec<OrderSlot>,
    next_number: u64,
    numbers: Pages,
    names: Names,
    /// By slot.
    attached: BTreeMap<OrderSlot, Arc<Attached>>,
}

impl Orders {
    pub fn new(table_seed: u64) -> Self {
        Self { names: Names { seed: table_seed, table: HashTable::new() }, next_number: 1, ..Self::default() }
    }

    /// A slab without an order, of which `next_number` is the first number to be given out.
    pub fn restored(table_seed: u64, next_number: u64) -> Self {
        Self { next_number, ..Self::new(table_seed) }
    }

    /// Keys the table of names.
    pub fn table_seed(&self) -> u64 {
        self.names.seed
    }

    /// The number the next order gets.
    pub fn next_id(&self) -> OrderId {
        OrderId(self.next_number)
    }

    /// Takes in an order under [`Orders::next_id`]. Its client name is not yet reserved.
    #[inline(always)]
    pub fn insert(&mut self, order: Order, record: Record) -> OrderSlot {
        debug_assert_eq!(order.id.0, self.next_number);
        self.next_number += 1;
        let id = order.id.0;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.orders[slot] = order;
                // By field, so that the old one, which has no name any more, is not read to be dropped.
                let Record { account, own_place, placed_at, client_order_id } = record;
                let record = &mut self.records[slot];
                (record.account, record.own_place, record.placed_at) = (account, own_place, placed_at);
                if client_order_id.is_some() {
                    record.client_order_id = client_order_id;
                }
                slot
            }
            None => self.insert_last(order, record),
        };
        self.numbers.set(id, slot);
        slot
    }

    /// Takes an order in again under the number it has, which must be below the next one.
    pub fn take(&mut self, order: Order, record: Record, attached: Option<Arc<Attached>>) -> OrderSlot {
        let id = order.id.0;
        let slot = self.insert_last(order, record);
        self.numbers.set(id, slot);
        if let Some(attached) = attached {
            self.orders[slot].flags.0 |= OrderFlags::ATTACHED;
            self.attached.insert(slot, attached);
        }
        slot
    }

    #[inline(never)]
    fn insert_last(&mut self, order: Order, record: Record) -> OrderSlot {
        self.records.push(record);
        self.orders.push(order)
    }

    /// Forgets a closed order; `flags` as in [`Order`]. False when it is not known any more.
    #[inline]
    pub fn remove(&mut self, id: OrderId, flags: OrderFlags) -> bool {
        let Some(slot) = self.numbers.clear(id.0) else { return false };
        if flags.is_marked() {
            self.drop_marked(slot, flags);
        }
        self.free.push(slot);
        true
    }

    fn drop_marked(&mut self, slot: OrderSlot, flags: OrderFlags) {
        if flags.named() {
            self.release_name(slot);
            self.records[slot].client_order_id = None;
        }
        if flags.attached() {
            self.attached.remove(&slot);
        }
    }

    /// Attaches what few orders have. It stays until the order is forgotten.
    pub fn attach(&mut self, slot: OrderSlot, attached: Attached) {
        self.orders[slot].flags.0 |= OrderFlags::ATTACHED;
        self.attached.insert(slot, Arc::new(attached));
    }

    /// What is attached to an order.
    pub fn attached(&self, slot: OrderSlot) -> Option<&Arc<Attached>> {
        self.attached.get(&slot)
    }

    /// The trigger that an order is, or came from.
    pub fn trigger(&self, slot: OrderSlot) -> Option<&Trigger> {
        self.attached.get(&slot).and_then(|attached| attached.trigger.as_ref())
    }

    /// As [`Orders::trigger`], to be changed; views taken earlier keep what they saw.
    pub fn trigger_mut(&mut self, slot: OrderSlot) -> Option<&mut Trigger> {
        self.attached.get_mut(&slot).and_then(|attached| Arc::make_mut(attached).trigger.as_mut())
    }

    #[inline]
    pub fn get(&self, slot: OrderSlot) -> &Order {
        &self.orders[slot]
    }

    #[inline]
    pub fn get_mut(&mut self, slot: OrderSlot) -> &mut Order {
        &mut self.orders[slot]
    }

    #[inline]
    pub fn record(&self, slot: OrderSlot) -> &Record {
        &self.records[slot]
    }

    #[inline]
    pub fn record_mut(&mut self, slot: OrderSlot) -> &mut Record {
        &mut self.records[slot]
    }

    /// Slot of an order by number, open or lately closed.
    #[inline]
    pub fn find(&self, id: OrderId) -> Option<OrderSlot> {
        self.numbers.get(id.0)
    }

    /// Slot of an order by its account's own name for it. Refused orders hold no name.
    pub fn find_name(&self, account: AccountId, name: &str) -> Option<OrderSlot> {
        let hash = self.names.hash(account, name);
        self.names.table.find(hash, |slot| self.is_named(*slot, account, name)).copied()
    }

    /// Reserves the name in the order's record, where it has one.
    pub fn reserve_name(&mut self, slot: OrderSlot) {
        if self.records[slot].client_order_id.is_some() {
            self.orders[slot].flags.0 |= OrderFlags::RESERVED;
            self.list_name(slot);
        }
    }

    fn list_name(&mut self, slot: OrderSlot) {
        let Self { names, records, .. } = self;
        let Names { seed, table } = names;
        let hash = rehash(*seed, &records[slot]);
        table.insert_unique(hash, slot, |other| rehash(*seed, &records[*other]));
    }

    /// Frees the name that is reserved for the order.
    pub fn release_name(&mut self, slot: OrderSlot) {
        self.orders[slot].flags.0 &= !OrderFlags::RESERVED;
        let Self { names, records, .. } = self;
        let hash = rehash(names.seed, &records[slot]);
        if let Ok(entry) = names.table.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
    }

    fn is_named(&self, slot: OrderSlot, account: AccountId, name: &str) -> bool {
        let record = &self.records[slot];
        record.account == account && record.client_order_id.as_deref() == Some(name)
    }

    /// Every order known, open and closed, in order of number.
    pub fn known(&self) -> impl Iterator<Item = OrderSlot> {
        self.numbers.iter()
    }

    /// The order, which is one of this contract, as the world may see it.
    #[inline(always)]
    pub fn view(&self, slot: OrderSlot, instrument: InstrumentId) -> OrderView {
        let order = self.get(slot);
        let record = self.record(slot);
        OrderView {
            id: order.id,
            account: record.account,
            instrument,
            side: order.side,
            order_type: order.order_type,
            status: order.status,
            reason: order.reason,
            error: order.error,
            limit_price: (order.price != 0).then_some(Price(order.price)),
            qty: (order.qty != 0).then_some(Qty(order.qty)),
            filled: Qty(order.filled),
            reduce_only: order.reduce_only,
            client_order_id: record.client_order_id.clone(),
            attached: if order.flags.attached() { self.attached.get(&slot).cloned() } else { None },
            placed_at: record.placed_at,
            updated_at: order.updated_at,
        }
    }
}

/// Client names in use, by hash. Holds slots only; the names stand in the records.
#[derive(Clone, Debug, Default)]
struct Names {
    seed: u64,
    table: HashTable<OrderSlot>,
}

impl Names {
    fn hash(&self, account: AccountId, name: &str) -> u64 {
        hash_name(self.seed, account, name)
    }
}

fn hash_name(seed: u64, account: AccountId, name: &str) -> u64 {
    FixedState::with_seed(seed).hash_one((account, name))
}

fn rehash(seed: u64, record: &Record) -> u64 {
    record.client_order_id.as_deref().map_or(0, |name| hash_name(seed, record.account, name))
}

/// Order numbers to slots. Numbers are dense and die roughly in order, so a page of them is an array, and a page
/// without a living order is given back.
#[derive(Clone, Debug, Default)]
struct Pages {
    pages: Vec<Page>,
}

const PAGE: usize = 1024;

#[derive(Clone, Debug, Default)]
struct Page {
    living: u32,
    /// None where no order lives; empty when none of the page does.
    slots: Vec<Maybe<OrderSlot>>,
}

impl Pages {
    #[inline]
    fn get(&self, number: u64) -> Option<OrderSlot> {
        let page = self.pages.get(usize::try_from(number / PAGE as u64).ok()?)?;
        page.slots.get((number % PAGE as u64) as usize)?.get()
    }

    #[inline]
    fn set(&mut self, number: u64, slot: OrderSlot) {
        let at = (number / PAGE as u64) as usize;
        if at >= self.pages.len() || self.pages[at].slots.is_empty() {
            self.open(at);
        }
        let page = &mut self.pages[at];
        page.living += 1;
        page.slots[(number % PAGE as u64) as usize] = slot.into();
    }

    #[cold]
    fn open(&mut self, at: usize) {
        if at >= self.pages.len() {
            self.pages.resize_with(at + 1, Page::default);
        }
        self.pages[at].slots = vec![Maybe::NONE; PAGE];
    }

    /// Takes a number out; gives the slot it had, if any.
    #[inline]
    fn clear(&mut self, number: u64) -> Option<OrderSlot> {
        let page = self.pages.get_mut((number / PAGE as u64) as usize)?;
        let entry = page.slots.get_mut((number % PAGE as u64) as usize)?;
        let slot = std::mem::replace(entry, Maybe::NONE).get()?;
        page.living -= 1;
        if page.living == 0 {
            page.slots = Vec::new();
        }
        Some(slot)
    }

    fn iter(&self) -> impl Iterator<Item = OrderSlot> {
        self.pages.iter().flat_map(|page| page.slots.iter().filter_map(|slot| slot.get()))
    }
}
