//! Requests that need a key.

use super::auth::{Caller, Right};
use super::convert::{accounts, commands, orders, outcomes};
use super::listener::Received;
use super::routes::Operation;
use super::{Answer, Failure, Gateway};
use crate::gateway::bounds::ROWS;
use crate::gateway::convert::grid::time;
use crate::node::Submission;
use crate::projection::{Directory, FILLS_KEPT, FillRow};
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use loligo_engine::{AccountId, Command, OrderId, PositionView, Timestamp};
use loligo_wire::args::Args;
use loligo_wire::v3::requests::{self, RequestError};
use loligo_wire::v3::responses;
use loligo_wire::v3::words::{CancelStatus, Error};

/// A request as it came, and what is known of the exchange while it is answered.
struct Asked<'r> {
    /// More arguments than are read: told where unreadable ones are.
    args: Result<Args<'r>, Failure>,
    directory: &'r Directory,
    arrived: Timestamp,
}

impl<'r> Asked<'r> {
    fn args(self) -> Result<Args<'r>, Failure> {
        self.args
    }

    /// Row 0 of the checks: what must be there is there.
    fn required(&self, required: fn(&Args<'r>) -> Result<(), RequestError>) -> Result<(), Failure> {
        match &self.args {
            Ok(args) => Ok(required(args)?),
            Err(_) => Ok(()),
        }
    }
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
        let args = Args::new(query, &request.body).map_err(|_| Failure::from(Error::InvalidArgument));
        let asked = Asked { args, directory: &directory, arrived };
        let check = |right, cost| self.auth.check(&directory, request, right, cost);
        match operation {
            Operation::SendOrder => {
                asked.required(requests::SendOrder::required)?;
                self.send_order(asked, check(Right::Trade, 10)?).await
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
            | Operation::Tickers
            | Operation::Ticker
            | Operation::OrderBook
            | Operation::History
            | Operation::FeeSchedules
            | Operation::Missing => Err(Error::UnknownError.into()),
        }
    }

    async fn send_order(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        let (directory, arrived) = (asked.directory, asked.arrived);
        let request = requests::SendOrder::parse(&asked.args()?)?;
        let place = commands::place(&request, caller.account, directory)?;
        let submission = Submission { command: Command::Place(place), nonce: caller.nonce };
        let reply = self.node.submit(submission).await?;

        let sent = outcomes::sent(&reply)?;
        let book = orders::Shown { directory, identity: self.node.identity() };
        let events: Vec<_> = sent.events.iter().filter_map(|told| book.event(told)).collect();
        let answer = responses::SendOrder {
            status: sent.status,
            order_id: sent.order.map(|id| self.node.identity().order_uuid(id)),
            cli_ord_id: request.cli_ord_id.as_ref().and_then(requests::ClientOrderId::as_str),
            received_time: time(arrived),
            order_events: &events,
        };
        let mut body = Vec::with_capacity(1024);
        answer.write(&mut body, time(self.node.now()));
        Ok(body)
    }

    async fn cancel_order(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        let (directory, arrived) = (asked.directory, asked.arrived);
        let request = requests::CancelOrder::parse(&asked.args()?)?;
        let identity = self.node.identity();
        let cli_ord_id = match &request.order {
            requests::OrderName::ClientId(name) => Some(&**name),
            requests::OrderName::Id(_) | requests::OrderName::Nothing => None,
        };
        let mut body = Vec::with_capacity(768);
        let mut tell = |cancelled: &outcomes::Cancelled<'_>| {
            let book = orders::Shown { directory, identity };
            let events: Vec<_> = cancelled.event.iter().filter_map(|told| book.event(told)).collect();
            let answer = responses::CancelOrder {
                status: cancelled.status,
                order_id: cancelled.order.map(|id| identity.order_uuid(id)),
                cli_ord_id: cancelled.cli_ord_id().or(cli_ord_id),
                received_time: time(arrived),
                order_events: &events,
            };
            answer.write(&mut body, time(self.node.now()));
        };
        match commands::cancel(&request, caller.account, identity) {
            Some(command) => {
                let reply = self.node.submit(Submission { command, nonce: caller.nonce }).await?;
                tell(&outcomes::cancelled(&reply)?);
            }
            // No such order was ever here, so there is nothing to remember; the time limit is still told first.
            None => {
                let too_late =
                    request.process_before.is_some_and(|limit| self.node.now() >= commands::instant(limit));
                let status = if too_late {
                    CancelStatus::WouldProcessAfterSpecifiedTime
                } else {
                    CancelStatus::NotFound
                };
                tell(&outcomes::Cancelled { status, order: None, event: None });
            }
        }
        Ok(body)
    }

    async fn cancel_all_orders(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        let (directory, arrived) = (asked.directory, asked.arrived);
        let request = requests::CancelAllOrders::parse(&asked.args()?)?;
        let only = request.symbol.map(|symbol| commands::contract(directory, &symbol)).transpose()?;
        let instrument = only.map(|listed| listed.id);
        let command = Command::CancelAll { account: caller.account, instrument };
        let reply = self.node.submit(Submission { command, nonce: caller.nonce }).await?;

        let gone = outcomes::cancelled_all(&reply, caller.account, instrument)?;
        let identity = self.node.identity();
        let book = orders::Shown { directory, identity };
        let told: Vec<_> = gone.iter().map(|order| outcomes::Told::Cancel { order }).collect();
        let events: Vec<_> = told.iter().filter_map(|told| book.event(told)).collect();
        let cancelled: Vec<_> = gone
            .iter()
            .map(|order| responses::CancelledOrder {
                order_id: identity.order_uuid(order.id),
                cli_ord_id: order.client_order_id.as_deref(),
            })
            .collect();
        let answer = responses::CancelAllOrders {
            symbol: only.map(|listed| listed.instrument.spec().symbol.as_str()),
            cancelled_orders: &cancelled,
            received_time: time(arrived),
            order_events: &events,
        };
        let mut body = Vec::with_capacity(512 + 512 * events.len());
        answer.write(&mut body, time(self.node.now()));
        Ok(body)
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
