"""python-kraken-sdk sends orders that wait for a price; the operator moves it, and they do what they were sent for."""

import pytest
from kraken.exceptions import KrakenRequiredArgumentMissingError

from exchange import exact
from test_python_kraken_sdk import SYMBOL, Trader


@pytest.fixture
def alice(venue):
    return Trader(venue, venue.account("alice-k", usd="100000"))


@pytest.fixture
def bob(venue):
    """One who quotes a bid and an ask of size 1 around 50,000."""
    trader = Trader(venue, venue.account("bob-k", usd="10000000"))
    trader.send("buy", 1, 49990)
    trader.send("sell", 1, 50010)
    return trader


def listed(trader):
    """What waits or rests: type, trigger price, limit price, rest; as the venue lists it."""
    rows = trader.user.get_open_orders()["openOrders"]
    return [(row["orderType"], row.get("stopPrice"), row.get("limitPrice"), exact(row["unfilledSize"])) for row in rows]


def record(trader, order_id):
    """Where an order is and why: kind, state, reason, error, filled, and whether it has become an order."""
    [found] = trader.status_of(order_id)
    order = found["order"]
    return (
        order["type"],
        found["status"],
        found["updateReason"],
        found["error"],
        exact(order["filled"]),
        order["triggerTime"] is not None,
    )


def options(trader, order_id):
    """What a trigger waits for."""
    [found] = trader.status_of(order_id)
    return found["order"]["priceTriggerOptions"]


def position(trader):
    """Side, size and price of the one position, or None."""
    found = trader.user.get_open_positions()["openPositions"]
    assert len(found) <= 1
    return (found[0]["side"], exact(found[0]["size"]), exact(found[0]["price"])) if found else None


def batch(trader, *elements):
    return trader.trade.create_batch_order(list(elements))["batchStatus"]


WAITS = ("TRIGGER_ORDER", "TRIGGER_PLACED", "NEW_USER_ORDER", None, 0, False)


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "short_of_it", "at_it", "beyond_it"),
    [
        ("stp", "buy", 50500, "50499.99", "50500", "51000"),
        ("stp", "sell", 49500, "49500.01", "49500", "49000"),
        ("take_profit", "buy", 49500, "49500.01", "49500", "49000"),
        ("take_profit", "sell", 50500, "50499.99", "50500", "51000"),
    ],
)
def test_each_kind_fires_from_its_side(venue, alice, bob, kind, side, trigger, short_of_it, at_it, beyond_it):
    def waiting():
        sent = alice.send(side, "0.1", kind=kind, stopPrice=trigger, triggerSignal="mark")
        assert sent["status"] == "placed"
        [event] = sent["orderEvents"]
        shown = event["orderTrigger"]
        assert (event["type"], shown["uid"]) == ("PLACE", sent["order_id"])
        assert (shown["side"], shown["limitPrice"]) == (side, None)
        assert (exact(shown["triggerPrice"]), exact(shown["quantity"])) == (trigger, exact("0.1"))
        direction = "above" if trigger > 50000 else "below"
        assert (shown["triggerSide"], shown["triggerSignal"]) == (f"trigger_{direction}", "mark_price")
        assert options(alice, sent["order_id"]) == {
            "triggerPrice": trigger,
            "triggerSide": f"TRIGGER_{direction.upper()}",
            "triggerSignal": "MARK_PRICE",
        }
        assert listed(alice) == [("take_profit" if kind == "take_profit" else "stop", trigger, None, exact("0.1"))]
        return sent["order_id"]

    filled = 0
    for price in (at_it, beyond_it):
        venue.pin(SYMBOL, "50000")
        order = waiting()
        venue.pin(SYMBOL, short_of_it)
        assert record(alice, order) == WAITS
        venue.pin(SYMBOL, price)
        assert record(alice, order) == ("ORDER", "FULLY_EXECUTED", "FULL_FILL", None, exact("0.1"), True)
        assert listed(alice) == []
        filled += 1
        # A market order against the quote that stands.
        touch, name = (50010, "long") if side == "buy" else (49990, "short")
        assert position(alice) == (name, filled * exact("0.1"), touch)


