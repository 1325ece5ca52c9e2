"""python-kraken-sdk is told what money comes to: wallets, positions, preferences, takeovers and the account's log, field by field."""

from collections import Counter

import pytest
from kraken.exceptions import KrakenNotFoundError
from kraken.futures import Funding, Market

from exchange import exact, plain
from reckoning import (
    HOUR_MS,
    MAKER,
    PF_XBTUSD,
    PI_XBTUSD,
    WALLET,
    digits,
    down,
    fee,
    initial_margin,
    inverse_entry,
    inverse_pnl,
    kept,
    linear_entry,
    linear_pnl,
    maintenance_margin,
    money,
    up,
)
from test_python_kraken_sdk import INVERSE, SYMBOL, Trader

GENESIS = "2026-01-01T00:00:00.000Z"


class Holder(Trader):
    """An account with all that the library asks for: with so many coins in the inverse wallet, and all else in flex."""

    def __init__(self, venue, name, usd=None, coins=None, **more):
        super().__init__(venue, venue.account(name, usd=usd, xbt=coins))
        self.name = name
        credentials = {"key": self.account["api_key"], "secret": self.account["api_secret"], "url": venue.http}
        self.funding, self.market = Funding(**credentials), Market(**credentials)
        for code, amount in more.items():
            venue.control("POST", f"/accounts/{name}/deposit", {"wallet": "flex", "currency": code, "amount": amount})

    def ask(self, method, path, **arguments):
        """A route that the library has no method for, over its own request."""
        form = {"post_params": arguments} if method == "POST" else {}
        answer = self.trade.request(method, f"/derivatives/api/v3{path}", **form)
        assert answer["result"] == "success", answer
        return answer

    def open_positions(self):
        return plain(self.user.get_open_positions()["openPositions"])

    def log(self, info=None):
        """Rows of the log, oldest first; each about money is checked against its identity (6)."""
        rows = self.user.get_account_log(sort="asc", **({} if info is None else {"info": info}))["logs"]
        if info is None:
            assert [row["id"] for row in rows] == list(range(1, len(rows) + 1))
        rows = [{name: value if name == "info" else plain(value) for name, value in row.items()} for row in rows]
        for row in rows:
            if row["fee"] is not None and row["info"] != "interest payment":
                parts = [row[name] or 0 for name in ("realized_pnl", "realized_funding", "fee", "liquidation_fee")]
                change = parts[0] + parts[1] - parts[2] - parts[3]
                assert row["new_balance"] - row["old_balance"] == change, row
        return rows


def shown(row, *names):
    return tuple(row[name] for name in names)


@pytest.fixture
def bob(venue):
    return Holder(venue, "bob-k", usd="10000000", coins="100")


def trade(buyer, seller, size, price, symbol=SYMBOL):
    """The seller rests, the buyer takes."""
    seller.send("sell", str(size), price, symbol=symbol)
    assert buyer.send("buy", str(size), price, symbol=symbol)["status"] == "placed"


def test_each_figure_of_a_flex_wallet(venue, bob):
    alice = Holder(venue, "alice-k", usd="1000", eur="1000", xbt="0.05", usdt="700")
    trade(alice, bob, 2, 50000)
    alice.send("buy", "7", 49000)
    venue.pin(SYMBOL, "49900")
    held = {"USD": 1000 - fee(100000), "EUR": exact(1000), "XBT": exact("0.05"), "USDT": exact(700)}
    index = {"USD": exact(1), "EUR": exact("1.1"), "XBT": exact(49900), "USDT": exact(1)}
    counts = {code: quantity * index[code] * kept("BTC" if code == "XBT" else code) for code, quantity in held.items()}
    pnl = linear_pnl(2, 50000, 49900)
    margin = initial_margin(PF_XBTUSD, 2 * 50000 + 7 * 49000)
    equity = sum(counts.values()) + pnl
    free = equity - margin
    told = plain(alice.wallet())
    currencies = told.pop("currencies")
    assert 0 < free < min(counts["USD"], counts["EUR"], counts["USDT"], counts["XBT"])
    assert told == {
        "type": "multiCollateralMarginAccount",
        "balanceValue": sum(held[code] * index[code] for code in held),
        "collateralValue": sum(counts.values()),
        "portfolioValue": sum(held[code] * index[code] for code in held) + pnl,
        "pnl": pnl,
        "unrealizedFunding": 0,
        "totalUnrealized": pnl,
        "totalUnrealizedAsMargin": pnl,
        "initialMargin": initial_margin(PF_XBTUSD, 2 * 50000),
        "initialMarginWithOrders": margin,
        "maintenanceMargin": maintenance_margin(PF_XBTUSD, exact(2 * 49900)),
        "marginEquity": equity,
        "availableMargin": free,
    }
    for code, quantity in held.items():
        row = currencies.pop(code)
        # All of it, unless what is free is less: then that, down to the last unit or two.
        least = min(quantity, down(free * quantity / counts[code]))
        assert 0 <= least - row.pop("available") <= 2 * WALLET
        assert row == {"quantity": quantity, "value": quantity * index[code], "collateral": counts[code]}
    assert currencies == {}


