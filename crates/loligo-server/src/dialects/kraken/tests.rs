//! Answers while the log goes over to another branch.

use super::*;
use crate::charts;
use crate::config::{Config, MarketKind};
use crate::hub::{self, Dialects, Sources};
use crate::login::Login;
use crate::login::real_time::RealTime;
use crate::node::Submission;
use crate::node::tests::following::{Act, Ledger, Shared};
use crate::request_log::{LogConfig, LogMode};
use crate::transport::bounds::FeedBounds;
use crate::transport::origin::Origins;
use http_body_util::BodyExt as _;
use loligo_engine::Command;
use loligo_history::Keep;
use loligo_wire::sign::Tolerance;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::mpsc::sync_channel;
use std::task::Poll;

/// The dialect over a node, with nothing but it in front.
fn kraken(node: &NodeHandle) -> Kraken {
    let log = RequestLog::start(LogConfig { mode: LogMode::None, lines: None }, node.clone()).unwrap();
    let mut dialects = Dialects::default();
    let dialect = dialects.add(Encoder);
    let hub = hub::start(node, &dialects, Sources::default(), FeedBounds::default()).unwrap();
    let origins = Arc::new(Origins::new(Vec::new(), std::iter::empty()));
    let served = Served {
        node: node.clone(),
        login: Arc::new(Login::new(&[], RealTime::driven(), false)),
        tolerance: Tolerance::STRICT,
        status_for_read_only_keys: false,
        faults: Arc::default(),
        sockets: Arc::new(Sockets::new(FeedBounds::default(), origins).expect("threads")),
        history: Arc::new(History::new(None, Keep::an_hour())),
        hub,
        log,
        candles: Arc::new(Candles::new(None).unwrap()),
        analytics: Arc::new(Analytics::new(None).unwrap()),
        past: None,
    };
    Kraken::new(served, dialect)
}

fn get(path: &str) -> Received {
    let (head, ()) = http::Request::get(path).body(()).unwrap().into_parts();
    Received { head, body: Bytes::new() }
}

async fn text(answer: Option<Response<Full<Bytes>>>) -> String {
    let body = answer.expect("an answer").into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// A read that began on one branch and would end on another is refused, since it would tell of both; one that begins after is
/// answered.
#[tokio::test]
async fn no_answer_is_of_two_branches() {
    let config = Config { market: MarketKind::None, ..Config::test() };
    let candles = Ledger::called(charts::NAME);
    let shared = Shared::followed_by(&config, candles);
    let node = shared.node.handle();
    let kraken = kraken(node);
    let asked = get("/api/charts/v1/mark/PI_XBTUSD/1m");
    node.followed(charts::NAME).await.unwrap();

    // The candles are behind, so who asks for them waits.
    let (release, gate) = sync_channel(0);
    *shared.ledger.gate.lock().unwrap() = Some(gate);
    node.submit(Submission::new(Command::Advance)).await.unwrap();
    let mut answer = pin!(kraken.answer(&asked));
    let waits = poll_fn(|context| Poll::Ready(answer.as_mut().poll(context).is_pending())).await;
    assert!(waits);
    shared.others.act(Act::Revert(node.acknowledged()));
    node.submit(Submission::new(Command::Advance)).await.unwrap();
    assert_eq!(node.views().branch(), 2);
    drop(release);
    let told = text(answer.await).await;
    assert!(told.contains(r#""error":"Unavailable""#), "{told}");

    let told = text(kraken.answer(&asked).await).await;
    assert!(told.contains(r#""candles""#), "{told}");
    // What changes something is answered by what it came to, on whatever branch that was.
    assert!(!Operation::sendOrder.reads() && Operation::getOrderStatus.reads());
}
