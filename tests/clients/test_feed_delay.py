"""`--feed-delay`: accounts hear on their feeds what happened to them so much later, in order, and nobody else waits for it."""

import asyncio
import base64
import hashlib
import hmac
import time

import aiohttp

from exchange import exact
from traders import PERPETUAL, client

DELAY_SECONDS = 1
WAIT_SECONDS_MAX = 30


def test_an_account_hears_later_than_it_is_answered_and_in_order(start, judged):
    venue = start("--ephemeral", "--market", "none", "--clock", "manual", "--feed-delay", f"{DELAY_SECONDS}s")
    venue.pin("PF_XBTUSD", "50000")
    account = venue.account("alice-d", usd="100000")
    alice = client(venue, account)
    alice.load_markets()

    async def scenario():
        async with aiohttp.ClientSession() as session, session.ws_connect(venue.config["ws"]) as socket:

            async def hear():
                message = await socket.receive_json(timeout=WAIT_SECONDS_MAX)
                judged(message)
                return message

            async def until(**wanted):
                while not wanted.items() <= (message := await hear()).items():
                    pass
                return message

            await socket.send_json({"event": "challenge", "api_key": account["api_key"]})
            challenge = (await until(event="challenge"))["message"]
            digest = hashlib.sha256(challenge.encode()).digest()
            signed = base64.b64encode(hmac.new(base64.b64decode(account["api_secret"]), digest, hashlib.sha512).digest()).decode()
            credentials = {"api_key": account["api_key"], "original_challenge": challenge, "signed_challenge": signed}
            await socket.send_json({"event": "subscribe", "feed": "open_orders", **credentials})
            await until(feed="open_orders_snapshot")
            await socket.send_json({"event": "subscribe", "feed": "book", "product_ids": ["PF_XBTUSD"]})
            await until(feed="book_snapshot")

            prices = [49000, 49001, 49002]
            sent, answered = [], []
            for price in prices:
                sent.append(time.monotonic())
                await asyncio.to_thread(alice.create_order, PERPETUAL, "limit", "buy", 0.1, price)
                answered.append(time.monotonic())
            heard = []
            while len(heard) < 2 * len(prices):
                message = await hear()
                heard.append((message["feed"], message, time.monotonic()))
            # The market hears of all of them before the account does of the first.
            assert [feed for feed, *_ in heard] == ["book"] * 3 + ["open_orders"] * 3
            assert [exact(message["order"]["limit_price"]) for feed, message, _ in heard if feed == "open_orders"] == prices
            for (*_, at), was_sent, was_answered in zip(heard[3:], sent, answered, strict=True):
                assert at >= was_sent + DELAY_SECONDS and at > was_answered

            # Whoever joins meanwhile is shown all there is, and is told none of it again.
            last = await asyncio.to_thread(alice.create_order, PERPETUAL, "limit", "buy", 0.1, 49003)
            await socket.send_json({"event": "subscribe", "feed": "open_orders_verbose", **credentials})
            snapshot = await until(feed="open_orders_verbose_snapshot")
            assert last["id"] in {order["order_id"] for order in snapshot["orders"]}
            await asyncio.to_thread(alice.cancel_order, last["id"])
            verbose = await until(feed="open_orders_verbose")
            assert (verbose["order_id"], verbose["reason"]) == (last["id"], "cancelled_by_user")

    asyncio.run(scenario())