@pytest.mark.parametrize("signal", ["mark", "spot", "last"])
def test_each_signal_is_the_only_one_that_counts(venue, alice, bob, signal):
    order = alice.send("sell", "0.1", kind="stp", stopPrice=49990, triggerSignal=signal)["order_id"]
    word = {"mark": "MARK_PRICE", "spot": "SPOT_PRICE", "last": "LAST_PRICE"}[signal]
    assert options(alice, order)["triggerSignal"] == word
    [row] = alice.user.get_open_orders()["openOrders"]
    assert row["triggerSignal"] == signal
    carol = Trader(venue, venue.account("carol-k", usd="100000"))
    moves = {
        "mark": lambda: venue.control("PUT", f"/prices/{SYMBOL}", {"mark": "49990"}),
        "spot": lambda: venue.control("PUT", f"/prices/{SYMBOL}", {"index": "49990"}),
        "last": lambda: carol.send("sell", "0.1", kind="mkt"),
    }
    own = moves.pop(signal)
    for move in moves.values():
        move()
        assert record(alice, order) == WAITS
    own()
    assert record(alice, order) == ("ORDER", "FULLY_EXECUTED", "FULL_FILL", None, exact("0.1"), True)
    assert position(alice) == ("short", exact("0.1"), 49990)


def test_without_a_signal_the_last_trade_counts(alice, bob):
    order = alice.send("sell", "0.1", kind="stp", stopPrice=49000)["order_id"]
    assert options(alice, order)["triggerSignal"] == "LAST_PRICE"


def test_a_stop_with_a_limit_rests_or_trades_at_it(venue, alice, bob):
    stop = alice.send("buy", "1.5", 50020, "stp", stopPrice=50500, triggerSignal="mark", cliOrdId="stop")
    shown = stop["orderEvents"][0]["orderTrigger"]
    assert (shown["type"], exact(shown["limitPrice"]), shown["clientId"]) == ("lmt", 50020, "stop")
    assert listed(alice) == [("stop", 50500, 50020, exact("1.5"))]
    # What waits holds no margin.
    assert exact(alice.wallet()["initialMarginWithOrders"]) == 0
    venue.advance(2000)
    venue.pin(SYMBOL, "50500")
    # It took the ask at 50,010; half an order is left at its limit.
    assert record(alice, stop["order_id"]) == ("ORDER", "ENTERED_BOOK", "PARTIAL_FILL", None, 1, True)
    assert listed(alice) == [("lmt", None, 50020, exact("0.5"))]
    assert position(alice) == ("long", 1, 50010)
    [found] = alice.status_of(cliOrdIds=["stop"])
    order = found["order"]
    assert (order["orderId"], exact(order["limitPrice"]), exact(order["quantity"])) == (
        stop["order_id"],
        50020,
        exact("1.5"),
    )
    assert order["triggerTime"] == order["lastUpdateTimestamp"] != order["timestamp"]
    assert exact(order["priceTriggerOptions"]["triggerPrice"]) == 50500
    # As any order, it is edited and cancelled.
    assert alice.trade.edit_order(cliOrdId="stop", limitPrice=50000)["editStatus"]["status"] == "edited"
    assert listed(alice) == [("lmt", None, 50000, exact("0.5"))]
    assert alice.trade.cancel_order(cliOrdId="stop")["cancelStatus"]["status"] == "cancelled"

    rests = alice.send("buy", "0.1", 50005, "stp", stopPrice=50600, triggerSignal="mark")["order_id"]
    venue.pin(SYMBOL, "50600")
    assert record(alice, rests) == ("ORDER", "ENTERED_BOOK", "LIMIT_FROM_STOP", None, 0, True)


