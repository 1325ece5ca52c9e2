//! Asks a running exchange whether it is well. One request over a plain socket: no client library is worth it.

use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

/// The exchange's own words about its health.
pub(crate) fn ask(url: &str) -> Result<String> {
    let host = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    let address = host
        .to_socket_addrs()
        .ok()
        .and_then(|mut addresses| addresses.next())
        .with_context(|| format!("{url:?} is no address such as http://127.0.0.1:8080"))?;
    let mut stream = TcpStream::connect_timeout(&reachable(address), PATIENCE)
        .with_context(|| format!("no exchange listens on {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /loligo/v1/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // A health answer is far below this; whoever sends more is no exchange.
    stream
        .take(64 * 1024)
        .read_to_end(&mut answer)
        .with_context(|| format!("{address} did not answer in time"))?;
    let answer = String::from_utf8_lossy(&answer);
    match answer.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("HTTP/1.1 200 ") && body.contains("\"status\"") => {
            Ok(body.trim().to_owned())
        }
        _ => bail!("what listens on {address} is not a healthy exchange"),
    }
}

/// Where a client reaches a server that listens on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        match address {
            SocketAddr::V4(_) => reachable.set_ip(std::net::Ipv4Addr::LOCALHOST.into()),
            SocketAddr::V6(_) => reachable.set_ip(std::net::Ipv6Addr::LOCALHOST.into()),
        }
    }
    reachable
}
