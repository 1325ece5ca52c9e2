//! What accounts are told some time after it was committed, for clients whose own bookkeeping is slower than the feeds.
//!
//! A client may be told of an order before it has taken in the answer to its request, and not every client can bear that.

use crate::history::LogRow;
use crate::projection::CommitChanges;
use loligo_engine::AccountId;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// News that may wait: what is committed while [the longest delay](crate::transport::bounds::FEED_DELAY_MAX) passes, several
/// times over.
const WAITING: usize = 8_192;

/// What accounts are told.
pub(super) enum News {
    Commit(Arc<CommitChanges>),
    Row(AccountId, Arc<LogRow>),
}

pub(super) struct Late {
    delay: Duration,
    /// In the order in which it came, and so in that in which it is due.
    waiting: VecDeque<(Instant, News)>,
}

impl Late {
    pub(super) fn new(delay: Duration) -> Self {
        Self { delay, waiting: VecDeque::new() }
    }

    /// Whether news waits at all.
    pub(super) fn is_wanted(&self) -> bool {
        !self.delay.is_zero()
    }

    /// Has news wait behind all that waits; gives it back when there is no room for it.
    pub(super) fn put(&mut self, news: News) -> Result<(), News> {
        if self.waiting.len() == WAITING {
            return Err(news);
        }
        self.waiting.push_back((Instant::now() + self.delay, news));
        Ok(())
    }

    /// The first that waits, once it is due; never, where none waits. Whoever stops waiting for it loses nothing.
    pub(super) async fn next(&mut self) -> News {
        if let Some((due, _)) = self.waiting.front() {
            sleep_until(*due).await;
            if let Some((_, news)) = self.waiting.pop_front() {
                return news;
            }
        }
        std::future::pending().await
    }

    /// Takes out all that waits: it will not be told.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = News> {
        self.waiting.drain(..).map(|(_, news)| news)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(number: u64) -> News {
        let changes = crate::projection::Changes {
            sequence: number,
            levels: Vec::new(),
            trades: Vec::new(),
            fills: Vec::new(),
            orders: Vec::new(),
        };
        News::Commit(Arc::new(CommitChanges { changes: vec![changes], ..CommitChanges::default() }))
    }

    fn number(news: &News) -> u64 {
        match news {
            News::Commit(commit) => commit.changes[0].sequence,
            News::Row(..) => panic!("no row was put"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn news_comes_in_its_order_and_not_before_its_time() {
        let delay = Duration::from_millis(20);
        let (mut late, began) = (Late::new(delay), Instant::now());
        assert!(late.put(numbered(1)).is_ok());
        tokio::time::advance(Duration::from_millis(5)).await;
        assert!(late.put(numbered(2)).is_ok());
        // Someone else is served meanwhile, and the wait is taken up again.
        tokio::select! {
            biased;
            _ = late.next() => panic!("told too early"),
            () = tokio::time::sleep(Duration::from_millis(10)) => {}
        }
        assert_eq!(number(&late.next().await), 1);
        assert_eq!(began.elapsed(), delay);
        assert_eq!(number(&late.next().await), 2);
        assert_eq!(began.elapsed(), delay + Duration::from_millis(5));
    }

    #[tokio::test(start_paused = true)]
    async fn what_finds_no_room_is_refused_and_nothing_before_it_is_lost() {
        let mut late = Late::new(Duration::from_millis(20));
        assert!((0..WAITING as u64).all(|n| late.put(numbered(n)).is_ok()));
        assert!(late.put(numbered(0)).is_err());
        for n in 0..WAITING as u64 {
            assert_eq!(number(&late.next().await), n);
        }
    }
}
