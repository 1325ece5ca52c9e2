//! The feeds as the hub tells them, in the words of [`ws1`].

mod log;
mod money;

use super::bounds::ROWS;
use super::charts;
use super::convert::markets::{self, trade_kind};
use super::convert::orders::{Shown, distance, fill_type, reason, side, signal, unfired};
use super::notices;
use crate::charts::{Candle, SeriesAt};
use crate::grid::{price, size, time};
use crate::history::LogRow;
use crate::hub::{self, Form, Names, Remark, WalletsShown};
use crate::projection::{DepthSnapshot, FillRow, LevelChange, NoticeEntry, Statement, Ticker, TradeRow};
use crate::story::Turn;
use loligo_engine::{
    AccountId, ContractKind, InstrumentSpec, OrderType, OrderView, Timestamp, TriggerKind, UpdateReason,
};
use loligo_wire::charts::TickType;
use loligo_wire::decimal::Decimal;
use loligo_wire::ws1::{self, Alert, OrdersFeed};
use std::sync::Arc;

/// The hub's words in this dialect.
pub(crate) struct Encoder;

/// The form of each of the two feeds of open orders.
pub(super) fn form(feed: OrdersFeed) -> Form {
    match feed {
        OrdersFeed::Plain => Form(0),
        OrdersFeed::Verbose => Form(1),
    }
}

/// The forms of the two tickers.
pub(super) const TICKER: Form = Form(0);
pub(super) const TICKER_LITE: Form = Form(1);

fn feed(of: Form) -> OrdersFeed {
    if of == form(OrdersFeed::Verbose) { OrdersFeed::Verbose } else { OrdersFeed::Plain }
}

impl hub::Encoder for Encoder {
    fn heartbeat(&self, out: &mut Vec<u8>, now: Timestamp) {
        ws1::write_heartbeat(out, time(now));
    }

    fn remark(&self, out: &mut Vec<u8>, remark: Remark) {
        let alert = match remark {
            Remark::HeldAlready => Alert::AlreadySubscribed,
            Remark::NotHeld => Alert::NotSubscribed,
            Remark::NotAllowed => Alert::NotAuthenticated,
            Remark::Unavailable => Alert::Unavailable,
        };
        alert.write(out);
    }

    fn book(&self, out: &mut Vec<u8>, spec: &InstrumentSpec, depth: &DepthSnapshot, now: Timestamp) {
        let DepthSnapshot { bids, asks, changes } = depth;
        let row = |&(at, lots): &(_, _)| (price(at, spec), size(lots, spec));
        let (bids, asks) = (bids.iter().map(row), asks.iter().map(row));
        ws1::write_book_snapshot(out, &spec.symbol, time(now), *changes, bids, asks);
    }

    fn level(&self, out: &mut Vec<u8>, spec: &InstrumentSpec, level: &LevelChange, at: Timestamp) {
        let LevelChange { instrument: _, side: of, price: limit, qty, number, at: _ } = *level;
        let update = ws1::BookUpdate {
            product_id: &spec.symbol,
            side: side(of),
            seq: number,
            price: price(limit, spec),
            qty: size(qty, spec),
            timestamp: time(at),
        };
        update.write(out);
    }

    fn trades_shown(&self) -> usize {
        ROWS
    }

    fn latest_trades(&self, out: &mut Vec<u8>, names: Names<'_>, spec: &InstrumentSpec, trades: &[TradeRow]) {
        ws1::write_trade_snapshot(out, &spec.symbol, trades.iter().map(|row| trade(names, spec, row)));
    }

    fn trade(&self, out: &mut Vec<u8>, names: Names<'_>, spec: &InstrumentSpec, row: &TradeRow) {
        trade(names, spec, row).write(out);
    }

    fn ticker(
        &self,
        out: &mut Vec<u8>,
        spec: &InstrumentSpec,
        form: Form,
        ticker: &Ticker,
        now: Timestamp,
    ) -> bool {
        let Some(ticker) = markets::feed_ticker(ticker, spec, now) else { return false };
        if form == TICKER_LITE {
            ticker.lite.write(out);
        } else {
            ticker.write(out);
        }
        true
    }

