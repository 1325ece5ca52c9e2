//! What followers hear, spelled by dialects.

use super::WalletsShown;
use crate::charts::{Candle, SeriesAt};
use crate::history::LogRow;
use crate::identity::Identity;
use crate::projection::{
    DepthSnapshot, Directory, FillRow, LevelChange, NoticeEntry, Statement, Ticker, TradeRow,
};
use crate::story::Turn;
use crate::transport::outbox::{Frame, Outbox, frame};
use loligo_engine::{AccountId, InstrumentSpec, OrderView, Timestamp};
use std::sync::Arc;

/// What is remarked on a request to join or to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remark {
    /// It was held before; a fresh snapshot follows.
    HeldAlready,
    /// It was not held.
    NotHeld,
    /// The key may not follow this any more.
    NotAllowed,
    /// It cannot be told now.
    Unavailable,
}

/// What turns the engine's numbers into names that clients know.
#[derive(Clone, Copy)]
pub(crate) struct Names<'d> {
    pub(crate) directory: &'d Directory,
    pub(crate) identity: &'d Identity,
}

/// One of the forms in which a dialect tells orders, or tickers; which they are is the dialect's own to say. Those with the lesser number
/// are told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Form(pub(crate) u8);

/// Spells what the hub tells, in one dialect. Each method appends one message.
pub(crate) trait Encoder: Send + Sync {
    fn heartbeat(&self, out: &mut Vec<u8>, now: Timestamp);
    fn remark(&self, out: &mut Vec<u8>, remark: Remark);

    /// A whole book.
    fn book(&self, out: &mut Vec<u8>, spec: &InstrumentSpec, depth: &DepthSnapshot, now: Timestamp);
    /// A level of a book, as it is now.
    fn level(&self, out: &mut Vec<u8>, spec: &InstrumentSpec, level: &LevelChange, at: Timestamp);

    /// How many of a contract's latest trades [`latest_trades`](Self::latest_trades) takes.
    fn trades_shown(&self) -> usize;
    /// A contract's latest trades, newest first.
    fn latest_trades(&self, out: &mut Vec<u8>, names: Names<'_>, spec: &InstrumentSpec, trades: &[TradeRow]);
    /// A new trade.
    fn trade(&self, out: &mut Vec<u8>, names: Names<'_>, spec: &InstrumentSpec, trade: &TradeRow);
    /// A contract's ticker; false when this dialect cannot tell it as it is, and then nothing need be appended.
    fn ticker(
        &self,
        out: &mut Vec<u8>,
        spec: &InstrumentSpec,
        form: Form,
        ticker: &Ticker,
        now: Timestamp,
    ) -> bool;

    /// All open orders of an account.
    fn open_orders(
        &self,
        out: &mut Vec<u8>,
        names: Names<'_>,
        form: Form,
        account: AccountId,
        orders: &[OrderView],
    );
    /// What became of an order; false when this dialect has no message for it, and then nothing need be appended.
    fn turn(&self, out: &mut Vec<u8>, names: Names<'_>, form: Form, turn: &Turn<'_>) -> bool;

    /// How many of an account's latest fills [`latest_fills`](Self::latest_fills) takes.
    fn fills_shown(&self) -> usize;
    /// An account's latest fills, oldest first.
    fn latest_fills(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, fills: &[FillRow]);
    /// New fills, those of one record together.
    fn fills(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, fills: &[&FillRow]);

    /// All open positions of an account, in the message with this number of a subscription; false when this dialect has no
    /// message for it, and then nothing need be appended. So for those below.
    fn positions(&self, out: &mut Vec<u8>, names: Names<'_>, statement: &Statement, seq: u64) -> bool;
    /// Wallets of an account.
    fn wallets(
        &self,
        out: &mut Vec<u8>,
        names: Names<'_>,
        statement: &Statement,
        shown: WalletsShown<'_>,
        seq: u64,
    ) -> bool;
    /// All wallets of an account, in the form that always tells all of them.
    fn margins(&self, out: &mut Vec<u8>, names: Names<'_>, statement: &Statement, seq: u64) -> bool;

    /// The latest rows of an account's log, newest first.
    fn log(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, rows: &[Arc<LogRow>]) -> bool;
    /// A new row of an account's log.
    fn log_row(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, row: &LogRow) -> bool;
    /// Deposits and withdrawals of an account, newest first.
    fn payments(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, rows: &[Arc<LogRow>])
    -> bool;
    /// All notices to clients.
    fn notices(&self, out: &mut Vec<u8>, notices: &[NoticeEntry]) -> bool;
    /// The forming candle of a series of a contract or its pair; the first that a subscription is told, or a later one.
    fn candle(
        &self,
        out: &mut Vec<u8>,
        spec: &InstrumentSpec,
        at: SeriesAt,
        candle: &Candle,
        is_first: bool,
    ) -> bool;
}

/// Encodes a message that a dialect may not have.
pub(super) fn message(write: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<Frame> {
    let mut has_message = true;
    let encoded = frame(|out| has_message = write(out));
    has_message.then_some(encoded)
}

/// A dialect's number in a hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dialect(pub(super) u8);

/// A connection that follows something, and the dialect that it hears.
#[derive(Clone)]
pub(crate) struct Follower {
    pub(super) dialect: Dialect,
    pub(super) outbox: Arc<Outbox>,
}

impl Follower {
    pub(crate) fn new(dialect: Dialect, outbox: Arc<Outbox>) -> Self {
        Self { dialect, outbox }
    }
}

/// The dialects of the hubs.
#[derive(Clone, Default)]
pub(crate) struct Dialects(Vec<Arc<dyn Encoder>>);

impl Dialects {
    /// One more dialect.
    pub(crate) fn add(&mut self, encoder: impl Encoder + 'static) -> Dialect {
        self.0.push(Arc::new(encoder));
        Dialect(u8::try_from(self.0.len() - 1).expect("a program speaks few dialects"))
    }

    pub(super) fn of(&self, dialect: Dialect) -> &dyn Encoder {
        &*self.0[usize::from(dialect.0)]
    }
}
