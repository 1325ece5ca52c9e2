"""ccxt reads what moved money: each fill and each entry of the ledger, whole, as the rules have it."""

import ccxt
import pytest

from exchange import exact, plain
from reckoning import GENESIS_MS, HOUR_MS, MAKER, TAKER, fee, inverse_pnl, kept, linear_pnl, money, up
from traders import INVERSE, PERPETUAL, client, deposit, trade


@pytest.mark.parametrize(("symbol", "size", "price", "coin"), [(PERPETUAL, 2, 50010, "USD"), (INVERSE, 3000, 50000, "BTC")])
def test_each_field_of_a_fill(venue, bob, symbol, size, price, coin):
    alice = client(venue, venue.account("alice-c", usd="100000", xbt="1"))
    venue.advance(HOUR_MS)
    trade(alice, bob, symbol, size, price)
    cost = exact(size * price) if symbol == PERPETUAL else exact(size) / price
    for exchange, side, role, rate in ((alice, "buy", "taker", TAKER), (bob, "sell", "maker", MAKER)):
        [told] = exchange.fetch_my_trades(symbol)
        # The answer has no fee: `parse_trade` reckons the first tier's, which it is here. And of an inverse contract it leaves out the
        # amount, which it is told.
        charged = {"cost": cost * rate, "currency": coin, "rate": rate}
        assert fee(cost, rate) == charged["cost"]
        assert exact(told["info"]["size"]) == size
        assert plain(told) == {
            "id": told["info"]["fill_id"],
            "order": told["info"]["order_id"],
            "symbol": symbol,
            "timestamp": GENESIS_MS + HOUR_MS,
            "datetime": "2026-01-01T01:00:00.000Z",
            "type": None,
            "side": side,
            "takerOrMaker": role,
            "price": price,
            "amount": size if symbol == PERPETUAL else None,
            "cost": cost,
            "fee": charged,
            "fees": [charged],
        }
    ours, theirs = alice.fetch_my_trades(symbol)[0], bob.fetch_my_trades(symbol)[0]
    assert ours["id"] == theirs["id"] and ours["order"] != theirs["order"]


def entry(kind, code, amount, after, at, account="flex", cost=None):
    """The whole of an entry but its names. What it moved is without its fee: before + amount - fee is after."""
    before = after - amount + (cost or 0)
    return {
        "direction": "out" if amount < 0 else "in",
        "account": account,
        "referenceAccount": None,
        "type": kind,
        "currency": code,
        "amount": abs(amount),
        "before": before,
        "after": after,
        "status": "ok",
        "timestamp": at,
        "datetime": ccxt.Exchange.iso8601(at),
        "fee": {"cost": cost, "currency": code},
    }


def entries(exchange):
    """All of the ledger by its numbers, which rise by one with each row, those of positions left out; with its references."""
    told = sorted(exchange.fetch_ledger(), key=lambda entry: int(entry["id"]))
    rows, references = [], []
    for found in told:
        row = plain(found)
        assert row.pop("id") == str(found["info"]["id"])
        references.append((found["info"]["info"], row.pop("referenceId")))
        rows.append(row)
    return rows, references


