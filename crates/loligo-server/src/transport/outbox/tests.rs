//! What reaches a connection, however little it takes at once, and who writes it.

use super::super::frame::Run;
use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt as _, DuplexStream, ReadBuf, duplex};

fn outbox(queue_frames: usize, queue_bytes: usize) -> Arc<Outbox> {
    Outbox::new(1, &FeedBounds { queue_frames, queue_bytes, ..FeedBounds::default() })
}

/// A connection that takes so many bytes until some are read, and its far end.
fn connected(takes: usize) -> (Arc<Outbox>, DuplexStream) {
    let (near, far) = duplex(takes);
    let outbox = Outbox::new(1, &FeedBounds::default());
    outbox.open(tokio::io::split(Box::new(near) as Box<dyn Stream>).1);
    (outbox, far)
}

/// All that comes until the connection is shut, while its task writes what waits.
async fn hear_all(outbox: &Arc<Outbox>, far: &mut DuplexStream) -> Vec<u8> {
    let mut heard = Vec::new();
    let writing = async {
        outbox.drain_all().await.expect("an open connection");
        outbox.shut();
    };
    let (_, read) = tokio::join!(writing, far.read_to_end(&mut heard));
    read.expect("an open connection");
    heard
}

fn messages(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| Frame::from(*text).bytes().to_vec()).collect()
}

const PONG: [u8; 3] = [0x8a, 1, b'!'];

#[tokio::test]
async fn a_queue_that_was_too_full_once_takes_nothing_more() {
    // A frame of two letters is four bytes, beside what it takes up besides.
    for outbox in [outbox(2, 1_000), outbox(100, BESIDE_FRAME + 6)] {
        assert!(outbox.push("ab".into()) && outbox.push("cd".into()));
        assert!(!outbox.push("ef".into()), "no room");
        assert_eq!(outbox.overflowed().await, Over::Full);
        assert!(!outbox.push("gh".into()), "a hole must not be passed over");
        assert_eq!(outbox.take_waiting(), [""; 0], "and nothing is kept for who will never hear it");
    }
}

#[test]
fn a_frame_larger_than_the_bound_passes_an_empty_queue() {
    let outbox = outbox(10, 3);
    assert!(outbox.push("a whole book".into()));
    assert_eq!(outbox.take_waiting(), ["a whole book"]);
    assert!(outbox.push("next".into()));
}

#[tokio::test]
async fn what_waits_takes_up_no_more_than_it_may_and_one_message() {
    let message = "x".repeat(100);
    let held = Frame::from(message.as_str()).bytes().len() + BESIDE_FRAME;
    let (near, _far) = duplex(1);
    let outbox = outbox(1_000, 10 * held);
    outbox.open(tokio::io::split(Box::new(near) as Box<dyn Stream>).1);
    let taken = (0..).take_while(|_| outbox.push(message.as_str().into())).count();
    // One passes beyond the bound; and of the first a byte is written.
    assert_eq!(taken, 11);
    let (now, most) = outbox.waiting();
    assert_eq!(most, Waiting { messages: 11, bytes: 11 * held });
    // Of what it will never be told nothing is kept but the message that was begun, until it is shut.
    assert_eq!(now, Waiting { messages: 1, bytes: held });
    outbox.shut();
    assert_eq!(outbox.waiting().0, Waiting::default());
}

#[tokio::test]
async fn who_reads_at_once_has_nothing_waiting() {
    let (outbox, mut far) = connected(1_000);
    for _ in 0..3 {
        assert!(outbox.push("x".into()));
        far.read_exact(&mut [0; 3]).await.expect("a frame");
    }
    assert_eq!(outbox.waiting(), (Waiting::default(), Waiting::default()));
}

#[tokio::test]
async fn a_queue_that_was_long_once_gives_its_places_back() {
    let (outbox, mut far) = connected(1);
    (0..10_000).for_each(|_| assert!(outbox.push("x".into())));
    assert!(outbox.queue().waiting.capacity() >= 10_000);
    hear_all(&outbox, &mut far).await;
    assert!(outbox.queue().waiting.capacity() <= FEED_SPARE_FRAMES);
}

