"""ccxt sends orders that wait for a price; the operator moves the price, and they do what they were sent for."""

import ccxt
import pytest

from exchange import exact
from traders import INVERSE, PERPETUAL, client, position, quote, usd

PERPETUAL_ID = "PF_XBTUSD"


@pytest.fixture
def alice(venue):
    return client(venue, venue.account("alice-c", usd="100000"))


@pytest.fixture
def bob(venue):
    """One who quotes a bid and an ask of size 1 around 50,000."""
    maker = client(venue, venue.account("bob-c", usd="10000000"))
    quote(maker)
    return maker


def listed(exchange):
    """What waits or rests: type, trigger price, limit price, rest; as the venue lists it."""
    return [
        (
            order["info"]["orderType"],
            order["triggerPrice"] and exact(order["triggerPrice"]),
            exact(order["info"]["limitPrice"]) if order["info"].get("limitPrice") else None,
            exact(order["remaining"]),
        )
        for order in exchange.fetch_open_orders(PERPETUAL)
    ]


def record(exchange, order):
    """Where an order is and why: kind, ccxt's state, reason, error, filled, and whether it has become an order."""
    found = exchange.fetch_order(order["id"])
    told = found["info"]
    return (
        told["order"]["type"],
        found["status"],
        told["updateReason"],
        told["error"],
        exact(found["filled"]),
        told["order"]["triggerTime"] is not None,
    )


def test_a_stop_waits_fires_and_closes_the_position(venue, alice, bob):
    alice.create_order(PERPETUAL, "market", "buy", 1)
    params = {"stopLossPrice": 49500, "triggerSignal": "mark", "clientOrderId": "stop"}
    stop = alice.create_order(PERPETUAL, "market", "sell", 1, None, params)
    assert (stop["status"], stop["type"], stop["side"], stop["clientOrderId"]) == ("open", "market", "sell", "stop")
    assert (exact(stop["triggerPrice"]), exact(stop["amount"]), exact(stop["filled"])) == (49500, 1, 0)
    # A loss is stopped with what only reduces; ccxt sees to that.
    assert stop["reduceOnly"] is True
    assert listed(alice) == [("stop", 49500, None, 1)]
    assert record(alice, stop) == ("TRIGGER_ORDER", "open", "NEW_USER_ORDER", None, 0, False)
    found = alice.fetch_order(stop["id"])
    assert (exact(found["triggerPrice"]), found["reduceOnly"]) == (49500, True)
    options = found["info"]["order"]["priceTriggerOptions"]
    assert (options["triggerSide"], options["triggerSignal"]) == ("TRIGGER_BELOW", "MARK_PRICE")

    venue.pin(PERPETUAL_ID, "49501")
    assert listed(alice) == [("stop", 49500, None, 1)]
    venue.advance(700)
    venue.pin(PERPETUAL_ID, "49500")
    assert listed(alice) == []
    assert record(alice, stop) == ("ORDER", "closed", "FULL_FILL", None, 1, True)
    fired = alice.fetch_order(stop["id"])
    assert alice.parse8601(fired["info"]["order"]["triggerTime"]) == fired["timestamp"] + 700
    assert exact(fired["triggerPrice"]) == 49500
    assert position(alice) is None
    [sold] = [fill for fill in alice.fetch_my_trades(PERPETUAL) if fill["order"] == stop["id"]]
    assert (exact(sold["price"]), exact(sold["amount"]), sold["takerOrMaker"]) == (49990, 1, "taker")
    # Bought at 50,010 and sold at 49,990, 0.05 % each time.
    assert usd(alice) == exact("100000") - 20 - exact("25.005") - exact("24.995")


