"""ccxt reads positions, open and past: each field that it makes of them, to the last digit that the rules give it."""

import ccxt
import pytest

from exchange import exact, plain
from reckoning import (
    GENESIS_MS,
    HOUR_MS,
    MINUTE_MS,
    digits,
    down,
    fee,
    inverse_entry,
    inverse_pnl,
    linear_entry,
    linear_pnl,
    money,
)
from traders import INVERSE, PERPETUAL, client, trade

ETHER = "ETH/USD:USD"
# Of each change, and for each reason.
EVERY = dict.fromkeys(("opened", "increased", "decreased", "reversed", "no_change", "trades", "funding_realization", "settlement"), True)


@pytest.fixture
def alice(venue):
    venue.pin("PF_ETHUSD", "3000")
    return client(venue, venue.account("alice-c", usd="100000", xbt="10"))


def told_of(symbol, side, contracts, entry, at, **more):
    """The whole of what ccxt makes of a position.

    The contract's answer has no margin, leverage of a cross position, liquidation price, notional value or percentage, and ccxt's
    `parse_position` reckons none of them. What other venues have under `marginMode` it puts under `marginType`. A venue that knows
    no one position by its id has no `fetch_position`, and ccxt claims none for this one.
    """
    unsaid = (
        "id", "initialMargin", "initialMarginPercentage", "maintenanceMargin", "maintenanceMarginPercentage", "notional",
        "leverage", "unrealizedPnl", "realizedPnl", "marginRatio", "liquidationPrice", "markPrice", "lastPrice", "collateral",
        "percentage",
    )  # fmt: skip
    return {
        **dict.fromkeys(unsaid),
        "symbol": symbol,
        "timestamp": at,
        "datetime": ccxt.Exchange.iso8601(at),
        "entryPrice": entry,
        "contracts": contracts,
        "contractSize": 1,
        "marginType": "cross",
        "side": side,
        **more,
    }


def positions(exchange, *symbols):
    return {told["symbol"]: plain(told) for told in exchange.fetch_positions(list(symbols) or None)}


def test_longs_and_shorts_in_dollars_and_in_coins(venue, alice, bob):
    # Each of two fills, at two prices, a minute apart: the time of a position is that of its last fill.
    trade(alice, bob, PERPETUAL, 1, 50000)
    trade(bob, alice, INVERSE, 1000, 50000)
    trade(bob, alice, ETHER, 3, 3000)
    venue.advance(MINUTE_MS)
    trade(alice, bob, PERPETUAL, 2, 50200)
    trade(bob, alice, INVERSE, 2000, 50200)
    trade(bob, alice, ETHER, exact("4.5"), exact("3000.1"))
    venue.pin("PF_XBTUSD", "50750")
    venue.pin("PI_XBTUSD", "50750")
    venue.pin("PF_ETHUSD", "2950.5")
    at = GENESIS_MS + MINUTE_MS
    bitcoin = linear_entry((1, 50000), (2, 50200))
    coins = inverse_entry((1000, 50000), (2000, 50200))
    ether = linear_entry((3, 3000), (exact("4.5"), exact("3000.1")))
    assert digits(bitcoin) != bitcoin and digits(coins) != coins and digits(ether) == exact("3000.06")

    def of(sign):
        """What one side is told, the other being told the same with its signs turned."""
        long, short = ("long", "short") if sign > 0 else ("short", "long")
        return {
            PERPETUAL: told_of(
                PERPETUAL, long, 3, digits(bitcoin), at, unrealizedPnl=down(linear_pnl(3 * sign, bitcoin, 50750))
            ),
            INVERSE: told_of(INVERSE, short, 3000, digits(coins), at, unrealizedPnl=down(inverse_pnl(-3000 * sign, coins, 50750))),
            ETHER: told_of(
                ETHER, short, exact("7.5"), digits(ether), at, unrealizedPnl=linear_pnl(exact("-7.5") * sign, ether, exact("2950.5"))
            ),
        }  # fmt: skip

    assert positions(alice) == of(1)
    assert positions(bob) == of(-1)
    assert positions(alice, ETHER) == {ETHER: of(1)[ETHER]}

    # A part that is closed leaves the entry as it is; what goes beyond zero is entered anew.
    trade(bob, alice, PERPETUAL, 1, 50750)
    found = positions(alice)[PERPETUAL]
    assert (found["contracts"], found["entryPrice"]) == (2, digits(bitcoin))
    assert found["unrealizedPnl"] == down(linear_pnl(2, bitcoin, 50750))
    venue.advance(MINUTE_MS)
    trade(bob, alice, PERPETUAL, 5, 50700)
    turned = told_of(PERPETUAL, "short", 3, 50700, at + MINUTE_MS, unrealizedPnl=linear_pnl(-3, 50700, 50750))
    assert positions(alice)[PERPETUAL] == turned
    trade(alice, bob, PERPETUAL, 3, 50700)
    assert set(positions(alice)) == set(positions(bob)) == {INVERSE, ETHER}