def test_each_figure_of_an_inverse_wallet(venue, bob):
    # The published example: 1,000 from 8,000 with a hundredth of a coin.
    venue.pin(INVERSE, "8000")
    alice = Holder(venue, "alice-k", usd="1", coins="0.0100625")
    trade(alice, bob, 1000, 8000, INVERSE)
    coins = exact("0.0100625") - fee(exact(1000) / 8000)
    assert coins == exact("0.01")
    venue.pin(INVERSE, "7900")
    pnl = inverse_pnl(1000, 8000, 7900)
    takes = initial_margin(PI_XBTUSD, 1000) / 8000
    keeps = up(maintenance_margin(PI_XBTUSD, 1000) / 7900)
    # Where portfolio value, coins + 1,000 / 8,000 - 1,000 / mark, comes to each requirement; that of maintenance is itself 10 / mark.
    worth = coins + exact(1000) / 8000

    def at(requirement, mark_counts):
        return ((1000 + mark_counts) / (worth - requirement)).quantize(exact("0.00001"), rounding="ROUND_FLOOR")

    assert plain(alice.wallet("fi_xbtusd")) == {
        "type": "marginAccount",
        "currency": "xbt",
        "balances": {"xbt": "0.01", "pi_xbtusd": "1000"},
        "auxiliary": {"usd": 0, "pv": down(coins + pnl), "pnl": down(pnl), "af": down(coins + pnl - takes), "funding": 0},
        "marginRequirements": {"im": takes, "mm": keeps, "lt": keeps, "tt": 0},
        "triggerEstimates": {"im": at(takes, 0), "mm": at(0, 10), "lt": at(0, 10), "tt": at(0, 0)},
    }
    assert (at(0, 10), at(0, 0)) == (exact("7481.48148"), exact("7407.40740"))


def test_each_field_of_a_position(venue, bob):
    alice = Holder(venue, "alice-k", usd="100000", coins="1")
    alice.market.set_leverage_preference(symbol=SYMBOL, maxLeverage=12.5)
    alice.market.set_pnl_preference(symbol=SYMBOL, pnlPreference="BTC")
    trade(alice, bob, 1, 50000)
    trade(alice, bob, 2, 50200)
    trade(bob, alice, 1000, 50000, INVERSE)
    trade(bob, alice, 2000, 50200, INVERSE)
    for symbol in (SYMBOL, INVERSE):
        venue.pin(symbol, "50750")
    entry, coins = linear_entry((1, 50000), (2, 50200)), inverse_entry((1000, 50000), (2000, 50200))
    own = {"maxFixedLeverage": exact("12.5"), "pnlCurrency": "BTC"}
    for holder, sign, sides, more in ((alice, 1, ("long", "short"), own), (bob, -1, ("short", "long"), {})):
        common = {"fillTime": GENESIS, "unrealizedFunding": 0}
        assert holder.open_positions() == [
            {
                **common, **more, "symbol": SYMBOL, "side": sides[0], "size": 3, "price": digits(entry),
                "unrealizedPnl": down(linear_pnl(3 * sign, entry, 50750)),
            },
            {
                **common, "symbol": INVERSE, "side": sides[1], "size": 3000, "price": digits(coins),
                "unrealizedPnl": down(inverse_pnl(-3000 * sign, coins, 50750)),
            },
        ]  # fmt: skip


