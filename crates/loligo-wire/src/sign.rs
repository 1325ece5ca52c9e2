//! Request signatures: making them, and checking them in the order that real clients need.
//!
//! `Authent = base64(HMAC-SHA-512(base64-decoded secret, SHA-256(postData + nonce + endpointPath)))`, where `postData` is
//! the query string and then the form body, and `endpointPath` the path without its `/derivatives`.

mod near;

pub use near::departures;

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::args::{Plus, decode};

/// The secret of an API key, ready to sign: the key schedule is computed once and kept.
pub struct SigningKey(hmac::Key);

/// The secret is no base64 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret is not base64")]
pub struct BadSecret;

/// A signature: the 64 bytes of an HMAC-SHA-512.
#[derive(Clone, Copy)]
pub struct Signature([u8; 64]);

/// What a request's signature covers, as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// The query string without its `?`.
    pub query: &'a [u8],
    /// The body.
    pub body: &'a [u8],
    /// The `Nonce` header; empty when there is none.
    pub nonce: &'a [u8],
    /// The request's path; [`endpoint_path`] is taken of it.
    pub path: &'a str,
    /// Whether the method is GET.
    pub is_get: bool,
}

/// Which departures from the rule are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Query and body after percent-decoding: the rule before October 2025.
    pub decoded: bool,
    /// Nothing at all on a GET. It leaves the arguments unprotected, but one widespread client signs so.
    pub empty_on_get: bool,
}

impl Tolerance {
    /// The rule as published, nothing else.
    pub const STRICT: Self = Self { decoded: false, empty_on_get: false };
    /// Everything that some client in use needs.
    pub const ALL: Self = Self { decoded: true, empty_on_get: true };
}

impl SigningKey {
    /// Reads a secret as it is shown to users.
    ///
    /// # Errors
    /// [`BadSecret`] if it is not base64.
    pub fn from_base64_secret(secret: &str) -> Result<Self, BadSecret> {
        let secret = STANDARD.decode(secret).map_err(|_| BadSecret)?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA512, &secret)))
    }

    /// The `Authent` header of a request: `post_data` is query and body as sent, `path` the request's path.
    #[must_use]
    pub fn authent(&self, post_data: &[u8], nonce: &str, path: &str) -> String {
        self.sign(&[post_data, nonce.as_bytes(), endpoint_path(path).as_bytes()]).to_base64()
    }

    /// Whether a signature belongs to a request. Tried in this order, each only if it differs from those before: query and
    /// body as they arrived, the same decoded (plus as space, then as plus), nothing (GET only). A good client costs one
    /// attempt. A body alone beside a query is never taken: no client signs so, and the query would be anybody's to write.
    #[must_use]
    pub fn verify(&self, signature: &Signature, request: &SignedRequest<'_>, tolerance: Tolerance) -> bool {
        let SignedRequest { query, body, nonce, path, is_get } = *request;
        let path = endpoint_path(path).as_bytes();
        let matches = |parts: &[&[u8]]| {
            let candidate = match *parts {
                [first, second] => self.sign(&[first, second, nonce, path]),
                _ => self.sign(&[nonce, path]),
            };
            signature.matches(&candidate)
        };
        if matches(&[query, body]) {
            return true;
        }
        if tolerance.decoded && self.verify_decoded(query, body, matches) {
            return true;
        }
        let sent_nothing = query.is_empty() && body.is_empty();
        tolerance.empty_on_get && is_get && !sent_nothing && matches(&[])
    }

    fn verify_decoded(&self, query: &[u8], body: &[u8], matches: impl Fn(&[&[u8]]) -> bool) -> bool {
        let contains = |byte: u8| query.contains(&byte) || body.contains(&byte);
        let (escapes, pluses) = (contains(b'%'), contains(b'+'));
        let attempt = |plus: Plus| match (decode(query, plus), decode(body, plus)) {
            (Ok(query), Ok(body)) => matches(&[&query, &body]),
            _ => false,
        };
        ((escapes || pluses) && attempt(Plus::Space)) || (escapes && pluses && attempt(Plus::Plus))
    }

    /// Signs a WebSocket challenge: `HMAC-SHA-512(secret, SHA-256(challenge))`.
    #[must_use]
    pub fn sign_challenge(&self, challenge: &str) -> Signature {
        self.sign(&[challenge.as_bytes()])
    }

    /// Whether a signature is that of a WebSocket challenge.
    #[must_use]
    pub fn verify_challenge(&self, signature: &Signature, challenge: &str) -> bool {
        signature.matches(&self.sign_challenge(challenge))
    }

    fn sign(&self, parts: &[&[u8]]) -> Signature {
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in parts {
            hash.update(part);
        }
        let tag = hmac::sign(&self.0, hash.finish().as_ref());
        let mut bytes = [0; 64];
        bytes.copy_from_slice(tag.as_ref());
        Signature(bytes)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

impl Signature {
    /// Reads a signature as it travels; `None` if it is not 64 bytes in base64.
    #[must_use]
    pub fn from_base64(text: &[u8]) -> Option<Self> {
        // 64 bytes are 88 characters, the last two of them padding.
        let mut bytes = [0; 66];
        if text.len() != 88 || STANDARD.decode_slice(text, &mut bytes) != Ok(64) {
            return None;
        }
        let mut signature = [0; 64];
        signature.copy_from_slice(&bytes[..64]);
        Some(Self(signature))
    }

    /// The signature as it travels.
    #[must_use]
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// Compares in constant time.
    fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Signature {
    /// A signature lets whoever reads it repeat the request, so it stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

/// The path that is signed: the request's path without a leading `/derivatives`.
#[must_use]
pub fn endpoint_path(path: &str) -> &str {
    match path.strip_prefix("/derivatives") {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests;
