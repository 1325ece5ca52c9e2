"""ccxt reads every wallet: total, free and used of each currency, to the last digit that the rules give them."""

import ccxt
import pytest

from exchange import exact, plain
from reckoning import (
    GENESIS_MS,
    MAKER,
    MINUTE_MS,
    PF_XBTUSD,
    PI_XBTUSD,
    WALLET,
    available,
    collateral,
    down,
    fee,
    initial_margin,
    inverse_pnl,
    kept,
    linear_pnl,
    maintenance_margin,
    money,
    up,
)
from traders import INVERSE, PERPETUAL, client, deposit, position, trade

ETHER = "ETH/USD:USD"


def balance(held, at=GENESIS_MS):
    """The whole of what ccxt makes of a wallet that has of each currency `(free, total)`."""
    columns = {
        "free": {code: free for code, (free, _) in held.items()},
        "used": {code: total - free for code, (free, total) in held.items()},
        "total": {code: total for code, (_, total) in held.items()},
    }
    rows = {code: {name: column[code] for name, column in columns.items()} for code in held}
    return {**rows, **columns, "timestamp": at, "datetime": ccxt.Exchange.iso8601(at)}


def all_but_a_unit_or_two(told, held, index, margin):
    """Checks what is free against what margin leaves of each currency, and answers both columns. What may leave is rounded down,
    and by what the rest of the wallet is rounded, once more (5.3.5)."""
    for code, quantity in held.items():
        left = available(code, quantity, index, margin) - told["free"][code]
        assert 0 <= left <= 2 * WALLET, (code, left)
    return balance({code: (told["free"][code], quantity) for code, quantity in held.items()})


def wallet(exchange, **of):
    """A wallet by ccxt, and what it was made of."""
    told = exchange.fetch_balance(of)
    return plain(told), told["info"]["accounts"]


def shown(account, *names):
    return {name: exact(account[name]) for name in names}


def test_a_flex_wallet_of_five_currencies_with_positions_and_an_order(venue, bob):
    venue.pin("PF_ETHUSD", "3000")
    alice = client(venue, venue.account("alice-c", usd="1000"))
    deposit(venue, "alice-c", eur="1000", xbt="0.05", eth="1", usdt="700")
    # A long in cross margin, a short of its own ten times leveraged, and a bid that may make the long thirteen.
    alice.set_leverage(10, ETHER)
    trade(alice, bob, PERPETUAL, 6, 50000)
    trade(bob, alice, ETHER, 2, 3000)
    bid = alice.create_order(PERPETUAL, "limit", "buy", 7, 49000)
    venue.pin("PF_XBTUSD", "49950")
    venue.pin("PF_ETHUSD", "2990")

    index = {"USD": "1", "EUR": "1.1", "USDT": "1", "BTC": "49950", "ETH": "2990"}
    held = {
        # She took the first and made the second.
        "USD": 1000 - fee(6 * 50000) - fee(2 * 3000, MAKER),
        "EUR": exact("1000"),
        "USDT": exact("700"),
        "BTC": exact("0.05"),
        "ETH": exact("1"),
    }
    counts = collateral(held, index)
    long, short = linear_pnl(6, 50000, 49950), linear_pnl(-2, 3000, 2990)
    set_aside = exact(2 * 3000) / 10
    with_order = initial_margin(PF_XBTUSD, 6 * 50000 + 7 * 49000)
    # What an isolated position has gained or lost is its own, until it is closed.
    free = counts + long - with_order - set_aside

    told, accounts = wallet(alice)
    flex = accounts["flex"]
    assert shown(flex, "balanceValue", "collateralValue", "pnl", "totalUnrealized", "totalUnrealizedAsMargin") == {
        "balanceValue": sum(held[code] * exact(index[code]) for code in held),
        "collateralValue": counts,
        "pnl": long + short,
        "totalUnrealized": long + short,
        "totalUnrealizedAsMargin": long + short,
    }
    assert shown(flex, "marginEquity", "initialMargin", "initialMarginWithOrders", "maintenanceMargin") == {
        "marginEquity": counts + long + short,
        "initialMargin": initial_margin(PF_XBTUSD, 6 * 50000),
        "initialMarginWithOrders": with_order + set_aside,
        "maintenanceMargin": maintenance_margin(PF_XBTUSD, exact(6 * 49950)),
    }
    assert exact(flex["availableMargin"]) == free
    assert told == all_but_a_unit_or_two(told, held, index, free)
    # No currency is free to the last, and none is all in use.
    assert all(0 < told["free"][code] < told["total"][code] for code in held)

    # Without the order everything is.
    alice.cancel_order(bid["id"], PERPETUAL)
    told, _ = wallet(alice)
    assert told == balance({code: (held[code], held[code]) for code in held})

    # What was set aside for the short comes back when it is closed, with the gain.
    trade(alice, bob, ETHER, 2, 2990)
    held["USD"] += short - fee(2 * 2990)
    told, accounts = wallet(alice)
    free = collateral(held, index) + long - initial_margin(PF_XBTUSD, 6 * 50000)
    assert exact(accounts["flex"]["availableMargin"]) == free
    assert told == all_but_a_unit_or_two(told, held, index, free)


