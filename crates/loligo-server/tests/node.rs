//! A node as a whole: what it acknowledges it keeps, what it did it does again, and what it is asked wrongly it says.

#[path = "node/accounts.rs"]
mod accounts;

use loligo_engine::{
    AccountId, CancelOrder, ClientOrderId, Command, Currency, InstrumentId, Money, OnGrid, OrderId, OrderRef,
    OrderStatus, OrderType, Outcome, PlaceOrder, SelfTradeStrategy, Side, Timestamp, Transfer, Wallet,
    Withdraw,
};
use loligo_server::config::{ClockKind, Config, MarketKind};
use loligo_server::node::{
    AccountError, ClockError, NodeEnd, OpenAccount, Reply, RunningNode, StartError, StateHashes, Submission,
    SubmitError, replay_folder, spawn, verify_folder,
};
use loligo_server::projection::Cut;
use loligo_server::record::{Fact, FactOutcome, FactRefusal, FaultId, FaultWord, KeyId};
use std::path::Path;
use tempfile::TempDir;

const ALICE: AccountId = AccountId(0);
const BOB: AccountId = AccountId(1);
const XBT: InstrumentId = InstrumentId(0);
const HOUR_MILLIS: i64 = 3_600_000;

fn in_folder(folder: &Path) -> Config {
    Config { data: Some(folder.to_path_buf()), ..Config::test() }
}

fn live(config: Config) -> Config {
    Config { market: MarketKind::Live, ..config }
}

fn order(account: AccountId, side: Side, price: i64, lots: i64) -> PlaceOrder {
    PlaceOrder {
        account,
        instrument: XBT,
        side,
        order_type: OrderType::Limit,
        qty: OnGrid::Steps(lots),
        limit_price: Some(OnGrid::Steps(price)),
        stop_price: None,
        trigger: None,
        limit_offset: None,
        reduce_only: false,
        client_order_id: None,
        algo_id: None,
        process_before: None,
    }
}

async fn place(node: &RunningNode, order: PlaceOrder) -> Reply {
    node.handle().submit(Submission::new(Command::Place(order))).await.unwrap()
}

fn placed(reply: &Reply) -> OrderId {
    match reply.outcome {
        Outcome::Placed(id) => id,
        ref other => panic!("placed, not {other:?}"),
    }
}

/// The same little history each time: orders rest, trade, are cancelled; time passes.
async fn trade(node: &RunningNode, rounds: i64) {
    for round in 0..rounds {
        let ask = placed(&place(node, order(BOB, Side::Sell, 80_100 + round % 7, 10)).await);
        place(node, order(ALICE, Side::Buy, 80_100 + round % 7, 4)).await;
        placed(&place(node, order(ALICE, Side::Buy, 70_000 + round % 50, 3)).await);
        if round % 3 == 0 {
            let cancel = CancelOrder { account: BOB, order: OrderRef::Id(ask), process_before: None };
            node.handle().submit(Submission::new(Command::Cancel(cancel))).await.unwrap();
        }
        node.handle().advance(250).await.unwrap();
    }
}

async fn hashes(node: &RunningNode) -> StateHashes {
    node.handle().state_hashes().await.unwrap()
}

/// Everything on one page.
const ALL: Cut = Cut { rows: usize::MAX, most: usize::MAX, instant: 1 };

/// Everything a reader can see, in words.
fn visible(node: &RunningNode) -> String {
    let views = node.handle().views();
    let now = node.handle().now();
    let directory = views.directory();
    let mut seen = format!("{now:?} {:?}", views.markets().tickers(now));
    for listed in directory.instruments() {
        seen += &format!("{:?}", views.markets().depth(listed.id).map(|d| (d.bids.clone(), d.asks.clone())));
        seen += &format!("{:?}", views.markets().trades(listed.id, None, ALL));
    }
    for account in directory.accounts() {
        seen += &format!("{account:?} {:?}", views.fills().of(account.id, usize::MAX));
        seen += &views.orders().with(account.id, |orders| format!("{:?}", orders.known(now)));
    }
    let keys: Vec<_> =
        directory.keys().iter().map(|key| (key.id, &key.api_key, key.secret.to_base64())).collect();
    seen + &format!("{keys:?} {:?}", views.service())
}

/// What is visible, but for the reasons that loading a market changes; it changes nothing else that can be seen.
fn loaded(seen: String) -> String {
    ["LoadingMarket", "NewUserOrder", "PartialFill", "EditedByUser"]
        .iter()
        .fold(seen, |seen, reason| seen.replace(reason, "*"))
}

