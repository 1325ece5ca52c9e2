//! Requests that need a key.

use super::auth::{Caller, Right};
use super::convert::{accounts, commands, orders};
use super::listener::Received;
use super::routes::Operation;
use super::{Answer, Failure, Gateway};
use crate::gateway::bounds::ROWS;
use crate::gateway::convert::grid::time;
use crate::projection::{Directory, FILLS_KEPT, FillRow};
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use loligo_engine::{AccountId, OrderId, PositionView, Timestamp};
use loligo_wire::args::Args;
use loligo_wire::v3::requests::{self, RequestError};
use loligo_wire::v3::responses;
use loligo_wire::v3::words::Error;

/// A request as it came, and what is known of the exchange while it is answered.
pub(super) struct Asked<'r> {
    /// More arguments than are read: told where unreadable ones are.
    args: Result<Args<'r>, Failure>,
    pub(super) algo_id: Option<&'r str>,
    pub(super) directory: &'r Directory,
    pub(super) arrived: Timestamp,
}

impl<'r> Asked<'r> {
    pub(super) fn args(self) -> Result<Args<'r>, Failure> {
        self.args
    }

    /// The batch in the arguments.
    fn batch(&self) -> Result<requests::BatchOrder, Failure> {
        match &self.args {
            Ok(args) => Ok(requests::BatchOrder::parse(args)?),
            Err(_) => Err(Error::InvalidArgument.into()),
        }
    }

    /// Row 0 of the checks: what must be there is there.
    fn required(&self, required: fn(&Args<'r>) -> Result<(), RequestError>) -> Result<(), Failure> {
        match &self.args {
            Ok(args) => Ok(required(args)?),
            Err(_) => Ok(()),
        }
    }
}

/// What a batch costs before its elements.
const BATCH_COST: u32 = 9;
/// Longest `algoId` that is taken; a longer one, or one that is no printable text, is passed over, as any header that says
/// nothing.
const MAX_ALGO_ID: usize = 100;

/// What the client says made its orders.
fn algo_id(request: &Received) -> Option<&str> {
    let value = request.head.headers.get("algoId")?.to_str().ok()?;
    (1..=MAX_ALGO_ID).contains(&value.len()).then_some(value)
}

impl Gateway {
    pub(super) async fn private(
        &self,
        operation: Operation,
        request: &Received,
        arrived: Timestamp,
    ) -> Answer {
        let query = request.head.uri.query().unwrap_or_default().as_bytes();
        let directory = self.node.views().directory();
        let algo_id = algo_id(request);
        let args = Args::new(query, &request.body).map_err(|_| Failure::from(Error::InvalidArgument));
        let asked = Asked { args, algo_id, directory: &directory, arrived };
        let check = |right, cost| self.auth.check(&directory, request, right, cost);
        match operation {
            Operation::SendOrder => {
                asked.required(requests::SendOrder::required)?;
                self.send_order(asked, check(Right::Trade, 10)?).await
            }
            Operation::EditOrder => {
                asked.required(requests::EditOrder::required)?;
                self.edit_order(asked, check(Right::Trade, 10)?).await
            }
            Operation::BatchOrder => {
                asked.required(requests::BatchOrder::required)?;
                // What a batch costs is in it; one that cannot be read costs what an empty one does.
                let batch = asked.batch();
                let elements = batch.as_ref().map_or(0, |batch| batch.instructions.len());
                let caller = check(Right::Trade, BATCH_COST + elements as u32)?;
                self.batch_order(asked, batch, caller).await
            }
            Operation::CancelAllOrdersAfter => {
                self.cancel_all_orders_after(asked, check(Right::Trade, 25)?).await
            }
            Operation::CancelOrder => {
                asked.required(requests::CancelOrder::required)?;
                self.cancel_order(asked, check(Right::Trade, 10)?).await
            }
            Operation::CancelAllOrders => self.cancel_all_orders(asked, check(Right::Trade, 25)?).await,
            Operation::OrdersStatus => self.orders_status(asked, check(Right::Trade, 1)?).await,
            Operation::OpenOrders => self.open_orders(&directory, check(Right::Read, 2)?).await,
            Operation::Accounts => self.accounts(check(Right::Read, 2)?).await,
            Operation::OpenPositions => self.open_positions(&directory, check(Right::Read, 2)?).await,
            Operation::Fills => {
                let pages = asked.args.as_ref().is_ok_and(|args| args.get("lastFillTime").is_some());
                let caller = check(Right::Read, if pages { 25 } else { 2 })?;
                self.fills(asked, caller).await
            }
            Operation::Instruments
            | Operation::InstrumentsStatus
            | Operation::InstrumentStatus
            | Operation::Tickers
            | Operation::Ticker
            | Operation::OrderBook
            | Operation::History
            | Operation::FeeSchedules
            | Operation::Missing => Err(Error::UnknownError.into()),
        }
    }

