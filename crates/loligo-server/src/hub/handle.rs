//! The hubs' threads, and the end of them that connections hold.

use super::{Action, Dialects, Follower, Hub, Sources};
use crate::node::NodeHandle;
use crate::transport::bounds::FeedBounds;
use std::io;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::oneshot;
use tokio::task::unconstrained;

/// Requests that may wait for a hub, of all connections together. Each connection waits for its own.
const ASKS: usize = 1_024;

/// What a connection asks of the hub.
pub(super) enum Request {
    /// Follow things, or no longer. What there is to answer goes into its outbox; `done` is told when all of it is there,
    /// so that the next request is answered after this one.
    Actions { of: Follower, actions: Vec<Action>, done: oneshot::Sender<()> },
    /// The connection with this number is gone.
    Gone(u64),
}

/// The connections' end of the hubs.
#[derive(Clone)]
pub(crate) struct HubHandle {
    private: Sender<Request>,
    public: Sender<Request>,
}

impl HubHandle {
    /// Has a connection join and leave, and ends when it is answered. A hub that is gone answers nothing.
    pub(crate) async fn ask(&self, of: &Follower, actions: Vec<Action>) {
        let (other, own) = if actions.iter().any(Action::is_private) {
            (&self.public, &self.private)
        } else {
            (&self.private, &self.public)
        };
        // An answer comes behind all that had happened, whichever tells of it.
        for (hub, actions) in [(other, Vec::new()), (own, actions)] {
            let (done, answered) = oneshot::channel();
            if hub.send(Request::Actions { of: of.clone(), actions, done }).await.is_ok() {
                let _ = answered.await;
            }
        }
    }

    /// Says that a connection is gone.
    pub(crate) async fn gone(&self, of: &Follower) {
        for hub in [&self.private, &self.public] {
            // A hub that is gone has forgotten everybody.
            let _ = hub.send(Request::Gone(of.outbox.id)).await;
        }
    }

    /// Ends when either hub does.
    pub(crate) async fn closed(&self) {
        tokio::select! {
            () = self.private.closed() => {}
            () = self.public.closed() => {}
        }
    }
}

/// Starts the hubs' threads; they end when nobody can ask them any more.
///
/// # Errors
/// When there are no threads.
pub(crate) fn start(
    node: &NodeHandle,
    dialects: &Dialects,
    sources: Sources,
    bounds: FeedBounds,
) -> io::Result<HubHandle> {
    let Sources { candles, history, past } = sources;
    let of_accounts = Sources { history, ..Sources::default() };
    let of_markets = Sources { candles, past, ..Sources::default() };
    // The writer hands over first to the one that was there first.
    let hub = |sources| Hub::new(node.clone(), dialects.clone(), sources, bounds.delay);
    let private = start_one("loligo-private", hub(of_accounts), bounds)?;
    let public = start_one("loligo-public", hub(of_markets), bounds)?;
    Ok(HubHandle { private, public })
}

fn start_one(name: &str, hub: Hub, bounds: FeedBounds) -> io::Result<Sender<Request>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let (asks, asked) = channel(ASKS);
    // The thread is the hub's alone, so it need not make room for other tasks between two writes.
    let run = move || runtime.block_on(unconstrained(hub.run(asked, bounds)));
    std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
    Ok(asks)
}