def test_nothing_is_free_below_initial_margin(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="1000"))
    deposit(venue, "alice-c", eur="100")
    trade(alice, bob, PERPETUAL, 2, 50000)
    # Initial margin is at entry, 1,000; equity is between that and the maintenance margin of half the value now.
    venue.pin("PF_XBTUSD", "49800")
    usd = 1000 - fee(2 * 50000)
    equity = usd + 100 * exact("1.1") * kept("EUR") - 2 * 200
    assert maintenance_margin(PF_XBTUSD, exact(2 * 49800)) < equity < initial_margin(PF_XBTUSD, 2 * 50000)
    told, accounts = wallet(alice)
    assert exact(accounts["flex"]["availableMargin"]) == equity - 1000
    assert told == balance({"USD": (0, usd), "EUR": (0, 100)})


def test_a_cash_wallet_is_all_free(venue):
    alice = client(venue, venue.account("alice-c", usd="100"))
    deposit(venue, "alice-c", "cash", usd="2500.25", eur="0.00000000001", xbt="1.5")
    held = {"USD": exact("2500.25"), "EUR": exact("0.00000000001"), "BTC": exact("1.5")}
    # By any of ccxt's names for it.
    for name in ("cash", "main", "funding", "future", "cashAccount"):
        told, accounts = wallet(alice, type=name)
        # Every currency has a row there.
        codes = {alice.safe_currency_code(code) for code in accounts["cash"]["balances"]}
        assert len(codes) == 19
        every = {code: (held.get(code, 0), held.get(code, 0)) for code in codes}
        assert told == balance(every)


