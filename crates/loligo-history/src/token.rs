//! Continuation tokens: where a page ended, and of what it was a page.
//!
//! A token says all of that itself, so nothing is kept for it, and it is as good an hour later as at once. It is sealed with a
//! key of the index: another venue's, and a text that somebody made up, are told apart from it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::page::{At, Query, Sort};

/// Bytes of the seal.
const SEAL: usize = 8;
/// The longest text that is looked at.
const LONGEST: usize = 512;

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Token {
    list: u8,
    owner: u32,
    branch: u64,
    ascending: bool,
    since_ms: Option<i64>,
    before_ms: Option<i64>,
    filter: Option<u64>,
    pub(crate) last: At,
}

impl Token {
    /// The token of the page that ended there.
    pub(crate) fn new(list: u8, branch: u64, query: &Query, last: At) -> Self {
        let &Query { owner, since_ms, before_ms, sort, filter, count: _ } = query;
        Self { list, owner, branch, ascending: sort == Sort::Ascending, since_ms, before_ms, filter, last }
    }

    pub(crate) fn seal(&self, key: &[u8; 32]) -> String {
        let mut bytes = postcard::to_allocvec(self).expect("numbers and flags have a packed form");
        let seal = seal(key, &bytes);
        bytes.extend_from_slice(&seal);
        STANDARD.encode(bytes)
    }

    /// Reads a text; `None` for everything that was not sealed with this key.
    pub(crate) fn open(text: &str, key: &[u8; 32]) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let bytes = STANDARD.decode(text).ok()?;
        let (token, found) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
        if found != seal(key, token) {
            return None;
        }
        postcard::from_bytes(token).ok()
    }

    /// Whether this goes on with what is asked. The bounds and the filter may be left out from the second page on; what is asked
    /// must be what was asked.
    pub(crate) fn fits(&self, list: u8, branch: u64, query: &Query) -> bool {
        let &Query { owner, since_ms, before_ms, sort, filter, count: _ } = query;
        (self.list, self.owner, self.branch, self.ascending) == (list, owner, branch, sort == Sort::Ascending)
            && (since_ms.is_none() || since_ms == self.since_ms)
            && (before_ms.is_none() || before_ms == self.before_ms)
            && (filter.is_none() || filter == self.filter)
    }

    /// What was asked, in place of what is left out.
    pub(crate) fn complete(&self, query: &Query) -> Query {
        Query { since_ms: self.since_ms, before_ms: self.before_ms, filter: self.filter, ..*query }
    }
}

fn seal(key: &[u8; 32], bytes: &[u8]) -> [u8; SEAL] {
    let mut seal = [0; SEAL];
    blake3::Hasher::new_keyed(key).update(bytes).finalize_xof().fill(&mut seal);
    seal
}