#[tokio::test]
async fn a_reply_is_visible_in_every_view_when_it_comes() {
    let node = spawn(&Config::test()).unwrap();
    let reply = place(&node, order(ALICE, Side::Buy, 79_000, 10)).await;
    let id = placed(&reply);
    let handle = node.handle();
    assert_eq!(handle.acknowledged(), reply.sequence);
    assert!(handle.views().sequence() >= reply.sequence);
    let status = handle.views().orders().with(ALICE, |orders| orders.order(id, handle.now()).unwrap().status);
    assert_eq!(status, OrderStatus::EnteredBook);
    assert_eq!(handle.views().markets().ticker(XBT, handle.now()).unwrap().bid.unwrap().0.0, 79_000);
    assert_eq!(handle.identity().order_id(handle.identity().order_uuid(id)), Some(id));
}

#[tokio::test]
async fn an_acknowledged_order_is_there_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let node = spawn(&in_folder(folder.path())).unwrap();
    trade(&node, 40).await;
    let open = placed(&place(&node, order(ALICE, Side::Buy, 60_000, 7)).await);
    let (before, seen) = (hashes(&node).await, visible(&node));
    assert_eq!(node.stop(), NodeEnd::Stopped);

    assert_eq!(replay_folder(folder.path()).unwrap().hashes, before);
    let verified = verify_folder(folder.path()).unwrap();
    assert_eq!(verified.hashes, before);
    assert!(verified.audit.open_orders > 0);

    let node = spawn(&in_folder(folder.path())).unwrap();
    let after = hashes(&node).await;
    assert_eq!(after.sequence, before.sequence + 1, "only the start itself was added");
    assert_ne!(after.events, before.events);
    let order = node
        .handle()
        .views()
        .orders()
        .with(ALICE, |orders| orders.order(open, node.handle().now()).cloned().unwrap());
    assert_eq!((order.status, order.open_qty().0), (OrderStatus::EnteredBook, 7));
    assert_eq!(loaded(visible(&node)), loaded(seen));
}

#[tokio::test]
async fn the_same_run_twice_is_the_same_to_the_byte() {
    let mut ends = Vec::new();
    for _ in 0..2 {
        let node = spawn(&Config::test()).unwrap();
        trade(&node, 60).await;
        ends.push((hashes(&node).await, visible(&node)));
    }
    assert_eq!(ends[0], ends[1]);

    let other = spawn(&Config { seed: 2, ..Config::test() }).unwrap();
    trade(&other, 60).await;
    assert_ne!(visible(&other), ends[0].1, "another seed has other names");
}

