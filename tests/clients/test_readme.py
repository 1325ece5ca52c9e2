"""What the README tells people to paste works as it stands there, but for the address."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import sys
from pathlib import Path

import ccxt
import pytest
import requests

from exchange import exact

README = (Path(__file__).parents[2] / "README.md").read_text()


def block_after(heading):
    """The first indented block after a heading, without its indent."""
    tail = README.split(f"**{heading}**", 1)[1]
    lines = re.search(r"\n\n((?:    .*\n|\n)+)", tail)[1].splitlines()
    return "\n".join(line[4:] for line in lines)


@pytest.mark.parametrize("heading", ["ccxt", "python-kraken-sdk"])
def test_the_recipe_of(heading, venue, capsys):
    account = venue.config["accounts"][0]
    code = block_after(heading)
    assert "http://127.0.0.1:8080" in code
    names = {"KEY": account["api_key"], "SECRET": account["api_secret"]}
    exec(code.replace("http://127.0.0.1:8080", venue.http), names)
    assert "placed" in capsys.readouterr().out


def test_the_recipe_of_freqtrade(venue):
    """freqtrade hands `ccxt_config` to ccxt as it stands, and asks this before it enters a position."""
    account = venue.config["accounts"][0]
    block = block_after("freqtrade").replace("http://127.0.0.1:8080", venue.http)
    settings = json.loads(f"{{{block}}}")["exchange"]
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


def test_the_recipe_of_kraken_cli(start):
    """The client is a program of its own, so this asks what it would: its base, its paths, its way to sign."""
    venue = start("--data", "data", "--market", "none", "--clock", "manual")
    account = venue.config["accounts"][0]
    base = re.search(r"KRAKEN_FUTURES_URL=(\S+)", block_after("kraken-cli"))[1]
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


def test_the_recipe_for_signing_by_hand(venue):
    account = venue.config["accounts"][0]
    recipe = block_after("curl")
    code = re.search(r"python3 -c '(.*?)' \"\$@\"", recipe, re.DOTALL)[1]
    data = re.search(r"DATA='(.*)'", recipe)[1]

    def post(path, data):
        arguments = [sys.executable, "-c", code, account["api_secret"], f"/api/v3{path}", data]
        signature = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout.strip()
        headers = {
            "APIKey": account["api_key"],
            "Authent": signature,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        return requests.post(f"{venue.http}/derivatives/api/v3{path}", data=data, headers=headers, timeout=60).json()

    assert post("/sendorder", data)["sendStatus"]["status"] == "placed"
    [record] = post("/orders/status", "cliOrdIds=hello")["orders"]
    assert record["status"] == "ENTERED_BOOK"


def test_every_control_verb_that_is_shown(venue):
    account = venue.config["accounts"][0]["uid"]
    shown = re.findall(r'^    curl -H "\$H" (?:-X (\w+) )?\$C(\S+)(?: -d \'(.*?)\')?', README, re.MULTILINE)
    assert len(shown) >= 9
    for method, path, body in shown:
        url = f"{venue.http}/loligo/v1{path.replace('$ACCOUNT', account)}"
        response = venue.session.request(method or "GET", url, data=body or None, timeout=60)
        assert response.status_code == 200, f"{method} {path} {body}: {response.text}"