def test_gains_in_another_currency(venue, bob):
    alice = Holder(venue, "alice-k", usd="5000")
    for symbol, currency, code in [
        ("PF_NOSUCHUSD", "EUR", 87),
        (INVERSE, "EUR", 88),
        (SYMBOL, "ZZZ", 89),
        (SYMBOL, "CAD", 90),
    ]:
        with pytest.raises(Exception, match=f'500 - .*"code":{code}'):
            alice.market.set_pnl_preference(symbol=symbol, pnlPreference=currency)
    assert alice.market.get_pnl_preference()["preferences"] == []
    alice.market.set_pnl_preference(symbol=SYMBOL, pnlPreference="BTC")
    assert alice.market.get_pnl_preference()["preferences"] == [{"symbol": SYMBOL, "pnlCurrency": "BTC"}]
    trade(alice, bob, 1, 50000)
    venue.pin(SYMBOL, "51000")
    usd = 5000 - fee(50000)
    # While it is open a gain counts as that currency would: less its haircut and the fee of its conversion.
    assert shown(plain(alice.wallet()), "pnl", "totalUnrealizedAsMargin", "portfolioValue", "marginEquity") == (
        1000,
        1000 * kept("BTC"),
        usd + 1000,
        usd + 1000 * kept("BTC"),
    )
    trade(bob, alice, 1, 51000)
    # It is paid at the index and for nothing; the fee is in dollars.
    gain = money(exact(1000) / 51000)
    held = {code: exact(row["quantity"]) for code, row in alice.wallet()["currencies"].items()}
    assert held == {"USD": usd - fee(51000, MAKER), "XBT": gain}
    _, dollars, coins = alice.log("futures trade")[2:]
    assert shown(dollars, "asset", "realized_pnl", "fee") == ("usd", 0, fee(51000, MAKER))
    assert shown(coins, "asset", "realized_pnl", "fee", "old_balance", "new_balance") == ("btc", gain, 0, 0, gain)
    # Losses stay in dollars.
    trade(alice, bob, 1, 51000)
    venue.pin(SYMBOL, "50900")
    trade(bob, alice, 1, 50900)
    held = {code: exact(row["quantity"]) for code, row in alice.wallet()["currencies"].items()}
    assert held == {"USD": usd - 2 * fee(51000, MAKER) - (fee(51000) - fee(51000, MAKER)) - 100 - fee(50900, MAKER), "XBT": gain}
    # USD takes the preference away.
    alice.market.set_pnl_preference(symbol=SYMBOL, pnlPreference="USD")
    assert alice.market.get_pnl_preference()["preferences"] == []


# Who holds 1,500 USD and buys 1 at 50,010 needs 243.50 at 48,700, has 164.995 left there, and nothing at 48,535.005: on the tick that is
# better for them 48,536.
MARK, ENTRY, NOTHING_LEFT = 48700, 50010, 48536


@pytest.fixture
def poor(venue, bob):
    holder = Holder(venue, "poor-k", usd="1500")
    trade(holder, bob, 1, ENTRY)
    left = 1500 - fee(ENTRY) + linear_pnl(1, ENTRY, MARK)
    assert 0 < left < maintenance_margin(PF_XBTUSD, exact(MARK))
    assert NOTHING_LEFT - 1 < MARK - left < NOTHING_LEFT
    return holder


