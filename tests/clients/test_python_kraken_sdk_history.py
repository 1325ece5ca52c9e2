"""python-kraken-sdk looks back: what happened to an account and to a market, candles, funding, and the same without waiting."""

import asyncio
import csv
import io

import pytest
from kraken.futures import Funding, FuturesAsyncClient, Market

from exchange import exact
from test_python_kraken_sdk import INVERSE, SYMBOL, Trader
from test_python_kraken_sdk import alice, bob, market  # noqa: F401  the accounts and the public client of that file

GENESIS_MS = 1_767_225_600_000
MINUTE_MS = 60_000


@pytest.fixture
def day(venue, alice, bob):  # noqa: F811
    """Alice buys 1 in two parts, sells half, cancels an order and a stop of hers fires; nothing is in a status any more."""
    ids = {"bought": alice.send("buy", 1, 50000, cliOrdId="bought")["order_id"]}
    bob.send("sell", "0.4", 50000)
    venue.advance(MINUTE_MS)
    bob.send("sell", "0.6", 50000)
    venue.advance(MINUTE_MS)
    bob.send("buy", "0.5", 50100)
    ids["sold"] = alice.send("sell", "0.5", kind="mkt", reduceOnly=True)["order_id"]
    ids["cancelled"] = alice.send("buy", "0.1", 49000)["order_id"]
    alice.trade.cancel_order(order_id=ids["cancelled"])
    ids["fired"] = alice.send("sell", "0.2", kind="stp", stopPrice=49000, triggerSignal="mark", reduceOnly=True)["order_id"]
    ids["stopped"] = alice.send("sell", "0.1", kind="stp", stopPrice=48000, triggerSignal="mark", reduceOnly=True)["order_id"]
    alice.trade.cancel_order(order_id=ids["stopped"])
    bob.send("buy", "0.5", 48990)
    venue.pin(SYMBOL, "48995")
    venue.advance(6000)
    return ids


def events(answer):
    """The events of a page, each as its name and what it says."""
    return [next(iter(element["event"].items())) for element in answer["elements"]]


def test_executions_equal_fills(alice, bob, day):  # noqa: F811
    for trader in (alice, bob):
        fills = {fill["fill_id"]: fill for fill in trader.trade.get_fills()["fills"]}
        told = events(trader.user.get_execution_events())
        assert len(told) == len(fills) == 4
        for name, said in told:
            assert name == "execution"
            execution = said["execution"]
            fill = fills.pop(execution["uid"])
            # The own side alone, under two names, and its figures beside it.
            own = f"{fill['fillType']}Order"
            assert {name for name in execution if "rder" in name} == {"order", "orderData", own, f"{own}Data"}
            assert (execution[own], execution[f"{own}Data"]) == (execution["order"], execution["orderData"])
            assert (execution["order"]["uid"], execution["order"]["tradeable"]) == (fill["order_id"], SYMBOL)
            assert (exact(execution["price"]), exact(execution["quantity"])) == (exact(fill["price"]), exact(fill["size"]))
        assert fills == {}
    fees = [exact(said["execution"]["orderData"]["fee"]) for _, said in events(alice.user.get_execution_events(sort="asc"))]
    assert fees == [4, 6, exact("12.525"), exact("4.899")]


def test_the_story_of_each_order(alice, day):  # noqa: F811
    told = {name: [] for name in day}
    for name, said in events(alice.user.get_order_events(sort="asc")):
        order = said.get("order") or said["newOrder"]
        [which] = [which for which, uid in day.items() if uid == order["uid"]]
        told[which].append((name, said["reason"], exact(order["quantity"]), exact(order["filled"])))
    assert told == {
        "bought": [
            ("OrderPlaced", "new_user_order", 1, 0),
            ("OrderUpdated", "partial_fill", exact("0.6"), exact("0.4")),
            ("OrderUpdated", "full_fill", 0, 1),
        ],
        "sold": [("OrderPlaced", "new_user_order", exact("0.5"), 0), ("OrderUpdated", "full_fill", 0, exact("0.5"))],
        "cancelled": [
            ("OrderPlaced", "new_user_order", exact("0.1"), 0),
            ("OrderCancelled", "cancelled_by_user", exact("0.1"), 0),
        ],
        "fired": [("OrderPlaced", "stop_order_triggered", exact("0.2"), 0), ("OrderUpdated", "full_fill", 0, exact("0.2"))],
        "stopped": [],
    }
    triggers = events(alice.user.get_trigger_events(sort="asc", tradeable="pf_xbtusd"))
    assert [(name, said["order"]["uid"]) for name, said in triggers] == [
        ("OrderTriggerPlaced", day["fired"]),
        ("OrderTriggerPlaced", day["stopped"]),
        ("OrderTriggerCancelled", day["stopped"]),
        ("OrderTriggerActivated", day["fired"]),
    ]
    options = triggers[0][1]["order"]["triggerOptions"]
    assert (exact(options["triggerPrice"]), options["triggerSignal"], options["triggerSide"]) == (49000, "MarkPrice", "Below")


