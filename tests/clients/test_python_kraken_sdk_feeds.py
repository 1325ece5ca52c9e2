"""python-kraken-sdk follows the feeds over wss, trusting the exchange's own authority: all on one socket, values equal to REST's.

Its client waits a second or two before it connects, whatever it connects to, so there are few scenarios here.
"""

import asyncio

import pytest
from kraken.futures import FuturesWSClient

from exchange import exact
from test_python_kraken_sdk import INVERSE, SYMBOL
from test_python_kraken_sdk import alice, bob, market  # noqa: F401  the accounts and the public client of that file

# Nothing here takes this long; it is what a message that never comes costs.
WAIT_SECONDS_MAX = 30


class Hearing:
    """One connection of the client, with all that it heard, in order."""

    def __init__(self, venue, account, judge):
        self.judge = judge
        self.messages = []
        self.bell = asyncio.Event()
        self.client = FuturesWSClient(
            key=account["api_key"], secret=account["api_secret"],
            url=venue.config["wss"].removeprefix("wss://"), callback=self.hear,
        )  # fmt: skip

    async def hear(self, message):
        self.judge(message)
        self.messages.append(message)
        self.bell.set()

    def of(self, feed):
        """What came on a feed."""
        return [message for message in self.messages if message.get("feed") == feed and "event" not in message]

    async def until(self, seen):
        """Waits until `seen` is satisfied, which is asked again after each message; answers what it answered."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not (found := seen()):
                await self.bell.wait()
                self.bell.clear()
        return found

    async def close(self):
        """Its loop ends with the message after the one that it was told to end by, so it is sent one."""
        closing = asyncio.create_task(self.client.close())
        await self.client.unsubscribe("heartbeat")
        await closing


@pytest.fixture
def hearing(venue, judged, monkeypatch):
    """Runs one scenario with a connection of an account's, on a loop of its own."""
    monkeypatch.setenv("SSL_CERT_FILE", venue.ca_certificate)

    def run(account, scenario):
        async def whole():
            connection = Hearing(venue, account, judged)
            await connection.client.start()
            try:
                await scenario(connection)
            finally:
                await connection.close()

        asyncio.run(whole())

    return run


async def act(function, *arguments, **named):
    """One request of a client that waits, while the socket goes on being heard."""
    return await asyncio.to_thread(function, *arguments, **named)


class Book:
    """A book kept from a snapshot and what follows it, as a user keeps it: a number left out is a fault."""

    def __init__(self, snapshot):
        self.sequence = snapshot["seq"]
        self.bids, self.asks = (
            {exact(level["price"]): exact(level["qty"]) for level in snapshot[side]} for side in ("bids", "asks")
        )

    def take(self, change):
        assert change["seq"] == self.sequence + 1, f"{change['seq']} came after {self.sequence}"
        self.sequence = change["seq"]
        side = self.bids if change["side"] == "buy" else self.asks
        side[exact(change["price"])] = exact(change["qty"])
        if exact(change["qty"]) == 0:
            del side[exact(change["price"])]

    def levels(self):
        return sorted(self.bids.items(), reverse=True), sorted(self.asks.items())


def levels_of_rest(book):
    return tuple([(exact(price), exact(size)) for price, size in book["orderBook"][side]] for side in ("bids", "asks"))


def test_the_book_that_is_kept_is_that_of_rest_and_of_the_next_snapshot(market, alice, bob, hearing):  # noqa: F811
    def trade():
        for step in range(15):
            alice.send("buy", "0.1", 49000 + step % 7)
            bob.send("sell", "0.2", 49003 + step % 5)
        bob.trade.cancel_all_orders()
        alice.send("buy", "0.1", 48000)

    async def scenario(connection):
        await connection.client.subscribe("book", products=[SYMBOL, INVERSE])
        snapshots = await connection.until(lambda: len(found := connection.of("book_snapshot")) == 2 and found)
        assert [snapshot["product_id"] for snapshot in snapshots] == [SYMBOL, INVERSE]
        book = Book(snapshots[0])
        await act(trade)
        await connection.until(lambda: (found := connection.of("book")) and exact(found[-1]["price"]) == 48000)
        for change in connection.of("book"):
            assert change["product_id"] == SYMBOL
            book.take(change)
        assert book.levels() == levels_of_rest(await act(market.get_orderbook, symbol=SYMBOL))
        assert len(connection.of("book")) > 30 and len(book.bids) > 3

        # A snapshot that is taken now has the number and the levels that the book has come to.
        await connection.client.unsubscribe("book", products=[SYMBOL])
        await connection.client.subscribe("book", products=[SYMBOL])
        later = await connection.until(lambda: len(found := connection.of("book_snapshot")) == 3 and found[-1])
        assert (later["seq"], Book(later).levels()) == (book.sequence, book.levels())

    hearing(alice.account, scenario)


