//! Typed numbers: identities, time, price, quantity, side.
//!
//! Identities are dense and given out by the engine in order, so tables are plain vectors. What the outside sees
//! (uuids, symbols, account uids) is made from them at the rim.

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($of:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub $of);
    };
}

number!(
    /// An account; dense from 0.
    AccountId(u32)
);
number!(
    /// A listed instrument; dense from 0.
    InstrumentId(u16)
);
number!(
    /// A pair with an index price (`XBT:USD`); dense from 0, made by the first instrument that names it.
    PairId(u16)
);
number!(
    /// An order's number; dense from 1. Every attempt to place takes one, refused attempts too.
    OrderId(u64)
);
number!(
    /// One match between a taker and a maker; dense from 1.
    ExecutionId(u64)
);
number!(
    /// An assignment program; dense from 1.
    ProgramId(u64)
);
number!(
    /// A price in ticks of its instrument.
    Price(i64)
);
number!(
    /// A quantity in lots of its instrument.
    Qty(i64)
);
number!(
    /// Exchange time: microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64)
);

impl Timestamp {
    /// One second of exchange time, in microseconds.
    pub const SECOND: i64 = 1_000_000;

    /// This instant, `micros` later.
    #[must_use]
    pub fn plus(self, micros: i64) -> Self {
        Timestamp(self.0.saturating_add(micros))
    }
}

/// Which way an order trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Buys; rests as a bid.
    Buy,
    /// Sells; rests as an ask.
    Sell,
}

impl Side {
    /// The other side.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        }
    }

    /// +1 for a buy, -1 for a sell.
    #[must_use]
    pub fn sign(self) -> i64 {
        match self {
            Side::Buy => 1,
            Side::Sell => -1,
        }
    }
}

/// A currency by its code: up to eight upper-case ASCII letters or digits (`USD`, `BTC`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency([u8; 8]);

impl Currency {
    /// The currency linear contracts settle in.
    pub const USD: Currency = Currency(*b"USD\0\0\0\0\0");

    /// Reads a code in any case; `None` when it is empty, longer than eight, or not letters and digits.
    pub fn parse(code: &str) -> Option<Self> {
        let mut bytes = [0u8; 8];
        if code.is_empty() || code.len() > bytes.len() || !code.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return None;
        }
        for (slot, b) in bytes.iter_mut().zip(code.bytes()) {
            *slot = b.to_ascii_uppercase();
        }
        Some(Currency(bytes))
    }

    /// The code, upper case.
    pub fn code(&self) -> &str {
        let end = self.0.iter().position(|b| *b == 0).unwrap_or(8);
        std::str::from_utf8(&self.0[..end]).unwrap_or("")
    }
}

impl std::fmt::Debug for Currency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

/// A place where an account keeps money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wallet {
    /// Any currency, no trading.
    Cash,
    /// Margins all linear contracts.
    Flex,
    /// Margins the inverse contracts of one pair, in its base currency.
    Inverse(PairId),
}