@pytest.mark.parametrize(
    ("side", "trigger", "offset", "unit", "limit"),
    [
        ("sell", 49500, -100, "QUOTE_CURRENCY", 49400),
        ("sell", 49500, "0.5", "PERCENT", 49748),
        ("buy", 50500, "0.1", "percent", 50550),
        ("buy", 50500, -600, "QUOTE_CURRENCY", 49900),
    ],
    ids=["below", "rounded up", "rounded down", "below a buy"],
)
def test_a_limit_may_be_a_distance_from_the_trigger(venue, alice, side, trigger, offset, unit, limit):
    # The SDK's `create_order` has no such arguments, but an element of a batch has them.
    order = {"order": "send", "order_tag": "1", "orderType": "stp", "symbol": SYMBOL, "side": side, "size": "0.1"}
    distance = {"limitPriceOffsetValue": offset, "limitPriceOffsetUnit": unit}
    [sent] = batch(alice, {**order, "stopPrice": trigger, "triggerSignal": "mark", **distance})
    assert sent["status"] == "placed"
    # It is fixed when it fires.
    assert listed(alice) == [("stop", trigger, None, exact("0.1"))]
    venue.pin(SYMBOL, str(trigger))
    assert listed(alice) == [("lmt", None, limit, exact("0.1"))]
    assert record(alice, sent["order_id"])[1:3] == ("ENTERED_BOOK", "LIMIT_FROM_STOP")


@pytest.mark.parametrize(
    ("side", "unit", "deviation", "steps"),
    [
        # The price, and the trigger price that it leaves: a sale's only rises, rounded up; a purchase's only falls.
        ("sell", "PERCENT", "1", [("50000", 49500), ("51000", 50490), ("50491", 50490), ("51101", 50590)]),
        ("sell", "QUOTE_CURRENCY", "250", [("50000", 49750), ("49751", 49750), ("50100.4", 49851)]),
        ("buy", "PERCENT", "0.5", [("50000", 50250), ("49000", 49245), ("49244", 49245), ("48999", 49243)]),
        ("buy", "QUOTE_CURRENCY", "1000", [("50000", 51000), ("49000.9", 50000), ("49999", 50000)]),
    ],
)
def test_a_trailing_stop_follows_its_price_one_way(venue, alice, bob, side, unit, deviation, steps):
    trail = {"trailingStopMaxDeviation": deviation, "trailingStopDeviationUnit": unit}
    sent = alice.send(side, "0.1", kind="trailing_stop", triggerSignal="mark", **trail)
    order = sent["order_id"]
    assert exact(sent["orderEvents"][0]["orderTrigger"]["triggerPrice"]) == steps[0][1]
    for price, trigger in steps:
        venue.pin(SYMBOL, price)
        shown = options(alice, order)
        assert (exact(shown["triggerPrice"]), shown["triggerSide"]) == (
            trigger,
            "TRIGGER_BELOW" if side == "sell" else "TRIGGER_ABOVE",
        ), price
        followed = shown["trailingStopOptions"]
        assert (exact(followed["maxDeviation"]), followed["unit"]) == (exact(deviation), unit)
        assert listed(alice) == [("stop", trigger, None, exact("0.1"))]
    updated = ("TRIGGER_ORDER", "TRIGGER_PLACED", "TRAILING_STOP_PRICE_UPDATED", None, 0, False)
    assert record(alice, order) == updated
    venue.pin(SYMBOL, str(steps[-1][1]))
    assert record(alice, order) == ("ORDER", "FULLY_EXECUTED", "FULL_FILL", None, exact("0.1"), True)
    assert position(alice) == (("short", exact("0.1"), 49990) if side == "sell" else ("long", exact("0.1"), 50010))


