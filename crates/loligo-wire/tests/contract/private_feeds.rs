//! The private feeds beside those of orders and fills, held against the schema and the examples.

use loligo_wire::account_log::{LogEntry, LogInfo};
use loligo_wire::decimal::Decimal;
use loligo_wire::notices::{Notice, NoticePriority, NoticeType};
use loligo_wire::ws1::{
    ChangedWallets, Collateral, Equity, FlexWallet, MarginAccount, Payment, PaymentStatus, Position,
    SingleWallet, Unrealized, Wallets, write_account_balances_and_margins, write_account_log,
    write_account_log_snapshot, write_deposits_withdrawals, write_notifications, write_open_positions,
};
use serde_json::Value;
use uuid::Uuid;

use crate::contract::example;
use crate::sample::d;
use crate::ws1::{ACCOUNT, as_example, at, id, judged, plain};

fn position() -> Position<'static> {
    Position {
        instrument: "PF_XBTUSD",
        balance: d("0.5"),
        pnl: d("49.956"),
        entry_price: d("63950"),
        mark_price: d("64049.91204"),
        index_price: d("64048.37"),
        liquidation_threshold: Some(d("44812.5")),
        effective_leverage: Some(d("3.0011")),
        return_on_equity: d("7.8118"),
        unrealized_funding: Some(d("-0.0184")),
        initial_margin: d("639.5"),
        initial_margin_with_orders: d("959.1"),
        maintenance_margin: d("319.75"),
        pnl_currency: Some("USD"),
        max_fixed_leverage: None,
    }
}

/// The example's reader keeps the exponent that small numbers have there; as numbers they are the same.
fn with_exponents(write: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
    let mut told = Vec::new();
    write(&mut told);
    let told = String::from_utf8(told).expect("text");
    let told = told.replace(":0.00003,", ":3e-05,").replace(":0.00003}", ":3e-05}");
    let told = told.replace(":0.00000002,", ":2e-08,").replace(":0.00000002}", ":2e-08}");
    out.extend_from_slice(told.as_bytes());
}

#[test]
fn positions_are_those_of_the_example() {
    let inverse = Position {
        instrument: "PI_XBTUSD",
        balance: d("-2000"),
        pnl: d("0.00003"),
        entry_price: d("64110.5"),
        mark_price: d("64050.1"),
        liquidation_threshold: Some(d("96001")),
        effective_leverage: Some(d("0.62")),
        return_on_equity: d("4.8"),
        unrealized_funding: Some(d("0.00000002")),
        initial_margin: d("0.000624"),
        initial_margin_with_orders: d("0.000624"),
        maintenance_margin: d("0.000312"),
        pnl_currency: None,
        ..position()
    };
    as_example("open_positions.json", "OpenPositions", |out| {
        with_exponents(
            |out| write_open_positions(out, id(ACCOUNT), [position(), inverse], 3, at(1_796_040_006_500)),
            out,
        );
    });
    let isolated = Position {
        liquidation_threshold: None,
        effective_leverage: None,
        unrealized_funding: None,
        max_fixed_leverage: Some(d("10")),
        ..position()
    };
    let told = judged("OpenPositions", |out| write_open_positions(out, id(ACCOUNT), [isolated], 0, at(0)));
    let told = &told["positions"][0];
    assert_eq!(told["liquidation_threshold"], 0, "no such price is sent as zero");
    assert_eq!(told["max_fixed_leverage"], 10);
    assert_eq!((told.get("effective_leverage"), told.get("unrealized_funding")), (None, None));
    judged("OpenPositions", |out| write_open_positions(out, id(ACCOUNT), [], 0, at(0)));
}

const CURRENCIES: [Collateral<'static>; 2] = [
    Collateral {
        currency: "USD",
        quantity: Decimal::new(10_000, 0),
        value: Decimal::new(10_000, 0),
        collateral_value: Decimal::new(10_000, 0),
        available: Decimal::new(90_704, 1),
        haircut: Decimal::ZERO,
        conversion_spread: Decimal::ZERO,
    },
    Collateral {
        currency: "XBT",
        quantity: Decimal::new(1, 2),
        value: Decimal::new(64_048, 2),
        collateral_value: Decimal::new(62_127, 2),
        available: Decimal::new(97, 4),
        haircut: Decimal::new(3, 2),
        conversion_spread: Decimal::new(25, 4),
    },
];

fn unrealized() -> Unrealized {
    Unrealized {
        initial_margin: d("959.1"),
        initial_margin_without_orders: d("639.5"),
        maintenance_margin: d("319.75"),
        pnl: d("49.956"),
        unrealized_funding: d("-0.0184"),
        total_unrealized: d("49.9376"),
        total_unrealized_as_margin: d("49.9376"),
    }
}

