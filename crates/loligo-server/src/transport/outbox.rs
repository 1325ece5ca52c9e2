//! What waits for one connection: frames, shared with every other connection that gets them.

use crate::transport::bounds::FeedBounds;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::Notify;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// A message, encoded once and shared.
pub(crate) type Frame = Utf8Bytes;

/// Encodes a message.
pub(crate) fn frame(write: impl FnOnce(&mut Vec<u8>)) -> Frame {
    #[cfg(test)]
    ENCODED.with(|count| count.set(count.get() + 1));
    let mut out = Vec::with_capacity(256);
    write(&mut out);
    String::from_utf8(out).expect("JSON is text").into()
}

#[cfg(test)]
thread_local! {
    /// Messages that this thread has encoded.
    pub(crate) static ENCODED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// The near end of a connection's queue. Whoever puts something in never waits; a queue that is too full is closed.
pub(crate) struct Outbox {
    /// The connection's number.
    pub(crate) id: u64,
    frames: Sender<Frame>,
    bytes: AtomicUsize,
    most_bytes: usize,
    full: AtomicBool,
    filled: Notify,
}

impl Outbox {
    /// An empty queue and its far end.
    pub(crate) fn new(id: u64, bounds: &FeedBounds) -> (Arc<Self>, Receiver<Frame>) {
        let (frames, queue) = channel(bounds.queue_frames);
        let outbox = Self {
            id,
            frames,
            bytes: AtomicUsize::new(0),
            most_bytes: bounds.queue_bytes,
            full: AtomicBool::new(false),
            filled: Notify::new(),
        };
        (Arc::new(outbox), queue)
    }

    /// Puts a frame in. False when it finds no room, and ever after: what was lost must not be followed by anything.
    pub(crate) fn push(&self, frame: Frame) -> bool {
        if self.is_closed() {
            return false;
        }
        let bytes = frame.len();
        // One frame passes beyond the bound, so that no single one is too large for any queue.
        let room = self.bytes.fetch_add(bytes, Ordering::Relaxed) <= self.most_bytes;
        if room && self.frames.try_send(frame).is_ok() {
            return true;
        }
        self.overflow();
        false
    }

    /// Whether it is closed: nothing more goes in, so nothing need be made for it.
    pub(crate) fn is_closed(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Closes the queue: something that belongs in it is lost.
    pub(crate) fn overflow(&self) {
        self.full.store(true, Ordering::Release);
        self.filled.notify_one();
    }

    /// Waits until the queue is closed.
    pub(crate) async fn overflowed(&self) {
        while !self.is_closed() {
            self.filled.notified().await;
        }
    }

    /// Gives the room of frames back that were taken out.
    pub(crate) fn took(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(queue_frames: usize, queue_bytes: usize) -> (Arc<Outbox>, Receiver<Frame>) {
        Outbox::new(1, &FeedBounds { queue_frames, queue_bytes, ..FeedBounds::default() })
    }

    #[tokio::test]
    async fn a_queue_that_was_too_full_once_takes_nothing_more() {
        for (outbox, mut queue) in [outbox(2, 100), outbox(100, 3)] {
            assert!(outbox.push("ab".into()) && outbox.push("cd".into()));
            assert!(!outbox.push("ef".into()), "no room");
            outbox.overflowed().await;
            assert_eq!(queue.try_recv().as_deref(), Ok("ab"));
            outbox.took(2);
            assert!(!outbox.push("gh".into()), "a hole must not be passed over");
            assert_eq!(queue.try_recv().as_deref(), Ok("cd"));
            assert!(queue.try_recv().is_err());
        }
    }

    #[test]
    fn a_frame_larger_than_the_bound_passes_an_empty_queue() {
        let (outbox, mut queue) = outbox(10, 3);
        assert!(outbox.push("a whole book".into()));
        assert!(queue.try_recv().is_ok());
        outbox.took("a whole book".len());
        assert!(outbox.push("next".into()));
    }
}
