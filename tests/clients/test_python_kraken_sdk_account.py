"""python-kraken-sdk settles how an account trades, what its subaccounts may, and where the money lies."""

import pytest
from kraken.exceptions import (
    KrakenAuthenticationError,
    KrakenInvalidAccountError,
    KrakenInvalidUnitError,
    KrakenNotFoundError,
)
from kraken.futures import Funding, Market

from exchange import exact
from test_python_kraken_sdk import INVERSE, NOBODY, SYMBOL, Trader


class Owner(Trader):
    """A trader with what else an account can ask for."""

    def __init__(self, venue, account):
        super().__init__(venue, account)
        credentials = {"key": account["api_key"], "secret": account["api_secret"], "url": venue.http}
        self.funding = Funding(**credentials)
        self.market = Market(**credentials)

    def quantity(self, code="USD"):
        return exact(self.wallet()["currencies"][code]["quantity"])

    def cash(self):
        return {code: exact(amount) for code, amount in self.wallet("cash")["balances"].items() if exact(amount) != 0}


@pytest.fixture
def master(venue):
    return Owner(venue, venue.account("master-k", usd="100000", xbt="1"))


@pytest.fixture
def child(venue, master):
    return Owner(venue, venue.subaccount(master.account, "child-k", usd="500"))


def test_a_self_trade_strategy_over_the_sdk_s_own_request(master):
    # It has no method for the route, but its `request` signs and sends what it is given.
    path = "/derivatives/api/v3/self-trade-strategy"
    assert master.trade.request("GET", path)["strategy"] == "REJECT_TAKER"
    told = master.trade.request("PUT", path, post_params={"strategy": "CANCEL_MAKER_SELF"})
    assert (told["result"], told["strategy"]) == ("success", "CANCEL_MAKER_SELF")
    maker = master.send("sell", "0.1", 50005)["order_id"]
    # An immediate order meets nobody then, and the maker is gone all the same.
    assert master.send("buy", "0.1", 50005, "ioc")["status"] == "iocWouldNotExecute"
    [found] = master.status_of(maker)
    assert (found["status"], found["updateReason"]) == ("CANCELLED", "WOULD_EXECUTE_SELF_REASON")


def test_leverage_is_set_and_cleared(master):
    assert master.market.get_leverage_preference()["leveragePreferences"] == []
    assert master.market.set_leverage_preference(symbol=SYMBOL, maxLeverage=12.5)["result"] == "success"
    [row] = master.market.get_leverage_preference()["leveragePreferences"]
    assert (row["symbol"], exact(row["maxLeverage"])) == (SYMBOL, exact("12.5"))
    # Refused preferences are numbered, and not HTTP 200; the SDK raises them as they are.
    for symbol, leverage, code in [(SYMBOL, 101, 98), (INVERSE, 10, 88), ("PF_NOSUCHUSD", 10, 87)]:
        with pytest.raises(Exception, match=f'500 - .*"code":{code}'):
            master.market.set_leverage_preference(symbol=symbol, maxLeverage=leverage)
    assert master.market.set_leverage_preference(symbol=SYMBOL)["result"] == "success"
    assert master.market.get_leverage_preference()["leveragePreferences"] == []


def test_money_moves_between_wallets_and_out(venue, master):
    move = master.funding.initiate_wallet_transfer
    assert move("2500.5", "flex", "cash", "usd")["result"] == "success"
    assert move(0.25, "fi_xbtusd", "cash", "xbt")["result"] == "success"
    assert (master.quantity(), master.cash()) == (exact("97499.5"), {"usd": exact("2500.5"), "xbt": exact("0.25")})
    assert exact(master.wallet("fi_xbtusd")["balances"]["xbt"]) == exact("0.75")
    with pytest.raises(KrakenInvalidAccountError):
        move(1, "cash", "fi_foousd", "usd")
    with pytest.raises(KrakenInvalidUnitError):
        move(1, "cash", "fi_xbtusd", "usd")
    # Words that the SDK has no exception for come back as they are.
    assert move("2500.51", "cash", "flex", "usd")["error"] == "insufficientFunds"
    assert move(-1, "cash", "flex", "usd")["error"] == "invalidAmount"

    keys = venue.control("POST", f"/accounts/{master.account['uid']}/keys", {"general": "full", "withdrawal": "full"})
    funding = Funding(key=keys["api_key"], secret=keys["api_secret"], url=venue.http)
    left = funding.initiate_withdrawal_to_spot_wallet("0.25", "xbt")
    assert (left["result"], len(left["uid"])) == ("success", 36)
    assert master.cash() == {"usd": exact("2500.5")}
    keys = venue.control("POST", f"/accounts/{master.account['uid']}/keys", {"general": "full", "withdrawal": "none"})
    with pytest.raises(KrakenAuthenticationError):
        Funding(key=keys["api_key"], secret=keys["api_secret"], url=venue.http).initiate_withdrawal_to_spot_wallet(
            1, "usd"
        )


def test_a_master_moves_money_within_its_family(venue, master, child):
    stranger = Owner(venue, venue.account("stranger-k", usd="1000"))
    uids = {name: owner.account["uid"] for name, owner in [("m", master), ("c", child), ("s", stranger)]}

    def move(owner, amount, source, target, wallets=("flex", "flex")):
        return owner.funding.initiate_subaccount_transfer(
            amount, wallets[0], uids[source], wallets[1], uids[target], "usd"
        )

    assert move(master, "1000.5", "m", "c")["result"] == "success"
    assert (master.quantity(), child.quantity()) == (exact("98999.5"), exact("1500.5"))
    assert move(master, 500, "c", "m", ("flex", "cash"))["result"] == "success"
    assert (child.quantity(), master.cash()) == (exact("1000.5"), {"usd": 500})
    # A child gives to its master, but takes nothing from it.
    assert move(child, "0.5", "c", "m")["result"] == "success"
    with pytest.raises(KrakenAuthenticationError):
        move(child, 1, "m", "c")
    # Who is not of the family might as well not be.
    for source, target in (("m", "s"), ("s", "m")):
        with pytest.raises(KrakenNotFoundError):
            move(master, 1, source, target)
    assert (master.quantity(), child.quantity(), stranger.quantity()) == (99000, 1000, 1000)


def test_a_master_sees_its_subaccounts_and_stops_their_trading(master, child):
    listed = master.user.get_subaccounts()
    assert listed["masterAccountUid"] == master.account["uid"]
    [row] = listed["subaccounts"]
    uid = row["accountUid"]
    assert uid == child.account["uid"]
    assert child.user.get_subaccounts()["subaccounts"] == []

    order = child.send("buy", "0.1", 40000)["order_id"]
    assert master.user.check_trading_enabled_on_subaccount(uid) == {"tradingEnabled": True}
    assert master.user.set_trading_on_subaccount(uid, trading_enabled=False) == {"tradingEnabled": False}
    refused = child.trade.create_order("lmt", "0.1", SYMBOL, "buy", limitPrice=40000)
    assert (refused["result"], refused["error"]) == ("error", "accountInactive")
    assert child.trade.edit_order(order, limitPrice=41000)["error"] == "accountInactive"
    assert child.open_ids() == [order]
    assert child.trade.cancel_order(order)["cancelStatus"]["status"] == "cancelled"
    assert master.user.set_trading_on_subaccount(uid, trading_enabled=True) == {"tradingEnabled": True}
    assert child.send("buy", "0.1", 40000)["status"] == "placed"
    for stranger in (master.account["uid"], NOBODY):
        with pytest.raises(KrakenNotFoundError):
            master.user.check_trading_enabled_on_subaccount(stranger)
