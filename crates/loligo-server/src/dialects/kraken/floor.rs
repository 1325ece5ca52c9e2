//! The floor of the HTTP benchmarks: the same doors, the same key and signature checks, then nothing done.

use super::response;
use super::signing::Signing;
use crate::dialects::Served;
use crate::login::{Pool, Right};
use crate::node::NodeHandle;
use crate::transport::listener::{Peer, Read, Received};
use crate::transport::{Handler, TurnedAway};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use loligo_wire::args::Args;
use loligo_wire::decimal::Decimal;
use loligo_wire::time::Timestamp;
use loligo_wire::v3::requests::{self, Request as _};
use loligo_wire::v3::responses::{Order, OrderEvent, SendOrder};
use loligo_wire::v3::words::{EventOrderType, SendStatus, Side};
use uuid::Uuid;

/// Answers every signed request without an exchange behind it.
pub(crate) struct Floor {
    node: NodeHandle,
    signing: Signing,
}

impl Floor {
    pub(crate) fn new(served: Served) -> Self {
        Self { node: served.node, signing: Signing::new(served.login, served.tolerance) }
    }

    fn answer(&self, request: &Received) -> Vec<u8> {
        let directory = self.node.views().directory();
        if self.signing.check(&directory, request, Right::Trade, Pool::Trading, 1).is_err() {
            return br#"{"result":"error","error":"authenticationError"}"#.to_vec();
        }
        if request.head.uri.path().ends_with("/sendorder") {
            return placed(request);
        }
        let asked = 1 + request.body.iter().filter(|byte| **byte == b'&').count();
        constant(asked)
    }
}

/// 600 bytes for each order asked for, that cost nothing to make.
fn constant(orders: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(600 * orders);
    body.extend_from_slice(br#"{"result":"success","nothing":""#);
    body.resize(600 * orders - 2, b'.');
    body.extend_from_slice(br#""}"#);
    body
}

/// The form parsed, the answer of an order that rests written; no order was placed.
fn placed(request: &Received) -> Vec<u8> {
    let query = request.head.uri.query().unwrap_or_default().as_bytes();
    let parsed = Args::new(query, &request.body).map(|args| requests::SendOrder::parse(&args));
    let Ok(Ok(ask)) = parsed else { return br#"{"result":"error","error":"invalidArgument"}"#.to_vec() };
    let (id, at) = (Uuid::nil(), Timestamp::from_micros(0));
    let order = Order {
        order_id: id,
        cli_ord_id: ask.cli_ord_id.as_ref().and_then(requests::ClientOrderId::as_str),
        order_type: EventOrderType::Limit,
        symbol: "PF_XBTUSD",
        side: Side::Buy,
        quantity: Decimal::new(1, 3),
        filled: Decimal::from_int(0),
        limit_price: Decimal::from_int(80_000),
        reduce_only: false,
        timestamp: at,
        last_update_timestamp: at,
        algo_id: None,
    };
    let answer = SendOrder {
        status: SendStatus::Placed,
        order_id: Some(id),
        cli_ord_id: order.cli_ord_id,
        received_time: at,
        order_events: &[OrderEvent::Place { order, reduced_quantity: None }],
    };
    let mut body = Vec::with_capacity(1024);
    answer.write(&mut body, at);
    body
}

impl Handler for Floor {
    fn serves(&self, _: &str) -> bool {
        true
    }

    fn turned_away(&self, _: &http::request::Parts, _: TurnedAway) -> Response<Full<Bytes>> {
        response(StatusCode::SERVICE_UNAVAILABLE, Vec::new())
    }

    async fn handle(&self, request: Read, _: &Peer) -> Option<Response<Full<Bytes>>> {
        match request {
            Read::Whole(request) => Some(response(StatusCode::OK, self.answer(&request))),
            Read::TooLong(_) => None,
        }
    }

    fn panicked(&self) -> Response<Full<Bytes>> {
        response(StatusCode::OK, Vec::new())
    }
}