def test_each_entry_of_a_day(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="20000", xbt="1"))
    deposit(venue, "alice-c", eur="4000")
    # Interest of 0.01% an hour, on what a loss is above 30,000 and the dollars that are there.
    venue.control("PUT", "/interest", {"hourly_rate": "0.0001"})
    trade(alice, bob, PERPETUAL, 10, 50000)
    trade(bob, alice, INVERSE, 10000, 50000)
    alice.transfer("USD", 9500, "flex", "cash")
    venue.pin("PF_XBTUSD", "48950")
    venue.pin("PI_XBTUSD", "48900")
    venue.advance(HOUR_MS)
    bob.create_order(PERPETUAL, "limit", "buy", 10, 48990)
    alice.create_order(PERPETUAL, "market", "sell", 10, None, {"reduceOnly": True})
    bob.create_order(INVERSE, "limit", "sell", 10000, 48900)
    alice.create_order(INVERSE, "market", "buy", 10000, None, {"reduceOnly": True})

    start, later = GENESIS_MS, GENESIS_MS + HOUR_MS
    opening = fee(10 * 50000)
    usd = 20000 - opening
    coins = 1 - fee(exact(10000) / 50000, MAKER)
    moved = usd - 9500
    # A loss of 10,500 is below 30,000: no interest. At the end of the position it is 10,100, and euros pay what is missing.
    loss, closing = -linear_pnl(10, 50000, 48990), fee(10 * 48990)
    owed = loss + closing - moved
    euros = up(owed / (exact("1.1") * kept("EUR")))
    assert 0 < euros < 4000
    gain = money(inverse_pnl(-10000, 50000, 48900))
    coins_fee = fee(exact(10000) / 48900)
    rows, references = entries(alice)
    came = rows[-2]["after"] + owed
    assert 0 <= rows[-2]["after"] < exact("2e-11")
    assert rows == [
        entry("transfer", "USD", 20000, 20000, start),
        entry("transfer", "BTC", 1, 1, start, "fi_xbtusd"),
        entry("transfer", "EUR", 4000, 4000, start),
        entry("trade", "USD", 0, usd, start, cost=opening),
        entry("trade", "BTC", 0, coins, start, "fi_xbtusd", cost=1 - coins),
        entry("transfer", "USD", 9500, 9500, start, "cash"),
        entry("transfer", "USD", -9500, moved, start),
        # Hours are charged as fees, which they are not, and at rate 0 they come in.
        entry("fee", "USD", 0, moved, later),
        entry("fee", "BTC", 0, coins, later, "fi_xbtusd"),
        entry("trade", "USD", -loss, moved - loss - closing, later, cost=closing),
        entry("trade", "EUR", -euros, 4000 - euros, later),
        entry("trade", "USD", came, came - owed, later),
        entry("trade", "BTC", gain, coins + gain - coins_fee, later, "fi_xbtusd", cost=coins_fee),
    ]
    # Trades refer to their fills; the rest has a name of its own.
    fills = {fill["id"] for fill in alice.fetch_my_trades()}
    assert len(fills) == 4 and {uid for info, uid in references if info == "futures trade"} == fills
    others = [uid for info, uid in references if info != "futures trade"]
    assert len(set(others)) >= 7 and fills.isdisjoint(others)
    # By currency, as far as ccxt knows it, and from an instant on.
    assert [plain(e)["after"] for e in sorted(alice.fetch_ledger("BTC"), key=lambda e: int(e["id"]))] == [
        row["after"] for row in rows if row["currency"] == "BTC"
    ]
    assert len(alice.fetch_ledger(since=later)) == 6


def test_interest_of_a_great_loss(venue, bob):
    alice = client(venue, venue.account("alice-c"))
    deposit(venue, "alice-c", eur="100000")
    venue.control("PUT", "/interest", {"hourly_rate": "0.0001"})
    trade(alice, bob, PERPETUAL, 10, 50000)
    venue.pin("PF_XBTUSD", "46000")
    venue.advance(HOUR_MS)
    # Of 40,000 what is above 30,000, dollars there being next to none; a hundredth of a per cent of that.
    opening, interest = fee(10 * 50000), (exact(40000) - 30000) / 10000
    rows, references = entries(alice)
    last = [row for row, (info, _) in zip(rows, references, strict=True) if info == "interest payment"]
    assert [(row["type"], row["direction"], row["fee"]["cost"]) for row in last] == [("fee", "in", interest)]
    # The whole of it is the fee, so nothing else moved.
    assert (last[0]["amount"], last[0]["before"] - last[0]["after"]) == (0, interest)
    left = 100000 - (opening + interest) / (exact("1.1") * kept("EUR"))
    held = exact(alice.fetch_balance()["EUR"]["total"])
    assert 0 <= left - held < exact("2e-11")
