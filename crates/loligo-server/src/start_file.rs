//! What a tool needs to use a running exchange: addresses, token, accounts with their keys.

use crate::config::Config;
use crate::identity::KeyPair;
use crate::node::DevelopmentAccount;
use crate::server::Server;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The start file, in its fixed shape.
#[derive(Clone, Serialize)]
pub struct StartFile {
    /// `http://127.0.0.1:8080`.
    pub http: String,
    /// `https://127.0.0.1:8443`.
    pub https: Option<String>,
    /// `ws://127.0.0.1:8080/ws/v1`.
    pub ws: String,
    /// `wss://127.0.0.1:8443/ws/v1`.
    pub wss: Option<String>,
    /// Path of the certificate that https clients must trust.
    pub ca_certificate: Option<PathBuf>,
    /// Bearer token of the control surface.
    pub control_token: String,
    /// Seed of the development keys and the market.
    pub seed: u64,
    /// The data folder; null when everything is in memory.
    pub data: Option<PathBuf>,
    /// The accounts that are there from the start.
    pub accounts: Vec<StartAccount>,
}

/// One account with its keys.
#[derive(Clone, Serialize)]
pub struct StartAccount {
    /// Its name for clients.
    pub uid: String,
    /// Its name for people.
    pub name: String,
    /// Public text of the key that trades.
    pub api_key: String,
    /// Its secret.
    pub api_secret: String,
    /// The key that only asks.
    pub read_only: StartKey,
}

/// One key.
#[derive(Clone, Serialize)]
pub struct StartKey {
    /// Its public text.
    pub api_key: String,
    /// Its secret.
    pub api_secret: String,
}

impl StartFile {
    pub(crate) fn new(server: &Server, config: &Config, accounts: &[DevelopmentAccount]) -> Self {
        let key =
            |pair: &KeyPair| StartKey { api_key: pair.api_key.clone(), api_secret: pair.secret.to_base64() };
        let accounts = accounts
            .iter()
            .map(|account| {
                let full = key(&account.full);
                StartAccount {
                    uid: account.uid.to_string(),
                    name: account.name.clone(),
                    api_key: full.api_key,
                    api_secret: full.api_secret,
                    read_only: key(&account.read_only),
                }
            })
            .collect();
        let url = |scheme: &str, address: SocketAddr| format!("{scheme}://{}", reachable(address));
        Self {
            http: url("http", server.http()),
            https: server.https().map(|address| url("https", address)),
            ws: format!("{}/ws/v1", url("ws", server.http())),
            wss: server.https().map(|address| format!("{}/ws/v1", url("wss", address))),
            ca_certificate: config.data.as_deref().filter(|_| server.https().is_some()).map(ca_path),
            control_token: server.control_token().to_owned(),
            seed: config.seed,
            data: config.data.as_deref().map(absolute),
            accounts,
        }
    }
}

/// Where the authority's certificate is in a data folder.
fn ca_path(data: &Path) -> PathBuf {
    absolute(&data.join("tls").join("ca.pem"))
}

/// Clients run in other folders.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// The address as a client on this machine reaches it.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    reachable
}