def test_ranges_and_markets_limit_what_is_told(alice, day):  # noqa: F811
    def uids(**query):
        return [element["uid"] for element in alice.user.get_order_events(**query)["elements"]]

    every = uids()
    assert uids(sort="asc") == every[::-1] and len(every) == len(set(every)) == 9
    early = uids(before=GENESIS_MS + MINUTE_MS)
    late = uids(since=GENESIS_MS + MINUTE_MS)
    assert late + early == every and len(early) == 2
    assert uids(tradeable=SYMBOL) == every
    assert uids(tradeable=INVERSE) == []
    # A token that is none of ours is refused, and its client says so.
    with pytest.raises(Exception, match="400"):
        uids(continuation_token="bm9uZQ==")


def test_what_a_market_saw(market, alice, bob, day):  # noqa: F811
    told = [said["execution"] for _, said in events(market.get_public_execution_events(SYMBOL))]
    fills = {fill["fill_id"]: fill for trader in (alice, bob) for fill in trader.trade.get_fills()["fills"]}
    assert {execution["uid"] for execution in told} == set(fills)
    for execution in told:
        assert exact(execution["price"]) == exact(fills[execution["uid"]]["price"])
        assert (execution["takerOrder"]["direction"], execution["makerOrder"]["direction"]) == ("Sell", "Buy")
    public = [said for _, said in events(market.get_public_order_events(SYMBOL))]
    orders = {(said.get("order") or said["newOrder"])["uid"] for said in public}
    # Triggers are nobody else's business until they fire, and nobody's name is told.
    assert {day["bought"], day["sold"], day["cancelled"], day["fired"]} <= orders and day["stopped"] not in orders
    assert "accountUid" not in str(public)
    marks = [said["price"] for _, said in events(market.get_public_mark_price_events(SYMBOL))]
    assert list(map(exact, marks)) == [48995, 50000, 80000]


def test_the_account_log_and_its_file_agree(alice, day):  # noqa: F811
    logs = alice.user.get_account_log()["logs"]
    assert [row["id"] for row in logs] == list(range(10, 0, -1))
    money = [row for row in logs if row["asset"] == "usd"]
    assert exact(money[0]["new_balance"]) == alice.usd()
    # A position's rows say its size, and stand beside those of the money.
    sizes = [exact(row["new_balance"]) for row in logs if row["asset"] == "pf_xbtusd"]
    assert sizes == [exact("0.3"), exact("0.5"), 1, exact("0.4")]
    rows = list(csv.DictReader(io.StringIO(alice.user.get_account_log_csv().text)))
    assert [(row["uid"], row["type"], exact(row["new balance"])) for row in rows] == [
        (row["booking_uid"], row["info"], exact(row["new_balance"])) for row in logs
    ]
    assert [row["id"] for row in alice.user.get_account_log(from_=3, to=5, sort="asc")["logs"]] == [3, 4, 5]
    assert [row["id"] for row in alice.user.get_account_log(info="admin transfer")["logs"]] == [2, 1]
    assert [row["id"] for row in alice.user.get_account_log(count=1)["logs"]] == [10]
    assert [row["id"] for row in alice.user.get_account_log(before=GENESIS_MS + MINUTE_MS)["logs"]] == [4, 3, 2, 1]


