"""ccxt settles how an account trades: whom it may meet, what its collateral counts for, and in what its gains are paid."""

import ccxt
import pytest

from exchange import exact
from traders import PERPETUAL, client, position, usd


def reason(exchange, order):
    """Where an order is and why: ccxt's state, the reason, the error."""
    found = exchange.fetch_order(order["id"])
    return found["status"], found["info"]["updateReason"], found["info"]["error"]


REFUSED, GONE = "the taker is refused", "the maker is cancelled"


@pytest.mark.parametrize(
    ("strategy", "of_its_own", "of_a_child", "of_its_master"),
    [
        ("REJECT_TAKER", REFUSED, REFUSED, REFUSED),
        ("CANCEL_MAKER_SELF", GONE, REFUSED, REFUSED),
        ("CANCEL_MAKER_CHILD", GONE, GONE, REFUSED),
        ("CANCEL_MAKER_ANY", GONE, GONE, GONE),
    ],
)
def test_what_happens_when_a_family_meets_itself(venue, strategy, of_its_own, of_a_child, of_its_master):
    account = venue.account("master-c", usd="100000")
    master = client(venue, account)
    child = client(venue, venue.subaccount(account, "child-c", usd="100000"))
    # ccxt has no unified call for it; these are its own ways to the route.
    assert master.privateGetSelfTradeStrategy()["strategy"] == "REJECT_TAKER"
    assert master.privatePutSelfTradeStrategy({"strategy": strategy})["strategy"] == strategy
    # It is the family's: a child has it, and cannot change it.
    assert child.privateGetSelfTradeStrategy()["strategy"] == strategy
    with pytest.raises(ccxt.AuthenticationError):
        child.privatePutSelfTradeStrategy({"strategy": "CANCEL_MAKER_SELF"})
    with pytest.raises(ccxt.BadRequest, match="invalidArgument: strategy"):
        master.privatePutSelfTradeStrategy({"strategy": "CANCEL_BOTH"})

    for maker, taker, outcome in [
        (master, master, of_its_own),
        (child, child, of_its_own),
        (child, master, of_a_child),
        (master, child, of_its_master),
    ]:
        resting = maker.create_order(PERPETUAL, "limit", "sell", 0.1, 50005)
        if outcome is REFUSED:
            with pytest.raises(ccxt.ExchangeError, match="selfFill"):
                taker.create_order(PERPETUAL, "limit", "buy", 0.1, 50005)
            assert reason(maker, resting) == ("open", "NEW_USER_ORDER", None)
            assert taker.fetch_order_book(PERPETUAL)["bids"] == []
        else:
            placed = taker.create_order(PERPETUAL, "limit", "buy", 0.1, 50005)
            assert (placed["status"], exact(placed["filled"])) == ("open", 0)
            assert reason(maker, resting)[:2] == ("canceled", "WOULD_EXECUTE_SELF_REASON")
            assert taker.fetch_order_book(PERPETUAL)["asks"] == []
        master.cancel_all_orders()
        child.cancel_all_orders()
    assert (position(master), position(child), usd(master), usd(child)) == (None, None, 100000, 100000)


def test_what_traded_before_it_met_itself_stays_traded(alice, bob):
    bob.create_order(PERPETUAL, "limit", "sell", 1, 50010)
    alice.create_order(PERPETUAL, "limit", "sell", 1, 50020)
    taker = alice.create_order(PERPETUAL, "limit", "buy", 1.5, 50020)
    # ccxt has this word for an order that is open.
    assert (taker["info"]["status"], taker["status"]) == ("partiallyFilled", "open")
    assert (exact(taker["filled"]), exact(taker["average"])) == (1, 50010)
    assert reason(alice, taker) == ("canceled", "WOULD_EXECUTE_SELF_REASON", "REJECTED_AFTER_EXECUTION")
    assert position(alice) == ("long", 1, 50010)


def test_what_a_currency_counts_for_and_what_of_it_is_free(venue, alice, bob):
    venue.control("POST", "/accounts/alice-c/deposit", {"wallet": "flex", "currency": "eur", "amount": "1000"})
    balance = alice.fetch_balance()
    assert (exact(balance["EUR"]["total"]), exact(balance["EUR"]["free"])) == (1000, 1000)
    wallet = balance["info"]["accounts"]["flex"]
    # A euro is worth 1.1 USD and counts for that less 0.05%.
    assert exact(wallet["balanceValue"]) == 101100
    assert exact(wallet["collateralValue"]) == exact(wallet["marginEquity"]) == exact("101099.45")
    # 200 at 50,000: 10,000 + 40,000 + 280,000 of initial margin are not there; 100 hold 10,000 + 40,000 + 80,000.
    with pytest.raises(ccxt.InsufficientFunds):
        alice.create_order(PERPETUAL, "limit", "buy", 100, 50000)
    alice.transfer("USD", 100000, "flex", "cash")
    order = alice.create_order(PERPETUAL, "limit", "buy", 2, 50000)
    # 1,000 USD are held: of the euros 99.45 / (1.1 x 99.95%) are free, rounded down.
    free = exact(alice.fetch_balance()["EUR"]["free"])
    assert exact("90.454") < free < exact("90.4544")
    # ccxt moves only what some market trades; this is its own way to the route.
    movement = {"fromAccount": "flex", "toAccount": "cash", "unit": "EUR"}
    with pytest.raises(ccxt.InsufficientFunds):
        alice.privatePostTransfer({**movement, "amount": "91"})
    assert alice.privatePostTransfer({**movement, "amount": "90"})["result"] == "success"
    alice.cancel_order(order["id"], PERPETUAL)
    assert exact(alice.fetch_balance()["EUR"]["free"]) == 910


def test_a_gain_in_another_currency(venue, alice, bob):
    # ccxt has no unified call for it; these are its own ways to the route.
    assert alice.privateGetPnlpreferences()["preferences"] == []
    for currency, code in [("ZZZ", "89"), ("CAD", "90")]:
        with pytest.raises(ccxt.ExchangeError, match=code):
            alice.privatePutPnlpreferences({"symbol": "PF_XBTUSD", "pnlPreference": currency})
    alice.privatePutPnlpreferences({"symbol": "PF_XBTUSD", "pnlPreference": "EUR"})
    [preference] = alice.privateGetPnlpreferences()["preferences"]
    assert (preference["symbol"], preference["pnlCurrency"]) == ("PF_XBTUSD", "EUR")
    bob.create_order(PERPETUAL, "limit", "sell", 1, 50000)
    alice.create_order(PERPETUAL, "limit", "buy", 1, 50000)
    bob.create_order(PERPETUAL, "limit", "buy", 1, 50110)
    alice.create_order(PERPETUAL, "limit", "sell", 1, 50110)
    # 110 USD are 100 euros; fees are in USD.
    balance = alice.fetch_balance()
    assert exact(balance["EUR"]["total"]) == 100
    assert exact(balance["USD"]["total"]) == exact("100000") - 25 - exact("25.055")
