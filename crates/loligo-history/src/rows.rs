//! What is kept, a type for each list.
//!
//! Prices are in ticks and sizes in lots of their contract, instants in milliseconds since 1970, money and what is computed in
//! decimal text. Words are the codes that the exchange stores; the table `word` names them.

mod account;
mod public;

pub use account::{
    AccountLogEntry, Asked, Conversion, Distance, Earlier, EarlierTrigger, Execution, OpenOrder, Order,
    OrderEvent, PositionUpdate, Trigger, TriggerEvent,
};
pub use public::{
    EarlierPublic, MarkPrice, OrderDetails, PublicExecution, PublicOrderEvent, SideDetails, TradeDetails,
};

use crate::columns::Columns;

/// A row of a list.
pub trait Row: Columns {
    /// The list, which is the name of its table.
    const TABLE: &'static str;
    /// The column of whose list it is: `account` or `contract`.
    const OWNER: &'static str;
}

/// Kinds of order and trigger events; the numbers are stored.
pub mod kinds {
    /// It was placed.
    pub const PLACED: u8 = 0;
    /// It was edited, filled, cut, or followed its signal.
    pub const UPDATED: u8 = 1;
    /// It was refused.
    pub const REJECTED: u8 = 2;
    /// It was taken out.
    pub const CANCELLED: u8 = 3;
    /// A cancel found no such open order.
    pub const NOT_FOUND: u8 = 4;
    /// An edit was refused.
    pub const EDIT_REJECTED: u8 = 5;
    /// A trigger fired.
    pub const ACTIVATED: u8 = 6;
    /// All of them, with their names.
    pub const NAMES: &[(u8, &str)] = &[
        (PLACED, "placed"),
        (UPDATED, "updated"),
        (REJECTED, "rejected"),
        (CANCELLED, "cancelled"),
        (NOT_FOUND, "not found"),
        (EDIT_REJECTED, "edit rejected"),
        (ACTIVATED, "activated"),
    ];
}

/// What a position update came from; the numbers are stored.
pub mod causes {
    /// A fill.
    pub const TRADE: u8 = 0;
    /// The funding of an hour.
    pub const FUNDING: u8 = 1;
    /// The settlement of the contract.
    pub const SETTLEMENT: u8 = 2;
    /// All of them, with their names.
    pub const NAMES: &[(u8, &str)] = &[(TRADE, "trade"), (FUNDING, "funding"), (SETTLEMENT, "settlement")];
}

macro_rules! lists {
    ($($row:ident = $table:literal by $owner:literal,)+) => {
        $(impl Row for $row {
            const TABLE: &'static str = $table;
            const OWNER: &'static str = $owner;
        })+

        /// A row of any list.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Any { $(#[doc = concat!("One of `", $table, "`.")] $row($row),)+ }

        $(impl From<$row> for Any {
            fn from(row: $row) -> Self {
                Self::$row(row)
            }
        })+

        impl Any {
            /// The list, by its place among them, and what is to be written.
            pub(crate) fn parts(&self) -> (usize, &dyn Put) {
                let mut list = 0;
                $(if let Self::$row(row) = self {
                    return (list, row);
                }
                list += 1;)+
                unreachable!("a row is of one of {list} lists")
            }
        }

        /// The lists, in the order in which [`Any::parts`] counts them: table, owner, width, definitions.
        pub(crate) fn lists() -> Vec<List> {
            vec![$(List::of::<$row>()),+]
        }
    };
}

lists! {
    OrderEvent = "order_event" by "account",
    TriggerEvent = "trigger_event" by "account",
    Execution = "execution" by "account",
    PositionUpdate = "position_update" by "account",
    AccountLogEntry = "account_log" by "account",
    PublicExecution = "public_execution" by "contract",
    PublicOrderEvent = "public_order_event" by "contract",
    MarkPrice = "mark_price" by "contract",
}

/// A row that can be written without knowing which it is.
pub(crate) trait Put {
    fn put(&self, out: &mut Vec<rusqlite::types::Value>);
}

impl<R: Row> Put for R {
    fn put(&self, out: &mut Vec<rusqlite::types::Value>) {
        Columns::put(self, out);
    }
}

/// A list as its table is made and written.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) table: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) width: usize,
    pub(crate) columns: Vec<String>,
}

impl List {
    pub(crate) fn of<R: Row>() -> Self {
        let mut columns = Vec::new();
        R::define("", false, &mut columns);
        Self { table: R::TABLE, owner: R::OWNER, width: R::WIDTH, columns }
    }
}