    /// The hot read of the exchange (rules 3): one lock, no copy of an order.
    async fn orders_status(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        let directory = asked.directory;
        let request = requests::OrdersStatus::parse(&asked.args()?)?;
        let now = self.caught_up().await?;
        let identity = self.node.identity();
        let book = orders::Shown { directory, identity };
        let asked = request.order_ids.len() + request.cli_ord_ids.len();
        let mut body = Vec::with_capacity(96 + 640 * asked.min(8));
        self.node.views().orders().with(caller.account, |orders| {
            let mut seen = HashSet::<OrderId, FixedState>::default();
            let by_id = request
                .order_ids
                .iter()
                .filter_map(|uuid| identity.order_id(*uuid))
                .filter_map(|id| orders.order(id, now));
            let by_name = request.cli_ord_ids.iter().flat_map(|name| orders.by_client_id(name, now));
            let found = by_id
                .chain(by_name)
                // An order is told once; one that was asked for alone needs no list of those told.
                .filter(|order| asked == 1 || seen.insert(order.id))
                .filter_map(|order| book.record(order));
            responses::write_orders_status(&mut body, found, time(now));
        });
        Ok(body)
    }

    async fn open_orders(&self, directory: &Directory, caller: Caller) -> Answer {
        let now = self.caught_up().await?;
        let book = orders::Shown { directory, identity: self.node.identity() };
        let mut body = Vec::with_capacity(1024);
        self.node.views().orders().with(caller.account, |orders| {
            let open = orders.open();
            let rows = open.iter().filter_map(|order| book.open_order(order));
            responses::write_open_orders(&mut body, rows, time(now));
        });
        Ok(body)
    }

    async fn accounts(&self, caller: Caller) -> Answer {
        let account = caller.account;
        let seen = self.node.query(move |exchange| accounts::Seen::of(exchange, account)).await?;
        let mut body = Vec::with_capacity(4096);
        seen.write(&mut body, time(self.node.now()));
        Ok(body)
    }

    async fn open_positions(&self, directory: &Directory, caller: Caller) -> Answer {
        let account = caller.account;
        let positions = self.node.query(move |exchange| exchange.positions(account)).await?;
        let now = self.caught_up().await?;
        let fills = self.fills_of_all(account, &positions);
        let rows = positions.iter().filter_map(|position| {
            let last = fills.iter().find(|fill| fill.instrument == position.instrument);
            accounts::position(position, directory, last.map_or(now, |fill| fill.time))
        });
        let mut body = Vec::with_capacity(1024);
        responses::write_open_positions(&mut body, rows, time(now));
        Ok(body)
    }

    /// An account's newest fills, as far back as one is found for each position, or as they are kept.
    fn fills_of_all(&self, account: AccountId, positions: &[PositionView]) -> Vec<FillRow> {
        let fills = self.node.views().fills();
        let newest = fills.of(account, None, ROWS);
        let found =
            |position: &PositionView| newest.iter().any(|fill| fill.instrument == position.instrument);
        if positions.iter().all(found) { newest } else { fills.of(account, None, FILLS_KEPT) }
    }

    async fn fills(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        let directory = asked.directory;
        let request = requests::Fills::parse(&asked.args()?)?;
        let now = self.caught_up().await?;
        let before = request.last_fill_time.map(commands::instant);
        let fills = self.node.views().fills().of(caller.account, before, ROWS);
        let book = orders::Shown { directory, identity: self.node.identity() };
        // The pages further back do not tell profits (rest.yaml).
        let rows = fills.iter().filter_map(|fill| book.fill(fill, before.is_none()));
        let mut body = Vec::with_capacity(256 + 320 * fills.len());
        responses::write_fills(&mut body, rows, time(now));
        Ok(body)
    }
}
