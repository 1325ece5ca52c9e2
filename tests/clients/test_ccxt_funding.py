"""ccxt reads funding: the rate of now and the next one, those of past hours, and what each hour took or gave."""

import ccxt
import pytest

from exchange import exact, plain
from reckoning import GENESIS_MS, HOUR_MS, MAKER, MINUTE_MS, fee, inverse_pnl, money
from traders import INVERSE, PERPETUAL, client, trade, usd

# 4.6.1: the contract's coefficient, and the greatest rate of an hour.
COEFFICIENT, GREATEST = 8, exact("0.005")


@pytest.fixture
def alice(venue):
    return client(venue, venue.account("alice-c", usd="100000", xbt="10"))


class Maker:
    """Quotes a contract ten dollars to each side of a price, five at a time (or 500,000 in coins)."""

    def __init__(self, venue, symbol):
        self.exchange = client(venue, venue.account(f"maker-of-{symbol[-3:].lower()}-c", usd="10000000", xbt="1000"))
        self.exchange.load_markets()
        self.symbol, self.size = symbol, 5 if symbol == PERPETUAL else 500_000

    def quote(self, price):
        self.exchange.cancel_all_orders(self.symbol)
        for side, at in (("buy", price - 10), ("sell", price + 10)):
            self.exchange.create_order(self.symbol, "limit", side, self.size, at)


def relative(*seconds_and_premiums):
    """The rate of an hour from the premium of its samples (4.6.1)."""
    assert sum(seconds for seconds, _ in seconds_and_premiums) == 3600
    mean = sum(seconds * exact(premium) for seconds, premium in seconds_and_premiums) / 3600
    return max(-GREATEST, min(GREATEST, mean / COEFFICIENT))


def rate(symbol, shown, coming, mark, index, at):
    """The whole of what ccxt makes of a ticker's funding. The ticker says when the last trade was, and no hour."""
    unsaid = (
        "interestRate", "estimatedSettlePrice", "fundingTimestamp", "fundingDatetime", "nextFundingTimestamp",
        "nextFundingDatetime", "previousFundingRate", "previousFundingTimestamp", "previousFundingDatetime",
    )  # fmt: skip
    return {
        **dict.fromkeys(unsaid),
        "symbol": symbol,
        "markPrice": mark,
        "indexPrice": index,
        "timestamp": at,
        "datetime": None if at is None else ccxt.Exchange.iso8601(at),
        "fundingRate": shown,
        "nextFundingRate": coming,
        "interval": "1h",
    }


def payments(exchange, symbol):
    """What hours came to: when, how much, of what; oldest first."""
    told = [plain(row) for row in exchange.fetch_funding_history(symbol)]
    assert all(row["datetime"] == ccxt.Exchange.iso8601(int(row["timestamp"])) for row in told)
    rows = sorted((row["timestamp"], row["amount"], row["symbol"], row["code"], row["id"]) for row in told)
    return [row[:-1] for row in rows], [row[-1] for row in rows]


def hours(*of, symbol=PERPETUAL, code="USD"):
    return [(GENESIS_MS + hour * HOUR_MS, exact(amount), symbol, code) for hour, amount in of]


