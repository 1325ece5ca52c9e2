"""ccxt.pro follows the feeds: what it keeps from them is what REST says, in values, and all of it over one socket."""

import asyncio
import random

import ccxt.pro
import pytest

from exchange import exact
from traders import INVERSE, PERPETUAL, client

# Nothing here takes this long; it is what a message that never comes costs.
WAIT_SECONDS_MAX = 30


class Hearing(ccxt.pro.krakenfutures):
    """The client as it is, and a bell that rings when it has worked off a message."""

    def __init__(self, config):
        super().__init__(config)
        self.heard = asyncio.Event()

    def handle_message(self, client, message):
        super().handle_message(client, message)
        self.heard.set()


class Follower:
    """A ccxt.pro client of one account, each feed followed in a loop as its users write it, and what the client keeps of it."""

    def __init__(self, venue, account, base=None, ws="ws", **config):
        self.exchange = Hearing({"enableRateLimit": False, **config})
        self.exchange.apiKey, self.exchange.secret = account["api_key"], account["api_secret"]
        self.exchange.urls["api"] = client(venue, base=base).urls["api"] | {"ws": venue.config[ws]}
        self.loops = []
        self.failed = None

    def watch(self, name, *arguments):
        """Begins to follow a feed, until the scenario ends."""

        async def for_ever():
            try:
                while True:
                    await getattr(self.exchange, name)(*arguments)
            except Exception as failure:
                self.failed = failure
                self.exchange.heard.set()

        self.loops.append(asyncio.create_task(for_ever()))

    async def until(self, seen):
        """Waits until what is kept satisfies `seen`, which is asked again after each message; answers what it answered."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while not (found := seen()):
                await self.exchange.heard.wait()
                self.exchange.heard.clear()
                if self.failed:
                    raise self.failed
        return found

    async def close(self):
        for loop in self.loops:
            loop.cancel()
        await asyncio.gather(*self.loops, return_exceptions=True)
        await self.exchange.close()

    def book(self, symbol):
        """Bids and asks as they are kept, or None before there are any."""
        return levels(self.exchange.orderbooks[symbol]) if symbol in self.exchange.orderbooks else None

    def order(self, order_id):
        """An order as it is kept, or an empty one."""
        return next((order for order in self.exchange.orders or [] if order["id"] == order_id), {})


def follow(venue, account, scenario, **config):
    """Runs one scenario with a follower on a loop of its own, and closes its sockets whatever happens."""

    async def whole():
        follower = Follower(venue, account, **config)
        try:
            await scenario(follower)
            assert len(follower.exchange.clients) == 1, "one socket carries all that is followed"
        finally:
            await follower.close()

    asyncio.run(whole())


async def act(function, *arguments):
    """One request of a client that waits, while the sockets go on being heard."""
    return await asyncio.to_thread(function, *arguments)


@pytest.fixture
def account(venue):
    return venue.account("alice-c", usd="100000", xbt="1")


@pytest.fixture
def alice(venue, account):
    return client(venue, account)


def levels(book):
    """A book as exact numbers."""
    return [[(exact(row[0]), exact(row[1])) for row in book[side]] for side in ("bids", "asks")]


def test_the_book_that_is_kept_is_the_book_of_rest(venue, account, bob):
    dice = random.Random(5)

    def trade_wildly(orders):
        for _ in range(orders):
            resting = bob.fetch_open_orders(PERPETUAL) if dice.random() < 0.1 else []
            if resting:
                bob.cancel_order(dice.choice(resting)["id"])
            side, price = dice.choice([("buy", dice.randrange(49980, 50000)), ("sell", dice.randrange(50000, 50020))])
            bob.create_order(PERPETUAL, "limit", side, dice.randrange(1, 50) / 10, price)
            venue.advance(1000)

    async def scenario(follower):
        await act(trade_wildly, 5)
        follower.watch("watch_order_book_for_symbols", [PERPETUAL, INVERSE])
        await follower.until(lambda: follower.book(PERPETUAL))
        await act(trade_wildly, 40)
        # Its last change is one that nobody can miss: a level where there was none.
        await act(bob.create_order, PERPETUAL, "limit", "sell", 1, 50050)
        bids, asks = await follower.until(lambda: (book := follower.book(PERPETUAL))[1][-1][0] == 50050 and book)
        assert [bids, asks] == levels(await act(bob.fetch_order_book, PERPETUAL))
        assert len(bids) > 5 and len(asks) > 5
        assert follower.book(INVERSE) == [[], []]

    follow(venue, account, scenario)


def test_the_book_of_a_live_market_is_the_book_of_rest(start):
    venue = start("--ephemeral", "--market", "live", "--clock", "manual", "--seed", "3")
    account = venue.account("alice-c", usd="100000")
    reader = client(venue)

    async def scenario(follower):
        follower.watch("watch_order_book", PERPETUAL)
        for _ in range(5):
            await act(venue.advance, 20_000)
            rest = levels(await act(reader.fetch_order_book, PERPETUAL))
            await follower.until(lambda rest=rest: follower.book(PERPETUAL) == rest)

    follow(venue, account, scenario)


def test_orders_are_followed_from_placing_to_their_end(venue, account, alice, bob):
    async def scenario(follower):
        async def until(order_id, **wanted):
            def as_wanted():
                kept = follower.order(order_id)
                return kept and all(kept[name] == value for name, value in wanted.items()) and kept

            return await follower.until(as_wanted)

        exchange = follower.exchange
        before = await act(alice.create_order, PERPETUAL, "limit", "buy", 0.1, 48000)
        follower.watch("watch_orders")
        order = await until(before["id"])
        assert (order["symbol"], order["side"], order["type"]) == (PERPETUAL, "buy", "limit")
        assert (exact(order["price"]), exact(order["amount"]), exact(order["filled"])) == (48000, exact("0.1"), 0)

        placed = await exchange.create_order(PERPETUAL, "limit", "buy", 1, 49000)
        await until(placed["id"], remaining=1.0, price=49000.0)
        await exchange.edit_order(placed["id"], PERPETUAL, "limit", "buy", 2, 49100)
        await until(placed["id"], remaining=2.0, price=49100.0)
        await act(bob.create_order, PERPETUAL, "limit", "sell", 0.5, 49100)
        await until(placed["id"], filled=0.5, remaining=1.5, average=49100.0)
        await exchange.cancel_order(placed["id"])
        await until(placed["id"], status="canceled")

        stop = await exchange.create_order(PERPETUAL, "market", "sell", 0.2, None, {"stopLossPrice": 45000, "triggerSignal": "mark"})
        await until(stop["id"], type="stop", triggerPrice=45000.0, side="sell")
        await act(bob.create_order, PERPETUAL, "limit", "sell", 0.1, 48000)
        # ccxt learns of the end of an order when it is taken from the list of the open.
        await until(before["id"], filled=0.1, remaining=0.0)
        assert [order["id"] for order in await exchange.fetch_open_orders()] == [stop["id"]]

    follow(venue, account, scenario)


def test_fills_are_those_of_rest(venue, account, alice, bob):
    async def scenario(follower):
        exchange = follower.exchange
        await act(bob.create_order, PERPETUAL, "limit", "sell", 0.4, 50000)
        await exchange.create_order(PERPETUAL, "market", "buy", 0.1)
        follower.watch("watch_my_trades")
        await follower.until(lambda: exchange.myTrades)
        await exchange.create_order(PERPETUAL, "limit", "buy", 0.5, 50000)
        await act(bob.create_order, INVERSE, "limit", "sell", 1000, 50000)
        await exchange.create_order(INVERSE, "limit", "buy", 1000, 50000)
        await act(bob.create_order, PERPETUAL, "limit", "sell", 0.2, 50000)
        kept = await follower.until(lambda: len(exchange.myTrades) == 4 and exchange.myTrades)
        told = {fill["id"]: fill for fill in await act(alice.fetch_my_trades)}
        assert len(told) == 4
        for fill in kept:
            same = told[fill["id"]]
            for name in ("symbol", "order", "side", "takerOrMaker", "timestamp"):
                assert fill[name] == same[name], name
            assert exact(fill["price"]) == exact(same["price"])
            # ccxt says no amount of an inverse contract over REST; the record has it.
            assert exact(fill["amount"]) == exact(same["info"]["size"])
            # What REST leaves to be reckoned: 0.02 % as maker, 0.05 % as taker, in the currency that the contract settles in.
            assert fill["fee"]["currency"] == ("USD" if fill["symbol"] == PERPETUAL else "BTC")
            if fill["symbol"] == PERPETUAL:
                assert exact(fill["fee"]["cost"]) == exact(same["fee"]["cost"])
        # 1,000 USD at 50,000 are 0.02 BTC.
        assert [exact(fill["fee"]["cost"]) for fill in kept if fill["symbol"] == INVERSE] == [exact("0.00001")]

    follow(venue, account, scenario)


def test_one_socket_carries_every_feed_and_each_says_what_rest_says(venue, account, alice, bob):
    bob.create_order(PERPETUAL, "limit", "buy", 2, 49990)
    bob.create_order(PERPETUAL, "limit", "sell", 2, 50010)
    resting = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 45000)

    async def scenario(follower):
        exchange = follower.exchange
        await exchange.load_markets()
        follower.watch("watch_tickers", [PERPETUAL, INVERSE])
        follower.watch("watch_ticker", PERPETUAL)
        follower.watch("watch_bids_asks", [PERPETUAL])
        follower.watch("watch_trades", PERPETUAL)
        follower.watch("watch_trades_for_symbols", [PERPETUAL, INVERSE])
        follower.watch("watch_order_book", PERPETUAL)
        follower.watch("watch_orders")
        follower.watch("watch_my_trades")
        follower.watch("watch_positions")
        follower.watch("watch_balance")
        await follower.until(
            lambda: {PERPETUAL, INVERSE} <= set(exchange.tickers) and PERPETUAL in exchange.bidsasks
            and follower.book(PERPETUAL) and follower.order(resting["id"]) and exchange.positions is not None
            and "flex" in exchange.balance and PERPETUAL in exchange.trades
        )  # fmt: skip
        assert not exchange.trades[PERPETUAL] and not exchange.myTrades
        await exchange.create_order(PERPETUAL, "market", "buy", 0.5)
        await exchange.create_order(PERPETUAL, "market", "sell", 0.1)
        await act(bob.create_order, PERPETUAL, "limit", "sell", 0.3, 50005)
        await act(venue.pin, "PF_XBTUSD", "50100")
        await act(venue.advance, 1000)
        rest = await act(alice.fetch_ticker, PERPETUAL)
        best = await follower.until(lambda: (b := exchange.bidsasks[PERPETUAL])["ask"] == 50005 and b)
        assert (exact(best["bid"]), exact(best["ask"])) == (exact(rest["bid"]), exact(rest["ask"])) == (49990, 50005)
        ticker = await follower.until(lambda: (t := exchange.tickers[PERPETUAL])["markPrice"] == 50100 and t)
        for name in ("bid", "bidVolume", "ask", "askVolume", "last", "baseVolume", "indexPrice"):
            assert exact(ticker[name]) == exact(rest[name]), name
        # ccxt leaves this one out over REST.
        assert exact(ticker["quoteVolume"]) == exact(rest["info"]["volumeQuote"])
        assert (exact(ticker["last"]), exact(ticker["baseVolume"])) == (49990, exact("0.6"))

        trades = await follower.until(lambda: len(exchange.trades[PERPETUAL]) == 2 and exchange.trades[PERPETUAL])
        public = await act(alice.fetch_trades, PERPETUAL)
        shown = ("id", "timestamp", "side", "price", "amount")
        assert [[trade[name] for name in shown] for trade in trades] == [[trade[name] for name in shown] for trade in public]
        assert {fill["id"] for fill in exchange.myTrades} == {trade["id"] for trade in trades}

        # 0.4 is long at 50,010, and worth 90 more each at 50,100.
        held = await follower.until(lambda: (p := exchange.positions) and p[-1]["markPrice"] == 50100 and p[-1])
        [position] = await act(alice.fetch_positions)
        assert (held["symbol"], held["side"]) == (position["symbol"], position["side"]) == (PERPETUAL, "long")
        assert exact(held["contracts"]) == exact(position["contracts"]) == exact("0.4")
        assert exact(held["entryPrice"]) == exact(position["entryPrice"]) == 50010
        assert exact(held["unrealizedPnl"]) == exact(position["info"]["unrealizedPnl"]) == 36

        wallet = (await act(alice.fetch_balance))["info"]["accounts"]["flex"]
        kept = await follower.until(
            lambda: (w := exchange.balance["flex"])["info"]["flex_futures"]["pnl"] == 36 and w
        )
        # A loss of 2 on what was sold, and 0.05 % of 25,005 and of 4,999.
        assert exact(kept["USD"]["total"]) == exact(wallet["currencies"]["USD"]["quantity"]) == 100000 - 2 - exact("12.5025") - exact("2.4995")
        said = kept["info"]["flex_futures"]
        for feed, route in [
            ("balance_value", "balanceValue"), ("portfolio_value", "portfolioValue"), ("initial_margin_without_orders", "initialMargin"), ("initial_margin", "initialMarginWithOrders"),
            ("maintenance_margin", "maintenanceMargin"), ("margin_equity", "marginEquity"), ("available_margin", "availableMargin"),
        ]:  # fmt: skip
            assert exact(said[feed]) == exact(wallet[route]), feed
        assert follower.book(PERPETUAL) == levels(await act(bob.fetch_order_book, PERPETUAL))
        assert [order["id"] for order in exchange.orders] == [resting["id"]]

    follow(venue, account, scenario)
