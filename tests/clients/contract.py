"""The contract as a judge: whatever a real client receives must be what contract/rest.yaml says its route answers."""

import json
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator, FormatChecker

BASE = "/derivatives/api/v3"
FILE = Path(__file__).parents[2] / "contract" / "rest.yaml"


@cache
def contract():
    with FILE.open() as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def template_of(path):
    """The path of the contract that `path` is an instance of, or None; a literal path goes before a template."""
    paths = contract()["paths"]
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
def validator(method, template, status):
    """The schema of one answer, compiled once."""
    answer = contract()["paths"][template][method]["responses"].get(str(status))
    assert answer is not None, f"{method} {template}: the contract knows no HTTP {status} here"
    if "$ref" in answer:
        answer = contract()["components"]["responses"][answer["$ref"].rsplit("/", 1)[1]]
    schema = answer["content"]["application/json"]["schema"]
    document = {"components": {"schemas": contract()["components"]["schemas"]}, "allOf": [schema]}
    return Draft202012Validator(document, format_checker=FormatChecker())


def judge(response):
    """Fails when an answer of the trading interface is not one that the contract gives."""
    path = urlsplit(response.url).path
    if not path.startswith(BASE):
        return
    method = response.request.method.lower()
    template = template_of(path.removeprefix(BASE))
    assert template is not None, f"{path}: a client asked for what the contract does not know"
    answer = json.loads(response.content)
    about = f"{method} {path}, HTTP {response.status_code}: {response.text}"
    assert response.headers["Content-Type"].startswith("application/json"), about
    assert not (answer.get("result") == "success" and "error" in answer), about
    errors = [
        f"{e.message} at {e.json_path}" for e in validator(method, template, response.status_code).iter_errors(answer)
    ]
    assert not errors, f"not as the contract has it: {errors[:3]}\n{about}"