def test_a_stop_with_a_limit_rests_once_it_has_fired(venue, alice, bob):
    params = {"triggerPrice": 50500, "triggerSignal": "mark"}
    stop = alice.create_order(PERPETUAL, "limit", "buy", 0.5, 50005, params)
    assert (stop["status"], stop["type"], stop["reduceOnly"]) == ("open", "limit", False)
    assert listed(alice) == [("stop", 50500, 50005, exact("0.5"))]
    # It is not in the book, and takes no margin.
    assert alice.fetch_order_book(PERPETUAL)["bids"][0][0] == 49990
    assert exact(alice.fetch_balance()["info"]["accounts"]["flex"]["initialMarginWithOrders"]) == 0

    venue.pin(PERPETUAL_ID, "50600")
    assert listed(alice) == [("lmt", None, 50005, exact("0.5"))]
    assert record(alice, stop) == ("ORDER", "open", "LIMIT_FROM_STOP", None, 0, True)
    assert alice.fetch_order_book(PERPETUAL)["bids"][0][:2] == [50005, 0.5]
    # 1 % of 0.5 at 50,005.
    assert exact(alice.fetch_balance()["info"]["accounts"]["flex"]["initialMarginWithOrders"]) == exact("250.025")

    bob.create_order(PERPETUAL, "limit", "sell", 0.5, 50000)
    assert record(alice, stop) == ("ORDER", "closed", "FULL_FILL", None, exact("0.5"), True)
    assert position(alice) == ("long", exact("0.5"), 50005)
    [fill] = alice.fetch_my_trades(PERPETUAL)
    assert (exact(fill["price"]), fill["takerOrMaker"]) == (50005, "maker")


def test_a_profit_is_taken_at_its_price(venue, alice, bob):
    alice.create_order(PERPETUAL, "market", "buy", 0.5)
    params = {"takeProfitPrice": 51000, "triggerSignal": "index"}
    take = alice.create_order(PERPETUAL, "market", "sell", 0.5, None, params)
    assert (take["status"], exact(take["triggerPrice"]), take["reduceOnly"]) == ("open", 51000, True)
    assert listed(alice) == [("take_profit", 51000, None, exact("0.5"))]
    options = alice.fetch_order(take["id"])["info"]["order"]["priceTriggerOptions"]
    assert (options["triggerSide"], options["triggerSignal"]) == ("TRIGGER_ABOVE", "SPOT_PRICE")
    bob.cancel_all_orders()
    venue.pin(PERPETUAL_ID, "50999")
    bob.create_order(PERPETUAL, "limit", "buy", 1, 50990)
    assert record(alice, take) == ("TRIGGER_ORDER", "open", "NEW_USER_ORDER", None, 0, False)

    venue.pin(PERPETUAL_ID, "51000")
    assert record(alice, take) == ("ORDER", "closed", "FULL_FILL", None, exact("0.5"), True)
    assert position(alice) is None
    # 0.5 gained 980 a piece; fees on 25,005 and 25,495.
    assert usd(alice) == exact("100000") + 490 - exact("12.5025") - exact("12.7475")


def test_without_a_signal_the_last_trade_counts(venue, alice, bob):
    stop = alice.create_order(PERPETUAL, "market", "buy", 0.25, None, {"triggerPrice": 50010})
    # Neither mark nor index fires it, but a trade at its price does.
    venue.pin(PERPETUAL_ID, "50300")
    assert listed(alice) == [("stop", 50010, None, exact("0.25"))]
    carol = client(venue, venue.account("carol-c", usd="100000"))
    carol.create_order(PERPETUAL, "market", "sell", 0.1)
    assert listed(alice) == [("stop", 50010, None, exact("0.25"))]
    carol.create_order(PERPETUAL, "market", "buy", 0.1)
    assert record(alice, stop) == ("ORDER", "closed", "FULL_FILL", None, exact("0.25"), True)
    assert position(alice) == ("long", exact("0.25"), 50010)
    trades = alice.fetch_trades(PERPETUAL, params={"method": "publicGetHistory"})
    assert sorted((t["side"], exact(t["price"]), exact(t["amount"])) for t in trades) == [
        ("buy", 50010, exact("0.1")),
        ("buy", 50010, exact("0.25")),
        ("sell", 49990, exact("0.1")),
    ]


