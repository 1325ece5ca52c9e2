//! Answers about one account.

use loligo_wire::v3::responses::{
    Accounts, Auxiliary, FeeSchedule, FeeTier, Fill, FlexAccount, FlexCurrency, MarginAccount, MarginFigures,
    OpenPosition, Subaccount, write_fee_schedule_volumes, write_fee_schedules, write_fills,
    write_open_positions, write_subaccounts,
};
use loligo_wire::v3::words::{FillType, PositionSide, Side};
use serde_json::{Value, json};

use crate::contract::{answer_pointer, assert_published, assert_valid, rest, validator};
use crate::sample::{ID, NOW, d, written};

#[test]
fn every_wallet_is_shown() {
    let rest = rest();
    let judge = validator(&rest, &answer_pointer("get", "/accounts"));
    let figures = MarginFigures { im: d("52.8"), mm: d("23.76"), lt: d("39.6"), tt: d("15.84") };
    let accounts = Accounts {
        cash: &[("xbt", d("141.31756797")), ("usd", d("0"))],
        margin_accounts: &[MarginAccount {
            wallet: "fi_xbtusd",
            currency: "xbt",
            balances: &[("xbt", d("1.5")), ("fi_xbtusd_260327", d("-15000"))],
            auxiliary: Auxiliary {
                pv: d("1.5"),
                af: d("1.25"),
                pnl: d("-0.00000000001"),
                ..Auxiliary::default()
            },
            margin_requirements: figures,
            trigger_estimates: MarginFigures::default(),
        }],
        flex: FlexAccount {
            currencies: &[FlexCurrency {
                currency: "USD",
                quantity: d("5000"),
                value: d("5000"),
                collateral: d("5000"),
                available: d("4000.5"),
            }],
            available_margin: d("4000.5"),
            margin_equity: d("5000"),
            ..FlexAccount::default()
        },
    };
    let answer = assert_valid(&judge, &written(|out| accounts.write(out, NOW)));
    let wallets = &answer["accounts"];
    assert_eq!(
        wallets["cash"],
        json!({ "type": "cashAccount", "balances": { "xbt": "141.31756797", "usd": "0" } })
    );
    let margin = &wallets["fi_xbtusd"];
    assert_valid(&validator(&rest, "/components/schemas/MarginAccount"), margin.to_string().as_bytes());
    assert_published(&rest, "MarginAccount", margin);
    assert_published(&rest, "Auxiliary", &margin["auxiliary"]);
    assert_eq!(margin["balances"], json!({ "xbt": "1.5", "fi_xbtusd_260327": "-15000" }));
    assert_eq!(margin["marginRequirements"], json!({ "im": 52.8, "mm": 23.76, "lt": 39.6, "tt": 15.84 }));
    assert_published(&rest, "FlexCurrencySummary", &wallets["flex"]["currencies"]["USD"]);
    assert_eq!(wallets["flex"]["availableMargin"], 4000.5);
}

#[test]
fn subaccounts_show_their_wallets_as_lists() {
    let rest = rest();
    let judge = validator(&rest, &answer_pointer("get", "/subaccounts"));
    let currencies = [FlexCurrency {
        currency: "eth",
        quantity: d("0.5"),
        value: d("1646.575"),
        collateral: d("1543.91104875"),
        available: d("0.49999966035931903"),
    }];
    let full = Subaccount {
        account_uid: ID,
        email: "sub@example.com",
        full_name: Some("A \"sub\" account"),
        holding_accounts: &[("usd", d("0")), ("xbt", d("0.00000000346"))],
        futures_accounts: &[("f-xbt:usd", d("-0.00090568328396425"))],
        flex_account: FlexAccount {
            currencies: &currencies,
            available_margin: d("1543.91"),
            margin_equity: d("1543.91"),
            ..FlexAccount::default()
        },
    };
    let empty = Subaccount {
        full_name: None,
        holding_accounts: &[],
        futures_accounts: &[],
        flex_account: FlexAccount::default(),
        ..full
    };
    let answer = written(|out| write_subaccounts(out, ID, [full, empty], NOW));
    let answer = assert_valid(&judge, &answer);
    assert_eq!(answer["masterAccountUid"], ID.to_string());
    let full = &answer["subaccounts"][0];
    assert_eq!(full["accountUid"], ID.to_string());
    assert_eq!(full["fullName"], "A \"sub\" account");
    assert_eq!(full["holdingAccounts"][1], json!({ "currency": "xbt", "amount": d_json("0.00000000346") }));
    assert_eq!(
        full["futuresAccounts"],
        json!([{ "name": "f-xbt:usd", "availableMargin": d_json("-0.00090568328396425") }])
    );
    let flex = &full["flexAccount"];
    assert_eq!(flex["currencies"][0]["currency"], "eth");
    assert_eq!(flex["currencies"][0]["quantity"], 0.5);
    assert_eq!((flex.get("type"), &flex["availableMargin"]), (None, &json!(1543.91)));
    assert_eq!(answer["subaccounts"][1]["fullName"], Value::Null);
    assert_eq!(answer["subaccounts"][1]["flexAccount"]["currencies"], json!([]));
    let none = assert_valid(&judge, &written(|out| write_subaccounts(out, ID, [], NOW)));
    assert_eq!(none["subaccounts"], json!([]));
}