def test_an_assignment_and_what_the_pool_adds(venue, poor):
    taker = Holder(venue, "taker-k", usd="10000")
    venue.control("PUT", "/pool", {"currency": "USD", "amount": "1000"})
    arguments = {"contractType": "flex", "contract": SYMBOL, "acceptLong": "true", "acceptShort": "false", "timeFrame": "all",
                 "enabled": "true", "maxSize": "2.5", "maxPosition": "3"}  # fmt: skip
    added = taker.ask("POST", "/assignmentprogram/add", **arguments)
    participant = {
        "contractType": "flexible_futures", "contract": SYMBOL, "baseCurrency": None, "quoteCurrency": None, "maxSize": exact("2.5"),
        "maxPosition": 3, "acceptLong": True, "acceptShort": False, "timeFrame": "ALL", "enabled": True,
        "cashAccountOpenPositionMaxNotional": None, "minimumProfitabilityPerAssignmentLongBps": None,
        "minimumProfitabilityPerAssignmentShortBps": None,
    }  # fmt: skip
    assert plain({name: added[name] for name in ("id", "participant")}) == {"id": 1, "participant": participant}
    assert plain(taker.ask("GET", "/assignmentprogram/current")["participants"]) == [{"id": 1, "participant": participant}]
    assert poor.ask("GET", "/assignmentprogram/current")["participants"] == []

    venue.pin(SYMBOL, str(MARK))
    # The one gains 164 against mark, and the pool adds what there is to half a per cent of it; the other keeps the tick.
    gain = linear_pnl(1, NOTHING_LEFT, MARK)
    top_up = exact(MARK) / 200 - gain
    left = 1500 - fee(ENTRY) + linear_pnl(1, ENTRY, NOTHING_LEFT)
    assert (poor.open_positions(), poor.usd()) == ([], left)
    [held] = taker.open_positions()
    assert shown(held, "side", "size", "price", "unrealizedPnl") == ("long", 1, NOTHING_LEFT, gain)
    assert taker.usd() == 10000 + top_up
    assert venue.control("GET", "/pool")["pool"]["USD"] == f"{1000 - top_up:f}"
    for holder, info, size, pnl, penalty, balance in (
        (poor, "futures assignor", (1, 0), linear_pnl(1, ENTRY, NOTHING_LEFT), None, left),
        (taker, "futures assignee", (0, 1), 0, -top_up, 10000 + top_up),
    ):
        position, cash = holder.log(info)
        assert shown(position, "asset", "old_balance", "new_balance", "trade_price") == ("pf_xbtusd", *size, NOTHING_LEFT)
        assert shown(position, "fee", "realized_pnl", "realized_funding") == (None, None, None)
        assert shown(cash, "asset", "realized_pnl", "fee", "liquidation_fee", "new_balance") == ("usd", pnl, 0, penalty, balance)
        assert (position["execution"], position["mark_price"]) == (cash["execution"], MARK)
    assert {fill["fillType"] for fill in taker.trade.get_fills()["fills"]} == {"assignee"}

    deleted = taker.ask("POST", "/assignmentprogram/delete", id="1")
    assert deleted["id"] == 1 and taker.ask("GET", "/assignmentprogram/current")["participants"] == []
    history = plain(taker.ask("GET", "/assignmentprogram/history")["participants"])
    assert history == [{"deleted": gone, "participant": participant, "timestamp": GENESIS} for gone in (True, False)]
    with pytest.raises(KrakenNotFoundError):
        taker.ask("POST", "/assignmentprogram/delete", id="1")


def test_the_queue_of_unwinding_and_who_stands_first(venue, poor, bob):
    # Five shorts beside bob's, who is the richest by far: the profit of each over its entry, times its value over the account's equity.
    prices = [49500, 50000, 50500, 51000, 51500]
    shorts = []
    for number, price in enumerate(prices):
        holder = Holder(venue, f"short-{number}-k", usd="10000")
        trade(bob, holder, "0.5", price)
        shorts.append((holder, price))
    # Bob bought from all of them, and is long now.
    assert [(p["side"], p["size"]) for p in bob.open_positions()] == [("long", exact("1.5"))]
    venue.pin(SYMBOL, "49000")

    def rank(price, mark):
        profit = linear_pnl("-0.5", price, mark)
        equity = 10000 - fee(price / 2, MAKER) + profit
        return profit / (price * exact("0.5")) * (exact(mark) / 2 / equity)

    by_rank = sorted(shorts, key=lambda short: rank(short[1], 49000))
    assert [price for _, price in by_rank] == prices
    for place, (holder, _) in enumerate(by_rank, 1):
        assert holder.user.get_unwind_queue()["queue"] == [{"symbol": SYMBOL, "percentile": 20 * place}]
    venue.pin(SYMBOL, str(MARK))
    # Half of the poor one's goes against the first, half against the second, at the price where nothing is left.
    left = 1500 - fee(ENTRY) + linear_pnl(1, ENTRY, NOTHING_LEFT)
    assert (poor.open_positions(), poor.usd()) == ([], left)
    for holder, price in by_rank[-2:]:
        assert holder.open_positions() == [] and holder.user.get_unwind_queue()["queue"] == []
        gain = linear_pnl("-0.5", price, NOTHING_LEFT)
        assert holder.usd() == 10000 - fee(price / 2, MAKER) + gain
        position, cash = holder.log("futures unwind counterparty")
        assert shown(position, "old_balance", "new_balance", "trade_price") == (exact("-0.5"), 0, NOTHING_LEFT)
        assert shown(cash, "realized_pnl", "fee", "liquidation_fee") == (gain, 0, None)
        assert "unwindCounterparty" in {fill["fillType"] for fill in holder.trade.get_fills()["fills"]}
    rows = poor.log("futures unwind bankrupt")
    assert [row["new_balance"] for row in rows if row["asset"] == "pf_xbtusd"] == [exact("0.5"), 0]
    assert sum(row["realized_pnl"] for row in rows if row["asset"] == "usd") == linear_pnl(1, ENTRY, NOTHING_LEFT)
    # The three that are left divide the hundred among themselves.
    places = [holder.user.get_unwind_queue()["queue"][0]["percentile"] for holder, _ in by_rank[:3]]
    assert places == sorted(places) and places[-1] == 100 and set(places) <= {20, 40, 60, 80, 100}