def test_orders_and_fills_are_told_as_rest_tells_them(alice, bob, hearing):  # noqa: F811
    async def scenario(connection):
        first = await act(alice.send, "buy", "0.1", 48000, cliOrdId="first")
        for feed in ("open_orders", "open_orders_verbose", "fills"):
            await connection.client.subscribe(feed)
        [snapshot] = await connection.until(lambda: connection.of("open_orders_snapshot"))
        [order] = snapshot["orders"]
        assert (order["order_id"], order["cli_ord_id"], snapshot["account"]) == (first["order_id"], "first", alice.account["uid"])
        await connection.until(lambda: connection.of("fills_snapshot"))

        placed = await act(alice.send, "buy", 1, 49000, cliOrdId="mine")
        await act(alice.trade.edit_order, orderId=placed["order_id"], limitPrice=49100)
        await act(bob.send, "sell", "0.4", 49100)
        await act(alice.trade.cancel_order, order_id=placed["order_id"])
        await act(alice.send, "sell", "0.4", kind="stp", stopPrice=45000, triggerSignal="mark", reduceOnly=True)
        await act(bob.send, "sell", "0.4", 49500)
        refused = await act(alice.send, "buy", "0.1", 49500, kind="post", cliOrdId="refused")
        assert refused["status"] == "postWouldExecute"
        await connection.until(lambda: len(connection.of("open_orders")) == 6)

        told = [
            (m["reason"], m["is_cancel"], *((exact(m["order"][name]) for name in ("limit_price", "qty", "filled")) if "order" in m else ()))
            for m in connection.of("open_orders")
            if (m.get("order_id") or m["order"]["order_id"]) == placed["order_id"]
        ]  # fmt: skip
        assert told == [
            ("new_placed_order_by_user", False, 49000, 1, 0),
            ("edited_by_user", False, 49100, 1, 0),
            ("partial_fill", False, 49100, exact("0.6"), exact("0.4")),
            ("cancelled_by_user", True),
        ]
        [stop] = [m["order"] for m in connection.of("open_orders") if m.get("order", {}).get("type") == "stop"]
        assert (exact(stop["stop_price"]), stop["triggerSignal"], stop["direction"], stop["reduce_only"]) == (45000, "mark", 1, True)
        # The verbose feed is told the same, but of the refused order all of it.
        *verbose, last = await connection.until(lambda: len(found := connection.of("open_orders_verbose")) == 6 and found)
        assert [{**message, "feed": "open_orders"} for message in verbose] == connection.of("open_orders")[:-1]
        short = connection.of("open_orders")[-1]
        assert (short["cli_ord_id"], short["is_cancel"]) == (last["order"]["cli_ord_id"], last["is_cancel"]) == ("refused", True)
        assert short["reason"] == last["reason"] == "post_order_failed_because_it_would_filled" and "order" not in short

        [message] = await connection.until(lambda: connection.of("fills"))
        [fill] = message["fills"]
        [same] = (await act(alice.trade.get_fills))["fills"]
        assert (fill["fill_id"], fill["order_id"], fill["cli_ord_id"]) == (same["fill_id"], same["order_id"], same["cliOrdId"])
        assert (exact(fill["price"]), exact(fill["qty"]), fill["buy"], fill["fill_type"]) == (49100, exact("0.4"), True, "maker")
        # 0.02 % of 19,640.
        assert (exact(fill["fee_paid"]), fill["fee_currency"], exact(fill["remaining_order_qty"])) == (exact("3.928"), "USD", exact("0.6"))

    hearing(alice.account, scenario)


