//! The history API: pages of the index, by range and token.
//!
//! Unlike the rest of the dialect it has real statuses: 400, 401, 429 and 503 with a reason. Version 2 and 3 are one thing under
//! two names. An answer shows everything that was acknowledged when the request came.

mod shown;

use super::failure::Failure;
use super::private::KrakenRequest;
use super::{Kraken, Shape, Success};
use crate::history::{History, NoIndex};
use crate::login::{Pool, Right};
use crate::past;
use crate::projection::Directory;
use loligo_engine::InstrumentId;
use loligo_history::rows::{self, Row, kinds};
use loligo_history::{Earlier, Entry, Error, Index, Page, Query, Sort};
use loligo_wire::account_log::LogEntry;
use loligo_wire::args::Args;
use loligo_wire::history::{
    self as wire, Event, HistoryError, InvalidArgument, write_account_log, write_account_log_csv,
    write_account_page, write_public_page,
};
use loligo_wire::time::Timestamp;
pub(super) use shown::Shown;
use std::sync::Arc;

/// Most entries of the account log as text.
const MAX_CSV_ROWS: u32 = 500_000;

/// What is asked of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    Orders,
    Executions,
    Triggers,
    Positions,
    AccountLog,
    AccountLogCsv,
    MarketOrders,
    MarketExecutions,
    MarketPrice,
}

impl Past {
    /// Whether anyone may ask.
    pub(crate) fn is_public(self) -> bool {
        matches!(self, Self::MarketOrders | Self::MarketExecutions | Self::MarketPrice)
    }

    /// What it costs of the account's pool; of the log by its entries.
    fn cost(self, args: &Args<'_>) -> u32 {
        match self {
            Self::Orders | Self::Executions | Self::Triggers | Self::Positions => 1,
            Self::AccountLogCsv => 6,
            Self::AccountLog => match wire::AccountLog::parse(args).map_or(1, |log| log.count.get()) {
                0..=25 => 1,
                26..=50 => 2,
                51..=1_000 => 3,
                1_001..=5_000 => 6,
                _ => 10,
            },
            Self::MarketOrders | Self::MarketExecutions | Self::MarketPrice => 0,
        }
    }
}

impl Kraken {
    /// Answers a request for history.
    pub(super) async fn past(&self, what: Past, asked: KrakenRequest<'_>) -> Result<Success, Failure> {
        let query = asked.request.head.uri.query().unwrap_or_default().as_bytes();
        let args = Args::new(query, &asked.request.body);
        let owner = if what.is_public() {
            self.told_fault(&asked).await?;
            asked.directory.by_symbol(asked.named).map(|listed| u32::from(listed.id.0))
        } else {
            let cost = args.as_ref().map_or(1, |args| what.cost(args));
            let caller =
                self.signing.check(asked.directory, asked.request, Right::Read, Pool::History, cost)?;
            self.told_fault(&asked).await?;
            if !asked.directory.account(caller.account).is_some_and(|account| account.active) {
                return Err(Failure::History(401, HistoryError::unauthorized()));
            }
            Some(caller.account.0)
        };
        let args = args.map_err(|error| bad_request(&error.to_string()))?;
        let reading = Reading::parse(what, &args, asked.directory)?;
        self.node
            .followed(History::NAME)
            .await
            .map_err(|behind| Failure::History(503, HistoryError::unavailable(behind.to_string())))?;
        let (history, made_up) = (Arc::clone(&self.history), self.made_up.clone());
        let identity = self.node.identity().clone();
        // What the page tells of may be newer than what was looked at before.
        let directory = asked.views.directory();
        let server_time = crate::grid::time(self.node.now());
        // A page may be read from the disk.
        let answer = tokio::task::spawn_blocking(move || {
            let index = history.index()?;
            let shown = Shown { directory: &directory, identity: &identity };
            reading.answer(index, owner, made_up.as_deref(), shown, server_time)
        });
        answer.await.unwrap_or(Err(Failure::Node(crate::node::SubmitError::Unavailable)))
    }
}

fn bad_request(reason: &str) -> Failure {
    Failure::History(400, HistoryError::bad_request(reason))
}

impl From<InvalidArgument> for Failure {
    fn from(error: InvalidArgument) -> Self {
        Self::History(400, error.into())
    }
}

