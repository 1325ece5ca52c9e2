"""Each scenario owns its exchange and its accounts; nothing is shared, so order does not matter. Alice and Bob use ccxt, but where a
file says who they are."""

import aiohttp
import ccxt.pro
import pytest
import requests

from contract import judge, judge_frame
from exchange import Exchange
from traders import client


@pytest.fixture(autouse=True)
def judged(monkeypatch):
    """All clients send over `requests` or `aiohttp`, so every answer that they get can be checked against the contract.

    What comes over sockets, and to whoever asks without waiting, is judged when the scenario ends: a client may swallow
    what is raised in the midst of its own work.
    """
    faults = []

    def note(judgement, *arguments):
        try:
            judgement(*arguments)
        except AssertionError as fault:
            faults.append(fault)

    send = requests.adapters.HTTPAdapter.send

    def send_and_judge(*args, **kwargs):
        response = send(*args, **kwargs)
        media = response.headers.get("Content-Type", "")
        judge(response.request.method, response.url, response.status_code, media, response.content)
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send_and_judge)

    ask = aiohttp.ClientSession._request

    async def ask_and_judge(*args, **kwargs):
        response = await ask(*args, **kwargs)
        if response.status != 101:
            note(judge, response.method, response.url, response.status, response.content_type, await response.read())
        return response

    monkeypatch.setattr(aiohttp.ClientSession, "_request", ask_and_judge)

    hear = ccxt.pro.krakenfutures.handle_message

    def hear_and_judge(client, socket, message):
        note(judge_frame, message)
        return hear(client, socket, message)

    monkeypatch.setattr(ccxt.pro.krakenfutures, "handle_message", hear_and_judge)
    yield lambda message: note(judge_frame, message)
    assert not faults, "\n".join(map(str, faults[:3]))


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


@pytest.fixture
def alice(venue):
    return client(venue, venue.account("alice-c", usd="100000", xbt="1"))


@pytest.fixture
def bob(venue):
    return client(venue, venue.account("bob-c", usd="10000000", xbt="100"))
