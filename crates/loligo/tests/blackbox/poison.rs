//! A record that panics when it is applied: the exchange stops and names it, and opens again before it.

use serde_json::json;

use crate::venue::{Home, QUIET, command_in};

const SYMBOL: &str = "PF_XBTUSD";

#[test]
fn a_poisoned_record_is_named_and_can_be_left_out() {
    let home = Home::new();
    let mut venue = home.start(&QUIET);
    let mut client = venue.client(0);
    let kept = client.place_limit(SYMBOL, "buy", "0.1", "40000", "before");
    let good = venue.sequence();
    let poisoned = (good + 1).to_string();

    // The answer may not arrive: the process is ending.
    let _ = venue.send_control("POST", "/faults", &json!({"kind": "panic_in_apply"}));
    let finished = venue.finish();
    assert_eq!(
        finished.status.code(),
        Some(4),
        "a venue whose state is in doubt must not end well: {finished:?}"
    );
    assert!(finished.stderr.contains(&poisoned), "record {poisoned} is not named:\n{}", finished.stderr);

    let verified = home.run("verify");
    assert!(!verified.status.success(), "{verified:?}");
    assert!(verified.said().contains(&poisoned), "record {poisoned} is not named:\n{}", verified.said());

    let refused = home.refused(&QUIET);
    assert!(!refused.status.success());
    assert!(refused.stderr.contains(&poisoned), "record {poisoned} is not named:\n{}", refused.stderr);
    assert!(refused.stderr.contains("--until"), "the way out is not told:\n{}", refused.stderr);

    // Each of the three names the same command, which helps as it stands.
    let named = command_in(&refused.stderr);
    assert_eq!(command_in(&finished.stderr), named);
    assert_eq!(command_in(&verified.stderr), named);
    let venue = home.follow(&refused.stderr).ready();
    let mut client = venue.client(0);
    let open: Vec<_> = client.open_orders().iter().map(|order| order["order_id"].clone()).collect();
    assert_eq!(open, [kept.as_str()]);
    let added = client.place_limit(SYMBOL, "buy", "0.1", "40000", "after");
    venue.kill();

    // The new branch is the venue from now on, without being told so again.
    let venue = home.start(&QUIET);
    let open: Vec<_> = venue.client(0).open_orders().iter().map(|order| order["order_id"].clone()).collect();
    assert_eq!(open.len(), 2);
    assert!(open.contains(&kept.into()) && open.contains(&added.into()));
}
