"""With a market that lives, an order at the touch is filled, as often as one likes, since the clock is ours."""

from exchange import exact
from traders import PERPETUAL, client

TEN_SECONDS_MS = 10_000


def test_an_order_at_the_touch_is_filled_within_ten_seconds(start):
    venue = start("--ephemeral", "--market", "live", "--clock", "manual", "--seed", "11")
    trader = client(venue, venue.account("visitor", usd="100000"))
    venue.advance(TEN_SECONDS_MS)
    book = trader.fetch_order_book(PERPETUAL)
    assert len(book["bids"]) > 5 and len(book["asks"]) > 5
    touch = book["bids"][0][0]
    assert touch < book["asks"][0][0]
    order = trader.create_order(PERPETUAL, "limit", "buy", 0.001, touch)
    seen = 0
    while (found := trader.fetch_order(order["id"]))["status"] != "closed" and seen < TEN_SECONDS_MS:
        venue.advance(500)
        seen += 500
    assert (found["status"], exact(found["filled"])) == ("closed", exact("0.001")), f"open after {seen} ms"
    [fill] = trader.fetch_my_trades(PERPETUAL)
    assert (exact(fill["price"]), fill["takerOrMaker"]) == (exact(touch), "maker")


def test_the_market_moves_and_trades(start):
    venue = start("--ephemeral", "--market", "live", "--clock", "manual", "--seed", "12")
    trader = client(venue)
    prices = set()
    for _ in range(10):
        venue.advance(60_000)
        ticker = trader.fetch_ticker(PERPETUAL)
        assert ticker["bid"] < ticker["ask"]
        prices.add(ticker["last"])
    assert len(prices) > 3
    assert len(trader.fetch_trades(PERPETUAL, params={"method": "publicGetHistory"})) == 100
