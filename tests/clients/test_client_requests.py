"""What clients that are not installed here are known to send: what stands for them in the README reaches the exchange."""

import base64
import hashlib
import hmac
import re

import requests

from exchange import exact
from samples import ROOT

README = (ROOT / "README.md").read_text()


def test_the_requests_that_kraken_cli_makes_are_understood(start):
    """The client itself is not run (test_samples.py says so): these are its base, its paths and its way to sign."""
    venue = start("--data", "data", "--market", "none", "--clock", "manual")
    account = venue.config["accounts"][0]
    [base_of_readme] = re.findall(r"KRAKEN_FUTURES_URL=(\S+)", README)
    base = base_of_readme.replace("https://127.0.0.1:8443", venue.https)
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
        if path == "accountlogcsv":
            return response.text
        answer = response.json()
        # History's answers have no such word.
        assert answer.get("result", "success") == "success" and response.status_code == 200, answer
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

    # History under the base of trading, signed without its query as everything it asks for.
    placed = ask("GET", "orders", sort="asc", count="1")["elements"]
    assert [element["event"]["OrderPlaced"]["order"]["uid"] for element in placed] == [order["order_id"]]
    triggers = ask("GET", "triggers", sort="asc")["elements"]
    assert [next(iter(element["event"])) for element in triggers] == ["OrderTriggerPlaced", "OrderTriggerCancelled"]
    assert {element["event"][name]["order"]["uid"] for element in triggers for name in element["event"]} == {stop["order_id"]}
    assert ask("GET", "executions")["elements"] == []
    first, *rows = ask("GET", "accountlogcsv").splitlines()
    assert first.startswith("uid,dateTime,account,") and any(",flex,admin transfer,usd," in row for row in rows)
    assert ask("GET", "historical-funding-rates", symbol="PF_XBTUSD")["rates"] == []

    # What the screen said from the start is whole when it has ended.
    venue.stop()
    assert base_of_readme in venue.log_text().replace(venue.https, "https://127.0.0.1:8443"), "the screen tells another one"
