"""ccxt moves money: every way that there is, what each wallet has of it afterwards, what the ledger says, and what is refused."""

import ccxt
import pytest

from exchange import exact, plain
from reckoning import GENESIS_MS, HOUR_MS, PF_XBTUSD, WALLET, fee, initial_margin, linear_pnl
from traders import INVERSE, PERPETUAL, client, deposit, trade


@pytest.fixture
def alice(venue):
    exchange = client(venue, venue.account("alice-c", usd="100000", xbt="1"))
    deposit(venue, "alice-c", "fi_ethusd", eth="20")
    return exchange


def wallets(exchange):
    """What lies where, by what ccxt reads of each wallet."""
    held = {}
    for name in ("cash", "flex", "fi_xbtusd", "fi_ethusd"):
        try:
            told = exchange.fetch_balance({"type": name})["total"]
        except ccxt.BadRequest:
            continue
        held.update({(name, code): exact(amount) for code, amount in told.items() if exact(amount) != 0})
    return held


def moves(exchange, since=None):
    """The ledger's entries of transfers, oldest first: wallet, currency, way, amount, before and after."""
    entries = [plain(e) for e in exchange.fetch_ledger(since=since) if e["type"] == "transfer"]
    assert all(e["status"] == "ok" and e["fee"]["cost"] is None for e in entries)
    entries.sort(key=lambda entry: int(entry["id"]))
    return [(e["account"], e["currency"], e["direction"], e["amount"], e["before"], e["after"]) for e in entries]


# The wallets from which and to which, by ccxt's names, and by their own.
WAYS = [
    ("USD", "1500.25", "flex", "cash", "flex", "cash"),
    ("USD", "0.00000000001", "multiCollateralMarginAccount", "main", "flex", "cash"),
    ("USD", "500.5", "funding", "multiCollateral", "cash", "flex"),
    ("BTC", "0.25", INVERSE, "future", "fi_xbtusd", "cash"),
    ("BTC", "0.125", "cashAccount", INVERSE, "cash", "fi_xbtusd"),
    ("BTC", "0.0625", "cash", "flex", "cash", "flex"),
    ("BTC", "0.03125", "flex", INVERSE, "flex", "fi_xbtusd"),
    ("BTC", "0.5", INVERSE, "multiCollateralMargin", "fi_xbtusd", "flex"),
    ("ETH", "2.5", "ETH/USD:ETH", "flex", "fi_ethusd", "flex"),
    ("ETH", "1.5", "flex", "futures", "flex", "cash"),
    # A dated contract shares its pair's wallet.
    ("BTC", "0.01", "BTC/USD:BTC-260327", "cash", "fi_xbtusd", "cash"),
]


def test_every_way_between_wallets(venue, alice):
    held = wallets(alice)
    assert held == {("flex", "USD"): 100000, ("fi_xbtusd", "BTC"): 1, ("fi_ethusd", "ETH"): 20}
    venue.advance(HOUR_MS)
    at, rows = GENESIS_MS + HOUR_MS, []
    for code, amount, source, target, from_wallet, to_wallet in WAYS:
        amount = exact(amount)
        told = alice.transfer(code, f"{amount:f}", source, target)
        # The answer has no more than that it was done; ccxt adds what it was asked.
        assert {**plain(told), "amount": exact(told["amount"])} == {
            "id": None,
            "timestamp": at,
            "datetime": ccxt.Exchange.iso8601(at),
            "currency": code,
            "amount": amount,
            "fromAccount": source,
            "toAccount": target,
            "status": "success",
        }
        # The row of the wallet that has it now comes first.
        for wallet, change in ((to_wallet, amount), (from_wallet, -amount)):
            before = held.get((wallet, code), exact(0))
            held[wallet, code] = before + change
            way = "out" if change < 0 else "in"
            rows.append((wallet, code, way, amount, before, before + change))
        held = {place: amount for place, amount in held.items() if amount != 0}
        assert wallets(alice) == held, (code, source, target)
    # ccxt has no `fetch_transfers` here: the ledger is what tells of them, a row in each wallet.
    assert moves(alice, since=at) == rows
    # Nothing came and nothing went.
    assert {code: sum(a for (_, c), a in held.items() if c == code) for code in ("USD", "BTC", "ETH")} == {
        "USD": 100000,
        "BTC": 1,
        "ETH": 20,
    }


