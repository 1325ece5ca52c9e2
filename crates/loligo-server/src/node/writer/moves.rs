//! A manual clock on its way.
//!
//! Over a live market every second has records of its own, and a sync for each would take most of the time. So the house's
//! seconds are gathered: the house market needs the exchange as the second before left it, so each is applied as it is made, and
//! what happened is kept back. Then the batch is committed, and only then published. Should that fail, the process ends
//! and the next start decides; nobody was told anything.

use super::{Writer, changes_directory, second_of};
use crate::market::HouseMarket;
use crate::node::NodeEnd;
use crate::node::clock::ClockError;
use crate::node::handle::{NOT_MOVING, SubmitError, Target};
use crate::node::venue::Poisoned;
use crate::record::encode_command;
use loligo_engine::{Command, Timestamp};
use loligo_journal::{AppendError, Urgency};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// How long seconds are gathered for one commit, in microseconds. Others wait for a commit, for as long again until it is in the
/// views, and for a sync; with this a sync costs less than the work that it is shared by.
const GATHER_MICROS: i64 = 1_500;
/// Most records of one such commit; the second in which it is reached is finished. A full disk has to take one from its
/// reserve, and leave room for cancels there.
const GATHER_RECORDS: usize = 1_024;
/// Moves that may wait for each other. More than a few are a mistake.
const MOVES: usize = 64;

type Answer = oneshot::Sender<Result<Timestamp, ClockError>>;

/// The moves that were asked for, the one under way first.
#[derive(Default)]
pub(super) struct Moves {
    asked: VecDeque<(Target, Answer)>,
    /// The last second in which the house market has traded; it quotes when what follows from that is done.
    traded: i64,
}

impl Moves {
    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }
}

impl Writer {
    pub(super) fn begin_move(&mut self, to: Target, answer: Answer) {
        if self.moves.asked.len() >= MOVES {
            // Who asked may have gone away.
            return drop(answer.send(Err(SubmitError::Overloaded.into())));
        }
        self.moves.asked.push_back((to, answer));
        self.target();
    }

    /// Ends all moves where the clock stands.
    pub(super) fn end_moves(&mut self) {
        let at = self.venue.exchange.now();
        let asked = std::mem::take(&mut self.moves.asked);
        self.target();
        for (_, answer) in asked {
            // Who asked may have gone away.
            let _ = answer.send(Err(ClockError::Ended { at }));
        }
    }

    /// The house begins its seconds anew, on another branch.
    pub(super) fn begin_seconds(&mut self) {
        self.stepped = second_of(self.venue.exchange.now());
        self.moves.traded = self.stepped;
    }

    /// Where the move under way goes, for everyone to see.
    fn target(&mut self) -> Option<Timestamp> {
        let now = self.venue.exchange.now();
        let target = self.moves.asked.front_mut().map(|(to, _)| {
            let target = match *to {
                Target::At(target) => target,
                Target::After(micros) => now.plus(micros),
            };
            *to = Target::At(target);
            target
        });
        self.shared.moving_to.store(target.map_or(NOT_MOVING, |target| target.0), Ordering::Release);
        target
    }

    /// The next step of the move under way, and its answer if that was the last.
    pub(super) fn step_move(&mut self) -> Result<(), NodeEnd> {
        let Some(target) = self.target() else { return Ok(()) };
        if self.house.is_some() && self.house_second() <= target {
            self.pass_seconds(target)?;
        } else if self.is_moving(target) {
            // What is listed comes at its own instant.
            let stop = self.listing.as_ref().map_or(target, |(at, _)| target.min(*at));
            if self.is_under_way(stop) {
                self.advance(stop)?;
            } else {
                self.list_due(stop)?;
            }
        }
        let at = self.venue.exchange.now();
        let answer = if !self.is_moving(target) {
            Ok(at)
        } else if self.full.is_some() {
            Err(ClockError::DiskFull { at })
        } else {
            return Ok(());
        };
        let done = self.moves.asked.pop_front();
        self.target();
        if let Some((_, reply)) = done {
            // Who asked may have gone away; the clock has moved all the same.
            let _ = reply.send(answer);
        }
        Ok(())
    }

    /// Whether anything up to a time is still to come: of the exchange, of the calendar, or of the house's second.
    fn is_moving(&self, to: Timestamp) -> bool {
        self.is_under_way(to)
            || self.listing.as_ref().is_some_and(|(at, _)| *at <= to)
            || (self.house.is_some() && self.house_second() <= to)
    }

    /// Whether the exchange is not at a time yet, or has not done all that is due by then.
    fn is_under_way(&self, to: Timestamp) -> bool {
        self.venue.exchange.now() < to || self.venue.exchange.is_due(to)
    }

