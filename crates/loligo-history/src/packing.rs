//! Numbers one behind the other in as few bytes as they need.

/// Packs numbers.
#[derive(Debug, Default)]
pub(crate) struct Packer(Vec<u8>);

impl Packer {
    pub(crate) fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow.
    pub(crate) fn number(&mut self, mut number: u64) -> &mut Self {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8)
    }

    /// Zigzag: numbers near zero of either sign are short.
    pub(crate) fn signed(&mut self, number: i64) -> &mut Self {
        self.number((number << 1 ^ number >> 63).cast_unsigned())
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// What is packed ends too soon, or goes on behind its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("packed numbers are not whole")]
pub(crate) struct NotWhole;

/// Takes packed numbers out again.
#[derive(Debug)]
pub(crate) struct Packed<'b>(&'b [u8]);

impl<'b> Packed<'b> {
    pub(crate) const fn new(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, NotWhole> {
        let (first, rest) = self.0.split_first().ok_or(NotWhole)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(crate) fn number(&mut self) -> Result<u64, NotWhole> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(NotWhole)
    }

    pub(crate) fn signed(&mut self) -> Result<i64, NotWhole> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// A number that may be there.
    pub(crate) fn number_if(&mut self, there: bool) -> Result<Option<u64>, NotWhole> {
        there.then(|| self.number()).transpose()
    }

    /// The same with a sign.
    pub(crate) fn signed_if(&mut self, there: bool) -> Result<Option<i64>, NotWhole> {
        there.then(|| self.signed()).transpose()
    }

    pub(crate) fn end(self) -> Result<(), NotWhole> {
        if self.0.is_empty() { Ok(()) } else { Err(NotWhole) }
    }
}

/// Something that lies in one column, packed.
pub(crate) trait Pack: Sized {
    fn pack(&self, into: &mut Packer);

    fn unpack(from: &mut Packed<'_>) -> Result<Self, NotWhole>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_near_zero_they_are_short() {
        for (number, bytes) in [(0, 1), (-1, 1), (63, 1), (-64, 1), (64, 2), (i64::MAX, 10), (i64::MIN, 10)] {
            let mut packer = Packer::default();
            packer.signed(number);
            let packed = packer.finish();
            assert_eq!(packed.len(), bytes, "{number}");
            assert_eq!(Packed::new(&packed).signed(), Ok(number));
        }
        assert_eq!(Packed::new(&[0x80; 12]).number(), Err(NotWhole), "no end");
        assert_eq!(Packed::new(&[0x80]).number(), Err(NotWhole), "cut");
        assert_eq!(Packed::new(&[0]).end(), Err(NotWhole), "something follows");
    }
}
