//! What goes out on one connection, and who writes it.
//!
//! ```text
//! hub --> push ----------> the connection, at once
//!          |                    ^
//!          '--> what waits -----' its task, once the connection takes more
//! ```
//!
//! Whoever puts messages in writes them to the connection by itself: all that get a message get the same bytes, so there is
//! nothing left to do but the system call, and no thread need be woken for it. It never waits. What a connection does not
//! take at once waits in its queue, in order; from then on until nothing waits its task alone writes. Everything goes through
//! here in whole frames, pings, pongs and farewells, too, so no frame ever lands within another. A queue that is too full
//! is closed.

pub(crate) use super::frame::{Frame, frame};

use super::bounds::{FEED_DIRECT_BYTES, FEED_SLICES, FEED_SPARE_FRAMES, FEED_WRITE_BYTES, FeedBounds};
use super::frame::BESIDE_FRAME;
use super::listener::Stream;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::thread::{self, ThreadId};
use tokio::io::{AsyncWrite as _, WriteHalf};
use tokio::sync::Notify;

/// The near end of a connection's queue. Whoever puts something in never waits; a queue that is too full is closed.
pub(crate) struct Outbox {
    /// The connection's number.
    pub(crate) id: u64,
    bounds: FeedBounds,
    over: OnceLock<Over>,
    ended: Notify,
    blocked: Notify,
    queue: Mutex<Queue>,
}

/// Why nothing more goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// It was too full.
    Full,
    /// Something that belongs in it was lost before.
    Lost,
    /// The connection is no more, or is being closed.
    Gone,
}

/// How much waits for a connection: messages, and the bytes of memory that they take up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Waiting {
    /// The greater of both, each by itself.
    pub(crate) fn most(self, other: Self) -> Self {
        Self { messages: self.messages.max(other.messages), bytes: self.bytes.max(other.bytes) }
    }
}

/// What waits for a connection, and its writing end.
struct Queue {
    waiting: VecDeque<Frame>,
    /// Bytes of the first that are written.
    written: usize,
    /// Bytes and messages that wait, of the first all.
    bytes: usize,
    messages: usize,
    /// The most that ever waited after what could be written was.
    most: Waiting,
    /// None before it is open and when it is shut.
    end: Option<WriteHalf<Box<dyn Stream>>>,
    /// Whether its task alone writes.
    is_blocked: bool,
    /// The thread that was last to note that it writes this when it has gathered.
    gathered_by: Option<ThreadId>,
    /// Whether nothing but a farewell goes in.
    is_left: bool,
}

/// How far writing came.
enum Written {
    All,
    /// There is more than one turn's worth.
    Part,
}

/// What a thread has put something into while it gathers.
struct Gathered {
    by: ThreadId,
    outboxes: Vec<Arc<Outbox>>,
}

thread_local! {
    static GATHERED: RefCell<Option<Gathered>> = const { RefCell::new(None) };
}

/// Gathers what this thread puts into outboxes meanwhile, and then writes to each connection all of it at once.
pub(crate) fn gathered<T>(tell: impl FnOnce() -> T) -> T {
    GATHERED.set(Some(Gathered { by: thread::current().id(), outboxes: Vec::new() }));
    let told = tell();
    for outbox in GATHERED.take().into_iter().flat_map(|gathered| gathered.outboxes) {
        let mut queue = outbox.queue();
        queue.gathered_by = None;
        outbox.write(&mut queue);
    }
    told
}

impl Outbox {
    /// A queue, of a connection that is not open yet.
    pub(crate) fn new(id: u64, bounds: &FeedBounds) -> Arc<Self> {
        let queue = Queue {
            waiting: VecDeque::new(),
            written: 0,
            bytes: 0,
            messages: 0,
            most: Waiting::default(),
            end: None,
            is_blocked: true,
            gathered_by: None,
            is_left: false,
        };
        Arc::new(Self {
            id,
            bounds: *bounds,
            over: OnceLock::new(),
            ended: Notify::new(),
            blocked: Notify::new(),
            queue: Mutex::new(queue),
        })
    }