impl From<NoIndex> for Failure {
    fn from(error: NoIndex) -> Self {
        Self::History(503, HistoryError::unavailable(error.to_string()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Token => bad_request("invalid argument: continuation_token"),
            Error::OutOfOrder { .. } | Error::Sqlite(_) | Error::Io(_) => {
                tracing::error!(%error, "a page of history could not be read");
                Self::History(503, HistoryError::unavailable("the history index cannot be read"))
            }
        }
    }
}

/// A request, read: what is left is to look it up.
enum Reading {
    Orders(Paged),
    Executions(Paged),
    Triggers(Paged),
    Positions(Paged),
    AccountLog(wire::AccountLog),
    AccountLogCsv(wire::AccountLogCsv),
    MarketOrders(Paged),
    MarketExecutions(Paged),
    MarketPrice(Paged),
}

/// A page that is asked for.
struct Paged {
    query: Query,
    token: Option<String>,
    /// A market is asked for that nobody knows: there is nothing of it.
    nowhere: bool,
}

/// What a filter lets pass, in the number that tokens carry: the contract and one more in the lower half, flags above.
#[derive(Clone, Copy)]
struct Filter(u64);

impl Filter {
    const OPENED: u64 = 1 << 32;
    const CLOSED: u64 = 1 << 33;
    /// The first of six changes, and of three causes, of a position.
    const CHANGES: u32 = 34;
    const CAUSES: u32 = 40;

    fn contract(self, contract: Option<u32>) -> bool {
        let wanted = self.0 & u64::from(u32::MAX);
        wanted == 0 || contract.is_some_and(|contract| u64::from(contract) + 1 == wanted)
    }

    fn order(self, contract: Option<u32>, kind: u8, ends: bool) -> bool {
        let leaves_out = |flag| self.0 & flag != 0;
        let opens = kind == kinds::PLACED;
        self.contract(contract) && !(opens && leaves_out(Self::OPENED)) && !(ends && leaves_out(Self::CLOSED))
    }

    fn position(self, row: &rows::PositionUpdate) -> bool {
        let (change, cause) = shown::flags(row);
        let group = |first: u32, many: u32, place: Option<usize>| {
            let flags = (self.0 >> first) & ((1 << many) - 1);
            flags == 0 || place.is_some_and(|place| flags & (1 << place) != 0)
        };
        self.contract(Some(row.contract))
            && group(Self::CHANGES, 6, change)
            && group(Self::CAUSES, 3, Some(cause))
    }
}

impl Paged {
    fn of(events: &wire::MarketEvents<'_>) -> Self {
        let millis = |time: Timestamp| time.micros().div_euclid(1_000);
        let query = Query {
            since_ms: events.range.since.map(millis),
            before_ms: events.range.before.map(millis),
            sort: match events.sort {
                wire::Sort::Ascending => Sort::Ascending,
                wire::Sort::Descending => Sort::Descending,
            },
            count: events.count.get(),
            ..Query::of(0)
        };
        Self { query, token: events.token.as_deref().map(str::to_owned), nowhere: false }
    }

    fn filtered(events: &wire::Events<'_>, flags: u64, directory: &Directory) -> Self {
        let mut paged = Self::of(&events.page);
        let mut filter = flags;
        if let Some(symbol) = &events.tradeable {
            match directory.by_symbol(symbol) {
                Some(listed) => filter |= u64::from(listed.id.0) + 1,
                None => paged.nowhere = true,
            }
        }
        paged.query.filter = (filter != 0).then_some(filter);
        paged
    }

    fn page<R: Row>(
        &self,
        index: &Index,
        owner: Option<u32>,
        wanted: impl Fn(Filter, &R) -> bool,
    ) -> Result<Page<R>, Error> {
        self.page_and_earlier(index, owner, None, wanted)
    }

