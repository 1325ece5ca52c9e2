"""Every line that README.md and docs/ tell people to paste works as it stands there, but for the ports."""

import json
import re

import pytest

from samples import PAGES, ROOT, Block, Reader, blocks, refusals, same_each_time, statements, unfenced

# What this reader does not carry out, by what it begins with or by its role. Each is told as skipped, with its
# reason, and counted as that.
NOT_RUN = {
    "cargo": "cargo builds what everything here runs against, and runs what runs this",
    "kraken": "kraken-cli is not installed here, and the suite builds no tool from source; test_client_requests.py sends its requests",
    "freqtrade trade": "freqtrade trades until it is stopped; test_freqtrade.py starts it with these words and these settings",
    "config nautilus": "NautilusTrader is not installed here; docs/clients.md says what was run by hand",
    "schema": "the tests of loligo-history hold the schema on the page against that of the database",
    "sqlite3": "sqlite3 need not be installed; the tests of loligo-history read the same views over a connection of their own",
}

# The clients that the README knows, and whether its samples for them are run.
CLIENTS = {
    "ccxt": "run",
    "ccxt.pro": "run",
    "python-kraken-sdk": "run",
    "python-kraken-sdk, WebSocket": "run",
    "freqtrade": "run",
    "NautilusTrader": "config nautilus",
    "kraken-cli": "kraken",
    "curl": "run",
}


def not_run_as(text):
    """The entry of `NOT_RUN` that a statement is, or None."""
    return next((what for what in NOT_RUN if f"{text} ".startswith(f"{what} ")), None)


def pieces(block):
    """A block as (what says that it is not run or None, number of lines): a shell block by its statements."""
    if block.role in NOT_RUN:
        return [(block.role, sum(map(bool, block.lines)))]
    if block.language != "sh":
        return [(None, sum(map(bool, block.lines)))]
    return [(not_run_as(s.text), s.lines) for s in statements(block)]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_a_reader_pastes_every_sample_of(page, tmp_path, capsys):
    found = blocks(page)
    folder = tmp_path / "reader"
    folder.mkdir()
    reader = Reader(folder)
    run = answers = not_run = 0
    try:
        for block in found:
            if block.role == "answer":
                shown, told = ("\n".join(block.lines), reader.last_output)
                assert same_each_time(shown) == same_each_time(told), f"{block.place}: the answer was {told}"
                answers += sum(map(bool, block.lines))
            elif block.role:
                assert block.role in NOT_RUN, f"{block.place}: nobody runs {block.role!r}"
                not_run += sum(map(bool, block.lines))
            elif block.language == "sh":
                for statement in statements(block):
                    if not_run_as(statement.text):
                        not_run += statement.lines
                    else:
                        reader.paste(statement)
            else:
                reader.run(block)
            run = reader.lines_run
    finally:
        reader.close()
    # Counted from the text alone, so that a line which the cutting of statements loses is missed here.
    written = sum(1 for text in re.findall(r"^```.*\n((?s:.*?))^```$", (ROOT / page).read_text(), re.M) for _ in re.findall(r"^.*\S.*$", text, re.M))
    assert run + answers + not_run == written, f"{run} run, {answers} compared, {not_run} not run of {written} lines"
    with capsys.disabled():
        print(f"\n{page}: {len(found)} blocks, {written} lines: {run} run, {answers} answers compared, {not_run} not run")


@pytest.mark.parametrize("what", NOT_RUN)
def test_what_is_not_run(what):
    lines = sum(count for page in PAGES for block in blocks(page) for why, count in pieces(block) if why == what)
    assert lines > 0, "no page has such a sample any more: delete the exception"
    pytest.skip(f"{lines} lines not run: {NOT_RUN[what]}")


def test_no_sample_stands_outside_the_blocks_that_are_run():
    assert [place for page in PAGES for place in unfenced(page)] == []