def test_a_trailing_stop_is_edited_by_its_distance_alone(venue, alice, bob):
    trail = {"trailingStopMaxDeviation": "1", "trailingStopDeviationUnit": "PERCENT"}
    order = alice.send("sell", "0.1", kind="trailing_stop", triggerSignal="mark", **trail)["order_id"]
    venue.pin(SYMBOL, "51000")
    venue.pin(SYMBOL, "50800")
    assert exact(options(alice, order)["triggerPrice"]) == 50490

    def edited(**change):
        """Through a batch: the SDK's `edit_order` has no distance."""
        [told] = batch(alice, {"order": "edit", "order_id": order, **change})
        return told["status"], exact(options(alice, order)["triggerPrice"])

    assert edited(trailingStopMaxDeviation="2", trailingStopDeviationUnit="PERCENT") == ("edited", 49784)
    # The same distance again: from where the price is now.
    venue.pin(SYMBOL, "50000")
    assert exact(options(alice, order)["triggerPrice"]) == 49784
    assert edited(trailingStopMaxDeviation="2", trailingStopDeviationUnit="PERCENT") == ("edited", 49000)
    assert edited(stopPrice=48000) == ("cannotEditTriggerPriceOfTrailingStop", 49000)
    assert edited(limitPrice=48000) == ("cannotEditLimitPriceOfTrailingStop", 49000)
    assert edited(trailingStopMaxDeviation="50.01", trailingStopDeviationUnit="PERCENT") == ("invalidPrice", 49000)
    assert record(alice, order)[3] == "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"
    assert edited(trailingStopMaxDeviation=300, trailingStopDeviationUnit="QUOTE_CURRENCY", size="0.2") == (
        "edited",
        49700,
    )
    assert listed(alice) == [("stop", 49700, None, exact("0.2"))]


def test_a_waiting_stop_is_edited_and_cancelled(venue, alice, bob):
    order = alice.send("sell", "0.5", kind="stp", stopPrice=49000, triggerSignal="mark", cliOrdId="stop")["order_id"]
    edited = alice.trade.edit_order(cliOrdId="stop", stopPrice=49500, size="0.25")["editStatus"]
    [event] = edited["orderEvents"]
    assert (edited["status"], event["type"]) == ("edited", "EDIT")
    assert [exact(event["old"][name]) for name in ("triggerPrice", "quantity")] == [49000, exact("0.5")]
    assert [exact(event["new"][name]) for name in ("triggerPrice", "quantity")] == [49500, exact("0.25")]
    alice.trade.edit_order(order, limitPrice=49400)
    assert listed(alice) == [("stop", 49500, 49400, exact("0.25"))]
    refused = alice.trade.edit_order(order, stopPrice="49500.5")["editStatus"]
    assert (refused["status"], refused["orderId"]) == ("invalidPrice", order)
    assert listed(alice) == [("stop", 49500, 49400, exact("0.25"))]
    cancelled = alice.trade.cancel_order(order)["cancelStatus"]
    [event] = cancelled["orderEvents"]
    assert (cancelled["status"], event["type"], event["orderTrigger"]["uid"]) == ("cancelled", "CANCEL", order)
    assert record(alice, order) == ("TRIGGER_ORDER", "CANCELLED", "CANCELLED_BY_USER", None, 0, False)
    venue.pin(SYMBOL, "49000")
    assert position(alice) is None

    # An edit that brings the trigger to where the price is already fires it.
    reached = alice.send("buy", "0.1", kind="stp", stopPrice=51000, triggerSignal="mark")["order_id"]
    assert alice.trade.edit_order(reached, stopPrice=49000)["editStatus"]["status"] == "edited"
    assert record(alice, reached) == ("ORDER", "FULLY_EXECUTED", "FULL_FILL", None, exact("0.1"), True)


def test_several_fire_the_nearest_first_then_the_oldest(venue, alice, bob):
    bob.send("buy", 1, 49980)
    bob.send("buy", 1, 49970)

    def stop(price):
        return alice.send("sell", 1, kind="stp", stopPrice=price, triggerSignal="mark")["order_id"]

    far, near, near_too = stop(49400), stop(49500), stop(49500)
    venue.pin(SYMBOL, "49000")
    fills = {fill["order_id"]: exact(fill["price"]) for fill in alice.trade.get_fills()["fills"]}
    assert fills == {near: 49990, near_too: 49980, far: 49970}


