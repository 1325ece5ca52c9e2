"""ccxt changes orders that rest, sends many at once, and leaves a switch that cancels them all when it is gone."""

import ccxt
import pytest

from exchange import exact
from traders import INVERSE, PERPETUAL, client, position, quote, usd

NOBODY = "00000000-0000-4000-8000-000000000000"


def record(exchange, order):
    """Where an order is and why, and its sizes: state, reason, error, total, filled."""
    found = exchange.fetch_order(order["id"])
    told = found["info"]
    return found["status"], told["updateReason"], told["error"], exact(found["amount"]), exact(found["filled"])


def bids(exchange):
    return [tuple(map(exact, row[:2])) for row in exchange.fetch_order_book(PERPETUAL)["bids"]]


def test_an_edit_moves_price_and_size_and_nothing_else(venue, alice):
    placed = alice.create_order(PERPETUAL, "limit", "buy", 1, 49000, {"clientOrderId": "moved"})
    venue.advance(1500)
    edited = alice.edit_order(placed["id"], PERPETUAL, "limit", "buy", 0.5, 48900)
    assert (edited["id"], edited["clientOrderId"], edited["status"]) == (placed["id"], "moved", "open")
    assert [exact(edited[name]) for name in ("amount", "remaining", "filled")] == [exact("0.5"), exact("0.5"), 0]
    [event] = edited["info"]["editStatus"]["orderEvents"]
    before, after = event["old"], event["new"]
    assert [exact(before[name]) for name in ("limitPrice", "quantity")] == [49000, 1]
    assert [exact(after[name]) for name in ("limitPrice", "quantity")] == [48900, exact("0.5")]
    assert event["type"] == "EDIT"

    assert bids(alice) == [(48900, exact("0.5"))]
    assert record(alice, placed) == ("open", "EDITED_BY_USER", None, exact("0.5"), 0)
    found = alice.fetch_order(placed["id"])
    assert found["timestamp"] == placed["timestamp"]
    assert found["lastUpdateTimestamp"] == placed["timestamp"] + 1500
    [listed] = alice.fetch_open_orders(PERPETUAL)
    assert (listed["id"], exact(listed["info"]["limitPrice"]), exact(listed["remaining"])) == (
        placed["id"],
        48900,
        exact("0.5"),
    )

    # Only the price: the size stays. By the client's own name ccxt edits over its own way to the route alone.
    assert alice.privatePostEditorder({"cliOrdId": "moved", "limitPrice": 48800})["editStatus"]["status"] == "edited"
    assert bids(alice) == [(48800, exact("0.5"))]


@pytest.mark.parametrize(
    ("mode", "total", "rest"),
    [({}, "0.9", "0.5"), ({"qtyMode": "RELATIVE"}, "0.9", "0.5"), ({"qtyMode": "ABSOLUTE"}, "0.5", "0.1")],
    ids=["default", "relative", "absolute"],
)
def test_the_size_of_an_edit_is_the_rest_or_the_whole(alice, bob, mode, total, rest):
    placed = alice.create_order(PERPETUAL, "limit", "buy", 1, 50000)
    bob.create_order(PERPETUAL, "limit", "sell", 0.4, 50000)
    edited = alice.edit_order(placed["id"], PERPETUAL, "limit", "buy", 0.5, None, mode)
    assert (edited["status"], exact(edited["amount"]), exact(edited["filled"])) == ("open", exact(total), exact("0.4"))
    assert record(alice, placed) == ("open", "EDITED_BY_USER", None, exact(total), exact("0.4"))
    assert exact(alice.fetch_order(placed["id"])["remaining"]) == exact(rest)
    [listed] = alice.fetch_open_orders(PERPETUAL)
    assert (listed["info"]["status"], exact(listed["remaining"])) == ("partiallyFilled", exact(rest))
    assert bids(alice) == [(50000, exact(rest))]
    # What is sold beyond the rest finds nobody.
    sold = bob.create_order(PERPETUAL, "limit", "sell", 0.6, 50000, {"timeInForce": "ioc"})
    assert exact(sold["filled"]) == exact(rest)
    assert record(alice, placed) == ("closed", "FULL_FILL", None, exact(total), exact(total))
    assert position(alice) == ("long", exact(total), 50000)


