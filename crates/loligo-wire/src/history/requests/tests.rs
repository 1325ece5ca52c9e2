//! Requests for history, good and bad.

use crate::account_log::LogInfo;
use crate::args::Args;
use crate::history::{
    AccountLog, AccountLogCsv, Events, HistoryError, InvalidArgument, MarketEvents, OrderEvents,
    PositionEvents, Sort,
};
use crate::time::Timestamp;

fn args(query: &str) -> Args<'_> {
    Args::new(query.as_bytes(), b"").expect("few")
}

fn events(query: &str) -> Result<Events<'_>, InvalidArgument> {
    Events::parse(&args(query))
}

#[test]
fn nothing_asked_is_the_newest_thousand() {
    let asked = OrderEvents::parse(&args("")).expect("read");
    assert_eq!(asked.events.page.count.get(), 1_000);
    assert_eq!(asked.events.page.sort, Sort::Descending);
    assert_eq!((asked.events.page.token, asked.events.tradeable), (None, None));
    assert_eq!((asked.opened, asked.closed), (true, true));
    let log = AccountLog::parse(&args("")).expect("read");
    assert_eq!((log.count.get(), log.infos.len(), log.from, log.to), (500, 0, None, None));
}

#[test]
fn a_count_is_a_whole_number_from_one_on_and_cut_at_the_most() {
    for (query, count) in [
        ("count=1", 1),
        ("count=999", 999),
        ("count=5000", 1_000),
        ("count=1e3", 1_000),
        ("count=99999999999999999999", 1_000),
        ("count=1e99", 1_000),
        ("count=20&count=20", 20),
    ] {
        assert_eq!(events(query).expect(query).page.count.get(), count, "{query}");
    }
    for query in ["count=0", "count=-1", "count=1.5", "count=", "count=all", "count=-1e99", "count=1&count=2"]
    {
        assert_eq!(events(query), Err(InvalidArgument("count")), "{query}");
    }
    assert_eq!(AccountLog::parse(&args("count=5000000")).expect("cut").count.get(), 100_000);
    assert_eq!(AccountLog::parse(&args("count=0")), Err(InvalidArgument("count")));
}

#[test]
fn bounds_are_milliseconds_or_dates() {
    let at = |query| events(query).expect(query).page.range;
    let new_year = Timestamp::from_micros(1_767_225_600_123_000);
    for query in
        ["since=1767225600123", "since=2026-01-01T00:00:00.123Z", "since=2026-01-01T01:00:00.123%2B01:00"]
    {
        assert_eq!(at(query).since, Some(new_year), "{query}");
    }
    assert_eq!(at("before=0").before, Some(Timestamp::from_micros(0)));
    assert_eq!(at("since=1969-12-31T23:59:59Z").since, Some(Timestamp::from_micros(0)));
    assert_eq!(at("before=99999999999999999999999").before, Some(Timestamp::MAX));
    for (query, name) in
        [("since=-1", "since"), ("since=yesterday", "since"), ("before=1.5", "before"), ("before=", "before")]
    {
        assert_eq!(events(query), Err(InvalidArgument(name)), "{query}");
    }
    // A range that ends before it begins is no error: it has nothing in it.
    assert!(events("since=5&before=4").is_ok());
}

#[test]
fn a_token_has_two_names_and_keeps_its_plus() {
    for query in ["continuation_token=a+b%2B/c==", "continuationToken=a%2Bb+/c%3D%3D"] {
        assert_eq!(events(query).expect(query).page.token.as_deref(), Some("a+b+/c=="), "{query}");
    }
    let both = events("continuation_token=x&continuationToken=x").expect("one and the same");
    assert_eq!(both.page.token.as_deref(), Some("x"));
    for query in
        ["continuation_token=x&continuationToken=y", "continuation_token=%zz", "continuationToken=%ff"]
    {
        assert_eq!(events(query), Err(InvalidArgument("continuation_token")), "{query}");
    }
}

#[test]
fn markets_and_directions_come_in_any_case() {
    assert_eq!(events("tradeable=pf_xbtusd").expect("read").tradeable.as_deref(), Some("PF_XBTUSD"));
    assert_eq!(events("tradeable=no%20such").expect("read").tradeable.as_deref(), Some("NO SUCH"));
    assert_eq!(MarketEvents::parse(&args("sort=ASC")).expect("read").sort, Sort::Ascending);
    assert_eq!(MarketEvents::parse(&args("sort=up")), Err(InvalidArgument("sort")));
    assert_eq!(events("tradeable=%ff"), Err(InvalidArgument("tradeable")));
}

#[test]
fn flags_say_what_is_asked_for() {
    let orders = OrderEvents::parse(&args("opened=false&closed=True")).expect("read");
    assert_eq!((orders.opened, orders.closed), (false, true));
    assert_eq!(OrderEvents::parse(&args("opened=maybe")), Err(InvalidArgument("opened")));
    let positions = PositionEvents::parse(&args("reversed=true&closed=false&settlement=1")).expect("read");
    assert_eq!(positions.changes, [false, false, false, false, true, false]);
    assert_eq!(positions.causes, [false, false, true]);
    assert_eq!(PositionEvents::parse(&args("trades=2")), Err(InvalidArgument("trades")));
    assert!(AccountLogCsv::parse(&args("conversion_details=true")).expect("read").conversion_details);
    assert_eq!(
        AccountLogCsv::parse(&args("conversion_details=x")),
        Err(InvalidArgument("conversion_details"))
    );
}

#[test]
fn log_entries_are_named_by_number_and_kind() {
    let log = AccountLog::parse(&args("from=2&to=7&info=futures+trade&info=transfer,futures%20trade"))
        .expect("read");
    assert_eq!((log.from, log.to), (Some(2), Some(7)));
    assert_eq!(log.infos, [LogInfo::FuturesTrade, LogInfo::Transfer]);
    for (query, name) in [("from=0", "from"), ("to=-3", "to"), ("to=x", "to"), ("info=futures", "info")] {
        assert_eq!(AccountLog::parse(&args(query)), Err(InvalidArgument(name)), "{query}");
    }
}

#[test]
fn what_cannot_be_read_is_told_by_its_name() {
    let error = HistoryError::from(InvalidArgument("count"));
    let mut out = Vec::new();
    error.write(&mut out);
    assert_eq!(out, br#"{"status":"bad_request","reason":"invalid argument: count"}"#);
}
