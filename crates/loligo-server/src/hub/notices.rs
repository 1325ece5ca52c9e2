//! Notices to clients, which are the same for all: who follows them under which key.

use super::encoder::message;
use super::{Dialects, Follower, Joined, Shared, place};
use crate::projection::NoticeEntry;
use crate::record::KeyId;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Notices {
    /// In the order of their dialects.
    followers: Vec<(Follower, KeyId)>,
    /// What they were told last.
    told: Arc<Vec<NoticeEntry>>,
}

impl Notices {
    pub(super) fn join(&mut self, follower: &Follower, key: KeyId) -> Joined {
        if self.followers.iter().any(|(other, held)| (other.outbox.id, *held) == (follower.outbox.id, key)) {
            return Joined::Again;
        }
        let at = place(&self.followers, &follower.dialect, |(other, _)| other.dialect);
        self.followers.insert(at, (follower.clone(), key));
        Joined::Anew
    }

    pub(super) fn leave(&mut self, id: u64, key: KeyId) -> bool {
        let before = self.followers.len();
        self.followers.retain(|(other, held)| (other.outbox.id, *held) != (id, key));
        self.followers.len() < before
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.followers.retain(|(other, _)| other.outbox.id != id);
    }

    pub(super) fn keep_keys(&mut self, keep: &impl Fn(KeyId) -> bool) {
        self.followers.retain(|(_, key)| keep(*key));
    }

    pub(super) fn is_followed(&self) -> bool {
        !self.followers.is_empty()
    }

    pub(super) fn close(&self) {
        self.followers.iter().for_each(|(other, _)| other.outbox.overflow());
    }

    /// Tells all notices if they are others than before.
    pub(super) fn tell(&mut self, dialects: &Dialects, notices: &Arc<Vec<NoticeEntry>>) {
        if self.told == *notices {
            return;
        }
        self.told = Arc::clone(notices);
        let mut shared = Shared::new();
        self.followers.retain(|(other, _)| {
            if other.outbox.is_closed() {
                return false;
            }
            let told = shared.of(other.dialect, |of| message(|out| dialects.of(*of).notices(out, notices)));
            told.is_none_or(|told| other.outbox.push(told))
        });
    }
}
