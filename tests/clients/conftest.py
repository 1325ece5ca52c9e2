"""Each scenario owns its exchange and its accounts; nothing is shared, so order does not matter."""

import pytest
import requests

from contract import judge
from exchange import Exchange


@pytest.fixture(autouse=True)
def judged(monkeypatch):
    """Both clients send over `requests`, so here every answer that they get can be checked against the contract."""
    send = requests.adapters.HTTPAdapter.send

    def send_and_judge(*args, **kwargs):
        response = send(*args, **kwargs)
        judge(response)
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_and_judge)


@pytest.fixture
def start(tmp_path):
    """Starts exchanges with the given flags and stops them when the scenario ends."""
    running = []

    def start_one(*flags):
        folder = tmp_path / str(len(running))
        folder.mkdir()
        exchange = Exchange(folder, *flags)
        running.append(exchange)
        return exchange

    yield start_one
    for exchange in running:
        exchange.stop()


@pytest.fixture
def venue(start):
    """An exchange without a market of its own, time standing still, XBT at 50,000 USD; its sums hold in the end."""
    exchange = start("--ephemeral", "--market", "none", "--clock", "manual", "--seed", "7")
    for symbol in ("PF_XBTUSD", "PI_XBTUSD"):
        exchange.pin(symbol, "50000")
    yield exchange
    assert exchange.control("GET", "/audit")["status"] == "ok"
