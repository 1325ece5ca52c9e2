//! Bodies that are slow, too long, or not sent before somebody says so.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_body_is_as_long_as_it_may_be_and_a_longer_one_ends_its_own_request() {
    let (_served, mut client) = Served::start().await;
    let waits = client.send("GET", "/wait", b"").await;
    // Several times what a connection may leave with us.
    let longest = vec![b'x'; BODY_BYTES];
    for _ in 0..10 {
        assert_eq!(client.ask("POST", "/a", &longest).await, format!("POST /a {BODY_BYTES}"));
    }
    let longer = vec![b'x'; 2 * BODY_BYTES];
    for _ in 0..10 {
        assert_eq!(client.ask("POST", "/a", &longer).await, "too long", "its length is not said");
    }
    assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0");
    drop(waits);
}

/// Why a client's request was reset in the midst of it.
async fn reset(stream: &mut h2::SendStream<Bytes>) -> Reason {
    within_an_hour(poll_fn(|context| stream.poll_reset(context))).await.expect("reset")
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_is_answered_at_its_end_and_its_stream_is_not_reset() {
    let bounds = Bounds::default();
    let (_served, mut client) = Served::start().await;
    let longest = vec![b'x'; BODY_BYTES];
    for (bytes, is_said) in
        [(BODY_BYTES + 1, true), (BODY_BYTES + 1, false), (100 * BODY_BYTES, true), (100 * BODY_BYTES, false)]
    {
        let mut asking = asking("POST", "/a");
        if is_said {
            asking = asking.header(CONTENT_LENGTH, bytes);
        }
        let (mut stream, answer) = client.begin(asking).await;
        let mut answer = pin!(taken(answer));
        for sent in (0..bytes - 1).step_by(BODY_BYTES) {
            let piece = &longest[..BODY_BYTES.min(bytes - 1 - sent)];
            within_an_hour(fill(&mut stream, piece, false)).await;
        }
        let early = tokio::time::timeout(bounds.body / 2, &mut answer).await;
        assert!(early.is_err(), "a client that still sends may not listen: {early:?}");
        fill(&mut stream, b"x", true).await;
        let (status, text) = within_an_hour(&mut answer).await.expect("an answer without an error");
        assert_eq!((status, &*text), (StatusCode::OK, "too long"), "{bytes}, {is_said}");
    }
    assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_long_and_does_not_end_is_answered_in_the_midst_of_it() {
    let bounds = Bounds::default();
    let (_served, mut client) = Served::start().await;
    // One that says its length and does not come.
    let start = Instant::now();
    let (mut stream, answer) =
        client.begin(asking("POST", "/a").header(CONTENT_LENGTH, BODY_BYTES + 1)).await;
    assert_eq!(within_an_hour(taken(answer)).await.expect("an answer").1, "too long");
    assert!(start.elapsed() >= bounds.body && start.elapsed() < 2 * bounds.body, "{:?}", start.elapsed());
    // Who need not go on is told so, and that nothing is wrong.
    assert_eq!(reset(&mut stream).await, Reason::NO_ERROR);
    // One that comes for ever.
    let (mut stream, answer) = client.begin(asking("POST", "/a")).await;
    let piece = vec![b'x'; BODY_BYTES];
    let mut answer = pin!(taken(answer));
    let mut sent = 0;
    let told = within_an_hour(async {
        loop {
            tokio::select! {
                biased;
                told = &mut answer => return told,
                () = fill(&mut stream, &piece, false) => sent += piece.len(),
            }
        }
    });
    assert_eq!(told.await.expect("an answer").1, "too long");
    assert!((PASSED_BYTES..PASSED_BYTES + 4 * BODY_BYTES).contains(&sent), "{sent}");
    assert_eq!(reset(&mut stream).await, Reason::NO_ERROR);
    assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0", "what it sent is in nobody's way");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_not_whole_have_a_bound_together() {
    let (_served, mut client) = Served::start().await;
    let mut halves = Vec::new();
    for _ in 0..STREAMS / 2 {
        let (mut body, answer) = client.begin(asking("POST", "/half")).await;
        body.reserve_capacity(BODY_BYTES);
        halves.push((body, answer));
    }
    let mut sent = 0;
    // What the windows do not let through now is not let through before something else ends.
    for _ in 0..2 * halves.len() {
        for (body, _) in &mut halves {
            let room = body.capacity();
            if room > 0 {
                body.send_data(Bytes::from(vec![b'x'; room]), false).expect("it is open");
                sent += room;
            }
        }
        tokio::task::yield_now().await;
    }
    assert!((BODY_BYTES..=BODIES_WINDOW as usize).contains(&sent), "{sent} bytes were taken");
    for (_, answer) in halves {
        assert_eq!(reason(taken(answer).await), Some(Reason::CANCEL));
    }
    let whole = vec![b'x'; BODY_BYTES];
    assert_eq!(client.ask("POST", "/a", &whole).await, format!("POST /a {BODY_BYTES}"));
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_ends_its_own_request_and_no_other() {
    let (_served, mut client) = Served::start().await;
    let start = Instant::now();
    let (mut body, slow) = client.begin(asking("POST", "/slow")).await;
    fill(&mut body, b"half", false).await;
    let mut slow = pin!(taken(slow));
    let (mut pauses, mut asked) = (tokio::time::interval(Duration::from_secs(1)), 0);
    let ended = loop {
        tokio::select! {
            biased;
            ended = &mut slow => break ended,
            _ = pauses.tick() => {
                assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0");
                asked += 1;
            }
        }
    };
    assert_eq!(reason(ended), Some(Reason::CANCEL));
    let bounds = Bounds::default();
    assert!(start.elapsed() >= bounds.body && start.elapsed() < 2 * bounds.body, "{:?}", start.elapsed());
    assert!(asked >= 5);
    assert_eq!(client.ask("GET", "/a", b"").await, "GET /a 0");
}

#[tokio::test(start_paused = true)]
async fn who_waits_to_be_told_to_send_its_body_is_told() {
    let (_served, mut client) = Served::start().await;
    for (length, told) in [(3, "POST /a 3"), (BODY_BYTES + 1, "too long")] {
        let asking = asking("POST", "/a").header(EXPECT, "100-continue").header(CONTENT_LENGTH, length);
        let start = Instant::now();
        let (mut body, mut answer) = client.begin(asking).await;
        let first = poll_fn(|context| answer.poll_informational(context)).await;
        assert_eq!(first.is_some(), length == 3, "{first:?}");
        if let Some(first) = first {
            assert_eq!(first.expect("an interim answer").status(), StatusCode::CONTINUE);
            fill(&mut body, b"xyz", true).await;
        }
        assert_eq!(taken(answer).await.expect("an answer").1, told);
        assert_eq!(start.elapsed(), Duration::ZERO, "what will not be sent is not waited for");
    }
}
