"""ccxt drives a whole trading day: markets, quotes, every order type, fills, positions, money."""

import ccxt
import pytest

from exchange import exact
from traders import INVERSE, PERPETUAL, client, position, quote, usd


def test_markets_are_understood(venue):
    markets = client(venue).load_markets()
    perpetual, inverse = markets[PERPETUAL], markets[INVERSE]
    assert (perpetual["id"], perpetual["linear"], perpetual["swap"]) == ("PF_XBTUSD", True, True)
    assert (exact(perpetual["precision"]["price"]), exact(perpetual["precision"]["amount"])) == (
        exact("1.0"),
        exact("0.0001"),
    )
    assert exact(perpetual["contractSize"]) == 1
    assert (inverse["id"], inverse["inverse"], inverse["settle"]) == ("PI_XBTUSD", True, "BTC")
    assert (exact(inverse["precision"]["price"]), exact(inverse["precision"]["amount"])) == (exact("0.5"), 1)
    dated = [market for market in markets.values() if market["future"]]
    assert {market["id"][:2] for market in dated} == {"FI", "FF"}
    assert all(market["expiry"] is not None and market["active"] for market in dated)
    assert exact(markets["ETH/USD:USD"]["precision"]["price"]) == exact("0.1")


def test_tickers_and_book_show_the_quotes(venue, alice, bob):
    quote(bob)
    bob.create_order(PERPETUAL, "limit", "buy", 0.5, 49990)
    bob.create_order(PERPETUAL, "limit", "buy", 2, 49900)
    ticker = alice.fetch_ticker(PERPETUAL)
    assert (exact(ticker["bid"]), exact(ticker["bidVolume"])) == (49990, exact("1.5"))
    assert (exact(ticker["ask"]), exact(ticker["askVolume"])) == (50010, 1)
    assert (exact(ticker["markPrice"]), exact(ticker["indexPrice"])) == (50000, 50000)
    tickers = alice.fetch_tickers([PERPETUAL, INVERSE])
    assert tickers[PERPETUAL]["bid"] == ticker["bid"]
    assert tickers[INVERSE]["bid"] is None
    book = alice.fetch_order_book(PERPETUAL)
    assert [list(map(exact, row[:2])) for row in book["bids"]] == [[49990, exact("1.5")], [49900, 2]]
    assert [list(map(exact, row[:2])) for row in book["asks"]] == [[50010, 1]]


def test_a_limit_order_rests_fills_in_part_and_fills(venue, alice, bob):
    placed = alice.create_order(PERPETUAL, "limit", "buy", 1, 50000, {"clientOrderId": "resting-1"})
    assert (placed["status"], placed["clientOrderId"], exact(placed["filled"])) == ("open", "resting-1", 0)

    def seen():
        order = alice.fetch_order(placed["id"])
        opened = [o["info"]["status"] for o in alice.fetch_open_orders(PERPETUAL) if o["id"] == placed["id"]]
        return order["status"], exact(order["amount"]), exact(order["filled"]), exact(order["remaining"]), opened

    assert seen() == ("open", 1, 0, 1, ["untouched"])
    sold = bob.create_order(PERPETUAL, "limit", "sell", 0.4, 50000)
    assert (sold["status"], exact(sold["filled"]), exact(sold["average"])) == ("closed", exact("0.4"), 50000)
    assert seen() == ("open", 1, exact("0.4"), exact("0.6"), ["partiallyFilled"])
    bob.create_order(PERPETUAL, "market", "sell", 0.6)
    assert seen() == ("closed", 1, 1, 0, [])
    [by_own_id] = alice.fetch_orders(params={"cliOrdIds": "resting-1"})
    assert (by_own_id["id"], by_own_id["status"]) == (placed["id"], "closed")

    # Five seconds of exchange time later the status is gone, to the millisecond.
    venue.advance(4999)
    assert alice.fetch_order(placed["id"])["status"] == "closed"
    venue.advance(1)
    with pytest.raises(ccxt.OrderNotFound):
        alice.fetch_order(placed["id"])


