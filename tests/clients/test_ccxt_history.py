"""ccxt looks back: trades, candles, orders that closed, the account's log, funding and fees, and finds what happened."""

import re
from pathlib import Path

import ccxt.pro
import pytest

from exchange import exact
from traders import INVERSE, PERPETUAL, client, usd

GENESIS_MS = 1_767_225_600_000
MINUTE_MS = 60_000


class Day:
    """What alice does in three minutes: she buys 1 in two parts, sells half of it, cancels an order and a stop, is refused once,
    and another stop of hers fires. Older than five seconds in the end, so that no status tells of it any more."""

    def __init__(self, venue, alice, bob):
        self.bought = alice.create_order(PERPETUAL, "limit", "buy", 1, 50000, {"clientOrderId": "bought"})["id"]
        bob.create_order(PERPETUAL, "limit", "sell", 0.4, 50000)
        venue.advance(MINUTE_MS)
        bob.create_order(PERPETUAL, "limit", "sell", 0.6, 50000)
        venue.advance(MINUTE_MS)
        bob.create_order(PERPETUAL, "limit", "buy", 0.5, 50100)
        self.sold = alice.create_order(PERPETUAL, "market", "sell", 0.5, None, {"reduceOnly": True})["id"]
        self.cancelled = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)["id"]
        alice.cancel_order(self.cancelled)
        self.fired, self.stopped = (
            alice.create_order(PERPETUAL, "market", "sell", size, None, {"stopLossPrice": at, "triggerSignal": "mark"})["id"]
            for size, at in ((0.2, 49000), (0.1, 48000))
        )
        alice.cancel_order(self.stopped)
        bob.create_order(PERPETUAL, "limit", "buy", 0.5, 48990)
        with pytest.raises(ccxt.OrderImmediatelyFillable):
            alice.create_order(PERPETUAL, "limit", "sell", 0.1, 48990, {"postOnly": True})
        venue.pin("PF_XBTUSD", "48995")
        venue.advance(6000)


# Price, size and side of the taker of each trade, with its minute.
TRADES = [(0, "50000", "0.4"), (1, "50000", "0.6"), (2, "50100", "0.5"), (2, "48990", "0.2")]


@pytest.fixture
def day(venue, alice, bob):
    return Day(venue, alice, bob)


def test_public_trades_are_those_of_both_sides(venue, alice, bob, day):
    trades = client(venue).fetch_trades(PERPETUAL)
    assert [(t["timestamp"], exact(t["price"]), exact(t["amount"])) for t in trades] == [
        (GENESIS_MS + minute * MINUTE_MS, exact(price), exact(size)) for minute, price, size in TRADES
    ]
    # All were sold into what rested.
    assert {t["side"] for t in trades} == {"sell"}
    for side in (alice, bob):
        assert {t["id"] for t in side.fetch_my_trades(PERPETUAL)} == {t["id"] for t in trades}
    # Of a range, and of a page.
    later = alice.fetch_trades(PERPETUAL, since=GENESIS_MS + MINUTE_MS)
    assert [t["id"] for t in later] == [t["id"] for t in trades[1:]]
    assert [t["id"] for t in alice.fetch_trades(PERPETUAL, since=GENESIS_MS, limit=2)] == [t["id"] for t in trades[:2]]
    # The end of a range is not in it.
    until = alice.fetch_trades(PERPETUAL, params={"until": GENESIS_MS + MINUTE_MS})
    assert [t["id"] for t in until] == [t["id"] for t in trades[:1]]
    assert alice.fetch_trades(INVERSE) == []


def test_candles_are_the_fold_of_trades_marks_and_indexes(alice, day):
    minutes = [[minute for minute, _, _ in TRADES].count(which) for which in range(3)]
    assert minutes == [1, 1, 2]
    assert [list(map(exact, row)) for row in alice.fetch_ohlcv(PERPETUAL, "1m", since=GENESIS_MS)] == [
        [GENESIS_MS, 50000, 50000, 50000, 50000, exact("0.4")],
        [GENESIS_MS + MINUTE_MS, 50000, 50000, 50000, 50000, exact("0.6")],
        [GENESIS_MS + 2 * MINUTE_MS, 50100, 50100, 48990, 48990, exact("0.7")],
    ]
    [hour] = alice.fetch_ohlcv(PERPETUAL, "1h", since=GENESIS_MS)
    assert list(map(exact, hour)) == [GENESIS_MS, 50000, 50100, 48990, 48990, exact("1.7")]
    for candles in (alice.fetch_mark_ohlcv, alice.fetch_index_ohlcv):
        _, second, third = candles(PERPETUAL, "1m", since=GENESIS_MS)
        assert list(map(exact, second)) == [GENESIS_MS + MINUTE_MS, 50000, 50000, 50000, 50000, 0]
        assert list(map(exact, third))[4] == 48995
    assert alice.fetch_ohlcv(PERPETUAL, "1m", since=GENESIS_MS + MINUTE_MS, limit=1)[0][0] == GENESIS_MS + MINUTE_MS


