//! What clients send: a challenge asked for, feeds joined and left.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::{Alert, write_json_error};
use super::words::FeedName;

/// Most products of one request; clients send up to 100.
pub const MAX_PRODUCT_IDS: usize = 1000;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// Asks for a text to sign. Any key may, known or not.
    Challenge {
        /// The public text of the key.
        api_key: Cow<'a, str>,
    },
    /// Joins a feed.
    Subscribe(Subscription<'a>),
    /// Leaves a feed.
    Unsubscribe(Subscription<'a>),
}

/// Which feed, of what, for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription<'a> {
    /// The feed.
    pub feed: FeedName,
    /// Its products as they were sent, in their order, each once whatever its case; at most [`MAX_PRODUCT_IDS`].
    pub product_ids: Vec<Cow<'a, str>>,
    /// Who asks, if all three parts are there.
    pub credentials: Option<Credentials<'a>>,
}

/// A signed challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials<'a> {
    /// The public text of the key.
    pub api_key: Cow<'a, str>,
    /// The challenge.
    pub original_challenge: Cow<'a, str>,
    /// Its signature by the key's secret, in base64.
    pub signed_challenge: Cow<'a, str>,
}

/// Why a text is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is not JSON.
    #[error("not JSON")]
    NotJson,
    /// It is JSON, but no message that clients send.
    #[error("no known message")]
    UnknownMessage,
    /// A part is missing or of the wrong kind.
    #[error("a malformed request")]
    Malformed,
    /// There is no such feed.
    #[error("no such feed")]
    UnknownFeed,
}

/// What a request may hold; anything else is passed over. A name given twice counts as given last.
type Members<'a> = HashMap<Cow<'a, str>, &'a RawValue>;

impl<'a> Request<'a> {
    /// Reads the text of one frame.
    ///
    /// # Errors
    /// [`RequestError`]. What cannot be told of a private feed's signer is no error here: the request has no
    /// [`Credentials`] then.
    pub fn parse(text: &'a str) -> Result<Self, RequestError> {
        let json: &RawValue = serde_json::from_str(text).map_err(|_| RequestError::NotJson)?;
        let members: Members<'_> =
            serde_json::from_str(json.get()).map_err(|_| RequestError::UnknownMessage)?;
        let event = string(&members, "event").ok_or(RequestError::UnknownMessage)?;
        match &*event {
            "challenge" => {
                let api_key = string(&members, "api_key").ok_or(RequestError::Malformed)?;
                Ok(Self::Challenge { api_key })
            }
            "subscribe" => Subscription::read(&members).map(Self::Subscribe),
            "unsubscribe" => Subscription::read(&members).map(Self::Unsubscribe),
            _ => Err(RequestError::UnknownMessage),
        }
    }
}

impl<'a> Subscription<'a> {
    fn read(members: &Members<'a>) -> Result<Self, RequestError> {
        let feed = string(members, "feed").ok_or(RequestError::Malformed)?;
        let feed = FeedName::from_word(&feed).ok_or(RequestError::UnknownFeed)?;
        let product_ids = if feed.takes_products() { products(members)? } else { Vec::new() };
        let part = |name| string(members, name);
        let credentials = part("api_key").zip(part("original_challenge")).zip(part("signed_challenge")).map(
            |((api_key, original_challenge), signed_challenge)| Credentials {
                api_key,
                original_challenge,
                signed_challenge,
            },
        );
        Ok(Self { feed, product_ids, credentials })
    }
}

/// A member that is a string.
fn string<'a>(members: &Members<'a>, name: &str) -> Option<Cow<'a, str>> {
    members.get(name).and_then(|raw| text(raw))
}

/// Borrowed where nothing is escaped.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Borrowed<'t>(#[serde(borrow)] Cow<'t, str>);
    serde_json::from_str::<Borrowed<'_>>(raw.get()).ok().map(|text| text.0)
}

/// The products; none when the member is missing or null.
fn products<'a>(members: &Members<'a>) -> Result<Vec<Cow<'a, str>>, RequestError> {
    let Some(raw) = members.get("product_ids") else { return Ok(Vec::new()) };
    // The elements stay text until their number is known, so that a long list of nothing costs little memory.
    let list: Option<Vec<&RawValue>> =
        serde_json::from_str(raw.get()).map_err(|_| RequestError::Malformed)?;
    let list = list.unwrap_or_default();
    if list.len() > MAX_PRODUCT_IDS {
        return Err(RequestError::Malformed);
    }
    let mut seen = HashSet::with_capacity(list.len());
    let mut products = Vec::with_capacity(list.len());
    for raw in list {
        let product = text(raw).ok_or(RequestError::Malformed)?;
        if seen.insert(product.to_ascii_uppercase()) {
            products.push(product);
        }
    }
    Ok(products)
}

impl RequestError {
    /// Appends what the client is told.
    pub fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::NotJson => write_json_error(out),
            Self::UnknownMessage => Alert::BadMessage.write(out),
            Self::Malformed => Alert::BadRequest.write(out),
            Self::UnknownFeed => Alert::InvalidFeed.write(out),
        }
    }
}

#[cfg(test)]
mod tests;
