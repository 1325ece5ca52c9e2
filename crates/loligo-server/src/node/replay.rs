//! Records applied again: at a start, for a snapshot, for a follower that fell behind, for `replay` and `verify`.
//!
//! There is one way to do it, and it is the live one: each record through [`Venue::apply`], what it came to through
//! [`Follower::fold`]. Records are read, checked and decoded ahead on one thread; hashing and folding go on behind on another.

use super::StartError;
use super::venue::Venue;
use crate::projection::{Follower, Happened};
use crate::record::{Body, Crossing, Record};
use loligo_engine::RULES_VERSION;
use loligo_journal::{Batch, Reader};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, Scope};

/// Batches that may be decoded ahead of the engine, and as many that may wait to be folded behind it.
const READ_AHEAD: usize = 256;

/// What a replay is given that is never left off.
pub(crate) static GO_ON: AtomicBool = AtomicBool::new(false);

/// Applies what a reader holds, which begins with the record after the venue's, up to the record `to` or to its end. Each of
/// `followers` folds what it does not know yet.
///
/// Ends early, and is no error, when `left_off` turns true.
pub(crate) fn replay(
    reader: Box<dyn Reader>,
    venue: &mut Venue,
    to: u64,
    followers: &[&dyn Follower],
    left_off: &AtomicBool,
) -> Result<(), StartError> {
    let mut chain = std::mem::take(&mut venue.chain);
    let result = std::thread::scope(|scope| {
        let batches = decode_ahead(scope, reader)?;
        let (behind, to_fold) = sync_channel::<Happened>(READ_AHEAD);
        // Buffers come back to be filled again: they are the largest thing that is handed about.
        let (empty, emptied) = sync_channel::<Happened>(READ_AHEAD);
        let folding = move || {
            for mut happened in to_fold {
                for applied in happened.iter() {
                    chain.extend(applied.sequence, applied.events);
                    for follower in followers.iter().filter(|one| one.sequence() < applied.sequence) {
                        follower.fold(applied);
                    }
                }
                happened.clear();
                // Nobody needs it back when the records have come to their end.
                let _ = empty.try_send(happened);
            }
            chain
        };
        let folder = Builder::new().name("loligo-fold".to_owned()).spawn_scoped(scope, folding);
        let folder = folder.map_err(StartError::Thread)?;
        let mut failed = None;
        for batch in batches {
            let mut happened = emptied.try_recv().unwrap_or_default();
            if let Err(error) = batch.and_then(|records| apply_all(venue, records, to, &mut happened)) {
                failed = Some(error);
                break;
            }
            if behind.send(happened).is_err() || venue.sequence >= to || left_off.load(Ordering::Relaxed) {
                break;
            }
        }
        drop(behind);
        match (failed, folder.join()) {
            (None, Ok(chain)) => Ok(chain),
            (Some(error), _) => Err(error),
            (None, Err(panic)) => std::panic::resume_unwind(panic),
        }
    });
    venue.chain = result?;
    Ok(())
}

fn apply_all(
    venue: &mut Venue,
    records: Vec<(u64, Record)>,
    to: u64,
    happened: &mut Happened,
) -> Result<(), StartError> {
    for (sequence, record) in records.into_iter().filter(|(sequence, _)| *sequence <= to) {
        apply_next(venue, sequence, &record, happened)?;
    }
    Ok(())
}

/// Applies the record that must be next.
pub(crate) fn apply_next(
    venue: &mut Venue,
    sequence: u64,
    record: &Record,
    happened: &mut Happened,
) -> Result<(), StartError> {
    if sequence != venue.sequence + 1 {
        return Err(StartError::Gap { expected: venue.sequence + 1, found: sequence });
    }
    check_rules(venue, sequence, record)?;
    venue.apply(record, happened)?;
    Ok(())
}

/// Refuses a record that this version would make something else of than the one that wrote it.
pub(crate) fn check_rules(venue: &Venue, sequence: u64, record: &Record) -> Result<(), StartError> {
    let rules = match &record.body {
        Body::Genesis { rules, .. } => *rules,
        Body::Crossing(Crossing { from, state, .. }) => {
            let fits = *from == venue.rules && *state == venue.exchange.state_hash();
            return if fits { Ok(()) } else { Err(StartError::Crossing(sequence)) };
        }
        Body::Command(_) | Body::Fact(_) => venue.rules,
    };
    if rules == RULES_VERSION { Ok(()) } else { Err(StartError::OtherRules { sequence, rules }) }
}

pub(crate) fn decode(sequence: u64, bytes: &[u8]) -> Result<Record, StartError> {
    Record::decode(bytes).map_err(|error| StartError::Record { sequence, error })
}

/// The records of a batch.
pub(crate) fn decode_all(batch: &Batch) -> Decoded {
    let mut records = Vec::with_capacity(batch.len());
    for (sequence, bytes) in batch.iter() {
        records.push((sequence, decode(sequence, bytes)?));
    }
    Ok(records)
}

type Decoded = Result<Vec<(u64, Record)>, StartError>;

/// Reads and decodes on another thread, some batches ahead of who takes them.
fn decode_ahead<'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut reader: Box<dyn Reader>,
) -> Result<Receiver<Decoded>, StartError> {
    let (sender, batches) = sync_channel(READ_AHEAD);
    let reading = move || {
        loop {
            let decoded: Decoded = match reader.next_batch() {
                Ok(None) => break,
                Ok(Some(batch)) => decode_all(&batch),
                Err(error) => Err(error.into()),
            };
            let failed = decoded.is_err();
            if sender.send(decoded).is_err() || failed {
                break;
            }
        }
    };
    Builder::new().name("loligo-read".to_owned()).spawn_scoped(scope, reading).map_err(StartError::Thread)?;
    Ok(batches)
}
