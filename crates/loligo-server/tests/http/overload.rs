//! More than the exchange can take at once: what is refused then, and what is not.

use crate::venue::{Client, SYMBOL, Venue};
use serde_json::{Value, json};
use std::sync::Arc;

/// 256 connections, each with a request under way while the writer stands still.
#[tokio::test]
async fn no_single_cancel_is_refused_at_256_connections() {
    let venue = Arc::new(Venue::start().await);
    // The writer is held by a question until the test lets it go.
    let (release, held) = std::sync::mpsc::sync_channel::<()>(0);
    let (entered, inside) = tokio::sync::oneshot::channel();
    let node = venue.server.node().clone();
    let position = tokio::spawn(async move {
        node.query(move |_| {
            let _ = entered.send(());
            let _ = held.recv();
        })
        .await
    });
    inside.await.expect("the writer is held");

    let client = |n: usize| -> Client { venue.client(n % 10) };
    let several = |element: Value| json!({ "batchOrder": vec![element; 500] }).to_string();
    let send = json!({
        "order": "send", "order_tag": "1", "orderType": "lmt", "symbol": SYMBOL, "side": "buy", "size": 0.0001,
        "limitPrice": 40000,
    });
    let batches = [several(send), several(json!({"order": "cancel", "cliOrdId": "nobody"}))];
    let mut floods = Vec::new();
    for n in 0..32 {
        let (client, batch) = (client(n), batches[n % 2].clone());
        floods.push(tokio::spawn(async move {
            client.request("POST", "/batchorder", &[("json", &batch)]).json().await
        }));
    }
    let mut singles = Vec::new();
    for n in 0..224 {
        let client = client(n);
        singles.push(tokio::spawn(async move {
            match n % 3 {
                0 => client.post("/cancelorder", &[("cliOrdId", "nobody")]).await,
                1 => client.post("/cancelallorders", &[]).await,
                _ => client.post("/cancelallordersafter", &[("timeout", "60")]).await,
            }
        }));
    }
    // Some of the batches find no room and are told at once; what else they would keep out is under way by then.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    release.send(()).expect("the writer is held");
    position.await.expect("it ends").expect("an answer");
    let mut refused = 0;
    for flood in floods {
        let answer = flood.await.expect("an answer");
        refused += usize::from(answer["error"] == "Unavailable");
    }
    assert!(refused > 0, "there was room for everything");
    for single in singles {
        let answer = single.await.expect("an answer");
        assert_eq!(answer["result"], "success", "{answer}");
    }
}
