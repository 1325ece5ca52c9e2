//! Answers about a key, and about what makers are paid back.

use loligo_wire::keys::{ApiKeyCheck, KeyAccess, MarketShare, write_market_share};
use serde_json::{Value, json};

use crate::contract::{answer_pointer, assert_allowed, charts, validator, words};
use crate::sample::{ID, NOW, d, written};

fn judged(path: &str, write: impl FnOnce(&mut Vec<u8>)) -> Value {
    assert_allowed(&validator(&charts(), &answer_pointer("get", path)), &written(write))
}

#[test]
fn a_key_may_have_each_access_to_each_of_both() {
    let known = words(&charts(), "/components/schemas/KeyAccess/enum");
    assert_eq!(known, KeyAccess::ALL.iter().map(|access| access.as_str()).collect::<Vec<_>>());
    for &general in KeyAccess::ALL {
        for &transfer in KeyAccess::ALL {
            let check =
                ApiKeyCheck { api_key: "a+b/c=", account_uid: ID, created_at: NOW, general, transfer };
            let told = judged("/api/auth/v1/api-keys/v3/check", |out| check.write(out));
            let want = json!({
                "apiKey": "a+b/c=", "accountUid": ID.to_string(), "iiban": null,
                "createdAt": "2026-01-01T00:00:00.123Z",
                "permissions": {"general": general.as_str(), "transfer": transfer.as_str()},
                "allowedCidrBlock": null, "allowedCidrBlocks": [],
            });
            assert_eq!(told, want);
        }
    }
}

#[test]
fn shares_stand_under_their_contract_as_texts() {
    let share = MarketShare { symbol: "PF_XBTUSD", share: d("0.25"), volume: d("1000.5"), rebate: d("0") };
    for (rows, want) in [
        (vec![], json!({"contracts": {}})),
        (
            vec![share],
            json!({"contracts": {
                "PF_XBTUSD": {"marketShare": "0.25", "volume": "1000.5", "usdRebateCredited": "0"},
            }}),
        ),
    ] {
        assert_eq!(
            judged("/api/stats/v1/rebates/self-market-share", |out| write_market_share(out, rows)),
            want
        );
    }
}
