//! Which web pages the process lets in, by its flag and its environment.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::venue::{Home, QUIET, Venue};

/// The status of a WebSocket handshake that a page of this origin asks for.
fn status(venue: &Venue, origin: &str) -> String {
    let address = venue.http().strip_prefix("http://").expect("a plain http address");
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head = format!(
        "GET /ws/v1 HTTP/1.1\r\nHost: {address}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut line = [0; 12];
    stream.read_exact(&mut line).expect("an answer");
    String::from_utf8_lossy(&line[9..]).into_owned()
}

#[test]
fn pages_are_named_by_a_flag_that_repeats() {
    let home = Home::new();
    let named = ["--allow-origin", "http://localhost:3000", "--allow-origin", "https://desk.example"];
    let venue = home.start(&[&QUIET[..], &named].concat());
    assert_eq!(status(&venue, venue.http()), "101");
    assert_eq!(status(&venue, "http://localhost:3000"), "101");
    assert_eq!(status(&venue, "https://desk.example"), "101");
    assert_eq!(status(&venue, "http://localhost:3001"), "403");
    assert_eq!(status(&venue, "https://evil.example"), "403");
}

#[test]
fn what_is_no_origin_is_refused_by_the_flag_and_by_the_environment() {
    let home = Home::new();
    let refused = home.refused(&[&QUIET[..], &["--allow-origin", "localhost:3000"]].concat());
    assert!(!refused.status.success());
    assert!(
        refused.stderr.contains("--allow-origin") && refused.stderr.contains("localhost:3000"),
        "{}",
        refused.said()
    );
    let mut command = home.serve(&QUIET);
    let output =
        command.env("LOLIGO_ALLOW_ORIGIN", "http://localhost:3000,*").output().expect("the binary runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("'*'") && said.contains("such as http://localhost:3000"), "{said}");
}
