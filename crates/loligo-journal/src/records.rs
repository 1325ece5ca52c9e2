//! Batches of records, framed as they are stored: each record is its length (4 bytes, little-endian) and its bytes.

/// The most bytes one batch may hold, frames included. A batch is one row and one transaction, and the bound keeps
/// the write-ahead log of one transaction well below the bound of the whole log.
pub const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;

const FRAME: usize = 4;

/// A batch to be appended: records in order, in one buffer that can be cleared and used again.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Records {
    bytes: Vec<u8>,
    count: u32,
}

impl Records {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one record.
    pub fn push(&mut self, record: &[u8]) {
        self.push_with(|bytes| bytes.extend_from_slice(record));
    }

    /// Adds one record that `write` appends to the buffer it is given, so that an encoder needs no buffer of its
    /// own. What is in the buffer already belongs to the records before and must be left alone.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; FRAME]);
        write(&mut self.bytes);
        // A record that does not fit its frame makes the batch far larger than any journal takes: `append` refuses.
        let length = u32::try_from(self.bytes.len() - start - FRAME).unwrap_or(u32::MAX);
        self.bytes[start..start + FRAME].copy_from_slice(&length.to_le_bytes());
        self.count = self.count.saturating_add(1);
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Size of the batch as stored, frames included.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// Empties the batch and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// The records in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        Frames { bytes: &self.bytes }
    }

    /// The batch as stored.
    pub(crate) fn framed(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Records {
    fn from_iter<I: IntoIterator<Item = T>>(records: I) -> Self {
        let mut batch = Self::new();
        for record in records {
            batch.push(record.as_ref());
        }
        batch
    }
}

/// Records read back from a log: a run of consecutive places that were appended together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    first: u64,
    time_us: i64,
    count: u64,
    bytes: Vec<u8>,
    start: usize,
}

impl Batch {
    /// A whole batch as stored, or `None` when the frames do not hold exactly `count` records.
    pub(crate) fn from_framed(first: u64, time_us: i64, count: u64, bytes: Vec<u8>) -> Option<Self> {
        let mut frames = Frames { bytes: &bytes };
        let found = frames.by_ref().count() as u64;
        (found == count && frames.bytes.is_empty()).then_some(Self { first, time_us, count, bytes, start: 0 })
    }

    /// Keeps the records from `from` to `to`, both included; the batch must hold both places.
    pub(crate) fn clip(mut self, from: u64, to: u64) -> Self {
        let skip = from.saturating_sub(self.first);
        for _ in 0..skip {
            let frame = &self.bytes[self.start..];
            self.start += FRAME + frame_length(frame).unwrap_or(0);
        }
        self.count = self.count.min((to - self.first).saturating_add(1)) - skip;
        self.first += skip;
        self
    }

    /// Sequence number of the first record.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// Sequence number of the last record.
    pub fn last(&self) -> u64 {
        self.first + self.count - 1
    }

    /// The time given when the batch was appended, in microseconds since 1970.
    pub fn time_us(&self) -> i64 {
        self.time_us
    }

    /// Number of records, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a batch is never empty")]
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Size of the records with their frames, in bytes.
    pub(crate) fn byte_len(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Each record with its sequence number, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        (self.first..=self.last()).zip(Frames { bytes: &self.bytes[self.start..] })
    }
}

fn frame_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_le_bytes(bytes.first_chunk().copied()?) as usize;
    (bytes.len() - FRAME >= length).then_some(length)
}

/// Walks frames; stops, with the rest left in `bytes`, at the first one that does not fit.
struct Frames<'a> {
    bytes: &'a [u8],
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = frame_length(self.bytes)?;
        let (record, rest) = self.bytes[FRAME..].split_at(length);
        self.bytes = rest;
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_read_back() {
        let records: Records = ["", "a", "longer than one"].iter().collect();
        assert_eq!(records.len(), 3);
        assert_eq!(records.iter().collect::<Vec<_>>(), [&b""[..], b"a", b"longer than one"]);
        let batch = Batch::from_framed(7, 5, 3, records.framed().to_vec()).expect("well framed");
        let seen: Vec<_> = batch.iter().map(|(sequence, record)| (sequence, record.len())).collect();
        assert_eq!(seen, [(7, 0), (8, 1), (9, 15)]);
    }

    #[test]
    fn frames_that_do_not_add_up_are_refused() {
        let records: Records = ["ab", "cd"].iter().collect();
        let whole = records.framed();
        assert!(Batch::from_framed(1, 0, 3, whole.to_vec()).is_none(), "a record too few");
        assert!(Batch::from_framed(1, 0, 1, whole.to_vec()).is_none(), "a record too many");
        for cut in 0..whole.len() {
            assert!(Batch::from_framed(1, 0, 2, whole[..cut].to_vec()).is_none(), "cut at {cut}");
        }
        let mut long = whole.to_vec();
        long.push(0);
        assert!(Batch::from_framed(1, 0, 2, long).is_none(), "a byte too many");
    }

    #[test]
    fn a_batch_is_clipped_at_both_ends() {
        let records: Records = ["a", "bb", "ccc", "dddd"].iter().collect();
        for from in 10..=13u64 {
            for to in from..=13 {
                let batch = Batch::from_framed(10, 0, 4, records.framed().to_vec()).expect("well framed");
                let clipped = batch.clip(from, to);
                let seen: Vec<_> = clipped.iter().map(|(n, record)| (n, record.len() as u64)).collect();
                let expected: Vec<_> = (from..=to).map(|n| (n, n - 9)).collect();
                assert_eq!(seen, expected, "{from}..={to}");
                assert_eq!((clipped.first(), clipped.last()), (from, to));
            }
        }
    }
}