def test_an_edit_that_crosses_trades_as_a_taker(alice, bob):
    quote(bob)
    placed = alice.create_order(PERPETUAL, "limit", "buy", 1.5, 49000)
    edited = alice.edit_order(placed["id"], PERPETUAL, "limit", "buy", None, 50010)
    assert (edited["status"], exact(edited["filled"]), exact(edited["average"])) == ("open", 1, 50010)
    edit, execution = edited["info"]["editStatus"]["orderEvents"]
    assert (edit["type"], execution["type"]) == ("EDIT", "EXECUTION")
    assert exact(execution["orderPriorEdit"]["limitPrice"]) == 49000
    assert exact(execution["orderPriorExecution"]["limitPrice"]) == 50010
    # The rest waits at the new price.
    assert record(alice, placed) == ("open", "PARTIAL_FILL", None, exact("1.5"), 1)
    assert bids(alice)[0] == (50010, exact("0.5"))
    assert position(alice) == ("long", 1, 50010)
    [fill] = alice.fetch_my_trades(PERPETUAL)
    assert (fill["order"], fill["takerOrMaker"], fill["info"]["fillType"]) == (placed["id"], "taker", "takerAfterEdit")
    # 0.05 % of 50,010.
    assert usd(alice) == exact("100000") - exact("25.005")

    quarter = bob.create_order(PERPETUAL, "limit", "sell", 0.5, 51000)
    bob.edit_order(quarter["id"], PERPETUAL, "limit", "sell", None, 50010)
    assert record(alice, placed) == ("closed", "FULL_FILL", None, exact("1.5"), exact("1.5"))
    assert record(bob, quarter) == ("closed", "FULL_FILL", None, exact("0.5"), exact("0.5"))


def test_a_refused_edit_changes_nothing(alice, bob):
    quote(bob)
    placed = alice.create_order(PERPETUAL, "limit", "buy", 1, 49995)
    bob.create_order(PERPETUAL, "limit", "sell", 0.4, 49995)
    resting = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000, {"postOnly": True})
    alice.create_order(PERPETUAL, "limit", "sell", 0.1, 50005)

    def edit(order, amount=None, price=None, **params):
        return alice.edit_order(order["id"], PERPETUAL, "limit", "buy", amount, price, params)

    cases = [
        (placed, {"price": 49995.5}, ccxt.InvalidOrder, "INVALID_PRICE"),
        (placed, {"price": 0}, ccxt.InvalidOrder, "INVALID_PRICE"),
        (placed, {"amount": 0.00005}, ccxt.InvalidOrder, "INVALID_QUANTITY"),
        (placed, {"amount": 0}, ccxt.InvalidOrder, "INVALID_QUANTITY"),
        # Nothing would be left of 0.4 in all, of which 0.4 are filled.
        (placed, {"amount": 0.4, "qtyMode": "ABSOLUTE"}, ccxt.InvalidOrder, "INVALID_QUANTITY"),
        (placed, {"stopPrice": 49000}, ccxt.InvalidOrder, "ORDER_CANNOT_HAVE_TRIGGER_PRICE"),
        (placed, {"amount": 400, "price": 49000}, ccxt.InsufficientFunds, "INSUFFICIENT_MARGIN"),
        (placed, {"price": 50005}, ccxt.ExchangeError, "WOULD_EXECUTE_SELF"),
        (resting, {"price": 50005}, ccxt.OrderImmediatelyFillable, "POST_WOULD_EXECUTE"),
    ]
    before = {order["id"]: alice.fetch_order(order["id"]) for order in (placed, resting)}
    book = bids(alice)
    for order, change, raised, error in cases:
        with pytest.raises(raised):
            edit(order, **change)
        found = alice.fetch_order(order["id"])
        assert (found["status"], found["info"]["error"]) == ("open", error), change
        kept = ("amount", "filled", "timestamp", "lastUpdateTimestamp")
        assert [found[name] for name in kept] == [before[order["id"]][name] for name in kept], change
        assert bids(alice) == book, change

    # The next change that is accepted takes the error away.
    edit(placed, price=49994)
    assert record(alice, placed) == ("open", "EDITED_BY_USER", None, 1, exact("0.4"))

    with pytest.raises(ccxt.OrderNotFound):
        edit({"id": NOBODY}, price=49000)
    bob.create_order(PERPETUAL, "limit", "sell", 0.6, 49994)
    with pytest.raises(ccxt.OrderNotFound):
        edit(placed, price=49000)
    assert record(alice, placed) == ("closed", "ORDER_FOR_EDIT_NOT_FOUND_REASON", "ORDER_FOR_EDIT_NOT_FOUND", 1, 1)


def test_an_edit_without_effect_is_no_refusal(alice):
    placed = alice.create_order(PERPETUAL, "limit", "buy", 1, 49000)
    again = alice.edit_order(placed["id"], PERPETUAL, "limit", "buy", 1, 49000)
    # The exchange says `edited`; ccxt takes every answer without events for a refusal, and drops all else of it.
    assert again["info"]["editStatus"]["status"] == "edited"
    assert again["info"]["editStatus"]["orderEvents"] == []
    assert (again["status"], again["id"]) == ("rejected", None)
    assert record(alice, placed) == ("open", "NEW_USER_ORDER", "EDIT_HAS_NO_EFFECT", 1, 0)
    assert bids(alice) == [(49000, 1)]