    /// Puts a message in. False when it finds no room, and ever after: what was lost must not be followed by anything.
    pub(crate) fn push(self: &Arc<Self>, frame: Frame) -> bool {
        if self.is_closed() {
            return false;
        }
        let mut queue = self.queue();
        if self.is_full(&queue) {
            self.end(&mut queue, Over::Full);
            return false;
        }
        queue.add(frame);
        if queue.is_blocked {
            queue.note_most();
        } else if queue.bytes >= FEED_WRITE_BYTES || !self.is_gathered(&mut queue) {
            self.write(&mut queue);
        }
        true
    }

    /// What waits for it now, and the most that ever did.
    pub(super) fn waiting(&self) -> (Waiting, Waiting) {
        let queue = self.queue();
        (queue.held(), queue.most)
    }

    /// Whether it is closed: nothing more goes in, so nothing need be made for it.
    pub(crate) fn is_closed(&self) -> bool {
        self.over.get().is_some()
    }

    /// Closes the queue: something that belongs in it is lost.
    pub(crate) fn overflow(&self) {
        self.end(&mut self.queue(), Over::Lost);
    }

    /// Waits until the queue is closed; why it is.
    pub(crate) async fn overflowed(&self) -> Over {
        loop {
            if let Some(over) = self.over.get() {
                return *over;
            }
            self.ended.notified().await;
        }
    }

    /// The connection is there: what is put in is written to it from here on.
    pub(super) fn open(&self, end: WriteHalf<Box<dyn Stream>>) {
        let mut queue = self.queue();
        queue.end = Some(end);
        queue.is_blocked = false;
        self.write(&mut queue);
    }

    /// Puts in what controls the connection: whole frames. A closed queue takes none but the farewell.
    pub(super) fn control(&self, bytes: &[u8]) {
        let mut queue = self.queue();
        if self.is_closed() && !queue.is_left {
            return;
        }
        // Nobody may have us keep any number of answers to its pings.
        if !self.is_closed() && self.is_full(&queue) {
            return self.end(&mut queue, Over::Full);
        }
        queue.add(Frame::of_control(bytes));
        if queue.is_blocked {
            queue.note_most();
        } else {
            self.write(&mut queue);
        }
    }

    /// Waits until it is the task's to write what waits.
    pub(super) async fn blocked(&self) {
        while !self.queue().is_blocked {
            self.blocked.notified().await;
        }
    }

    /// Writes what waits, one turn's worth at most; whether nothing waits any more. Only the task does this.
    pub(super) async fn drain(&self) -> io::Result<bool> {
        let mut turn = 0;
        poll_fn(|context| {
            let mut queue = self.queue();
            let written = ready!(queue.poll_write(context, &mut turn))?;
            // Whoever puts something in writes it again.
            queue.is_blocked = matches!(written, Written::Part);
            Poll::Ready(Ok(!queue.is_blocked))
        })
        .await
    }

    /// Writes all that waits.
    pub(super) async fn drain_all(&self) -> io::Result<()> {
        while !self.drain().await? {}
        Ok(())
    }

    /// Nothing more goes in but a farewell, and of what waits only that is kept which was begun.
    pub(super) fn leave(&self) {
        let mut queue = self.queue();
        self.end(&mut queue, Over::Gone);
        queue.is_left = true;
    }

    /// Gives the connection up.
    pub(super) fn shut(&self) {
        let mut queue = self.queue();
        self.end(&mut queue, Over::Gone);
        queue.end = None;
        queue.written = 0;
        queue.forget();
    }

    /// One passes beyond the bound, so that no single one is too large for any queue.
    fn is_full(&self, queue: &Queue) -> bool {
        let Waiting { messages, bytes } = queue.held();
        bytes > self.bounds.queue_bytes || messages >= self.bounds.queue_frames
    }