def test_candles(market, day):
    assert market.get_tick_types() == ["mark", "spot", "trade"]
    listed = {row["symbol"] for row in market.get_instruments()["instruments"]}
    for tick_type in ("mark", "spot", "trade"):
        assert set(market.get_tradeable_products(tick_type)) == listed
        resolutions = market.get_resolutions(tick_type, SYMBOL)
        assert resolutions == ["1m", "5m", "15m", "30m", "1h", "4h", "12h", "1d", "1w"]
        for resolution in resolutions:
            page = market.get_ohlc(tick_type, SYMBOL, resolution)
            assert page["more_candles"] is False
            assert {name: type(value) for name, value in page["candles"][-1].items()} == {
                "time": int, "open": str, "high": str, "low": str, "close": str, "volume": str,
            }  # fmt: skip
            last = 48990 if tick_type == "trade" else 48995
            assert exact(page["candles"][-1]["close"]) == last
    second = GENESIS_MS // 1000 + 60
    [candle] = market.get_ohlc("trade", SYMBOL, "1m", from_=second, to=second)["candles"]
    assert (candle["time"], exact(candle["volume"])) == (GENESIS_MS + MINUTE_MS, exact("0.6"))
    assert market.get_ohlc("trade", "PF_NOSUCHUSD", "1m") == {"candles": [], "more_candles": False}


def test_funding_rates_and_what_they_come_to(venue, market, alice, bob):  # noqa: F811
    # Quoted at 50,200 with an index of 50,000: a premium of 0.4 %, an eighth of it an hour, 25 USD for a BTC.
    bob.send("sell", 2, 50200)
    alice.send("buy", 2, 50200)
    bob.send("buy", 5, 50190)
    bob.send("sell", 5, 50210)
    assert market.get_historical_funding_rates(SYMBOL)["rates"] == []
    venue.advance(120 * MINUTE_MS)
    told = market.get_historical_funding_rates(SYMBOL)["rates"]
    assert [(row["timestamp"], exact(row["fundingRate"]), exact(row["relativeFundingRate"])) for row in told] == [
        (f"2026-01-01T0{hour}:00:00Z", 25, exact("0.0005")) for hour in (1, 2)
    ]
    credentials = {"key": alice.account["api_key"], "secret": alice.account["api_secret"], "url": venue.http}
    assert Funding(**credentials).get_historical_funding_rates(SYMBOL)["rates"] == told
    paid = alice.user.get_account_log(info="funding rate change", sort="asc")["logs"]
    assert [(exact(row["funding_rate"]), exact(row["realized_funding"])) for row in paid] == [(0, 0), (25, -50)]
    # 0.05 % of 100,400, and 50 of funding.
    assert alice.usd() == 100000 - exact("50.2") - 50
    volumes = Market(**credentials).get_fee_schedules_vol()["volumesByFeeSchedule"]
    assert sum(map(exact, volumes.values())) == 100_400


def test_the_client_that_does_not_wait_is_told_the_same(venue, alice, day):  # noqa: F811
    asked = {
        "/derivatives/api/v3/openpositions": alice.user.get_open_positions,
        "/derivatives/api/v3/fills": alice.trade.get_fills,
        "/derivatives/api/v3/accounts": alice.user.get_wallets,
        "/api/history/v2/orders": alice.user.get_order_events,
        "/api/history/v2/executions": alice.user.get_execution_events,
        "/api/history/v2/triggers": alice.user.get_trigger_events,
        "/api/history/v2/account-log": alice.user.get_account_log,
    }

    async def ask_all():
        credentials = {"key": alice.account["api_key"], "secret": alice.account["api_secret"], "url": venue.http}
        async with FuturesAsyncClient(**credentials) as client:
            # One after the other: its nonces come in the order in which they are made, and requests at once need not.
            told = [await client.request("GET", path) for path in asked]
            sent = await client.request(
                "POST", "/derivatives/api/v3/sendorder",
                post_params={"orderType": "lmt", "symbol": SYMBOL, "side": "buy", "size": "0.01", "limitPrice": "45000"},
            )  # fmt: skip
            return told, sent["sendStatus"]["order_id"]

    expected = [ask() for ask in asked.values()]
    told, placed = asyncio.run(ask_all())
    assert dict(zip(asked, told, strict=True)) == dict(zip(asked, expected, strict=True))
    assert placed in alice.open_ids()
