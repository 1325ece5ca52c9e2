"""The contract as a judge: whatever a real client receives must be what contract/ says its route or feed answers."""

import json
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator, FormatChecker

CONTRACT = Path(__file__).parents[2] / "contract"

# What stands before the paths of a file, and the file. Other addresses of the exchange are nobody's contract.
BASES = {
    "/derivatives/api/v3": "rest.yaml",
    "/derivatives/api/v4": "rest.yaml",
    "/api/history": "history.yaml",
    "/api/charts": "charts.yaml",
    "/api/auth": "charts.yaml",
    "/api/stats": "charts.yaml",
}

# Kraken's own command line asks for history here.
ALIASES = {f"/derivatives/api/v3/{name}": f"/api/history/v3/{name}" for name in ("executions", "orders", "triggers", "accountlogcsv")}

# The one path of rest.yaml that is served under v4, and nothing else is.
IN_V4 = "/historicalfundingrates"


@cache
def contract(name):
    with (CONTRACT / name).open() as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def template_of(name, path):
    """The path of the contract that `path` is an instance of, or None; a literal path goes before a template."""
    paths = contract(name)["paths"]
    if path in paths:
        return path
    parts = path.split("/")
    for template in paths:
        pattern = template.split("/")
        pairs = zip(pattern, parts, strict=False)
        if len(pattern) == len(parts) and all(p == part or p.startswith("{") for p, part in pairs):
            return template
    return None


@cache
def answers(name, method, template, status):
    """Media types of one answer, each with its schema, compiled once."""
    answer = contract(name)["paths"][template][method]["responses"].get(str(status))
    assert answer is not None, f"{method} {template}: the contract knows no HTTP {status} here"
    if "$ref" in answer:
        answer = contract(name)["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    components = {"schemas": contract(name)["components"]["schemas"]}
    return {
        media: Draft202012Validator({"components": components, "allOf": [content["schema"]]}, format_checker=FormatChecker())
        for media, content in answer["content"].items()
    }


def judge(method, url, status, media, body):
    """Fails when an answer of the exchange's interface is not one that the contract gives."""
    path = urlsplit(str(url)).path
    path = ALIASES.get(path, path)
    base = next((base for base in BASES if path.startswith(base)), None)
    if base is None:
        return
    name = BASES[base]
    asked = path.removeprefix(base) if name == "rest.yaml" else path
    assert (base.endswith("v4")) == (asked == IN_V4), f"{path}: not a path of this version"
    template = template_of(name, asked)
    assert template is not None, f"{path}: a client asked for what the contract does not know"
    about = f"{method} {url}, HTTP {status}: {body.decode()}"
    media = media.partition(";")[0]
    known = answers(name, method.lower(), template, status)
    assert media in known, f"{media}, and the contract has {list(known)}: {about}"
    if media != "application/json":
        return
    answer = json.loads(body)
    if name == "rest.yaml":
        assert not (answer.get("result") == "success" and "error" in answer), about
    complain(known[media].iter_errors(answer), about)


@cache
def frames():
    """The schema of whatever the exchange may send over a WebSocket."""
    schema = json.loads((CONTRACT / "websocket.schema.json").read_text())
    return Draft202012Validator({"$defs": schema["$defs"], "$ref": "#/$defs/ServerMessage"})


def judge_frame(message):
    """Fails when a message of a WebSocket is not one that the contract gives."""
    complain(frames().iter_errors(message), json.dumps(message))


def complain(errors, about):
    found = [f"{error.message[:500]} at {error.json_path}" for error in errors]
    assert not found, f"not as the contract has it: {found[:3]}\n{about}"
