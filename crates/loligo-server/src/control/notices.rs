//! Verbs for notices to clients.

use super::body::{Nothing, read};
use super::verbs::fact_trouble;
use super::{Control, Refused, Trouble};
use crate::projection::{ListedInstrument, NoticeEntry};
use crate::record::{Fact, FactOutcome, Notice, NoticeId, NoticeKind, NoticePriority};
use crate::report::time_text;
use http::StatusCode;
use loligo_engine::{MarketState, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoticeBody {
    #[serde(rename = "type", default)]
    kind: Kind,
    #[serde(default)]
    priority: Priority,
    note: String,
    /// Now, when it is left out.
    effective_time: Option<String>,
    expected_downtime_minutes: Option<u32>,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Market,
    #[default]
    General,
    NewFeature,
    BugFix,
    Maintenance,
    Settlement,
}

#[derive(Clone, Copy, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Priority {
    Low,
    #[default]
    Medium,
    High,
}

impl Control {
    pub(super) fn notices_shown(&self) -> Value {
        let directory = self.node.views().directory();
        json!({ "notifications": directory.notices().iter().map(shown).collect::<Vec<_>>() })
    }

    pub(super) async fn give_notice(&self, body: &[u8]) -> Result<Value, Trouble> {
        let NoticeBody { kind, priority, note, effective_time, expected_downtime_minutes } = read(body)?;
        let effective = match effective_time {
            Some(text) => instant(&text, "effective_time")?,
            None => self.node.now(),
        };
        let kind = match kind {
            Kind::Market => NoticeKind::Market,
            Kind::General => NoticeKind::General,
            Kind::NewFeature => NoticeKind::NewFeature,
            Kind::BugFix => NoticeKind::BugFix,
            Kind::Maintenance => NoticeKind::Maintenance,
            Kind::Settlement => NoticeKind::Settlement,
        };
        let priority = match priority {
            Priority::Low => NoticePriority::Low,
            Priority::Medium => NoticePriority::Medium,
            Priority::High => NoticePriority::High,
        };
        let downtime_minutes = expected_downtime_minutes;
        self.give(Notice { kind, priority, note, effective, downtime_minutes, plan: None }).await
    }

    /// Announces what will become of a contract, which then happens by itself.
    pub(super) async fn plan_market(
        &self,
        contract: &ListedInstrument,
        (state, word): (MarketState, &str),
        at: &str,
    ) -> Result<Value, Trouble> {
        let notice = Notice {
            kind: NoticeKind::Maintenance,
            priority: NoticePriority::High,
            note: format!("{} will be {word}", contract.instrument.spec().symbol),
            effective: instant(at, "at")?,
            downtime_minutes: None,
            plan: Some((contract.id, state)),
        };
        self.give(notice).await
    }

    /// Tells clients that a perpetual is delisted, once. The delisting stands whether there is room for one more notice or not.
    pub(super) async fn announce_delisting(
        &self,
        contract: &ListedInstrument,
        settles_at: Timestamp,
    ) -> Result<(), Trouble> {
        let symbol = &contract.instrument.spec().symbol;
        let notice = Notice {
            kind: NoticeKind::Settlement,
            priority: NoticePriority::High,
            note: format!("{symbol} is delisted: it takes post-only orders until its positions are settled"),
            effective: settles_at,
            downtime_minutes: None,
            plan: None,
        };
        let directory = self.node.views().directory();
        if !directory.notices().iter().any(|given| given.notice == notice) {
            self.give(notice).await?;
        }
        Ok(())
    }

    async fn give(&self, notice: Notice) -> Result<Value, Trouble> {
        match self.node.record(Fact::NoticeGiven(notice.clone())).await.map_err(fact_trouble)? {
            FactOutcome::NoticeGiven(id) => Ok(shown(&NoticeEntry { id, notice })),
            outcome => unreachable!("a notice came to {outcome:?}"),
        }
    }

    pub(super) async fn end_notice(&self, id: &str, body: &[u8]) -> Result<Value, Trouble> {
        let Nothing {} = read(body)?;
        let unknown = || Refused::new(StatusCode::NOT_FOUND, "there is no such notice");
        let notice = NoticeId(id.parse().map_err(|_| unknown())?);
        self.node.record(Fact::NoticeEnded { notice }).await.map_err(fact_trouble)?;
        Ok(json!({ "id": notice.0 }))
    }
}

fn instant(text: &str, member: &str) -> Result<Timestamp, Refused> {
    let at = loligo_wire::time::Timestamp::parse(text.as_bytes());
    let at = at.map_err(|_| Refused::bad(format!("`{member}` wants a time such as 2026-01-01T00:00:00Z")))?;
    Ok(Timestamp(at.micros()))
}

fn shown(entry: &NoticeEntry) -> Value {
    let NoticeEntry { id, notice: Notice { kind, priority, note, effective, downtime_minutes, plan: _ } } =
        entry;
    let kind = match kind {
        NoticeKind::Market => Kind::Market,
        NoticeKind::General => Kind::General,
        NoticeKind::NewFeature => Kind::NewFeature,
        NoticeKind::BugFix => Kind::BugFix,
        NoticeKind::Maintenance => Kind::Maintenance,
        NoticeKind::Settlement => Kind::Settlement,
    };
    let priority = match priority {
        NoticePriority::Low => Priority::Low,
        NoticePriority::Medium => Priority::Medium,
        NoticePriority::High => Priority::High,
    };
    json!({
        "id": id.0,
        "type": kind,
        "priority": priority,
        "note": note,
        "effective_time": time_text(*effective),
        "expected_downtime_minutes": downtime_minutes,
    })
}