def test_answers_are_those_that_the_client_s_own_tests_want(alice, hearing):  # noqa: F811
    async def scenario(connection):
        client = connection.client
        await client.subscribe("book", products=[SYMBOL, INVERSE])
        await client.subscribe("heartbeat")
        await client.subscribe("open_orders")
        answers = await connection.until(lambda: len(found := [m for m in connection.messages if "event" in m]) == 5 and found)
        # To the letter, order of the keys included.
        assert [list(answer.items()) for answer in answers] == [
            [("event", "info"), ("version", 1)],
            [("event", "subscribed"), ("feed", "book"), ("product_ids", [SYMBOL])],
            [("event", "subscribed"), ("feed", "book"), ("product_ids", [INVERSE])],
            [("event", "subscribed"), ("feed", "heartbeat")],
            [("event", "subscribed"), ("feed", "open_orders")],
        ]
        [snapshot] = await connection.until(lambda: connection.of("open_orders_snapshot"))
        assert list(snapshot)[:2] == ["feed", "account"]
        assert len(client.get_active_subscriptions()) == 4
        await client.unsubscribe("book", products=[INVERSE])
        await client.unsubscribe("open_orders")
        await connection.until(lambda: len(client.get_active_subscriptions()) == 2)
        # What it no longer follows is not told, and the rest is.
        await act(alice.send, "buy", 100, 40000, symbol=INVERSE)
        await act(alice.send, "buy", "0.1", 40000)
        await connection.until(lambda: connection.of("book"))
        assert {message["product_id"] for message in connection.of("book")} == {SYMBOL}
        assert connection.of("open_orders") == []

    hearing(alice.account, scenario)


def test_a_stranger_is_told_no_account_s_news(alice, market, hearing):  # noqa: F811
    async def scenario(connection):
        await connection.client.subscribe("open_orders")
        alert = await connection.until(lambda: next((m for m in connection.messages if m.get("event") == "alert"), None))
        assert alert == {"event": "alert", "message": "Failed to subscribe to authenticated feed"}
        await connection.client.subscribe("book", products=[SYMBOL])
        await connection.until(lambda: connection.of("book_snapshot"))
        assert connection.of("open_orders_snapshot") == []

    hearing({"api_key": alice.account["api_key"], "api_secret": "d3Jvbmc="}, scenario)


def same(told, shown, names):
    """Holds what a feed told against what a route shows, by the names that both have for it."""
    for of_feed, of_route in names.items():
        assert exact(told[of_feed]) == exact(shown[of_route]), of_feed


