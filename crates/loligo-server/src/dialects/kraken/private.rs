//! Requests that need a key.

use super::bounds::{ROWS, ROWS_MOST};
use super::convert::{accounts, commands, orders};
use super::reasons::Notebook;
use super::routes::Found;
use super::{Answer, Failure, Kraken, Shape, Success};
use crate::grid::time;
use crate::login::{Caller, Pool, Right};
use crate::node::Views;
use crate::projection::{AccountOrders, Cut, Directory, FILLS_KEPT, FillRow, Page};
use crate::transport::listener::Received;
use crate::wallets;
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use loligo_engine::{AccountId, OrderId, PositionView, Timestamp};
use loligo_wire::args::Args;
use loligo_wire::v3::requests::{self, Request, RequestError};
use loligo_wire::v3::responses;
use loligo_wire::v3::words::Error;

/// A request as it came, and what is known of the exchange while it is answered.
pub(super) struct KrakenRequest<'r> {
    /// Its operation's name.
    pub(super) name: &'static str,
    pub(super) request: &'r Received,
    /// More arguments than are read: told where unreadable ones are.
    args: Result<Args<'r>, Error>,
    /// What the path names.
    pub(super) named: &'r str,
    /// The views of one branch, that everything in the answer is read from.
    pub(super) views: &'r Views,
    pub(super) directory: &'r Directory,
    pub(super) arrived: Timestamp,
    /// Where refusals of orders are noted for the log.
    pub(super) notebook: &'r Notebook,
}

/// What is required of a request, found and not yet read; not even looked for among too many arguments.
type Needed<'r, R> = Result<<R as Request<'r>>::Found, Error>;

/// Row 4 of the checks: what the arguments say.
pub(super) fn complete<'r, R: Request<'r>>(found: Needed<'r, R>) -> Result<R, Failure> {
    Ok(R::read(found?)?)
}

impl<'r> KrakenRequest<'r> {
    /// The path that is asked for.
    pub(super) fn path(&self) -> &'r str {
        self.request.head.uri.path()
    }

    pub(super) fn new(
        found: &Found<'r>,
        request: &'r Received,
        (views, directory): (&'r Views, &'r Directory),
        arrived: Timestamp,
        notebook: &'r Notebook,
    ) -> Self {
        let query = request.head.uri.query().unwrap_or_default().as_bytes();
        Self {
            name: found.operation.name(),
            request,
            args: Args::new(query, &request.body).map_err(|_| Error::InvalidArgument),
            named: found.named.unwrap_or_default(),
            views,
            directory,
            arrived,
            notebook,
        }
    }

    pub(super) fn args(&self) -> Result<&Args<'r>, Failure> {
        self.args.as_ref().map_err(|error| Failure::from(*error))
    }

    /// Row 0 of the checks: what must be there is there.
    pub(super) fn find<R: Request<'r>>(&self) -> Result<Needed<'r, R>, Failure> {
        match &self.args {
            Ok(args) => Ok(Ok(R::find(args)?)),
            Err(error) => Ok(Err(*error)),
        }
    }

    /// Rows 4 and 5 of the checks: what the arguments say, then whether the account may ask at all.
    pub(super) fn read<T>(
        &self,
        caller: &Caller,
        parse: impl FnOnce(&Args<'r>) -> Result<T, RequestError>,
    ) -> Result<T, Failure> {
        let request = parse(self.args()?)?;
        self.active(caller)?;
        Ok(request)
    }

    /// What the client says made its orders.
    pub(super) fn algo_id(&self) -> Option<&'r str> {
        let value = self.request.head.headers.get("algoId")?.to_str().ok()?;
        (1..=MAX_ALGO_ID).contains(&value.len()).then_some(value)
    }

    /// Row 5 of the checks: the account may ask. What deactivated it was visible here before it was answered.
    pub(super) fn active(&self, caller: &Caller) -> Result<(), Failure> {
        let active = self.directory.account(caller.account).is_some_and(|account| account.active);
        if active { Ok(()) } else { Err(Error::AccountInactive.into()) }
    }

    /// Row 5 of the checks for requests that place or amend orders: the account may trade, too.
    pub(super) fn may_trade(&self, caller: &Caller) -> Result<(), Failure> {
        let account = self.directory.account(caller.account);
        let may = account.is_some_and(|account| account.active && account.trading);
        if may { Ok(()) } else { Err(Error::AccountInactive.into()) }
    }
}

/// What a batch costs before its elements.
const BATCH_COST: u32 = 9;
/// Longest `algoId` that is taken; a longer one, or one that is no printable text, is passed over, as any header that says
/// nothing.
const MAX_ALGO_ID: usize = 100;

/// What a batch costs is in it; one that cannot be read costs what an empty one does.
pub(super) fn batch_cost(found: &Needed<'_, requests::BatchOrder>) -> u32 {
    let batch = found.as_ref().ok().and_then(|batch| batch.as_ref().ok());
    BATCH_COST + batch.map_or(0, |batch| batch.instructions.len()) as u32
}