#[tokio::test]
async fn a_live_market_is_reproducible_over_a_restart() {
    // Once straight through, once with a stop in the middle. The start is a record more, so later ones have other
    // sequence numbers, and it marks the orders that it loads; all else is the same to the last lot.
    let unnumbered = |seen: String| {
        let mut parts = seen.split("sequence: ");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    let mut ends = Vec::new();
    for stopped in [false, true] {
        let folder = TempDir::new().unwrap();
        let mut node = spawn(&live(in_folder(folder.path()))).unwrap();
        node.handle().advance(60_000).await.unwrap();
        trade(&node, 10).await;
        if stopped {
            let (before, seen) = (hashes(&node).await, visible(&node));
            node.stop();
            assert_eq!(replay_folder(folder.path()).unwrap().hashes, before, "replay does not step the room");
            node = spawn(&live(in_folder(folder.path()))).unwrap();
            assert_eq!(loaded(visible(&node)), loaded(seen), "a start trades nothing by itself");
        }
        node.handle().advance(60_000).await.unwrap();
        trade(&node, 10).await;
        assert!(node.handle().audit().await.unwrap().is_ok());
        ends.push((hashes(&node).await.sequence, unnumbered(loaded(visible(&node)))));
        node.stop();
    }
    let [(straight, seen), (stopped, seen_again)] = &ends[..] else { unreachable!("two runs") };
    assert_eq!(*stopped, straight + 1, "the start alone was added");
    assert_eq!(seen_again, seen);
}

#[tokio::test]
async fn an_exchange_hour_of_the_live_market_is_the_same_twice() {
    let mut ends = Vec::new();
    for _ in 0..2 {
        let node = spawn(&live(Config::test())).unwrap();
        node.handle().advance(HOUR_MILLIS).await.unwrap();
        assert_eq!(node.handle().now(), ClockKind::DEFAULT_START.plus(HOUR_MILLIS * 1000));
        ends.push(hashes(&node).await);
        let audit = node.handle().audit().await.unwrap().unwrap();
        assert!(audit.open_orders > 300, "the books stand: {} orders", audit.open_orders);
    }
    assert_eq!(ends[0], ends[1]);
    assert!(ends[0].sequence > 3_600, "the room was stepped every second");
}

#[tokio::test]
async fn an_order_at_the_touch_is_filled_within_about_ten_seconds() {
    let node = spawn(&live(Config::test())).unwrap();
    let handle = node.handle();
    for side in [Side::Buy, Side::Sell] {
        for round in 0..20 {
            handle.advance(2_000 + round * 137).await.unwrap();
            let ticker = handle.views().markets().ticker(XBT, handle.now()).unwrap();
            let touch = match side {
                Side::Buy => ticker.bid.unwrap().0.0,
                Side::Sell => ticker.ask.unwrap().0.0,
            };
            let id = placed(&place(&node, order(ALICE, side, touch, 100)).await);
            let status = |handle: &loligo_server::node::NodeHandle| {
                handle.views().orders().with(ALICE, |orders| orders.order(id, handle.now()).map(|o| o.status))
            };
            let mut seconds = 0;
            while status(handle) == Some(OrderStatus::EnteredBook) {
                handle.advance(1_000).await.unwrap();
                seconds += 1;
                assert!(seconds <= 12, "{side:?} at {touch}: not filled after {seconds} seconds");
            }
        }
    }
}

#[tokio::test]
async fn the_live_book_is_deep_on_every_contract_from_the_first_answer() {
    let node = spawn(&live(Config::test())).unwrap();
    let handle = node.handle();
    for listed in handle.views().directory().instruments() {
        let symbol = &listed.instrument.spec().symbol;
        let depth = handle.views().markets().depth(listed.id).unwrap();
        assert!(depth.bids.len() >= 10 && depth.asks.len() >= 10, "{symbol}: {depth:?}");
        assert!(depth.bids[0].0 < depth.asks[0].0, "{symbol} is not crossed");
    }
}

#[tokio::test]
async fn a_snapshot_and_its_tail_are_the_whole_replay() {
    let folder = TempDir::new().unwrap();
    let node = spawn(&live(in_folder(folder.path()))).unwrap();
    node.handle().advance(30_000).await.unwrap();
    trade(&node, 20).await;
    let at = node.handle().snapshot().await.unwrap();
    trade(&node, 20).await;
    let (before, seen) = (hashes(&node).await, visible(&node));
    node.stop();

    let verified = verify_folder(folder.path()).unwrap();
    assert_eq!(verified.hashes, before);
    assert!(verified.snapshots_compared >= 1 && at < before.sequence);

    let from_snapshot = spawn(&live(in_folder(folder.path()))).unwrap();
    let (with, with_seen) = (hashes(&from_snapshot).await, visible(&from_snapshot));
    drop(from_snapshot);
    // The same again without any snapshot: the records added by the first start are part of the journal now.
    std::fs::remove_dir_all(folder.path().join("snapshots")).unwrap();
    let whole = replay_folder(folder.path()).unwrap().hashes;
    assert_eq!(whole, with);
    let from_zero = spawn(&live(in_folder(folder.path()))).unwrap();
    let strip = |text: &str| {
        text.split("AccountEntry").skip(1).map(|part| part.matches("FillRow").count()).collect::<Vec<_>>()
    };
    assert_eq!(strip(&visible(&from_zero)), strip(&with_seen));
    assert_eq!(strip(&with_seen), strip(&seen), "no fill is lost or doubled");
}

#[tokio::test]
async fn the_same_journal_gives_the_same_state_facts_and_movements_of_money_included() {
    let folder = TempDir::new().unwrap();
    let node = spawn(&in_folder(folder.path())).unwrap();
    let handle = node.handle();
    let child = handle
        .open_account(OpenAccount {
            parent: Some(ALICE),
            name: Some("child".to_owned()),
            ..OpenAccount::default()
        })
        .await
        .unwrap()
        .id;
    let set = |operation: &str, available| Fact::RouteSet { operation: operation.to_owned(), available };
    let fault =
        |times| Fact::FaultSet { operation: "sendOrder".to_owned(), word: FaultWord::ServerError, times };
    let usd = Money(5 * Money::ONE);
    let transfer = Transfer {
        by: ALICE,
        from: ALICE,
        from_wallet: Wallet::Flex,
        to: child,
        to_wallet: Wallet::Cash,
        currency: Currency::USD,
        amount: usd,
    };
    let withdraw = Withdraw { account: child, wallet: Wallet::Cash, currency: Currency::USD, amount: usd };
    for fact in [set("getFills", false), set("getFills", true), set("getAccounts", false), fault(3), fault(7)]
    {
        handle.record(fact).await.unwrap();
    }
    let at = handle.snapshot().await.unwrap();
    let ended = Fact::FaultEnded { fault: FaultId(1) };
    assert_eq!(handle.record(ended.clone()).await, Ok(FactOutcome::Done));
    assert_eq!(handle.record(ended).await, Err(AccountError::Registry(FactRefusal::UnknownFault)));
    for command in [
        Command::Transfer(transfer),
        Command::Withdraw(withdraw),
        Command::SetTrading { account: child, enabled: false },
        Command::SetSelfTrade { account: ALICE, strategy: SelfTradeStrategy::CancelMakerAny },
        Command::SetActive { account: BOB, active: false },
    ] {
        let reply = handle.submit(Submission::new(command)).await.unwrap();
        assert_eq!(reply.outcome, Outcome::Done);
    }
    let (before, seen) = (hashes(&node).await, visible(&node));
    let service = handle.views().service().clone();
    assert_eq!(service.out.iter().collect::<Vec<_>>(), ["getAccounts"]);
    assert_eq!(
        service.faults.iter().map(|fault| (fault.id, fault.times)).collect::<Vec<_>>(),
        [(FaultId(2), 7)]
    );
    node.stop();

    assert_eq!(replay_folder(folder.path()).unwrap().hashes, before);
    let verified = verify_folder(folder.path()).unwrap();
    assert_eq!(verified.hashes, before);
    assert!(verified.snapshots_compared >= 1 && at < before.sequence);
    for _ in 0..2 {
        // From the snapshot, then from the first record.
        let node = spawn(&in_folder(folder.path())).unwrap();
        assert_eq!(visible(&node), seen);
        drop(node);
        std::fs::remove_dir_all(folder.path().join("snapshots")).unwrap();
    }
}

#[tokio::test]
async fn a_nonce_is_remembered_over_a_restart_and_a_snapshot() {
    let folder = TempDir::new().unwrap();
    let node = spawn(&in_folder(folder.path())).unwrap();
    for (key, nonce) in [(KeyId(0), 500), (KeyId(0), 400), (KeyId(2), u64::MAX)] {
        let command = Command::Place(order(ALICE, Side::Buy, 70_000, 1));
        let nonce = Some((key, nonce));
        node.handle().submit(Submission { command, nonce }).await.unwrap();
    }
    assert!(node.handle().remembered_nonces().is_empty(), "they are of the start");
    node.stop();
    let node = spawn(&in_folder(folder.path())).unwrap();
    let want = [(KeyId(0), 500), (KeyId(2), u64::MAX)];
    assert_eq!(node.handle().remembered_nonces(), want);
    node.handle().snapshot().await.unwrap();
    node.stop();
    let node = spawn(&in_folder(folder.path())).unwrap();
    assert_eq!(node.handle().remembered_nonces(), want);
}

#[tokio::test]
async fn a_start_that_names_another_genesis_is_refused_and_told_which() {
    let folder = TempDir::new().unwrap();
    let begun = in_folder(folder.path());
    spawn(&begun).unwrap().stop();
    let rows = [
        (Config { seed: 7, ..begun.clone() }, "begun with --seed 1, this start names 7"),
        (Config { accounts: 3, ..begun.clone() }, "begun with --accounts 10, this start names 3"),
        (
            Config { balance: Money(5 * Money::ONE / 2), ..begun.clone() },
            "begun with --balance 1000000, this start names 2.5",
        ),
        (
            Config { clock: ClockKind::Real, ..begun.clone() },
            "begun with --clock manual, this start names real",
        ),
        (
            Config { clock: ClockKind::Manual { start: Timestamp(0) }, ..begun.clone() },
            "begun with --start-time 2026-01-01T00:00:00Z, this start names 1970-01-01T00:00:00Z",
        ),
        (live(begun.clone()), "begun with --market none, this start names live"),
    ];
    for (config, want) in rows {
        let error = spawn(&config).err().expect("refused").to_string();
        assert!(error.contains(want), "{error}");
    }
    assert!(spawn(&begun).is_ok(), "and nothing was changed");
}

#[tokio::test]
async fn a_second_start_on_one_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let _node = spawn(&in_folder(folder.path())).unwrap();
    let error = spawn(&in_folder(folder.path())).err().expect("refused").to_string();
    assert!(error.contains("in use"), "{error}");
}

