//! Joining and leaving: first the hub follows, then it looks at the view, and answers with what that shows.

use super::encoder::message;
use super::product::At;
use super::{
    Account, AccountFeed, Dialects, Follower, Form, Hub, Joined, MarketFeed, Names, Remark, Signer, Topic,
    holds_good, place, whole,
};
use crate::charts::SeriesAt;
use crate::projection::{Cut, FillRow};
use crate::transport::outbox::{Frame, frame};
use loligo_engine::{AccountId, InstrumentId};
use std::sync::Arc;

impl Hub {
    /// Answer, then snapshot, then what happens from here on.
    pub(super) fn join(&mut self, of: &Follower, topic: Topic, accepted: Frame) {
        // The key was found good before this request waited here, and its end may have been told meanwhile.
        if let Topic::Account(signer, _) = &topic
            && !holds_good(&self.views.directory(), *signer)
        {
            of.outbox.push(self.remark(of, Remark::NotAllowed));
            return;
        }
        match topic {
            Topic::Heartbeat => {
                let held = self.heartbeat.iter().any(|other| other.outbox.id == of.outbox.id);
                answer(&self.dialects, of, if held { Joined::Again } else { Joined::Anew }, accepted);
                if !held {
                    let at = place(&self.heartbeat, &of.dialect, |other| other.dialect);
                    self.heartbeat.insert(at, of.clone());
                }
            }
            Topic::Market(instrument, feed) => {
                if self.products.is_empty() {
                    // First the changes, then the view: see `Publisher`.
                    self.want(true);
                }
                if self.join_market(of, instrument, feed, accepted).is_none() {
                    // A contract is in the directory before anyone can name it, so this is not met.
                    of.outbox.push(self.remark(of, Remark::Unavailable));
                }
            }
            Topic::Account(signer, AccountFeed::Orders(form)) => {
                let joined = self.account(signer.account).orders.join(of, signer.key, form).0;
                if answer(&self.dialects, of, joined, accepted) {
                    self.send_orders(of, form, signer);
                }
            }
            Topic::Account(signer, AccountFeed::Money(feed)) => {
                let joined = self.account(signer.account).money.join(of, signer.key, feed);
                // Before the first statement is asked for.
                self.want(!self.products.is_empty());
                answer(&self.dialects, of, joined, accepted);
            }
            Topic::Account(signer, AccountFeed::Log(feed)) => {
                let joined = self.account(signer.account).log.join(of, signer.key, feed);
                // Before what there was is read.
                self.watch();
                answer(&self.dialects, of, joined, accepted);
            }
            Topic::Account(signer, AccountFeed::Notices) => {
                let directory = self.views.directory();
                self.account(signer.account);
                let Some(account) = self.accounts.get_mut(&signer.account) else { return };
                // Those who follow already first: what this one is shown is what all were told last.
                account.notices.tell(&self.dialects, directory.notices());
                let joined = account.notices.followers.join(of, signer.key, ()).0;
                let encode =
                    |out: &mut Vec<u8>| self.dialects.of(of.dialect).notices(out, directory.notices());
                if answer(&self.dialects, of, joined, accepted)
                    && let Some(all) = message(encode)
                {
                    of.outbox.push(all);
                }
            }
            Topic::Account(signer, AccountFeed::Fills(product)) => {
                let account = self.account(signer.account);
                let last = account.fills_told;
                let joined = account.join_fills(of, signer.key, product);
                if answer(&self.dialects, of, joined, accepted) {
                    self.send_fills(of, product, signer, last);
                }
            }
        }
    }

    /// Joins something of a contract; none when there is no such contract.
    fn join_market(
        &mut self,
        of: &Follower,
        id: InstrumentId,
        feed: MarketFeed,
        accepted: Frame,
    ) -> Option<()> {
        let now = self.moment();
        if let MarketFeed::Candles(series) = feed {
            return self.join_candles(of, id, series, accepted);
        }
        let Self { node, views, dialects, products, past, .. } = self;
        let (directory, markets) = (views.directory(), views.markets());
        let names = Names { directory: &directory, identity: node.identity() };
        let spec = directory.instrument(id)?.spec();
        let at = At { dialects, names, spec, now };
        let product = products.entry(id).or_default();
        match feed {
            MarketFeed::Book => {
                let depth = markets.depth(id)?;
                let joined = product.join_book(of, &depth);
                if answer(dialects, of, joined, accepted) {
                    of.outbox.push(product.whole_book(of, &depth, at));
                }
            }
            MarketFeed::Trades => {
                let shown = dialects.of(of.dialect).trades_shown();
                let latest = match past {
                    None => markets.latest_trades(id, shown),
                    Some(past) => {
                        let cut = Cut { rows: shown, most: shown, instant: 1 };
                        markets.trades_and_past(id, past, None, cut).rows
                    }
                };
                let joined = product.join_trades(of, &latest);
                if answer(dialects, of, joined, accepted) {
                    of.outbox.push(product.latest_trades(of, &latest, at));
                }
            }
            MarketFeed::Ticker(form) => {
                let ticker = markets.ticker(id, now.exchange)?;
                let joined = product.join_ticker(of, form, &ticker, now);
                if answer(dialects, of, joined, accepted)
                    && let Some(message) = product.ticker(of, form, &ticker, at)
                {
                    of.outbox.push(message);
                }
            }
            MarketFeed::Candles(_) => {}
        }
        Some(())
    }

