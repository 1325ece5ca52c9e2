//! A small HTTP/1.1 client that sends exactly the bytes it is told to: one connection, kept alive, http or https.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};

/// A server that has not answered by then never will.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);

/// A byte stream, encrypted or not.
trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// One connection to a server.
pub struct Connection {
    stream: BufReader<Box<dyn Stream>>,
    host: String,
}

/// What came back.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Connection {
    /// Connects to `base`, such as `http://127.0.0.1:8080`.
    pub fn open(base: &str) -> io::Result<Self> {
        let host = base.strip_prefix("http://").expect("a plain http address").to_owned();
        Ok(Self { stream: BufReader::new(Box::new(connect(&host)?)), host })
    }

    /// Connects to `base`, such as `https://127.0.0.1:8443`, trusting only the authority in the file.
    pub fn open_tls(base: &str, authority: &Path) -> io::Result<Self> {
        let host = base.strip_prefix("https://").expect("an https address").to_owned();
        let mut trusted = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(authority).map_err(io::Error::other)? {
            trusted.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).to_owned();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let session = rustls::ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
        let stream = rustls::StreamOwned::new(session, connect(&host)?);
        Ok(Self { stream: BufReader::new(Box::new(stream)), host })
    }

    /// Sends a request and reads its answer. A body is sent with its length, and none without.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> io::Result<Response> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = body {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut bytes = (head + "\r\n").into_bytes();
        bytes.extend_from_slice(body.unwrap_or_default());
        self.send(&bytes)?;
        self.receive()
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(bytes)?;
        stream.flush()
    }

    /// Reads one answer.
    pub fn receive(&mut self) -> io::Result<Response> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status in {line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) =
                line.split_once(':').ok_or_else(|| io::Error::other(format!("header {line:?}")))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response { status, headers, body: Vec::new() };
        if response.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            response.body = self.chunks()?;
        } else if let Some(length) = response.header("content-length") {
            response.body = vec![0; length.parse().map_err(io::Error::other)?];
            self.stream.read_exact(&mut response.body)?;
        } else {
            self.stream.read_to_end(&mut response.body)?;
        }
        Ok(response)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
            let start = body.len();
            body.resize(start + size, 0);
            self.stream.read_exact(&mut body[start..])?;
            self.line()?;
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn connect(host: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(host)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_TIME_MAX))?;
    Ok(stream)
}
