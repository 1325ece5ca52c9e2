//! Where things stand in memory: a slot of each kind is a type of its own, so none is taken for another's. No slot is stored.

use crate::id::{AccountId, InstrumentId, PairId};
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// What a [`Table`] is indexed by: a slot, or a dense number that is one.
pub(crate) trait Slot: Copy {
    fn of_index(index: usize) -> Self;
    fn index(self) -> usize;
}

macro_rules! slots {
    ($($(#[$doc:meta])* $name:ident)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(u32);

        impl Slot for $name {
            #[inline(always)]
            fn of_index(index: usize) -> Self {
                Self(index as u32)
            }

            #[inline(always)]
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+ };
}

slots! {
    /// An order.
    OrderSlot
    /// What an account has in a contract.
    PositionSlot
    /// A wallet that margins contracts.
    WalletSlot
    /// A master account with its subaccounts.
    FamilySlot
    /// A price level of a book.
    LevelSlot
    /// What one wallet has on one underlying, in more than one contract.
    UnderlyingSlot
}

impl OrderSlot {
    /// None before it.
    pub const FIRST: Self = Self(0);
}

macro_rules! numbers {
    ($($name:ident($of:ty))+) => { $(
        impl Slot for $name {
            #[inline(always)]
            fn of_index(index: usize) -> Self {
                Self(index as $of)
            }

            #[inline(always)]
            fn index(self) -> usize {
                self.0 as usize
            }
        }
    )+ };
}

numbers! { AccountId(u32) InstrumentId(u16) PairId(u16) }

/// A slot or none, in four bytes: what links and tables are made of. [`Maybe::get`] is what tells the two apart.
#[derive(Debug)]
pub(crate) struct Maybe<S>(u32, PhantomData<S>);

const NOTHING: u32 = u32::MAX;

impl<S> Maybe<S> {
    pub const NONE: Self = Self(NOTHING, PhantomData);

    #[inline(always)]
    pub fn is_none(self) -> bool {
        self.0 == NOTHING
    }

    #[inline(always)]
    pub fn is_some(self) -> bool {
        self.0 != NOTHING
    }
}

impl<S: Slot> Maybe<S> {
    /// Of a slot's number, of which the greatest is none.
    #[inline(always)]
    pub fn of_number(number: u32) -> Self {
        Self(number, PhantomData)
    }

    #[inline(always)]
    pub fn get(self) -> Option<S> {
        if self.is_some() { Some(S::of_index(self.0 as usize)) } else { None }
    }
}

impl<S: Slot> Maybe<S> {
    /// The slot of what must be there. It costs nothing: no table has a row for none.
    #[inline(always)]
    pub fn known(self) -> S {
        debug_assert!(self.is_some(), "there is a slot");
        S::of_index(self.0 as usize)
    }
}

impl<S: Slot> From<S> for Maybe<S> {
    #[inline(always)]
    fn from(slot: S) -> Self {
        Self(slot.index() as u32, PhantomData)
    }
}

// By hand: a derive would ask the same of what it points at.
impl<S> Clone for Maybe<S> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Maybe<S> {}

impl<S> PartialEq for Maybe<S> {
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<S> Eq for Maybe<S> {}

const _: () = assert!(size_of::<Maybe<OrderSlot>>() == 4, "a link is four bytes");

/// A set of slots or dense numbers: a bit for each, so that the next of very many is found by looking at a few words.
#[derive(Clone, Debug)]
pub(crate) struct SlotSet<S> {
    words: Vec<u64>,
    slots: PhantomData<S>,
}

const WORD: usize = u64::BITS as usize;

impl<S> Default for SlotSet<S> {
    fn default() -> Self {
        Self { words: Vec::new(), slots: PhantomData }
    }
}

impl<S: Slot> SlotSet<S> {
    pub fn contains(&self, slot: S) -> bool {
        (self.word(slot.index() / WORD) >> (slot.index() % WORD)) & 1 == 1
    }

    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Puts a slot in, or takes it out.
    pub fn set(&mut self, slot: S, is_in: bool) {
        let (at, bit) = (slot.index() / WORD, 1 << (slot.index() % WORD));
        if self.words.len() <= at {
            self.words.resize(at + 1, 0);
        }
        if is_in {
            self.words[at] |= bit;
        } else {
            self.words[at] &= !bit;
        }
    }

    /// The first slots, from one on, that are in any of some sets: as many as one word has. None when no more are.
    pub fn first_of_any<'a>(sets: impl Iterator<Item = &'a Self> + Clone, from: S) -> FewSlots<S>
    where
        S: 'a,
    {
        let words = sets.clone().map(|set| set.words.len()).max().unwrap_or(0);
        let mut few = FewSlots { word: 0, begins: 0, slots: PhantomData };
        let mut wanted = u64::MAX << (from.index() % WORD);
        for at in from.index() / WORD..words {
            few.word = wanted & sets.clone().fold(0, |found, set| found | set.word(at));
            if few.word != 0 {
                few.begins = at * WORD;
                break;
            }
            wanted = u64::MAX;
        }
        few
    }

    /// Those that are in it, from one on, in order.
    pub fn iter_from(&self, from: S) -> impl Iterator<Item = S> {
        let (first, wanted) = (from.index() / WORD, u64::MAX << (from.index() % WORD));
        self.words.iter().enumerate().skip(first).flat_map(move |(at, word)| {
            let word = if at == first { word & wanted } else { *word };
            FewSlots { word, begins: at * WORD, slots: PhantomData }
        })
    }

    fn word(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }
}

/// Slots that follow each other closely, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FewSlots<S> {
    word: u64,
    begins: usize,
    slots: PhantomData<S>,
}

impl<S: Slot> Iterator for FewSlots<S> {
    type Item = S;

    #[inline]
    fn next(&mut self) -> Option<S> {
        let bit = (self.word != 0).then(|| self.word.trailing_zeros() as usize)?;
        self.word &= self.word - 1;
        Some(S::of_index(self.begins + bit))
    }
}

/// A dense table by slot or number.
#[derive(Clone, Debug)]
pub(crate) struct Table<S, T> {
    rows: Vec<T>,
    slots: PhantomData<S>,
}

impl<S, T> Default for Table<S, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), slots: PhantomData }
    }
}