#[tokio::test]
async fn a_record_that_panics_stops_the_node_and_the_venue_opens_before_it() {
    let folder = TempDir::new().unwrap();
    let node = spawn(&in_folder(folder.path())).unwrap();
    trade(&node, 5).await;
    let before = hashes(&node).await;
    let error = node.handle().submit(Submission::new(Command::InjectPanic)).await.unwrap_err();
    assert_eq!(error, SubmitError::Undecided);
    let poisoned = before.sequence + 1;
    let NodeEnd::Poisoned { sequence, .. } = node.ended().await else { panic!("poisoned") };
    assert_eq!(sequence, poisoned);
    let late = node.handle().submit(Submission::new(Command::Advance)).await.unwrap_err();
    assert!(matches!(late, SubmitError::Stopped | SubmitError::Undecided), "{late:?}");
    drop(node);

    let is_named =
        |error: StartError| matches!(error, StartError::Poisoned { sequence, .. } if sequence == poisoned);
    assert!(is_named(verify_folder(folder.path()).unwrap_err()));
    assert!(is_named(spawn(&in_folder(folder.path())).err().expect("refused")));

    let until = Config { until: Some(poisoned), ..in_folder(folder.path()) };
    let node = spawn(&until).unwrap();
    let reopened = hashes(&node).await;
    assert_eq!(reopened.sequence, poisoned, "the start took the place of the poisoned record");
    trade(&node, 5).await;
    node.stop();
    // The new branch is the venue from now on.
    spawn(&in_folder(folder.path())).unwrap();
    assert!(verify_folder(folder.path()).is_ok());
}

