//! A request on its way to the log: what the gateway knew of it when it was answered.

use crate::gateway::Failure;
use crate::gateway::auth::{API_KEY, AUTHENT, NONCE};
use crate::gateway::listener::Received;
use http::Method;
use http::header::CONTENT_TYPE;
use loligo_engine::{InstrumentId, OrderError, Timestamp};
use std::sync::OnceLock;

/// Most bytes of query and body that are kept for the reason of one refusal. A longer request is told without a look at them.
const KEPT_BYTES: usize = 64 * 1024;
/// Most bytes that are kept of a path, and of a key.
const TEXT_BYTES: usize = 300;
/// Refused elements of one batch that are told each; the others are counted.
const ELEMENTS: usize = 5;

/// A request with its outcome.
pub(crate) struct Entry {
    /// Exchange time at which it came.
    pub(crate) time: Timestamp,
    pub(crate) method: Method,
    /// Without its query.
    pub(crate) path: String,
    /// The key it names.
    pub(crate) api_key: String,
    pub(crate) status: u16,
    pub(crate) told: Told,
    /// What is needed to find the reason, for a refusal.
    pub(crate) kept: Option<Kept>,
}

/// What a request was told.
pub(crate) enum Told {
    Success,
    /// An error in place of an answer.
    Failure(Failure),
    /// An answer that refuses an order, an edit or a cancel.
    Refused(Notes),
    /// There is no such path, or not by this method.
    Nowhere,
    /// Its body was not read to its end.
    TooLong,
    /// A sentence of the control surface's or of a handshake's.
    Sentence(String),
    /// An alert on a WebSocket, in few words, and what it is about.
    Alert(String, FeedRefusal),
}

/// Why a request on a WebSocket is answered with an alert.
pub(crate) enum FeedRefusal {
    /// It is no request.
    Unreadable,
    /// More than a connection may send.
    TooMany,
    /// The feed is not there yet.
    NotBuilt,
    /// A feed of products, and none is named.
    NoProducts,
    /// There is no such product to follow.
    Product(String),
    /// Nobody who may ask has signed a challenge of the connection; without what is missing when nothing was signed.
    Signer(Option<SignedChallenge>),
}

/// A challenge as it came back.
pub(crate) struct SignedChallenge {
    /// Whether the connection was given it.
    pub(crate) given: bool,
    pub(crate) challenge: String,
    pub(crate) signature: Vec<u8>,
}

/// What came with a refused request. It is dropped when the reason is known.
pub(crate) struct Kept {
    pub(crate) query: Vec<u8>,
    pub(crate) body: Vec<u8>,
    pub(crate) authent: Vec<u8>,
    pub(crate) nonce: Vec<u8>,
    pub(crate) content_type: String,
}

/// Why an order, an edit or a cancel was refused, as its handler knew it.
#[derive(Debug)]
pub(crate) struct Note {
    /// Its place in a batch, counted from 1; 0 outside of one.
    pub(crate) element: usize,
    /// The word it was told.
    pub(crate) word: &'static str,
    pub(crate) error: Option<OrderError>,
    pub(crate) instrument: Option<InstrumentId>,
}

/// The notes of one answer.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) first: Vec<Note>,
    /// Further ones.
    pub(crate) more: usize,
}

impl Notes {
    pub(crate) fn of(notes: impl Iterator<Item = Note>) -> Self {
        let mut all = Self::default();
        for note in notes {
            if all.first.len() < ELEMENTS {
                all.first.push(note);
            } else {
                all.more += 1;
            }
        }
        all
    }
}

/// Where a handler leaves its notes, if anybody wants them.
#[derive(Default)]
pub(crate) struct Notebook {
    wanted: bool,
    notes: OnceLock<Notes>,
}

impl Notebook {
    pub(crate) fn new(wanted: bool) -> Self {
        Self { wanted, notes: OnceLock::new() }
    }

    /// Notes refusals; asks for them only if they are wanted.
    pub(crate) fn note(&self, notes: impl FnOnce() -> Notes) {
        if self.wanted {
            let notes = notes();
            if !notes.first.is_empty() {
                // One answer has one outcome.
                let _ = self.notes.set(notes);
            }
        }
    }

    pub(crate) fn into_notes(self) -> Option<Notes> {
        self.notes.into_inner()
    }
}

impl Entry {
    /// Of a request that was answered. Its arguments are kept only where a reason may have to be found in them.
    pub(crate) fn new(time: Timestamp, request: &Received, status: u16, told: Told) -> Self {
        let mut entry = Self::of_head(time, &request.head, status, told);
        let query = request.head.uri.query().unwrap_or_default().as_bytes();
        if entry.is_refusal() && query.len() + request.body.len() <= KEPT_BYTES {
            let header = |name| request.head.headers.get(name).map_or(&[][..], |value| value.as_bytes());
            let short = |bytes: &[u8]| bytes[..bytes.len().min(TEXT_BYTES)].to_vec();
            entry.kept = Some(Kept {
                query: query.to_vec(),
                body: request.body.to_vec(),
                authent: short(header(&AUTHENT)),
                nonce: short(header(&NONCE)),
                content_type: text(header(&CONTENT_TYPE)),
            });
        }
        entry
    }

    /// Of a request of which only the head is known, or wanted.
    pub(crate) fn of_head(time: Timestamp, head: &http::request::Parts, status: u16, told: Told) -> Self {
        Self {
            time,
            method: head.method.clone(),
            path: text(head.uri.path().as_bytes()),
            api_key: text(head.headers.get(&API_KEY).map_or(&[][..], |value| value.as_bytes())),
            status,
            told,
            kept: None,
        }
    }

    /// Of a request on a WebSocket.
    pub(crate) fn of_feed(time: Timestamp, feed: &str, api_key: &str, alert: &str, why: FeedRefusal) -> Self {
        Self {
            time,
            method: Method::GET,
            path: text(format!("{} {feed}", loligo_wire::ws1::PATH).trim_end().as_bytes()),
            api_key: text(api_key.as_bytes()),
            status: 101,
            told: Told::Alert(alert.to_owned(), why),
            kept: None,
        }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(self.told, Told::Success)
    }

    /// How much it weighs in the queue.
    pub(crate) fn bytes(&self) -> usize {
        let kept = self.kept.as_ref().map_or(0, |kept| kept.query.len() + kept.body.len());
        size_of::<Self>() + self.path.len() + self.api_key.len() + kept
    }

    /// Lets go of the arguments.
    pub(crate) fn forget(&mut self) {
        self.kept = None;
    }

    /// What it was told, in the words of the wire.
    pub(crate) fn outcome(&self) -> String {
        match &self.told {
            Told::Success => "ok".to_owned(),
            Told::Failure(failure) => failure.outcome(),
            Told::Refused(notes) => match &notes.first[..] {
                [only] if notes.more == 0 => only.word.to_owned(),
                several => {
                    let refused = several.len() + notes.more;
                    format!("{refused} elements refused")
                }
            },
            Told::Alert(alert, _) => alert.clone(),
            Told::Nowhere | Told::TooLong | Told::Sentence(_) => self.status.to_string(),
        }
    }
}

/// Bounded text of bytes that came from outside: what could break a line is escaped.
fn text(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(TEXT_BYTES)];
    String::from_utf8_lossy(bytes).chars().flat_map(shown).collect()
}

fn shown(char: char) -> impl Iterator<Item = char> {
    let escaped = char.is_control().then(|| char.escape_default());
    let plain = escaped.is_none().then_some(char);
    escaped.into_iter().flatten().chain(plain)
}
