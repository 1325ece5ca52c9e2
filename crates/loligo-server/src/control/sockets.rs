//! What the operator may know of WebSocket connections: who reads too slowly, and how much memory that takes.

use super::Control;
use crate::transport::outbox::Waiting;
use crate::transport::sockets::{Closed, Crowd, Laggard};
use serde_json::{Value, json};

/// Connections that are shown one by one, those first for which the most waits.
const LAGGARDS: usize = 100;

impl Control {
    pub(super) fn sockets_shown(&self) -> Value {
        let Crowd { bounds, open, waiting, most, closed: Closed { too_slow, lost }, laggards } =
            self.sockets.crowd();
        json!({
            "open": open,
            "per_address": bounds.per_address,
            // What may wait for one before it is closed.
            "queue": {"messages": bounds.queue_frames, "bytes": bounds.queue_bytes},
            // Of all of them now.
            "waiting": shown(waiting),
            // For any single one since the start.
            "most_waiting": shown(most),
            // Why they were closed, since the start.
            "closed": {"too_slow": too_slow, "lost": lost},
            "slowest": laggards.iter().take(LAGGARDS).map(laggard_shown).collect::<Vec<_>>(),
        })
    }
}

fn laggard_shown(laggard: &Laggard) -> Value {
    let Laggard { number, address, now, most } = laggard;
    json!({"number": number, "address": address, "waiting": shown(*now), "most_waiting": shown(*most)})
}

fn shown(Waiting { messages, bytes }: Waiting) -> Value {
    json!({"messages": messages, "bytes": bytes})
}