def test_a_stop_and_a_target_for_one_position(venue, alice, bob):
    """Both only reduce, both are for all of it: the one that comes first leaves nothing to the other."""
    alice.send("buy", 1, kind="mkt")
    stop = alice.send("sell", 3, kind="stp", stopPrice=49500, triggerSignal="mark", reduceOnly=True)["order_id"]
    take = alice.send("sell", 1, kind="take_profit", stopPrice=52000, triggerSignal="mark", reduceOnly=True)["order_id"]
    target = alice.send("sell", 1, 51000, reduceOnly=True)["order_id"]
    assert len(listed(alice)) == 3
    venue.pin(SYMBOL, "49500")
    assert position(alice) is None
    # Cut to the position before it was sent.
    assert record(alice, stop) == ("ORDER", "FULLY_EXECUTED", "FULL_FILL", None, 1, True)
    [found] = alice.status_of(stop)
    assert exact(found["order"]["quantity"]) == 1
    assert record(alice, target) == ("ORDER", "CANCELLED", "WOULD_NOT_REDUCE_POSITION", None, 0, False)
    # What waits is judged when it fires.
    assert listed(alice) == [("take_profit", 52000, None, 1)]
    venue.pin(SYMBOL, "52000")
    failed = ("TRIGGER_ORDER", "TRIGGER_ACTIVATION_FAILURE", "STOP_ORDER_TRIGGERED")
    assert record(alice, take) == (*failed, "WOULD_NOT_REDUCE_POSITION", 0, False)
    assert (listed(alice), position(alice)) == ([], None)
    # Bought at 50,010 and sold at 49,990, 0.05 % each time.
    assert alice.usd() == exact("100000") - 20 - exact("25.005") - exact("24.995")


def test_what_fires_may_still_be_refused(venue, alice, bob):
    stops = {
        "INSUFFICIENT_MARGIN": alice.send("buy", 100, 49000, "stp", stopPrice=50500, triggerSignal="mark"),
        "WOULD_NOT_REDUCE_POSITION": alice.send(
            "buy", 1, kind="stp", stopPrice=50500, triggerSignal="mark", reduceOnly=True
        ),
        "IOC_WOULD_NOT_EXECUTE": alice.send("buy", 1, kind="stp", stopPrice=50600, triggerSignal="mark"),
    }
    venue.pin(SYMBOL, "50500")
    bob.trade.cancel_all_orders()
    venue.pin(SYMBOL, "50600")
    for error, sent in stops.items():
        failed = ("TRIGGER_ORDER", "TRIGGER_ACTIVATION_FAILURE", "STOP_ORDER_TRIGGERED", error, 0, False)
        assert record(alice, sent["order_id"]) == failed
    assert (listed(alice), position(alice), alice.usd()) == ([], None, 100000)
    # Five seconds later they are forgotten, as any order.
    venue.advance(5000)
    assert alice.status_of(*(sent["order_id"] for sent in stops.values())) == []


def test_one_that_is_reached_already_fires_at_once(alice, bob):
    sent = alice.send("buy", "0.1", kind="stp", stopPrice=49900, triggerSignal="mark")
    place, execution = sent["orderEvents"]
    assert (sent["status"], place["type"], execution["type"]) == ("placed", "PLACE", "EXECUTION")
    assert exact(place["orderTrigger"]["triggerPrice"]) == 49900
    assert [exact(execution[name]) for name in ("price", "amount")] == [50010, exact("0.1")]
    assert record(alice, sent["order_id"]) == ("ORDER", "FULLY_EXECUTED", "FULL_FILL", None, exact("0.1"), True)
    # Refused when it fires, it was placed all the same.
    sent = alice.send("sell", "0.2", kind="stp", stopPrice=50100, triggerSignal="mark", reduceOnly=True)
    assert (sent["status"], exact(sent["orderEvents"][1]["amount"])) == ("placed", exact("0.1"))
    sent = alice.send("sell", "0.2", kind="stp", stopPrice=50100, triggerSignal="mark", reduceOnly=True)
    place, reject = sent["orderEvents"]
    assert (sent["status"], place["type"], reject["type"]) == ("placed", "PLACE", "REJECT")
    assert reject["reason"] == "WOULD_NOT_REDUCE_POSITION"


