//! What a key may do where the operator decides it.

use serde_json::{Value, json};

use crate::api::Client;
use crate::venue::{Home, QUIET, Venue};

const ASKED: [(&str, &str); 1] = [("cliOrdIds", "mine")];

fn reader(venue: &Venue, account: usize) -> Client {
    venue.client_of(&venue.config["accounts"][account]["read_only"])
}

/// What a client is told of the order, by both methods of the question.
fn told(client: &mut Client) -> [Value; 2] {
    [client.post("/orders/status", &ASKED), client.get("/orders/status", &ASKED)]
}

fn refused(client: &mut Client) {
    for answer in told(client) {
        assert_eq!(answer["error"], "authenticationError", "{answer}");
        assert_eq!(answer.get("orders"), None, "{answer}");
    }
}

#[test]
fn read_only_keys_are_told_the_status_of_orders_only_by_an_exchange_that_was_told_to() {
    let home = Home::new();
    let letting: Vec<&str> = [&QUIET[..], &["--status-for-read-only-keys", "on"]].concat();

    let venue = home.start(&QUIET);
    let id = venue.client(0).place_limit("PF_XBTUSD", "buy", "0.1", "1000", "mine");
    refused(&mut reader(&venue, 0));
    assert_eq!(reader(&venue, 0).open_orders().len(), 1, "what takes no more than to ask is answered");
    venue.kill();

    let mut venue = home.start(&letting);
    assert!(venue.screen("Ctrl-C").contains("read-only keys may ask /orders/status"));
    let mut trader = told(&mut venue.client(0));
    for (answer, full) in told(&mut reader(&venue, 0)).iter_mut().zip(&mut trader) {
        assert_eq!(answer["orders"][0]["order"]["orderId"], id.as_str(), "{answer}");
        for answer in [&mut *answer, &mut *full] {
            answer.as_object_mut().expect("an object").remove("serverTime");
        }
        assert_eq!(answer, full, "it is told what a key that trades is told");
    }
    // It is let in to ask, of its own account, and to nothing else.
    for answer in told(&mut reader(&venue, 1)) {
        assert_eq!(answer["orders"], json!([]));
    }
    let answer = reader(&venue, 0).post("/cancelorder", &[("cliOrdId", "mine")]);
    assert_eq!(answer["error"], "authenticationError");
    let none = json!({"general": "none", "withdrawal": "full"});
    let none = venue.control("POST", "/accounts/alice/keys", &none);
    refused(&mut venue.client_of(&none));
    venue.kill();

    // It is the start's to say: what an earlier one was told does not linger in the folder.
    let venue = home.start(&QUIET);
    refused(&mut reader(&venue, 0));
    assert_eq!(venue.client(0).open_orders().len(), 1);
}