    fn page_and_earlier<R: Row>(
        &self,
        index: &Index,
        owner: Option<u32>,
        earlier: Option<Earlier<'_, R>>,
        wanted: impl Fn(Filter, &R) -> bool,
    ) -> Result<Page<R>, Error> {
        let Some(owner) = owner.filter(|_| !self.nowhere) else {
            return Ok(Page {
                rows: Vec::new(),
                token: None,
                sequence: 0,
                filter: None,
                whole_from_ms: None,
            });
        };
        let query = Query { owner, ..self.query };
        let wanted = |row: &R, filter: Option<u64>| wanted(Filter(filter.unwrap_or(0)), row);
        index.page_and_earlier(&query, self.token.as_deref(), earlier, wanted)
    }
}

impl Reading {
    fn parse(what: Past, args: &Args<'_>, directory: &Directory) -> Result<Self, InvalidArgument> {
        let market = || wire::MarketEvents::parse(args).map(|events| Paged::of(&events));
        let orders = || {
            wire::OrderEvents::parse(args).map(|request| {
                let left_out = |asked: bool, flag| if asked { 0 } else { flag };
                let flags =
                    left_out(request.opened, Filter::OPENED) | left_out(request.closed, Filter::CLOSED);
                Paged::filtered(&request.events, flags, directory)
            })
        };
        Ok(match what {
            Past::Orders => Self::Orders(orders()?),
            Past::Triggers => Self::Triggers(orders()?),
            Past::Executions => Self::Executions(Paged::filtered(&wire::Events::parse(args)?, 0, directory)),
            Past::Positions => {
                let request = wire::PositionEvents::parse(args)?;
                let group = |flags: &[bool], first: u32| {
                    flags.iter().zip(first..).map(|(set, at)| u64::from(*set) << at).sum::<u64>()
                };
                let flags = group(&request.changes, Filter::CHANGES) | group(&request.causes, Filter::CAUSES);
                Self::Positions(Paged::filtered(&request.events, flags, directory))
            }
            Past::AccountLog => Self::AccountLog(wire::AccountLog::parse(args)?),
            Past::AccountLogCsv => Self::AccountLogCsv(wire::AccountLogCsv::parse(args)?),
            Past::MarketOrders => Self::MarketOrders(market()?),
            Past::MarketExecutions => Self::MarketExecutions(market()?),
            Past::MarketPrice => Self::MarketPrice(market()?),
        })
    }

    fn answer(
        &self,
        index: &Index,
        owner: Option<u32>,
        made_up: Option<&past::Past>,
        shown: Shown<'_>,
        server_time: Timestamp,
    ) -> Result<Success, Failure> {
        let account = owner.unwrap_or_default();
        let own = Own { account, shown, server_time };
        match self {
            Self::Orders(paged) => {
                let ends = |row: &rows::OrderEvent| {
                    let is_full = row.order.as_ref().is_some_and(|order| order.qty == Some(order.filled));
                    matches!(row.kind, kinds::CANCELLED | kinds::REJECTED) || is_full
                };
                let wanted =
                    |filter: Filter, row: &rows::OrderEvent| filter.order(row.contract, row.kind, ends(row));
                let page = paged.page(index, owner, wanted)?;
                Ok(own.page(&page, |entry| {
                    shown.element(account, entry, shown.order_event(account, &entry.row))
                }))
            }
            Self::Triggers(paged) => {
                let ends = |kind| matches!(kind, kinds::CANCELLED | kinds::ACTIVATED);
                let wanted = |filter: Filter, row: &rows::TriggerEvent| {
                    filter.order(Some(row.contract), row.kind, ends(row.kind))
                };
                let page = paged.page(index, owner, wanted)?;
                Ok(own.page(&page, |entry| {
                    shown.element(account, entry, shown.trigger_event(account, &entry.row))
                }))
            }
            Self::Executions(paged) => {
                let wanted = |filter: Filter, row: &rows::Execution| filter.contract(Some(row.contract));
                let page = paged.page(index, owner, wanted)?;
                Ok(own.page(&page, |entry| shown.execution(account, entry)))
            }
            Self::Positions(paged) => {
                let page = paged.page(index, owner, Filter::position)?;
                Ok(own.page(&page, |entry| shown.position(account, entry)))
            }
            Self::AccountLog(request) => own.log(index, request),
            Self::AccountLogCsv(request) => own.log_csv(index, *request),
            Self::MarketOrders(paged) => {
                let page = paged.page(index, owner, |_, _| true)?;
                Ok(market(&page, |entry| shown.public_order_event(account, entry)))
            }
            Self::MarketExecutions(paged) => {
                let contract = InstrumentId(u16::try_from(account).unwrap_or(u16::MAX));
                let rows = || made_up.map_or_else(Vec::new, |past| past.executions(contract));
                let ends_ms = made_up.map(|past| past.ends().0.div_euclid(1_000));
                let earlier = ends_ms.map(|ends_ms| Earlier { ends_ms, rows: &rows });
                let page = paged.page_and_earlier(index, owner, earlier, |_, _| true)?;
                Ok(market(&page, |entry| shown.public_execution(account, entry)))
            }
            Self::MarketPrice(paged) => {
                let page = paged.page(index, owner, |_, _| true)?;
                Ok(market(&page, |entry| Some(shown::mark_price(entry))))
            }
        }
    }
}

/// Answers of one account.
struct Own<'d> {
    account: u32,
    shown: Shown<'d>,
    server_time: Timestamp,
}

