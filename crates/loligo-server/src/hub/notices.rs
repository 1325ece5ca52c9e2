//! Notices to clients, which are the same for all: who follows them under which key.

use super::encoder::message;
use super::followers::Followers;
use super::{Dialects, Shared};
use crate::projection::NoticeEntry;
use std::sync::Arc;

#[derive(Default)]
pub(super) struct Notices {
    pub(super) followers: Followers<(), ()>,
    /// What they were told last.
    told: Arc<Vec<NoticeEntry>>,
}

impl Notices {
    /// Tells all notices if they are others than before.
    pub(super) fn tell(&mut self, dialects: &Dialects, notices: &Arc<Vec<NoticeEntry>>) {
        if self.told == *notices {
            return;
        }
        self.told = Arc::clone(notices);
        let mut shared = Shared::new();
        self.followers.tell(|other| {
            let told =
                shared.of(other.follower.dialect, |of| message(|out| dialects.of(*of).notices(out, notices)));
            told.is_none_or(|told| other.follower.outbox.push(told))
        });
    }
}
