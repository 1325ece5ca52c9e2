//! The account log, and what of it came from outside.

use super::socket::{Socket, alert, with};
use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};

/// The account's log over http, newest first.
async fn log(client: &Client) -> Vec<Value> {
    let mut request = client.request("GET", "", &[]);
    request.path = "/api/history/v3/account-log".to_owned();
    request.sign();
    let answer = request.send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["logs"].as_array().expect("rows").clone()
}

/// A row as the feed tells it, of one that was answered over http: nothing is null here.
fn as_told(row: &Value) -> Value {
    let texts = ["contract", "execution", "collateral"];
    let mut told = row.as_object().expect("a row").clone();
    // The one member that the feed does not have.
    told.remove("position_uid");
    for (name, value) in &mut told {
        if value.is_null() {
            *value = if texts.contains(&name.as_str()) { json!("") } else { json!(0) };
        }
    }
    Value::Object(told)
}

fn ids(rows: &[Value]) -> Vec<u64> {
    rows.iter().map(|row| row["id"].as_u64().expect("a number")).collect()
}

#[tokio::test]
async fn each_row_is_told_once_and_is_the_row_that_history_answers() {
    let venue = Venue::start().await;
    let (alice, bob) = (venue.client(0), venue.client(1));
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    let snapshot = socket.join(&credentials, "account_log").await;
    assert_eq!(snapshot["feed"], "account_log_snapshot");
    let rows = snapshot["logs"].as_array().expect("rows").clone();
    assert_eq!(rows, log(&alice).await.iter().map(as_told).collect::<Vec<_>>());
    let before = rows.len() as u64;

    alice.place("lmt", "sell", "0.5", "50010", &[]).await;
    bob.place("ioc", "buy", "0.5", "50010", &[]).await;
    let mut told = Vec::new();
    for _ in 0..2 {
        let message = socket.hear().await;
        assert_eq!(message["feed"], "account_log");
        told.push(message["new_entry"].clone());
    }
    assert_eq!(ids(&told), [before + 1, before + 2], "the position, then the wallet");
    let newest: Vec<Value> = log(&alice).await.iter().take(2).rev().map(as_told).collect();
    assert_eq!(told, newest);
    // One who comes now has them in the beginning, and not again.
    let mut late = Socket::open(&venue).await;
    let other = late.credentials(&venue.reader(0)).await;
    let snapshot = late.join(&other, "account_log").await;
    assert_eq!(ids(snapshot["logs"].as_array().unwrap())[..2], [before + 2, before + 1]);
    venue
        .order(
            "POST",
            &format!("/accounts/{}/deposit", venue.start.accounts[0].uid),
            json!({"wallet": "flex", "currency": "USD", "amount": "5"}),
        )
        .await;
    for socket in [&mut socket, &mut late] {
        assert_eq!(socket.hear().await["new_entry"]["id"], before + 3);
    }
    socket.leave(&credentials, "account_log").await;
    bob.place("lmt", "sell", "0.5", "50010", &[]).await;
    alice.place("ioc", "buy", "0.5", "50010", &[]).await;
    for id in [4, 5] {
        assert_eq!(late.hear().await["new_entry"]["id"], before + id);
    }
    assert_eq!(socket.settle().await, Vec::<Value>::new());
}

#[tokio::test]
async fn deposits_and_withdrawals_are_told_whole() {
    let venue = Venue::start().await;
    let alice = venue.client(0);
    let mut socket = Socket::open(&venue).await;
    let credentials = socket.credentials(&alice).await;
    let first = socket.join(&credentials, "deposits_withdrawals").await;
    let before = first["elements"].as_array().expect("a list").clone();
    let uid = &venue.start.accounts[0].uid;
    for (wallet, currency, amount) in [("cash", "XBT", "0.01"), ("flex", "USD", "-5")] {
        let body = json!({"wallet": wallet, "currency": currency, "amount": amount});
        venue.order("POST", &format!("/accounts/{uid}/deposit"), body).await;
    }
    // What is moved between one's own wallets came from nowhere.
    alice
        .post(
            "/transfer",
            &[("fromAccount", "flex"), ("toAccount", "cash"), ("unit", "USD"), ("amount", "7")],
        )
        .await;
    venue.client(1).place("lmt", "sell", "0.5", "50010", &[]).await;
    alice.place("ioc", "buy", "0.5", "50010", &[]).await;
    for more in 1..=2 {
        let told = socket.hear().await;
        assert_eq!(told["elements"].as_array().expect("a list").len(), before.len() + more);
    }
    let again =
        socket.ask(with(&credentials, json!({"event": "subscribe", "feed": "deposits_withdrawals"}))).await;
    assert_eq!(again, alert("Already subscribed to feed, re-requesting"));
    let whole = socket.hear().await["elements"].as_array().expect("a list").clone();
    let shown = |row: &Value| {
        (row["amount"].clone(), row["unit"].clone(), row["status"].clone(), row["time"].clone())
    };
    let at = json!("2026-01-01T00:00:00.000Z");
    assert_eq!(shown(&whole[0]), (json!(-5), json!("USD"), json!("processed"), at.clone()));
    assert_eq!(shown(&whole[1]), (json!(0.01), json!("XBT"), json!("processed"), at));
    assert_eq!(whole[2..], before);
    socket.leave(&credentials, "deposits_withdrawals").await;
}

#[tokio::test]
async fn the_log_begins_with_the_last_500_rows_and_goes_on_over_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut last = 0;
    for start in 0..2 {
        let venue = Venue::lasting(folder.path()).await;
        let (alice, bob) = (venue.client(0), venue.client(1));
        let mut socket = Socket::open(&venue).await;
        let credentials = socket.credentials(&alice).await;
        if start == 1 {
            let snapshot = socket.join(&credentials, "account_log").await;
            let told = ids(snapshot["logs"].as_array().expect("rows"));
            assert_eq!(told, (last - 499..=last).rev().collect::<Vec<u64>>());
        }
        alice.place("lmt", "sell", "3", "50010", &[]).await;
        for _ in 0..260 {
            bob.place("ioc", "buy", "0.01", "50010", &[]).await;
        }
        last = log(&alice).await[0]["id"].as_u64().expect("a number");
        assert_eq!(venue.client(0).get("/orderbook", &[("symbol", SYMBOL)]).await["result"], "success");
        venue.server.stop().await;
    }
}
