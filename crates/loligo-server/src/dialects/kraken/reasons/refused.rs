//! What a refused request leaves for its reason: copied while it is answered, looked into when answers are on their way.

use super::{Came, Explainer, orders};
use crate::dialects::kraken::Failure;
use crate::dialects::kraken::routes::Routes;
use crate::dialects::kraken::signing::{AUTHENT, NONCE};
use crate::request_log::{Asker, Entry, Refusal, TEXT_BYTES, text};
use crate::transport::bounds::BODY_BYTES;
use crate::transport::listener::Received;
use http::header::CONTENT_TYPE;
use loligo_engine::{InstrumentId, OrderError};
use std::sync::OnceLock;

/// Most bytes of query and body that are kept for the reason of one refusal. A longer request is told without a look at them.
const KEPT_BYTES: usize = 64 * 1024;
/// Refused elements of one batch that are told each; the others are counted.
const ELEMENTS: usize = 5;

/// A refused request.
pub(crate) struct Refused {
    routes: &'static Routes,
    why: Why,
    kept: Option<Kept>,
}

/// What it was told in place of what it asked.
pub(crate) enum Why {
    /// An error in place of an answer.
    Failure(Failure),
    /// An answer that refuses an order, an edit or a cancel.
    Notes(Notes),
    /// There is no such path, or not by this method.
    Nowhere,
    /// Its body was not read to its end.
    TooLong,
    /// An alert on a WebSocket, in few words, and what it is about.
    Alert(String, FeedRefusal),
}

impl Refused {
    /// One whose arguments nobody need look into.
    pub(crate) fn new(routes: &'static Routes, why: Why) -> Self {
        Self { routes, why, kept: None }
    }

    /// One whose reason may have to be found in its arguments.
    pub(crate) fn of(routes: &'static Routes, request: &Received, why: Why) -> Self {
        let query = request.head.uri.query().unwrap_or_default().as_bytes();
        let kept = (query.len() + request.body.len() <= KEPT_BYTES).then(|| {
            let header = |name| request.head.headers.get(name).map_or(&[][..], |value| value.as_bytes());
            let short = |bytes: &[u8]| bytes[..bytes.len().min(TEXT_BYTES)].to_vec();
            Kept {
                query: query.to_vec(),
                body: request.body.to_vec(),
                authent: short(header(&AUTHENT)),
                nonce: short(header(&NONCE)),
                content_type: text(header(&CONTENT_TYPE)),
            }
        });
        Self { routes, why, kept }
    }
}

impl Refusal for Refused {
    fn outcome(&self) -> Option<String> {
        match &self.why {
            Why::Failure(failure) => Some(failure.outcome()),
            Why::Notes(notes) => Some(match &notes.first[..] {
                [only] if notes.more == 0 => only.word.to_owned(),
                several => {
                    let refused = several.len() + notes.more;
                    format!("{refused} elements refused")
                }
            }),
            Why::Alert(alert, _) => Some(alert.clone()),
            Why::Nowhere | Why::TooLong => None,
        }
    }

    fn reason(&self, of: &Entry, asker: &Asker) -> String {
        let explainer = Explainer { views: asker.node.views(), asker, routes: self.routes };
        let Entry { method, path, api_key, .. } = of;
        let came = Came { method, path, api_key, kept: self.kept.as_ref() };
        match &self.why {
            Why::Failure(failure) => explainer.failure(&came, failure),
            Why::Notes(notes) => {
                let mut told: Vec<String> =
                    notes.first.iter().map(|note| orders::reason(&explainer, &came, note)).collect();
                if notes.more > 0 {
                    told.push(format!("and {} more", notes.more));
                }
                told.join("; ")
            }
            Why::Nowhere => explainer.nowhere(&came),
            Why::TooLong => {
                format!("the body is longer than {BODY_BYTES} bytes, so the rest of it was not read")
            }
            Why::Alert(_, why) => explainer.alert(&came, why),
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.kept.as_ref().map_or(0, |kept| kept.query.len() + kept.body.len())
    }

    fn forget(&mut self) {
        self.kept = None;
    }
}

/// Why a request on a WebSocket is answered with an alert.
pub(crate) enum FeedRefusal {
    /// It is no request.
    Unreadable,
    /// More than a connection may send.
    TooMany,
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