#[test]
fn messages_of_a_run_count_each() {
    let mut run = Run::default();
    (1..=3).for_each(|number| run.add(number, "x".into()));
    let three = run.finish().and_then(|run| run.after(0)).expect("three");
    let outbox = outbox(4, 1_000);
    assert!(outbox.push(three.clone()) && outbox.push(three.clone()));
    assert!(!outbox.push(three), "six wait, and four may");
}

#[tokio::test]
async fn what_a_connection_takes_is_there_when_it_was_put_in() {
    let (outbox, mut far) = connected(1_000);
    assert!(outbox.push("one".into()));
    let mut bytes = [0; 5];
    // Nobody else writes here: it is there already.
    far.read_exact(&mut bytes).await.expect("a frame");
    assert_eq!(bytes[..], messages(&["one"]));
}

#[tokio::test]
async fn a_frame_that_was_half_written_is_ended_before_anything_else() {
    let long = "x".repeat(100);
    for takes in 1..=110 {
        let (outbox, mut far) = connected(takes);
        assert!(outbox.push(long.as_str().into()));
        // What controls the connection comes at any moment, and so does what others put in.
        outbox.control(&PONG);
        gathered(|| outbox.push("a".into()) && outbox.push("b".into()));
        outbox.control(&PONG);
        let wanted = [&messages(&[&long])[..], &PONG, &messages(&["a", "b"]), &PONG].concat();
        assert_eq!(hear_all(&outbox, &mut far).await, wanted, "{takes} at a time");
    }
}

#[tokio::test]
async fn what_comes_while_the_task_writes_comes_behind() {
    let (outbox, mut far) = connected(10);
    let texts: Vec<String> = (0..50).map(|at| format!("message {at}")).collect();
    let (first, then) = texts.split_at(20);
    first.iter().for_each(|text| assert!(outbox.push(text.as_str().into())));
    outbox.blocked().await;
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    let wanted = messages(&all);
    let writing = async {
        loop {
            outbox.blocked().await;
            outbox.drain().await.expect("an open connection");
        }
    };
    let reading = async {
        let mut heard = vec![0; wanted.len()];
        let mut then = then.iter();
        for bytes in heard.chunks_mut(7) {
            far.read_exact(bytes).await.expect("bytes");
            assert!(then.next().is_none_or(|text| outbox.push(text.as_str().into())));
        }
        heard
    };
    tokio::select! {
        () = writing => unreachable!("it has no end"),
        heard = reading => assert_eq!(heard, wanted),
    }
}

