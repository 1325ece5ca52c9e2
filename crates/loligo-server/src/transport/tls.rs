//! The local certificate authority and the server certificate it signs: made at first start, reused later.
//!
//! Two widespread clients speak only https and wss. They are shown the authority's certificate once, so it must outlive
//! restarts; the server's own certificate is made anew when it is a year old or the names it must answer to have changed.

use crate::files::{read_bounded, read_text};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// Days a server certificate is used; it is valid for longer, but not for longer than strict clients accept (825).
const RENEW_AFTER_DAYS: i64 = 365;

/// A chain of certificates has a few kilobytes.
const PEM_BYTES_MAX: u64 = 64 * 1024;

/// HTTP/2, as the two sides of a handshake name it.
pub(crate) const HTTP2: &[u8] = b"h2";
/// What a connection speaks, most preferred first. A client that names nothing gets HTTP/1.1.
const PROTOCOLS: [&[u8]; 2] = [HTTP2, b"http/1.1"];

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file of the authority cannot be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A key or certificate on disk is none, or TLS does not take it.
    #[error("the certificates are not usable: {0}")]
    Unusable(String),
}

/// What TLS needs: who answers handshakes, and the authority's certificate for clients to trust.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// PEM.
    pub(crate) authority: String,
}

/// What the server certificate on disk is for.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Issued {
    /// Days since 1970-01-01.
    day: i64,
    /// What it answers to, besides the loopback names.
    names: Vec<String>,
}

/// Reads the authority and the server certificate from `folder`, making what is missing or old; without a folder both
/// live in memory. `hosts` are addresses that clients will connect to, besides localhost.
///
/// # Errors
/// [`TlsError`].
pub(crate) fn load(folder: Option<&Path>, hosts: &[IpAddr]) -> Result<Tls, TlsError> {
    let names: Vec<String> = hosts
        .iter()
        .filter(|host| !host.is_unspecified() && !host.is_loopback())
        .map(IpAddr::to_string)
        .collect();
    let today = today();
    let Some(folder) = folder else {
        let authority = Authority::new()?;
        let (certificate, key) = authority.issue(&names, today)?;
        return tls(authority.certificate, &certificate, &key);
    };
    let made = std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
        .recursive(true)
        .create(folder);
    made.map_err(|error| TlsError::File { path: folder.to_path_buf(), error })?;
    let file = |name: &str| folder.join(name);
    let (ca, ca_key) = (file("ca.pem"), file("ca.key"));
    // The key is written first: a certificate without its key would be trusted and useless.
    let authority = if ca.exists() {
        Authority::read(read(&ca)?, &read(&ca_key)?)?
    } else {
        let authority = Authority::new()?;
        write(&ca_key, &authority.key.serialize_pem())?;
        write(&ca, &authority.certificate)?;
        authority
    };
    let (server, server_key, issued) = (file("server.pem"), file("server.key"), file("server.json"));
    let usable = read_bounded(&issued, PEM_BYTES_MAX)
        .ok()
        .and_then(|text| serde_json::from_slice::<Issued>(&text).ok())
        .is_some_and(|issued| issued.names == names && (0..RENEW_AFTER_DAYS).contains(&(today - issued.day)));
    if !usable || !server.exists() || !server_key.exists() {
        let (certificate, key) = authority.issue(&names, today)?;
        write(&server_key, &key)?;
        write(&server, &certificate)?;
        // Last, so that a start interrupted before it begins again.
        let text = serde_json::to_string(&Issued { day: today, names }).unwrap_or_default();
        write(&issued, &text)?;
    }
    tls(authority.certificate, &read(&server)?, &read(&server_key)?)
}

fn tls(authority: String, certificate: &str, key: &str) -> Result<Tls, TlsError> {
    let unusable = |error: &dyn std::fmt::Display| TlsError::Unusable(error.to_string());
    let chain = CertificateDer::from_pem_slice(certificate.as_bytes()).map_err(|error| unusable(&error))?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| unusable(&error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .map_err(|error| unusable(&error))?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
    Ok(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), authority })
}

struct Authority {
    key: KeyPair,
    certificate: String,
}

impl Authority {
    fn new() -> Result<Self, TlsError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = Self::params().self_signed(&key)?.pem();
        Ok(Self { key, certificate })
    }

    fn read(certificate: String, key: &str) -> Result<Self, TlsError> {
        Ok(Self { key: KeyPair::from_pem(key)?, certificate })
    }

    /// The same at every start: what is issued later must name the authority as its certificate on disk does.
    fn params() -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = name("Loligo local certificate authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2125, 1, 1);
        params
    }

    /// A server certificate and its key, PEM.
    fn issue(&self, names: &[String], today: i64) -> Result<(String, String), TlsError> {
        let mut all = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        all.extend_from_slice(names);
        let mut params = CertificateParams::new(all)?;
        params.distinguished_name = name("Loligo");
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let ((y1, m1, d1), (y2, m2, d2)) = (civil(today - 2), civil(today + 800));
        params.not_before = date_time_ymd(y1, m1, d1);
        params.not_after = date_time_ymd(y2, m2, d2);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &Issuer::new(Self::params(), &self.key))?;
        Ok((certificate.pem(), key.serialize_pem()))
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// Days since 1970-01-01. A certificate is read by real clients, so real time counts, not exchange time.
fn today() -> i64 {
    jiff::Timestamp::now().as_second().div_euclid(86_400)
}

/// Year, month and day of a day since 1970-01-01.
fn civil(day: i64) -> (i32, u8, u8) {
    let at = jiff::Timestamp::from_second(day.saturating_mul(86_400)).unwrap_or(jiff::Timestamp::MAX);
    let date = jiff::tz::Offset::UTC.to_datetime(at).date();
    (i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
}

fn read(path: &Path) -> Result<String, TlsError> {
    read_text(path, PEM_BYTES_MAX).map_err(|error| TlsError::File { path: path.to_path_buf(), error })
}

/// Writes a file aside and puts it in place, so that it is whole or not there. It is the owner's alone, like all of the
/// data folder.
fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    crate::files::write_atomically(path, text.as_bytes(), true)
        .map_err(|error| TlsError::File { path: path.to_path_buf(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_outlives_restarts_and_the_server_certificate_follows_the_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = load(Some(folder.path()), &[]).expect("made");
        let server = || std::fs::read_to_string(folder.path().join("server.pem")).expect("there");
        let certificate = server();
        let second = load(Some(folder.path()), &["127.0.0.1".parse().expect("an address")]).expect("read");
        assert_eq!(first.authority, second.authority);
        assert_eq!(certificate, server(), "loopback names are always in it");
        let third =
            load(Some(folder.path()), &["192.0.2.7".parse().expect("an address")]).expect("made anew");
        assert_eq!(first.authority, third.authority);
        assert_ne!(certificate, server());
        #[cfg(unix)]
        for key in ["ca.pem", "ca.key", "server.pem", "server.key", "server.json"] {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(folder.path().join(key)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{key}");
        }
    }

    #[test]
    fn a_broken_key_is_told_and_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        load(Some(folder.path()), &[]).expect("made");
        std::fs::write(folder.path().join("server.key"), "no key").expect("written");
        assert!(matches!(load(Some(folder.path()), &[]), Err(TlsError::Unusable(_))));
        std::fs::remove_file(folder.path().join("ca.key")).expect("removed");
        assert!(matches!(load(Some(folder.path()), &[]), Err(TlsError::File { .. })));
    }
}
