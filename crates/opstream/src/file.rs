//! The file form: a header of 128 bytes, then 32 bytes an operation, little endian.

use crate::{MAGIC, Op, Stream, Tally};
use std::io::{self, Read, Write};

impl Stream {
    /// Writes the file form.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write(&self, mut w: impl Write) -> io::Result<()> {
        w.write_all(MAGIC)?;
        for v in [
            self.seed,
            self.books as u64,
            self.accounts as u64,
            self.prefill,
            self.warmup,
            self.measured,
            self.expect.trades,
            self.expect.volume,
            self.expect.hash,
            self.resting,
            self.max_id,
            self.min_price as u64,
            self.max_price as u64,
            0,
            0,
        ] {
            w.write_all(&v.to_le_bytes())?;
        }
        for o in &self.ops {
            let mut b = [0u8; 32];
            b[0] = o.kind;
            b[1] = o.side;
            b[2..4].copy_from_slice(&o.book.to_le_bytes());
            b[4..8].copy_from_slice(&o.qty.to_le_bytes());
            b[8..16].copy_from_slice(&o.id.to_le_bytes());
            b[16..24].copy_from_slice(&o.price.to_le_bytes());
            b[24..28].copy_from_slice(&o.account.to_le_bytes());
            b[28..32].copy_from_slice(&o.flags.to_le_bytes());
            w.write_all(&b)?;
        }
        w.flush()
    }
    /// Reads the file form.
    ///
    /// # Errors
    /// Those of the reader; [`io::ErrorKind::InvalidData`] for what is no stream.
    pub fn read(mut r: impl Read) -> io::Result<Self> {
        let mut buf = Vec::new();
        r.read_to_end(&mut buf)?;
        let bad = |m: &str| io::Error::new(io::ErrorKind::InvalidData, m.to_string());
        if buf.len() < 128 || &buf[..8] != MAGIC {
            return Err(bad("not a LOLOPS01 stream"));
        }
        let h = |i: usize| u64::from_le_bytes(buf[8 + 8 * i..16 + 8 * i].try_into().unwrap());
        let body = &buf[128..];
        if body.len() % 32 != 0 || (body.len() / 32) as u64 != h(3) + h(4) + h(5) {
            return Err(bad("wrong length"));
        }
        let ops = body
            .chunks_exact(32)
            .map(|b| Op {
                kind: b[0],
                side: b[1],
                book: u16::from_le_bytes([b[2], b[3]]),
                qty: u32::from_le_bytes(b[4..8].try_into().unwrap()),
                id: u64::from_le_bytes(b[8..16].try_into().unwrap()),
                price: i64::from_le_bytes(b[16..24].try_into().unwrap()),
                account: u32::from_le_bytes(b[24..28].try_into().unwrap()),
                flags: u32::from_le_bytes(b[28..32].try_into().unwrap()),
            })
            .collect();
        Ok(Stream {
            seed: h(0),
            books: h(1) as u32,
            accounts: h(2) as u32,
            prefill: h(3),
            warmup: h(4),
            measured: h(5),
            expect: Tally { trades: h(6), volume: h(7), hash: h(8) },
            resting: h(9),
            max_id: h(10),
            min_price: h(11) as i64,
            max_price: h(12) as i64,
            ops,
        })
    }
}