/// Pages further back cost more.
pub(super) fn fills_cost(asked: &KrakenRequest<'_>) -> u32 {
    let pages = asked.args.as_ref().is_ok_and(|args| args.get("lastFillTime").is_some());
    if pages { 25 } else { 2 }
}

impl Kraken {
    /// Rows 1 to 3 of the checks: key, signature, right, nonce, rate. Then a fault is told, if one is to be.
    pub(super) async fn admit(
        &self,
        asked: &KrakenRequest<'_>,
        right: Right,
        cost: u32,
    ) -> Result<Caller, Failure> {
        let caller = self.signing.check(asked.directory, asked.request, right, Pool::Trading, cost)?;
        self.told_fault(asked).await?;
        Ok(caller)
    }

    /// The hot read of the exchange (rules 3): one lock, under which nothing is written out. One order that is asked for
    /// alone needs no list.
    pub(super) async fn orders_status(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        let directory = asked.directory;
        let request = asked.read(&caller, requests::OrdersStatus::parse)?;
        let now = self.node.now();
        let identity = self.node.identity();
        let shown = orders::Shown { directory, identity };
        let many = request.order_ids.len() + request.cli_ord_ids.len();
        let (one, several) = asked.views.orders().with(caller.account, |orders| {
            if let ([uuid], []) = (&request.order_ids[..], &request.cli_ord_ids[..]) {
                let one = identity.order_id(*uuid).and_then(|id| orders.order(id, now));
                return (one.cloned(), Vec::new());
            }
            let mut seen = HashSet::<OrderId, FixedState>::default();
            let by_id = request
                .order_ids
                .iter()
                .filter_map(|uuid| identity.order_id(*uuid))
                .filter_map(|id| orders.order(id, now));
            let by_name = request.cli_ord_ids.iter().flat_map(|name| orders.by_client_id(name, now));
            // An order is told once.
            let found = by_id.chain(by_name).filter(|order| seen.insert(order.id));
            (None, found.cloned().collect())
        });
        let found = one.iter().chain(&several).filter_map(|order| shown.record(order));
        let mut body = Vec::with_capacity(96 + 640 * many.min(8));
        responses::write_orders_status(&mut body, found, time(now));
        Ok(body)
    }

    pub(super) async fn open_orders(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let now = self.node.now();
        let shown = orders::Shown { directory: asked.directory, identity: self.node.identity() };
        let open = asked.views.orders().with(caller.account, AccountOrders::open_copied);
        let rows = open.iter().filter_map(|order| shown.open_order(order));
        let mut body = Vec::with_capacity(1024);
        responses::write_open_orders(&mut body, rows, time(now));
        Ok(body)
    }

    pub(super) async fn accounts(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let account = caller.account;
        let seen = self.node.query(move |exchange| accounts::Seen::of(exchange, account)).await?;
        let mut body = Vec::with_capacity(4096);
        seen.write(&mut body, &wallets::known(asked.directory), time(self.node.now()));
        Ok(body)
    }

    pub(super) async fn open_positions(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let account = caller.account;
        let positions = self.node.query(move |exchange| exchange.positions(account)).await?;
        let now = self.node.now();
        let fills = fills_of_all(asked.views, account, &positions);
        let rows = positions.iter().filter_map(|position| {
            let last = fills.iter().find(|fill| fill.instrument == position.instrument);
            accounts::position(
                position,
                asked.directory,
                last.map(|fill| fill.time).or(position.opened_at).unwrap_or(now),
            )
        });
        let mut body = Vec::with_capacity(1024);
        responses::write_open_positions(&mut body, rows, time(now));
        Ok(body)
    }

    pub(super) async fn fills(&self, asked: KrakenRequest<'_>, caller: Caller) -> Result<Success, Failure> {
        let directory = asked.directory;
        let request = asked.read(&caller, requests::Fills::parse)?;
        let now = self.node.now();
        let before = request.last_fill_time.map(commands::instant);
        // A fill's time is written in milliseconds, and that is what the next page is asked for by.
        let cut = Cut { rows: ROWS, most: ROWS_MOST, instant: 1_000 };
        let Page { rows: fills, broken } = asked.views.fills().page(caller.account, before, cut);
        let shown = orders::Shown { directory, identity: self.node.identity() };
        // The pages further back do not tell profits (rest.yaml).
        let rows = fills.iter().filter_map(|fill| shown.fill(fill, before.is_none()));
        let mut body = Vec::with_capacity(256 + 320 * fills.len());
        responses::write_fills(&mut body, rows, time(now));
        let shape = broken.map_or(Shape::Whole, |instant| Shape::Broken(time(instant)));
        Ok(Success { body, shape })
    }
}

/// An account's newest fills, as far back as one is found for each position, or as they are kept.
fn fills_of_all(views: &Views, account: AccountId, positions: &[PositionView]) -> Vec<FillRow> {
    let fills = views.fills();
    let newest = fills.of(account, ROWS);
    let found = |position: &PositionView| newest.iter().any(|fill| fill.instrument == position.instrument);
    if positions.iter().all(found) { newest } else { fills.of(account, FILLS_KEPT) }
}
