"""What the README tells people to paste works as it stands there, but for the address."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

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
