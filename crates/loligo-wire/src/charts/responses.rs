//! What the charts API answers with.

use super::{Resolution, TickType};
use crate::decimal::Decimal;
use crate::json::{Object, write_array, write_string, write_word};
use crate::time::Timestamp;

/// A candle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// When it opened.
    pub time: Timestamp,
    /// Its first price.
    pub open: Decimal,
    /// Its highest price.
    pub high: Decimal,
    /// Its lowest price.
    pub low: Decimal,
    /// Its last price.
    pub close: Decimal,
    /// What was traded in it, in contracts; zero where it is not made of trades.
    pub volume: Decimal,
}

impl Candle {
    /// Appends the candle. All but its time are strings, the volume too, which clients that copied the published
    /// reference take for a number.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut candle = Object::new(out);
        candle.epoch_millis("time", self.time);
        candle.decimal_string("open", self.open);
        candle.decimal_string("high", self.high);
        candle.decimal_string("low", self.low);
        candle.decimal_string("close", self.close);
        candle.decimal_string("volume", self.volume);
        candle.end();
    }
}

/// Appends the whole answer with candles, given oldest first. `more` says that the range asked for holds later ones.
pub fn write_candles(out: &mut Vec<u8>, candles: impl IntoIterator<Item = Candle>, more: bool) {
    let mut answer = Object::new(out);
    write_array(answer.member("candles"), candles, |out, candle| candle.write(out));
    answer.bool("more_candles", more);
    answer.end();
}

/// Appends the list of tick types.
pub fn write_tick_types(out: &mut Vec<u8>) {
    write_array(out, TickType::ALL, |out, tick_type| write_word(out, tick_type.as_str()));
}

/// Appends the list of symbols that have candles, in upper case.
pub fn write_symbols<'a>(out: &mut Vec<u8>, symbols: impl IntoIterator<Item = &'a str>) {
    write_array(out, symbols, write_string);
}

/// Appends the list of resolutions.
pub fn write_resolutions(out: &mut Vec<u8>) {
    write_array(out, Resolution::ALL, |out, resolution| write_word(out, resolution.as_str()));
}
