//! Requests that need a key.

use super::bounds::{ROWS, ROWS_MOST};
use super::convert::{accounts, commands, orders};
use super::reasons::Notebook;
use super::routes::{Found, Private};
use super::{Answer, Failure, Kraken, Shape, Success};
use crate::grid::time;
use crate::login::{Caller, Pool, Right};
use crate::projection::{AccountOrders, Cut, Directory, FILLS_KEPT, FillRow, Page};
use crate::transport::listener::Received;
use crate::wallets;
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
    args: Result<Args<'r>, Error>,
    /// What the path names.
    pub(super) named: &'r str,
    pub(super) algo_id: Option<&'r str>,
    pub(super) directory: &'r Directory,
    pub(super) arrived: Timestamp,
    /// Where refusals of orders are noted for the log.
    pub(super) notebook: &'r Notebook,
}

impl<'r> Asked<'r> {
    pub(super) fn args(self) -> Result<Args<'r>, Failure> {
        Ok(self.args?)
    }

    /// Rows 4 and 5 of the checks: what the arguments say, then whether the account may ask at all.
    pub(super) fn read<T>(
        &self,
        caller: &Caller,
        parse: impl FnOnce(&Args<'r>) -> Result<T, RequestError>,
    ) -> Result<T, Failure> {
        let args = self.args.as_ref().map_err(|error| Failure::from(*error))?;
        let request = parse(args)?;
        self.active(caller)?;
        Ok(request)
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

/// What the published table of costs does not list.
const UNLISTED_COST: u32 = 1;
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

impl Kraken {
    pub(super) async fn private(
        &self,
        operation: Private,
        found: &Found<'_>,
        request: &Received,
        arrived: Timestamp,
        notebook: &Notebook,
    ) -> Result<Success, Failure> {
        let query = request.head.uri.query().unwrap_or_default().as_bytes();
        let directory = self.node.views().directory();
        let asked = Asked {
            args: Args::new(query, &request.body).map_err(|_| Error::InvalidArgument),
            named: found.named.unwrap_or_default(),
            algo_id: algo_id(request),
            directory: &directory,
            arrived,
            notebook,
        };
        let admit = async |right, cost| -> Result<Caller, Failure> {
            let caller = self.signing.check(&directory, request, right, Pool::Trading, cost)?;
            self.told_fault(found.name).await?;
            Ok(caller)
        };
        let body = match operation {
            Private::SendOrder => {
                asked.required(requests::SendOrder::required)?;
                self.send_order(asked, admit(Right::Trade, 10).await?).await
            }
            Private::EditOrder => {
                asked.required(requests::EditOrder::required)?;
                self.edit_order(asked, admit(Right::Trade, 10).await?).await
            }
            Private::BatchOrder => {
                asked.required(requests::BatchOrder::required)?;
                // What a batch costs is in it; one that cannot be read costs what an empty one does.
                let batch = asked.batch();
                let elements = batch.as_ref().map_or(0, |batch| batch.instructions.len());
                let caller = admit(Right::Trade, BATCH_COST + elements as u32).await?;
                self.batch_order(asked, batch, caller).await
            }
            Private::CancelAllOrdersAfter => {
                self.cancel_all_orders_after(asked, admit(Right::Trade, 25).await?).await
            }
            Private::CancelOrder => {
                asked.required(requests::CancelOrder::required)?;
                self.cancel_order(asked, admit(Right::Trade, 10).await?).await
            }
            Private::CancelAllOrders => self.cancel_all_orders(asked, admit(Right::Trade, 25).await?).await,
            Private::OrdersStatus => self.orders_status(asked, admit(Right::Trade, 1).await?).await,
            Private::OpenOrders => self.open_orders(asked, admit(Right::Read, 2).await?).await,
            Private::Accounts => self.accounts(asked, admit(Right::Read, 2).await?).await,
            Private::OpenPositions => self.open_positions(asked, admit(Right::Read, 2).await?).await,
            Private::Fills => {
                let pages = asked.args.as_ref().is_ok_and(|args| args.get("lastFillTime").is_some());
                let caller = admit(Right::Read, if pages { 25 } else { 2 }).await?;
                return self.fills(asked, caller).await;
            }
            Private::TradingInstruments => {
                self.trading_instruments(asked, admit(Right::Read, UNLISTED_COST).await?).await
            }
            Private::InitialMargin => {
                asked.required(requests::InitialMargin::required)?;
                self.initial_margin(asked, admit(Right::Read, UNLISTED_COST).await?).await
            }
            Private::MaxOrderSize => {
                asked.required(requests::MaxOrderSize::required)?;
                self.max_order_size(asked, admit(Right::Read, UNLISTED_COST).await?).await
            }
            Private::LeveragePreferences => {
                self.leverage_preferences(asked, admit(Right::Read, 2).await?).await
            }
            Private::SetLeveragePreference => {
                asked.required(requests::SetLeveragePreference::required)?;
                self.set_leverage_preference(asked, admit(Right::Trade, 10).await?).await
            }
            Private::SelfTradeStrategy => self.self_trade_strategy(asked, admit(Right::Read, 2).await?).await,
            Private::SetSelfTradeStrategy => {
                asked.required(requests::SetSelfTradeStrategy::required)?;
                self.set_self_trade_strategy(asked, admit(Right::Trade, 2).await?).await
            }
            Private::Subaccounts => self.subaccounts(asked, admit(Right::Read, UNLISTED_COST).await?).await,
            Private::TradingEnabled => self.trading_enabled(asked, admit(Right::Trade, 2).await?).await,
            Private::SetTradingEnabled => {
                asked.required(requests::SetTradingEnabled::required)?;
                self.set_trading_enabled(asked, admit(Right::Trade, 2).await?).await
            }
            Private::Transfer => {
                asked.required(requests::Transfer::required)?;
                self.transfer(asked, admit(Right::Trade, 10).await?).await
            }
            Private::SubaccountTransfer => {
                asked.required(requests::SubaccountTransfer::required)?;
                self.subaccount_transfer(asked, admit(Right::Trade, 10).await?).await
            }
            Private::Withdrawal => {
                asked.required(requests::Withdrawal::required)?;
                self.withdrawal(asked, admit(Right::Withdraw, 100).await?).await
            }
        };
        body.map(Success::from)
    }

    /// The hot read of the exchange (rules 3): one lock, under which nothing is written out. One order that is asked for
    /// alone needs no list.
    async fn orders_status(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        let directory = asked.directory;
        let request = asked.read(&caller, requests::OrdersStatus::parse)?;
        let now = self.node.now();
        let identity = self.node.identity();
        let book = orders::Shown { directory, identity };
        let asked = request.order_ids.len() + request.cli_ord_ids.len();
        let views = self.node.views();
        let (one, several) = views.orders().with(caller.account, |orders| {
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
        let found = one.iter().chain(&several).filter_map(|order| book.record(order));
        let mut body = Vec::with_capacity(96 + 640 * asked.min(8));
        responses::write_orders_status(&mut body, found, time(now));
        Ok(body)
    }

    async fn open_orders(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let now = self.node.now();
        let book = orders::Shown { directory: asked.directory, identity: self.node.identity() };
        let open = self.node.views().orders().with(caller.account, AccountOrders::open_copied);
        let rows = open.iter().filter_map(|order| book.open_order(order));
        let mut body = Vec::with_capacity(1024);
        responses::write_open_orders(&mut body, rows, time(now));
        Ok(body)
    }

    async fn accounts(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let account = caller.account;
        let seen = self.node.query(move |exchange| accounts::Seen::of(exchange, account)).await?;
        let mut body = Vec::with_capacity(4096);
        seen.write(&mut body, &wallets::known(asked.directory), time(self.node.now()));
        Ok(body)
    }

    async fn open_positions(&self, asked: Asked<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let account = caller.account;
        let positions = self.node.query(move |exchange| exchange.positions(account)).await?;
        let now = self.node.now();
        let fills = self.fills_of_all(account, &positions);
        let rows = positions.iter().filter_map(|position| {
            let last = fills.iter().find(|fill| fill.instrument == position.instrument);
            accounts::position(position, asked.directory, last.map_or(now, |fill| fill.time))
        });
        let mut body = Vec::with_capacity(1024);
        responses::write_open_positions(&mut body, rows, time(now));
        Ok(body)
    }

    /// An account's newest fills, as far back as one is found for each position, or as they are kept.
    fn fills_of_all(&self, account: AccountId, positions: &[PositionView]) -> Vec<FillRow> {
        let views = self.node.views();
        let fills = views.fills();
        let newest = fills.of(account, ROWS);
        let found =
            |position: &PositionView| newest.iter().any(|fill| fill.instrument == position.instrument);
        if positions.iter().all(found) { newest } else { fills.of(account, FILLS_KEPT) }
    }

    async fn fills(&self, asked: Asked<'_>, caller: Caller) -> Result<Success, Failure> {
        let directory = asked.directory;
        let request = asked.read(&caller, requests::Fills::parse)?;
        let now = self.node.now();
        let before = request.last_fill_time.map(commands::instant);
        // A fill's time is written in milliseconds, and that is what the next page is asked for by.
        let cut = Cut { rows: ROWS, most: ROWS_MOST, instant: 1_000 };
        let Page { rows: fills, broken } = self.node.views().fills().page(caller.account, before, cut);
        let book = orders::Shown { directory, identity: self.node.identity() };
        // The pages further back do not tell profits (rest.yaml).
        let rows = fills.iter().filter_map(|fill| book.fill(fill, before.is_none()));
        let mut body = Vec::with_capacity(256 + 320 * fills.len());
        responses::write_fills(&mut body, rows, time(now));
        let shape = broken.map_or(Shape::Whole, |instant| Shape::Broken(time(instant)));
        Ok(Success { body, shape })
    }
}
