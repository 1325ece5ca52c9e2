//! The dialects that the exchange speaks, each in a room of its own: routes, words, login, feeds. They know transport, hub
//! and story, and none of these knows them.

pub(crate) mod kraken;
#[cfg(test)]
pub(crate) mod toy;

use crate::charts::{Analytics, Candles};
use crate::faults::Faults;
use crate::history::History;
use crate::hub::HubHandle;
use crate::login::Login;
use crate::node::NodeHandle;
use crate::past::Past;
use crate::request_log::RequestLog;
use crate::transport::sockets::Sockets;
use loligo_wire::sign::Tolerance;
use std::sync::Arc;

/// What a dialect is given of the server that it is spoken in.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) node: NodeHandle,
    pub(crate) login: Arc<Login>,
    /// Which signatures are accepted beside the published rule.
    pub(crate) tolerance: Tolerance,
    /// Whether a key that may only ask is told the status of orders, too.
    pub(crate) status_for_read_only_keys: bool,
    pub(crate) faults: Arc<Faults>,
    pub(crate) sockets: Arc<Sockets>,
    pub(crate) history: Arc<History>,
    pub(crate) hub: HubHandle,
    pub(crate) log: Arc<RequestLog>,
    pub(crate) candles: Arc<Candles>,
    pub(crate) analytics: Arc<Analytics>,
    pub(crate) past: Option<Arc<Past>>,
}