def test_an_inverse_wallet_with_a_short_and_an_order(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="100", xbt="1"))
    trade(bob, alice, INVERSE, 600_000, 50000)
    order = alice.create_order(INVERSE, "limit", "sell", 500_000, 51000)
    venue.pin("PI_XBTUSD", "50500")
    # Coins: the maker's fee is paid in them, and margin needed.
    btc = 1 - fee(exact(600_000) / 50000, MAKER)
    value = btc + inverse_pnl(-600_000, 50000, 50500)
    # The levels count contracts. What the position takes is at its entry, what the order adds at its price.
    takes = initial_margin(PI_XBTUSD, 600_000) / 50000
    rate = initial_margin(PI_XBTUSD, 1_100_000) / 1_100_000
    with_order = rate * (exact(600_000) / 50000 + exact(500_000) / 51000)
    told, accounts = wallet(alice, type="fi_xbtusd")
    [auxiliary, needs] = [accounts["fi_xbtusd"][name] for name in ("auxiliary", "marginRequirements")]
    assert shown(auxiliary, "pv", "pnl", "af", "funding") == {
        "pv": down(value),
        "pnl": down(inverse_pnl(-600_000, 50000, 50500)),
        "af": down(value - with_order),
        "funding": 0,
    }
    keeps = up(maintenance_margin(PI_XBTUSD, 600_000) / 50500)
    assert shown(needs, "im", "mm", "lt", "tt") == {"im": takes, "mm": keeps, "lt": keeps, "tt": 0}
    # ccxt's total is the portfolio value and no balance; the contracts that stand beside the coins there it leaves out.
    assert accounts["fi_xbtusd"]["balances"].keys() == {"xbt", "pi_xbtusd"}
    assert told == balance({"BTC": (down(value - with_order), down(value))})

    alice.cancel_order(order["id"], INVERSE)
    told, _ = wallet(alice, type="fi_xbtusd")
    assert told == balance({"BTC": (down(value - takes), down(value))})
    # Its `parse_account` makes `fi_XBTUSD` of a symbol, out of an id in capitals, and then finds no such wallet.
    with pytest.raises(ccxt.BadRequest, match="no account for BTC/USD:BTC"):
        alice.fetch_balance({"symbol": INVERSE})


def test_each_pair_has_its_inverse_wallet(venue, bob):
    alice = client(venue, venue.account("alice-c", xbt="1"))
    deposit(venue, "alice-c", "fi_ethusd", eth="12.5")
    for name, code, held in (("fi_xbtusd", "BTC", "1"), ("fi_ethusd", "ETH", "12.5")):
        told, _ = wallet(alice, type=name)
        assert told == balance({code: (exact(held), exact(held))})
    with pytest.raises(ccxt.BadRequest, match="no account for fi_foousd"):
        alice.fetch_balance({"type": "fi_foousd"})


def ledger(exchange, code, kind):
    """Type, direction, amount, fee, before and after of each entry of a kind, oldest first."""
    # Of a currency in which nothing is quoted or settled, such as EUR, ccxt's `fetch_ledger` refuses to ask for the rows alone.
    entries = sorted(exchange.fetch_ledger(), key=lambda entry: int(entry["id"]))
    named = [plain(entry) for entry in entries if (entry["currency"], entry["info"]["info"]) == (code, kind)]
    rows = [(e["type"], e["direction"], e["amount"], e["fee"]["cost"], e["before"], e["after"]) for e in named]
    assert all((e["currency"], e["fee"]["currency"], e["account"], e["status"]) == (code, code, "flex", "ok") for e in named)
    return rows


def test_after_a_loss_that_other_currencies_paid(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="100"))
    deposit(venue, "alice-c", eur="500", xbt="0.1")
    trade(alice, bob, PERPETUAL, 2, 50000)
    venue.pin("PF_XBTUSD", "49500")
    bob.create_order(PERPETUAL, "limit", "buy", 2, 49500)
    alice.create_order(PERPETUAL, "market", "sell", 2, None, {"reduceOnly": True})
    # A loss of 1,000 and the fee: USD first, then the euros, whose haircut is lower than the coin's; just so much as is owed.
    opening = fee(2 * 50000)
    owed = 1000 + fee(2 * 49500) - (100 - opening)
    of_euros = money(500 * exact("1.1") * kept("EUR"))
    sold = up((owed - of_euros) / (exact(49500) * (1 - exact("0.005"))))
    assert 0 < of_euros < owed
    told, accounts = wallet(alice)
    assert told["total"]["BTC"] == told["free"]["BTC"] == exact("0.1") - sold
    held = {"USD": exact(0), "EUR": exact(0), "BTC": exact("0.1") - sold}
    assert told == balance({code: (held[code], held[code]) for code in told["total"]})
    assert {code for code in held if held[code] != 0} <= set(told["total"]) <= set(held)
    assert exact(accounts["flex"]["marginEquity"]) == exact(accounts["flex"]["availableMargin"])
    assert down(held["BTC"] * 49500 * kept("BTC")) == exact(accounts["flex"]["marginEquity"])

    assert ledger(alice, "EUR", "conversion") == [("trade", "out", 500, None, 500, 0)]
    assert ledger(alice, "BTC", "conversion") == [("trade", "out", sold, None, exact("0.1"), held["BTC"])]
    # Its USD come in two parts, one for each currency, and what the position lost goes out.
    came = ledger(alice, "USD", "conversion")
    assert [(kind, way, amount, cost) for kind, way, amount, cost, _, _ in came] == [
        ("trade", "in", of_euros, None),
        ("trade", "in", owed - of_euros, None),
    ]
    assert position(alice) is None