def test_what_cannot_move_raises_and_stays(alice):
    alice.transfer("USD", 10, "flex", "cash")
    before, told = wallets(alice), moves(alice)
    for code, amount, source, target, raised in [
        ("USD", 10.01, "cash", "flex", ccxt.InsufficientFunds),
        ("USD", 99990.01, "flex", "cash", ccxt.InsufficientFunds),
        ("BTC", 1.00000001, INVERSE, "cash", ccxt.InsufficientFunds),
        ("ETH", 1, "flex", "cash", ccxt.InsufficientFunds),
        ("USD", 0, "cash", "flex", ccxt.BadRequest),
        ("USD", -1, "cash", "flex", ccxt.BadRequest),
        # Twelve decimals, of which a wallet counts eleven.
        ("USD", "0.000000000001", "cash", "flex", ccxt.BadRequest),
        ("USD", "much", "cash", "flex", ccxt.BadRequest),
        ("USD", "NaN", "cash", "flex", ccxt.BadRequest),
        # An inverse wallet has its coin alone, and flex what is collateral.
        ("USD", 1, "cash", INVERSE, ccxt.BadRequest),
        ("ETH", 1, "ETH/USD:ETH", INVERSE, ccxt.BadRequest),
        ("PEPE", 1, "cash", "flex", ccxt.BadRequest),
        ("USD", 1, "cash", "fi_foousd", ccxt.BadRequest),
        ("USD", 1, "nowhere", "cash", ccxt.BadRequest),
        # `parse_account` has `fv_` for a linear market, and there is no such wallet: theirs is flex.
        ("USD", 1, PERPETUAL, "cash", ccxt.BadRequest),
        # ccxt asks for nothing at all of these.
        ("USD", 1, "spot", "cash", ccxt.BadRequest),
        ("USD", 1, "flex", "spot", ccxt.BadRequest),
        ("EUR", 1, "flex", "cash", ccxt.ExchangeError),
    ]:
        with pytest.raises(raised):
            alice.transfer(code, amount, source, target)
        assert wallets(alice) == before, (code, amount, source, target)
    assert moves(alice) == told


def test_of_a_position_s_margin_nothing_leaves_and_of_the_rest_all(venue, bob):
    alice = client(venue, venue.account("alice-c", usd="10000"))
    trade(alice, bob, PERPETUAL, 2, 50000)
    usd = 10000 - fee(100000)
    # At a gain: it counts as margin, and lets balance leave.
    for mark, least in (("50100", linear_pnl(2, 50000, 50100)), ("49900", linear_pnl(2, 50000, 49900))):
        venue.pin("PF_XBTUSD", mark)
        free = usd + least - initial_margin(PF_XBTUSD, 100000)
        with pytest.raises(ccxt.InsufficientFunds):
            alice.transfer("USD", f"{free + WALLET:f}", "flex", "cash")
        alice.transfer("USD", f"{free:f}", "flex", "cash")
        assert wallets(alice) == {("cash", "USD"): free, ("flex", "USD"): usd - free}
        assert exact(alice.fetch_balance()["USD"]["free"]) == 0
        alice.transfer("USD", f"{free:f}", "cash", "flex")
    # However much was gained, no more leaves than is there.
    venue.pin("PF_XBTUSD", "56000")
    with pytest.raises(ccxt.InsufficientFunds):
        alice.transfer("USD", f"{usd + WALLET:f}", "flex", "cash")
    alice.transfer("USD", f"{usd:f}", "flex", "cash")
    assert wallets(alice) == {("cash", "USD"): usd}


