"""One running exchange of a scenario's own: started, commanded over the control surface, stopped."""

import json
import os
import subprocess
import time
from decimal import Decimal
from pathlib import Path

import requests

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30


def exact(value):
    """The decimal that a number was written as: clients that parse JSON into floats keep its shortest form."""
    return Decimal(str(value))


def plain(told):
    """What a client made of an answer, its numbers exact, without the answer itself."""
    match told:
        case dict():
            return {name: plain(value) for name, value in told.items() if name != "info"}
        case list():
            return [plain(value) for value in told]
        case int() | float() if not isinstance(told, bool):
            return exact(told)
    return told


class Exchange:
    """A `loligo serve` of its own on free ports, with a manual clock and pinned prices unless told otherwise."""

    def __init__(self, folder: Path, *flags: str):
        self.folder = folder
        self.config_file = folder / "config.json"
        self.log_file = folder / "log.txt"
        self.log = self.log_file.open("wb")
        command = [
            os.environ["LOLIGO_BINARY"], "serve",
            "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0",
            "--config-out", str(self.config_file),
            *flags,
        ]  # fmt: skip
        # Settings of the person who runs the scenarios must not reach the exchange.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOLIGO_")}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_until_ready(self):
        """The start file appears, complete, once the exchange is ready for requests."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.config_file.exists():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} at its start:\n{self.log_text()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not ready after {START_SECONDS_MAX} s:\n{self.log_text()}")
            time.sleep(0.005)  # poll: a file of another process
        self.config = json.loads(self.config_file.read_text())
        self.http = self.config["http"]
        self.https = self.config["https"]
        self.ca_certificate = self.config["ca_certificate"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.config['control_token']}"

    def stop(self):
        """Ends the process as an operator would; it must comply."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
            finally:
                self.log.close()
        self.log.close()

    def log_text(self) -> str:
        return self.log_file.read_text(errors="replace")

    def control(self, method: str, path: str, body=None):
        """One control verb; answers its JSON, fails on anything but success."""
        response = self.session.request(method, f"{self.http}/loligo/v1{path}", json=body, timeout=60)
        assert response.status_code == 200, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def pin(self, symbol: str, price: str):
        """Pins index and mark of a contract, so that no quote or trade moves them."""
        self.control("PUT", f"/prices/{symbol}", {"index": price, "mark": price})

    def account(self, name: str, usd: str | None = None, xbt: str | None = None):
        """A new account with this much in flex (USD) and in the inverse wallet of XBTUSD."""
        body = {"name": name, "flex": {} if usd is None else {"usd": usd}}
        if xbt is not None:
            body["wallets"] = {"fi_xbtusd": xbt}
        return self.control("POST", "/accounts", body)

    def subaccount(self, master, name: str, usd: str):
        """A new subaccount of an account, with this much in flex."""
        return self.control("POST", f"/accounts/{master['uid']}/subaccounts", {"name": name, "flex": {"usd": usd}})

    def market(self, symbol: str, state: str):
        """Opens or closes a market: open, suspended, post_only, inactive, pre_launch."""
        self.control("PUT", f"/markets/{symbol}", {"state": state})

    def advance(self, milliseconds: int):
        """Moves the manual clock; answers when everything due until then has happened."""
        return self.control("POST", "/clock", {"advance_ms": milliseconds})