def test_every_feed_says_what_rest_says(venue, market, alice, bob, hearing):  # noqa: F811
    public = ("ticker", "ticker_lite", "trade", "book")
    private = (
        "fills", "open_positions", "open_orders", "open_orders_verbose", "balances", "deposits_withdrawals",
        "account_balances_and_margins", "account_log", "notifications_auth",
    )  # fmt: skip
    assert {*public, "heartbeat"} == set(FuturesWSClient.get_available_public_subscription_feeds())
    assert set(private) == set(FuturesWSClient.get_available_private_subscription_feeds())
    firsts = [
        "ticker", "ticker_lite", "trade_snapshot", "book_snapshot", "fills_snapshot", "open_positions", "open_orders_snapshot",
        "open_orders_verbose_snapshot", "balances_snapshot", "deposits_withdrawals", "account_balances_and_margins",
        "account_log_snapshot", "notifications_auth",
    ]  # fmt: skip

    def happen():
        bob.send("sell", 1, 50010)
        bob.send("buy", 1, 49990)
        alice.send("buy", "0.5", 50010)
        alice.send("sell", "0.1", 49990)
        venue.pin(SYMBOL, "50100")
        venue.advance(1000)

    async def scenario(connection):
        client = connection.client
        for feed in public:
            await client.subscribe(feed, products=[SYMBOL])
        for feed in ("heartbeat", *private):
            await client.subscribe(feed)
        await connection.until(lambda: all(map(connection.of, firsts)))
        assert len(client.get_active_subscriptions()) == len(public) + 1 + len(private)
        await act(happen)

        def last(feed):
            return connection.of(feed)[-1]

        [rest] = [row for row in (await act(market.get_tickers))["tickers"] if row["symbol"] == SYMBOL]
        ticker = await connection.until(lambda: (t := last("ticker"))["markPrice"] == 50100 and t)
        same(ticker, rest, {
            "bid": "bid", "bid_size": "bidSize", "ask": "ask", "ask_size": "askSize", "last": "last", "volume": "vol24h",
            "volumeQuote": "volumeQuote", "open": "open24h", "high": "high24h", "low": "low24h", "change": "change24h",
            "index": "indexPrice", "markPrice": "markPrice", "openInterest": "openInterest",
        })  # fmt: skip
        assert (ticker["pair"], ticker["tag"], ticker["suspended"], ticker["post_only"]) == (rest["pair"], rest["tag"], False, False)
        lite = await connection.until(lambda: (t := last("ticker_lite"))["bid"] == 49990 and t)
        same(lite, rest, {"bid": "bid", "ask": "ask", "volume": "vol24h", "volumeQuote": "volumeQuote", "change": "change24h"})

        trades = await connection.until(lambda: len(found := connection.of("trade")) == 2 and found)
        history = (await act(market.get_trade_history, symbol=SYMBOL))["history"]
        assert [(t["uid"], t["side"], t["seq"]) for t in trades] == [
            (row["uid"], row["side"], seq) for seq, row in enumerate(reversed(history), 1)
        ]
        fills = {fill["fill_id"]: fill for fill in (await act(alice.trade.get_fills))["fills"]}
        for trade in trades:
            same(trade, fills[trade["uid"]], {"price": "price", "qty": "size"})

        positions = await connection.until(lambda: (m := last("open_positions"))["positions"] and m["positions"][0]["mark_price"] == 50100 and m)
        [told], [shown] = positions["positions"], (await act(alice.user.get_open_positions))["openPositions"]
        assert (told["instrument"], shown["symbol"], shown["side"]) == (SYMBOL, SYMBOL, "long")
        same(told, shown, {"balance": "size", "entry_price": "price", "pnl": "unrealizedPnl", "unrealized_funding": "unrealizedFunding"})
        # Numbers of a subscription begin with 0 and leave none out.
        assert [m["seq"] for m in connection.of("open_positions")] == list(range(positions["seq"] + 1))

        flex = await act(alice.wallet)
        told = await connection.until(
            lambda: next((m for m in reversed(connection.of("balances")) if m.get("flex_futures", {}).get("pnl") == 36), None)
        )
        same(told["flex_futures"], flex, {
            "balance_value": "balanceValue", "portfolio_value": "portfolioValue", "collateral_value": "collateralValue",
            "initial_margin": "initialMarginWithOrders", "initial_margin_without_orders": "initialMargin",
            "maintenance_margin": "maintenanceMargin", "pnl": "pnl", "unrealized_funding": "unrealizedFunding",
            "total_unrealized": "totalUnrealized", "total_unrealized_as_margin": "totalUnrealizedAsMargin",
            "margin_equity": "marginEquity", "available_margin": "availableMargin",
        })  # fmt: skip
        usd = told["flex_futures"]["currencies"]["USD"]
        same(usd, flex["currencies"]["USD"], {"quantity": "quantity", "value": "value", "available": "available"})
        inverse = connection.of("balances_snapshot")[0]["futures"]["F-XBT:USD"]
        assert (exact(inverse["balance"]), inverse["unit"]) == (1, "XBT")
        margins = await connection.until(
            lambda: (row := next(r for r in last("account_balances_and_margins")["margin_accounts"] if r["name"] == "flex"))["pnl"] == 36 and row
        )
        same(margins, flex, {"balance": "balanceValue", "pv": "portfolioValue", "am": "availableMargin", "mm": "maintenanceMargin"})

        logs = (await act(alice.user.get_account_log, sort="asc"))["logs"]
        snapshot = connection.of("account_log_snapshot")[0]["logs"]
        entries = await connection.until(lambda: len(found := connection.of("account_log")) == 4 and found)
        heard = snapshot[::-1] + [message["new_entry"] for message in entries]
        assert [(row["id"], row["booking_uid"], row["info"], row["asset"]) for row in heard] == [
            (row["id"], row["booking_uid"], row["info"], row["asset"]) for row in logs
        ]
        for row, written in zip(heard, logs, strict=True):
            same(row, written, {"old_balance": "old_balance", "new_balance": "new_balance"})
            # What REST leaves null is 0 or empty here.
            assert exact(row["fee"]) == exact(written["fee"] or 0) and row["execution"] == (written["execution"] or "")

        await act(venue.control, "POST", f"/accounts/{alice.account['name']}/deposit", {"wallet": "cash", "currency": "usd", "amount": "50"})
        [newest, *_] = (await connection.until(lambda: len((m := last("deposits_withdrawals"))["elements"]) == 3 and m))["elements"]
        assert (exact(newest["amount"]), newest["unit"], newest["status"]) == (50, "USD", "processed")
        held = await connection.until(lambda: next((m["holding"] for m in connection.of("balances") if m.get("holding")), None))
        assert exact(held["USD"]) == 50

        note = {"type": "maintenance", "priority": "high", "note": "down for a while", "effective_time": "2026-01-01T06:00:00.000Z"}
        await act(venue.control, "POST", "/notifications", note)
        [notice] = (await connection.until(lambda: last("notifications_auth")["notifications"] and last("notifications_auth")))["notifications"]
        assert (notice["type"], notice["priority"], notice["note"]) == ("maintenance", "high", "down for a while")
        assert notice["effective_time"] == 1_767_247_200_000

    hearing(alice.account, scenario)