fn flex() -> FlexWallet<'static> {
    let equity = Equity {
        unrealized: unrealized(),
        balance_value: d("10640.48"),
        portfolio_value: d("10690.42"),
        collateral_value: d("10621.27"),
        margin_equity: d("10671.2"),
        available_margin: d("9712.1"),
        total_position_size: Some(d("32024.96")),
    };
    FlexWallet {
        currencies: &CURRENCIES,
        equity,
        isolated: &[],
        cross: equity,
        effective_leverage: d("3.0011"),
    }
}

fn single() -> SingleWallet<'static> {
    SingleWallet {
        name: "F-XBT:USD",
        pair: "XBT/USD",
        unit: "XBT",
        portfolio_value: d("0.05003"),
        balance: d("0.05"),
        maintenance_margin: d("0.000312"),
        initial_margin: d("0.000624"),
        available: d("0.049406"),
        unrealized_funding: d("0.00000002"),
        pnl: d("0.00003"),
        cash_value: None,
    }
}

#[test]
fn wallets_are_those_of_the_examples() {
    let wallets = Wallets {
        holding: &[("USD", d("250")), ("XBT", d("0.002"))],
        futures: &[single()],
        flex_futures: flex(),
        futures_cash_value: None,
        futures_upnl_cash_value: None,
    };
    as_example("balances_snapshot.json", "BalancesSnapshot", |out| {
        with_exponents(|out| wallets.write_snapshot(out, id(ACCOUNT), at(1_796_040_000_020)), out);
    });
    let holding = ChangedWallets::Single { holding: &[("USD", d("150"))], futures: &[] };
    as_example("balances-holding.json", "Balances", |out| {
        holding.write(out, id(ACCOUNT), at(1_796_040_004_000), 1);
    });
    as_example("balances-flex.json", "Balances", |out| {
        ChangedWallets::Flex(&flex()).write(out, id(ACCOUNT), at(1_796_040_006_100), 2);
    });
    as_example("balances-single.json", "Balances", |out| {
        let changed = ChangedWallets::Single { holding: &[], futures: &[single()] };
        with_exponents(|out| changed.write(out, id(ACCOUNT), at(1_796_040_007_000), 3), out);
    });
}

#[test]
fn an_account_without_anything_has_wallets_too() {
    let empty = Wallets {
        holding: &[],
        futures: &[],
        flex_futures: FlexWallet::default(),
        futures_cash_value: Some(Decimal::ZERO),
        futures_upnl_cash_value: Some(Decimal::ZERO),
    };
    let told = judged("BalancesSnapshot", |out| empty.write_snapshot(out, id(ACCOUNT), at(0)));
    assert_eq!(told["seq"], 0);
    assert_eq!(told["flex_futures"]["currencies"], serde_json::json!({}));
    let isolated = FlexWallet { isolated: &[("PF_XBTUSD", unrealized())], ..flex() };
    let told = judged("Balances", |out| ChangedWallets::Flex(&isolated).write(out, id(ACCOUNT), at(0), 1));
    assert_eq!(told["flex_futures"]["isolated"]["PF_XBTUSD"]["pnl"].to_string(), "49.956");
    let worth = SingleWallet { cash_value: Some(d("3202.4")), ..single() };
    let told = judged("Balances", |out| {
        ChangedWallets::Single { holding: &[], futures: &[worth] }.write(out, id(ACCOUNT), at(0), 1);
    });
    assert_eq!(told["futures"]["F-XBT:USD"]["cash_value"].to_string(), "3202.4");
}

#[test]
fn margin_accounts_are_those_of_the_example() {
    let account = MarginAccount {
        name: "f-xbt:usd",
        balance: d("0.05"),
        pnl: d("0.00003"),
        pv: d("0.05003"),
        am: d("0.049406"),
        im: d("0.000624"),
        mm: d("0.000312"),
        funding: Some(d("0.00000002")),
    };
    as_example("account_balances_and_margins.json", "AccountBalancesAndMargins", |out| {
        with_exponents(|out| write_account_balances_and_margins(out, id(ACCOUNT), [account], 0), out);
    });
    let cash = MarginAccount { name: "usd", funding: None, ..account };
    let told = judged("AccountBalancesAndMargins", |out| {
        write_account_balances_and_margins(out, id(ACCOUNT), [cash], 1);
    });
    assert_eq!(told["margin_accounts"][0].get("funding"), None);
}

/// An example with the member that the published reference lacks, and REST has.
fn with_contract(mut example: Value, entries: &str, contracts: &[&str]) -> Value {
    for (at, contract) in contracts.iter().enumerate() {
        let pointer =
            if entries == "new_entry" { "/new_entry".to_owned() } else { format!("/{entries}/{at}") };
        example.pointer_mut(&pointer).expect("an entry")["contract"] = (*contract).into();
    }
    example
}