def test_a_trigger_that_cannot_be_is_refused_with_its_reason(alice):
    """No trade has happened here, so the last price has no value."""

    def trailing(value, unit="PERCENT", **more):
        trail = {"trailingStopMaxDeviation": value, "trailingStopDeviationUnit": unit}
        return {"orderType": "trailing_stop", **trail, **more}

    def offset(**more):
        return {"orderType": "stp", "stopPrice": 48000} | {f"limitPriceOffset{name}": of for name, of in more.items()}

    cases = [
        ({"orderType": "stp", "stopPrice": "48000.5"}, "invalidPrice", "INVALID_PRICE"),
        ({"orderType": "take_profit", "stopPrice": 0}, "invalidPrice", "INVALID_PRICE"),
        ({"orderType": "stp", "stopPrice": 48000, "limitPrice": "47900.5"}, "invalidPrice", "INVALID_PRICE"),
        ({"orderType": "stp", "stopPrice": 48000, "size": "0.00005"}, "invalidSize", "INVALID_QUANTITY"),
        (
            {"orderType": "stp", "stopPrice": 48000, "cliOrdId": "x" * 101},
            "clientOrderIdTooLong",
            "CLIENT_ORDER_ID_TOO_LONG",
        ),
        (trailing("1.234"), "invalidPrice", "TRAILING_STOP_PERCENT_DEVIATION_EXCEEDS_MAX_DECIMAL_PLACES"),
        (trailing("50.01"), "invalidPrice", "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"),
        (trailing("0.09"), "invalidPrice", "TRAILING_STOP_MAX_DEVIATION_TOO_SMALL"),
        (
            trailing("100.5", "QUOTE_CURRENCY"),
            "invalidPrice",
            "TRAILING_STOP_QUOTE_DEVIATION_NOT_MULTIPLE_OF_TICK_SIZE",
        ),
        (trailing(25001, "QUOTE_CURRENCY"), "invalidPrice", "TRAILING_STOP_MAX_DEVIATION_TOO_LARGE"),
        (trailing(1, stopPrice=48000), "invalidPrice", "INVALID_PRICE"),
        (
            trailing(1, triggerSignal="last"),
            "invalidPrice",
            "NO_REFERENCE_PRICE_AVAILABLE_FOR_CALCULATING_TRAILING_STOP_TRIGGER_PRICE",
        ),
        (offset(Value="-50.01", Unit="PERCENT"), "invalidPrice", "LIMIT_PRICE_OFFSET_TOO_LOW"),
        (offset(Value="50.01", Unit="PERCENT"), "invalidPrice", "LIMIT_PRICE_OFFSET_TOO_HIGH"),
        (offset(Value="abc", Unit="PERCENT"), "invalidPrice", "LIMIT_PRICE_OFFSET_VALUE_INVALID"),
        (offset(Value=1, Unit="TICKS"), "invalidPrice", "LIMIT_PRICE_OFFSET_UNIT_INVALID"),
        (offset(Value=-100), "invalidPrice", "LIMIT_PRICE_OFFSET_MUST_HAVE_VALUE_AND_UNIT"),
        (
            offset(Value="-100.5", Unit="QUOTE_CURRENCY"),
            "invalidPrice",
            "LIMIT_PRICE_OFFSET_QUOTE_CURRENCY_VALUE_MUST_BE_MULTIPLE_OF_TICK_SIZE",
        ),
        (
            offset(Value="-0.125", Unit="PERCENT"),
            "invalidPrice",
            "LIMIT_PRICE_OFFSET_PERCENT_VALUE_TOO_MANY_DECIMAL_PLACES",
        ),
        (
            offset(Value=-100, Unit="QUOTE_CURRENCY") | {"limitPrice": 47900},
            "invalidPrice",
            "LIMIT_PRICE_SET_AS_ABSOLUTE_AND_RELATIVE",
        ),
    ]
    common = {"order": "send", "symbol": SYMBOL, "side": "sell", "size": "0.1", "triggerSignal": "mark"}
    told = batch(alice, *(common | {"order_tag": str(at)} | case for at, (case, _, _) in enumerate(cases)))
    assert len(told) == len(cases)
    for answer, (case, status, error) in zip(told, cases, strict=True):
        [event] = answer["orderEvents"]
        assert (answer["status"], event["type"], event["reason"]) == (status, "REJECT", error), case
        assert event["orderTrigger"]["uid"] == event["uid"] == answer["order_id"]
        assert record(alice, answer["order_id"])[:2] == ("TRIGGER_ORDER", "REJECTED"), case
        assert record(alice, answer["order_id"])[3] == error, case
    assert listed(alice) == []
    # The same alone; and a price to wait for, on what does not wait.
    assert alice.send("sell", "0.1", kind="stp", stopPrice="48000.5")["status"] == "invalidPrice"
    assert alice.send("sell", "0.1", 51000, stopPrice=48000, cliOrdId="plain")["status"] == "invalidPrice"
    [plain] = alice.status_of(cliOrdIds=["plain"])
    assert (plain["status"], plain["error"]) == ("REJECTED", "ORDER_CANNOT_HAVE_TRIGGER_PRICE")
    for kind, arguments in [("stp", {}), ("take_profit", {"limitPrice": 48000}), ("trailing_stop", {})]:
        with pytest.raises(KrakenRequiredArgumentMissingError):
            alice.trade.create_order(kind, "0.1", SYMBOL, "sell", **arguments)