impl Own<'_> {
    fn uid(&self) -> uuid::Uuid {
        self.shown.identity.account_uid(loligo_engine::AccountId(self.account))
    }

    fn page<'r, R, E: Event>(
        &self,
        page: &'r Page<R>,
        spell: impl Fn(&'r Entry<R>) -> Option<wire::Element<E>>,
    ) -> Success {
        let mut body = Vec::with_capacity(16 * 1024);
        let elements = page.rows.iter().filter_map(spell);
        write_account_page(&mut body, self.uid(), elements, page.token.as_deref(), self.server_time);
        Success { body, shape: shape_of(page) }
    }

    fn log(&self, index: &Index, request: &wire::AccountLog) -> Result<Success, Failure> {
        let wire::AccountLog { range, from, to, sort, infos, count, conversion_details } = request;
        let paged = Paged::of(&wire::MarketEvents { range: *range, sort: *sort, token: None, count: *count });
        let query = Query { owner: self.account, ..paged.query };
        let wanted = |entry: &rows::AccountLogEntry| {
            infos.is_empty() || infos.iter().any(|info| info.as_str() == entry.info)
        };
        let page = index.account_log(&query, (from.unwrap_or(1), to.unwrap_or(u64::MAX)), wanted)?;
        let mut body = Vec::with_capacity(64 + 700 * page.rows.len());
        self.with_entries(&page.rows, |entries| {
            write_account_log(&mut body, self.uid(), entries, *conversion_details);
        });
        Ok(Success { body, shape: log_shape(&page, false) })
    }

    fn log_csv(&self, index: &Index, request: wire::AccountLogCsv) -> Result<Success, Failure> {
        let query = Query { count: MAX_CSV_ROWS, ..Query::of(self.account) };
        let page = index.account_log(&query, (1, u64::MAX), |_| true)?;
        let mut body = Vec::with_capacity(512 + 200 * page.rows.len());
        self.with_entries(&page.rows, |entries| {
            write_account_log_csv(&mut body, entries, request.conversion_details);
        });
        Ok(Success { body, shape: log_shape(&page, true) })
    }

    fn with_entries(
        &self,
        entries: &[Entry<rows::AccountLogEntry>],
        write: impl FnOnce(std::vec::IntoIter<LogEntry<'_>>),
    ) {
        let contracts: Vec<_> = entries.iter().map(|entry| self.shown.log_contract(&entry.row)).collect();
        let spelled = entries.iter().zip(&contracts);
        let spelled: Vec<_> = spelled
            .filter_map(|(entry, contract)| self.shown.log_entry(self.account, entry, contract.as_deref()))
            .collect();
        write(spelled.into_iter());
    }
}

fn market<'r, R, E: Event>(
    page: &'r Page<R>,
    spell: impl Fn(&'r Entry<R>) -> Option<wire::Element<E>>,
) -> Success {
    let mut body = Vec::with_capacity(16 * 1024);
    write_public_page(&mut body, page.rows.iter().filter_map(spell), page.token.as_deref());
    Success { body, shape: shape_of(page) }
}

fn shape_of<R>(page: &Page<R>) -> Shape {
    Shape::Page { token: page.token.clone(), whole_from: page.whole_from_ms.map(shown::instant) }
}

fn log_shape(page: &Page<rows::AccountLogEntry>, is_csv: bool) -> Shape {
    Shape::Log { is_csv, whole_from: page.whole_from_ms.map(shown::instant) }
}