def test_the_log_of_a_day_to_the_last_digit(venue, bob):
    alice = Holder(venue, "alice-k", usd="1000", eur="500")
    for side, price in (("buy", 50190), ("sell", 50210)):
        bob.send(side, 5, price)
    venue.advance(HOUR_MS)
    # 0.4% above the index, an eighth of it an hour: 25 dollars for a coin.
    alice.send("buy", "0.5", 50210)
    venue.advance(HOUR_MS)
    alice.funding.initiate_wallet_transfer("100.5", "flex", "cash", "usd")
    venue.pin(SYMBOL, "48000")
    for order in bob.open_ids():
        bob.trade.cancel_order(order)
    bob.send("buy", "0.5", 48000)
    alice.send("sell", "0.5", kind="mkt", reduceOnly=True)

    opened = 1000 - fee(exact("0.5") * 50210)
    funded = opened - exact("12.5")
    moved = funded - exact("100.5")
    loss, closing = -linear_pnl("0.5", 50210, 48000), fee(24000)
    owed = loss + closing - moved
    euros = up(owed / (exact("1.1") * kept("EUR")))
    assert 0 < euros < 500
    names = ("info", "asset", "margin_account", "old_balance", "new_balance", "realized_pnl", "fee", "realized_funding")
    told = [shown(row, *names) for row in alice.log()]
    half, none = exact("0.5"), (None, None, None)
    assert told[:7] == [
        ("admin transfer", "usd", "flex", 0, 1000, *none),
        ("admin transfer", "eur", "flex", 0, 500, *none),
        ("futures trade", "pf_xbtusd", "flex", 0, half, *none),
        ("futures trade", "usd", "flex", 1000, opened, 0, 1000 - opened, 0),
        ("funding rate change", "usd", "flex", opened, funded, None, None, exact("-12.5")),
        ("transfer", "usd", "cash", 0, exact("100.5"), *none),
        ("transfer", "usd", "flex", funded, moved, *none),
    ]
    # The position goes, then its loss is booked, then euros are sold for what is missing.
    position, cash, debit, credit = told[7:]
    assert position == ("futures trade", "pf_xbtusd", "flex", half, 0, *none)
    assert cash == ("futures trade", "usd", "flex", moved, moved - loss - closing, -loss, closing, 0)
    assert debit == ("conversion", "eur", "flex", 500, 500 - euros, *none)
    assert credit[:3] == ("conversion", "usd", "flex") and credit[3] == -owed
    # What comes is no less than what is owed, and no more than the last unit of a euro is worth.
    assert 0 <= credit[4] < 2 * WALLET
    assert {code: exact(row["quantity"]) for code, row in alice.wallet()["currencies"].items() if exact(row["quantity"])} == {
        code: held for code, held in {"EUR": 500 - euros, "USD": credit[4]}.items() if held
    }
    rows = alice.log()
    spreads = [row["conversion_spread_percentage"] for row in rows if row["info"] == "conversion"]
    assert spreads == [exact("0.05")] * 2
    assert [row["funding_rate"] for row in rows if row["info"] == "funding rate change"] == [25]
    assert Counter(row["date"] for row in rows) == {GENESIS: 2, "2026-01-01T01:00:00.000Z": 2, "2026-01-01T02:00:00.000Z": 7}