def test_many_orders_at_once_each_with_its_own_fate(alice, bob):
    quote(bob)
    wanted = [
        {"amount": 0.1, "price": 49000, "params": {"clientOrderId": "first"}},
        {"amount": 0.1, "price": 50010, "params": {"postOnly": True}},
        {"amount": 400, "price": 49000},
        {"amount": 0.1, "price": 48900, "params": {"clientOrderId": "first"}},
        {"type": "market", "amount": 0.25},
        {"type": "market", "side": "sell", "amount": 0.5, "params": {"stopLossPrice": 48000, "triggerSignal": "mark"}},
        {"amount": 0.2, "price": 48800, "params": {"order_tag": "mine"}},
    ]
    common = {"symbol": PERPETUAL, "type": "limit", "side": "buy", "price": None}
    # ccxt sorts what comes back by time, which refused orders have none of; the tag tells which is which. It numbers
    # the orders itself, unless they bring a tag of their own.
    orders = {order["info"]["order_tag"]: order for order in alice.create_orders([common | order for order in wanted])}
    # What the exchange says, what ccxt makes of it, and how many events; of the refused, the post-only one has any.
    told = {
        tag: (order["info"]["status"], order["status"], len(order["info"]["orderEvents"]))
        for tag, order in orders.items()
    }
    assert told == {
        "0": ("placed", "open", 1),
        "1": ("postWouldExecute", "rejected", 1),
        "2": ("insufficientAvailableFunds", "rejected", 0),
        "3": ("clientOrderIdAlreadyExist", "rejected", 0),
        "4": ("placed", "closed", 1),
        "5": ("placed", "open", 1),
        "mine": ("placed", "open", 1),
    }
    assert {tag for tag, order in orders.items() if order["id"] is None} == {"2", "3"}
    first, bought, stop, last = (orders[tag] for tag in ("0", "4", "5", "mine"))
    assert (first["clientOrderId"], exact(first["amount"])) == ("first", exact("0.1"))
    assert (exact(bought["filled"]), exact(bought["average"])) == (exact("0.25"), 50010)
    assert (exact(stop["triggerPrice"]), stop["reduceOnly"]) == (48000, True)
    assert {order["id"] for order in alice.fetch_open_orders()} == {first["id"], stop["id"], last["id"]}
    assert position(alice) == ("long", exact("0.25"), 50010)
    assert bids(alice) == [(49990, 1), (49000, exact("0.1")), (48800, exact("0.2"))]


def test_a_batch_sends_edits_and_cancels_in_its_order(alice, bob):
    old = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)
    moved = alice.create_order(PERPETUAL, "limit", "buy", 0.2, 48000)
    # ccxt has no unified call for a mixed batch; this is its own way to the route.
    new = {"symbol": "PF_XBTUSD", "orderType": "lmt", "side": "buy", "cliOrdId": "new"}
    answer = alice.privatePostBatchorder(
        {
            "batchOrder": [
                {"order": "send", "order_tag": "a", "size": 0.3, "limitPrice": 47000, **new},
                {"order": "edit", "order_id": moved["id"], "limitPrice": 48500, "size": "0.25"},
                {"order": "edit", "order_id": NOBODY, "size": 1},
                {"order": "cancel", "order_id": old["id"]},
                {"order": "cancel", "order_id": old["id"]},
                # What an element did, the next one sees.
                {"order": "edit", "cliOrdId": "new", "limitPrice": 47100},
                {"order": "send", "order_tag": "b", **new, "size": 1, "limitPrice": 46000},
                {"order": "cancel", "cliOrdId": "new"},
                {"order": "send", "order_tag": "c", **new, "size": 0.4, "limitPrice": 46000, "cliOrdId": "other"},
            ]
        }
    )["batchStatus"]
    assert [(told["status"], told.get("order_tag")) for told in answer] == [
        ("placed", "a"),
        ("edited", None),
        ("orderForEditNotFound", None),
        ("cancelled", None),
        ("notFound", None),
        ("edited", None),
        ("clientOrderIdAlreadyExist", "b"),
        ("cancelled", None),
        ("placed", "c"),
    ]
    assert (answer[1]["order_id"], answer[3]["order_id"]) == (moved["id"], old["id"])
    assert answer[0]["order_id"] == answer[5]["order_id"] == answer[7]["order_id"]
    assert [event["type"] for told in answer for event in told["orderEvents"]] == [
        "PLACE",
        "EDIT",
        "CANCEL",
        "EDIT",
        "CANCEL",
        "PLACE",
    ]
    assert bids(alice) == [(48500, exact("0.25")), (46000, exact("0.4"))]
    assert record(alice, {"id": answer[0]["order_id"]})[:3] == ("canceled", "CANCELLED_BY_USER", None)
    assert record(alice, old)[:3] == ("canceled", "CANCELLED_BY_USER", "ORDER_FOR_CANCELLATION_NOT_FOUND")


