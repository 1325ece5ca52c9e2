"""The samples of README.md and docs/: found in the page, cut into statements, and pasted into one shell as they stand.

A sample is a fenced block. `sh` is pasted into the reader's shell, `python` is saved and run, `json answer` is what the
statement before it answers; a block with the role `config` goes into a client's own file. In shell and Python alike
`# -> text` is a promise: the text is in what the statement printed.
"""

import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]

# The one thing that is changed before a sample runs: each run has ports of its own.
WRITTEN_AT = {"127.0.0.1:8080": "http", "127.0.0.1:8443": "https"}

STATEMENT_SECONDS_MAX = 60
START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 30
END = "\x1eEND OF STATEMENT\x1e"

# What a request that was refused says in a status of its own.
GOOD_STATUS = {"placed", "edited", "cancelled", "filled", "success", "ok", "untouched", "assigned"}


@dataclass
class Block:
    """A fenced block: where it stands, its language and role, its lines."""

    page: str
    line: int
    language: str
    role: str
    lines: list[str] = field(default_factory=list)

    @property
    def place(self):
        return f"{self.page}:{self.line}"


@dataclass
class Statement:
    """What is pasted at once: a command over one line or several, and what the page promises of it."""

    place: str
    text: str
    lines: int
    promises: list[str] = field(default_factory=list)


def blocks(page):
    """The fenced blocks of a page."""
    found, block = [], None
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        if not line.startswith("```"):
            if block:
                block.lines.append(line)
        elif block:
            found.append(block)
            block = None
        else:
            language, _, role = line.removeprefix("```").partition(" ")
            block = Block(page, number, language, role)
    assert block is None, f"{block.place}: the block has no end"
    return found


def unfenced(page):
    """Lines that look like code to be pasted and stand in no fenced block, so that nobody would run them."""
    text = re.sub(r"^```.*?^```$", lambda block: "\n" * block[0].count("\n"), (ROOT / page).read_text(), flags=re.M | re.S)
    paste = re.compile(r" {4,}(\$ |curl |loligo |cargo |kraken |import |from \w+ import|export |[A-Z]+=)")
    return [f"{page}:{number}" for number, line in enumerate(text.splitlines(), 1) if paste.match(line)]


def statements(block):
    """A shell block, cut where a shell would begin to act."""
    found, lines, first = [], [], block.line + 1
    for number, line in enumerate(block.lines, block.line + 1):
        if not lines and (not line or line.startswith("# -> ")):
            if line:
                assert found, f"{block.page}:{number}: a promise of nothing"
                found[-1].promises.append(line.removeprefix("# -> "))
                found[-1].lines += 1
            first = number + 1
            continue
        lines.append(line)
        if is_whole(lines):
            found.append(Statement(f"{block.page}:{first}", "\n".join(lines), sum(map(bool, lines))))
            lines, first = [], number + 1
    assert not lines, f"{block.page}:{first}: a statement without an end"
    return found


