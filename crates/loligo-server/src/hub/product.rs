//! One contract: who follows its book, its trades and its tickers, and what they are told.

use super::encoder::message;
use super::readers::{Readers, Snapshots};
use super::{Dialect, Dialects, Follower, Form, Joined, MarketFeed, Moment, Names};
use crate::charts::{Candle, SeriesAt};
use crate::projection::{DepthSnapshot, LevelChange, Ticker, TradeRow};
use crate::transport::outbox::{Frame, frame};
use loligo_engine::InstrumentSpec;
use std::time::Duration;

/// A ticker that stays as it is is told again after so long: who hears nothing for longer has lost its connection.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Product {
    book: Readers,
    books: Snapshots,
    trades: Readers,
    latest_trades: Snapshots,
    /// By the form in which it is told.
    tickers: Vec<(Form, TickerFollowers)>,
    candles: Vec<(SeriesAt, CandleFollowers)>,
}

/// Who follows candles: those who were shown one, and those who wait for their first.
#[derive(Default)]
struct CandleFollowers {
    shown: Readers,
    waiting: Readers,
}

/// What a snapshot is made with.
#[derive(Clone, Copy)]
pub(super) struct At<'h> {
    pub(super) dialects: &'h Dialects,
    pub(super) names: Names<'h>,
    pub(super) spec: &'h InstrumentSpec,
    pub(super) now: Moment,
}

impl Product {
    pub(super) fn join_book(&mut self, follower: &Follower, depth: &DepthSnapshot) -> Joined {
        self.book.join(follower, depth.changes)
    }

    /// The message of a whole book.
    pub(super) fn whole_book(&mut self, follower: &Follower, depth: &DepthSnapshot, at: At<'_>) -> Frame {
        let encoder = at.dialects.of(follower.dialect);
        self.books.of(follower.dialect, depth.changes, || {
            frame(|out| encoder.book(out, at.spec, depth, at.now.exchange))
        })
    }

    /// Follows trades from the one after the newest of these on.
    pub(super) fn join_trades(&mut self, follower: &Follower, latest: &[TradeRow]) -> Joined {
        self.trades.join(follower, newest(latest))
    }

    /// The message of these trades.
    pub(super) fn latest_trades(&mut self, follower: &Follower, latest: &[TradeRow], at: At<'_>) -> Frame {
        let encoder = at.dialects.of(follower.dialect);
        self.latest_trades.of(follower.dialect, newest(latest), || {
            frame(|out| encoder.latest_trades(out, at.names, at.spec, latest))
        })
    }

    /// Follows the ticker in one of the dialect's forms, of which it is now shown this one.
    pub(super) fn join_ticker(
        &mut self,
        follower: &Follower,
        form: Form,
        ticker: &Ticker,
        now: Moment,
    ) -> Joined {
        let at = self.tickers.iter().position(|(of, _)| *of == form).unwrap_or_else(|| {
            self.tickers.push((form, TickerFollowers::default()));
            self.tickers.len() - 1
        });
        let of_form = &mut self.tickers[at].1;
        of_form.note(ticker, now);
        of_form.readers.join(follower, of_form.number)
    }

    /// The ticker's message; none while it cannot be told.
    pub(super) fn ticker(
        &self,
        follower: &Follower,
        form: Form,
        ticker: &Ticker,
        at: At<'_>,
    ) -> Option<Frame> {
        ticker_frame(at.dialects, follower.dialect, form, ticker, at.spec, at.now)
    }

    /// Somebody is about to follow candles of a series.
    pub(super) fn expect_candles(&mut self, at: SeriesAt) {
        if !self.candles.iter().any(|(of, _)| *of == at) {
            self.candles.push((at, CandleFollowers::default()));
        }
    }

    /// Follows candles of a series from the one after price `number` on.
    pub(super) fn join_candles(
        &mut self,
        follower: &Follower,
        at: SeriesAt,
        number: u64,
        is_shown: bool,
    ) -> Joined {
        let id = follower.outbox.id;
        let Some((_, followers)) = self.candles.iter_mut().find(|(of, _)| *of == at) else {
            return Joined::Anew;
        };
        let (to, from) = match is_shown {
            true => (&mut followers.shown, &mut followers.waiting),
            false => (&mut followers.waiting, &mut followers.shown),
        };
        let left = from.leave(id);
        let joined = to.join(follower, number);
        if left { Joined::Again } else { joined }
    }

    /// The series whose candles are followed.
    pub(super) fn candles(&self) -> impl Iterator<Item = SeriesAt> {
        self.candles.iter().map(|(at, _)| *at)
    }

    pub(super) fn tell_candle(
        &mut self,
        dialects: &Dialects,
        at: SeriesAt,
        number: u64,
        candle: &Candle,
        spec: &InstrumentSpec,
    ) {
        let Some((_, followers)) = self.candles.iter_mut().find(|(of, _)| *of == at) else { return };
        for (readers, is_first) in [(&mut followers.shown, false), (&mut followers.waiting, true)] {
            readers.tell(number, |of| message(|out| dialects.of(of).candle(out, spec, at, candle, is_first)));
        }
        followers.shown.take_over(&mut followers.waiting);
    }