    fn open_orders(
        &self,
        out: &mut Vec<u8>,
        names: Names<'_>,
        form: Form,
        account: AccountId,
        orders: &[OrderView],
    ) {
        let shown = Shown::from(names);
        let uid = names.identity.account_uid(account);
        let rows = orders.iter().filter_map(|order| shown.feed_order(order));
        ws1::write_open_orders_snapshot(out, feed(form), uid, rows);
    }

    /// A refused post-only order is told in full on the verbose feed, as a removal on the plain one. False when the feed has
    /// no word for a reason, or the contract is not known.
    fn turn(&self, out: &mut Vec<u8>, names: Names<'_>, form: Form, turn: &Turn<'_>) -> bool {
        let (feed, shown) = (feed(form), Shown::from(names));
        let (order, is_cancel, why, whole) = match *turn {
            Turn::Open { order, reason } => (order, false, reason, true),
            Turn::Filled { order } => (order, true, UpdateReason::FullFill, true),
            Turn::Gone { order, reason } => (order, true, reason, false),
            Turn::Refused { order, reason } => {
                let in_full = reason == UpdateReason::PostWouldExecute && feed == OrdersFeed::Verbose;
                (order, true, reason, in_full)
            }
            Turn::EditMissed { order } => (order, true, UpdateReason::OrderForEditNotFound, false),
        };
        let Some(reason) = reason(why).ws_word() else { return false };
        if whole {
            let Some(order) = shown.feed_order(order) else { return false };
            ws1::OrderUpdate { feed, order, is_cancel, reason }.write(out);
        } else {
            let order_id = shown.identity.order_uuid(order.id);
            let cli_ord_id = order.client_order_id.as_deref();
            ws1::OrderRemoval { feed, order_id, cli_ord_id, reason }.write(out);
        }
        true
    }

    fn fills_shown(&self) -> usize {
        ROWS
    }

    fn latest_fills(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, fills: &[FillRow]) {
        let shown = Shown::from(names);
        let rows = fills.iter().filter_map(|fill| shown.feed_fill(fill));
        ws1::write_fills_snapshot(out, names.identity.account_uid(account), rows);
    }

    fn fills(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, fills: &[&FillRow]) {
        let shown = Shown::from(names);
        let rows = fills.iter().filter_map(|fill| shown.feed_fill(fill));
        ws1::write_fills(out, names.identity.account_uid(account), rows);
    }

    fn positions(&self, out: &mut Vec<u8>, names: Names<'_>, statement: &Statement, seq: u64) -> bool {
        money::write_positions(out, names, statement, seq);
        true
    }

    fn wallets(
        &self,
        out: &mut Vec<u8>,
        names: Names<'_>,
        statement: &Statement,
        shown: WalletsShown<'_>,
        seq: u64,
    ) -> bool {
        money::write_wallets(out, names, statement, shown, seq)
    }

    fn margins(&self, out: &mut Vec<u8>, names: Names<'_>, statement: &Statement, seq: u64) -> bool {
        money::write_margins(out, names, statement, seq);
        true
    }

    fn log(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, rows: &[Arc<LogRow>]) -> bool {
        log::write_log(out, names, account, rows);
        true
    }

    fn log_row(&self, out: &mut Vec<u8>, names: Names<'_>, account: AccountId, row: &LogRow) -> bool {
        log::write_row(out, names, account, row)
    }

    fn payments(
        &self,
        out: &mut Vec<u8>,
        names: Names<'_>,
        account: AccountId,
        rows: &[Arc<LogRow>],
    ) -> bool {
        log::write_payments(out, names, account, rows);
        true
    }

    fn notices(&self, out: &mut Vec<u8>, notices: &[NoticeEntry]) -> bool {
        ws1::write_notifications(out, notices.iter().map(notices::notice));
        true
    }

    fn candle(
        &self,
        out: &mut Vec<u8>,
        spec: &InstrumentSpec,
        at: SeriesAt,
        candle: &Candle,
        is_first: bool,
    ) -> bool {
        let feed = charts::feed(at);
        let candle = charts::wire(candle, Some(spec).filter(|_| feed.tick_type == TickType::Trade));
        if is_first {
            feed.write_snapshot(out, &spec.symbol, &candle);
        } else {
            feed.write(out, &spec.symbol, &candle);
        }
        true
    }
}

