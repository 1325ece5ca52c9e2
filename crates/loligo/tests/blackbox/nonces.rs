//! A request that was signed once is carried out once, whatever happens to the process in between.

use serde_json::json;

use crate::venue::Home;

const SYMBOL: &str = "PF_XBTUSD";

/// Each kind of request that is more, or less, than one command; sent again after a kill, with the nonce it had.
#[test]
fn a_request_is_not_carried_out_again_after_a_kill() {
    let home = Home::new();
    let flags = ["--market", "none", "--clock", "manual", "--rate-limits", "off"];
    let send = |name: &str| {
        json!({"order": "send", "order_tag": "1", "orderType": "lmt", "symbol": SYMBOL, "side": "buy", "size": 0.01,
               "limitPrice": 40_000, "cliOrdId": name})
    };
    let batch = |elements: &[serde_json::Value]| json!({"batchOrder": elements}).to_string();
    let one = batch(&[send("one")]);
    let cancel = batch(&[json!({"order": "cancel", "cliOrdId": "one"})]);
    let three = batch(&[
        // Nothing is submitted for the first: the nonce is the next one's to carry.
        json!({"order": "cancel", "order_id": "no id"}),
        send("two"),
        send("three"),
    ]);
    let product = [("symbol", "fi_xbtusd")];
    let mut nonce = 1_700_000_000_000_u64;
    // What is asked, and how many orders are open then.
    for (path, arguments, open) in [
        ("/batchorder", &[("json", one.as_str())][..], 1),
        ("/batchorder", &[("json", cancel.as_str())], 0),
        ("/batchorder", &[("json", three.as_str())], 2),
        ("/cancelallorders", &product, 2),
        ("/cancelallorders", &[], 0),
    ] {
        nonce += 1;
        let nonce = nonce.to_string();
        let mut venue = home.start(&flags);
        venue.pin(SYMBOL, "50000");
        let mut client = venue.client(0);
        let answer = client.post_with_nonce(path, arguments, &nonce);
        assert_eq!(answer["result"], "success", "{answer}");
        assert_eq!(client.open_orders().len(), open, "{path} {arguments:?}");
        venue.kill();

        let venue = home.start(&flags);
        let mut client = venue.client(0);
        let answer = client.post_with_nonce(path, arguments, &nonce);
        assert_eq!(answer["error"], "nonceBelowThreshold", "{path} {arguments:?}: {answer}");
        assert_eq!(client.open_orders().len(), open, "{path} {arguments:?}");
        venue.kill();
    }
}