def test_a_trailing_stop_follows_the_price_and_fires(venue, alice, bob):
    alice.create_order(PERPETUAL, "market", "buy", 0.5)
    params = {
        "trailingStopMaxDeviation": 1,
        "trailingStopDeviationUnit": "PERCENT",
        "triggerSignal": "mark",
        "reduceOnly": True,
    }
    # ccxt knows no trailing orders of its own; type and parameters go through it as they are.
    stop = alice.create_order(PERPETUAL, "trailing_stop", "sell", 0.5, None, params)
    assert (stop["status"], exact(stop["triggerPrice"]), stop["reduceOnly"]) == ("open", 49500, True)
    for price, trigger in [
        ("51000", 50490),
        ("50500", 50490),
        # 50,589.99: a sell stop is rounded up.
        ("51101", 50590),
        ("50591", 50590),
    ]:
        venue.pin(PERPETUAL_ID, price)
        assert listed(alice) == [("stop", trigger, None, exact("0.5"))], price
        found = alice.fetch_order(stop["id"])
        assert (found["status"], exact(found["triggerPrice"])) == ("open", trigger)
        assert found["info"]["updateReason"] == "TRAILING_STOP_PRICE_UPDATED"
    options = alice.fetch_order(stop["id"])["info"]["order"]["priceTriggerOptions"]["trailingStopOptions"]
    assert (exact(options["maxDeviation"]), options["unit"]) == (1, "PERCENT")
    venue.pin(PERPETUAL_ID, "50590")
    assert record(alice, stop) == ("ORDER", "closed", "FULL_FILL", None, exact("0.5"), True)
    assert position(alice) is None
    assert usd(alice) == exact("100000") - 10 - exact("12.5025") - exact("12.4975")


def test_a_waiting_order_is_edited_and_cancelled(venue, alice, bob):
    stop = alice.create_order(PERPETUAL, "market", "sell", 0.5, None, {"triggerPrice": 49000, "triggerSignal": "mark"})
    edited = alice.edit_order(stop["id"], PERPETUAL, "market", "sell", 0.25, None, {"stopPrice": 49500})
    assert (edited["status"], edited["id"]) == ("open", stop["id"])
    assert (exact(edited["triggerPrice"]), exact(edited["amount"])) == (49500, exact("0.25"))
    assert listed(alice) == [("stop", 49500, None, exact("0.25"))]
    # A limit makes it a stop with a limit.
    edited = alice.edit_order(stop["id"], PERPETUAL, "limit", "sell", None, 49400)
    assert (edited["type"], exact(edited["triggerPrice"])) == ("limit", 49500)
    assert listed(alice) == [("stop", 49500, 49400, exact("0.25"))]
    assert record(alice, stop) == ("TRIGGER_ORDER", "open", "EDITED_BY_USER", None, 0, False)
    cancelled = alice.cancel_order(stop["id"])
    assert (cancelled["status"], exact(cancelled["triggerPrice"])) == ("canceled", 49500)
    assert record(alice, stop) == ("TRIGGER_ORDER", "canceled", "CANCELLED_BY_USER", None, 0, False)
    venue.pin(PERPETUAL_ID, "49000")
    assert position(alice) is None

    trailing = {"trailingStopMaxDeviation": 2, "trailingStopDeviationUnit": "PERCENT"}
    stop = alice.create_order(PERPETUAL, "trailing_stop", "sell", 1, None, {"triggerSignal": "mark", **trailing})
    assert exact(stop["triggerPrice"]) == 48020
    trailing = {"trailingStopMaxDeviation": 500, "trailingStopDeviationUnit": "QUOTE_CURRENCY"}
    edited = alice.edit_order(stop["id"], PERPETUAL, "trailing_stop", "sell", None, None, trailing)
    assert exact(edited["triggerPrice"]) == 48500
    # Its price is the exchange's. ccxt does not know these two words: it answers instead of raising.
    for change, word in [
        ({"stopPrice": 48000}, "cannotEditTriggerPriceOfTrailingStop"),
        ({"limitPrice": 48000}, "cannotEditLimitPriceOfTrailingStop"),
    ]:
        refused = alice.edit_order(stop["id"], PERPETUAL, "trailing_stop", "sell", None, None, change)
        assert (refused["status"], refused["info"]["editStatus"]["status"]) == ("rejected", word)
    assert listed(alice) == [("stop", 48500, None, 1)]