def test_three_hours_of_a_linear_perpetual(venue, alice, bob):
    maker = Maker(venue, PERPETUAL)
    trade(alice, bob, PERPETUAL, 2, 50000)
    # First hour: 0.4% above the index for a half, 0.8% for the other. Second: 1.2%. Third: 0.2% below.
    maker.quote(50200)
    venue.advance(HOUR_MS // 2)
    maker.quote(50400)
    venue.advance(HOUR_MS // 2)
    first = relative((1800, "0.004"), (1800, "0.008"))
    # No hour went before it, so nothing was paid; the rate that was made in it is that of the second.
    assert payments(alice, PERPETUAL)[0] == hours((1, 0))
    # ccxt has no relative rate of the ticker's: `parse_funding_rate` divides the absolute one by the mark, which here is the index.
    at = GENESIS_MS
    assert plain(alice.fetch_funding_rate(PERPETUAL)) == rate(PERPETUAL, first, 0, 50000, 50000, at)
    maker.quote(50600)
    venue.advance(HOUR_MS)
    second = relative((3600, "0.012"))
    paid = 2 * first * 50000
    assert payments(alice, PERPETUAL)[0] == hours((1, 0), (2, -paid))
    # The next rate's index is that of its own hour's beginning. Index and mark part: ccxt's rate is too low by as much.
    venue.control("PUT", "/prices/PF_XBTUSD", {"index": "40000", "mark": "50000"})
    maker.quote(39920)
    venue.advance(HOUR_MS)
    third = relative((3600, "-0.002"))
    paid_then = 2 * second * 50000
    told = plain(alice.fetch_funding_rate(PERPETUAL))
    assert told == rate(PERPETUAL, third * 40000 / 50000, 0, 50000, 40000, at)
    venue.advance(HOUR_MS // 4)
    told = plain(alice.fetch_funding_rates([PERPETUAL])[PERPETUAL])
    assert told == rate(PERPETUAL, third * 40000 / 50000, third * 40000 / 50000, 50000, 40000, at)
    venue.advance(HOUR_MS * 3 // 4)
    got = -2 * third * 40000
    assert got > 0 > third
    expected = hours((1, 0), (2, -paid), (3, -paid_then), (4, got))
    rows, ids = payments(alice, PERPETUAL)
    assert rows == expected and ids == sorted(set(ids), key=int)
    # Who is short gets what the long pays.
    assert payments(bob, PERPETUAL)[0] == [(at, -amount, symbol, code) for at, amount, symbol, code in expected]
    assert usd(alice) == 100000 - fee(100000) - paid - paid_then + got
    assert usd(bob) == 10000000 - fee(100000, MAKER) + paid + paid_then - got
    # Rates of the past bear the hour that they held for, and are relative here.
    history = [plain(row) for row in alice.fetch_funding_rate_history(PERPETUAL)]
    assert history == [
        {
            "symbol": PERPETUAL,
            "fundingRate": fixed,
            "timestamp": GENESIS_MS + hour * HOUR_MS,
            "datetime": f"2026-01-01T0{hour}:00:00Z",
        }
        for hour, fixed in ((1, first), (2, second), (3, third), (4, third))
    ]
    absolute = [exact(row["info"]["fundingRate"]) for row in alice.fetch_funding_rate_history(PERPETUAL)]
    assert absolute == [first * 50000, second * 50000, third * 40000, third * 40000]

    # A range, a page, a market that paid nobody.
    since = GENESIS_MS + 3 * HOUR_MS
    assert [row["timestamp"] for row in alice.fetch_funding_history(PERPETUAL, since=since)] == [since, since + HOUR_MS]
    assert [row["timestamp"] for row in alice.fetch_funding_rate_history(PERPETUAL, since=since)] == [since, since + HOUR_MS]
    assert len(alice.fetch_funding_history(since=GENESIS_MS, limit=2)) == 2
    assert len(alice.fetch_funding_rate_history(PERPETUAL, limit=3)) == 3
    assert alice.fetch_funding_history(INVERSE) == alice.fetch_funding_history("ETH/USD:USD") == []


def test_a_rate_has_a_greatest_and_is_paid_to_the_end(venue, alice, bob):
    maker = Maker(venue, PERPETUAL)
    trade(bob, alice, PERPETUAL, 2, 50000)
    # 4.8% above over 8 is 0.6% an hour, and half a per cent is paid.
    maker.quote(52400)
    venue.advance(HOUR_MS)
    assert relative((3600, "0.048")) == GREATEST < exact("0.048") / COEFFICIENT
    venue.control("PUT", "/prices/PF_XBTUSD", {"index": "50000", "mark": "50000"})
    assert exact(alice.fetch_funding_rate(PERPETUAL)["fundingRate"]) == GREATEST
    venue.advance(HOUR_MS)
    assert payments(alice, PERPETUAL)[0] == hours((1, 0), (2, 2 * GREATEST * 50000))


def test_two_hours_of_an_inverse_perpetual(venue, alice, bob):
    maker = Maker(venue, INVERSE)
    trade(alice, bob, INVERSE, 300_000, 50000)
    maker.quote(50200)
    venue.advance(HOUR_MS)
    first = relative((3600, "0.004"))
    absolute = first / 50000
    # `parse_funding_rate` divides by the mark here too. The absolute rate is in coins, so what it gives is no rate of anything.
    assert exact(alice.fetch_funding_rate(INVERSE)["fundingRate"]) == absolute / 50000
    assert exact(alice.fetch_funding_rate(INVERSE)["info"]["relativeFundingRate"]) == first
    venue.advance(HOUR_MS)
    paid = money(300_000 * absolute)
    rows = hours((1, 0), (2, -paid), symbol=INVERSE, code="BTC")
    assert payments(alice, INVERSE)[0] == rows
    assert payments(bob, INVERSE)[0] == [(at, -amount, symbol, code) for at, amount, symbol, code in rows]
    coins = 10 - fee(6) - paid
    told = plain(alice.fetch_balance({"type": "fi_xbtusd"}))["BTC"]
    mark = exact(alice.fetch_ticker(INVERSE)["markPrice"])
    assert (mark, inverse_pnl(300_000, 50000, mark)) == (50000, 0)
    assert (told["total"], told["free"]) == (coins, coins - exact("0.02") * 6)
    assert [exact(row["fundingRate"]) for row in alice.fetch_funding_rate_history(INVERSE)] == [first, first]


def test_what_accrues_within_an_hour_and_what_a_trade_books_of_it(venue, alice, bob):
    maker = Maker(venue, PERPETUAL)
    maker.quote(50200)
    venue.advance(HOUR_MS)
    absolute = relative((3600, "0.004")) * 50000
    # A quarter of an hour with two, a quarter with one, twenty minutes with none, and ten with a short of three.
    trade(alice, bob, PERPETUAL, 2, 50195)
    maker.exchange.cancel_all_orders()
    venue.advance(15 * MINUTE_MS)
    [held] = alice.fetch_positions()
    accrued = -2 * absolute / 4
    assert exact(held["info"]["unrealizedFunding"]) == accrued
    before = usd(alice)
    assert before == 100000 - fee(2 * 50195)
    flex = alice.fetch_balance()["info"]["accounts"]["flex"]
    assert exact(flex["unrealizedFunding"]) == accrued
    trade(bob, alice, PERPETUAL, 1, 50195)
    # It is booked with the trade, so it is in the ledger's amount of that, and in no hour.
    assert usd(alice) == before + accrued - fee(50195, MAKER)
    [traded] = [e for e in alice.fetch_ledger("USD") if e["info"]["realized_funding"] and exact(e["info"]["realized_funding"]) != 0]
    assert (traded["type"], traded["direction"], exact(traded["amount"])) == ("trade", "out", -accrued)
    venue.advance(15 * MINUTE_MS)
    trade(bob, alice, PERPETUAL, 1, 50195)
    venue.advance(20 * MINUTE_MS)
    trade(bob, alice, PERPETUAL, 3, 50195)
    venue.advance(10 * MINUTE_MS)
    got = money(3 * absolute / 6)
    assert payments(alice, PERPETUAL)[0] == hours((2, got))
    booked = accrued + money(-absolute / 4) + got
    taken, made = fee(2 * 50195), sum(fee(size * 50195, MAKER) for size in (1, 1, 3))
    assert usd(alice) == 100000 - taken - made + booked
