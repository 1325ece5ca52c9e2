//! What is due and what waits for it (rules 5.7): the exchange does what follows from a record in steps, a few of them a
//! record. Until all is done the writer commits nothing but such records and, between two batches of them, cancels. Everything
//! else waits in its queue, whose bound counts it until it is taken up.

use super::{Item, Writer, second_of};
use crate::config::ClockKind;
use crate::node::NodeEnd;
use crate::node::handle::{Request, Submission, is_cancel};
use loligo_engine::{Command, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most records of one batch in which the exchange goes on with what it has to do. Each is a fifth of a millisecond of work, and a
/// cancel waits for a batch and its sync; a sync for each would take longer than the work.
const ADVANCES: usize = 16;

/// Requests that were taken from the queue before their turn, and how many records the next batch of steps has.
pub(super) struct Held {
    requests: VecDeque<Request>,
    /// Twice as many as the last, so that little is done by few: what a batch has too many of comes to nothing.
    records: usize,
}

impl Default for Held {
    fn default() -> Self {
        Self { requests: VecDeque::new(), records: 1 }
    }
}

impl Held {
    /// Puts a request before all that wait.
    pub(super) fn put_back(&mut self, request: Request) {
        self.requests.push_front(request);
    }

    pub(super) fn pop(&mut self) -> Option<Request> {
        self.requests.pop_front()
    }
}

impl Writer {
    /// When the real clock has something due: the house's next second, and what the exchange waits for. A clock that is
    /// moved by hand has nothing due by itself.
    pub(super) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        if self.clock != ClockKind::Real {
            return None;
        }
        let tick = Timestamp((self.stepped + 1).max(second_of(now)).saturating_mul(Timestamp::SECOND));
        let timer = self.exchange_due().map(|due| match self.full {
            // What cannot be remembered is not tried without a pause.
            Some(_) => due.max(Timestamp(now.0.saturating_add(self.full_retry.as_micros() as i64))),
            None => due,
        });
        [self.house.as_ref().map(|_| tick), timer].into_iter().flatten().min()
    }

    /// When the exchange has something due: a timer, or a listing.
    fn exchange_due(&self) -> Option<Timestamp> {
        let listing = self.listing.as_ref().map(|(at, _)| *at);
        [self.venue.exchange.next_due(), listing].into_iter().flatten().min()
    }

    /// Does all that is due up to a time, and lets cancels in between. A full disk ends it early. False when the log was taken up
    /// anew meanwhile, and time with it.
    pub(super) fn finish(&mut self, time: Timestamp) -> Result<bool, NodeEnd> {
        let epoch = Arc::clone(&self.epoch);
        while self.venue.exchange.is_due(time) && !self.is_pausing() {
            self.advance(time)?;
            if self.full.is_some() {
                break;
            }
            if !Arc::ptr_eq(&epoch, &self.epoch) {
                return Ok(false);
            }
            self.commit_cancels(time)?;
        }
        Ok(Arc::ptr_eq(&epoch, &self.epoch))
    }

    /// One batch of what is due up to a time.
    pub(super) fn advance(&mut self, time: Timestamp) -> Result<(), NodeEnd> {
        let steps = vec![Command::Advance; self.held.records];
        self.commit_one(time, vec![Item::House(steps)])?;
        let more = self.full.is_none() && self.venue.exchange.is_due(time);
        self.held.records = if more { (2 * self.held.records).min(ADVANCES) } else { 1 };
        Ok(())
    }

    /// Commits the cancels among what is to be committed by a time up to which much may be due: a batch of that is before them, and
    /// not all of it. Gives the others, which wait for all, and the time at which they are committed then.
    pub(super) fn let_cancels_in(
        &mut self,
        time: Timestamp,
        items: Vec<Item>,
    ) -> Result<(Timestamp, Vec<Item>), NodeEnd> {
        let cancels =
            |item: &Item| matches!(item, Item::Commands { submissions, .. } if only_cancels(submissions));
        if self.is_pausing() || !items.iter().any(cancels) {
            return Ok((time, items));
        }
        let epoch = Arc::clone(&self.epoch);
        // What is listed comes at its own instant, before anything later.
        let until = self.listing.as_ref().map_or(time, |(at, _)| time.min(*at));
        if !self.venue.exchange.is_busy() && self.venue.exchange.is_due(until) {
            self.advance(until)?;
            if !Arc::ptr_eq(&epoch, &self.epoch) {
                return Ok(self.anew(items));
            }
        }
        // Time stands still then, and they do nothing but cancel.
        if !self.venue.exchange.is_busy() {
            return Ok((time, items));
        }
        let (cancels, others) = items.into_iter().partition(cancels);
        self.commit_one(self.time().min(until), cancels)?;
        Ok(if Arc::ptr_eq(&epoch, &self.epoch) { (time, others) } else { self.anew(others) })
    }

    /// Commits the cancels among all that has come; the others wait. None of them takes the exchange further than to a time: what is
    /// listed then is not there yet.
    fn commit_cancels(&mut self, until: Timestamp) -> Result<(), NodeEnd> {
        let (mut items, mut records) = (Vec::new(), 0);
        while records < super::COMMIT_RECORDS {
            let Ok(request) = self.requests.try_recv() else { break };
            match request {
                Request::Submit { submissions, reply } if only_cancels(&submissions) => {
                    self.left_queue(submissions.len());
                    records += submissions.len();
                    items.push(Item::Commands { submissions, reply });
                }
                other => self.held.requests.push_back(other),
            }
        }
        if items.is_empty() { Ok(()) } else { self.commit_one(self.time().min(until), items) }
    }
}

fn only_cancels(submissions: &[Submission]) -> bool {
    submissions.iter().all(|one| is_cancel(&one.command))
}

/// True for what may concern everybody: nobody's orders are committed with it, and it is answered when all that follows from it
/// has happened.
pub(super) fn is_far_reaching(submissions: &[Submission]) -> bool {
    submissions.iter().any(|one| {
        matches!(
            one.command,
            Command::PublishIndex { .. }
                | Command::PinIndex { .. }
                | Command::PinMark { .. }
                | Command::PinPrices { .. }
                | Command::SetMarketState { .. }
                | Command::Expire { .. }
        )
    })
}
