//! Notices to clients.

use crate::json::{Object, write_array, write_success};
use crate::notices::Notice;
use crate::time::Timestamp;

/// Appends the whole answer of `/notifications`.
pub fn write_notifications<'a>(
    out: &mut Vec<u8>,
    notices: impl IntoIterator<Item = Notice<'a>>,
    server_time: Timestamp,
) {
    write_success(out, server_time, |answer| {
        write_array(answer.member("notifications"), notices, |out, notice| {
            let mut element = Object::new(out);
            element.string("type", notice.notice_type.as_str());
            element.string("priority", notice.priority.as_str());
            element.string("note", notice.note);
            element.time("effectiveTime", notice.effective_time);
            if let Some(minutes) = notice.expected_downtime_minutes {
                element.int("expectedDowntimeMinutes", minutes);
            }
            element.end();
        });
    });
}