/// A trade of the trade feed.
fn trade<'s>(names: Names<'_>, spec: &'s InstrumentSpec, row: &TradeRow) -> ws1::Trade<'s> {
    ws1::Trade {
        product_id: &spec.symbol,
        uid: names.identity.execution_uuid(row.execution),
        side: side(row.side),
        kind: trade_kind(row.role),
        seq: row.number,
        time: time(row.time),
        qty: size(row.qty, spec),
        price: price(row.price, spec),
    }
}

impl<'d> From<Names<'d>> for Shown<'d> {
    fn from(Names { directory, identity }: Names<'d>) -> Self {
        Self { directory, identity }
    }
}

impl Shown<'_> {
    /// An order of the open orders feeds.
    pub(crate) fn feed_order<'o>(&'o self, order: &'o OrderView) -> Option<ws1::OpenOrder<'o>> {
        let spec = self.spec(order.instrument)?;
        // What has fired is an order like any other.
        let waiting = unfired(order);
        Some(ws1::OpenOrder {
            instrument: &spec.symbol,
            time: time(order.placed_at),
            last_update_time: time(order.updated_at),
            qty: size(order.open_qty(), spec),
            filled: size(order.filled, spec),
            limit_price: order.limit_price.map(|limit| price(limit, spec)),
            stop_price: waiting
                .and_then(|trigger| trigger.price)
                .map_or(Decimal::ZERO, |stop| price(stop, spec)),
            order_type: match waiting.map(|trigger| trigger.kind) {
                None => ws1::OpenOrderType::Limit,
                Some(TriggerKind::Stop) => ws1::OpenOrderType::Stop,
                Some(TriggerKind::TakeProfit) => ws1::OpenOrderType::TakeProfit,
                Some(TriggerKind::TrailingStop) => ws1::OpenOrderType::TrailingStop,
            },
            order_id: self.identity.order_uuid(order.id),
            cli_ord_id: order.client_order_id.as_deref(),
            side: side(order.side),
            reduce_only: order.reduce_only,
            trigger_signal: waiting.map(|trigger| signal(trigger.shown_signal)),
            trailing_stop_options: waiting.and_then(|trigger| trigger.deviation).map(|deviation| {
                let (max_deviation, unit) = distance(deviation, spec);
                ws1::TrailingStopOptions { max_deviation, unit }
            }),
        })
    }

    /// A fill of the fills feed.
    pub(crate) fn feed_fill<'o>(&'o self, fill: &'o FillRow) -> Option<ws1::Fill<'o>> {
        let spec = self.spec(fill.instrument)?;
        Some(ws1::Fill {
            instrument: &spec.symbol,
            time: time(fill.time),
            price: price(fill.price, spec),
            seq: fill.number,
            side: side(fill.side),
            qty: size(fill.qty, spec),
            remaining_order_qty: size(fill.remaining, spec),
            order_id: self.identity.order_uuid(fill.order),
            cli_ord_id: fill.client_order_id.as_deref(),
            fill_id: self.identity.execution_uuid(fill.execution),
            fill_type: fill_type(fill.role),
            fee_paid: crate::grid::money(fill.fee),
            fee_currency: settlement(spec),
            taker_order_type: fill_order_type(fill.taker_order_type),
            order_type: fill_order_type(fill.order_type),
        })
    }
}

/// What a contract's fees are paid in.
fn settlement(spec: &InstrumentSpec) -> &str {
    match spec.kind {
        ContractKind::Linear => spec.quote.code(),
        ContractKind::Inverse => spec.base.code(),
    }
}

fn fill_order_type(order_type: OrderType) -> ws1::FillOrderType {
    match order_type {
        OrderType::Limit => ws1::FillOrderType::Limit,
        OrderType::Post => ws1::FillOrderType::Post,
        OrderType::ImmediateOrCancel => ws1::FillOrderType::ImmediateOrCancel,
        OrderType::Market => ws1::FillOrderType::Market,
        OrderType::FillOrKill => ws1::FillOrderType::FillOrKill,
        OrderType::Liquidation => ws1::FillOrderType::Liquidation,
        OrderType::CoveredLiquidation => ws1::FillOrderType::CoveredLiquidation,
        OrderType::Assignment => ws1::FillOrderType::Assignment,
        OrderType::Unwind => ws1::FillOrderType::Unwind,
    }
}