def test_orders_that_closed_are_found_when_no_status_knows_them(alice, day):
    with pytest.raises(ccxt.OrderNotFound):
        alice.fetch_order(day.bought)
    closed = {order["id"]: order for order in alice.fetch_closed_orders(PERPETUAL)}
    assert set(closed) == {day.bought, day.sold, day.fired}
    bought = closed[day.bought]
    assert (bought["status"], bought["side"], bought["type"], bought["clientOrderId"]) == ("closed", "buy", "limit", "bought")
    assert (exact(bought["amount"]), exact(bought["filled"]), exact(bought["remaining"])) == (1, 1, 0)
    assert (bought["timestamp"], bought["lastUpdateTimestamp"]) == (GENESIS_MS, GENESIS_MS + MINUTE_MS)
    assert {closed[order]["type"] for order in (day.sold, day.fired)} == {"market"}
    # The trigger that fired is told among triggers.
    [fired] = alice.fetch_closed_orders(PERPETUAL, params={"trigger": True})
    assert (fired["id"], fired["status"], exact(fired["amount"])) == (day.fired, "closed", exact("0.2"))
    assert alice.fetch_closed_orders(INVERSE) == []


def test_orders_that_were_cancelled_or_refused_are_found(alice, day):
    # ccxt takes each order that rested, or was sent to trade at once, for cancelled beside the true ones; what happened last
    # is what it lists last of each.
    found = {}
    for order in alice.fetch_canceled_orders(PERPETUAL):
        found.setdefault(order["id"], []).append(order["status"])
    assert found[day.cancelled] == ["canceled", "canceled"]
    assert [ids for ids, words in found.items() if "rejected" in words] == [
        order for order in found if order not in (day.bought, day.sold, day.cancelled, day.fired)
    ]
    [stopped] = alice.fetch_canceled_orders(PERPETUAL, params={"trigger": True})
    assert (stopped["id"], stopped["status"], exact(stopped["amount"])) == (day.stopped, "canceled", exact("0.1"))


def test_the_ledger_adds_up_to_the_wallet(alice, day):
    entries = sorted(alice.fetch_ledger("USD"), key=lambda entry: int(entry["id"]))
    assert [(e["type"], e["account"]) for e in entries] == [("transfer", "flex")] + [("trade", "flex")] * 4
    for before, after in zip(entries, entries[1:], strict=False):
        assert exact(before["after"]) == exact(after["before"])
    assert (exact(entries[0]["before"]), exact(entries[-1]["after"])) == (0, usd(alice))
    fills = {fill["id"]: fill for fill in alice.fetch_my_trades(PERPETUAL)}
    for entry in entries[1:]:
        assert exact(entry["fee"]["cost"]) == exact(fills[entry["referenceId"]]["fee"]["cost"])
    # Half was sold 100 higher, a fifth 1,010 lower.
    assert [(e["direction"], exact(e["amount"])) for e in entries[1:]] == [("in", 0), ("in", 0), ("in", 50), ("out", 202)]
    [coins] = alice.fetch_ledger("BTC")
    assert (coins["type"], coins["account"], exact(coins["after"])) == ("transfer", "fi_xbtusd", 1)
    late = alice.fetch_ledger("USD", since=GENESIS_MS + MINUTE_MS)
    assert [entry["id"] for entry in sorted(late, key=lambda e: int(e["id"]))] == [entry["id"] for entry in entries[2:]]


def test_what_became_of_positions_is_told(alice, day):
    every = {"opened": True, "increased": True, "decreased": True}
    updates = alice.fetch_positions_history([PERPETUAL], params=every)
    assert [
        (u["timestamp"], u["info"]["positionChange"], exact(u["info"]["newPosition"]), exact(u["realizedPnl"])) for u in updates
    ] == [
        (GENESIS_MS + 2 * MINUTE_MS, "decrease", exact("0.3"), -202),
        (GENESIS_MS + 2 * MINUTE_MS, "decrease", exact("0.5"), 50),
        (GENESIS_MS + MINUTE_MS, "increase", 1, 0),
        (GENESIS_MS, "open", exact("0.4"), 0),
    ]
    assert [u["id"] for u in updates] == [t["id"] for t in reversed(alice.fetch_my_trades(PERPETUAL))]
    # ccxt asks for closed positions unless told otherwise, and there is none yet.
    assert alice.fetch_positions_history([PERPETUAL]) == []
    alice.create_order(PERPETUAL, "market", "sell", 0.3, None, {"reduceOnly": True})
    [closed] = alice.fetch_positions_history([PERPETUAL])
    assert (exact(closed["contracts"]), exact(closed["entryPrice"]), exact(closed["lastPrice"])) == (exact("0.3"), 50000, 48990)
    assert exact(closed["realizedPnl"]) == exact("0.3") * (48990 - 50000)


