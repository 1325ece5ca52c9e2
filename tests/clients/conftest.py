"""Each scenario owns its exchange and its accounts; nothing is shared, so order does not matter."""

import pytest

from exchange import Exchange


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
    """An exchange without a market of its own, time standing still, XBT at 50,000 USD."""
    exchange = start("--ephemeral", "--market", "none", "--clock", "manual", "--seed", "7")
    for symbol in ("PF_XBTUSD", "PI_XBTUSD"):
        exchange.pin(symbol, "50000")
    return exchange
