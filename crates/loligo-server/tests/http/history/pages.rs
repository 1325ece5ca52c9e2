//! Pages, tokens, bad input, rates; and what a start finds.

use super::*;

/// Nine orders of one account, a second apart.
async fn nine() -> (Venue, Client) {
    let venue = Venue::start().await;
    let a = venue.client(0);
    for number in 0..9 {
        a.place("lmt", "buy", "1", &(49_000 + number).to_string(), &[]).await;
        venue.advance(1_000).await;
    }
    (venue, a)
}

fn limits(page: &Value) -> Vec<String> {
    let elements = page["elements"].as_array().expect("a list").iter();
    let limit =
        |element: &Value| element["event"]["OrderPlaced"]["order"]["limitPrice"].as_str().map(str::to_owned);
    elements.filter_map(limit).collect()
}

#[tokio::test]
async fn pages_follow_each_other_while_orders_arrive() {
    let (_venue, a) = nine().await;
    let (mut told, mut token) = (Vec::new(), None::<String>);
    loop {
        let mut arguments = vec![("count", "4")];
        if let Some(token) = &token {
            // Both names of it are known.
            arguments.push((if told.len() < 5 { "continuation_token" } else { "continuationToken" }, token));
        }
        let answer = send(&a, "/orders", &arguments).await;
        let page = answer.json();
        told.extend(limits(&page));
        let head = answer.head.to_ascii_lowercase();
        token = page["continuationToken"].as_str().map(str::to_owned);
        assert!(head.contains(&format!("is-truncated: {}", token.is_some())), "{head}");
        match &token {
            Some(token) => assert!(answer.head.contains(token), "{}", answer.head),
            None => {
                assert!(!head.contains("next-continuation-token"), "{head}");
                break;
            }
        }
        a.place("lmt", "buy", "1", "48000", &[]).await;
    }
    let newest_first: Vec<String> = (49_000..49_009).rev().map(|limit| limit.to_string()).collect();
    assert_eq!(told, newest_first);
}

#[tokio::test]
async fn bounds_and_filters_say_which() {
    let (_venue, a) = nine().await;
    let since = (NEW_YEAR + 3_000).to_string();
    let page =
        ask(&a, "/orders", &[("since", &since), ("before", "2026-01-01T00:00:05Z"), ("sort", "asc")]).await;
    assert_eq!(limits(&page), ["49003", "49004"]);
    for nothing in [
        vec![("since", "1767225609000"), ("before", "1767225600000")],
        vec![("tradeable", "PF_NOSUCH")],
        vec![("tradeable", "PI_XBTUSD")],
        vec![("opened", "false")],
    ] {
        let page = ask(&a, "/orders", &nothing).await;
        assert_eq!((&page["len"], page.get("continuationToken")), (&json!(0), None), "{nothing:?}");
    }
    assert_eq!(ask(&a, "/orders", &[("tradeable", "pf_xbtusd")]).await["len"], 9);
    assert_eq!(ask(&a, "/orders", &[("closed", "false"), ("count", "5000")]).await["len"], 9);
}

#[tokio::test]
async fn what_cannot_be_answered_is_told_with_its_status_and_a_reason() {
    let (venue, a) = nine().await;
    let (b, reader) = (venue.client(1), venue.reader(0));
    let page = ask(&a, "/orders", &[("count", "2")]).await;
    let token = page["continuationToken"].as_str().expect("more").to_owned();
    for (client, path, arguments, argument) in [
        (&a, "/orders", vec![("count", "0")], "count"),
        (&a, "/executions", vec![("count", "-1")], "count"),
        (&a, "/triggers", vec![("sort", "up")], "sort"),
        (&a, "/positions", vec![("since", "yesterday")], "since"),
        (&a, "/account-log", vec![("count", "0")], "count"),
        (&a, "/account-log", vec![("info", "gift")], "info"),
        (&a, "/accountlogcsv", vec![], ""),
        (&a, "/orders", vec![("continuation_token", "bmV4dA==")], "continuation_token"),
        (&a, "/executions", vec![("continuation_token", &token)], "continuation_token"),
        (&b, "/orders", vec![("continuation_token", &token)], "continuation_token"),
        (&a, "/orders", vec![("continuation_token", &token), ("sort", "asc")], "continuation_token"),
        (&a, "/orders", vec![("continuation_token", &token), ("since", "5")], "continuation_token"),
    ] {
        let answer = send(client, path, &arguments).await;
        if argument.is_empty() {
            assert_eq!(answer.status, 200);
            continue;
        }
        assert_eq!(answer.status, 400, "{path} {arguments:?}");
        let wanted = json!({"status": "bad_request", "reason": format!("invalid argument: {argument}")});
        assert_eq!(answer.json(), wanted, "{path} {arguments:?}");
    }
    // A key that only reads may ask; a signature that is none may not.
    assert_eq!(ask(&reader, "/orders", &[("continuation_token", &token)]).await["len"], 7);
    let mut unsigned = request(&a, "/orders", &[]);
    unsigned.authent = Some("AAAA".to_owned());
    let answer = unsigned.send().await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.json(),
        json!({"status": "unauthorized", "reason": "You are not authorized to access this endpoint."})
    );
}