def test_fills_positions_and_money_agree(alice, bob):
    alice.create_order(PERPETUAL, "limit", "buy", 1, 50000)
    bob.create_order(PERPETUAL, "limit", "sell", 0.4, 50000)
    bob.create_order(PERPETUAL, "limit", "sell", 0.6, 50000)
    # Value 50,000: the maker pays 0.02 %, the taker 0.05 %.
    assert usd(alice) == exact("99990")
    assert usd(bob) == exact("9999975")
    assert position(alice) == ("long", 1, 50000)
    assert position(bob) == ("short", 1, 50000)
    fills = sorted(alice.fetch_my_trades(PERPETUAL), key=lambda fill: exact(fill["amount"]))
    assert [(exact(f["amount"]), exact(f["price"]), f["side"], f["takerOrMaker"]) for f in fills] == [
        (exact("0.4"), 50000, "buy", "maker"),
        (exact("0.6"), 50000, "buy", "maker"),
    ]
    assert {f["takerOrMaker"] for f in bob.fetch_my_trades(PERPETUAL)} == {"taker"}
    assert {f["id"] for f in fills}.isdisjoint({f["order"] for f in fills})

    # Half is closed 100 higher: 50 of profit, and a taker's fee of 0.05 % on 25,050.
    bob.create_order(PERPETUAL, "limit", "buy", 0.5, 50100)
    closed = alice.create_order(PERPETUAL, "market", "sell", 0.5, None, {"reduceOnly": True})
    assert (closed["status"], exact(closed["average"])) == ("closed", 50100)
    assert usd(alice) == exact("99990") + 50 - exact("12.525")
    assert position(alice) == ("long", exact("0.5"), 50000)
    assert position(bob) == ("short", exact("0.5"), 50000)
    # The other side made a loss of 50 and paid a maker's fee of 0.02 %.
    assert usd(bob) == exact("9999975") - 50 - exact("5.01")


def test_public_trades_tell_what_happened(alice, bob):
    quote(bob)
    alice.create_order(PERPETUAL, "market", "buy", 0.25)
    alice.create_order(PERPETUAL, "market", "sell", 0.5)
    trades = alice.fetch_trades(PERPETUAL, params={"method": "publicGetHistory"})
    assert sorted((t["side"], exact(t["price"]), exact(t["amount"])) for t in trades) == [
        ("buy", 50010, exact("0.25")),
        ("sell", 49990, exact("0.5")),
    ]
    ticker = alice.fetch_ticker(PERPETUAL)
    assert (exact(ticker["last"]), exact(ticker["baseVolume"])) == (49990, exact("0.75"))


def test_each_type_of_order(alice, bob):
    quote(bob)
    # Post-only: rests, or is refused.
    rests = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000, {"postOnly": True})
    assert (rests["status"], rests["postOnly"]) == ("open", True)
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        alice.create_order(PERPETUAL, "limit", "buy", 0.1, 50010, {"postOnly": True})
    # Immediate or cancel: what matches trades, the rest lapses, nothing rests.
    taken = alice.create_order(PERPETUAL, "limit", "buy", 1.5, 50010, {"timeInForce": "ioc"})
    assert (exact(taken["filled"]), exact(taken["average"])) == (1, 50010)
    lapsed = alice.fetch_order(taken["id"])
    assert (lapsed["status"], exact(lapsed["filled"]), lapsed["info"]["updateReason"]) == (
        "canceled",
        1,
        "PARTIAL_FILL",
    )
    with pytest.raises(ccxt.OrderNotFillable):
        alice.create_order(PERPETUAL, "limit", "buy", 0.1, 50010, {"timeInForce": "ioc"})
    # Fill or kill: all or nothing.
    bob.create_order(PERPETUAL, "limit", "sell", 1, 50020)
    with pytest.raises(ccxt.OrderNotFillable):
        alice.create_order(PERPETUAL, "limit", "buy", 1.1, 50020, {"orderType": "fok"})
    killed = alice.create_order(PERPETUAL, "limit", "buy", 1, 50020, {"orderType": "fok"})
    assert (killed["status"], exact(killed["filled"])) == ("closed", 1)
    # Market, within one per cent of the touch; nothing there is no trade.
    sold = alice.create_order(PERPETUAL, "market", "sell", 1)
    assert (sold["status"], exact(sold["average"])) == ("closed", 49990)
    with pytest.raises(ccxt.OrderNotFillable):
        alice.create_order(PERPETUAL, "market", "buy", 1)
    assert position(alice) == ("long", 1, exact("50015"))
    # Reduce-only: never more than the position, never the same way.
    with pytest.raises(ccxt.ExchangeError, match="wouldNotReducePosition"):
        alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000, {"reduceOnly": True})
    bob.create_order(PERPETUAL, "limit", "buy", 5, 49980)
    alice.create_order(PERPETUAL, "limit", "sell", 3, 49980, {"reduceOnly": True})
    assert position(alice) is None
    assert [order["id"] for order in alice.fetch_open_orders()] == [rests["id"]]