def test_what_only_reduces_never_turns_a_position_round(venue, alice, bob):
    stop = alice.create_order(PERPETUAL, "market", "sell", 3, None, {"stopLossPrice": 49500, "triggerSignal": "mark"})
    take = alice.create_order(PERPETUAL, "market", "sell", 3, None, {"takeProfitPrice": 52000, "triggerSignal": "mark"})
    limit = alice.create_order(PERPETUAL, "limit", "buy", 0.4, 49995)
    bob.create_order(PERPETUAL, "limit", "sell", 0.4, 49995)
    target = alice.create_order(PERPETUAL, "limit", "sell", 0.4, 51000, {"reduceOnly": True})
    assert alice.fetch_order(limit["id"])["status"] == "closed"
    assert len(listed(alice)) == 3

    # The stop sells what there is, not what it was sent with; the resting order has nothing left to reduce.
    venue.pin(PERPETUAL_ID, "49500")
    assert position(alice) is None
    assert record(alice, stop) == ("ORDER", "closed", "FULL_FILL", None, exact("0.4"), True)
    assert exact(alice.fetch_order(stop["id"])["amount"]) == exact("0.4")
    assert record(alice, target)[1:4] == ("canceled", "WOULD_NOT_REDUCE_POSITION", None)
    assert listed(alice) == [("take_profit", 52000, None, 3)]

    # What waits is only judged when it fires. ccxt hands on a state that it has no word for.
    venue.pin(PERPETUAL_ID, "52000")
    assert listed(alice) == []
    assert record(alice, take) == (
        "TRIGGER_ORDER",
        "TRIGGER_ACTIVATION_FAILURE",
        "STOP_ORDER_TRIGGERED",
        "WOULD_NOT_REDUCE_POSITION",
        0,
        False,
    )
    assert position(alice) is None


def test_a_stop_that_is_reached_already_fires_at_once(alice, bob):
    stop = alice.create_order(PERPETUAL, "market", "buy", 0.1, None, {"triggerPrice": 49900, "triggerSignal": "mark"})
    place, execution = stop["info"]["orderEvents"]
    assert (place["type"], execution["type"]) == ("PLACE", "EXECUTION")
    assert exact(place["orderTrigger"]["triggerPrice"]) == 49900
    # ccxt counts the fill, but calls whatever was `placed` open.
    assert (stop["status"], exact(stop["filled"]), exact(stop["average"])) == ("open", exact("0.1"), 50010)
    assert record(alice, stop) == ("ORDER", "closed", "FULL_FILL", None, exact("0.1"), True)


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("trailing_stop", {"trailingStopMaxDeviation": 0.09, "trailingStopDeviationUnit": "PERCENT"}),
        ("trailing_stop", {"trailingStopMaxDeviation": 100.5, "trailingStopDeviationUnit": "QUOTE_CURRENCY"}),
        ("market", {"triggerPrice": 49000, "limitPriceOffsetValue": -100}),
    ],
    ids=["too small", "off tick", "offset without unit"],
)
def test_a_stop_that_cannot_be_is_refused(alice, bob, kind, params):
    with pytest.raises(ccxt.InvalidOrder, match="invalidPrice"):
        alice.create_order(PERPETUAL, kind, "sell", 1, None, {"triggerSignal": "mark", **params})
    assert listed(alice) == []


def test_a_stop_of_an_inverse_contract_loses_coins(venue):
    alice = client(venue, venue.account("alice-c", xbt="1"))
    bob = client(venue, venue.account("bob-c", xbt="100"))
    bob.create_order(INVERSE, "limit", "sell", 1000, 50000)
    alice.create_order(INVERSE, "market", "buy", 1000)
    stop = alice.create_order(
        INVERSE, "market", "sell", 1000, None, {"stopLossPrice": 49500.5, "triggerSignal": "mark"}
    )
    assert (exact(stop["triggerPrice"]), stop["symbol"]) == (exact("49500.5"), INVERSE)
    bob.create_order(INVERSE, "limit", "buy", 1000, 49500)
    venue.pin("PI_XBTUSD", "49500.51")
    assert alice.fetch_order(stop["id"])["status"] == "open"
    venue.pin("PI_XBTUSD", "49500.5")
    assert record(alice, stop) == ("ORDER", "closed", "FULL_FILL", None, 1000, True)
    assert position(alice, INVERSE) is None
    # Loss 1000/49500 - 1000/50000 = 0.00020202020(20..), to even; fees 0.00001 and 0.00001010101(01..), up.
    wallet = alice.fetch_balance({"type": "fi_xbtusd"})["info"]["accounts"]["fi_xbtusd"]
    assert exact(wallet["balances"]["xbt"]) == 1 - exact("0.00001") - exact("0.00020202020") - exact("0.00001010102")
