use proptest::prelude::*;

use super::{Decimal, MAX_DIGITS, NotANumber, Number, ScaleError, write_padded};

fn fits(mantissa: i128, scale: u32) -> Result<Number, NotANumber> {
    Ok(Number::Fits(Decimal::new(mantissa, scale)))
}

#[test]
fn text_is_read_as_written() {
    let large = Ok(Number::TooLarge { negative: false });
    let precise = Ok(Number::TooPrecise { negative: false });
    let forty_digits = "1234567890123456789012345678901234567890";
    let one_and_38_zeros = format!("1{}", "0".repeat(38));
    let one_and_37_zeros = format!("1{}", "0".repeat(37));
    let padded_one = format!("{}1.{}", "0".repeat(100), "0".repeat(100));
    let tiny = format!("0.{}1", "0".repeat(38));
    let long_fraction = format!("1.{}1", "0".repeat(40));
    let rows: &[(&str, Result<Number, NotANumber>)] = &[
        ("1", fits(1, 0)),
        ("1.0", fits(1, 0)),
        ("+1", fits(1, 0)),
        ("-1", fits(-1, 0)),
        ("-0", fits(0, 0)),
        ("0.10", fits(1, 1)),
        (".5", fits(5, 1)),
        ("5.", fits(5, 0)),
        ("00012.340", fits(1234, 2)),
        ("1e-05", fits(1, 5)),
        ("1E+2", fits(100, 0)),
        ("12.5e1", fits(125, 0)),
        ("0e999999999999999999999999", fits(0, 0)),
        ("1e-38", fits(1, 38)),
        (&padded_one, fits(1, 0)),
        (&one_and_37_zeros, fits(10_i128.pow(37), 0)),
        (&one_and_38_zeros, large),
        (forty_digits, large),
        ("1e400", large),
        ("1e99999999999999999999999999", large),
        ("-1e400", Ok(Number::TooLarge { negative: true })),
        ("1e-39", precise),
        ("1e-99999999999999999999999999", precise),
        (&tiny, precise),
        (&long_fraction, precise),
        ("-1e-400", Ok(Number::TooPrecise { negative: true })),
        ("", Err(NotANumber)),
        ("+", Err(NotANumber)),
        ("-", Err(NotANumber)),
        (".", Err(NotANumber)),
        ("e5", Err(NotANumber)),
        ("1e", Err(NotANumber)),
        ("1e+", Err(NotANumber)),
        ("1e1.5", Err(NotANumber)),
        ("1.2.3", Err(NotANumber)),
        ("--1", Err(NotANumber)),
        ("+-1", Err(NotANumber)),
        ("NaN", Err(NotANumber)),
        ("inf", Err(NotANumber)),
        ("-Infinity", Err(NotANumber)),
        ("0x10", Err(NotANumber)),
        ("1_000", Err(NotANumber)),
        ("1,5", Err(NotANumber)),
        (" 1", Err(NotANumber)),
        ("1 ", Err(NotANumber)),
        ("abc", Err(NotANumber)),
        ("\u{0661}", Err(NotANumber)),
    ];
    for (text, expected) in rows {
        assert_eq!(Number::parse(text.as_bytes()), *expected, "{text:?}");
    }
}

