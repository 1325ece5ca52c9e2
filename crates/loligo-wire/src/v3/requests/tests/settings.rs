use super::super::{
    LeveragePreferences, Request, SetLeveragePreference, SetSelfTradeStrategy, SetTradingEnabled, Symbol,
};
use super::{args, complete, invalid, missing};
use crate::decimal::{Decimal, Number};
use crate::v3::words::SelfTradeStrategy;

fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).expect("a symbol")
}

fn fits(mantissa: i128, scale: u32) -> Number {
    Number::Fits(Decimal::new(mantissa, scale))
}

#[test]
fn the_strategy_is_one_of_four_words() {
    for &strategy in SelfTradeStrategy::ALL {
        let form = format!("strategy={strategy}");
        assert_eq!(complete::<SetSelfTradeStrategy>(&args(&form)), Ok(()));
        assert_eq!(SetSelfTradeStrategy::parse(&args(&form)), Ok(SetSelfTradeStrategy { strategy }));
    }
    assert_eq!(complete::<SetSelfTradeStrategy>(&args("")), missing("strategy"));
    for (form, expected) in [
        ("", missing("strategy")),
        ("Strategy=REJECT_TAKER", missing("strategy")),
        ("strategy=", invalid("strategy")),
        ("strategy=reject_taker", invalid("strategy")),
        ("strategy=CANCEL_TAKER", invalid("strategy")),
        ("strategy=%ff", invalid("strategy")),
    ] {
        assert_eq!(SetSelfTradeStrategy::parse(&args(form)), expected, "{form}");
    }
}

#[test]
fn leverage_may_be_left_out_but_not_left_empty() {
    let set = |max_leverage| Ok(SetLeveragePreference { symbol: symbol("PF_XBTUSD"), max_leverage });
    for (form, expected) in [
        ("symbol=PF_XBTUSD&maxLeverage=5", set(Some(fits(5, 0)))),
        ("symbol=pf_xbtusd&maxLeverage=2.50", set(Some(fits(25, 1)))),
        ("maxLeverage=1e1&symbol=pf_xbtusd", set(Some(fits(10, 0)))),
        ("symbol=PF_XBTUSD&maxLeverage=-1", set(Some(fits(-1, 0)))),
        ("symbol=PF_XBTUSD&maxLeverage=1e400", set(Some(Number::TooLarge { negative: false }))),
        ("symbol=PF_XBTUSD", set(None)),
        ("", missing("symbol")),
        ("maxLeverage=x", missing("symbol")),
        ("symbol=", invalid("symbol")),
        ("symbol=a b", invalid("symbol")),
        ("symbol=PF_XBTUSD&maxLeverage=", invalid("maxLeverage")),
        ("symbol=PF_XBTUSD&maxLeverage=max", invalid("maxLeverage")),
        ("symbol=PF_XBTUSD&maxLeverage=NaN", invalid("maxLeverage")),
        ("symbol=PF_XBTUSD&maxLeverage=%ff", invalid("maxLeverage")),
    ] {
        assert_eq!(SetLeveragePreference::parse(&args(form)), expected, "{form}");
    }
    assert_eq!(complete::<SetLeveragePreference>(&args("maxLeverage=5")), missing("symbol"));
    assert_eq!(complete::<SetLeveragePreference>(&args("symbol=")), Ok(()));
}

#[test]
fn a_subaccount_may_trade_or_not() {
    for (form, expected) in [
        ("tradingEnabled=true", Ok(true)),
        ("tradingEnabled=True", Ok(true)),
        ("tradingEnabled=1", Ok(true)),
        ("tradingEnabled=false", Ok(false)),
        ("tradingEnabled=0", Ok(false)),
        ("", missing("tradingEnabled")),
        ("tradingenabled=true", missing("tradingEnabled")),
        ("tradingEnabled=", invalid("tradingEnabled")),
        ("tradingEnabled=yes", invalid("tradingEnabled")),
        ("tradingEnabled=2", invalid("tradingEnabled")),
        ("tradingEnabled=%ff", invalid("tradingEnabled")),
    ] {
        let expected = expected.map(|trading_enabled| SetTradingEnabled { trading_enabled });
        assert_eq!(SetTradingEnabled::parse(&args(form)), expected, "{form}");
    }
    assert_eq!(complete::<SetTradingEnabled>(&args("")), missing("tradingEnabled"));
    assert_eq!(complete::<SetTradingEnabled>(&args("tradingEnabled=")), Ok(()));
}

#[test]
fn leverage_is_read_of_one_market_or_of_all() {
    let of = |symbol| Ok(LeveragePreferences { symbol });
    for (form, expected) in
        [("", of(None)), ("symbol=pf_xbtusd", of(Some(symbol("PF_XBTUSD")))), ("symbol=", invalid("symbol"))]
    {
        assert_eq!(LeveragePreferences::parse(&args(form)), expected, "{form}");
    }
}
