//! The signatures here were computed with Python's hmac and hashlib, from the published rule.

use proptest::prelude::*;

use super::{BadSecret, Signature, SignedRequest, SigningKey, Tolerance, endpoint_path};

/// The bytes 0 to 63.
const SECRET: &str =
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==";

fn key() -> SigningKey {
    SigningKey::from_base64_secret(SECRET).expect("base64")
}

fn signature(text: &str) -> Signature {
    Signature::from_base64(text.as_bytes()).expect("64 bytes in base64")
}

fn request<'a>(query: &'a str, body: &'a str, nonce: &'a str, path: &'a str) -> SignedRequest<'a> {
    SignedRequest {
        query: query.as_bytes(),
        body: body.as_bytes(),
        nonce: nonce.as_bytes(),
        path,
        is_get: false,
    }
}

const PLAIN: &str =
    "QBye7cezp0pKjoos3UxEPd8Y4zfzoNG4k2coPuQvof0HlKBQn7RFH8fqt7jPNYVUD32XTYNtlcH/m28djrR8KA==";
const AS_SENT: &str =
    "cOJUlZjnG7O+M/TwwgoRf+mc8rYKwiPlw1GSJqZtKJxyBoFPxQU3DzkGYZASqdEcQFqDj2Q8JhNWFhOTA8wZrw==";
const DECODED: &str =
    "TimTEZuVKUj2zMcPkA/bGa7VPIDqbJdwsb14NFi8xpE1ie1aQ4Ick1Zu5Ri0F6YjWZAdr8ffIGd5wWitBILpgw==";
const QUERY_AND_BODY: &str =
    "H0j0T1yb0lsMBObYWr+sCHKQY8bsD0QAlOQ1yek6vrsL1YtiZiaJSNv5OGgtgyIlG8A9jW9IarYROU9xn0zbTA==";
const BODY_ALONE: &str =
    "YzuQywrGBY5HVHXE4r/w0Qwv1mpo3xBlUTE3YxRop7k0H+gVEpY+8YmeOcuJcOCFTVfcmwYF9dDgUi1biiu4fA==";
const PLUS_AS_SPACE: &str =
    "0O1ZUkGyuysWF/3d9Qhf+aodhFn0tTSHiJom1HL8dq7e6aHSrtVmrYDtx0ffDyLYt5LCuNEu/BaPp6ZchkhwOQ==";
const PLUS_AS_PLUS: &str =
    "kvq8iEXWvSXHF9N7JxKS+8FHTZdaejoHevrpjZ4TjOcOSzZZ+1ajbIeoE8pCOHgmkMfy2Fs1wPxTnE5xB1Pilw==";
const EMPTY: &str =
    "tYQ0LUYhPRbkEl226wzO7C9h9ZPExr9GAhJJTX13C95YTD7k+0Q1rO7RymoLXgAxV7n9/0FEccPPdUeYu3hr1g==";
const RAW_JSON: &str =
    "mhX0mOttdaLU589yCqAk58M2PloZLwoS1DTXKRXin/N0gOuSFXDZ3oLbYUVXcTTUH3jK3N7fFXBEakyG2IMbFA==";
const CHALLENGE: &str =
    "0SnA+g/aoaDD2Vg7Qw+/5QSdwgFWVJrrXXQs3F0ZGw2L3IcwZvla5ASlALapF3SriwxwR8OegeFhCwzwGyviQw==";

#[test]
fn requests_are_signed_by_the_published_rule() {
    assert_eq!(key().authent(b"", "", "/derivatives/api/v3/accounts"), PLAIN);
    let sent = key().authent(b"greeting=hello%20world", "1699473395441", "/derivatives/api/v3/sendorder");
    assert_eq!(sent, AS_SENT);
}