def test_many_cancels_at_once_by_either_id(alice):
    ids = [alice.create_order(PERPETUAL, "limit", "buy", 0.1, price)["id"] for price in (49000, 48000)]
    alice.create_order(INVERSE, "limit", "buy", 100, 40000, {"clientOrderId": "named"})
    stop = alice.create_order(PERPETUAL, "market", "sell", 1, None, {"stopLossPrice": 40000})
    # As with new orders, ccxt changes their order.
    gone = alice.cancel_orders([ids[0], NOBODY, stop["id"]])
    assert {(order["info"]["order_id"], order["info"]["status"], order["status"]) for order in gone} == {
        (ids[0], "cancelled", "canceled"),
        (NOBODY, "notFound", "rejected"),
        (stop["id"], "cancelled", "canceled"),
    }
    [named] = alice.cancel_orders([], None, {"clientOrderIds": ["named"]})
    assert (named["status"], named["clientOrderId"], named["symbol"]) == ("canceled", "named", INVERSE)
    assert [order["id"] for order in alice.fetch_open_orders()] == [ids[1]]


def test_cancel_all_takes_the_waiting_stops_too(alice):
    stop = alice.create_order(PERPETUAL, "market", "sell", 1, None, {"stopLossPrice": 40000})
    order = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)
    other = alice.create_order(INVERSE, "market", "sell", 100, None, {"triggerPrice": 40000})
    answer = alice.privatePostCancelallorders({"symbol": "PF_XBTUSD"})["cancelStatus"]
    # In their order. ccxt's `cancel_all_orders` reads the first event's `order` for each, and a stop has none there.
    assert [row["order_id"] for row in answer["cancelledOrders"]] == [stop["id"], order["id"]]
    assert [("orderTrigger" in event, event["uid"]) for event in answer["orderEvents"]] == [
        (True, stop["id"]),
        (False, order["id"]),
    ]
    assert [found["id"] for found in alice.fetch_open_orders()] == [other["id"]]
    assert len(alice.cancel_all_orders()) == 1
    assert alice.fetch_open_orders() == []
    assert record(alice, stop)[:3] == record(alice, other)[:3] == ("canceled", "CANCELLED_BY_USER", None)


def test_the_dead_man_s_switch_cancels_all_orders_and_no_position(venue, alice, bob):
    quote(bob)
    alice.create_order(PERPETUAL, "market", "buy", 0.5)
    orders = [
        alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000),
        alice.create_order(INVERSE, "limit", "sell", 100, 60000),
        alice.create_order(PERPETUAL, "market", "sell", 0.5, None, {"stopLossPrice": 40000, "triggerSignal": "mark"}),
    ]
    ids = {order["id"] for order in orders}

    def open_ids():
        return {order["id"] for order in alice.fetch_open_orders()}

    def armed(milliseconds):
        """Arms it; answers how long it will wait, by its own two times."""
        told = alice.cancel_all_orders_after(milliseconds)["status"]
        if told["triggerTime"] == "0":
            return None
        return alice.parse8601(told["triggerTime"]) - alice.parse8601(told["currentTime"])

    assert armed(60_000) == 60_000
    venue.advance(59_999)
    assert open_ids() == ids
    # Each call starts it anew, in whole seconds; zero stops it.
    assert armed(10_000) == 10_000
    venue.advance(9_999)
    assert armed(0) is None
    venue.advance(100_000)
    assert open_ids() == ids
    assert armed(5_000) == 5_000
    venue.advance(4_999)
    assert open_ids() == ids
    venue.advance(1)
    assert open_ids() == set()
    for order in orders:
        assert record(alice, order)[:3] == ("canceled", "DEAD_MAN_SWITCH", None)
    assert position(alice) == ("long", exact("0.5"), 50010)
    assert len(bob.fetch_open_orders()) == 2

    # It fires once.
    later = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)
    venue.advance(100_000)
    assert open_ids() == {later["id"]}
    # A day is the longest.
    assert armed(86_400_000) == 86_400_000
    with pytest.raises(ccxt.BadRequest, match="invalidArgument: timeout"):
        armed(86_401_000)