impl<S: Slot, T> Table<S, T> {
    /// The slot that the next row gets.
    pub fn next(&self) -> S {
        S::of_index(self.rows.len())
    }

    /// Appends a row; gives its slot.
    pub fn push(&mut self, row: T) -> S {
        let slot = self.next();
        self.rows.push(row);
        slot
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[inline(always)]
    pub fn get(&self, slot: S) -> Option<&T> {
        self.rows.get(slot.index())
    }

    #[inline(always)]
    pub fn get_mut(&mut self, slot: S) -> Option<&mut T> {
        self.rows.get_mut(slot.index())
    }

    /// The row of a slot, made with all before it where there is none yet.
    pub fn grown_to(&mut self, slot: S, row: T) -> &mut T
    where
        T: Clone,
    {
        if self.rows.len() <= slot.index() {
            self.rows.resize(slot.index() + 1, row);
        }
        &mut self.rows[slot.index()]
    }

    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.rows.iter_mut()
    }

    /// Every slot, in order.
    pub fn slots(&self) -> impl DoubleEndedIterator<Item = S> + use<S, T> {
        (0..self.rows.len()).map(S::of_index)
    }

    /// Every row with its slot, in order.
    pub fn entries(&self) -> impl Iterator<Item = (S, &T)> {
        self.rows.iter().enumerate().map(|(index, row)| (S::of_index(index), row))
    }
}

impl<S: Slot, T> Index<S> for Table<S, T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, slot: S) -> &T {
        &self.rows[slot.index()]
    }
}

impl<S: Slot, T> IndexMut<S> for Table<S, T> {
    #[inline(always)]
    fn index_mut(&mut self, slot: S) -> &mut T {
        &mut self.rows[slot.index()]
    }
}

impl<'a, S, T> IntoIterator for &'a Table<S, T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter()
    }
}

impl<'a, S, T> IntoIterator for &'a mut Table<S, T> {
    type Item = &'a mut T;
    type IntoIter = std::slice::IterMut<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.iter_mut()
    }
}