#[test]
fn each_client_is_understood_and_only_as_far_as_allowed() {
    const SEND: &str = "/derivatives/api/v3/sendorder";
    let strict = Tolerance::STRICT;
    let decoded = Tolerance { decoded: true, ..strict };
    let empty_on_get = Tolerance { empty_on_get: true, ..strict };
    let get = |query| SignedRequest { is_get: true, ..request(query, "", "7", "/derivatives/api/v3/fills") };
    let rows = [
        (PLAIN, request("", "", "", "/derivatives/api/v3/accounts"), strict),
        (AS_SENT, request("greeting=hello%20world", "", "1699473395441", SEND), strict),
        (AS_SENT, request("", "greeting=hello%20world", "1699473395441", SEND), strict),
        (DECODED, request("", "greeting=hello%20world", "1699473395441", SEND), decoded),
        (DECODED, request("greeting=hello+world", "", "1699473395441", SEND), decoded),
        (QUERY_AND_BODY, request("symbol=PF_XBTUSD", "side=buy", "", SEND), strict),
        (PLUS_AS_SPACE, request("", "a=1+2%2B3", "7", SEND), decoded),
        (PLUS_AS_PLUS, request("", "a=1+2%2B3", "7", SEND), decoded),
        (EMPTY, get("lastFillTime=2026-01-01T00:00:00Z"), empty_on_get),
        (RAW_JSON, request("", "json={\"batchOrder\":[]}", "7", "/derivatives/api/v3/batchorder"), strict),
        (
            RAW_JSON,
            request("", "json=%7B%22batchOrder%22%3A%5B%5D%7D", "7", "/derivatives/api/v3/batchorder"),
            decoded,
        ),
    ];
    for (row, (text, request, needed)) in rows.into_iter().enumerate() {
        let signature = signature(text);
        assert!(key().verify(&signature, &request, needed), "row {row}");
        assert!(key().verify(&signature, &request, Tolerance::ALL), "row {row}");
        if needed != strict {
            let others = Tolerance { decoded: !needed.decoded, empty_on_get: !needed.empty_on_get };
            assert!(!key().verify(&signature, &request, others), "row {row} needs its own tolerance");
        }
    }
}

#[test]
fn whatever_is_changed_after_signing_is_noticed() {
    const SEND: &str = "/derivatives/api/v3/sendorder";
    let signature = signature(QUERY_AND_BODY);
    let good = request("symbol=PF_XBTUSD", "side=buy", "", SEND);
    let changed = [
        request("symbol=PF_XBTUSE", "side=buy", "", SEND),
        request("symbol=PF_XBTUSD", "side=sell", "", SEND),
        request("symbol=PF_XBTUSD", "", "", SEND),
        request("symbol=PF_XBTUSD", "side=buy", "1", SEND),
        request("symbol=PF_XBTUSD", "side=buy", "", "/derivatives/api/v3/cancelorder"),
    ];
    assert!(key().verify(&signature, &good, Tolerance::ALL));
    for request in changed {
        assert!(!key().verify(&signature, &request, Tolerance::ALL), "{request:?}");
    }
    let other = SigningKey::from_base64_secret("AAAA").expect("base64");
    assert!(!other.verify(&signature, &good, Tolerance::ALL));
}

#[test]
fn a_body_signed_alone_vouches_for_no_query_beside_it() {
    const SEND: &str = "/derivatives/api/v3/sendorder";
    let beside = request("symbol=PF_XBTUSD", "side=buy", "", SEND);
    for (is_get, tolerance) in [(false, Tolerance::ALL), (true, Tolerance::ALL), (false, Tolerance::STRICT)] {
        let beside = SignedRequest { is_get, ..beside };
        assert!(!key().verify(&signature(BODY_ALONE), &beside, tolerance), "{is_get} {tolerance:?}");
    }
    assert!(key().verify(&signature(BODY_ALONE), &request("", "side=buy", "", SEND), Tolerance::STRICT));
}

#[test]
fn an_empty_signature_covers_no_post() {
    let post = request("lastFillTime=2026-01-01T00:00:00Z", "", "7", "/derivatives/api/v3/fills");
    assert!(!key().verify(&signature(EMPTY), &post, Tolerance::ALL));
}

#[test]
fn a_challenge_is_signed_and_checked() {
    let challenge = "c094497e-9b5f-40da-a122-3751c39b107f";
    assert_eq!(key().sign_challenge(challenge).to_base64(), CHALLENGE);
    assert!(key().verify_challenge(&signature(CHALLENGE), challenge));
    assert!(!key().verify_challenge(&signature(CHALLENGE), "c094497e-9b5f-40da-a122-3751c39b107e"));
}