def test_each_client_that_is_known_has_its_sample():
    section = (ROOT / "README.md").read_text().partition("\n## Your client\n")[2].partition("\n## ")[0]
    heads = re.split(r"^\*\*(.+?)\*\*", section, flags=re.M)
    shown = dict(zip(heads[1::2], heads[2::2], strict=True))
    assert list(shown) == list(CLIENTS)
    for name, text in shown.items():
        assert "```" in text, f"{name} has no sample"
        how = CLIENTS[name]
        if how.startswith("config"):
            assert f" {how}\n" in text, f"the sample for {name} is said to be not run, and is"
        elif how in NOT_RUN:
            assert re.search(rf"^{how} ", text, re.M), f"the sample for {name} is said to be not run, and is"


def test_the_readme_names_the_versions_that_are_tested():
    pins = set(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "tests/clients/requirements.txt").read_text(), re.M))
    named = re.findall(r"([\w-]+)==([\d.]*\d)", (ROOT / "README.md").read_text())
    assert {name for name, _ in named} == {"ccxt", "python-kraken-sdk", "freqtrade"}
    assert set(named) <= pins


def test_what_is_run_by_hand_has_the_settings_of_the_page():
    """Nobody here has the library: what can be held together is that the file compiles and says what the page says."""
    by_hand = (ROOT / "tests/clients/by_hand" / "nautilus.py").read_text()
    compile(by_hand, "nautilus.py", "exec")
    [shown] = [block for block in blocks("README.md") if block.role == "config nautilus"]
    shown = "\n".join(shown.lines)
    settings = set(re.findall(r"(\w+)=", shown.partition("Config(")[2]))
    assert len(settings) == 5
    assert settings <= set(re.findall(r'"(\w+)":', by_hand))
    assert re.search(r'\["accounts"\]\[\d\]', shown)[0] in by_hand
    [version] = set(re.findall(r"nautilus_trader==([\d.]+)", by_hand))
    assert f"NautilusTrader {version}" in (ROOT / "docs/clients.md").read_text()


def test_clients_do_not_share_an_account():
    """Nonces of one client, in other units, would make those of another come too late."""
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("\n## Your client\n")[2].partition("\n## ")[0]
    taken = re.findall(r'\["accounts"\]\[(\d)\]|accounts\.(\d)\.api_key', section)
    accounts = [first or second for first, second in taken]
    assert len(accounts) == len(CLIENTS) and len(set(accounts)) == len(CLIENTS), accounts


@pytest.mark.parametrize(
    ("printed", "refused"),
    [
        ('{"result":"success","sendStatus":{"status":"placed","orderEvents":[]}}', 0),
        ('{"result":"success","cancelStatus":{"status":"noOrdersToCancel"}}', 1),
        ('{"result":"success","sendStatus":{"status":"invalidSize"}}', 1),
        ('{"result":"success","batchStatus":[{"status":"placed"},{"status":"selfFill"}]}', 1),
        ('{"result":"error","error":"authenticationError"}', 1),
        ('{"status":"NOT_FOUND","result":"error","errors":[{"code":0}]}', 1),
        ('{"error":"there is no such contract"}', 1),
        ('{"symbol":"PF_XBTUSD","state":"open"}', 0),
    ],
)
def test_a_refusal_that_the_page_does_not_promise_is_noticed(printed, refused):
    assert len(refusals(printed)) == refused


def test_a_block_is_cut_where_a_shell_would_begin_to_act():
    text = ["f() { python3 -c 'a", "b'; }", "", "curl x \\", "  -d y", "# -> one", "# -> two", "cat > z <<'END'", "z", "END"]
    cut = statements(Block("PAGE", 1, "sh", "", text))
    assert [(s.place, s.text.splitlines(), s.lines, s.promises) for s in cut] == [
        ("PAGE:2", text[0:2], 2, []),
        ("PAGE:5", text[3:5], 4, ["one", "two"]),
        ("PAGE:9", text[7:10], 3, []),
    ]


def test_an_answer_is_compared_but_for_ids_and_times():
    shown = '{"id": "d20a5874-2819-43d6-b873-1b1102698cc7", "at": "2026-01-01T00:00:00.000Z", "price": 1.0}'
    told = '{"price": 1, "id": "79348b49-3e87-4f7e-a063-9f10117ffb14", "at": "2026-11-28T05:25:53.443Z"}'
    assert same_each_time(shown) == same_each_time(told)
    assert same_each_time(shown) != same_each_time(told.replace('"price": 1', '"price": 2'))
    assert json.loads(told) != json.loads(shown)