#[tokio::test]
async fn lists_of_markets_refuse_the_same_and_a_page_has_a_thousand_elements_at_most() {
    let venue = Venue::start().await;
    let a = venue.client(0);
    for step in 0..1_003 {
        venue.pin(SYMBOL, &(50_000 + step % 2).to_string()).await;
    }
    let prices = format!("/market/{SYMBOL}/price");
    let page = ask(&a, &prices, &[("count", "5000")]).await;
    assert_eq!(page["len"], 1_000, "what is too much is cut");
    let token = page["continuationToken"].as_str().expect("more").to_owned();
    let rest = ask(&a, &prices, &[("continuation_token", &token)]).await;
    assert!(rest["len"].as_u64().is_some_and(|more| more > 0), "{rest}");
    assert_eq!(rest.get("continuationToken"), None);
    let wrong =
        |argument| json!({"status": "bad_request", "reason": format!("invalid argument: {argument}")});
    for (path, name, value) in [
        (prices.as_str(), "count", "0"),
        (&prices, "count", "-1"),
        (&prices, "count", "many"),
        (&prices, "sort", "up"),
        (&prices, "before", "tomorrow"),
        (&format!("/market/{SYMBOL}/orders"), "continuation_token", &token),
        ("/market/PF_ETHUSD/price", "continuation_token", &token),
        (&format!("/market/{SYMBOL}/executions"), "continuation_token", "bm9uZQ=="),
    ] {
        let answer = send(&a, path, &[(name, value)]).await;
        assert_eq!((answer.status, answer.json()), (400, wrong(name)), "{path} {name}={value}");
    }
    let backwards = [("since", "1767225609000"), ("before", "1767225600000")];
    for path in [&prices, &format!("/market/{SYMBOL}/orders"), &format!("/market/{SYMBOL}/executions")] {
        assert_eq!(ask(&a, path, &backwards).await, json!({"elements": [], "len": 0}), "{path}");
    }
    assert_eq!(ask(&a, "/account-log", &backwards).await["logs"], json!([]));
    let all = ask(&a, "/account-log", &[]).await;
    assert_eq!(ask(&a, "/account-log", &[("count", "100000000000000000000")]).await, all, "cut, too");
}

#[tokio::test]
async fn both_versions_and_the_aliases_answer_alike() {
    let (_venue, a) = nine().await;
    for path in ["/orders", "/executions", "/triggers", "/accountlogcsv", "/positions", "/account-log"] {
        let v3 = send(&a, path, &[]).await;
        let mut others = vec![format!("/api/history/v2{path}")];
        if !["/positions", "/account-log"].contains(&path) {
            others.push(format!("/derivatives/api/v3{path}"));
        }
        for other in others {
            let mut request = request(&a, path, &[]);
            request.path = other.clone();
            // The prefix is not signed.
            request.path = other.trim_start_matches("/derivatives").to_owned();
            request.sign();
            request.path = other.clone();
            let answer = request.send().await;
            assert_eq!((answer.status, answer.body), (200, v3.body.clone()), "{other}");
        }
    }
}

#[tokio::test]
async fn history_is_paid_from_a_pool_of_its_own() {
    let venue = Venue::with(ServerConfig::test()).await;
    let a = venue.client(0);
    for _ in 0..9 {
        assert_eq!(send(&a, "/account-log", &[("count", "100000")]).await.status, 200);
    }
    assert_eq!(send(&a, "/accountlogcsv", &[]).await.status, 200);
    for _ in 0..4 {
        assert_eq!(send(&a, "/orders", &[]).await.status, 200);
    }
    venue.real.advance(60_000_000);
    let answer = send(&a, "/executions", &[]).await;
    assert_eq!(answer.status, 429);
    assert!(answer.head.to_ascii_lowercase().contains("rate-limit-reset: 540\r\n"), "{}", answer.head);
    assert_eq!(a.get("/openorders", &[]).await["result"], "success", "the other pool is full");
    venue.real.advance(540_000_000);
    assert_eq!(send(&a, "/executions", &[]).await.status, 200);
}

#[tokio::test]
async fn a_start_finds_what_was_there_and_a_lost_index_is_made_again_to_the_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let venue = Venue::lasting(folder.path()).await;
    let (a, b) = (venue.client(0), venue.client(1));
    let resting = a.place("lmt", "sell", "1", "50010", &[]).await;
    b.place("ioc", "buy", "0.4", "50020", &[]).await;
    let stop = [("stopPrice", "48000"), ("triggerSignal", "mark")];
    a.place("stp", "sell", "1", "47900", &stop).await;
    venue.server.stop().await;

    // The index alone says what the order was that is filled now.
    let venue = Venue::lasting(folder.path()).await;
    let (a, b) = (venue.client(0), venue.client(1));
    b.place("ioc", "buy", "0.6", "50020", &[]).await;
    let page = ask(&a, "/executions", &[]).await;
    let execution = &page["elements"][0]["event"]["execution"]["execution"];
    assert_eq!((&execution["order"]["uid"], &execution["limitFilled"]), (&resting["order_id"], &json!(true)));
    assert_eq!(
        (&execution["order"]["quantity"], &execution["order"]["filled"]),
        (&json!("0.6"), &json!("0.4"))
    );
    assert_eq!(execution["order"]["timestamp"], NEW_YEAR);
    let told = all(&a).await;
    venue.server.stop().await;

    for file in ["history.db", "history.db-wal", "history.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(file));
    }
    let venue = Venue::lasting(folder.path()).await;
    assert_eq!(all(&venue.client(0)).await, told);
    venue.server.stop().await;
}

/// All that an account is told, but for the time of the answers.
async fn all(client: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for path in ["/orders", "/executions", "/triggers", "/positions", "/account-log"] {
        let mut page = ask(client, path, &[]).await;
        if let Some(page) = page.as_object_mut() {
            page.remove("serverTime");
        }
        all.push(page);
    }
    let market = format!("/market/{SYMBOL}");
    for list in ["orders", "executions"] {
        all.push(ask(client, &format!("{market}/{list}"), &[]).await);
    }
    all
}
