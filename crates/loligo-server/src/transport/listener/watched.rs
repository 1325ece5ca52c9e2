//! A stream that says what its connection is doing.

use super::seats::Seat;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that notes when bytes come and go.
pub(super) struct Watched<S> {
    stream: S,
    seat: Arc<Seat>,
    /// Those of the client, where it speaks HTTP/2.
    frames: Option<Frames>,
}

impl<S> Watched<S> {
    pub(super) fn http1(stream: S, seat: Arc<Seat>) -> Self {
        Self { stream, seat, frames: None }
    }

    pub(super) fn http2(stream: S, seat: Arc<Seat>) -> Self {
        Self { stream, seat, frames: Some(Frames::new()) }
    }

    pub(super) fn into_stream(self) -> S {
        self.stream
    }

    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        // On HTTP/2 each answer's delivery has an end of its own, and what is written may be a mere pong.
        if self.frames.is_none() && matches!(written, Poll::Ready(Ok(1..))) {
            self.seat.activity.sent();
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (watched, before) = (self.get_mut(), buffer.filled().len());
        let read = Pin::new(&mut watched.stream).poll_read(context, buffer);
        let activity = &watched.seat.activity;
        match (&buffer.filled()[before..], &mut watched.frames) {
            ([], _) => {}
            (_, None) => activity.received(),
            (bytes, Some(frames)) => {
                if frames.follow(bytes) {
                    activity.is_whole();
                }
                if frames.are_owed() {
                    activity.begins();
                }
            }
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Where in its frames an HTTP/2 client is (RFC 9113, sections 3.4, 4.1 and 6.10). The library says nothing of what is not
/// whole, and who owes us the rest of a head is not waited for as long as who is idle.
struct Frames {
    /// Bytes to come of the preface, or of the frame that has begun.
    rest: usize,
    /// The length of the next frame, its type and its flags, as far as they are here; the stream's number ends a header.
    header: [u8; HEADER],
    filled: usize,
    /// A head's first frame was not its last.
    head: bool,
}

/// Bytes of a connection's preface.
const PREFACE: usize = 24;
/// Bytes of a frame's header.
const HEADER: usize = 9;
/// The types of the frames of a head.
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
/// The flag of the last of them.
const END_HEADERS: u8 = 4;

impl Frames {
    fn new() -> Self {
        Self { rest: PREFACE, header: [0; HEADER], filled: 0, head: false }
    }

    /// Passes over bytes. True when there was a point among them, or behind them, at which nothing was owed.
    fn follow(&mut self, mut bytes: &[u8]) -> bool {
        let mut whole = false;
        while !bytes.is_empty() {
            if self.rest == 0 {
                let more = bytes.len().min(HEADER - self.filled);
                self.header[self.filled..self.filled + more].copy_from_slice(&bytes[..more]);
                (self.filled, bytes) = (self.filled + more, &bytes[more..]);
                if self.filled < HEADER {
                    break;
                }
                self.filled = 0;
                let [high, middle, low, kind, flags, ..] = self.header;
                self.rest = u32::from_be_bytes([0, high, middle, low]) as usize;
                if matches!(kind, HEADERS | CONTINUATION) {
                    self.head = flags & END_HEADERS == 0;
                }
            }
            let more = bytes.len().min(self.rest);
            (self.rest, bytes) = (self.rest - more, &bytes[more..]);
            whole |= !self.are_owed();
        }
        whole
    }

    /// Whether the client owes the rest of something.
    fn are_owed(&self) -> bool {
        self.rest > 0 || self.filled > 0 || self.head
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).expect("short").to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.resize(HEADER + payload, b'x');
        frame
    }

    /// However the bytes are cut, the client owes something until its last frame is whole, and nothing then.
    #[test]
    fn a_client_owes_the_rest_of_its_preface_of_a_frame_and_of_a_head() {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let (settings, ping, data) = (frame(4, 0, 0), frame(6, 0, 8), frame(0, 1, 70_000));
        let short = frame(HEADERS, END_HEADERS | 1, 5);
        let long =
            [frame(HEADERS, 1, 5), frame(CONTINUATION, 0, 0), frame(CONTINUATION, END_HEADERS, 300)].concat();
        let said = [preface, settings, ping, short, long, data];
        let all = said.concat();
        let ends: Vec<usize> = said
            .iter()
            .scan(0, |at, part| {
                *at += part.len();
                Some(*at)
            })
            .collect();
        for cut in [1, 2, 3, 7, 9, 10, 24, 100, all.len()] {
            let (mut frames, mut at) = (Frames::new(), 0);
            assert!(frames.are_owed(), "a fresh client owes its preface");
            for piece in all.chunks(cut) {
                let whole = frames.follow(piece);
                let passed = ends.iter().filter(|end| (at + 1..=at + piece.len()).contains(end)).count();
                at += piece.len();
                assert_eq!(whole, passed > 0, "cut by {cut}, at {at}");
                assert_eq!(frames.are_owed(), !ends.contains(&at), "cut by {cut}, at {at}");
            }
        }
    }
}
