//! HTTP/2 on https, as curl speaks it, which every system has.

use std::fs::File;
use std::process::Command;

use tempfile::NamedTempFile;

use crate::api::{BASE, form};
use crate::contract;
use crate::http::Response;
use crate::venue::{Home, QUIET, Venue, skip, text};

/// Whether the curl that is here speaks HTTP/2; a test without it is skipped.
fn speaks_http_2(test: &str) -> bool {
    let version = Command::new("curl").arg("--version").output().expect("curl is here");
    let speaks = String::from_utf8_lossy(&version.stdout).contains("HTTP2");
    if !speaks {
        skip(test, "this curl speaks no HTTP/2");
    }
    speaks
}

/// What curl prints, told to trust the exchange alone. Behind each answer stand the protocol, the status and how many
/// connections it took.
fn curl(venue: &Venue, path: &str, arguments: &[&str]) -> String {
    let output = Command::new("curl")
        .args(["-q", "--silent", "--show-error", "--noproxy", "*"])
        .args(["--cacert", text(&venue.config["ca_certificate"])])
        .args(["--write-out", "\nHTTP/%{http_version} %{http_code} %{num_connects}\n"])
        .args(arguments)
        .arg(format!("{}{path}", text(&venue.config["https"])))
        .output()
        .expect("curl runs");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaints}", output.status);
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn curl_speaks_the_protocol_that_it_is_told() {
    if !speaks_http_2("curl_speaks_the_protocol_that_it_is_told") {
        return;
    }
    let home = Home::new();
    let venue = home.start(&QUIET);
    let path = format!("{BASE}/tickers");
    for (told, wanted) in [("--http2", "HTTP/2 200 1"), ("--http1.1", "HTTP/1.1 200 1")] {
        let said = curl(&venue, &path, &[told]);
        assert!(said.starts_with(r#"{"result":"success""#), "{said}");
        assert_eq!(said.lines().last(), Some(wanted));
    }
    // On http there is nothing to agree by.
    let mut plain = Command::new("curl");
    plain.args(["-q", "--silent", "--noproxy", "*", "--http2", "--include"]);
    let plain = plain.arg(format!("{}{path}", venue.http())).output().expect("curl runs");
    assert!(String::from_utf8_lossy(&plain.stdout).starts_with("HTTP/1.1 "), "{plain:?}");
}

#[test]
fn orders_at_once_share_one_connection() {
    if !speaks_http_2("orders_at_once_share_one_connection") {
        return;
    }
    let home = Home::new();
    let venue = home.start(&[&QUIET[..], &["--rate-limits", "off"]].concat());
    let mut client = venue.client(0);
    let terms = [
        ("orderType", "lmt"),
        ("symbol", "PF_XBTUSD"),
        ("side", "buy"),
        ("size", "0.1"),
        ("limitPrice", "1000"),
    ];
    let body = form(&terms);
    let account = &venue.config["accounts"][0];
    let key = format!("APIKey: {}", text(&account["api_key"]));
    let signature = format!("Authent: {}", client.sign("/sendorder", &body, ""));
    // The braces are curl's: the same address, forty times, and a query that nobody looks into is none of the signature's.
    let path = format!("{BASE}/sendorder#[1-40]");
    let said = curl(
        &venue,
        &path,
        &["--parallel", "--http2", "--header", &key, "--header", &signature, "--data", &body],
    );
    let told: Vec<&str> = said.lines().filter(|line| line.starts_with("HTTP/")).collect();
    assert_eq!(told.len(), 40, "{said}");
    assert!(told.iter().all(|line| line.starts_with("HTTP/2 200 ")), "{told:?}");
    assert_eq!(told.iter().filter(|line| line.ends_with(" 1")).count(), 1, "{told:?}");
    assert_eq!(said.matches(r#""status":"placed""#).count(), 40, "{said}");
    assert_eq!(client.open_orders().len(), 40);
}

#[test]
fn a_body_that_is_too_long_is_told_so() {
    const LONGEST: u64 = 2 << 20;
    if !speaks_http_2("a_body_that_is_too_long_is_told_so") {
        return;
    }
    let home = Home::new();
    let venue = home.start(&QUIET);
    for bytes in [LONGEST + 1, 4 * LONGEST, 100 * LONGEST] {
        // Nothing of it need be on the disk.
        let body = NamedTempFile::new().expect("a file");
        File::options().write(true).open(body.path()).and_then(|file| file.set_len(bytes)).expect("a hole");
        let file = body.path().to_string_lossy();
        let said = curl(
            &venue,
            &format!("{BASE}/batchorder"),
            &["--http2", "--request", "POST", "--upload-file", &file],
        );
        let (told, how) = said.trim_end().rsplit_once('\n').expect("what curl writes behind it");
        assert_eq!(how, "HTTP/2 200 1", "{bytes}: {said}");
        let response = Response {
            status: 200,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: told.as_bytes().to_vec(),
        };
        let answer = contract::check("POST", "/batchorder", &response);
        assert_eq!(answer["error"], "invalidArgument", "{bytes}: {answer}");
    }
}
