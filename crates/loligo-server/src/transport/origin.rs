//! The one rule for web pages. A browser names the origin of the page that asks; other clients name none, or their own.
//!
//! Without it any page that is open somewhere could speak to an exchange on its reader's machine.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderValue};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// Where a web page comes from: `scheme://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    scheme: String,
    /// In lower case; an IPv6 address without its brackets.
    host: String,
    port: Option<u16>,
}

/// The text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is a scheme, a host and maybe a port, such as http://localhost:3000 or https://desk.example"
)]
pub struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(NotAnOrigin)?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(fits) {
            return Err(NotAnOrigin);
        }
        let scheme = scheme.to_ascii_lowercase();
        let (host, port) = Self::authority(authority).ok_or(NotAnOrigin)?;
        let usual = match &*scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        Ok(Self { scheme, host, port: port.or(usual) })
    }
}

impl Origin {
    /// Host and port.
    fn authority(text: &str) -> Option<(String, Option<u16>)> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']')?;
                host.parse::<std::net::Ipv6Addr>().ok()?;
                (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        let port = match port {
            Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            Some(_) => return None,
            None => None,
        };
        (!host.is_empty() && host.bytes().all(fits)).then(|| (host.to_ascii_lowercase(), port))
    }

    fn is_of_the_web(&self) -> bool {
        matches!(&*self.scheme, "http" | "https")
    }

    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// Which pages may speak to this exchange.
#[derive(Debug)]
pub(crate) struct Origins {
    named: Vec<Origin>,
    /// The ports of http and https.
    ports: Vec<u16>,
}

impl Origins {
    pub(crate) fn new(named: Vec<Origin>, listening: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self { named, ports: listening.into_iter().map(|address| address.port()).collect() }
    }

    /// Whether a request may come from where it does: no page at all, one of a loopback address at a port of ours, one that
    /// was loaded from the very address that it asks now, or one that was named at the start.
    ///
    /// The last but one is for clients that name the address they call as their origin, however it is reached. It must be
    /// an address: a name may be pointed here by whoever owns it.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(value) = headers.get(ORIGIN) else { return true };
        let Some(origin) = value.to_str().ok().and_then(|text| text.parse::<Origin>().ok()) else {
            return false;
        };
        let own_port = origin.port.is_some_and(|port| self.ports.contains(&port));
        let at_home = origin.is_of_the_web() && origin.is_loopback() && own_port;
        at_home || self.named.contains(&origin) || is_its_own(&origin, headers.get(HOST))
    }
}

/// Whether a page's origin is the address that it asks.
fn is_its_own(origin: &Origin, host: Option<&HeaderValue>) -> bool {
    let asked = host.and_then(|host| host.to_str().ok()).and_then(|host| {
        let (name, port) = Origin::authority(host)?;
        let usual = if origin.scheme == "https" { 443 } else { 80 };
        let is_address = name == "localhost" || name.parse::<IpAddr>().is_ok();
        is_address.then_some((name, port.or(Some(usual))))
    });
    origin.is_of_the_web()
        && asked.is_some_and(|(name, port)| (name, port) == (origin.host.clone(), origin.port))
}

/// What is wrong with a request that names its host or its origin more than once: nobody knows which one counts.
pub(super) fn ambiguity(headers: &HeaderMap) -> Option<&'static str> {
    let twice = |name| headers.get_all(name).iter().nth(1).is_some();
    match (twice(HOST), twice(ORIGIN)) {
        (true, _) => Some("a request names its host once: there are two Host headers"),
        (false, true) => Some("a request names its origin once: there are two Origin headers"),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_let_in_by_where_it_comes_from() {
        let named = ["https://Desk.example", "http://localhost:3000", "chrome-extension://abcdef"];
        let named = named.iter().map(|text| text.parse().expect("an origin")).collect();
        let listening =
            ["127.0.0.1:8080", "127.0.0.1:8443"].map(|address| address.parse().expect("an address"));
        let origins = Origins::new(named, listening);
        let admits = |host: &str, origin: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().expect("a value"));
            headers.insert(ORIGIN, origin.parse().expect("a value"));
            origins.admit(&headers)
        };
        assert!(origins.admit(&HeaderMap::new()), "no page");
        for (host, origin, wanted) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
            ("127.0.0.1:8080", "http://localhost:8080", true),
            ("localhost:8443", "https://127.0.0.1:8443", true),
            ("127.0.0.1:8443", "http://[::1]:8080", true),
            ("127.0.0.1:8080", "http://127.0.0.1:8081", false),
            ("127.0.0.1:8080", "http://127.0.0.1", false),
            ("127.0.0.1:8080", "http://localhost.evil.example:8080", false),
            ("127.0.0.1:8080", "http://127.0.0.1.evil.example:8080", false),
            ("127.0.0.1:8080", "http://evil.example:8080", false),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/", false),
            ("127.0.0.1:8080", "http://127.0.0.1:8080@evil.example", false),
            ("127.0.0.1:8080", "null", false),
            ("127.0.0.1:8080", "", false),
            ("127.0.0.1:8080", "file://", false),
            // Reached by another address or port than it listens on.
            ("192.168.1.5:9000", "http://192.168.1.5:9000", true),
            ("192.168.1.5", "https://192.168.1.5", true),
            ("192.168.1.5:9000", "http://192.168.1.5:9001", false),
            ("192.168.1.5:9000", "http://192.168.1.6:9000", false),
            // A name that somebody pointed here.
            ("evil.example:8080", "http://evil.example:8080", false),
            ("127.0.0.1:8080", "https://desk.example", true),
            ("127.0.0.1:8080", "https://desk.example:443", true),
            ("127.0.0.1:8080", "http://desk.example", false),
            ("127.0.0.1:8080", "https://desk.example:444", false),
            ("127.0.0.1:8080", "https://sub.desk.example", false),
            ("127.0.0.1:8080", "http://localhost:3000", true),
            ("127.0.0.1:8080", "chrome-extension://abcdef", true),
            ("127.0.0.1:8080", "chrome-extension://abcdeg", false),
        ] {
            assert_eq!(admits(host, origin), wanted, "{origin} at {host}");
        }
    }

    #[test]
    fn what_is_no_origin_is_not_taken_for_one() {
        for text in [
            "",
            "localhost",
            "localhost:3000",
            "://x",
            "http://",
            "http://:80",
            "http://x:y",
            "http://x:",
            "http://x:70000",
            "http://x/",
            "http://a b",
            "http://[::1",
            "http://[x]:1",
            "*",
            "null",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text:?}");
        }
    }
}
