//! Checkpoints: moving what is in the write-ahead log into the database, off the writer's path.
//!
//! A thread copies the bulk, started by the size of the log. It can never copy all of it while the writer goes on,
//! and only a log that was copied whole is begun anew; so once the rest is small the writer copies that rest itself,
//! between two commits. When the thread falls behind and the log reaches its bound, the writer waits and helps.

use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use crate::error::JournalError;
use crate::sqlite::paths::{Paths, io_error};
use crate::sqlite::store::{Access, PAGE_BYTES, Store};

/// A page in the log and its header.
const FRAME_BYTES: u64 = PAGE_BYTES as u64 + 24;
/// What the writer copies itself at most: about a millisecond of its time.
const REST_BYTES: u64 = 512 * 1024;

/// How far a checkpoint came: frames in the log, frames copied.
type Progress = rusqlite::Result<(u32, u32)>;

fn passive(connection: &Connection) -> Progress {
    let (log, copied) = connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE)?;
    Ok((u32::try_from(log).unwrap_or(0), u32::try_from(copied).unwrap_or(0)))
}

/// Copies everything, syncs it, and empties the log.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<()> {
    connection.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE).map(drop)
}

/// The same at a start, where a full disk or someone else who reads must not keep the venue from opening.
pub(crate) fn at_start(connection: &Connection) -> rusqlite::Result<()> {
    match all(connection) {
        Err(error) if harmless(&error) => Ok(()),
        result => result,
    }
}

/// Whether a failed checkpoint may simply be tried again: nothing was synced and nothing was lost.
fn harmless(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

/// The thread, and the writer's view of it.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    orders: Option<SyncSender<()>>,
    results: Receiver<Progress>,
    thread: Option<JoinHandle<()>>,
    running: bool,
    paused: bool,
    start_frames: u32,
    bound_frames: u32,
    rest_frames: u32,
    /// Frames in the log when the last round ended: the next round starts this much later.
    settled: u32,
    /// Frames seen last, to notice that the log was begun anew.
    seen: u32,
}

impl Checkpointer {
    /// Starts the thread with a connection of its own.
    pub(crate) fn start(paths: &Paths, start_bytes: u64, bound_bytes: u64) -> Result<Self, JournalError> {
        let store = Store::open(paths, Access::Write)?;
        // At most one round is under way.
        let (orders, inbox) = sync_channel::<()>(1);
        let (outbox, results) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("journal-checkpoint".to_owned())
            .spawn(move || {
                while inbox.recv().is_ok() {
                    if outbox.send(passive(&store.connection)).is_err() {
                        break;
                    }
                }
            })
            .map_err(io_error("start the checkpoint thread of", &paths.db))?;
        let frames = |bytes: u64| u32::try_from(bytes / FRAME_BYTES).unwrap_or(u32::MAX).max(1);
        Ok(Self {
            orders: Some(orders),
            results,
            thread: Some(thread),
            running: false,
            paused: false,
            start_frames: frames(start_bytes),
            bound_frames: frames(bound_bytes),
            rest_frames: frames(REST_BYTES.min(start_bytes / 4)),
            settled: 0,
            seen: 0,
        })
    }

    /// The writer's share, called between commits with the number of frames now in the log.
    ///
    /// The error is a reason to stop for good: after a failed sync the pages of the database may be lost without a
    /// trace, and a log that is begun anew would lose the only other copy.
    pub(crate) fn step(&mut self, connection: &Connection, frames: u32) -> Result<(), String> {
        if self.paused {
            return Ok(());
        }
        if frames < self.seen {
            self.settled = 0;
        }
        self.seen = frames;
        if self.running {
            let done = if frames >= self.bound_frames.saturating_add(self.settled) {
                self.results.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.results.try_recv()
            };
            let progress = match done {
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err("the checkpoint thread ended".to_owned()),
                Ok(progress) => progress,
            };
            self.running = false;
            let (_, copied) = self.judge(progress, frames)?;
            let rest = frames.saturating_sub(copied);
            if rest <= self.rest_frames || frames >= self.bound_frames {
                self.judge(passive(connection), frames)?;
                self.settled = frames;
            } else if copied > self.settled {
                self.settled = copied;
                self.order()?;
            } else {
                // Someone reads an old state and holds the log: try again when it has grown as much again.
                self.settled = frames;
            }
        } else if frames >= self.bound_frames && frames.saturating_sub(self.settled) >= self.rest_frames {
            // It was copied whole, but someone read at the moment when it could have begun anew.
            self.judge(passive(connection), frames)?;
            self.settled = frames;
        } else if frames.saturating_sub(self.settled) >= self.start_frames {
            self.order()?;
        }
        Ok(())
    }

    /// Copies nothing until [`Checkpointer::resume`], and waits for the round that is under way: the database must not grow into
    /// what a full disk has left for commits. The error is that of [`Checkpointer::step`].
    pub(crate) fn pause(&mut self) -> Result<(), String> {
        self.paused = true;
        if std::mem::take(&mut self.running) {
            let progress = self.results.recv().map_err(|_| "the checkpoint thread ended".to_owned())?;
            self.judge(progress, self.seen)?;
        }
        Ok(())
    }

    /// Copies again.
    pub(crate) fn resume(&mut self) {
        self.paused = false;
    }

    fn order(&mut self) -> Result<(), String> {
        self.running = true;
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(()).is_ok());
        if sent { Ok(()) } else { Err("the checkpoint thread ended".to_owned()) }
    }

    fn judge(&self, progress: Progress, frames: u32) -> Result<(u32, u32), String> {
        match progress {
            Ok(progress) => Ok(progress),
            Err(error) if harmless(&error) => Ok((frames, self.settled)),
            Err(error) => Err(format!("a checkpoint failed: {error}")),
        }
    }

    /// Ends the thread and waits for it.
    pub(crate) fn stop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // It cannot panic; and if it did, the log still holds everything.
            let _ = thread.join();
        }
    }
}
