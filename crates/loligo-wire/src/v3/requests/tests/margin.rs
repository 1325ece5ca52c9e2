use super::super::{InitialMargin, MaxOrderSize, Request, RequestError, Symbol};
use super::{args, complete, invalid, missing};
use crate::decimal::{Decimal, Number};
use crate::v3::words::{OrderType, Side};

fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).expect("a symbol")
}

fn fits(mantissa: i128, scale: u32) -> Number {
    Number::Fits(Decimal::new(mantissa, scale))
}

#[test]
fn margin_is_asked_for_limit_and_market_orders() {
    let asked = |limit_price| {
        Ok(InitialMargin { symbol: symbol("PF_XBTUSD"), side: Side::Sell, size: fits(15, 1), limit_price })
    };
    for (form, expected) in [
        ("orderType=lmt&symbol=pf_xbtusd&side=sell&size=1.5&limitPrice=49000", asked(Some(fits(49_000, 0)))),
        ("orderType=mkt&symbol=pf_xbtusd&side=sell&size=1.5", asked(None)),
        ("orderType=mkt&symbol=pf_xbtusd&side=sell&size=1.5&limitPrice=49000", asked(None)),
        ("orderType=mkt&symbol=a&side=sell&size=1&limitPrice=x", invalid("limitPrice")),
        ("orderType=lmt&symbol=a&side=sell&size=1&limitPrice=", invalid("limitPrice")),
        ("orderType=post&symbol=a&side=buy&size=1&limitPrice=1", invalid("orderType")),
        ("orderType=LMT&symbol=a&side=buy&size=1&limitPrice=1", invalid("orderType")),
        ("orderType=&symbol=a&side=buy&size=1", invalid("orderType")),
        ("orderType=mkt&symbol=&side=buy&size=1", invalid("symbol")),
        ("orderType=mkt&symbol=a&side=hold&size=1", invalid("side")),
        ("orderType=mkt&symbol=a&side=buy&size=abc", invalid("size")),
        ("orderType=mkt&symbol=a&side=buy&size=", invalid("size")),
        ("symbol=a&side=buy&size=1", missing("orderType")),
        ("orderType=x&side=hold&size=x", missing("symbol")),
        ("orderType=x&symbol=a&size=x", missing("side")),
        ("orderType=x&symbol=a&side=hold", missing("size")),
        ("orderType=lmt&symbol=&side=hold&size=x", missing("limitPrice")),
    ] {
        let args = args(form);
        let required = match expected {
            Err(error @ RequestError::RequiredArgumentMissing(_)) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        };
        assert_eq!(complete::<InitialMargin>(&args), required, "{form}");
        assert_eq!(InitialMargin::parse(&args), expected, "{form}");
    }
}

#[test]
fn the_largest_order_has_no_side_and_no_size() {
    let asked = |limit_price| Ok(MaxOrderSize { symbol: symbol("PF_XBTUSD"), limit_price });
    for (form, expected) in [
        ("orderType=lmt&symbol=pf_xbtusd&limitPrice=49000", asked(Some(fits(49_000, 0)))),
        ("orderType=mkt&symbol=pf_xbtusd&size=x", asked(None)),
        ("orderType=mkt&symbol=pf_xbtusd&limitPrice=1", asked(None)),
        ("orderType=mkt&symbol=pf_xbtusd&limitPrice=x", invalid("limitPrice")),
        ("orderType=stp&symbol=pf_xbtusd", invalid("orderType")),
        ("orderType=mkt&symbol=%ff", invalid("symbol")),
        ("symbol=a", missing("orderType")),
        ("orderType=x", missing("symbol")),
        ("orderType=lmt&symbol=", missing("limitPrice")),
    ] {
        let args = args(form);
        let required = match expected {
            Err(error @ RequestError::RequiredArgumentMissing(_)) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        };
        assert_eq!(complete::<MaxOrderSize>(&args), required, "{form}");
        assert_eq!(MaxOrderSize::parse(&args), expected, "{form}");
    }
}

#[test]
fn margin_of_other_types_cannot_be_asked() {
    for order_type in OrderType::ALL {
        let form = format!("orderType={order_type}&symbol=a&limitPrice=1");
        let expected = match order_type {
            OrderType::Limit => Ok(Some(fits(1, 0))),
            OrderType::Market => Ok(None),
            _ => invalid("orderType"),
        };
        let read = MaxOrderSize::parse(&args(&form)).map(|request| request.limit_price);
        assert_eq!(read, expected, "{order_type}");
    }
}
