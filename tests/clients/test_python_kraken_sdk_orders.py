"""python-kraken-sdk changes orders that rest, sends many at once, and leaves a switch that cancels them all."""

from datetime import datetime, timedelta

import pytest
from kraken.exceptions import (
    KrakenInsufficientAvailableFundsError,
    KrakenNotFoundError,
    KrakenRequiredArgumentMissingError,
)
from kraken.futures import Market

from exchange import exact
from test_python_kraken_sdk import INVERSE, NOBODY, SYMBOL, Trader


@pytest.fixture
def alice(venue):
    return Trader(venue, venue.account("alice-k", usd="100000", xbt="1"))


@pytest.fixture
def bob(venue):
    return Trader(venue, venue.account("bob-k", usd="10000000", xbt="100"))


def record(trader, order_id):
    """Where an order is and why, and its sizes: state, reason, error, total, filled, limit."""
    [found] = trader.status_of(order_id)
    order = found["order"]
    sizes = [exact(order[name]) for name in ("quantity", "filled", "limitPrice")]
    return (found["status"], found["updateReason"], found["error"], *sizes)


def edit(trader, order_id=None, **change):
    """Asks for a change; answers its `editStatus`."""
    return trader.trade.edit_order(order_id, **change)["editStatus"]


def in_seconds(venue, seconds):
    """The exchange's time so much later, as answers spell it."""
    now = datetime.fromisoformat(venue.control("GET", "/clock")["time"])
    return (now + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def batch(trader, *elements, **more):
    """Sends many at once; answers their `batchStatus`."""
    return trader.trade.create_batch_order(list(elements), **more)["batchStatus"]


def new(tag, **more):
    """A `send` of a batch: buy 0.1 with a limit, unless told otherwise."""
    order = {"orderType": "lmt", "symbol": SYMBOL, "side": "buy", "size": "0.1", "limitPrice": 49000}
    return {"order": "send", "order_tag": tag, **order, **more}


def test_an_edit_moves_price_and_size_and_nothing_else(venue, alice):
    sent = alice.send("buy", 1, 49000, cliOrdId="moved")
    placed_at = sent["orderEvents"][0]["order"]["timestamp"]
    venue.advance(1500)
    edited = edit(alice, sent["order_id"], limitPrice=48900, size="0.5")
    assert (edited["status"], edited["orderId"], edited["cliOrdId"]) == ("edited", sent["order_id"], "moved")
    [event] = edited["orderEvents"]
    assert (event["type"], event["reducedQuantity"]) == ("EDIT", None)
    assert [exact(event["old"][name]) for name in ("limitPrice", "quantity")] == [49000, 1]
    assert [exact(event["new"][name]) for name in ("limitPrice", "quantity")] == [48900, exact("0.5")]
    assert event["new"]["timestamp"] == placed_at
    assert event["new"]["lastUpdateTimestamp"] != placed_at
    assert record(alice, sent["order_id"]) == ("ENTERED_BOOK", "EDITED_BY_USER", None, exact("0.5"), 0, 48900)
    # Only the size, by the client's own name: the price stays.
    assert edit(alice, cliOrdId="moved", size=2)["status"] == "edited"
    assert record(alice, sent["order_id"])[3:] == (2, 0, 48900)
    [listed] = alice.user.get_open_orders()["openOrders"]
    assert (exact(listed["limitPrice"]), exact(listed["unfilledSize"]), listed["receivedTime"]) == (48900, 2, placed_at)
    assert Market(url=venue.http).get_orderbook(symbol=SYMBOL)["orderBook"]["bids"] == [[48900, 2]]


def test_the_size_of_an_edit_is_the_rest_or_the_whole(alice, bob):
    order = alice.send("buy", 1, 50000)["order_id"]
    bob.send("sell", "0.4", 50000)
    # Without a mode, the size is what rests.
    [event] = edit(alice, order, size="0.5")["orderEvents"]
    assert [exact(event["new"][name]) for name in ("quantity", "filled")] == [exact("0.9"), exact("0.4")]
    assert record(alice, order) == ("ENTERED_BOOK", "EDITED_BY_USER", None, exact("0.9"), exact("0.4"), 50000)
    # The SDK drops `extra_params` of what it posts, so its `edit_order` has no mode; an element of a batch has.
    for mode, total, rest in [("ABSOLUTE", "0.5", "0.1"), ("RELATIVE", "0.9", "0.5"), ("ABSOLUTE", "2.0", "1.6")]:
        size = total if mode == "ABSOLUTE" else rest
        [told] = batch(alice, {"order": "edit", "order_id": order, "size": size, "qtyMode": mode})
        assert (told["status"], told["order_id"]) == ("edited", order)
        assert record(alice, order)[3:5] == (exact(total), exact("0.4")), mode
        [listed] = alice.user.get_open_orders()["openOrders"]
        assert (listed["status"], exact(listed["filledSize"]), exact(listed["unfilledSize"])) == (
            "partiallyFilled",
            exact("0.4"),
            exact(rest),
        )


def test_an_edit_keeps_its_place_only_when_it_takes_less(venue, alice, bob):
    carol = Trader(venue, venue.account("carol-k", usd="100000"))
    for changes, keeps in [
        ([{"size": "0.5"}], True),
        ([{"size": "1.5"}], False),
        ([{"limitPrice": 49999}, {"limitPrice": 50000}], False),
    ]:
        mine = alice.send("buy", 1, 50000)["order_id"]
        theirs = bob.send("buy", 1, 50000)["order_id"]
        for change in changes:
            assert edit(alice, mine, **change)["status"] == "edited"
        carol.send("sell", "0.1", 50000)
        filled = [record(alice, mine)[4], record(bob, theirs)[4]]
        assert filled == ([exact("0.1"), 0] if keeps else [0, exact("0.1")]), changes
        for trader in (alice, bob):
            trader.trade.cancel_all_orders()


def test_an_edit_that_crosses_trades_as_a_taker(alice, bob):
    bob.send("sell", 1, 50010)
    order = alice.send("buy", "1.5", 49000)["order_id"]
    edited = edit(alice, order, limitPrice=50010)
    assert edited["status"] == "edited"
    change, execution = edited["orderEvents"]
    assert (change["type"], execution["type"]) == ("EDIT", "EXECUTION")
    assert [exact(execution[name]) for name in ("price", "amount")] == [50010, 1]
    assert exact(execution["orderPriorEdit"]["limitPrice"]) == 49000
    assert [exact(execution["orderPriorExecution"][name]) for name in ("limitPrice", "filled")] == [50010, 0]
    assert record(alice, order) == ("ENTERED_BOOK", "PARTIAL_FILL", None, exact("1.5"), 1, 50010)
    [fill] = alice.trade.get_fills()["fills"]
    assert (fill["fill_id"], fill["fillType"]) == (execution["executionId"], "takerAfterEdit")
    [theirs] = bob.trade.get_fills()["fills"]
    assert (theirs["fill_id"], theirs["fillType"]) == (fill["fill_id"], "maker")
    # 0.05 % and 0.02 % of 50,010.
    assert (alice.usd(), bob.usd()) == (exact("99974.995"), exact("9999989.998"))


def test_a_refused_edit_says_why_and_changes_nothing(alice, bob):
    bob.send("sell", 1, 50010)
    order = alice.send("buy", 1, 49995)["order_id"]
    bob.send("sell", "0.4", 49995)
    post = alice.send("buy", "0.1", 49000, "post")["order_id"]
    alice.send("sell", "0.1", 50005)
    before = {each: record(alice, each)[3:] for each in (order, post)}
    for target, change, status, error in [
        (order, {"limitPrice": "49995.5"}, "invalidPrice", "INVALID_PRICE"),
        (order, {"limitPrice": -1}, "invalidPrice", "INVALID_PRICE"),
        (order, {"size": "0.00005"}, "invalidSize", "INVALID_QUANTITY"),
        (order, {"size": 0}, "invalidSize", "INVALID_QUANTITY"),
        (order, {"stopPrice": 49000}, "orderForEditNotAStop", "ORDER_CANNOT_HAVE_TRIGGER_PRICE"),
        (order, {"size": 400, "limitPrice": 49000}, "insufficientAvailableFunds", "INSUFFICIENT_MARGIN"),
        (order, {"limitPrice": 50005}, "selfFill", "WOULD_EXECUTE_SELF"),
        (post, {"limitPrice": 50005}, "postWouldExecute", "POST_WOULD_EXECUTE"),
    ]:
        refused = edit(alice, target, **change)
        assert (refused["status"], refused["orderId"], refused["orderEvents"]) == (status, target, []), change
        assert record(alice, target)[2:] == (error, *before[target]), change
    # Nothing would be left of 0.4 in all, of which 0.4 are filled.
    [told] = batch(alice, {"order": "edit", "order_id": order, "size": "0.4", "qtyMode": "ABSOLUTE"})
    assert told["status"] == "invalidSize"

    # What is not there: no such order, somebody else's, one that is filled.
    other = bob.send("buy", "0.1", 48000)["order_id"]
    for target in (NOBODY, other):
        missing = edit(alice, target, size=1)
        assert (missing["status"], missing["orderId"]) == ("orderForEditNotFound", target)
    bob.send("sell", "0.6", 49995)
    assert edit(alice, order, size=1)["status"] == "orderForEditNotFound"
    assert record(alice, order)[:3] == (
        "FULLY_EXECUTED",
        "ORDER_FOR_EDIT_NOT_FOUND_REASON",
        "ORDER_FOR_EDIT_NOT_FOUND",
    )


def test_an_edit_without_effect_is_accepted_and_noted(alice):
    order = alice.send("buy", 1, 49000)["order_id"]
    again = edit(alice, order, limitPrice=49000, size=1)
    assert (again["status"], again["orderId"], again["orderEvents"]) == ("edited", order, [])
    assert record(alice, order) == ("ENTERED_BOOK", "NEW_USER_ORDER", "EDIT_HAS_NO_EFFECT", 1, 0, 49000)


def test_a_batch_answers_each_element_in_its_place(alice, bob):
    bob.send("sell", 1, 50010)
    old = alice.send("buy", "0.2", 48000, cliOrdId="old")["order_id"]
    moved = alice.send("buy", "0.2", 48500)["order_id"]
    told = batch(
        alice,
        new("first", cliOrdId="mine"),
        new("twice", cliOrdId="mine"),
        new("post", orderType="post", limitPrice=50010),
        new("off tick", limitPrice="49000.5"),
        new("bad type", orderType="limit"),
        new("bad side", side="long"),
        {"order": "edit", "order_id": moved, "size": "0.3", "limitPrice": "48600"},
        # What an element did, the next one sees.
        {"order": "edit", "cliOrdId": "mine", "limitPrice": 49100},
        {"order": "edit", "cliOrdId": "mine", "stopPrice": 49100},
        {"order": "cancel", "cliOrdId": "old"},
        new("last", orderType="mkt", size=0.25),
    )
    assert [(answer["status"], answer.get("order_tag"), answer.get("cliOrdId")) for answer in told] == [
        ("placed", "first", "mine"),
        ("clientOrderIdAlreadyExist", "twice", "mine"),
        ("postWouldExecute", "post", None),
        ("invalidPrice", "off tick", None),
        ("invalidOrderType", "bad type", None),
        ("invalidSide", "bad side", None),
        ("edited", None, None),
        ("edited", None, "mine"),
        ("orderForEditNotAStop", None, "mine"),
        ("cancelled", None, "old"),
        ("placed", "last", None),
    ]
    assert [[event["type"] for event in answer["orderEvents"]] for answer in told] == [
        ["PLACE"],
        [],
        ["REJECT"],
        [],
        [],
        [],
        ["EDIT"],
        ["EDIT"],
        [],
        ["CANCEL"],
        ["EXECUTION"],
    ]
    mine = told[0]["order_id"]
    assert (told[6]["order_id"], told[7]["order_id"], told[9]["order_id"]) == (moved, mine, old)
    assert set(alice.open_ids()) == {mine, moved}
    assert record(alice, mine)[3:] == (exact("0.1"), 0, 49100)
    assert record(alice, moved)[3:] == (exact("0.3"), 0, 48600)
    assert record(alice, told[10]["order_id"])[:2] == ("FULLY_EXECUTED", "FULL_FILL")
    # 0.05 % of 0.25 at 50,010.
    assert alice.usd() == exact("100000") - exact("6.25125")


def test_one_refusal_that_the_sdk_raises_hides_a_batch_that_ran(alice):
    # The SDK raises for the whole answer when it knows the word of one element. The others stand all the same.
    with pytest.raises(KrakenInsufficientAvailableFundsError, match="'order_tag': 'good'"):
        batch(alice, new("good", cliOrdId="good"), new("too much", size=400))
    with pytest.raises(KrakenNotFoundError):
        batch(alice, {"order": "cancel", "order_id": NOBODY}, new("after", cliOrdId="after"))
    good, after = alice.status_of(cliOrdIds=["good", "after"])
    assert (good["status"], after["status"]) == ("ENTERED_BOOK", "ENTERED_BOOK")
    # What cannot be read refuses all of it, before any ran.
    with pytest.raises(KrakenRequiredArgumentMissingError):
        batch(alice, new("whole"), {"order": "cancel"})
    assert len(alice.open_ids()) == 2


def test_what_comes_too_late_does_nothing(venue, alice):
    now = in_seconds(venue, 0)
    order = alice.send("buy", 1, 49000)["order_id"]
    assert alice.send("buy", 1, 48000, processBefore=now)["status"] == "wouldProcessAfterSpecifiedTime"
    assert edit(alice, order, size=2, processBefore=now)["status"] == "wouldProcessAfterSpecifiedTime"
    late = batch(
        alice, new("late"), {"order": "edit", "order_id": order, "size": 2}, {"order": "cancel", "order_id": order},
        processBefore=now,
    )  # fmt: skip
    assert [answer["status"] for answer in late] == ["wouldProcessAfterSpecifiedTime"] * 3
    assert alice.open_ids() == [order]
    assert record(alice, order) == ("ENTERED_BOOK", "NEW_USER_ORDER", None, 1, 0, 49000)
    soon = in_seconds(venue, 0.001)
    assert batch(alice, {"order": "cancel", "order_id": order}, processBefore=soon)[0]["status"] == "cancelled"


def test_the_dead_man_s_switch_cancels_all_orders_and_no_position(venue, alice, bob):
    bob.send("sell", 1, 50010)
    alice.send("buy", "0.5", kind="mkt")
    orders = [
        alice.send("buy", "0.1", 49000)["order_id"],
        alice.send("sell", 100, 60000, symbol=INVERSE)["order_id"],
        alice.send("sell", "0.5", kind="stp", stopPrice=40000, triggerSignal="mark", reduceOnly=True)["order_id"],
    ]

    def armed(seconds):
        return alice.trade.dead_mans_switch(seconds)["status"]

    assert armed(60) == {"currentTime": in_seconds(venue, 0), "triggerTime": in_seconds(venue, 60)}
    venue.advance(30_000)
    # Renewed: the minute begins anew.
    assert armed(60)["triggerTime"] == in_seconds(venue, 60)
    venue.advance(59_999)
    assert set(alice.open_ids()) == set(orders)
    venue.advance(1)
    assert alice.open_ids() == []
    assert {(told["status"], told["updateReason"], told["error"]) for told in alice.status_of(*orders)} == {
        ("CANCELLED", "DEAD_MAN_SWITCH", None)
    }
    [position] = alice.user.get_open_positions()["openPositions"]
    assert (position["symbol"], exact(position["size"])) == (SYMBOL, exact("0.5"))
    assert len(bob.open_ids()) == 1

    # It fires once, and zero stops it.
    later = alice.send("buy", "0.1", 49000)["order_id"]
    venue.advance(100_000)
    assert armed(5)["triggerTime"] != "0"
    assert armed(0)["triggerTime"] == "0"
    venue.advance(100_000)
    assert alice.open_ids() == [later]
    assert alice.trade.dead_mans_switch(86_401)["error"] == "invalidArgument: timeout"