@pytest.mark.parametrize("side", ["long", "short"])
def test_isolated_positions_have_their_leverage(venue, alice, bob, side):
    alice.set_leverage(10, PERPETUAL)
    long, short = (alice, bob) if side == "long" else (bob, alice)
    trade(long, short, PERPETUAL, 2, 50000)
    venue.pin("PF_XBTUSD", "50100")
    sign = 1 if side == "long" else -1
    isolated = {"marginType": "isolated", "leverage": 10}
    expected = told_of(PERPETUAL, side, 2, 50000, GENESIS_MS, unrealizedPnl=200 * sign, **isolated)
    assert positions(alice) == {PERPETUAL: expected}
    # The other side's preference is its own.
    assert positions(bob)[PERPETUAL]["marginType"] == "cross"
    # Across the wallet again; ccxt has no unified call for it, this is its own way to the route.
    alice.privatePutLeveragepreferences({"symbol": "PF_XBTUSD"})
    assert positions(alice) == {PERPETUAL: {**expected, "marginType": "cross", "leverage": None}}


def history(exchange, *symbols):
    """All of the past of positions, oldest first."""
    told = exchange.fetch_positions_history(list(symbols), params=EVERY)
    return [(plain(update), update["info"]) for update in reversed(told)]


def test_each_turn_that_a_position_took(venue, alice, bob):
    trade(alice, bob, PERPETUAL, 1, 50000)
    venue.advance(MINUTE_MS)
    trade(alice, bob, PERPETUAL, 2, 50200)
    trade(bob, alice, PERPETUAL, 1, 50750)
    trade(bob, alice, PERPETUAL, 5, 50700)
    trade(alice, bob, PERPETUAL, 3, 50600)
    fills = sorted(alice.fetch_my_trades(PERPETUAL), key=lambda fill: int(fill["info"]["sequence_id"]))
    later = GENESIS_MS + MINUTE_MS
    entry = linear_entry((1, 50000), (2, 50200))
    # What opens and adds says what the position is then, what closes how much of it went; a turn closes all that there was.
    turns = [
        ("open", GENESIS_MS, "long", 1, exact(50000), 50000, 0),
        ("increase", later, "long", 3, digits(entry), 50200, 0),
        ("decrease", later, "long", 1, digits(entry), 50750, money(linear_pnl(1, entry, 50750))),
        ("reverse", later, "long", 2, digits(entry), 50700, money(linear_pnl(2, entry, 50700))),
        ("close", later, "short", 3, exact(50700), 50600, linear_pnl(-3, 50700, 50600)),
    ]
    told = history(alice, PERPETUAL)
    assert [info["positionChange"] for _, info in told] == [change for change, *_ in turns]
    for (update, info), fill, (change, at, side, contracts, average, price, pnl) in zip(told, fills, turns, strict=True):
        more = {"id": fill["id"], "realizedPnl": pnl, "lastPrice": price}
        assert update == told_of(PERPETUAL, side, contracts, average, at, **more), change
        assert exact(info["fee"]) == exact(fill["fee"]["cost"])
    # Unless it is told more ccxt asks for what closed alone.
    for more, changes in (({}, ["close"]), ({"reversed": True}, ["reverse", "close"]), ({"funding_realization": True}, [])):
        told = alice.fetch_positions_history([PERPETUAL], params=more)
        assert [update["info"]["positionChange"] for update in reversed(told)] == changes
    assert history(alice, ETHER) == []


def test_an_hour_a_liquidation_and_an_end_are_turns_too(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="1500"))
    trade(alice, bob, PERPETUAL, 1, 50010)
    venue.advance(HOUR_MS)
    bob.create_order(PERPETUAL, "limit", "buy", 1, 49990)
    venue.pin("PF_XBTUSD", "48700")
    venue.control("POST", "/markets/PF_XBTUSD/expire")
    venue.advance(15 * MINUTE_MS)
    opened, hour, liquidated, settled = history(alice, PERPETUAL)
    assert opened[1]["positionChange"] == "open"
    # ccxt takes an hour's funding for what closed nothing at no price.
    ended = GENESIS_MS + HOUR_MS
    assert (hour[1]["positionChange"], hour[1]["updateReason"]) == ("noChange", "fundingRealisation")
    assert hour[0] == told_of(PERPETUAL, "long", None, 50010, ended, realizedPnl=0)
    # A tenth went to the bid.
    more = {"id": liquidated[0]["id"], "realizedPnl": -2, "lastPrice": 49990}
    assert liquidated[0] == told_of(PERPETUAL, "long", exact("0.1"), 50010, ended, **more)
    assert (liquidated[1]["tradeType"], exact(liquidated[1]["fee"])) == ("partialLiquidation", fee(4999))
    assert liquidated[0]["id"] in {fill["id"] for fill in alice.fetch_my_trades(PERPETUAL)}
    # Thirty minutes, of which fifteen were before the fall, and one began with it. `parse_position` looks for the size and the price of
    # an execution, and a settlement is none.
    mean = (15 * exact(50000) + (50000 + 59 * exact(48700)) / 60 + 14 * exact(48700)) / 30
    price = money(mean)
    pnl = money(linear_pnl(exact("0.9"), 50010, price))
    assert settled[0] == told_of(PERPETUAL, "long", None, 50010, ended + 15 * MINUTE_MS, realizedPnl=pnl)
    assert (exact(settled[1]["settlementPrice"]), exact(settled[1]["fee"])) == (price, fee(price * 9 / 10))
    assert alice.fetch_positions() == []
