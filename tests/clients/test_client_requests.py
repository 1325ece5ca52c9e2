"""What clients that are not installed here are known to send: what stands for them in the README reaches the exchange."""

import base64
import hashlib
import hmac
import json
import re

import ccxt
import requests

from exchange import exact
from samples import ROOT, blocks

README = (ROOT / "README.md").read_text()


def test_the_settings_for_freqtrade_lead_its_ccxt_here(venue):
    """freqtrade hands `ccxt_config` to ccxt as it stands, and asks this before it enters a position."""
    account = venue.config["accounts"][0]
    [block] = [block for block in blocks("README.md") if block.role == "config freqtrade"]
    text = "\n".join(block.lines)
    for written, here in (("http://127.0.0.1:8080", venue.http), ("ws://127.0.0.1:8080/ws/v1", venue.config["ws"])):
        assert written in text
        text = text.replace(written, here)
    settings = json.loads(f"{{{text}}}")["exchange"]
    assert settings["name"] == "krakenfutures"
    config = {"apiKey": account["api_key"], "secret": account["api_secret"], "enableRateLimit": False}
    exchange = ccxt.krakenfutures(config | settings["ccxt_config"])
    pair = "BTC/USD:USD"
    assert exchange.load_markets()[pair]["active"] is True
    [first, *_] = exchange.fetch_leverage_tiers([pair])[pair]
    assert (first["minNotional"], first["maxLeverage"]) == (0, 100)
    wallet = exchange.fetch_balance()["info"]["accounts"]["flex"]
    assert exact(wallet["availableMargin"]) == exact(wallet["marginEquity"]) > 0
    exchange.set_leverage(3, pair)
    assert exchange.fetch_leverage(pair)["longLeverage"] == 3
    entry = exchange.create_order(pair, "limit", "buy", 0.01, 49000, {"timeInForce": "GTC"})
    stop = exchange.create_order(pair, "market", "sell", 0.01, None, {"stopLossPrice": 45000, "triggerSignal": "mark"})
    assert [exchange.fetch_order(order["id"])["status"] for order in (entry, stop)] == ["open", "open"]


def test_the_requests_that_kraken_cli_makes_are_understood(start):
    """The client itself is not run (test_samples.py says so): these are its base, its paths and its way to sign."""
    venue = start("--data", "data", "--market", "none", "--clock", "manual")
    account = venue.config["accounts"][0]
    [base] = re.findall(r"KRAKEN_FUTURES_URL=(\S+)", README)
    assert base in venue.log_text().replace(venue.https, "https://127.0.0.1:8443"), "the screen tells another one"
    base = base.replace("https://127.0.0.1:8443", venue.https)
    nonces = iter(range(1, 100))

    def ask(method, path, body="", **query):
        nonce = str(next(nonces))
        # It signs a form, but not a query.
        digest = hashlib.sha256(f"{body}{nonce}/api/v3/{path}".encode()).digest()
        secret = base64.b64decode(account["api_secret"])
        authent = base64.b64encode(hmac.new(secret, digest, hashlib.sha512).digest()).decode()
        headers = {"APIKey": account["api_key"], "Nonce": nonce, "Authent": authent}
        if method != "GET":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        response = requests.request(
            method, f"{base}/{path}", params=query, data=body or None, headers=headers,
            verify=venue.ca_certificate, timeout=60,
        )  # fmt: skip
        answer = response.json()
        assert answer["result"] == "success", answer
        return answer

    venue.pin("PF_XBTUSD", "50000")
    order = ask("POST", "sendorder", "orderType=lmt&symbol=PF_XBTUSD&side=buy&size=0.01&limitPrice=40000")["sendStatus"]
    stop = ask(
        "POST", "sendorder",
        "orderType=trailing_stop&symbol=PF_XBTUSD&side=sell&size=0.01&triggerSignal=mark&reduceOnly=true"
        "&trailingStopMaxDeviation=1&trailingStopDeviationUnit=percent",
    )["sendStatus"]  # fmt: skip
    assert (order["status"], stop["status"]) == ("placed", "placed")
    assert [row["orderType"] for row in ask("GET", "openorders")["openOrders"]] == ["lmt", "stop"]
    both = f"{order['order_id']}%2C{stop['order_id']}"
    assert len(ask("POST", "orders/status", f"orderIds={both}")["orders"]) == 2
    assert ask("POST", "editorder", f"orderId={order['order_id']}&size=0.02")["editStatus"]["status"] == "edited"
    ask("PUT", "leveragepreferences", "symbol=PF_XBTUSD&maxLeverage=5")
    [row] = ask("GET", "leveragepreferences", symbol="PF_XBTUSD")["leveragePreferences"]
    assert exact(row["maxLeverage"]) == 5
    assert ask("GET", "fills", lastFillTime="2026-01-01T00:00:00.000Z")["fills"] == []
    assert ask("POST", "cancelallordersafter", "timeout=60")["status"]["triggerTime"] != "0"
    assert len(ask("POST", "cancelallorders")["cancelStatus"]["cancelledOrders"]) == 2
