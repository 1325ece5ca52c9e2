"""Traders who use ccxt, and what they do most."""

import ccxt

from exchange import exact

PERPETUAL = "BTC/USD:USD"
INVERSE = "BTC/USD:BTC"


def client(venue, account=None, base=None):
    """A ccxt client of one account, pointed here the way its users would do it."""
    base = base or venue.http
    exchange = ccxt.krakenfutures({"enableRateLimit": False})
    if account is not None:
        exchange.apiKey = account["api_key"]
        exchange.secret = account["api_secret"]
    api = {
        "public": "/derivatives/api/",
        "private": "/derivatives/api/",
        "charts": "/api/charts/",
        "history": "/api/history/",
    }
    exchange.urls["api"] = {name: base + path for name, path in api.items()}
    return exchange


def quote(maker):
    """One bid and one ask of size 1 around 50,000."""
    bid = maker.create_order(PERPETUAL, "limit", "buy", 1, 49990)
    ask = maker.create_order(PERPETUAL, "limit", "sell", 1, 50010)
    return bid, ask


def usd(exchange):
    """What the flex wallet holds."""
    return exact(exchange.fetch_balance()["USD"]["total"])


def position(exchange, symbol=PERPETUAL):
    """Side, size and entry price of the open position, or None."""
    found = [p for p in exchange.fetch_positions() if p["symbol"] == symbol]
    assert len(found) <= 1
    return (found[0]["side"], exact(found[0]["contracts"]), exact(found[0]["entryPrice"])) if found else None


def deposit(venue, name, wallet="flex", **amounts):
    """The operator pays in so much of each currency."""
    for code, amount in amounts.items():
        venue.control("POST", f"/accounts/{name}/deposit", {"wallet": wallet, "currency": code, "amount": amount})


def trade(buyer, seller, symbol, size, price):
    """The seller rests, the buyer takes: both at this price."""
    seller.create_order(symbol, "limit", "sell", size, price)
    bought = buyer.create_order(symbol, "limit", "buy", size, price)
    assert buyer.fetch_order(bought["id"])["status"] == "closed"
