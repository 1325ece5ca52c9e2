use std::borrow::Cow;

use proptest::prelude::*;

use super::super::{Request, RequestError, SubaccountTransfer, Transfer, Withdrawal};
use super::{args, complete, invalid, missing};
use crate::args::Args;
use crate::decimal::{Decimal, Number};

const A: &str = "7f5c528e-2285-45f0-95f5-83d53d4bfcd2";
const B: &str = "ba598ca1-65c1-4f48-927d-0e2b647d627a";

const TENTH: Number = Number::Fits(Decimal::new(1, 1));

/// Asserts that every argument is required, in this order, before any of them is read. The request is asked what it lacks,
/// and read.
fn each_is_required(names: &[&'static str], ask_and_read: fn(&Args<'_>) -> [Result<(), RequestError>; 2]) {
    let form = |names: &[&str]| names.iter().map(|name| format!("{name}=%ff&")).collect::<String>();
    for (at, name) in names.iter().enumerate() {
        let form = form(&names[..at]);
        assert_eq!(ask_and_read(&args(&form)), [missing(name), missing(name)], "{form}");
    }
    let [required, read] = ask_and_read(&args(&form(names)));
    assert_eq!(required, Ok(()));
    assert!(matches!(read, Err(RequestError::InvalidArgument(_))), "{read:?}");
}

#[test]
fn every_argument_of_a_movement_is_required() {
    each_is_required(&["fromAccount", "toAccount", "unit", "amount"], |args| {
        [complete::<Transfer>(args), Transfer::parse(args).map(drop)]
    });
    each_is_required(&["fromUser", "toUser", "fromAccount", "toAccount", "unit", "amount"], |args| {
        [complete::<SubaccountTransfer>(args), SubaccountTransfer::parse(args).map(drop)]
    });
    each_is_required(&["currency", "amount"], |args| {
        [complete::<Withdrawal>(args), Withdrawal::parse(args).map(drop)]
    });
}

#[test]
fn wallets_and_currencies_come_in_any_case() {
    for form in [
        "fromAccount=cash&toAccount=fi_ethusd&unit=eth&amount=0.1",
        "fromAccount=CASH&toAccount=FI_ETHUSD&unit=ETH&amount=0.10",
        "fromAccount=Cash&toAccount=fi%5FethUSD&unit=Eth&amount=1e-1",
    ] {
        let expected = Transfer {
            from_account: Cow::Borrowed("cash"),
            to_account: Cow::Borrowed("fi_ethusd"),
            unit: Cow::Borrowed("eth"),
            amount: TENTH,
        };
        assert_eq!(Transfer::parse(&args(form)), Ok(expected), "{form}");
    }
}

#[test]
fn what_can_be_read_is_not_judged() {
    // Whether such a wallet, currency and amount can be is told later, by words of their own.
    for (amount, expected) in [
        ("-1", Number::Fits(Decimal::from_int(-1))),
        ("0", Number::Fits(Decimal::ZERO)),
        ("1e400", Number::TooLarge { negative: false }),
        ("0.0000000000000000000000000000000000000001", Number::TooPrecise { negative: false }),
    ] {
        let form = format!("fromAccount=&toAccount=no%20such&unit=%E2%82%AC&amount={amount}");
        let transfer = Transfer::parse(&args(&form)).expect("readable");
        assert_eq!((&*transfer.from_account, &*transfer.to_account, &*transfer.unit), ("", "no such", "€"));
        assert_eq!(transfer.amount, expected, "{amount}");
    }
}

#[test]
fn movements_that_cannot_be_read_name_the_argument() {
    for (form, name) in [
        ("fromAccount=%ff&toAccount=flex&unit=usd&amount=1", "fromAccount"),
        ("fromAccount=cash&toAccount=%zz&unit=usd&amount=1", "toAccount"),
        ("fromAccount=cash&toAccount=flex&unit=%ff&amount=1", "unit"),
        ("fromAccount=cash&toAccount=flex&unit=usd&amount=", "amount"),
        ("fromAccount=cash&toAccount=flex&unit=usd&amount=1,5", "amount"),
        ("fromAccount=cash&toAccount=flex&unit=usd&amount=NaN", "amount"),
        ("fromAccount=cash&toAccount=flex&unit=usd&amount=0x10", "amount"),
        ("fromAccount=cash&toAccount=flex&unit=usd&amount=1 usd", "amount"),
    ] {
        assert_eq!(Transfer::parse(&args(form)), invalid(name), "{form}");
        let family = format!("fromUser={A}&toUser={B}&{form}");
        assert_eq!(SubaccountTransfer::parse(&args(&family)), invalid(name), "{family}");
    }
    for (form, name) in [
        ("currency=%ff&amount=1", "currency"),
        ("currency=eth&amount=x", "amount"),
        ("currency=eth&amount=1&sourceWallet=%ff", "sourceWallet"),
    ] {
        assert_eq!(Withdrawal::parse(&args(form)), invalid(name), "{form}");
    }
}

#[test]
fn family_accounts_are_named_by_id() {
    let rows = [
        (A.to_owned(), A.parse().ok()),
        (A.to_uppercase(), A.parse().ok()),
        (A.replace('-', ""), None),
        ("me".to_owned(), None),
        (String::new(), None),
        ("%ff".to_owned(), None),
    ];
    for (user, expected) in rows {
        let form = format!("fromUser={user}&toUser={B}&fromAccount=cash&toAccount=Flex&unit=XBT&amount=0.1");
        let transfer = SubaccountTransfer {
            from_user: expected,
            to_user: B.parse().ok(),
            from_account: Cow::Borrowed("cash"),
            to_account: Cow::Borrowed("flex"),
            unit: Cow::Borrowed("xbt"),
            amount: TENTH,
        };
        assert_eq!(SubaccountTransfer::parse(&args(&form)), Ok(transfer), "{form}");
        let form = format!("fromUser={B}&toUser={user}&fromAccount=cash&toAccount=flex&unit=xbt&amount=0.1");
        let read = SubaccountTransfer::parse(&args(&form)).expect("readable");
        assert_eq!((read.from_user, read.to_user), (B.parse().ok(), expected), "{form}");
    }
}

#[test]
fn a_withdrawal_is_from_cash_unless_it_says_otherwise() {
    for (form, wallet) in [
        ("currency=ETH&amount=0.1", "cash"),
        ("currency=eth&amount=0.1&sourceWallet=Flex", "flex"),
        ("currency=eth&amount=0.1&sourceWallet=", ""),
    ] {
        let expected = Withdrawal {
            currency: Cow::Borrowed("eth"),
            amount: TENTH,
            source_wallet: Cow::Borrowed(wallet),
        };
        assert_eq!(Withdrawal::parse(&args(form)), Ok(expected), "{form}");
    }
}

proptest! {
    #[test]
    fn any_movement_is_answered(values in proptest::collection::vec("[a-zA-Z0-9%+=,._€-]{0,12}", 8)) {
        let names =
            ["fromUser", "toUser", "fromAccount", "toAccount", "unit", "amount", "currency", "sourceWallet"];
        let pairs: Vec<_> = names.iter().zip(&values).map(|(name, value)| format!("{name}={value}")).collect();
        let form = pairs.join("&");
        let args = args(&form);
        if let Ok(transfer) = Transfer::parse(&args) {
            prop_assert_eq!(transfer.unit.to_ascii_lowercase(), transfer.unit);
        }
        let _ = (SubaccountTransfer::parse(&args), Withdrawal::parse(&args));
    }
}
