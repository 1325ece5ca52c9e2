//! A request on its way to the log: what was known of it when it was answered.

use super::Asker;
use http::Method;
use loligo_engine::Timestamp;

/// Most bytes that are kept of a path, and of a key.
pub(crate) const TEXT_BYTES: usize = 300;

/// Why a request has no answer.
pub(crate) const UNDECIDED: &str =
    "nobody knows whether it was remembered: the exchange is stopping, the next start decides";

/// A request with its outcome.
pub(crate) struct Entry {
    /// Exchange time at which it came.
    pub(crate) time: Timestamp,
    pub(crate) method: Method,
    /// Without its query.
    pub(crate) path: String,
    /// The key it names.
    pub(crate) api_key: String,
    /// Without an answer there is none: 0.
    pub(crate) status: u16,
    pub(crate) answered: Answered,
}

/// What a request was told.
pub(crate) enum Answered {
    Success,
    /// A sentence that is its own reason.
    Sentence(String),
    /// Nothing: nobody knows what happened.
    Undecided,
    /// What a dialect has for those whom it refuses.
    Refused(Box<dyn Refusal>),
}

/// A refusal in the words of a dialect, with what its reason will be found by.
pub(crate) trait Refusal: Send {
    /// What was told, in the words of the wire; none where it was no more than a status.
    fn outcome(&self) -> Option<String>;
    /// Why. One sentence without a full stop; it holds no secret and no signature.
    fn reason(&self, of: &Entry, asker: &Asker) -> String;
    /// How much is kept with it.
    fn bytes(&self) -> usize;
    /// Lets go of what is kept.
    fn forget(&mut self);
}

impl Entry {
    /// Of a request of which only the head is known, or wanted. `api_key` is the key that it names, if it does.
    pub(crate) fn new(
        time: Timestamp,
        head: &http::request::Parts,
        api_key: &[u8],
        status: u16,
        answered: Answered,
    ) -> Self {
        Self {
            time,
            method: head.method.clone(),
            path: text(head.uri.path().as_bytes()),
            api_key: text(api_key),
            status,
            answered,
        }
    }

    /// Of a message on a WebSocket at this path.
    pub(crate) fn of_message(time: Timestamp, path: &str, api_key: &str, answered: Answered) -> Self {
        Self {
            time,
            method: Method::GET,
            path: text(path.as_bytes()),
            api_key: text(api_key.as_bytes()),
            status: 101,
            answered,
        }
    }

    pub(crate) fn is_refusal(&self) -> bool {
        !matches!(self.answered, Answered::Success)
    }

    /// How much it weighs in the queue.
    pub(crate) fn bytes(&self) -> usize {
        let kept = match &self.answered {
            Answered::Success | Answered::Undecided | Answered::Sentence(_) => 0,
            Answered::Refused(refusal) => refusal.bytes(),
        };
        size_of::<Self>() + self.path.len() + self.api_key.len() + kept
    }

    /// Lets go of what is kept for the reason.
    pub(crate) fn forget(&mut self) {
        if let Answered::Refused(refusal) = &mut self.answered {
            refusal.forget();
        }
    }

    /// What it was told, in the words of the wire.
    pub(crate) fn outcome(&self) -> String {
        let word = match &self.answered {
            Answered::Success => Some("ok".to_owned()),
            Answered::Undecided => Some("no answer".to_owned()),
            Answered::Sentence(_) => None,
            Answered::Refused(refusal) => refusal.outcome(),
        };
        word.unwrap_or_else(|| self.status.to_string())
    }

    /// Why it was refused; nothing of one that was not.
    pub(super) fn reason(&self, asker: &Asker) -> String {
        match &self.answered {
            Answered::Success => String::new(),
            Answered::Sentence(sentence) => sentence.clone(),
            Answered::Undecided => UNDECIDED.to_owned(),
            Answered::Refused(refusal) => refusal.reason(self, asker),
        }
    }
}

/// Bounded text of bytes that came from outside: what could break a line is escaped.
pub(crate) fn text(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(TEXT_BYTES)];
    String::from_utf8_lossy(bytes).chars().flat_map(shown).collect()
}

fn shown(char: char) -> impl Iterator<Item = char> {
    let escaped = char.is_control().then(|| char.escape_default());
    let plain = escaped.is_none().then_some(char);
    escaped.into_iter().flatten().chain(plain)
}