def test_out_of_the_venue_with_the_right_to_withdraw(venue):
    account = venue.account("alice-c", usd="1000", xbt="1")
    keys = f"/accounts/{account['uid']}/keys"
    owner = client(venue, venue.control("POST", keys, {"general": "full", "withdrawal": "full"}))
    trader = client(venue, venue.control("POST", keys, {"general": "full", "withdrawal": "none"}))
    owner.transfer("USD", 600, "flex", "cash")
    owner.transfer("BTC", 0.5, INVERSE, "cash")
    with pytest.raises(ccxt.AuthenticationError):
        trader.transfer_out("USD", 100)
    told = plain(owner.transfer_out("USD", 100))
    assert (told["status"], told["currency"], told["amount"]) == ("success", "USD", 100)
    assert (told["fromAccount"], told["toAccount"], told["timestamp"]) == ("future", "spot", GENESIS_MS)
    # The other of ccxt's two ways.
    owner.transfer("BTC", 0.125, "cash", "spot")
    # An account may ask for five within ten seconds, so another one asks for what cannot be.
    other_account = venue.account("other-c", usd="10")
    right = {"general": "full", "withdrawal": "full"}
    other = client(venue, venue.control("POST", f"/accounts/{other_account['uid']}/keys", right))
    for by, code, amount, raised in [
        (owner, "USD", 500.01, ccxt.InsufficientFunds),
        (owner, "BTC", 0.376, ccxt.InsufficientFunds),
        # What lies in flex is not in cash.
        (other, "USD", 1, ccxt.InsufficientFunds),
        (other, "USD", 0, ccxt.BadRequest),
        (other, "USD", -1, ccxt.BadRequest),
        (other, "USD", "0.000000000001", ccxt.BadRequest),
    ]:
        with pytest.raises(raised):
            by.transfer_out(code, amount)
    assert wallets(owner) == {
        ("cash", "USD"): 500,
        ("cash", "BTC"): exact("0.375"),
        ("flex", "USD"): 400,
        ("fi_xbtusd", "BTC"): exact("0.5"),
    }
    assert moves(owner)[-2:] == [
        ("cash", "USD", "out", 100, 600, 500),
        ("cash", "BTC", "out", exact("0.125"), exact("0.5"), exact("0.375")),
    ]


def test_within_a_family(venue):
    account = venue.account("master-c", usd="1000")
    child_account = venue.subaccount(account, "child-c", usd="500")
    stranger_account = venue.account("stranger-c", usd="10")
    master, child, stranger = (client(venue, of) for of in (account, child_account, stranger_account))

    def move(by, amount, source, target, wallets=("flex", "flex")):
        # ccxt's `transfer` has no way to another account; this is its own to the route.
        return by.privatePostTransferSubaccount({
            "fromUser": source["uid"], "toUser": target["uid"], "fromAccount": wallets[0], "toAccount": wallets[1],
            "unit": "usd", "amount": amount,
        })  # fmt: skip

    assert move(master, "100.5", account, child_account)["result"] == "success"
    assert move(master, "50", child_account, account, ("flex", "cash"))["result"] == "success"
    assert move(child, "0.5", child_account, account)["result"] == "success"
    for by, amount, source, target, raised in [
        (master, "900.01", account, child_account, ccxt.InsufficientFunds),
        (master, "0", account, child_account, ccxt.BadRequest),
        (child, "1", account, child_account, ccxt.AuthenticationError),
        (master, "1", account, stranger_account, ccxt.BadRequest),
        (stranger, "1", account, stranger_account, ccxt.BadRequest),
    ]:
        with pytest.raises(raised):
            move(by, amount, source, target)
    assert wallets(master) == {("flex", "USD"): 900, ("cash", "USD"): 50}
    assert (wallets(child), wallets(stranger)) == ({("flex", "USD"): 550}, {("flex", "USD"): 10})
    assert moves(master)[1:] == [
        ("flex", "USD", "out", exact("100.5"), 1000, exact("899.5")),
        ("cash", "USD", "in", 50, 0, 50),
        ("flex", "USD", "in", exact("0.5"), exact("899.5"), 900),
    ]
    assert moves(child)[1:] == [
        ("flex", "USD", "in", exact("100.5"), 500, exact("600.5")),
        ("flex", "USD", "out", 50, exact("600.5"), exact("550.5")),
        ("flex", "USD", "out", exact("0.5"), exact("550.5"), 550),
    ]
