//! What a signature that is not the right one was made of: for the person whose client does not get in.
//!
//! Nothing here lets a request in. The usual mistakes are made on purpose, one alone and two together, until one gives the
//! signature that came.

use super::{SignedRequest, endpoint_path};
use crate::args::{Plus, decode};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::borrow::Cow;

/// Most bytes of arguments that two mistakes are tried on; on more, each is tried alone.
const PAIRS_BYTES: usize = 16 * 1024;

/// What a signature covers instead of what it should; `None` stands for the rule itself.
type Departure = Option<&'static str>;

/// What comes before the path, in which order.
#[derive(Clone, Copy)]
enum Order {
    DataThenNonce,
    DataAlone,
    NonceThenData,
}

/// What is handed to the HMAC.
#[derive(Clone, Copy)]
enum Message {
    /// The digest's bytes.
    Digest,
    /// Its text in hexadecimal.
    Hexadecimal,
    /// Path, then the digest of nonce and arguments: the rule of the spot API.
    Spot,
}

/// In which ways the signature of a request departs from the rule, in words that complete "the signature fits when ...".
/// Empty when it is right; `None` when nothing that is known explains it. `secret` is as it is shown to users.
#[must_use]
pub fn departures(secret: &str, authent: &[u8], request: &SignedRequest<'_>) -> Option<Vec<&'static str>> {
    let (spelled, wanted) = spelled(authent)?;
    let SignedRequest { query, body, nonce, path, .. } = *request;
    let short = endpoint_path(path);
    let last = path.rfind('/').map_or(path, |at| &path[at..]);
    let paths: Vec<(Departure, &str)> = [
        (None, short),
        (Some("the path keeps /derivatives"), path),
        (Some("the path is cut to its last part"), last),
        (Some("the path is left out"), ""),
    ]
    .into_iter()
    .enumerate()
    .filter(|(at, (_, candidate))| *at == 0 || *candidate != short)
    .map(|(_, path)| path)
    .collect();
    let data = data(query, body);
    let mut orders = vec![(None, Order::DataThenNonce)];
    if !nonce.is_empty() {
        orders.push((Some("the nonce is left out"), Order::DataAlone));
        orders.push((Some("the nonce comes before the arguments"), Order::NonceThenData));
    }
    let messages = [
        (None, Message::Digest),
        (Some("the digest is signed as hexadecimal text, not as bytes"), Message::Hexadecimal),
        (Some("it is made by the rule of the spot API"), Message::Spot),
    ];
    let decoded = STANDARD.decode(secret).unwrap_or_default();
    let secrets = [
        (None, hmac::Key::new(hmac::HMAC_SHA512, &decoded)),
        (
            Some("the secret is used as it is, not decoded from base64"),
            hmac::Key::new(hmac::HMAC_SHA512, secret.as_bytes()),
        ),
    ];
    let most = if query.len() + body.len() > PAIRS_BYTES { 1 } else { 2 };
    let mut attempts = Vec::new();
    for path in &paths {
        for data in &data {
            for order in &orders {
                for message in &messages {
                    for secret in &secrets {
                        let departs = [path.0, data.0, order.0, message.0, secret.0];
                        let count = departs.iter().flatten().count();
                        if count <= most {
                            attempts.push((count, departs, path.1, &data.1, order.1, message.1, &secret.1));
                        }
                    }
                }
            }
        }
    }
    // What explains it with the fewest mistakes comes first.
    attempts.sort_by_key(|attempt| attempt.0);
    let fits = attempts.iter().find(|(_, _, path, data, order, message, key)| {
        let tag = hmac::sign(key, &message_of(*message, *order, data, nonce, path));
        tag.as_ref() == wanted
    })?;
    Some(spelled.into_iter().chain(fits.1.into_iter().flatten()).collect())
}

/// The signature's bytes, and how it is spelled if not in base64 as it should be.
fn spelled(authent: &[u8]) -> Option<(Departure, Vec<u8>)> {
    let base64 = STANDARD.decode(authent).ok().map(|bytes| (None, bytes));
    let url = || {
        let bytes = URL_SAFE.decode(authent).ok()?;
        Some((Some("it is sent in the URL-safe alphabet of base64, not in the standard one"), bytes))
    };
    let hex = || {
        let digits = std::str::from_utf8(authent).ok().filter(|text| text.is_ascii())?;
        let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
        let bytes = (0..digits.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>()?;
        Some((Some("it is sent in hexadecimal, not in base64"), bytes))
    };
    let of_hmac = |(_, bytes): &(Departure, Vec<u8>)| bytes.len() == 64;
    base64.filter(of_hmac).or_else(|| url().filter(of_hmac)).or_else(|| hex().filter(of_hmac))
}

/// What may have been signed in place of query and body, each once.
fn data<'a>(query: &'a [u8], body: &'a [u8]) -> Vec<(Departure, Cow<'a, [u8]>)> {
    let joined = |parts: &[&[u8]]| Cow::Owned(parts.concat());
    let both = !query.is_empty() && !body.is_empty();
    let mut all: Vec<(Departure, Cow<'a, [u8]>)> = vec![(None, joined(&[query, body]))];
    let mut offer = |departure, candidate: Cow<'a, [u8]>| {
        if all.iter().all(|(_, known)| **known != *candidate) {
            all.push((Some(departure), candidate));
        }
    };
    if both {
        offer("the query is signed but the body is not", Cow::Borrowed(query));
        offer("the body is signed but the query beside it is not", Cow::Borrowed(body));
        offer("the body is signed before the query", joined(&[body, query]));
        offer("query and body are joined by &", joined(&[query, b"&", body]));
    }
    for plus in [Plus::Space, Plus::Plus] {
        if let (Ok(query), Ok(body)) = (decode(query, plus), decode(body, plus)) {
            let departure = if both {
                "query and body are signed decoded, not as they are sent"
            } else if query.is_empty() {
                "the body is signed decoded, not as it is sent"
            } else {
                "the query is signed decoded, not as it is sent"
            };
            offer(departure, joined(&[&query, &body]));
        }
    }
    if !query.is_empty() {
        offer("the query is signed with its question mark", joined(&[b"?", query, body]));
    }
    offer("none of the arguments is signed", Cow::Borrowed(&[]));
    all
}

fn message_of(message: Message, order: Order, data: &[u8], nonce: &[u8], path: &str) -> Vec<u8> {
    let digest = |parts: &[&[u8]]| {
        let mut hash = digest::Context::new(&digest::SHA256);
        parts.iter().for_each(|part| hash.update(part));
        hash.finish().as_ref().to_vec()
    };
    let path = path.as_bytes();
    let whole = || match order {
        Order::DataThenNonce => digest(&[data, nonce, path]),
        Order::DataAlone => digest(&[data, path]),
        Order::NonceThenData => digest(&[nonce, data, path]),
    };
    match message {
        Message::Digest => whole(),
        Message::Hexadecimal => {
            whole().iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect::<Vec<u8>>()
        }
        Message::Spot => [path, &digest(&[nonce, data])].concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::SigningKey;

    const SECRET: &str = "c29tZSBzZWNyZXQgb2YgYSB0cmFkZXI=";

    fn hmac_of(secret: &[u8], message: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, secret), message).as_ref().to_vec()
    }

    fn sha(parts: &[&str]) -> Vec<u8> {
        digest::digest(&digest::SHA256, parts.concat().as_bytes()).as_ref().to_vec()
    }

    #[test]
    fn each_usual_mistake_is_told_by_its_name() {
        let path = "/derivatives/api/v3/sendorder";
        let request =
            SignedRequest { query: b"size=5", body: b"cliOrdId=a%20b", nonce: b"17", path, is_get: false };
        let key = STANDARD.decode(SECRET).expect("base64");
        let rule = sha(&["size=5", "cliOrdId=a%20b", "17", "/api/v3/sendorder"]);
        let right = hmac_of(&key, &rule);
        let base64 = |tag: &[u8]| STANDARD.encode(tag);
        let of = |parts: &[&str]| base64(&hmac_of(&key, &sha(parts)));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let (short, both) = ("/api/v3/sendorder", "size=5cliOrdId=a%20b");
        let spot = [&path.as_bytes()[12..], &sha(&["17", both])].concat();
        let cases = [
            (base64(&right), &[][..]),
            (of(&[both, "17", path]), &["the path keeps /derivatives"]),
            (of(&[both, "17", "/sendorder"]), &["the path is cut to its last part"]),
            (of(&[both, "17"]), &["the path is left out"]),
            (of(&["size=5", "17", short]), &["the query is signed but the body is not"]),
            (of(&["cliOrdId=a%20b", "17", short]), &["the body is signed but the query beside it is not"]),
            (of(&["cliOrdId=a%20bsize=5", "17", short]), &["the body is signed before the query"]),
            (of(&["size=5&cliOrdId=a%20b", "17", short]), &["query and body are joined by &"]),
            (
                of(&["size=5cliOrdId=a b", "17", short]),
                &["query and body are signed decoded, not as they are sent"],
            ),
            (of(&["?size=5cliOrdId=a%20b", "17", short]), &["the query is signed with its question mark"]),
            (of(&["17", short]), &["none of the arguments is signed"]),
            (of(&[both, short]), &["the nonce is left out"]),
            (of(&["17", both, short]), &["the nonce comes before the arguments"]),
            (
                base64(&hmac_of(&key, hex(&rule).as_bytes())),
                &["the digest is signed as hexadecimal text, not as bytes"],
            ),
            (base64(&hmac_of(&key, &spot)), &["it is made by the rule of the spot API"]),
            (
                base64(&hmac_of(SECRET.as_bytes(), &rule)),
                &["the secret is used as it is, not decoded from base64"],
            ),
            (hex(&right), &["it is sent in hexadecimal, not in base64"]),
            (
                URL_SAFE.encode(&right),
                &["it is sent in the URL-safe alphabet of base64, not in the standard one"],
            ),
            (
                of(&["size=5", "17", path]),
                &["the path keeps /derivatives", "the query is signed but the body is not"],
            ),
        ];
        for (authent, want) in cases {
            let told = departures(SECRET, authent.as_bytes(), &request);
            assert_eq!(told.as_deref(), Some(want), "{authent}");
        }
        for nothing in ["", "short", &base64(&right[..32]), &of(&["something else"])] {
            assert_eq!(departures(SECRET, nothing.as_bytes(), &request), None, "{nothing}");
        }
        assert_eq!(departures("YW5vdGhlcg==", base64(&right).as_bytes(), &request), None);
        // What is told as right is what is let in.
        let key = SigningKey::from_base64_secret(SECRET).expect("base64");
        assert_eq!(base64(&right), key.authent(both.as_bytes(), "17", path));
    }
}