    pub(super) fn close_candles(&mut self) {
        for (_, followers) in &self.candles {
            followers.shown.close();
            followers.waiting.close();
        }
    }

    /// Whether there was something to leave.
    pub(super) fn leave(&mut self, id: u64, feed: MarketFeed) -> bool {
        match feed {
            MarketFeed::Book => self.book.leave(id),
            MarketFeed::Trades => self.trades.leave(id),
            MarketFeed::Ticker(form) => {
                self.tickers.iter_mut().any(|(of, tickers)| *of == form && tickers.readers.leave(id))
            }
            MarketFeed::Candles(at) => {
                let mut of_series = self.candles.iter_mut().filter(|(of, _)| *of == at);
                of_series.any(|(_, followers)| followers.shown.leave(id) || followers.waiting.leave(id))
            }
        }
    }

    pub(super) fn forget(&mut self, id: u64) {
        self.book.leave(id);
        self.trades.leave(id);
        for (_, followers) in &mut self.candles {
            followers.shown.leave(id);
            followers.waiting.leave(id);
        }
        for (_, tickers) in &mut self.tickers {
            tickers.readers.leave(id);
        }
    }

    pub(super) fn holds(&self, id: u64, feed: MarketFeed) -> bool {
        match feed {
            MarketFeed::Book => self.book.is_held(id),
            MarketFeed::Trades => self.trades.is_held(id),
            MarketFeed::Ticker(form) => {
                self.tickers.iter().any(|(of, tickers)| *of == form && tickers.readers.is_held(id))
            }
            MarketFeed::Candles(at) => {
                let mut of_series = self.candles.iter().filter(|(of, _)| *of == at);
                of_series.any(|(_, followers)| followers.shown.is_held(id) || followers.waiting.is_held(id))
            }
        }
    }

    pub(super) fn is_followed(&self) -> bool {
        let candles = |(_, followers): &(SeriesAt, CandleFollowers)| {
            followers.shown.is_followed() || followers.waiting.is_followed()
        };
        self.book.is_followed()
            || self.trades.is_followed()
            || self.follows_ticker()
            || self.candles.iter().any(candles)
    }

    pub(super) fn follows_ticker(&self) -> bool {
        self.tickers.iter().any(|(_, tickers)| tickers.readers.is_followed())
    }

    pub(super) fn tell_level(&mut self, dialects: &Dialects, level: &LevelChange, spec: &InstrumentSpec) {
        self.book
            .gather(level.number, |of| Some(frame(|out| dialects.of(of).level(out, spec, level, level.at))));
    }

    pub(super) fn tell_trade(
        &mut self,
        dialects: &Dialects,
        row: &TradeRow,
        names: Names<'_>,
        spec: &InstrumentSpec,
    ) {
        self.trades.gather(row.number, |of| Some(frame(|out| dialects.of(of).trade(out, names, spec, row))));
    }

    /// Sends what levels and trades there were to tell.
    pub(super) fn send(&mut self) {
        self.book.send();
        self.trades.send();
    }

    /// Tells the ticker as it is now to all who were not shown it.
    pub(super) fn tell_ticker(
        &mut self,
        dialects: &Dialects,
        ticker: &Ticker,
        spec: &InstrumentSpec,
        now: Moment,
    ) {
        for (form, tickers) in &mut self.tickers {
            tickers.note(ticker, now);
            tickers.readers.tell(tickers.number, |of| ticker_frame(dialects, of, *form, ticker, spec, now));
        }
    }

    pub(super) fn close(&self) {
        let tickers = self.tickers.iter().map(|(_, tickers)| &tickers.readers);
        let candles = self.candles.iter().flat_map(|(_, of)| [&of.shown, &of.waiting]);
        [&self.book, &self.trades].into_iter().chain(tickers).chain(candles).for_each(Readers::close);
    }
}

/// A ticker's message in one of a dialect's forms; none while it cannot be told.
fn ticker_frame(
    dialects: &Dialects,
    dialect: Dialect,
    form: Form,
    ticker: &Ticker,
    spec: &InstrumentSpec,
    now: Moment,
) -> Option<Frame> {
    message(|out| dialects.of(dialect).ticker(out, spec, form, ticker, now.exchange))
}

/// The number of the newest of these trades; 0 before the first.
fn newest(latest: &[TradeRow]) -> u64 {
    latest.first().map_or(0, |row| row.number)
}

/// Who follows a ticker in one form, and what it was when it was told last.
#[derive(Default)]
struct TickerFollowers {
    readers: Readers,
    /// How often it was told that it had changed, or that it had not.
    number: u64,
    told: Option<(Ticker, Moment)>,
}

impl TickerFollowers {
    /// Counts a ticker that is worth telling: another than before, or the same after a while.
    fn note(&mut self, ticker: &Ticker, now: Moment) {
        let is_news = match &self.told {
            Some((told, at)) => told != ticker || at.is_past(now, TOLD_AGAIN),
            None => true,
        };
        if is_news {
            self.number += 1;
            self.told = Some((ticker.clone(), now));
        }
    }
}
