//! Who follows something of one account, each under a key and in a feed of its own.

use super::{Dialect, Follower, Joined, place};
use crate::record::KeyId;

/// Followers in the order of their dialects and feeds, so that those who get the same message stand together.
pub(super) struct Followers<F, S>(Vec<Following<F, S>>);

/// One of them, and what is known of it.
pub(super) struct Following<F, S> {
    pub(super) follower: Follower,
    key: KeyId,
    pub(super) feed: F,
    pub(super) state: S,
}

impl<F, S> Default for Followers<F, S> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<F: Copy + Ord, S: Default> Followers<F, S> {
    /// Takes one in. One that is there already is left as it is: what it is known of is handed back for whoever begins anew.
    pub(super) fn join(&mut self, follower: &Follower, key: KeyId, feed: F) -> (Joined, &mut S) {
        let held = self.position(follower.outbox.id, key, feed);
        let at = held.unwrap_or_else(|| {
            let at = place(&self.0, &(follower.dialect, feed), Following::rank);
            let follower = follower.clone();
            self.0.insert(at, Following { follower, key, feed, state: S::default() });
            at
        });
        (if held.is_some() { Joined::Again } else { Joined::Anew }, &mut self.0[at].state)
    }

    /// What is known of one; none of who does not follow.
    pub(super) fn state(&mut self, id: u64, key: KeyId, feed: F) -> Option<&mut S> {
        let at = self.position(id, key, feed)?;
        Some(&mut self.0[at].state)
    }

    /// Lets one go; false when it did not follow.
    pub(super) fn leave(&mut self, id: u64, key: KeyId, feed: F) -> bool {
        self.position(id, key, feed).map(|at| self.0.remove(at)).is_some()
    }

    fn position(&self, id: u64, key: KeyId, feed: F) -> Option<usize> {
        let is =
            |other: &Following<F, S>| (other.follower.outbox.id, other.key, other.feed) == (id, key, feed);
        self.0.iter().position(is)
    }

    /// Lets a connection go, whatever it follows.
    pub(super) fn forget(&mut self, id: u64) {
        self.0.retain(|other| other.follower.outbox.id != id);
    }

    pub(super) fn keep_keys(&mut self, keep: &impl Fn(KeyId) -> bool) {
        self.0.retain(|other| keep(other.key));
    }

    pub(super) fn is_followed(&self) -> bool {
        !self.0.is_empty()
    }

    /// Ends the connections of all: they missed something.
    pub(super) fn close(&self) {
        self.0.iter().for_each(|other| other.follower.outbox.overflow());
    }

    /// Tells each that is still there, and lets those go for whom `tell` finds no room.
    pub(super) fn tell(&mut self, mut tell: impl FnMut(&mut Following<F, S>) -> bool) {
        self.0.retain_mut(|other| !other.follower.outbox.is_closed() && tell(other));
    }
}

impl<F: Copy, S> Following<F, S> {
    /// What those have in common who get the same message.
    pub(super) fn rank(&self) -> (Dialect, F) {
        (self.follower.dialect, self.feed)
    }
}
