//! A process that may open only so many files, and clients that take more connections than that.

use std::net::TcpStream;

use crate::http::Connection;
use crate::venue::{Home, QUIET, Venue, text};

fn idle_connections(venue: &Venue, count: usize) -> Vec<TcpStream> {
    let address = venue.http().strip_prefix("http://").expect("a plain http address");
    (0..count).map(|_| TcpStream::connect(address).expect("it listens")).collect()
}

#[test]
fn the_operator_gets_in_when_idle_connections_take_all_places() {
    let home = Home::new();
    let venue = home.start_under("ulimit -n 256", &QUIET);
    let _idle = idle_connections(&venue, 600);
    let bearer = format!("Bearer {}", text(&venue.config["control_token"]));
    let pinned: &[u8] = br#"{"index": "50000", "mark": "50000"}"#;
    for (method, path, body) in [("GET", "/clock", None), ("PUT", "/prices/PF_XBTUSD", Some(pinned))] {
        let mut operator = Connection::open(venue.http()).expect("it listens");
        let headers = [("Authorization", bearer.as_str())];
        let told = operator.request(method, &format!("/loligo/v1{path}"), &headers, body).expect("an answer");
        assert_eq!(told.status, 200, "{}", told.text());
    }
    // Anyone else is told that there is no room, on http and on https.
    let (authority, https) = (text(&venue.config["ca_certificate"]), text(&venue.config["https"]));
    for mut client in [
        Connection::open(venue.http()).expect("it listens"),
        Connection::open_tls(https, authority.as_ref()).expect("it listens"),
    ] {
        let told = client.request("GET", "/derivatives/api/v3/tickers", &[], None).expect("an answer");
        assert_eq!((told.status, told.header("connection")), (503, Some("close")), "{}", told.text());
        assert!(told.text().contains(r#""error":"Unavailable""#), "{}", told.text());
    }
    // The operator reads why, and of nothing else: no file was missing.
    let said = venue.stop().stderr;
    let told = said.lines().filter(|line| line.ends_with("503: all connections that there may be are taken"));
    assert_eq!((told.count(), said.lines().count()), (2, 2), "{said}");
}

#[test]
fn a_low_limit_that_may_be_raised_is_raised() {
    let home = Home::new();
    let venue = home.start_under("ulimit -Sn 100", &QUIET);
    let _idle = idle_connections(&venue, 300);
    let mut client = Connection::open(venue.http()).expect("it listens");
    let told = client.request("GET", "/derivatives/api/v3/tickers", &[], None).expect("an answer");
    assert_eq!(told.status, 200, "{}", told.text());
}

#[test]
fn a_process_that_may_open_too_few_files_says_so_and_how_many_it_needs() {
    let home = Home::new();
    let refused = home.refused_under("ulimit -n 70", &QUIET);
    assert!(!refused.status.success());
    assert!(
        refused.stderr.contains("70 files, and needs 81 at least: raise `ulimit -n`"),
        "{}",
        refused.said()
    );
    assert!(!home.data().exists(), "nothing was touched");
}
