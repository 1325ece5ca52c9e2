//! Notices to clients.

use super::private::KrakenRequest;
use super::{Answer, Kraken};
use crate::grid::time;
use crate::login::Caller;
use crate::projection::NoticeEntry;
use crate::record::{NoticeKind, NoticePriority};
use loligo_wire::notices::{self as wire, Notice};
use loligo_wire::v3::responses;

impl Kraken {
    pub(super) async fn notifications(&self, asked: KrakenRequest<'_>, caller: Caller) -> Answer {
        asked.active(&caller)?;
        let notices = asked.directory.notices().iter().map(notice);
        let mut body = Vec::with_capacity(256);
        responses::write_notifications(&mut body, notices, time(self.node.now()));
        Ok(body)
    }
}

/// A notice in the words of the dialect.
pub(super) fn notice(entry: &NoticeEntry) -> Notice<'_> {
    let NoticeEntry { id, notice } = entry;
    Notice {
        id: id.0,
        notice_type: match notice.kind {
            NoticeKind::Market => wire::NoticeType::Market,
            NoticeKind::General => wire::NoticeType::General,
            NoticeKind::NewFeature => wire::NoticeType::NewFeature,
            NoticeKind::BugFix => wire::NoticeType::BugFix,
            NoticeKind::Maintenance => wire::NoticeType::Maintenance,
            NoticeKind::Settlement => wire::NoticeType::Settlement,
        },
        priority: match notice.priority {
            NoticePriority::Low => wire::NoticePriority::Low,
            NoticePriority::Medium => wire::NoticePriority::Medium,
            NoticePriority::High => wire::NoticePriority::High,
        },
        note: &notice.note,
        effective_time: time(notice.effective),
        expected_downtime_minutes: notice.downtime_minutes,
    }
}
