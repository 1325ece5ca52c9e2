"""The operator suspends, restricts, closes and expires markets; clients see it, and get their orders back."""

import ccxt
import pytest
from kraken.futures import Market

import test_python_kraken_sdk as sdk
from exchange import exact
from traders import PERPETUAL, client, position, quote

SYMBOL = "PF_XBTUSD"
STOP = {"stopLossPrice": 49500, "triggerSignal": "mark"}


@pytest.fixture
def bob(venue):
    maker = client(venue, venue.account("bob-c", usd="10000000"))
    quote(maker)
    return maker


def reason(exchange, order):
    """Where an order is and why: ccxt's state, the reason, the error."""
    found = exchange.fetch_order(order["id"])
    return found["status"], found["info"]["updateReason"], found["info"]["error"]


def test_a_suspended_market_keeps_its_orders_and_takes_none(venue, alice, bob):
    alice.create_order(PERPETUAL, "market", "buy", 0.5)
    resting = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)
    other = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 48000)
    stop = alice.create_order(PERPETUAL, "market", "sell", 0.5, None, STOP)
    venue.market(SYMBOL, "suspended")
    assert alice.fetch_ticker(PERPETUAL)["info"]["suspended"] is True
    for refused in (
        lambda: alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000),
        lambda: alice.create_order(PERPETUAL, "market", "sell", 0.1, None, STOP),
        lambda: alice.edit_order(resting["id"], PERPETUAL, "limit", "buy", 0.2, 49000),
    ):
        with pytest.raises(ccxt.ExchangeNotAvailable, match="marketSuspended"):
            refused()
    assert reason(alice, resting) == ("open", "NEW_USER_ORDER", "MARKET_SUSPENDED")
    assert alice.cancel_order(other["id"])["status"] == "canceled"
    # What was reached while it was closed and is not any more does not fire; what is, fires when it opens.
    venue.pin(SYMBOL, "49400")
    assert reason(alice, stop) == ("open", "NEW_USER_ORDER", None)
    venue.pin(SYMBOL, "49600")
    venue.market(SYMBOL, "open")
    assert alice.fetch_ticker(PERPETUAL)["info"]["suspended"] is False
    assert reason(alice, stop) == ("open", "NEW_USER_ORDER", None)
    venue.market(SYMBOL, "suspended")
    venue.pin(SYMBOL, "49400")
    assert position(alice) == ("long", exact("0.5"), 50010)
    venue.market(SYMBOL, "open")
    assert reason(alice, stop) == ("closed", "FULL_FILL", None)
    assert position(alice) is None
    assert [order["id"] for order in alice.fetch_open_orders()] == [resting["id"]]


def test_a_market_that_is_post_only_builds_a_book_and_trades_nothing(venue, alice, bob):
    resting = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)
    stop = alice.create_order(PERPETUAL, "market", "buy", 0.1, None, {"triggerPrice": 50500, "triggerSignal": "mark"})
    venue.market(SYMBOL, "post_only")
    assert alice.fetch_ticker(PERPETUAL)["info"]["postOnly"] is True
    # ccxt does not know the word, so it answers instead of raising.
    for kind, price in (("limit", 49000), ("market", None)):
        refused = alice.create_order(PERPETUAL, kind, "buy", 0.1, price)
        assert (refused["status"], refused["info"]["status"]) == ("rejected", "marketIsPostOnly")
    refused = alice.edit_order(resting["id"], PERPETUAL, "limit", "buy", 0.2, 49000)
    assert (refused["status"], refused["info"]["editStatus"]["status"]) == ("rejected", "marketIsPostOnly")
    posted = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000, {"postOnly": True})
    assert posted["status"] == "open"
    assert alice.edit_order(posted["id"], PERPETUAL, "limit", "buy", 0.2, 49100)["status"] == "open"
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        alice.create_order(PERPETUAL, "limit", "buy", 0.1, 50010, {"postOnly": True})
    venue.pin(SYMBOL, "50600")
    assert reason(alice, stop)[0] == "open"
    venue.market(SYMBOL, "open")
    assert reason(alice, stop) == ("closed", "FULL_FILL", None)


