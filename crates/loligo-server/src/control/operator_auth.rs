//! Who may give orders to the exchange itself: the holder of the token, and no web page on the operator's behalf.

use super::Refused;
use crate::transport::origin::Origins;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderMap, StatusCode};
use std::net::IpAddr;
use std::sync::Arc;

pub(crate) struct OperatorAuth {
    /// Hashed, so that comparing takes the same time for a token of any length.
    token: blake3::Hash,
    /// The exchange listens on other addresses than loopback, so it may be called by any name.
    beyond_loopback: bool,
    origins: Arc<Origins>,
}

impl OperatorAuth {
    pub(crate) fn new(token: &str, beyond_loopback: bool, origins: Arc<Origins>) -> Self {
        Self { token: blake3::hash(token.as_bytes()), beyond_loopback, origins }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// 403 for a `Host` that another site's name server could have pointed here, and for an `Origin` that is not
    /// admitted; 401 without the token.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let text = |name| headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let host = text(HOST).unwrap_or_default();
        let name = name_of(host);
        let ours = name.parse::<IpAddr>().is_ok() || name.eq_ignore_ascii_case("localhost");
        if name.is_empty() || !(ours || self.beyond_loopback) {
            return Err(Refused::new(
                StatusCode::FORBIDDEN,
                "call the control surface by address or as localhost",
            ));
        }
        if !self.origins.admit(headers) {
            return Err(Refused::new(StatusCode::FORBIDDEN, "a page of another origin may not ask this"));
        }
        let given = text(AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let given = blake3::hash(given.unwrap_or_default().as_bytes());
        verify_slices_are_equal(given.as_bytes(), self.token.as_bytes()).map_err(|_| {
            Refused::new(
                StatusCode::UNAUTHORIZED,
                "the control surface wants the header `Authorization: Bearer TOKEN` with the token shown at start",
            )
        })
    }
}

/// The host of a `Host` header, without its port.
fn name_of(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(auth: &OperatorAuth, headers: &[(&'static str, &str)]) -> Option<u16> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header value"));
        }
        auth.check(&map).err().map(|refused| refused.status.as_u16())
    }

    #[test]
    fn only_the_operator_gets_in() {
        let listening = [std::net::SocketAddr::from(([127, 0, 0, 1], 8080))];
        let origins =
            Arc::new(Origins::new(vec!["https://desk.example".parse().expect("an origin")], listening));
        let auth = OperatorAuth::new("secret", false, Arc::clone(&origins));
        let good = ("authorization", "Bearer secret");
        for (headers, want) in [
            (&[("host", "127.0.0.1:8080"), good][..], None),
            (&[("host", "localhost:8080"), good], None),
            (&[("host", "LOCALHOST"), ("authorization", "bearer secret")], None),
            (&[("host", "[::1]:8080"), good], None),
            (&[("host", "127.0.0.1:8080"), good, ("origin", "http://127.0.0.1:8080")], None),
            (&[("host", "127.0.0.1:8080"), good, ("origin", "https://127.0.0.1:8080")], None),
            (&[("host", "127.0.0.1:8080"), good, ("origin", "http://localhost:8080")], None),
            (&[("host", "127.0.0.1:8080"), good, ("origin", "https://desk.example")], None),
            (&[("host", "127.0.0.1:8080"), ("origin", "https://desk.example")], Some(401)),
            (&[("host", "127.0.0.1:8080"), good, ("origin", "http://evil.example")], Some(403)),
            (&[("host", "127.0.0.1:8080"), good, ("origin", "null")], Some(403)),
            (&[("host", "127.0.0.1:8080"), good, ("origin", "http://127.0.0.1:8081")], Some(403)),
            (&[("host", "evil.example"), good], Some(403)),
            (&[good], Some(403)),
            (&[("host", "localhost")], Some(401)),
            (&[("host", "localhost"), ("authorization", "Bearer secre")], Some(401)),
            (&[("host", "localhost"), ("authorization", "Basic secret")], Some(401)),
            (&[("host", "localhost"), ("authorization", "secret")], Some(401)),
        ] {
            assert_eq!(status(&auth, headers), want, "{headers:?}");
        }
        let open = OperatorAuth::new("secret", true, origins);
        assert_eq!(status(&open, &[("host", "loligo.lan:8080"), good]), None);
        assert_eq!(status(&open, &[("host", "loligo.lan:8080")]), Some(401));
    }
}
