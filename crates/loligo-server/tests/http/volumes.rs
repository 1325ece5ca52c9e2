//! What an account traded in thirty days, and what its fees go by.

use crate::venue::{Client, SYMBOL, Venue};
use loligo_wire::decimal::Number;
use serde_json::{Value, json};

/// The one schedule there is.
async fn schedule(client: &Client) -> Value {
    client.get("/feeschedules", &[]).await["feeSchedules"][0].clone()
}

/// The volume as it travels, which has to be that of the one schedule.
async fn volume(client: &Client) -> String {
    let answer = client.get("/feeschedules/volumes", &[]).await;
    let volumes = answer["volumesByFeeSchedule"].as_object().expect("by schedule");
    let uid = schedule(client).await["uid"].as_str().expect("an id").to_owned();
    assert_eq!(volumes.keys().collect::<Vec<_>>(), [&uid]);
    volumes[&uid].to_string()
}

/// Units of 1e-11 USD that a fill took from the taker's wallet.
async fn fee(taker: &Client, maker: &Client, size: &str) -> i128 {
    let held = async || {
        let flex = taker.get("/accounts", &[]).await["accounts"]["flex"].clone();
        let number = flex["currencies"]["USD"]["quantity"].to_string();
        Number::parse(number.as_bytes())
            .expect("a number")
            .decimal()
            .expect("fits")
            .at_scale(11)
            .expect("exact")
    };
    let before = held().await;
    maker.place("lmt", "sell", size, "50000", &[]).await;
    taker.place("ioc", "buy", size, "50000", &[]).await;
    before - held().await
}

/// Units of 1e-11 USD.
fn usd(dollars: i128) -> i128 {
    dollars * 10_i128.pow(11)
}

#[tokio::test]
async fn fees_follow_what_was_traded_in_thirty_days() {
    let venue = Venue::start().await;
    let (taker, maker) = (venue.client(0), venue.client(1));
    for account in 0..2 {
        let cash = json!({"wallet": "flex", "currency": "usd", "amount": "100000000"});
        venue.order("POST", &format!("/accounts/{}/deposit", venue.start.accounts[account].uid), cash).await;
    }
    assert_eq!(volume(&taker).await, "0");
    // 49.9999 at 50,000 is 2,499,995 USD, of the first tier at 0.05 per cent; the last 5 make it 2,500,000.
    assert_eq!(fee(&taker, &maker, "49.9999").await, usd(2_499_995) / 2_000);
    assert_eq!((volume(&taker).await, volume(&maker).await), ("2499995".to_owned(), "2499995".to_owned()));
    assert_eq!(fee(&taker, &maker, "0.0001").await, usd(5) / 2_000);
    assert_eq!(volume(&taker).await, "2500000");
    // From here on 0.045.
    assert_eq!(fee(&taker, &maker, "1").await, usd(50_000) * 45 / 100_000);
    let tiers = schedule(&taker).await["tiers"].clone();
    assert_eq!(tiers[1], json!({"makerFee": 0.015, "takerFee": 0.045, "usdVolume": 2_500_000}));

    // A subaccount trades for the whole family, and pays what it pays.
    let (_, child) = venue.subaccount(0, "child", "100000").await;
    assert_eq!(volume(&child).await, "2550000");
    assert_eq!(fee(&child, &maker, "1").await, usd(50_000) * 45 / 100_000);
    assert_eq!((volume(&taker).await, volume(&child).await), ("2600000".to_owned(), "2600000".to_owned()));
    assert_eq!(volume(&venue.client(2)).await, "0", "another's is none of it");

    // The day of the trades is the first of thirty; on the last of them it counts, a day later it does not.
    venue.advance(29 * 86_400_000).await;
    assert_eq!(volume(&taker).await, "2600000");
    venue.advance(86_399_999).await;
    assert_eq!(volume(&taker).await, "2600000");
    venue.advance(1).await;
    assert_eq!(volume(&taker).await, "0");
    venue.pin(SYMBOL, "50000").await;
    assert_eq!(fee(&taker, &maker, "1").await, usd(50_000) / 2_000);
}

#[tokio::test]
async fn inverse_contracts_count_by_their_value_in_usd_and_a_start_finds_what_was_traded() {
    let folder = tempfile::tempdir().expect("a folder");
    let venue = Venue::lasting(folder.path()).await;
    let (taker, maker) = (venue.client(0), venue.client(1));
    venue.pin("PI_XBTUSD", "50000").await;
    let order = |order_type, side| {
        [
            ("orderType", order_type),
            ("symbol", "PI_XBTUSD"),
            ("side", side),
            ("size", "123"),
            ("limitPrice", "50000"),
        ]
    };
    assert_eq!(maker.post("/sendorder", &order("lmt", "sell")).await["sendStatus"]["status"], "placed");
    assert_eq!(taker.post("/sendorder", &order("ioc", "buy")).await["sendStatus"]["status"], "placed");
    fee(&taker, &maker, "0.0123").await;
    assert_eq!(volume(&taker).await, "738");
    venue.server.stop().await;
    let venue = Venue::lasting(folder.path()).await;
    assert_eq!(volume(&venue.reader(0)).await, "738");
    venue.server.stop().await;
}