def test_after_a_settlement(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="10000"))
    trade(alice, bob, PERPETUAL, exact("0.5"), 50010)
    venue.advance(29 * MINUTE_MS)
    venue.pin("PF_XBTUSD", "50000.1")
    venue.control("POST", "/markets/PF_XBTUSD/expire")
    venue.advance(15 * MINUTE_MS)
    # The last thirty one-minute means (4.4.7), to 11 decimals. Fifteen minutes at 50,000; one that had its first second there; fourteen
    # at 50,000.1. The second of the end is none of them.
    at = GENESIS_MS + 44 * MINUTE_MS
    mixed = (50000 + 59 * exact("50000.1")) / 60
    price = money((15 * 50000 + mixed + 14 * exact("50000.1")) / 30)
    assert price == exact("50000.04994444444")
    usd = 10000 - fee(exact("0.5") * 50010) + money((price - 50010) / 2) - fee(price / 2)
    told, accounts = wallet(alice)
    assert told == balance({"USD": (usd, usd)}, at)
    assert shown(accounts["flex"], "initialMargin", "pnl", "availableMargin") == {
        "initialMargin": 0,
        "pnl": 0,
        "availableMargin": usd,
    }
    loss = -money((price - 50010) / 2)
    before = 10000 - fee(exact("0.5") * 50010)
    assert ledger(alice, "USD", "settlement") == [("trade", "out", loss, fee(price / 2), before, usd)]
    [row] = [entry["info"] for entry in alice.fetch_ledger("USD") if entry["info"]["info"] == "settlement"]
    assert exact(row["trade_price"]) == price


def test_after_a_liquidation(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="1500"))
    trade(alice, bob, PERPETUAL, 1, 50010)
    bob.create_order(PERPETUAL, "limit", "buy", 1, 49990)
    venue.pin("PF_XBTUSD", "48700")
    # A tenth is sold to the bid. Besides the fee it costs half of the maintenance rate on its value (5.6.5).
    before = 1500 - fee(50010)
    penalty = maintenance_margin(PF_XBTUSD, exact("0.1") * 49990) / 2
    loss = exact("0.1") * (50010 - 49990)
    usd = before - loss - fee(exact("0.1") * 49990) - penalty
    told, accounts = wallet(alice)
    left = exact("0.9")
    equity = usd + linear_pnl(left, 50010, 48700)
    assert exact(accounts["flex"]["marginEquity"]) == equity
    # It is above maintenance and below initial margin: nothing is free.
    assert maintenance_margin(PF_XBTUSD, left * 48700) < equity < initial_margin(PF_XBTUSD, left * 50010)
    assert told == balance({"USD": (0, usd)})
    assert position(alice) == ("long", left, 50010)
    # ccxt's `parse_ledger_entry_type` has no word for partial liquidations, so the log's own stands; its amount has the fee of the
    # liquidation in it, since only the trading fee is added back.
    assert ledger(alice, "USD", "futures partial liquidation") == [
        ("futures partial liquidation", "out", loss + penalty, fee(exact("0.1") * 49990), before, usd)
    ]