#[tokio::test]
async fn until_needs_a_folder() {
    let error = spawn(&Config { until: Some(5), ..Config::test() }).err().expect("refused");
    assert!(matches!(error, StartError::UntilWithoutFolder));
}

#[tokio::test]
async fn the_manual_clock_moves_forward_only_and_by_31_days_at_most() {
    let node = spawn(&Config::test()).unwrap();
    let handle = node.handle();
    let start = ClockKind::DEFAULT_START;
    assert_eq!(handle.now(), start);
    assert_eq!(handle.advance(0).await.unwrap(), start);
    assert_eq!(handle.advance(1_500).await.unwrap(), start.plus(1_500_000));
    assert!(matches!(handle.advance(-1).await.unwrap_err(), ClockError::Backward { .. }));
    assert!(matches!(handle.set_time(start).await.unwrap_err(), ClockError::Backward { .. }));
    let month = 31 * 86_400_000;
    assert!(matches!(handle.advance(month + 1).await.unwrap_err(), ClockError::TooFar));
    assert!(matches!(handle.advance(i64::MAX).await.unwrap_err(), ClockError::TooFar));
    assert_eq!(handle.advance(month).await.unwrap(), start.plus(1_500_000 + month * 1000));
    assert_eq!(handle.now(), start.plus(1_500_000 + month * 1000));

    let real = spawn(&Config { clock: ClockKind::Real, ..Config::test() }).unwrap();
    assert_eq!(real.handle().advance(1).await.unwrap_err(), ClockError::RealClock);
    assert!(real.handle().now() > start);
}

#[tokio::test]
async fn two_who_advance_the_clock_at_once_both_do() {
    let node = spawn(&Config::test()).unwrap();
    let handle = node.handle();
    let (one, two) = tokio::join!(handle.advance(1_000), handle.advance(2_000));
    let start = ClockKind::DEFAULT_START;
    assert_eq!((one.unwrap(), two.unwrap()), (start.plus(1_000_000), start.plus(3_000_000)));
}

