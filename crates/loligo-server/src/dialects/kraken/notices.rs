//! Notices to clients.

use super::private::KrakenRequest;
use super::{Answer, Kraken};
use crate::grid::time;
use crate::login::Caller;
use crate::projection::NoticeEntry;
use crate::record::{NoticeKind, NoticePriority};
use loligo_wire::v3::responses;
use loligo_wire::ws1;

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
pub(super) fn notice(entry: &NoticeEntry) -> ws1::Notice<'_> {
    let NoticeEntry { id, notice } = entry;
    ws1::Notice {
        id: id.0,
        notice_type: match notice.kind {
            NoticeKind::Market => ws1::NoticeType::Market,
            NoticeKind::General => ws1::NoticeType::General,
            NoticeKind::NewFeature => ws1::NoticeType::NewFeature,
            NoticeKind::BugFix => ws1::NoticeType::BugFix,
            NoticeKind::Maintenance => ws1::NoticeType::Maintenance,
            NoticeKind::Settlement => ws1::NoticeType::Settlement,
        },
        priority: match notice.priority {
            NoticePriority::Low => ws1::NoticePriority::Low,
            NoticePriority::Medium => ws1::NoticePriority::Medium,
            NoticePriority::High => ws1::NoticePriority::High,
        },
        note: &notice.note,
        effective_time: time(notice.effective),
        expected_downtime_minutes: notice.downtime_minutes,
    }
}
