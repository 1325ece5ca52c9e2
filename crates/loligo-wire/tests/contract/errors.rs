//! The answers to requests that were not carried out.

use loligo_wire::v3::errors::{ErrorAnswer, NumberedError};
use loligo_wire::v3::requests::RequestError;
use loligo_wire::v3::words::Error;

use crate::contract::{answer_pointer, assert_valid, rest, seed, validator};
use crate::sample::{NOW, text, written};

#[test]
fn every_word_is_an_answer() {
    let rest = rest();
    let judges = [
        validator(&rest, "/components/schemas/ErrorResponse"),
        validator(&rest, &answer_pointer("post", "/sendorder")),
        validator(&seed(), &answer_pointer("post", "/orders/status")),
    ];
    for &error in Error::ALL {
        let answer = written(|out| ErrorAnswer::from(error).write(out, NOW));
        for judge in &judges {
            assert_valid(judge, &answer);
        }
    }
    assert_eq!(
        text(|out| ErrorAnswer::from(Error::JsonParseError).write(out, NOW)),
        r#"{"result":"error","error":"Json Parse Error","serverTime":"2026-01-01T00:00:00.123Z"}"#
    );
}

#[test]
fn an_argument_is_named_except_where_the_list_is_closed() {
    let answer = ErrorAnswer::invalid_argument("symbol");
    let named = written(|out| answer.write(out, NOW));
    let named = assert_valid(&validator(&rest(), "/components/schemas/ErrorResponseDetailed"), &named);
    assert_eq!(named["error"], "invalidArgument: symbol");
    assert_eq!(answer.to_string(), "invalidArgument: symbol");
    let bare = written(|out| answer.bare().write(out, NOW));
    let bare = assert_valid(&validator(&seed(), &answer_pointer("post", "/orders/status")), &bare);
    assert_eq!(bare["error"], "invalidArgument");
}

#[test]
fn requests_that_cannot_be_read_have_their_words() {
    for (error, word) in [
        (RequestError::RequiredArgumentMissing("size"), "requiredArgumentMissing"),
        (RequestError::InvalidArgument("size"), "invalidArgument: size"),
        (RequestError::JsonParseError, "Json Parse Error"),
    ] {
        assert_eq!(ErrorAnswer::from(error).to_string(), word);
    }
}

#[test]
fn numbered_errors_have_their_own_shape() {
    let judge = validator(&rest(), "/components/schemas/ErrorResponseCodes");
    assert_valid(&judge, &written(|out| NumberedError::PATH_NOT_FOUND.write(out, NOW)));
    assert_eq!(
        text(|out| NumberedError::PATH_NOT_FOUND.write(out, NOW)),
        concat!(
            r#"{"status":"NOT_FOUND","result":"error","errors":[{"code":0,"message":"404 NOT_FOUND"}],"#,
            r#""serverTime":"2026-01-01T00:00:00.123Z"}"#,
        )
    );
}

#[test]
fn refused_preferences_have_a_number_and_a_name() {
    let judge = validator(&rest(), "/components/responses/E500/content/application~1json/schema");
    for (error, expected) in [
        (NumberedError::WOULD_CAUSE_LIQUIDATION, r#"{"code":41,"message":"WOULD_CAUSE_LIQUIDATION"}"#),
        (NumberedError::CONTRACT_DOES_NOT_EXIST, r#"{"code":87,"message":"CONTRACT_DOES_NOT_EXIST"}"#),
        (
            NumberedError::CONTRACT_NOT_MULTI_COLLATERAL,
            r#"{"code":88,"message":"CONTRACT_NOT_MULTI_COLLATERAL"}"#,
        ),
        (NumberedError::INSUFFICIENT_MARGIN, r#"{"code":92,"message":"INSUFFICIENT_MARGIN"}"#),
        (NumberedError::MAX_LEVERAGE_OUT_OF_BOUNDS, r#"{"code":98,"message":"MAX_LEVERAGE_OUT_OF_BOUNDS"}"#),
    ] {
        assert_valid(&judge, &written(|out| error.write(out, NOW)));
        let expected = format!(
            r#"{{"status":"INTERNAL_SERVER_ERROR","result":"error","errors":[{expected}],"serverTime":"2026-01-01T00:00:00.123Z"}}"#
        );
        assert_eq!(text(|out| error.write(out, NOW)), expected);
    }
}