    /// First candles are watched, then the forming one is looked at.
    fn join_candles(&mut self, of: &Follower, id: InstrumentId, at: SeriesAt, accepted: Frame) -> Option<()> {
        let board = Arc::clone(&self.candles.as_ref()?.board);
        let directory = self.views.directory();
        let spec = directory.instrument(id)?.spec();
        self.products.entry(id).or_default().expect_candles(at);
        self.watch();
        let (number, candle) = board.forming(at);
        let candle = candle.map(|candle| whole(self.past.as_deref(), at, candle));
        let Self { dialects, products, .. } = self;
        let product = products.get_mut(&id)?;
        let joined = product.join_candles(of, at, number, candle.is_some());
        if answer(dialects, of, joined, accepted)
            && let Some(candle) = candle
            && let Some(first) = message(|out| dialects.of(of.dialect).candle(out, spec, at, &candle, true))
        {
            of.outbox.push(first);
        }
        Some(())
    }

    /// An account's followers, whose changes are told from here on.
    pub(super) fn account(&mut self, id: AccountId) -> &mut Account {
        if !self.accounts.contains_key(&id) {
            self.accounts.insert(id, Account::default());
            // First the changes, then the view: see `Publisher`.
            self.want(!self.products.is_empty());
            let told = self.views.fills().newest(id);
            if let Some(account) = self.accounts.get_mut(&id) {
                account.fills_told = told;
            }
        }
        self.accounts.entry(id).or_default()
    }

    fn send_orders(&mut self, of: &Follower, form: Form, signer: Signer) {
        let directory = self.views.directory();
        let names = Names { directory: &directory, identity: self.node.identity() };
        // Copied under the lock, told outside: the writer waits for the lock.
        let (open, sequence) =
            self.views.orders().with(signer.account, |orders| (orders.open_copied(), orders.sequence()));
        let encoder = self.dialects.of(of.dialect);
        let snapshot = frame(|out| encoder.open_orders(out, names, form, signer.account, &open));
        let shown = self.accounts.get_mut(&signer.account);
        if let Some(shown) = shown.and_then(|of_it| of_it.orders.state(of.outbox.id, signer.key, form)) {
            *shown = sequence;
        }
        of.outbox.push(snapshot);
    }

    fn send_fills(&self, of: &Follower, product: Option<InstrumentId>, signer: Signer, last: u64) {
        let directory = self.views.directory();
        let names = Names { directory: &directory, identity: self.node.identity() };
        let encoder = self.dialects.of(of.dialect);
        let wanted = |row: &FillRow| product.is_none_or(|only| only == row.instrument);
        let fills = self.views.fills().up_to(signer.account, last, encoder.fills_shown(), wanted);
        of.outbox.push(frame(|out| encoder.latest_fills(out, names, signer.account, &fills)));
    }

    /// Whether a connection follows something of a contract; what else there is can be joined at any time.
    pub(super) fn holds(&self, id: u64, topic: &Topic) -> bool {
        match topic {
            Topic::Market(instrument, feed) => {
                self.products.get(instrument).is_some_and(|product| product.holds(id, *feed))
            }
            Topic::Heartbeat | Topic::Account(..) => false,
        }
    }

    /// Whether there was something to leave.
    pub(super) fn leave(&mut self, id: u64, topic: &Topic) -> bool {
        let left = match topic {
            Topic::Heartbeat => {
                let before = self.heartbeat.len();
                self.heartbeat.retain(|follower| follower.outbox.id != id);
                self.heartbeat.len() < before
            }
            Topic::Market(instrument, feed) => {
                self.products.get_mut(instrument).is_some_and(|product| product.leave(id, *feed))
            }
            Topic::Account(signer, feed) => match self.accounts.get_mut(&signer.account) {
                Some(account) => match feed {
                    AccountFeed::Orders(form) => account.orders.leave(id, signer.key, *form),
                    AccountFeed::Fills(product) => account.leave_fills(id, signer.key, *product),
                    AccountFeed::Money(feed) => account.money.followers.leave(id, signer.key, *feed),
                    AccountFeed::Log(feed) => account.log.followers.leave(id, signer.key, *feed),
                    AccountFeed::Notices => account.notices.followers.leave(id, signer.key, ()),
                },
                None => false,
            },
        };
        self.tidy();
        left
    }
}

/// Answers a join. False when the answer found no room.
fn answer(dialects: &Dialects, of: &Follower, joined: Joined, accepted: Frame) -> bool {
    of.outbox.push(match joined {
        Joined::Anew => accepted,
        Joined::Again => frame(|out| dialects.of(of.dialect).remark(out, Remark::HeldAlready)),
    })
}
