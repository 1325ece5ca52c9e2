//! Notices to clients, which are answered over HTTP and told on a feed.

use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What a notice is about.
    pub enum NoticeType {
        Market = "market",
        General = "general",
        NewFeature = "new_feature",
        BugFix = "bug_fix",
        Maintenance = "maintenance",
        Settlement = "settlement",
    }
}

words! {
    /// How much a notice matters.
    pub enum NoticePriority {
        Low = "low",
        Medium = "medium",
        High = "high",
    }
}

/// A notice to clients. One of high priority about maintenance announces that the exchange will be down.
#[derive(Clone, Copy, Debug)]
pub struct Notice<'a> {
    /// Its number.
    pub id: u64,
    /// What it is about.
    pub notice_type: NoticeType,
    /// How much it matters.
    pub priority: NoticePriority,
    /// Its text.
    pub note: &'a str,
    /// From when on it holds.
    pub effective_time: Timestamp,
    /// For how many minutes the exchange is expected to be down.
    pub expected_downtime_minutes: Option<u32>,
}