def test_a_market_taken_out_of_trading_gives_its_orders_back(venue, alice, bob):
    orders = [
        alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000),
        alice.create_order(PERPETUAL, "market", "sell", 0.1, None, STOP),
    ]
    venue.market(SYMBOL, "inactive")
    for order in orders:
        assert reason(alice, order) == ("canceled", "MARKET_INACTIVE", None)
    assert alice.fetch_open_orders() == bob.fetch_open_orders() == []
    with pytest.raises(ccxt.ExchangeNotAvailable, match="marketInactive"):
        alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)
    with pytest.raises(ccxt.ContractUnavailable):
        alice.fetch_order_book(PERPETUAL)
    assert alice.load_markets(True)[PERPETUAL]["active"] is False
    venue.market(SYMBOL, "open")
    assert alice.load_markets(True)[PERPETUAL]["active"] is True
    assert alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)["status"] == "open"


def test_a_contract_expires_with_its_orders(venue):
    alice = sdk.Trader(venue, venue.account("alice-k", usd="100000", xbt="1"))
    market = Market(url=venue.http)

    def listed():
        return {row["symbol"] for row in market.get_instruments()["instruments"]}

    dated = min(symbol for symbol in listed() if symbol.startswith("FI_XBTUSD_"))
    resting = alice.send("buy", 1, 40000, symbol=dated)["order_id"]
    stop = alice.send("sell", 1, kind="stp", stopPrice=40000, triggerSignal="mark", symbol=dated)["order_id"]
    perpetual = alice.send("buy", 1, 40000, symbol=sdk.INVERSE)["order_id"]
    venue.control("POST", f"/markets/{dated}/expire")
    told = {r["order"]["orderId"]: (r["status"], r["updateReason"]) for r in alice.status_of(resting, stop)}
    assert told == {resting: ("CANCELLED", "CONTRACT_EXPIRED"), stop: ("CANCELLED", "EXPIRED")}
    assert alice.open_ids() == [perpetual]
    assert dated not in listed()
    assert alice.send("buy", 1, 40000, symbol=dated)["status"] == "marketInactive"


def test_the_operator_cancels_replaces_and_limits(venue):
    alice = sdk.Trader(venue, venue.account("alice-k", usd="100000"))
    order = alice.send("buy", "0.1", 49000)["order_id"]
    assert venue.control("POST", f"/orders/{order}/cancel") == {"order_id": order}
    [found] = alice.status_of(order)
    assert (found["status"], found["updateReason"]) == ("CANCELLED", "CANCELLED_BY_ADMIN")

    trail = {"trailingStopMaxDeviation": "1", "trailingStopDeviationUnit": "PERCENT"}
    old = alice.send("sell", "0.1", kind="trailing_stop", triggerSignal="mark", cliOrdId="trail", **trail)["order_id"]
    new = venue.control("POST", f"/orders/{old}/replace")["order_id"]
    gone, here = alice.status_of(cliOrdIds=["trail"])
    assert (gone["order"]["orderId"], here["order"]["orderId"]) == (old, new)
    assert (gone["status"], gone["updateReason"]) == ("CANCELLED", "TRAILING_STOP_CANCELLED_AND_REPLACED_BY_ADMIN")
    assert (here["status"], here["updateReason"]) == ("TRIGGER_PLACED", "NEW_USER_ORDER")

    venue.control("PUT", "/limits", {"account": alice.account["uid"], "open_orders": 3})
    sent = [alice.send("buy", "0.1", 49000 - step)["status"] for step in range(4)]
    assert sent == ["placed", "placed", "placed", "tooManyOrders"]


def test_a_deactivated_account_asks_nothing(venue):
    alice = sdk.Trader(venue, venue.account("alice-k", usd="100000"))
    order = alice.send("buy", "0.1", 49000)["order_id"]
    path = f"/accounts/{alice.account['uid']}"
    venue.control("POST", f"{path}/deactivate")
    for answer in (alice.user.get_open_orders(), alice.trade.get_orders_status(orderIds=[order])):
        assert (answer["result"], answer["error"]) == ("error", "accountInactive")
    venue.control("POST", f"{path}/activate")
    [found] = alice.status_of(order)
    assert (found["status"], found["updateReason"]) == ("CANCELLED", "CANCELLED_BY_ADMIN")
