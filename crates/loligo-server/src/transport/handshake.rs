//! The HTTP side of a WebSocket's beginning (RFC 6455, section 4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What became of a handshake.
pub(crate) enum Handshake {
    /// The connection goes on as a WebSocket once this is sent.
    Accepted(Response<Full<Bytes>>),
    /// It was none.
    Refused(Response<Full<Bytes>>),
    /// Its address has as many connections as it may.
    TooMany,
}

/// Checks a handshake: the answer that accepts it, or the one that says what is wrong.
///
/// Subprotocols and extensions that are offered are declined by not naming any. The headers are looked at here, not by the
/// library: it takes the first of several `Connection` lines alone, and proxies send several.
pub(super) fn check(headers: &HeaderMap) -> Handshake {
    if !lists(headers, &UPGRADE, "websocket") || !lists(headers, &CONNECTION, "upgrade") {
        let mut refused =
            refusal(StatusCode::UPGRADE_REQUIRED, "this path speaks WebSocket and nothing else");
        refused.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
        return Handshake::Refused(refused);
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version.as_bytes() != b"13") {
        let mut refused = refusal(StatusCode::UPGRADE_REQUIRED, "the protocol's version must be 13");
        refused.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        return Handshake::Refused(refused);
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    let Some(key) = key.filter(|key| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)) else {
        return Handshake::Refused(refusal(
            StatusCode::BAD_REQUEST,
            "Sec-WebSocket-Key must be 16 bytes in base64",
        ));
    };
    let accept = HeaderValue::from_str(&derive_accept_key(key)).expect("base64 is visible ASCII");
    let mut answer = Response::new(Full::new(Bytes::new()));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let told = answer.headers_mut();
    told.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    told.insert(UPGRADE, HeaderValue::from_static("websocket"));
    told.insert(SEC_WEBSOCKET_ACCEPT, accept);
    Handshake::Accepted(answer)
}

/// Whether a header lists a token, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(token))
}

pub(super) fn refusal(status: StatusCode, sentence: &'static str) -> Response<Full<Bytes>> {
    let mut refused = Response::new(Full::new(Bytes::from_static(sentence.as_bytes())));
    *refused.status_mut() = status;
    refused.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    refused.extensions_mut().insert(Sentence(sentence));
    refused
}

/// What the body of a refusal says, for the log.
#[derive(Clone, Copy)]
pub(crate) struct Sentence(pub(crate) &'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_standard_is_answered_as_it_says() {
        assert_eq!(derive_accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn only_a_whole_handshake_is_one() {
        let good = [
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        let status = |name: &str, value: Option<&str>| {
            let mut request = http::Request::builder().uri("/ws/v1");
            for (header, usual) in good {
                let shown = if header == name { value } else { Some(usual) };
                if let Some(shown) = shown {
                    request = request.header(header, shown);
                }
            }
            let (head, ()) = request.body(()).expect("a request").into_parts();
            match check(&head.headers) {
                Handshake::Accepted(answer) | Handshake::Refused(answer) => answer.status().as_u16(),
                Handshake::TooMany => unreachable!("nobody is counted here"),
            }
        };
        for (name, value, wanted) in [
            ("upgrade", None, 426),
            ("upgrade", Some("h2c"), 426),
            ("connection", None, 426),
            ("connection", Some("close"), 426),
            ("sec-websocket-version", None, 426),
            ("sec-websocket-version", Some("8"), 426),
            ("sec-websocket-key", None, 400),
            ("sec-websocket-key", Some("dGhlIHNhbXBsZQ=="), 400),
            ("sec-websocket-key", Some("~"), 400),
            ("", None, 101),
        ] {
            assert_eq!(status(name, value), wanted, "{name}: {value:?}");
        }
    }
}
