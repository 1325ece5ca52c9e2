//! A key that asks about itself, and what an account is paid back: they tell errors by a status and a reason.

use crate::venue::{Answer, Client, Request, Venue};
use loligo_server::ServerConfig;
use serde_json::{Value, json};

const CHECK: &str = "/api/auth/v1/api-keys/v3/check";
const SHARE: &str = "/api/stats/v1/rebates/self-market-share";

/// A request whose path has no base.
fn request<'c>(client: &'c Client, path: &str) -> Request<'c> {
    let mut request = client.request("GET", "", &[]);
    request.path = path.to_owned();
    request.sign();
    request
}

async fn ask(client: &Client, path: &str) -> Answer {
    request(client, path).send().await
}

fn unauthorized() -> Value {
    json!({"status": "unauthorized", "reason": "You are not authorized to access this endpoint."})
}

#[tokio::test]
async fn a_key_is_told_what_it_may_do_and_since_when_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let venue = Venue::lasting(folder.path()).await;
    let uid = venue.start.accounts[0].uid.clone();
    venue.advance(86_400_000).await;
    let make = async |general: &str, withdrawal: &str| {
        let rights = json!({"general": general, "withdrawal": withdrawal});
        venue.order("POST", &format!("/accounts/{uid}/keys"), rights).await
    };
    let (takes_out, only_takes_out) = (make("full", "full").await, make("none", "full").await);
    let begun = "2026-01-01T00:00:00.000Z";
    let later = "2026-01-02T00:00:00.000Z";
    let rows = |venue: &Venue| {
        [
            (venue.client(0), "FULL_ACCESS", "NO_ACCESS", begun),
            (venue.reader(0), "READ_ONLY", "NO_ACCESS", begun),
            (venue.client_of(&takes_out), "FULL_ACCESS", "FULL_ACCESS", later),
            // It may ask nothing else, and is told so.
            (venue.client_of(&only_takes_out), "NO_ACCESS", "FULL_ACCESS", later),
        ]
    };
    let judge = async |venue: &Venue| {
        for (client, general, transfer, since) in rows(venue) {
            let answer = ask(&client, CHECK).await;
            let want = json!({
                "apiKey": client.api_key, "accountUid": uid, "iiban": null, "createdAt": since,
                "permissions": {"general": general, "transfer": transfer},
                "allowedCidrBlock": null, "allowedCidrBlocks": [],
            });
            assert_eq!((answer.status, answer.json()), (200, want));
        }
    };
    judge(&venue).await;
    // A start finds it in the state, and so does one that has the journal alone.
    venue.server.stop().await;
    let venue = Venue::lasting(folder.path()).await;
    judge(&venue).await;
    venue.server.stop().await;
}

#[tokio::test]
async fn no_contract_pays_makers_back() {
    let venue = Venue::start().await;
    let answer = ask(&venue.reader(0), SHARE).await;
    assert_eq!((answer.status, answer.json()), (200, json!({"contracts": {}})));
}

#[tokio::test]
async fn who_is_not_let_in_is_told_with_a_status_and_a_reason() {
    let venue = Venue::start().await;
    let (alice, uid) = (venue.client(0), venue.start.accounts[0].uid.clone());
    let rights = json!({"general": "none", "withdrawal": "full"});
    let key = venue.order("POST", &format!("/accounts/{uid}/keys"), rights).await;
    for path in [CHECK, SHARE] {
        let mut wrong = Vec::new();
        for (api_key, authent) in
            [(None, None), (Some("nobody"), Some("AAAA")), (Some(&*alice.api_key), Some("AAAA"))]
        {
            let mut request = request(&alice, path);
            request.api_key = api_key.map(str::to_owned);
            request.authent = authent.map(str::to_owned);
            wrong.push(request.send().await);
        }
        if path == SHARE {
            wrong.push(ask(&venue.client_of(&key), path).await);
        }
        for answer in wrong {
            assert_eq!((answer.status, answer.json()), (401, unauthorized()), "{path}");
        }
        let mut long = request(&alice, path);
        long.query = "a=b&".repeat(3_000);
        long.sign();
        assert_eq!(long.send().await.status, 200, "no argument is looked at");
    }
    venue.order("POST", &format!("/accounts/{uid}/deactivate"), Value::Null).await;
    for path in [CHECK, SHARE] {
        let answer = ask(&alice, path).await;
        assert_eq!((answer.status, answer.json()), (401, unauthorized()), "{path}");
    }
}

#[tokio::test]
async fn what_is_out_of_service_is_told_with_a_status_and_a_reason() {
    let venue = Venue::start().await;
    venue.order("PUT", "/routes/checkApiKeyV3", json!({"available": false})).await;
    let answer = ask(&venue.client(0), CHECK).await;
    assert_eq!((answer.status, &answer.json()["status"]), (503, &json!("unavailable")));
}

#[tokio::test]
async fn they_cost_a_token_of_the_account_s_first_pool() {
    let venue = Venue::with(ServerConfig::test()).await;
    let alice = venue.client(0);
    for _ in 0..500 {
        assert_eq!(ask(&alice, CHECK).await.status, 200);
    }
    let answer = ask(&alice, SHARE).await;
    assert_eq!((answer.status, answer.body.as_slice()), (429, &b"apiLimitExceeded"[..]));
    assert_eq!(answer.header("rate-limit-reset"), Some("10"));
    assert_eq!(alice.request("GET", "/openorders", &[]).error().await.as_deref(), Some("apiLimitExceeded"));
}
