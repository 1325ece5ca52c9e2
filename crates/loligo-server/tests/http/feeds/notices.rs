//! Notices to clients: given by the operator, told on the feed and answered over http.

use super::socket::Socket;
use crate::venue::Venue;
use serde_json::{Value, json};

#[tokio::test]
async fn notices_are_told_whole_whenever_they_change_and_outlive_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = async || Venue::lasting(folder.path()).await;
    let venue = start().await;
    let alice = venue.client(0);
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    let none = json!({"feed": "notifications_auth", "notifications": []});
    assert_eq!(socket.join(&credentials, "notifications_auth").await, none);
    assert_eq!(alice.get("/notifications", &[]).await["notifications"], json!([]));

    let given = venue
        .order(
            "POST",
            "/notifications",
            json!({
                "type": "maintenance", "priority": "high", "note": "Engine restart",
                "effective_time": "2026-01-02T00:00:00Z", "expected_downtime_minutes": 5,
            }),
        )
        .await;
    assert_eq!(given["id"], 1);
    let told = socket.hear().await;
    let first = json!({
        "id": 1, "type": "maintenance", "priority": "high", "note": "Engine restart",
        "effective_time": 1_767_312_000_000_u64, "expected_downtime_minutes": 5,
    });
    assert_eq!(told, json!({"feed": "notifications_auth", "notifications": [first]}));
    venue.order("POST", "/notifications", json!({"note": "Test notice"})).await;
    let second = json!({
        "id": 2, "type": "general", "priority": "medium", "note": "Test notice",
        "effective_time": 1_767_225_600_000_u64,
    });
    let both = json!({"feed": "notifications_auth", "notifications": [first, second]});
    assert_eq!(socket.hear().await, both);
    assert_eq!(
        alice.get("/notifications", &[]).await["notifications"],
        json!([
            {
                "type": "maintenance", "priority": "high", "note": "Engine restart",
                "effectiveTime": "2026-01-02T00:00:00.000Z", "expectedDowntimeMinutes": 5,
            },
            {
                "type": "general", "priority": "medium", "note": "Test notice",
                "effectiveTime": "2026-01-01T00:00:00.000Z",
            },
        ])
    );
    // Another contract's price or another account's key is no notice.
    venue.order("POST", &format!("/accounts/{}/keys", venue.start.accounts[1].uid), json!({})).await;
    assert_eq!(socket.settle().await, Vec::<Value>::new());

    venue.server.node().snapshot().await.expect("a snapshot");
    venue.server.stop().await;
    let venue = start().await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&venue.reader(0)).await;
    assert_eq!(socket.join(&credentials, "notifications_auth").await, both);
    venue.order("DELETE", "/notifications/1", Value::Null).await;
    assert_eq!(socket.hear().await["notifications"], json!([second]));
    let shown = venue.order("GET", "/notifications", Value::Null).await;
    assert_eq!(shown["notifications"].as_array().expect("a list").len(), 1);
    socket.leave(&credentials, "notifications_auth").await;
    let third = venue.order("POST", "/notifications", json!({"note": "A number is not given twice"})).await;
    assert_eq!(third["id"], 3);
    assert_eq!(socket.settle().await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_is_no_notice_is_refused_in_a_sentence() {
    let venue = Venue::start().await;
    for (body, status, says) in [
        (json!({}), 400, "note"),
        (json!({"note": ""}), 400, "1 to 1000"),
        (json!({"note": "x".repeat(1_001)}), 400, "1 to 1000"),
        (json!({"note": "a\u{7}b"}), 400, "printable"),
        (json!({"note": "x", "type": "weather"}), 400, "weather"),
        (json!({"note": "x", "priority": "urgent"}), 400, "urgent"),
        (json!({"note": "x", "effective_time": "tomorrow"}), 400, "2026-01-01T00:00:00Z"),
        (json!({"note": "x", "color": "red"}), 400, "color"),
    ] {
        let (given, told) = venue.ask("POST", "/notifications", body.clone()).await;
        assert_eq!(given, status, "{body}: {told}");
        assert!(told["error"].as_str().is_some_and(|error| error.contains(says)), "{body}: {told}");
    }
    for id in ["7", "x"] {
        let (status, told) = venue.ask("DELETE", &format!("/notifications/{id}"), Value::Null).await;
        assert_eq!((status, told["error"].as_str()), (404, Some("there is no such notice")));
    }
    for at in 0..100 {
        venue.order("POST", "/notifications", json!({"note": format!("notice {at}")})).await;
    }
    let (status, told) = venue.ask("POST", "/notifications", json!({"note": "one more"})).await;
    assert_eq!((status, told["error"].as_str()), (409, Some("at most 100 notices stand at once")));
}

#[tokio::test]
async fn a_state_that_names_a_time_is_announced_and_comes_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = async || Venue::lasting(folder.path()).await;
    let venue = start().await;
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&venue.client(0)).await;
    socket.join(&credentials, "notifications_auth").await;
    let state =
        async |venue: &Venue| venue.order("GET", "/markets/PF_XBTUSD", Value::Null).await["state"].clone();
    let plan = async |state: &str, at: &str| {
        venue.order("PUT", "/markets/PF_XBTUSD", json!({"state": state, "at": at})).await
    };
    let given = plan("suspended", "2026-01-01T01:00:00Z").await;
    assert_eq!(
        (&given["type"], &given["priority"], &given["note"], &given["effective_time"]),
        (
            &json!("maintenance"),
            &json!("high"),
            &json!("PF_XBTUSD will be suspended"),
            &json!("2026-01-01T01:00:00.000000Z")
        )
    );
    assert_eq!(socket.hear().await["notifications"][0]["effective_time"], 1_767_229_200_000_u64);
    // One that is taken back does not come, and one that is in the past is refused.
    let taken = plan("inactive", "2026-01-01T00:30:00Z").await;
    venue.order("DELETE", &format!("/notifications/{}", taken["id"]), Value::Null).await;
    let late = json!({"state": "suspended", "at": "2026-01-01T00:00:00Z"});
    let (status, told) = venue.ask("PUT", "/markets/PF_XBTUSD", late).await;
    assert_eq!((status, &told["error"]), (400, &json!("what is planned wants a time that is still to come")));
    plan("open", "2026-01-01T02:00:00Z").await;
    venue.server.stop().await;

    // What was announced comes after a restart, too, at its own instant, however far the clock is moved at once.
    let venue = start().await;
    venue.advance(3_599_999).await;
    assert_eq!(state(&venue).await, "open");
    venue.advance(1).await;
    assert_eq!(state(&venue).await, "suspended");
    assert_eq!(venue.client(0).place("lmt", "buy", "1", "49000", &[]).await["status"], "marketSuspended");
    venue.advance(86_400_000).await;
    assert_eq!(state(&venue).await, "open");
    assert_eq!(
        venue.order("GET", "/notifications", Value::Null).await["notifications"].as_array().map(Vec::len),
        Some(2)
    );
}