def test_what_waits_survives_a_restart(start, tmp_path):
    folder = str(tmp_path / "data")
    flags = ("--data", folder, "--market", "none", "--clock", "manual", "--seed", "7")
    venue = start(*flags)
    venue.pin(SYMBOL, "50000")
    account = venue.account("alice-k", usd="100000")
    alice = Trader(venue, account)
    maker = venue.account("bob-k", usd="10000000")
    Trader(venue, maker).send("buy", 1, 49990)
    stop = alice.send("sell", "0.1", kind="stp", stopPrice=49000, triggerSignal="mark")["order_id"]
    trail = {"trailingStopMaxDeviation": "1", "trailingStopDeviationUnit": "PERCENT"}
    trailing = alice.send("sell", "0.1", kind="trailing_stop", triggerSignal="mark", **trail)["order_id"]
    venue.pin(SYMBOL, "50500")
    alice.trade.dead_mans_switch(60)
    before = alice.status_of(stop, trailing)
    venue.stop()

    venue = start(*flags)
    alice = Trader(venue, account)
    # A trigger has no place in a book, so loading the market does not touch it.
    assert alice.status_of(stop, trailing) == before
    assert listed(alice) == [("stop", 49000, None, exact("0.1")), ("stop", 49995, None, exact("0.1"))]
    venue.pin(SYMBOL, "49995")
    assert record(alice, trailing) == ("ORDER", "FULLY_EXECUTED", "FULL_FILL", None, exact("0.1"), True)
    assert position(alice) == ("short", exact("0.1"), 49990)
    # The switch was not forgotten either.
    venue.advance(59_999)
    assert alice.open_ids() == [stop]
    venue.advance(1)
    assert record(alice, stop) == ("TRIGGER_ORDER", "CANCELLED", "DEAD_MAN_SWITCH", None, 0, False)