#[tokio::test]
async fn others_get_in_between_the_steps_of_a_jump() {
    let node = spawn(&live(Config::test())).unwrap();
    let jump = {
        let handle = node.handle().clone();
        tokio::spawn(async move { handle.advance(HOUR_MILLIS).await.unwrap() })
    };
    let target = ClockKind::DEFAULT_START.plus(HOUR_MILLIS * 1000);
    // Each question is answered while the clock is on its way.
    let mut times = Vec::new();
    while times.len() < 5 {
        let time = node.handle().query(|exchange| exchange.now()).await.unwrap();
        if times.last() != Some(&time) {
            times.push(time);
        }
    }
    assert!(times[..4].iter().all(|time| *time < target), "{times:?}");
    assert_eq!(jump.await.unwrap(), target);
}

#[tokio::test]
async fn a_batch_runs_with_nothing_between_and_has_a_bound() {
    let node = spawn(&Config::test()).unwrap();
    let submissions = |count: i64| -> Vec<Submission> {
        (0..count).map(|n| Submission::new(Command::Place(order(ALICE, Side::Buy, 70_000 + n, 1)))).collect()
    };
    let replies = node.handle().submit_all(submissions(40)).await.unwrap();
    assert!(replies.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
    assert!(node.handle().submit_all(Vec::new()).await.unwrap().is_empty());
    let error = node.handle().submit_all(submissions(513)).await.unwrap_err();
    assert_eq!(error, SubmitError::BatchTooLarge);
}

#[tokio::test]
async fn a_full_queue_refuses_orders_and_still_takes_cancels() {
    let node = spawn(&Config::test()).unwrap();
    let handle = node.handle();
    // The writer is held by a question until the test lets it go.
    let (release, held) = std::sync::mpsc::sync_channel::<()>(0);
    let (entered, inside) = tokio::sync::oneshot::channel();
    let position = {
        let handle = handle.clone();
        tokio::spawn(async move {
            handle
                .query(move |_| {
                    let _ = entered.send(());
                    let _ = held.recv();
                })
                .await
        })
    };
    inside.await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let batch = (0..512).map(|_| Submission::new(Command::Advance)).collect::<Vec<_>>();
        let handle = handle.clone();
        waiting.push(tokio::spawn(async move { handle.submit_all(batch).await }));
    }
    // Tasks that were spawned have entered the queue once they have run; each runs before this one continues.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle.submit(Submission::new(Command::Advance)).await.unwrap_err(), SubmitError::Overloaded);
    // Batches of cancels have room beyond, and single ones beyond that.
    let all = Command::CancelAll { account: ALICE, instrument: None };
    let batch = vec![Submission::new(all.clone()); 512];
    for _ in 0..2 {
        let (handle, batch) = (handle.clone(), batch.clone());
        waiting.push(tokio::spawn(async move { handle.submit_all(batch).await }));
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(handle.submit_all(batch).await.unwrap_err(), SubmitError::Overloaded);
    let mut cancels = Vec::new();
    for _ in 0..256 {
        let (handle, one) = (handle.clone(), Submission::new(all.clone()));
        cancels.push(tokio::spawn(async move { handle.submit(one).await }));
    }
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    release.send(()).unwrap();
    position.await.unwrap().unwrap();
    for cancel in cancels {
        assert_eq!(cancel.await.unwrap().unwrap().outcome, Outcome::CancelledAll(0));
    }
    for batch in waiting {
        assert_eq!(batch.await.unwrap().unwrap().len(), 512, "who was let in is answered");
    }
}

#[tokio::test]
async fn a_silent_venue_without_a_market_writes_nothing() {
    let folder = TempDir::new().unwrap();
    let config = Config { clock: ClockKind::Real, ..in_folder(folder.path()) };
    let node = spawn(&config).unwrap();
    let begun = hashes(&node).await.sequence;
    place(&node, order(ALICE, Side::Buy, 70_000, 1)).await;
    // Questions are not remembered.
    for _ in 0..10 {
        node.handle().audit().await.unwrap().unwrap();
    }
    assert_eq!(hashes(&node).await.sequence, begun + 1);
}

#[tokio::test]
async fn a_client_order_id_is_found_by_its_owner_alone() {
    let node = spawn(&Config::test()).unwrap();
    let mut named = order(ALICE, Side::Buy, 70_000, 1);
    named.client_order_id = Some(ClientOrderId::Valid("mine".into()));
    let id = placed(&place(&node, named).await);
    let handle = node.handle();
    let found = |account| {
        handle.views().orders().with(account, |orders| {
            orders.by_client_id("mine", handle.now()).iter().map(|order| order.id).collect::<Vec<_>>()
        })
    };
    assert_eq!(found(ALICE), [id]);
    assert!(found(BOB).is_empty());
}
