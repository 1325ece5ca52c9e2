//! Words of the engine as the index keeps them: by their stored codes, with a table that names them for people.

use loligo_engine::{DistanceUnit, FillRole, OrderError, OrderType, Signal, TriggerSide, UpdateReason};
use loligo_history::{Error, Index};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A word of the engine that has a code of its own for ever.
pub(crate) trait Coded: Serialize + DeserializeOwned + Copy {
    /// Its code.
    fn code(self) -> u8 {
        let mut byte = [0; 8];
        postcard::to_slice(&self, &mut byte).ok().and_then(|code| code.first().copied()).unwrap_or_default()
    }

    /// The word of a code; `None` for one that this version does not know.
    fn of(code: u8) -> Option<Self> {
        postcard::from_bytes(&[code]).ok()
    }
}

/// The type of an order that closes a part of a position, so that the rest can be kept. The engine tells it by the role of its fills;
/// it is far from the codes that the engine gives to types.
pub(crate) const PARTIAL_LIQUIDATION: u8 = 0x80;

macro_rules! coded {
    ($($list:literal: $word:ty,)+) => {
        $(impl Coded for $word {})+

        /// Names every code, for whoever looks into the index with another tool.
        pub(super) fn name_all(index: &Index) -> Result<(), Error> {
            $(index.name_words($list, <$word>::STORED_CODES.iter().copied())?;)+
            index.name_words("type", [(PARTIAL_LIQUIDATION, "PartialLiquidation")])
        }
    };
}

coded! {
    "reason": UpdateReason,
    "error": OrderError,
    "type": OrderType,
    "role": FillRole,
    "unit": DistanceUnit,
    "signal": Signal,
    "side": TriggerSide,
}

/// The word that an index kept, if it kept one that is known.
pub(crate) fn kept<W: Coded>(code: Option<u8>) -> Option<W> {
    code.and_then(W::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_from_its_code() {
        for (code, name) in UpdateReason::STORED_CODES {
            let word = UpdateReason::of(*code).expect("known");
            assert_eq!((word.code(), format!("{word:?}").as_str()), (*code, *name));
        }
        for (code, name) in OrderError::STORED_CODES {
            let word = OrderError::of(*code).expect("known");
            assert_eq!((word.code(), format!("{word:?}").as_str()), (*code, *name));
        }
        assert_eq!(kept::<OrderError>(Some(250)), None);
        assert_eq!(kept::<OrderType>(None), None);
    }
}