#[tokio::test]
async fn who_is_closed_hears_the_rest_of_what_was_begun_and_the_farewell() {
    for why in [Over::Full, Over::Lost, Over::Gone] {
        for (takes, begun) in [(3, true), (0, false)] {
            let (outbox, mut far) = connected(takes.max(1));
            // Of the first message so many bytes are written; the others wait whole.
            if begun {
                assert!(outbox.push("begun".into()));
            } else {
                outbox.queue().is_blocked = true;
            }
            assert!(outbox.push("waits".into()) && outbox.push("waits, too".into()));
            outbox.end(&mut outbox.queue(), why);
            outbox.leave();
            assert_eq!(outbox.overflowed().await, why, "the first reason counts");
            assert!(!outbox.push("late".into()));
            let close = [0x88, 2, 3, 0xf0];
            outbox.control(&close);
            let wanted = if begun { messages(&["begun"]) } else { Vec::new() };
            assert_eq!(hear_all(&outbox, &mut far).await, [&wanted[..], &close].concat(), "{why:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_that_broke_takes_nothing_more() {
    let (outbox, far) = connected(100);
    drop(far);
    outbox.push("lost".into());
    assert_eq!(outbox.overflowed().await, Over::Gone);
    assert!(!outbox.push("late".into()));
}

#[tokio::test]
async fn answers_to_pings_have_a_bound_like_everything() {
    let (near, _far) = duplex(1);
    let outbox = outbox(10, 1_000);
    outbox.open(tokio::io::split(Box::new(near) as Box<dyn Stream>).1);
    (0..100).for_each(|_| outbox.control(&PONG));
    assert_eq!(outbox.overflowed().await, Over::Full);
    assert!(outbox.queue().waiting.len() <= 10);
}

/// A connection that takes everything, counts how often it was given something, and may hold it until it is flushed.
struct Counting {
    writes: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl tokio::io::AsyncWrite for Counting {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes.len(), Ordering::Relaxed);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = slices.iter().flat_map(|slice| slice.to_vec()).collect::<Vec<_>>();
        self.poll_write(context, &all)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn counting() -> (Arc<Outbox>, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (writes, bytes) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let stream: Box<dyn Stream> =
        Box::new(Counting { writes: Arc::clone(&writes), bytes: Arc::clone(&bytes) });
    let outbox = Outbox::new(1, &FeedBounds::default());
    outbox.open(tokio::io::split(stream).1);
    (outbox, writes, bytes)
}

#[tokio::test]
async fn what_a_thread_gathers_for_a_connection_is_one_write() {
    let (outbox, writes, bytes) = counting();
    (0..3).for_each(|_| assert!(outbox.push("x".into())));
    assert_eq!((writes.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed)), (3, 9), "each at once");
    gathered(|| (0..3).for_each(|_| assert!(outbox.push("x".into()))));
    assert_eq!((writes.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed)), (4, 18));
    // More than is gathered goes out on the way.
    let large = "x".repeat(FEED_WRITE_BYTES);
    gathered(|| {
        assert!(outbox.push(large.as_str().into()));
        assert!(bytes.load(Ordering::Relaxed) > FEED_WRITE_BYTES);
    });
}

#[tokio::test]
async fn what_one_thread_gathers_another_does_not_wait_for() {
    let (outbox, writes, bytes) = counting();
    gathered(|| {
        assert!(outbox.push("x".into()));
        assert_eq!(writes.load(Ordering::Relaxed), 0);
        // An account's own news, while a thousand are about to be told of a book.
        std::thread::scope(|scope| {
            scope.spawn(|| gathered(|| assert!(outbox.push("own".into()))));
        });
        assert_eq!((writes.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed)), (1, 8));
    });
    assert_eq!(writes.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_client_that_reads_all_the_time_is_listened_to_however_slowly_it_reads() {
    let (outbox, mut far) = connected(1_000);
    let more = "x".repeat(FEED_WRITE_BYTES);
    let mut turns = 0;
    let telling = async {
        // There is always more to tell than it has read.
        let mut bytes = vec![0; 500];
        loop {
            while outbox.queue().waiting.len() < 10 {
                assert!(outbox.push(more.as_str().into()));
            }
            far.read_exact(&mut bytes).await.expect("bytes");
        }
    };
    let writing = async {
        for _ in 0..3 {
            outbox.blocked().await;
            assert!(!outbox.drain().await.expect("an open connection"), "something waits");
            // Here its task may hear what it asks.
            turns += 1;
        }
    };
    tokio::select! {
        () = telling => unreachable!("it has no end"),
        () = writing => {}
    }
    assert_eq!(turns, 3);
}

#[tokio::test]
async fn of_what_is_very_long_the_task_writes_the_rest() {
    let (outbox, _, bytes) = counting();
    let book = "x".repeat(3 * FEED_DIRECT_BYTES);
    assert!(outbox.push(book.as_str().into()));
    let written = bytes.load(Ordering::Relaxed);
    assert!((FEED_DIRECT_BYTES..FEED_DIRECT_BYTES + FEED_WRITE_BYTES).contains(&written), "{written}");
    outbox.blocked().await;
    outbox.drain_all().await.expect("it takes everything");
    assert_eq!(bytes.load(Ordering::Relaxed), Frame::from(book.as_str()).bytes().len());
    assert!(!outbox.queue().is_blocked, "whoever has news writes it again");
}
