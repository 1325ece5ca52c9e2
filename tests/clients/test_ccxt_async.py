"""ccxt without waiting: what it is told is what the waiting client is told, and many requests at once are each answered."""

import asyncio

import ccxt.async_support
import pytest

from exchange import exact
from test_ccxt_history import GENESIS_MS, Day
from traders import PERPETUAL, client, position, usd


def run(venue, account, scenario, base=None, **config):
    """Runs one scenario with a client of one account on a loop of its own, and closes the client whatever happens."""

    async def whole():
        exchange = ccxt.async_support.krakenfutures({"enableRateLimit": False, **config})
        exchange.apiKey, exchange.secret = account["api_key"], account["api_secret"]
        exchange.urls["api"] = client(venue, base=base).urls["api"]
        try:
            return await scenario(exchange)
        finally:
            await exchange.close()

    return asyncio.run(whole())


@pytest.fixture
def account(venue):
    return venue.account("alice-c", usd="100000", xbt="1")


# What is asked, and with what; both clients have the same methods.
ASKED = [
    ("fetch_markets",), ("fetch_tickers",), ("fetch_ticker", PERPETUAL), ("fetch_order_book", PERPETUAL),
    ("fetch_trades", PERPETUAL), ("fetch_ohlcv", PERPETUAL, "1m", GENESIS_MS), ("fetch_leverage_tiers",),
    ("fetch_mark_ohlcv", PERPETUAL, "5m", GENESIS_MS), ("fetch_index_ohlcv", PERPETUAL, "1h", GENESIS_MS),
    ("fetch_balance",), ("fetch_positions",), ("fetch_positions_history", None, None, None, {"opened": True}), ("fetch_open_orders",),
    ("fetch_my_trades", PERPETUAL), ("fetch_ledger",), ("fetch_leverages",),
    ("fetch_closed_orders", PERPETUAL), ("fetch_closed_orders", PERPETUAL, None, None, {"trigger": True}),
    ("fetch_canceled_orders", PERPETUAL), ("fetch_canceled_orders", PERPETUAL, None, None, {"trigger": True}),
]  # fmt: skip


def test_both_clients_are_told_the_same(venue, account, bob):
    alice = client(venue, account)
    Day(venue, alice, bob)
    alice.create_order(PERPETUAL, "limit", "buy", 0.1, 48000)
    alice.set_leverage(10, PERPETUAL)

    async def ask_all(exchange):
        await exchange.load_markets()
        return await asyncio.gather(*(getattr(exchange, name)(*how) for name, *how in ASKED))

    for (name, *how), told in zip(ASKED, run(venue, account, ask_all), strict=True):
        assert told, f"{name} was told nothing, so this compares nothing"
        assert told == getattr(alice, name)(*how), name


def test_many_orders_at_once_are_each_answered(venue, account, bob):
    async def trade(exchange):
        await exchange.load_markets()
        prices = range(49000, 49020)
        placed = await asyncio.gather(
            *(exchange.create_order(PERPETUAL, "limit", "buy", 0.01, price, {"clientOrderId": str(price)}) for price in prices)
        )
        assert [order["clientOrderId"] for order in placed] == list(map(str, prices))
        resting = await exchange.fetch_open_orders(PERPETUAL)
        assert {order["id"] for order in resting} == {order["id"] for order in placed}
        # Half is cancelled while the other half is sold into.
        cancelled, _ = await asyncio.gather(
            asyncio.gather(*(exchange.cancel_order(order["id"]) for order in placed[:10])),
            asyncio.to_thread(bob.create_order, PERPETUAL, "limit", "sell", 0.1, 49010),
        )
        assert {order["status"] for order in cancelled} == {"canceled"}
        assert await exchange.fetch_open_orders(PERPETUAL) == []

    run(venue, account, trade)
    alice = client(venue, account)
    fills = sorted(exact(fill["price"]) for fill in alice.fetch_my_trades(PERPETUAL))
    assert fills == list(range(49010, 49020))
    assert position(alice)[:2] == ("long", exact("0.1"))
    # Ten makers' fees of 0.02 %.
    assert usd(alice) == 100000 - sum(fills) * exact("0.01") * exact("0.0002")


def test_refusals_raise_what_users_catch(venue, account, bob):
    async def refused(exchange):
        await exchange.load_markets()
        with pytest.raises(ccxt.InsufficientFunds):
            await exchange.create_order(PERPETUAL, "limit", "buy", 400, 49000)
        with pytest.raises(ccxt.OrderNotFound):
            await exchange.cancel_order("00000000-0000-4000-8000-000000000000")
        with pytest.raises(ccxt.OrderNotFillable):
            await exchange.create_order(PERPETUAL, "limit", "buy", 0.1, 49000, {"timeInForce": "ioc"})
        exchange.secret = "d3Jvbmc="
        with pytest.raises(ccxt.AuthenticationError):
            await exchange.fetch_balance()

    run(venue, account, refused)


def test_https_is_trusted_with_the_exchange_s_own_authority(start):
    venue = start("--data", "data", "--market", "none", "--clock", "manual")
    account = venue.config["accounts"][0]

    async def trade(exchange):
        order = await exchange.create_order(PERPETUAL, "limit", "buy", 0.1, 1000)
        assert [found["id"] for found in await exchange.fetch_open_orders()] == [order["id"]]

    run(venue, account, trade, base=venue.https, cafile=venue.ca_certificate)

    async def distrust(stranger):
        with pytest.raises(ccxt.NetworkError):
            await stranger.fetch_open_orders()

    run(venue, account, distrust, base=venue.https)