#[test]
fn numbers_are_written_short_and_without_exponent() {
    let rows = [
        (0, 0, "0"),
        (0, 8, "0"),
        (1, 0, "1"),
        (-1, 0, "-1"),
        (100, 0, "100"),
        (100, 2, "1"),
        (1250, 2, "12.5"),
        (-1250, 2, "-12.5"),
        (1, 10, "0.0000000001"),
        (10, 1, "1"),
        (5, 1, "0.5"),
        (-5, 1, "-0.5"),
        (1_000_000, 3, "1000"),
        (i128::MAX, 0, "170141183460469231731687303715884105727"),
        (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
    ];
    for (mantissa, scale, expected) in rows {
        assert_eq!(Decimal::new(mantissa, scale).to_string(), expected);
    }
}

#[test]
fn a_scale_must_hold_the_value_exactly() {
    let price = Decimal::new(490_005, 1);
    assert_eq!(price.at_scale(1), Ok(490_005));
    assert_eq!(price.at_scale(3), Ok(49_000_500));
    assert_eq!(price.at_scale(0), Err(ScaleError::TooPrecise));
    assert_eq!(Decimal::new(490_000, 1).at_scale(0), Ok(49_000));
    assert_eq!(Decimal::new(10_i128.pow(37), 0).at_scale(2), Err(ScaleError::TooLarge));
    assert_eq!(Decimal::ZERO.at_scale(u32::MAX), Ok(0));
    assert_eq!(Decimal::from_int(1).at_scale(u32::MAX), Err(ScaleError::TooLarge));
}

#[test]
fn order_is_by_value() {
    let ascending = [
        Decimal::new(-(10_i128.pow(37)), 0),
        Decimal::new(-1, 0),
        Decimal::new(-1, 38),
        Decimal::ZERO,
        Decimal::new(1, 38),
        Decimal::new(1, 1),
        Decimal::new(10, 0),
        Decimal::new(10_i128.pow(37), 0),
    ];
    for (i, left) in ascending.iter().enumerate() {
        for (j, right) in ascending.iter().enumerate() {
            assert_eq!(left.cmp(right), i.cmp(&j), "{left} against {right}");
        }
    }
    assert_eq!(Decimal::new(10, 1), Decimal::new(1, 0));
}

#[test]
fn places_are_padded_and_never_rounded() {
    for (value, places, expected) in [
        (Decimal::from_int(5), 2, "5.00"),
        (Decimal::new(25, 1), 2, "2.50"),
        (Decimal::new(500, 2), 2, "5.00"),
        (Decimal::new(-125, 2), 2, "-1.25"),
        (Decimal::new(3_333, 3), 2, "3.333"),
        (Decimal::ZERO, 2, "0.00"),
        (Decimal::from_int(5), 0, "5"),
    ] {
        let mut out = b"1.5,".to_vec();
        write_padded(&mut out, value, places);
        assert_eq!(String::from_utf8_lossy(&out), format!("1.5,{expected}"));
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(mantissa in any::<i128>(), scale in 0..=MAX_DIGITS) {
        // At most 38 digits, which is what reading guarantees.
        let value = Decimal::new(mantissa / 10, scale);
        prop_assert_eq!(Number::parse(value.to_string().as_bytes()), Ok(Number::Fits(value)));
    }

    #[test]
    fn an_exponent_only_moves_the_point(mantissa in any::<i64>(), scale in 0..=18_u32, shift in -10..=10_i32) {
        let value = Decimal::new(mantissa.into(), scale);
        let text = format!("{value}e{shift}");
        let expected = if shift < 0 {
            Decimal::new(mantissa.into(), scale + shift.unsigned_abs())
        } else {
            Decimal::new(i128::from(mantissa) * 10_i128.pow(shift.unsigned_abs()), scale)
        };
        prop_assert_eq!(Number::parse(text.as_bytes()), Ok(Number::Fits(expected)));
    }

    /// The standard library's reader decides what is a number; ours must agree, its words for no number aside.
    #[test]
    fn the_grammar_is_that_of_the_standard_library(text in "[-+]?[0-9.]{0,4}([eE][-+]?[0-9]{0,3})?|[-+0-9.eEx _]{0,8}") {
        prop_assert_eq!(Number::parse(text.as_bytes()).is_ok(), text.parse::<f64>().is_ok(), "{}", text);
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = Number::parse(&bytes);
    }

    #[test]
    fn digits_of_any_length_are_answered(text in "-?[0-9]{0,90}\\.?[0-9]{0,90}e-?[0-9]{1,25}") {
        if let Ok(Number::Fits(value)) = Number::parse(text.as_bytes()) {
            prop_assert_eq!(Number::parse(value.to_string().as_bytes()), Ok(Number::Fits(value)));
        }
    }
}
