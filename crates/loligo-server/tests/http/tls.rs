//! https beside http, under an authority of the venue's own.

use crate::venue::{Answer, BASE, Venue, receive};
use loligo_server::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// A connection to https that trusts one authority.
pub async fn connect(
    venue: &Venue,
    trusted: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    over(TcpStream::connect(venue.server.https().expect("https is served")).await?, trusted).await
}

/// The same over a stream that is there.
pub async fn over(
    stream: TcpStream,
    trusted: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    offering(stream, trusted, &[]).await
}

/// The same for a client that speaks these protocols, its favourite first.
pub async fn offering(
    stream: TcpStream,
    trusted: &str,
    protocols: &[&str],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.as_bytes()).expect("PEM")).expect("a certificate");
    let mut config =
        rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn ask(venue: &Venue, trusted: &str) -> std::io::Result<Answer> {
    let mut stream = connect(venue, trusted).await?;
    let request = "GET /derivatives/api/v3/tickers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    Ok(receive(&mut stream, "GET", &format!("{BASE}/tickers")).await.expect("an answer"))
}

#[tokio::test]
async fn https_answers_whoever_trusts_the_authority() {
    let config = || ServerConfig { tls_listen: Some(([127, 0, 0, 1], 0).into()), ..ServerConfig::test() };
    let venue = Venue::with(config()).await;
    let authority = venue.server.authority().expect("an authority").to_owned();
    let answer = ask(&venue, &authority).await.expect("an answer");
    assert_eq!((answer.status, &answer.json()["result"]), (200, &serde_json::json!("success")));
    let other = Venue::with(config()).await;
    assert!(ask(&other, &authority).await.is_err(), "each venue has an authority of its own");
}