/// A row that has only what each has.
fn nothing() -> LogEntry<'static> {
    LogEntry {
        id: 0,
        date: at(0),
        asset: "",
        info: LogInfo::Transfer,
        booking_uid: Uuid::nil(),
        margin_account: "",
        old_balance: Decimal::default(),
        new_balance: Decimal::default(),
        old_average_entry_price: None,
        new_average_entry_price: None,
        trade_price: None,
        mark_price: None,
        realized_pnl: None,
        fee: None,
        execution: None,
        collateral: None,
        contract: None,
        funding_rate: None,
        realized_funding: None,
        liquidation_fee: None,
        conversion: None,
    }
}

#[test]
fn rows_of_the_log_are_those_of_the_examples() {
    let traded = LogEntry {
        id: 43,
        date: at(1_796_040_006_100),
        asset: "pf_xbtusd",
        contract: Some("pf_xbtusd"),
        info: LogInfo::FuturesTrade,
        booking_uid: id("62738495-afb0-4c2d-93e4-f50617283940"),
        margin_account: "flex",
        old_balance: d("0.3"),
        new_balance: d("0.5"),
        old_average_entry_price: Some(d("63950")),
        new_average_entry_price: Some(d("63950")),
        trade_price: Some(d("63950")),
        mark_price: Some(d("63961.2")),
        execution: Some(id("3e4f5061-7c8d-4e9f-a0b1-c2d3e4f50617")),
        collateral: Some("usd"),
        ..nothing()
    };
    let told = judged("AccountLog", |out| write_account_log(out, &traded));
    let wanted = with_contract(example("account_log.json"), "new_entry", &["pf_xbtusd"]);
    assert_eq!(plain(&told), plain(&wanted));

    let funded = LogEntry {
        id: 42,
        date: at(1_796_040_000_000),
        asset: "usd",
        contract: Some("pf_xbtusd"),
        info: LogInfo::FundingRateChange,
        booking_uid: id("51627384-9eaf-4b1c-82d3-e4f506172839"),
        margin_account: "flex",
        old_balance: d("10000"),
        new_balance: d("9999.98"),
        collateral: Some("usd"),
        funding_rate: Some(d("0.7311")),
        realized_funding: Some(d("-0.02")),
        ..nothing()
    };
    let moved = LogEntry {
        id: 41,
        date: at(1_796_029_961_337),
        asset: "usd",
        info: LogInfo::Transfer,
        booking_uid: id("40516273-8d9e-4fa0-b1c2-d3e4f5061728"),
        margin_account: "flex",
        old_balance: d("9000"),
        new_balance: d("10000"),
        collateral: Some("usd"),
        ..nothing()
    };
    let told = judged("AccountLogSnapshot", |out| write_account_log_snapshot(out, [funded, moved]));
    let wanted = with_contract(example("account_log_snapshot.json"), "logs", &["pf_xbtusd", ""]);
    assert_eq!(plain(&told), plain(&wanted));
    assert!(!told.to_string().contains("null"), "an older client fails on null");
    judged("AccountLogSnapshot", |out| write_account_log_snapshot(out, []));
}

#[test]
fn deposits_and_notices_are_those_of_the_examples() {
    let deposit = Payment {
        uid: "738495a6-b0c1-4d3e-a4f5-061728394051",
        time: at(1_796_025_600_000),
        amount: d("0.01"),
        unit: "XBT",
        receiving_address: "local-faucet",
        status: PaymentStatus::Processed,
        confirmations: 2,
        tx_reference: "faucet-0001",
    };
    as_example("deposits_withdrawals.json", "DepositsWithdrawals", |out| {
        write_deposits_withdrawals(out, [deposit]);
    });
    judged("DepositsWithdrawals", |out| write_deposits_withdrawals(out, []));
    let restart = Notice {
        id: 3,
        notice_type: NoticeType::Maintenance,
        priority: NoticePriority::High,
        note: "Engine restart",
        effective_time: at(1_796_126_400_000),
        expected_downtime_minutes: Some(5),
    };
    let test = Notice {
        id: 4,
        notice_type: NoticeType::General,
        priority: NoticePriority::Low,
        note: "Test notice",
        effective_time: at(1_796_040_000_000),
        expected_downtime_minutes: None,
    };
    as_example("notifications_auth.json", "Notifications", |out| write_notifications(out, [restart, test]));
    judged("Notifications", |out| write_notifications(out, []));
    for (&notice_type, &priority) in NoticeType::ALL.iter().zip(NoticePriority::ALL.iter().cycle()) {
        judged("Notifications", |out| {
            write_notifications(out, [Notice { notice_type, priority, ..restart }])
        });
    }
}
