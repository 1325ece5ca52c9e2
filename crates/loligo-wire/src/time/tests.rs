use proptest::prelude::*;

use super::{NotATime, Timestamp};

fn written(write: fn(Timestamp, &mut Vec<u8>), at: Timestamp) -> String {
    let mut out = Vec::new();
    write(at, &mut out);
    String::from_utf8(out).expect("instants are written in ASCII")
}

#[test]
fn instants_are_read() {
    const SECOND: i64 = 1_000_000;
    let base = 1_699_473_395 * SECOND;
    let rows: &[(&str, Result<i64, NotATime>)] = &[
        ("1970-01-01T00:00:00Z", Ok(0)),
        ("2023-11-08T19:56:35Z", Ok(base)),
        ("2023-11-08T19:56:35.441899Z", Ok(base + 441_899)),
        ("2023-11-08T19:56:35.4Z", Ok(base + 400_000)),
        ("2023-11-08T19:56:35.441899999Z", Ok(base + 441_899)),
        ("2023-11-08t19:56:35z", Ok(base)),
        ("2023-11-08 19:56:35Z", Ok(base)),
        ("2023-11-08T20:56:35+01:00", Ok(base)),
        ("2023-11-08T20:56:35 01:00", Ok(base)),
        ("2023-11-08T14:26:35-05:30", Ok(base)),
        ("1969-12-31T23:59:59.999999Z", Ok(-1)),
        ("2024-02-29T00:00:00Z", Ok(1_709_164_800 * SECOND)),
        ("0000-01-01T00:00:00Z", Ok(Timestamp::MIN.micros())),
        ("9999-12-31T23:59:59.999999Z", Ok(Timestamp::MAX.micros())),
        ("", Err(NotATime)),
        ("2023-11-08", Err(NotATime)),
        ("2023-11-08T19:56:35", Err(NotATime)),
        ("2023-11-08T19:56Z", Err(NotATime)),
        ("2023-11-08T19:56:35.Z", Err(NotATime)),
        ("2023-11-08T19:56:35.1234567890Z", Err(NotATime)),
        ("2023-02-29T00:00:00Z", Err(NotATime)),
        ("2100-02-29T00:00:00Z", Err(NotATime)),
        ("2023-13-01T00:00:00Z", Err(NotATime)),
        ("2023-00-01T00:00:00Z", Err(NotATime)),
        ("2023-01-00T00:00:00Z", Err(NotATime)),
        ("2023-04-31T00:00:00Z", Err(NotATime)),
        ("2023-01-01T24:00:00Z", Err(NotATime)),
        ("2023-01-01T00:60:00Z", Err(NotATime)),
        ("2016-12-31T23:59:60Z", Err(NotATime)),
        ("2023-01-01T00:00:00+24:00", Err(NotATime)),
        ("2023-01-01T00:00:00+0100", Err(NotATime)),
        ("2023-01-01T00:00:00ZZ", Err(NotATime)),
        ("+023-01-01T00:00:00Z", Err(NotATime)),
        ("1699473395000", Err(NotATime)),
        ("yesterday, at about seven o'clock", Err(NotATime)),
        ("\u{0662}\u{0660}\u{0662}\u{0663}-11-08T19:56:35Z", Err(NotATime)),
    ];
    for (text, expected) in rows {
        assert_eq!(Timestamp::parse(text.as_bytes()).map(Timestamp::micros), *expected, "{text:?}");
    }
}

#[test]
fn instants_are_written_in_three_precisions() {
    let at = Timestamp::from_micros(1_767_225_600_012_345);
    assert_eq!(written(Timestamp::write_seconds, at), "2026-01-01T00:00:00Z");
    assert_eq!(written(Timestamp::write_millis, at), "2026-01-01T00:00:00.012Z");
    assert_eq!(written(Timestamp::write_micros, at), "2026-01-01T00:00:00.012345Z");
}

#[test]
fn instants_beyond_four_digit_years_show_as_the_last_one() {
    let far = Timestamp::from_micros(i64::MAX);
    assert_eq!(written(Timestamp::write_millis, far), "9999-12-31T23:59:59.999Z");
    let early = Timestamp::from_micros(i64::MIN);
    assert_eq!(written(Timestamp::write_millis, early), "0000-01-01T00:00:00.000Z");
}

proptest! {
    #[test]
    fn civil_time_agrees_with_jiff(micros in Timestamp::MIN.0..=253_402_207_199_999_999) {
        let at = Timestamp::from_micros(micros);
        let jiff = jiff::Timestamp::from_microsecond(micros).expect("in jiff's range");
        let expected = jiff.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
        prop_assert_eq!(written(Timestamp::write_micros, at), expected);
    }

    #[test]
    fn what_is_written_is_read_back(micros in Timestamp::MIN.0..=Timestamp::MAX.0) {
        let at = Timestamp::from_micros(micros);
        let cut = |unit: i64| Ok(Timestamp::from_micros(micros.div_euclid(unit) * unit));
        prop_assert_eq!(Timestamp::parse(written(Timestamp::write_micros, at).as_bytes()), Ok(at));
        prop_assert_eq!(Timestamp::parse(written(Timestamp::write_millis, at).as_bytes()), cut(1_000));
        prop_assert_eq!(Timestamp::parse(written(Timestamp::write_seconds, at).as_bytes()), cut(1_000_000));
    }

    #[test]
    fn offsets_agree_with_jiff(micros in 0_i64..253_402_000_000_000_000, hours in 0..=23_i64, minutes in 0..=59_i64) {
        let local = written(Timestamp::write_micros, Timestamp::from_micros(micros));
        let text = format!("{}+{hours:02}:{minutes:02}", local.trim_end_matches('Z'));
        let expected: jiff::Timestamp = text.parse().expect("jiff reads RFC 3339");
        prop_assert_eq!(Timestamp::parse(text.as_bytes()).map(Timestamp::micros), Ok(expected.as_microsecond()));
    }

    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let _ = Timestamp::parse(&bytes);
    }
}