/// A number as a client's JSON library reads it.
fn d_json(text: &str) -> Value {
    serde_json::from_str(text).expect("a JSON number")
}

#[test]
fn positions_leave_out_what_they_have_not() {
    let rest = rest();
    let judge = validator(&rest, &answer_pointer("get", "/openpositions"));
    let perpetual = OpenPosition {
        symbol: "PF_XBTUSD",
        side: PositionSide::Long,
        size: d("0.5"),
        price: d("50010"),
        fill_time: NOW,
        unrealized_funding: Some(d("-0.00734")),
        unrealized_pnl: d("12.5"),
        pnl_currency: Some("BTC"),
        max_fixed_leverage: Some(d("5")),
    };
    let dated = OpenPosition {
        side: PositionSide::Short,
        unrealized_funding: None,
        pnl_currency: None,
        max_fixed_leverage: None,
        ..perpetual
    };
    let answer = assert_valid(&judge, &written(|out| write_open_positions(out, [perpetual, dated], NOW)));
    assert_published(&rest, "OpenPositionJson", &answer["openPositions"][0]);
    let dated = answer["openPositions"][1].as_object().expect("an object");
    let members: Vec<_> = dated.keys().map(String::as_str).collect();
    assert_eq!(members, ["fillTime", "price", "side", "size", "symbol", "unrealizedPnl"]);
}

#[test]
fn fills_of_every_type_are_allowed() {
    let judge = validator(&rest(), &answer_pointer("get", "/fills"));
    let fills = FillType::ALL.iter().enumerate().map(|(index, &fill_type)| Fill {
        fill_id: ID,
        symbol: "PI_XBTUSD",
        side: Side::Buy,
        order_id: ID,
        cli_ord_id: (index == 0).then_some("mine"),
        size: d("5490"),
        price: d("9400.5"),
        fill_time: NOW,
        fill_type,
        realized_pnl: (index == 0).then_some(d("0")),
        sequence_id: 7,
    });
    let answer = assert_valid(&judge, &written(|out| write_fills(out, fills, NOW)));
    let fills = &answer["fills"];
    assert_eq!((&fills[0]["cliOrdId"], &fills[0]["cli_ord_id"]), (&json!("mine"), &json!("mine")));
    assert_eq!((&fills[0]["realized_pnl"], &fills[1]["realized_pnl"]), (&json!(0), &Value::Null));
    assert_eq!((fills[1].get("cliOrdId"), &fills[1]["sequence_id"]), (None, &json!("7")));
}

#[test]
fn fee_schedules_have_tiers() {
    let judge = validator(&rest(), &answer_pointer("get", "/feeschedules"));
    let tiers = [
        FeeTier { maker_fee: d("0.02"), taker_fee: d("0.05"), usd_volume: d("0") },
        FeeTier { maker_fee: d("0.015"), taker_fee: d("0.04"), usd_volume: d("100000") },
    ];
    let schedules = [FeeSchedule { uid: "7fc4d7c0", name: "PGTMainFees", tiers: &tiers }];
    let answer = assert_valid(&judge, &written(|out| write_fee_schedules(out, schedules, NOW)));
    let second = &answer["feeSchedules"][0]["tiers"][1];
    assert_eq!(*second, json!({ "makerFee": 0.015, "takerFee": 0.04, "usdVolume": 100_000 }));
}

#[test]
fn volumes_stand_under_their_schedule() {
    let judge = validator(&rest(), &answer_pointer("get", "/feeschedules/volumes"));
    let volumes = [("eef90775-995b-4596-9257-0917f6134766", d("53823.5"))];
    let answer = assert_valid(&judge, &written(|out| write_fee_schedule_volumes(out, volumes, NOW)));
    assert_eq!(answer["volumesByFeeSchedule"], json!({ "eef90775-995b-4596-9257-0917f6134766": 53823.5 }));
}