def test_cancel_one_and_cancel_all(alice):
    first = alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000)
    second = alice.create_order(PERPETUAL, "limit", "buy", 0.2, 48000, {"clientOrderId": "second"})
    other = alice.create_order(INVERSE, "limit", "buy", 100, 40000)
    assert alice.cancel_order(first["id"])["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        alice.cancel_order(first["id"])
    cancelled = alice.fetch_order(first["id"])
    assert (cancelled["status"], cancelled["info"]["updateReason"]) == ("canceled", "CANCELLED_BY_USER")
    assert cancelled["info"]["error"] == "ORDER_FOR_CANCELLATION_NOT_FOUND"
    assert {order["id"] for order in alice.fetch_open_orders()} == {second["id"], other["id"]}
    assert [order["id"] for order in alice.cancel_all_orders(PERPETUAL)] == [second["id"]]
    assert [order["id"] for order in alice.fetch_open_orders()] == [other["id"]]
    assert [order["id"] for order in alice.cancel_all_orders()] == [other["id"]]
    assert alice.fetch_open_orders() == []
    assert alice.cancel_all_orders() == []


def test_inverse_contracts_settle_in_coins(venue, alice, bob):
    bob.create_order(INVERSE, "limit", "sell", 1000, 50000)
    bought = alice.create_order(INVERSE, "limit", "buy", 1000, 50000)
    # ccxt gives no amounts to executions of inverse contracts, so its order has no average; the record has all of it.
    [execution] = bought["info"]["orderEvents"]
    assert (exact(execution["price"]), exact(execution["amount"])) == (50000, 1000)
    assert alice.fetch_order(bought["id"])["status"] == "closed"
    wallet = alice.fetch_balance({"type": "fi_xbtusd"})["info"]["accounts"]["fi_xbtusd"]
    # 1,000 USD at 50,000 are 0.02 BTC; 0.05 % of them are 0.00001.
    assert exact(wallet["balances"]["xbt"]) == exact("0.99999")
    assert position(alice, INVERSE) == ("long", 1000, 50000)
    venue.pin("PI_XBTUSD", "50500")
    bob.create_order(INVERSE, "limit", "buy", 1000, 50500)
    alice.create_order(INVERSE, "market", "sell", 1000, None, {"reduceOnly": True})
    wallet = alice.fetch_balance({"type": "fi_xbtusd"})["info"]["accounts"]["fi_xbtusd"]
    # Profit 1000/50000 - 1000/50500 = 0.00019801980(198..), to even; fee 0.00000990099(0099..), up.
    assert exact(wallet["balances"]["xbt"]) == exact("0.99999") + exact("0.00019801980") - exact("0.00000990100")
    assert position(alice, INVERSE) is None


def test_refusals_raise_what_users_catch(venue, alice, bob):
    with pytest.raises(ccxt.InsufficientFunds):
        alice.create_order(PERPETUAL, "limit", "buy", 400, 49000)
    alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000, {"clientOrderId": "mine"})
    with pytest.raises(ccxt.DuplicateOrderId):
        alice.create_order(PERPETUAL, "limit", "buy", 0.1, 49000, {"clientOrderId": "mine"})
    bob.create_order(PERPETUAL, "limit", "buy", 0.1, 49000, {"clientOrderId": "mine"})
    with pytest.raises(ccxt.ExchangeError, match="selfFill"):
        alice.create_order(PERPETUAL, "limit", "sell", 0.1, 49000)
    wrong = client(venue, {"api_key": alice.apiKey, "api_secret": "d3Jvbmc="})
    with pytest.raises(ccxt.AuthenticationError):
        wrong.fetch_balance()
    assert len(alice.fetch_open_orders()) == 1


def test_https_is_trusted_with_the_exchange_s_own_authority(start):
    venue = start("--data", "data", "--market", "none", "--clock", "manual")
    exchange = client(venue, venue.config["accounts"][0], venue.https)
    # ccxt hands `verify and validateServerSsl` to its transport, so the second of them may name a file.
    exchange.validateServerSsl = venue.ca_certificate
    order = exchange.create_order(PERPETUAL, "limit", "buy", 0.1, 1000)
    assert [found["id"] for found in exchange.fetch_open_orders()] == [order["id"]]
    stranger = client(venue, venue.config["accounts"][0], venue.https)
    with pytest.raises(ccxt.NetworkError):
        stranger.fetch_open_orders()


def test_the_value_of_the_liquidation_pool_is_told_by_the_minute(venue, alice):
    venue.control("PUT", "/pool", {"currency": "USD", "amount": "1234.5"})
    begins = alice.parse8601(venue.control("GET", "/health")["time"]) // 60_000 * 60
    venue.advance(60_000)
    venue.control("PUT", "/pool", {"currency": "USD", "amount": "1000"})
    told = alice.charts_get_analytics_liquidity_pool({"since": begins, "interval": 60})
    result = told["result"]
    assert (result["timestamp"], result["more"], told["errors"]) == ([begins, begins + 60], False, [])
    assert [exact(value) for value in result["data"]["usdValue"]] == [exact("1234.5"), 1000]
    with pytest.raises(ccxt.BaseError, match="Invalid arguments"):
        alice.charts_get_analytics_liquidity_pool({"since": begins, "interval": 59})
