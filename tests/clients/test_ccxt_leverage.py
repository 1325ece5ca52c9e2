"""ccxt sets how much a market may borrow, reads it back, and reads what each size of a position takes."""

import ccxt
import pytest

from exchange import exact, plain
from reckoning import PF_XBTUSD, PI_XBTUSD, fee, initial_margin, linear_pnl
from traders import INVERSE, PERPETUAL, client, trade

ETHER = "ETH/USD:USD"


@pytest.fixture
def bob(venue):
    return client(venue, venue.account("bob-c", usd="100000000", xbt="100"))


def leverage(symbol, shown):
    """The whole of what ccxt makes of a preference."""
    return {"symbol": symbol, "marginMode": None, "longLeverage": shown, "shortLeverage": shown}


def available_margin(exchange):
    return exact(exchange.fetch_balance()["info"]["accounts"]["flex"]["availableMargin"])


def to_cross(exchange, symbol):
    # ccxt has no unified call that unsets a leverage; this is its own way to the route.
    exchange.privatePutLeveragepreferences({"symbol": exchange.market_id(symbol)})


def test_there_and_back_again(alice, bob):
    assert alice.fetch_leverages() == {}
    for symbol, most in ((PERPETUAL, 10), (ETHER, 5)):
        assert alice.set_leverage(most, symbol)["result"] == "success"
        assert plain(alice.fetch_leverage(symbol)) == leverage(symbol, most)
    both = {symbol: leverage(symbol, most) for symbol, most in ((PERPETUAL, 10), (ETHER, 5))}
    assert plain(alice.fetch_leverages()) == both
    assert plain(alice.fetch_leverages([ETHER])) == {ETHER: both[ETHER]}
    # The account's own, and nobody else's.
    assert bob.fetch_leverages() == {}
    # Its last word counts. ccxt reads whole numbers: `parse_leverage` cuts what stands behind the point, and the answer does not.
    alice.set_leverage(12.5, ETHER)
    told = alice.fetch_leverage(ETHER)
    assert (plain(told), exact(told["info"]["maxLeverage"])) == (leverage(ETHER, 12), exact("12.5"))
    # Both ends of what may be.
    for most in (1, 100):
        alice.set_leverage(most, PERPETUAL)
        assert plain(alice.fetch_leverage(PERPETUAL)) == leverage(PERPETUAL, most)
    for symbol in (PERPETUAL, ETHER):
        to_cross(alice, symbol)
        assert plain(alice.fetch_leverage(symbol)) == leverage(symbol, None)
    assert alice.fetch_leverages() == {}


def test_what_is_set_aside_follows_an_open_position(venue, alice, bob):
    trade(alice, bob, PERPETUAL, 2, 50000)
    venue.pin("PF_XBTUSD", "49900")
    usd, loss = 100000 - fee(100000), linear_pnl(2, 50000, 49900)
    # In cross margin what it lost is the wallet's; on its own a position has its value at entry over the leverage, and its loss is its own.
    cross = usd + loss - initial_margin(PF_XBTUSD, 100000)
    assert available_margin(alice) == cross
    for most in (10, 4, 25, 10):
        alice.set_leverage(most, PERPETUAL)
        assert available_margin(alice) == usd - exact(100000) / most
    to_cross(alice, PERPETUAL)
    assert available_margin(alice) == cross
    # Without leverage two take all of their 100,000, and there is less.
    with pytest.raises(ccxt.InsufficientFunds, match='"code":92'):
        alice.set_leverage(1, PERPETUAL)
    # At a hundred they have 1,000, which they have lost.
    venue.pin("PF_XBTUSD", "49500")
    with pytest.raises(ccxt.ExchangeError, match='"code":41'):
        alice.set_leverage(100, PERPETUAL)
    assert plain(alice.fetch_leverage(PERPETUAL)) == leverage(PERPETUAL, None)
    assert available_margin(alice) == usd + linear_pnl(2, 50000, 49500) - initial_margin(PF_XBTUSD, 100000)


def test_leverage_that_cannot_be(alice):
    # By the rules' numbers: of what is no such leverage, what is not multi-collateral, what is not there.
    for symbol, most, code in [
        (PERPETUAL, 101, "98"),
        (PERPETUAL, 1000, "98"),
        (PERPETUAL, 0, "98"),
        (PERPETUAL, -5, "98"),
        (PERPETUAL, 0.5, "98"),
        (INVERSE, 10, "88"),
    ]:
        with pytest.raises(ccxt.ExchangeError, match=f'"code":{code}'):
            alice.set_leverage(most, symbol)
    for word in ("NaN", "much"):
        with pytest.raises(ccxt.ExchangeError):
            alice.set_leverage(word, PERPETUAL)
    with pytest.raises(ccxt.BadSymbol):
        alice.set_leverage(10, "NO/USD:USD")
    with pytest.raises(ccxt.ArgumentsRequired):
        alice.set_leverage(10)
    assert alice.fetch_leverages() == {}
    # Beyond the first level of margin 100 is too much. ccxt does not know the word.
    alice.set_leverage(100, PERPETUAL)
    refused = alice.create_order(PERPETUAL, "limit", "buy", 25, 49000)
    assert (refused["status"], refused["info"]["status"]) == ("rejected", "fixedLeverageTooHigh")


@pytest.mark.parametrize(("symbol", "levels"), [(PERPETUAL, PF_XBTUSD), (INVERSE, PI_XBTUSD)])
def test_what_each_size_takes(alice, symbol, levels):
    ends = [start for start, _ in levels[1:]] + [None]
    expected = [
        {
            "tier": number,
            "symbol": symbol,
            # Of an inverse contract, too: contracts, which are a dollar each.
            "currency": "USD",
            "minNotional": start,
            "maxNotional": end,
            "maintenanceMarginRate": exact(rate) / 2,
            # A quotient that ccxt cuts at 18 decimals, and a float has fewer.
            "maxLeverage": exact(float(1 / exact(rate))),
        }
        for number, ((start, rate), end) in enumerate(zip(levels, ends, strict=True), 1)
    ]
    alice.load_markets()
    assert plain(alice.fetch_market_leverage_tiers(symbol)) == expected
    tiers = alice.fetch_leverage_tiers([PERPETUAL, INVERSE])
    assert (set(tiers), plain(tiers[symbol])) == ({PERPETUAL, INVERSE}, expected)


def test_fees_fall_with_what_was_traded(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="1000000"))

    def told():
        # ccxt's name for it notwithstanding, its fees are parts of one and no percentages.
        found = plain(alice.fetch_trading_fee(PERPETUAL))
        return found["maker"], found["taker"], found["symbol"], found["percentage"], found["tierBased"]

    first = (exact("0.0002"), exact("0.0005"), PERPETUAL, True, True)
    assert told() == first
    # A tier begins at exactly its volume; a lot less is the one before.
    trade(alice, bob, PERPETUAL, exact("49.9999"), 50000)
    assert told() == first
    trade(alice, bob, PERPETUAL, exact("0.0001"), 50000)
    assert told() == (exact("0.00015"), exact("0.00045"), PERPETUAL, True, True)
    before = exact(alice.fetch_balance()["USD"]["total"])
    assert before == 1_000_000 - fee(50 * 50000)
    trade(alice, bob, PERPETUAL, 1, 50000)
    assert exact(alice.fetch_balance()["USD"]["total"]) == before - fee(50000, exact("0.00045"))
