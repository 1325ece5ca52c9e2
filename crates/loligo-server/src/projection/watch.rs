//! What a detached follower tells those who watch some of it, as it folds: each hears what it asked for, and nothing else is made.
//!
//! As with [changes](super::changes), the hand-over has a bound and nobody waits at it: what finds no room is lost, and whoever
//! watches is told so.

use arc_swap::ArcSwap;
use foldhash::fast::FixedState;
use hashbrown::HashSet;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// What may wait for one who watches: some seconds of the most that is told, a few megabytes.
const WAITING: usize = 65_536;

type Keys<K> = HashSet<K, FixedState>;

/// The follower's end.
pub(crate) struct Watched<K, T>(ArcSwap<Vec<Watcher<K, T>>>);

/// The near end of one hand-over: who watches is told that the follower is gone by the last of these.
struct Watcher<K, T> {
    wish: Arc<Wish<K>>,
    sender: Sender<(K, T)>,
}

/// What both ends of a hand-over know.
struct Wish<K> {
    wanted: ArcSwap<Keys<K>>,
    lost: AtomicBool,
}

impl<K, T> Clone for Watcher<K, T> {
    fn clone(&self) -> Self {
        Self { wish: Arc::clone(&self.wish), sender: self.sender.clone() }
    }
}

impl<K, T> Default for Watched<K, T> {
    fn default() -> Self {
        Self(ArcSwap::default())
    }
}

impl<K: Copy + Eq + Hash, T> Watched<K, T> {
    /// One more who watches: nothing yet.
    pub(crate) fn watch(&self) -> Watch<K, T> {
        let (sender, receiver) = channel(WAITING);
        let wish = Arc::new(Wish { wanted: ArcSwap::default(), lost: AtomicBool::new(false) });
        let watcher = Watcher { wish: Arc::clone(&wish), sender };
        self.0.rcu(|all| {
            // Those who are gone are left out on the way.
            let there = all.iter().filter(|other| !other.sender.is_closed());
            there.chain([&watcher]).cloned().collect::<Vec<_>>()
        });
        Watch { wish, receiver }
    }

    /// Tells everyone who wants it.
    pub(crate) fn tell(&self, key: K, make: impl Fn() -> T) {
        for watcher in self.0.load().iter() {
            let Watcher { wish, sender } = watcher;
            if wish.wanted.load().contains(&key) && sender.try_send((key, make())).is_err() {
                wish.lost.store(true, Ordering::Release);
            }
        }
    }
}

/// The end of one who watches.
pub(crate) struct Watch<K, T> {
    wish: Arc<Wish<K>>,
    receiver: Receiver<(K, T)>,
}

impl<K: Copy + Eq + Hash, T> Watch<K, T> {
    /// Says what is watched from now on.
    pub(crate) fn want(&self, keys: impl IntoIterator<Item = K>) {
        self.wish.wanted.store(Arc::new(keys.into_iter().collect()));
    }

    /// What is told next; none when the follower is gone.
    pub(crate) async fn next(&mut self) -> Option<(K, T)> {
        self.receiver.recv().await
    }

    /// Whether something was lost since this was asked last.
    pub(crate) fn lost(&self) -> bool {
        let lost = &self.wish.lost;
        lost.load(Ordering::Acquire) && lost.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_hears_what_it_watches_and_is_told_of_what_it_lost() {
        let watched: Watched<u8, u32> = Watched::default();
        let (mut one, mut other) = (watched.watch(), watched.watch());
        one.want([1]);
        other.want([1, 2]);
        for (key, value) in [(1, 10), (2, 20), (3, 30)] {
            watched.tell(key, || value);
        }
        assert_eq!(one.next().await, Some((1, 10)));
        assert_eq!((other.next().await, other.next().await), (Some((1, 10)), Some((2, 20))));
        for value in 0..=u32::try_from(WAITING).unwrap() {
            watched.tell(2, || value);
        }
        assert!(other.lost() && !other.lost(), "it is told once");
        assert!(!one.lost(), "who watches something else has lost nothing");
        assert_eq!(other.next().await, Some((2, 0)), "what found room is there");
        drop(watched);
        assert_eq!(one.next().await, None);
    }
}