#[test]
fn only_the_derivatives_prefix_is_dropped() {
    for (path, expected) in [
        ("/derivatives/api/v3/orderbook", "/api/v3/orderbook"),
        ("/derivatives/api/v4/historicalfundingrates", "/api/v4/historicalfundingrates"),
        ("/api/history/v3/executions", "/api/history/v3/executions"),
        ("/derivativesx/api", "/derivativesx/api"),
        ("/derivatives", "/derivatives"),
    ] {
        assert_eq!(endpoint_path(path), expected);
    }
}

#[test]
fn what_is_no_signature_or_secret_is_told_apart() {
    for text in ["", "AAAA", &PLAIN[1..], &PLAIN.replace('=', "A"), &PLAIN.replace('Q', "*"), &"A".repeat(88)]
    {
        assert!(Signature::from_base64(text.as_bytes()).is_none(), "{text:?}");
    }
    assert_eq!(SigningKey::from_base64_secret("not base64!").err(), Some(BadSecret));
}

#[test]
fn secrets_and_signatures_stay_out_of_logs() {
    assert_eq!(format!("{:?} {:?}", key(), signature(PLAIN)), "SigningKey(..) Signature(..)");
}

proptest! {
    #[test]
    fn any_request_is_answered(
        query in "[a-c%+=&]{0,16}",
        body in proptest::collection::vec(any::<u8>(), 0..16),
        authent in proptest::collection::vec(any::<u8>(), 80..96),
        is_get in any::<bool>(),
    ) {
        let _ = Signature::from_base64(&authent);
        let request = SignedRequest { query: query.as_bytes(), body: &body, nonce: b"", path: "/", is_get };
        prop_assert!(!key().verify(&signature(PLAIN), &request, Tolerance::ALL));
    }

    #[test]
    fn what_we_sign_we_accept(post_data in "[a-c%+=&]{0,16}", nonce in "[0-9]{0,19}") {
        let authent = key().authent(post_data.as_bytes(), &nonce, "/derivatives/api/v3/x");
        let request = request("", &post_data, &nonce, "/derivatives/api/v3/x");
        prop_assert!(key().verify(&signature(&authent), &request, Tolerance::STRICT));
    }
}

#[test]
fn the_challenges_of_the_contract_are_signed_as_it_says() {
    for (challenge, secret, signed) in [
        (
            "c100b894-1729-464d-ace1-52dbce11db42",
            "7zxMEF5p/Z8l2p2U7Ghv6x14Af+Fx+92tPgUdVQ748FOIrEoT9bgT+bTRfXc5pz8na+hL/QdrCVG7bh9KpT0eMTm",
            "4JEpF3ix66GA2B+ooK128Ift4XQVtc137N9yeg4Kqsn9PI0Kpzbysl9M1IeCEdjg0zl00wkVqcsnG4bmnlMb3A==",
        ),
        (
            "7d0e4c12-55f3-4a9b-8a61-0c9e2f7b1d34",
            "PzFhePb+1rmFB73qDd91OUsHlZeGakpb8qNtaj311mWos7iUBB+LioMNacAMwo/zQnQw+P4PXVBzesX8g3wVUg==",
            "gmFepyUuvpB4tki6TI7aqm2u6oYOm/Db+hFZKdb9M0hdRi6K1eE90B0lYp2I5vRUtUfD6ns9XrH6Pv8ahEEYmQ==",
        ),
    ] {
        let key = SigningKey::from_base64_secret(secret).expect("base64");
        assert_eq!(key.sign_challenge(challenge).to_base64(), signed);
        let signature = Signature::from_base64(signed.as_bytes()).expect("64 bytes");
        assert!(key.verify_challenge(&signature, challenge));
        for other in ["", "c100b894-1729-464d-ace1-52dbce11db43", "7D0E4C12-55f3-4a9b-8a61-0c9e2f7b1d34"] {
            assert!(!key.verify_challenge(&signature, other), "{other}");
        }
        let mut bent = signed.to_owned().into_bytes();
        bent[0] = if bent[0] == b'4' { b'5' } else { b'4' };
        let bent = Signature::from_base64(&bent).expect("64 bytes");
        assert!(!key.verify_challenge(&bent, challenge));
    }
}
