//! The dead man's switch: `cancelallordersafter`.

use crate::fixture::Fixture;
use serde_json::{Value, json};

async fn arms(f: &Fixture, seconds: &str) -> Value {
    f.a.does("POST", "/cancelallordersafter", &[("timeout", seconds)]).await["status"].clone()
}

#[tokio::test]
async fn a_timeout_is_a_whole_number_of_seconds_up_to_a_day() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
    for timeout in ["-1", "86401", "1.5", "abc", "", "1e400", "99999999999999999999"] {
        let arguments = [("timeout", timeout)];
        f.a.refused("POST", "/cancelallordersafter", &arguments, "invalidArgument: timeout").await;
    }
    f.waits(86_400_000).await;
    f.a.sees("x", "ENTERED_BOOK NEW_USER_ORDER -").await;
}

#[tokio::test]
async fn it_says_when_it_will_fire() {
    let f = Fixture::start(&Default::default()).await;
    let now = "2026-01-01T00:00:00.000Z";
    for (seconds, at) in
        [("60", "2026-01-01T00:01:00.000Z"), ("86400", "2026-01-02T00:00:00.000Z"), ("0", "0")]
    {
        assert_eq!(arms(&f, seconds).await, json!({"currentTime": now, "triggerTime": at}));
    }
}

#[tokio::test]
async fn it_fires_once_unless_it_is_renewed_or_disarmed() {
    let f = Fixture::start(&Default::default()).await;
    f.a.sends("order", "lmt buy 0.1 @ 49,000", "placed").await;
    f.a.sends("stop", "stp sell 0.1 stopPrice 48,000", "placed").await;
    f.a.sends("position", "lmt buy 0.1 @ 50,010", "placed: EXECUTION 0.1 @ 50,010").await;
    f.b.sends("other", "lmt buy 0.1 @ 48,000", "placed").await;
    arms(&f, "60").await;
    f.waits(59_999).await;
    arms(&f, "60").await;
    f.waits(59_999).await;
    arms(&f, "0").await;
    f.waits(60_000).await;
    f.a.sees("order", "ENTERED_BOOK NEW_USER_ORDER -").await;
    arms(&f, "60").await;
    f.waits(60_000).await;
    f.a.sees("order", "CANCELLED DEAD_MAN_SWITCH -").await;
    f.a.sees("stop", "CANCELLED DEAD_MAN_SWITCH - type=TRIGGER_ORDER").await;
    f.b.sees("other", "ENTERED_BOOK NEW_USER_ORDER -").await;
    let positions = f.a.does("GET", "/openpositions", &[]).await;
    assert_eq!(positions["openPositions"][0]["size"].to_string(), "0.1", "positions stay");
    f.a.sends("next", "lmt buy 0.1 @ 49,000", "placed").await;
    f.waits(120_000).await;
    f.a.sees("next", "ENTERED_BOOK NEW_USER_ORDER -").await;
}

#[tokio::test]
async fn it_survives_a_restart() {
    let f = Fixture::start(&Default::default()).await.on_disk().await;
    f.a.sends("x", "lmt buy 0.1 @ 49,000", "placed").await;
    arms(&f, "60").await;
    let f = f.op_restart().await;
    f.waits(59_999).await;
    f.a.sees("x", "ENTERED_BOOK LOADING_MARKET -").await;
    f.waits(1).await;
    f.a.sees("x", "CANCELLED DEAD_MAN_SWITCH -").await;
}
