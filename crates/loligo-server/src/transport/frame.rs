//! Messages as they leave: WebSocket frames, header and payload in one piece.
//!
//! A server masks nothing (RFC 6455, section 5.1), so a message is the same bytes for everybody who gets it. They are made
//! once and shared.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

/// The longest header of a frame that is not masked: two bytes, and eight of a length.
const LONGEST_HEADER: usize = 10;

/// Bytes of memory that a frame takes up beside its own while it waits: its place in a queue that may have as many free, and the
/// count of those who share it.
pub(super) const BESIDE_FRAME: usize = 128;

/// Whole frames, shared by all connections that get them: a message, or several, one behind the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    bytes: Bytes,
    messages: usize,
}

/// Encodes a message.
pub(crate) fn frame(write: impl FnOnce(&mut Vec<u8>)) -> Frame {
    #[cfg(test)]
    ENCODED.with(|count| count.set(count.get() + 1));
    let mut out = Vec::with_capacity(256);
    write(&mut out);
    Frame::of_text(out)
}

#[cfg(test)]
thread_local! {
    /// Messages that this thread has encoded.
    pub(crate) static ENCODED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

impl Frame {
    /// The frame of a text message.
    fn of_text(mut out: Vec<u8>) -> Self {
        debug_assert!(std::str::from_utf8(&out).is_ok(), "JSON is text");
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        let mut bytes = [0; LONGEST_HEADER];
        let mut room = &mut bytes[..];
        header.format(out.len() as u64, &mut room).expect("room for the longest header");
        let length = LONGEST_HEADER - room.len();
        out.splice(..0, bytes[..length].iter().copied());
        // No more memory than it fills: it may wait for a long time.
        Self { bytes: out.into_boxed_slice().into(), messages: 1 }
    }

    /// Frames that were made elsewhere: what controls a connection.
    pub(super) fn of_control(bytes: &[u8]) -> Self {
        Self { bytes: Bytes::copy_from_slice(bytes), messages: 1 }
    }

    /// Its bytes, of which no part goes out without the others.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many messages it holds.
    pub(super) fn messages(&self) -> usize {
        self.messages
    }
}

/// Messages of one sequence that go out together, each with its number, in their order.
#[derive(Debug, Default)]
pub(crate) struct Run {
    numbers: Vec<u64>,
    frames: Vec<Frame>,
    bytes: usize,
}

impl Run {
    pub(crate) fn add(&mut self, number: u64, frame: Frame) {
        self.bytes += frame.bytes.len();
        self.numbers.push(number);
        self.frames.push(frame);
    }

    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Ends it: what there is to send, if anything.
    pub(crate) fn finish(&mut self) -> Option<Finished> {
        let (numbers, frames) = (std::mem::take(&mut self.numbers), std::mem::take(&mut self.frames));
        let last = *numbers.last()?;
        let mut starts = Vec::new();
        let whole = match <[Frame; 1]>::try_from(frames) {
            Ok([only]) => only,
            Err(several) => {
                let mut bytes = Vec::with_capacity(self.bytes);
                for frame in &several {
                    starts.push(bytes.len());
                    bytes.extend_from_slice(&frame.bytes);
                }
                Frame { bytes: bytes.into(), messages: several.len() }
            }
        };
        self.bytes = 0;
        Some(Finished { numbers, starts, last, whole })
    }
}

/// A run that is over.
pub(crate) struct Finished {
    numbers: Vec<u64>,
    /// Where each begins, if there are several.
    starts: Vec<usize>,
    /// The last of the numbers.
    pub(crate) last: u64,
    whole: Frame,
}

impl Finished {
    /// Its messages with greater numbers than this; none when there are none.
    pub(crate) fn after(&self, number: u64) -> Option<Frame> {
        match self.numbers.partition_point(|other| *other <= number) {
            0 => Some(self.whole.clone()),
            told if told == self.numbers.len() => None,
            // A copy, which happens once when somebody joins: a part would keep all of them in memory.
            told => Some(Frame {
                bytes: Bytes::copy_from_slice(&self.whole.bytes[self.starts[told]..]),
                messages: self.numbers.len() - told,
            }),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tokio_tungstenite::tungstenite::protocol::{Message, Role, WebSocket};

    impl From<&str> for Frame {
        fn from(text: &str) -> Self {
            Frame::of_text(text.as_bytes().to_vec())
        }
    }

    /// The messages in these bytes, as a client reads them.
    pub(crate) fn read(bytes: &[u8]) -> Vec<String> {
        let stream = std::io::Cursor::new(bytes.to_vec());
        let mut client = WebSocket::from_raw_socket(stream, Role::Client, None);
        let read = std::iter::from_fn(|| client.read().ok());
        read.map(|message| match message {
            Message::Text(text) => text.to_string(),
            other => format!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn a_client_reads_messages_of_every_length() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000] {
            let text = "x".repeat(length);
            let one = Frame::from(text.as_str());
            assert_eq!(read(one.bytes()), std::slice::from_ref(&text), "{length}");
            let mut run = Run::default();
            for number in 1..=3 {
                run.add(number, one.clone());
            }
            let three = run.finish().expect("three").after(0).expect("three");
            assert_eq!(read(three.bytes()), [text.clone(), text.clone(), text], "{length}");
        }
    }

    #[test]
    fn what_waits_keeps_nothing_else_in_memory() {
        let text = "x".repeat(1_000);
        let mut run = Run::default();
        (1..=3).for_each(|number| run.add(number, text.as_str().into()));
        let all = run.finish().expect("three");
        let part = all.after(2).expect("the third");
        let whole = all.whole.bytes.as_ptr_range();
        assert!(!whole.contains(&part.bytes.as_ptr()), "a part of what the others get");
        // A message that is encoded has room for more than most need.
        let bytes = frame(|out| out.extend_from_slice(b"short")).bytes;
        assert_eq!(Vec::from(bytes).capacity(), 7);
    }

    #[test]
    fn of_a_run_each_gets_what_it_was_not_shown() {
        let mut run = Run::default();
        assert!(run.finish().is_none());
        for (number, text) in [(3, "three"), (5, "five"), (6, "six")] {
            run.add(number, text.into());
        }
        let all = run.finish().expect("messages");
        let after = |number| all.after(number).map(|frame| (read(frame.bytes()), frame.messages()));
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        assert_eq!(after(0), Some((texts(&["three", "five", "six"]), 3)));
        assert_eq!(after(3), Some((texts(&["five", "six"]), 2)));
        assert_eq!(after(4), Some((texts(&["five", "six"]), 2)));
        assert_eq!(after(5), Some((texts(&["six"]), 1)));
        assert_eq!(after(6), None);
        assert_eq!(all.last, 6);
        assert!(run.finish().is_none(), "it begins anew");
        run.add(7, "seven".into());
        let one = run.finish().expect("a message");
        assert_eq!((one.after(6), one.after(7)), (Some("seven".into()), None));
    }
}