    /// The house's next second, or the one of which it has done the first half.
    fn house_second(&self) -> Timestamp {
        match self.moves.traded > self.stepped {
            true => Timestamp(self.moves.traded.saturating_mul(Timestamp::SECOND)),
            false => self.next_second(),
        }
    }

    /// The next full second; the one at which the clock stands, where it came there for a listing and the house has not.
    fn next_second(&self) -> Timestamp {
        let now = self.venue.exchange.now();
        let second = second_of(now);
        let missed = second > self.stepped && now.0 == second.saturating_mul(Timestamp::SECOND);
        Timestamp((second + i64::from(!missed)).saturating_mul(Timestamp::SECOND))
    }

    /// As many of the house's seconds as one commit takes.
    fn pass_seconds(&mut self, target: Timestamp) -> Result<(), NodeEnd> {
        let first = self.house_second();
        if self.full.is_some() {
            // Nothing is applied ahead that may not fit: one second, as on a clock that goes by itself.
            return if self.is_pausing() { Ok(()) } else { self.step_house(first) };
        }
        if self.listing.as_ref().is_some_and(|(at, _)| *at <= first) {
            let at = self.listing.as_ref().map_or(first, |(at, _)| *at);
            if self.is_under_way(at) {
                return self.advance(at);
            }
        }
        if !self.list_due(first)? || self.full.is_some() {
            return Ok(());
        }
        self.records.clear();
        let after = self.venue.sequence;
        let applied = self.gather(first, target);
        // What the engine panicked on is remembered, too: a start finds it, and names it.
        if self.remember_gathered()? != Some(after + 1) {
            // Others were first, or the log is elsewhere: what was applied ahead is not what the log says.
            return self.change_epoch();
        }
        applied?;
        self.publish(0);
        self.announce().map(drop)
    }

    /// A listing may have brought the clock to the `first` second already; the house's part of it is still to come.
    fn gather(&mut self, first: Timestamp, target: Timestamp) -> Result<(), Poisoned> {
        let begun = self.shared.machine.monotonic_micros();
        let mut time = first;
        let mut before = self.happened.events().len();
        loop {
            let second = second_of(time);
            if self.venue.exchange.is_due(time) {
                self.apply_ahead(time, &Command::Advance)?;
            } else {
                // The house looks at the exchange when all that is due is done.
                let trades = self.moves.traded < second;
                *(if trades { &mut self.moves.traded } else { &mut self.stepped }) = second;
                let Some(house) = &mut self.house else { return Ok(()) };
                let step = if trades { HouseMarket::trade } else { HouseMarket::quote };
                for command in step(house, second, time, &self.venue.exchange) {
                    self.apply_ahead(time, &command)?;
                }
                // A room without anything to say still lets the second pass.
                if !trades && self.venue.exchange.now() < time {
                    self.apply_ahead(time, &Command::Advance)?;
                }
            }
            let passed = self.stepped >= second;
            if !passed && !self.venue.exchange.is_due(time) {
                continue;
            }
            // A second is committed whole, unless what is due in it takes long: then it goes on where it was left.
            let next = if passed { self.next_second() } else { time };
            if next > target
                || self.records.len() >= GATHER_RECORDS
                || self.shared.machine.monotonic_micros() - begun >= GATHER_MICROS
            {
                return Ok(());
            }
            if passed {
                // What is listed comes at its own instant, and its view begins with the prices of that moment.
                if self.listing.as_ref().is_some_and(|(at, _)| *at <= next)
                    || changes_directory(&self.happened.events()[before..])
                {
                    return Ok(());
                }
                before = self.happened.events().len();
            }
            time = next;
        }
    }

    fn apply_ahead(&mut self, time: Timestamp, command: &Command) -> Result<(), Poisoned> {
        self.records.push_with(|to| encode_command(to, time, None, command));
        self.venue.command(time, None, command, &mut self.happened)?;
        Ok(())
    }

    /// Commits what was gathered: the place of its first record, or none when the log has gone to another branch. It is applied
    /// already: on a full disk the reserve has to take it.
    fn remember_gathered(&mut self) -> Result<Option<u64>, NodeEnd> {
        let time = self.venue.exchange.now();
        let mut placed = self.journal.append(time.0, &self.records, Urgency::Ordinary);
        if let Err(AppendError::Full) = placed {
            self.found_full();
            placed = self.journal.append(time.0, &self.records, Urgency::Urgent);
        }
        match placed {
            Ok(first) => Ok(Some(first)),
            Err(AppendError::Moved { .. }) => Ok(None),
            Err(error) => Err(self.journal_failed(&error)),
        }
    }
}