def is_whole(lines):
    """True when a shell would act now: no quote, brace or line is left open."""
    if lines[-1].endswith("\\"):
        return False
    said = subprocess.run(["bash", "-n"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    return said.returncode == 0 and "here-document" not in said.stderr


def promises_of_python(block):
    return [line.partition("# -> ")[2].strip() for line in block.lines if "# -> " in line]


def refusals(output):
    """What JSON in an output says was refused: an error, or a status that is not a good one."""
    found = []
    decoder, at = json.JSONDecoder(), 0
    while (at := output.find("{", at)) >= 0:
        try:
            answer, at = decoder.raw_decode(output, at)
        except ValueError:
            at += 1
            continue
        if answer.get("error") or answer.get("errors") or answer.get("result") == "error":
            found.append(answer)
        for name, member in answer.items():
            elements = member if isinstance(member, list) else [member]
            statuses = [element.get("status") for element in elements if isinstance(element, dict)]
            if name.endswith("Status") and any(word and word not in GOOD_STATUS for word in statuses):
                found.append(member)
    return found


class Reader:
    """Someone who pastes a page into one shell from top to bottom. A later `loligo serve` takes the place of the one
    before, whose port it needs: that one was stopped with Ctrl-C."""

    def __init__(self, folder):
        self.folder = folder
        tools = folder.parent / "bin"
        tools.mkdir()
        (tools / "loligo").symlink_to(os.environ["LOLIGO_BINARY"])
        # Settings of the person who runs the scenarios must not reach the samples.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LOLIGO_")}
        environment["PATH"] = f"{tools}:{Path(sys.executable).parent}:{environment['PATH']}"
        environment |= {"LOLIGO_LISTEN": "127.0.0.1:0", "LOLIGO_TLS_LISTEN": "127.0.0.1:0", "LOLIGO_CONFIG_OUT": "ready.json"}
        self.environment = environment
        self.server = None
        self.addresses = {}
        self.lines_run = 0
        self.last_output = ""
        assert shutil.which("curl"), "the samples need curl"
        self.said = (folder.parent / "stderr.txt").open("w+")
        self.shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said,
        )  # fmt: skip

    def run(self, block):
        """Everything of a block, in order; the page's promises and the usual words of success are kept."""
        if block.language == "sh":
            for statement in statements(block):
                self.paste(statement)
            return
        if block.language == "python":
            name = f"sample-{block.line}.py"
            (self.folder / name).write_text(self.here("\n".join(block.lines)) + "\n")
            lines = sum(map(bool, block.lines))
            self.paste(Statement(block.place, f"python3 {name}", lines, promises_of_python(block)))
            return
        raise AssertionError(f"{block.place}: nobody runs a block of {block.language!r} {block.role!r}")

    def here(self, text):
        """The text with the addresses of this run."""
        for written, scheme in WRITTEN_AT.items():
            if written in text:
                assert self.addresses, f"no exchange has been started yet: {text}"
                text = text.replace(written, self.addresses[scheme])
        return text

    def paste(self, statement):
        if re.match(r"(?:[A-Z_]+=\S+ )*loligo serve\b", statement.text):
            self.serve(statement)
        else:
            if re.match(r"loligo (verify|replay|log|snapshot)\b", statement.text):
                self.stop_server()  # they are for an exchange that is stopped: Ctrl-C again
            output = self.ask(statement.place, self.here(statement.text))
            self.keep(statement, output)
            self.last_output = output
        self.lines_run += statement.lines

    def keep(self, statement, output):
        """Holds the page to what it says of a statement."""
        about = f"{statement.place}: {statement.text}\nprinted: {output}\n{self.stderr_tail()}"
        rest = output
        for promise in statement.promises:
            assert promise in rest, f"promised and not printed: {promise}\n{about}"
            rest = rest.partition(promise)[2]
        if not statement.promises:
            assert not (found := refusals(output)), f"refused: {found}\n{about}"
            asked = re.search(r"\bcurl\b(?!\(\))|^signed ", statement.text) and "()" not in statement.text
            is_kept = ">" in statement.text or "=$(" in statement.text
            assert output.strip() or not asked or is_kept, f"no answer\n{about}"

    def ask(self, place, text):
        """Pastes a statement and waits until the shell is ready for the next; answers what it printed."""
        self.shell.stdin.write(f"{text}\nprintf '\\n%s %s\\n' '{END}' \"$?\"\n".encode())
        self.shell.stdin.flush()
        deadline = time.monotonic() + STATEMENT_SECONDS_MAX
        output = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self.shell.stdout, selectors.EVENT_READ)
            while END.encode() not in output or not output.endswith(b"\n"):
                assert selector.select(deadline - time.monotonic()), f"{place}: no end after {STATEMENT_SECONDS_MAX} s: {text}"
                part = os.read(self.shell.stdout.fileno(), 1 << 16)
                assert part, f"{place}: the shell ended: {text}\n{self.stderr_tail()}"
                output += part
        printed, _, code = output.decode().partition(END)
        assert code.strip() == "0", f"{place}: {text}\nended with {code.strip()}: {printed}\n{self.stderr_tail()}"
        return printed.removesuffix("\n")

    def serve(self, statement):
        """Starts the exchange that a page starts and waits for its start file; its output is judged when it stops."""
        self.stop_server()
        file = self.folder / (re.search(r"--config-out (\S+)", statement.text) or ["", "ready.json"])[1]
        before = file.stat().st_ino if file.exists() else None
        log = (self.folder.parent / f"serve-{statement.place.rpartition(':')[2]}.txt").open("w+")
        process = subprocess.Popen(
            ["bash", "-c", statement.text], cwd=self.folder, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        self.server = (statement, process, log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not file.exists() or file.stat().st_ino == before:
            assert process.poll() is None, f"{statement.place} ended with {process.returncode}:\n{self.server_log()}"
            assert time.monotonic() < deadline, f"{statement.place}: not ready:\n{self.server_log()}"
            time.sleep(0.005)  # poll: a file of another process
        config = json.loads(file.read_text())
        self.addresses = {scheme: config[scheme].rpartition("/")[2] for scheme in WRITTEN_AT.values()}
        # As on the page, the next one is where this one was: what the reader has defined names its address.
        self.environment |= {"LOLIGO_LISTEN": self.addresses["http"], "LOLIGO_TLS_LISTEN": self.addresses["https"]}

    def server_log(self):
        log = self.server[2]
        log.seek(0)
        return log.read()

    def stop_server(self):
        """Ctrl-C; the exchange must comply, and have said what the page says it does."""
        if self.server is None:
            return
        statement, process, log = self.server
        try:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.wait(STOP_SECONDS_MAX)
            assert process.returncode == 0, f"{statement.place} ended with {process.returncode}:\n{self.server_log()}"
            for promise in statement.promises:
                assert promise in self.server_log(), f"{statement.place}: promised and not said: {promise}\n{self.server_log()}"
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self.server = None
            log.close()

    def stderr_tail(self):
        self.said.seek(0)
        return self.said.read()[-2000:]

    def close(self):
        try:
            self.stop_server()
        finally:
            self.shell.kill()
            self.shell.wait()
            self.said.close()


VARIES = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
]


def same_each_time(text):
    """An answer without what differs from run to run: ids and times."""
    for pattern, word in VARIES:
        text = pattern.sub(word, text)
    return json.loads(text)
