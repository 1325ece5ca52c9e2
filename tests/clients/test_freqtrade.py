"""freqtrade as its users run it, with the settings of the README: it finds pairs and candles here, and trades with its stop on
the exchange. It runs on the machine's clock, so the exchange does, and each wait is for something and has a bound."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from exchange import exact
from samples import blocks, statements
from traders import PERPETUAL, client

ETHER = "ETH/USD:USD"
STRATEGY = Path(__file__).parent / "strategies" / "once.py"

# Nothing here takes this long; it is what a bot that does not do what it should costs.
WAIT_SECONDS_MAX = 120


def of_the_readme(venue):
    """The settings for freqtrade as the README writes them, but for the addresses, and the command that it starts it with."""
    [file] = [s.text for block in blocks("README.md") for s in statements_of(block) if s.text.startswith("cat > freqtrade.json")]
    [command] = [s.text for block in blocks("README.md") for s in statements_of(block) if s.text.startswith("freqtrade trade ")]
    lines = file.splitlines()
    assert (lines[0], lines[-1]) == ("cat > freqtrade.json <<'END'", "END")
    text = "\n".join(lines[1:-1])
    for written, here in (("http://127.0.0.1:8080", venue.http), ("ws://127.0.0.1:8080/ws/v1", venue.config["ws"])):
        assert written in text
        text = text.replace(written, here)
    return text, command.split()


def statements_of(block):
    return statements(block) if block.language == "sh" and not block.role else []


class Freqtrade:
    """freqtrade in a folder of its own, with a key of the exchange in its environment as the README has it."""

    def __init__(self, venue, folder, account):
        self.folder = folder
        settings, self.trade = of_the_readme(venue)
        (folder / "freqtrade.json").write_text(settings)
        # The venue's limits allow more than the pause that ccxt makes of itself, and the rest is what a machine differs in.
        (folder / "more.json").write_text(json.dumps({
            "exchange": {"pair_whitelist": [PERPETUAL, ETHER], "ccxt_config": {"enableRateLimit": False}},
            "internals": {"process_throttle_secs": 1},
        }))  # fmt: skip
        names = ("LOLIGO_", "FREQTRADE_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(names)} | {
            "FREQTRADE__EXCHANGE__KEY": account["api_key"],
            "FREQTRADE__EXCHANGE__SECRET": account["api_secret"],
            "COLUMNS": "200",
        }
        self.process = None

    def command(self, *arguments):
        program = Path(sys.executable).with_name("freqtrade")
        return [program, *arguments, "--config", "freqtrade.json", "--config", "more.json", "--userdir", "."]

    def run(self, *arguments):
        """A command of it that ends by itself; answers what it printed."""
        done = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=WAIT_SECONDS_MAX, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        # It ends with 0 even when it is refused its settings.
        assert " - ERROR - " not in done.stderr, f"{arguments}:\n{done.stderr}"
        return done.stdout

    def begin(self, strategy):
        """Starts to trade with the README's command, but for its strategy."""
        assert self.trade[:4] == ["freqtrade", "trade", "--config", "freqtrade.json"] and self.trade[4] == "--strategy"
        with (self.folder / "log.txt").open("wb") as log:
            self.process = subprocess.Popen(
                self.command("trade", "--strategy", strategy, "--strategy-path", str(STRATEGY.parent), "--db-url", "sqlite:///bot.sqlite"),
                cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def log(self):
        return (self.folder / "log.txt").read_text(errors="replace")

    def trades(self):
        """Its trades as its own database has them, by pair, each with its orders, oldest first."""
        if not (self.folder / "bot.sqlite").exists():
            return {}
        database = sqlite3.connect(f"file:{self.folder / 'bot.sqlite'}?mode=ro", uri=True)
        database.row_factory = sqlite3.Row
        try:
            trades = {row["pair"]: dict(row) | {"orders": []} for row in database.execute("SELECT * FROM trades")}
            for row in database.execute("SELECT * FROM orders ORDER BY id"):
                trades[row["ft_pair"]]["orders"].append(dict(row))
            return trades
        except sqlite3.OperationalError as reason:
            assert "no such table" in str(reason)
            return {}
        finally:
            database.close()

    def until(self, what, seen):
        """Waits until its trades satisfy `seen`; answers them."""
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        while not seen(trades := self.trades()):
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < deadline, f"{what}: not within {WAIT_SECONDS_MAX} s:\n{self.log()[-20000:]}"
            time.sleep(0.1)  # poll: a database of another process
        return trades

    def stop(self):
        """Ends it as its users do."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                # An interrupt that meets it in a callback of its event loop is lost there. How it ends is no matter of the exchange.
                self.process.kill()
                self.process.wait()


@pytest.fixture
def live(start):
    """A market that lives, with the past that it has been given, on the machine's clock."""
    return start("--data", "data")


@pytest.fixture
def account(live):
    return live.config["accounts"][0]


@pytest.fixture
def bot(live, account, tmp_path):
    folder = tmp_path / "freqtrade"
    folder.mkdir()
    bot = Freqtrade(live, folder, account)
    yield bot
    bot.stop()


def stop_of(trade):
    """Its stop on the exchange that is open, as its database has it."""
    return next((o for o in trade["orders"] if o["ft_order_side"] == "stoploss" and o["ft_is_open"]), None)


def is_open_with_its_stop(trade):
    return trade["is_open"] and not trade["orders"][0]["ft_is_open"] and stop_of(trade)


def test_a_whole_trade_with_its_stop_on_the_exchange(live, account, bot):
    trader = client(live, account)
    before = exact(trader.fetch_balance()["USD"]["total"])
    bot.begin("Once")
    trades = bot.until(
        "a trade in each pair with its stop on the exchange",
        lambda trades: len(trades) == 2 and all(map(is_open_with_its_stop, trades.values())),
    )
    positions = {position["symbol"]: position for position in trader.fetch_positions()}
    resting = {order["id"]: order for order in trader.fetch_open_orders()}
    assert set(positions) == set(trades) == {PERPETUAL, ETHER}
    assert set(resting) == {stop_of(trade)["order_id"] for trade in trades.values()}
    for pair, trade in trades.items():
        position = positions[pair]
        assert position["side"] == ("short" if trade["is_short"] else "long") == ("long" if pair == PERPETUAL else "short")
        assert exact(position["contracts"]) == exact(trade["amount"])
        assert exact(position["entryPrice"]) == exact(trade["open_rate"])
        # What it asked for before it entered is how the position is margined.
        assert trader.fetch_leverage(pair)["longLeverage"] == trade["leverage"] == 3
        assert exact(position["info"]["maxFixedLeverage"]) == 3
        stop = resting[stop_of(trade)["order_id"]]
        info = stop["info"]
        assert (info["orderType"], info["reduceOnly"], info["triggerSignal"]) == ("stop", True, "mark")
        assert (exact(info["stopPrice"]), exact(stop["amount"])) == (exact(trade["stop_loss"]), exact(trade["amount"]))
        assert stop["side"] == ("buy" if trade["is_short"] else "sell")

    # Bitcoin falls through its stop. Ether falls too, and there the bot takes its profit and its stop away.
    live.pin("PF_XBTUSD", str(exact(trades[PERPETUAL]["stop_loss"]) - 100))
    live.pin("PF_ETHUSD", str(round(exact(trades[ETHER]["open_rate"]) * exact("0.97"), 1)))
    trades = bot.until(
        "both trades are over", lambda trades: all(not t["is_open"] and t["close_profit_abs"] is not None for t in trades.values())
    )
    assert {pair: trade["exit_reason"] for pair, trade in trades.items()} == {PERPETUAL: "stoploss_on_exchange", ETHER: "roi"}
    assert (trader.fetch_positions(), trader.fetch_open_orders()) == ([], [])
    fills = trader.fetch_my_trades()
    for pair, trade in trades.items():
        entry, exit_ = (
            [fill for fill in fills if fill["symbol"] == pair and fill["side"] == side]
            for side in (("sell", "buy") if trade["is_short"] else ("buy", "sell"))
        )
        for part, rate in ((entry, "open_rate"), (exit_, "close_rate")):
            size = sum(exact(fill["amount"]) for fill in part)
            assert size == exact(trade["amount"])
            average = sum(exact(fill["price"]) * exact(fill["amount"]) for fill in part) / size
            assert abs(average - exact(trade[rate])) < exact("0.000001")
        done = {order["order_id"] for order in trade["orders"] if order["filled"]}
        assert done == {fill["order"] for fill in entry + exit_}
    # What the bot believes to have made is what the wallet has come to, funding apart.
    gained = exact(trader.fetch_balance()["USD"]["total"]) - before
    funding = sum(exact(row["amount"]) for row in trader.fetch_funding_history())
    made = sum(exact(trade["close_profit_abs"]) for trade in trades.values())
    assert abs(gained - made - funding) < exact("0.01"), f"{gained} is not {made} and {funding}"
    # The stop that it took away is known to history when no status knows it any more.
    [taken] = [o["order_id"] for o in trades[ETHER]["orders"] if o["ft_order_side"] == "stoploss"]
    assert taken in {order["id"] for order in trader.fetch_canceled_orders(ETHER, params={"trigger": True})}


def test_pairs_and_candles_are_found_and_a_strategy_is_tried_on_the_past(live, bot):
    reader = client(live)
    markets = [market for market in reader.load_markets().values() if market["swap"] and market["linear"]]
    printed = bot.run("list-pairs", "--print-json").splitlines()
    assert json.loads(printed[-1]) == sorted(market["symbol"] for market in markets)

    day = time.strftime("%Y%m%d", time.gmtime(time.time() - 2 * 86_400))
    nextday = time.strftime("%Y%m%d", time.gmtime(time.time() - 86_400))
    bot.run(
        "download-data", "--pairs", PERPETUAL, "--timeframes", "5m", "--timerange", f"{day}-{nextday}",
        "--data-format-ohlcv", "json",
    )  # fmt: skip
    [file] = bot.folder.glob("data/**/BTC_USD_USD-5m-futures.json")
    kept = json.loads(file.read_text())
    since = int(time.time() // 86_400 - 2) * 86_400_000
    assert kept[0][0] == since and len(kept) >= 288
    told = reader.fetch_ohlcv(PERPETUAL, "5m", since=since, limit=288)
    assert [list(map(exact, row)) for row in kept[:288]] == [list(map(exact, row)) for row in told]
    bot.run(
        "backtesting", "--strategy", "Once", "--strategy-path", str(STRATEGY.parent), "--timeframe", "5m", "--timerange", f"{day}-{nextday}",
        "--data-format-ohlcv", "json", "--pairs", PERPETUAL, "--dry-run-wallet", "100000", "--export", "trades",
    )  # fmt: skip
    [archive] = bot.folder.glob("backtest_results/*.zip")
    with zipfile.ZipFile(archive) as results:
        told = json.loads(results.read(f"{archive.stem}.json"))
    [trade] = told["strategy"]["Once"]["trades"]
    # It entered at the first price after as many candles as it had asked for.
    opened = {row[0]: row[1] for row in kept}
    assert trade["open_rate"] == opened[trade["open_timestamp"]]
    assert trade["open_timestamp"] >= since + 200 * 300_000