    /// Takes what waits for a connection that is not open: its messages as a client reads them.
    #[cfg(test)]
    pub(crate) fn take_waiting(&self) -> Vec<String> {
        let mut queue = self.queue();
        let frames = std::mem::take(&mut queue.waiting);
        (queue.bytes, queue.messages) = (0, 0);
        frames.iter().flat_map(|frame| super::frame::tests::read(frame.bytes())).collect()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this thread gathers; if so it writes this later. Another that does, or does not, need not wait for it.
    fn is_gathered(self: &Arc<Self>, queue: &mut Queue) -> bool {
        GATHERED.with_borrow_mut(|gathered| {
            let Some(Gathered { by, outboxes }) = gathered else { return false };
            if queue.gathered_by != Some(*by) {
                queue.gathered_by = Some(*by);
                outboxes.push(Arc::clone(self));
            }
            true
        })
    }

    /// Writes what waits as far as the connection takes it now; the rest is its task's.
    fn write(&self, queue: &mut Queue) {
        if queue.is_blocked {
            return;
        }
        // Its task waits for nothing that is written here: it asks for itself once it is its turn.
        match queue.poll_write(&mut Context::from_waker(Waker::noop()), &mut 0) {
            Poll::Ready(Ok(Written::All)) => {}
            Poll::Ready(Ok(Written::Part)) | Poll::Pending => {
                queue.is_blocked = true;
                queue.note_most();
                self.blocked.notify_one();
            }
            Poll::Ready(Err(error)) => {
                tracing::debug!(%error, "a WebSocket broke");
                queue.end = None;
                self.end(queue, Over::Gone);
            }
        }
    }

    fn end(&self, queue: &mut Queue, over: Over) {
        // The first reason is the one that counts.
        let _ = self.over.set(over);
        queue.forget();
        self.ended.notify_one();
    }
}

impl Queue {
    fn add(&mut self, frame: Frame) {
        self.bytes += frame.bytes().len();
        self.messages += frame.messages();
        self.waiting.push_back(frame);
    }

    /// What waits, and the memory that it takes up.
    fn held(&self) -> Waiting {
        Waiting { messages: self.messages, bytes: self.bytes + self.waiting.len() * BESIDE_FRAME }
    }

    fn note_most(&mut self) {
        self.most = self.most.most(self.held());
    }

    /// Keeps of what waits only that which was begun: the client would take what follows for the rest of it.
    fn forget(&mut self) {
        let begun = self.waiting.pop_front().filter(|_| self.written > 0);
        (self.bytes, self.messages) = (0, 0);
        self.waiting = VecDeque::new();
        begun.into_iter().for_each(|frame| self.add(frame));
    }

    /// Writes what waits, one turn's worth at most; `turn` counts the bytes of it.
    fn poll_write(&mut self, context: &mut Context<'_>, turn: &mut usize) -> Poll<io::Result<Written>> {
        let Some(mut end) = self.end.take() else { return Poll::Ready(Ok(Written::All)) };
        let written = self.poll_write_to(&mut end, context, turn);
        self.end = Some(end);
        written
    }

    fn poll_write_to(
        &mut self,
        end: &mut WriteHalf<Box<dyn Stream>>,
        context: &mut Context<'_>,
        turn: &mut usize,
    ) -> Poll<io::Result<Written>> {
        while !self.waiting.is_empty() {
            if *turn >= FEED_DIRECT_BYTES {
                return Poll::Ready(Ok(Written::Part));
            }
            let mut slices = [IoSlice::new(&[]); FEED_SLICES];
            let (mut count, mut room) = (0, FEED_WRITE_BYTES);
            for (slice, frame) in slices.iter_mut().zip(&self.waiting) {
                let rest = &frame.bytes()[if count == 0 { self.written } else { 0 }..];
                *slice = IoSlice::new(&rest[..rest.len().min(room)]);
                room -= slice.len();
                count += 1;
                if room == 0 {
                    break;
                }
            }
            let written = match &slices[..count] {
                [only] => Pin::new(&mut *end).poll_write(context, only),
                several => Pin::new(&mut *end).poll_write_vectored(context, several),
            };
            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *turn += written;
            self.advance(written);
        }
        // An encrypted connection may still hold some of it.
        ready!(Pin::new(end).poll_flush(context))?;
        Poll::Ready(Ok(Written::All))
    }

    /// So many bytes more are written.
    fn advance(&mut self, written: usize) {
        self.written += written;
        while let Some(first) = self.waiting.front()
            && self.written >= first.bytes().len()
        {
            self.written -= first.bytes().len();
            self.bytes -= first.bytes().len();
            self.messages -= first.messages();
            self.waiting.pop_front();
        }
        if self.waiting.is_empty() {
            self.waiting.shrink_to(FEED_SPARE_FRAMES);
        }
    }
}

#[cfg(test)]
mod tests;