def test_batches_edits_and_the_dead_man_s_switch(venue, alice):
    first, second = alice.create_orders([
        {"symbol": PERPETUAL, "type": "limit", "side": "buy", "amount": 0.1, "price": 49000},
        {"symbol": PERPETUAL, "type": "limit", "side": "buy", "amount": 0.2, "price": 48000},
    ])
    edited = alice.edit_order(first["id"], PERPETUAL, "limit", "buy", 0.3, 49100)
    assert edited["id"] == first["id"]
    resting = alice.fetch_open_orders(PERPETUAL)
    shown = {order["id"]: (exact(order["amount"]), exact(order["info"]["limitPrice"])) for order in resting}
    assert shown == {first["id"]: (exact("0.3"), 49100), second["id"]: (exact("0.2"), 48000)}
    # Both ids, and one that is none, in one call.
    cancelled = alice.cancel_orders([first["id"], "00000000-0000-4000-8000-000000000000"], PERPETUAL)
    assert sorted(order["info"]["status"] for order in cancelled) == ["cancelled", "notFound"]
    armed = alice.cancel_all_orders_after(10_000)["status"]
    assert (armed["currentTime"], armed["triggerTime"]) == ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:10.000Z")
    venue.advance(9_999)
    assert [order["id"] for order in alice.fetch_open_orders()] == [second["id"]]
    venue.advance(1)
    assert alice.fetch_open_orders() == []
    # It is over, and disarming it says so.
    assert alice.cancel_all_orders_after(0)["status"]["triggerTime"] == "0"


def test_fees_follow_from_what_was_traded_in_thirty_days(venue, alice, bob):
    alice.load_markets()
    [first, *_] = alice.fetch_market_leverage_tiers(PERPETUAL)
    assert (first["tier"], first["maxLeverage"], exact(first["maintenanceMarginRate"])) == (1, 100, exact("0.005"))
    fee = alice.fetch_trading_fee(PERPETUAL)
    assert (exact(fee["maker"]), exact(fee["taker"])) == (exact("0.0002"), exact("0.0005"))
    bob.create_order(PERPETUAL, "limit", "sell", 2, 50000)
    alice.create_order(PERPETUAL, "limit", "buy", 2, 50000)
    volumes = alice.privateGetFeeschedulesVolumes()["volumesByFeeSchedule"]
    assert sum(map(exact, volumes.values())) == 100_000
    fees = alice.fetch_trading_fees()
    assert set(fees) == set(alice.markets)
    assert (exact(fees[INVERSE]["maker"]), exact(fees[INVERSE]["taker"])) == (exact("0.0002"), exact("0.0005"))


def test_each_ability_that_ccxt_has_is_tried():
    """So that a new version's new ability is noticed. Abilities are methods by the same name, and scenarios call them."""
    abilities = {name for name, there in ccxt.pro.krakenfutures().has.items() if there and name not in NO_METHOD}
    methods = {re.sub(r"(?<!^)(?=[A-Z][a-z])", "_", name).lower().replace("ohlcv", "_ohlcv") for name in abilities}
    methods = {name.replace("__", "_") for name in methods}
    text = "".join(path.read_text() for path in Path(__file__).parent.glob("test_ccxt*.py"))
    assert len(methods) > 40
    assert {name for name in methods if not re.search(rf"[.\"]{name}\b", text)} == set()


# Words of ccxt for a kind of market or of interface, for orders that `create_order` makes by its parameters, and for what its
# base class claims and its class for this venue lacks.
NO_METHOD = {
    "swap", "future", "sandbox", "publicAPI", "privateAPI", "ws",
    "createLimitOrder", "createMarketOrder", "createPostOnlyOrder", "createReduceOnlyOrder",
    "createStopLimitOrder", "createStopMarketOrder", "createStopOrder", "createTriggerOrder",
    "createMarketOrderWs", "fetchCurrenciesWs", "fetchL2OrderBook",
}  # fmt: skip
