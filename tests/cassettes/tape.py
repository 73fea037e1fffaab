"""Cassettes without secrets: what is written down of an exchange is named here; everything else stays out.

vcrpy's own filters pass by `application/fhir+json`, PUT, and tokens in answers (vcr/filters.py of 9.4.2), so the
serializer scrubs: an allow-list of headers, placeholders for what authenticates, one host for all. Bodies are YAML too.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import vcr
import yaml
from vcr.request import Request

HERE = Path(__file__).parent
HOST = "https://ehr.example.org"
SECRET = "scrubbed"
"""What stands in the place of every token, assertion and secret."""

_KEPT_HEADERS = {"accept", "content-type", "if-match", "if-none-exist", "prefer", "location", "etag", "retry-after"}
_SECRET_FIELDS = {"access_token", "client_assertion", "client_secret", "id_token", "refresh_token", "password", "jti"}
_ORIGIN = re.compile(r"https?://(?:127\.0\.0\.1|localhost|\[::1\])(?::\d+)?")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")

Json = Any


class ReadableYaml:
    """vcrpy's serializer: scrubs on the way to the file, and gives bodies back as they were sent."""

    @staticmethod
    def serialize(cassette: dict[str, Any]) -> str:
        """The file's text."""
        kept = [_kept(item) for item in cassette["interactions"]]
        return yaml.safe_dump({"version": 1, "interactions": kept}, sort_keys=False, allow_unicode=True, width=120)

    @staticmethod
    def deserialize(text: str) -> dict[str, Any]:
        """What vcrpy replays."""
        cassette: dict[str, Any] = yaml.safe_load(text)
        for item in cassette["interactions"]:
            item["request"]["body"] = _flat(item["request"].pop("body"))
            item["response"]["body"] = {"string": _flat(item["response"].pop("body")) or b""}
        return cassette


def _kept(interaction: dict[str, Any]) -> dict[str, Any]:
    request, response = interaction["request"], interaction["response"]
    return {
        "request": {
            "method": request["method"],
            "uri": clean(request["uri"]),
            "headers": _headers(request["headers"]),
            "body": _readable(request["body"]),
        },
        "response": {
            "status": response["status"],
            "headers": _headers(response["headers"]),
            "body": _readable(response["body"].get("string")),
        },
    }


def _headers(headers: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [clean(one) for one in (value if isinstance(value, list) else [value])]
        for name, value in headers.items()
        if name.lower() in _KEPT_HEADERS
    }


def _readable(body: str | bytes | None) -> Json:
    """A body as `{json: …}`, `{form: …}` or `{text: …}`, without secrets; None for none."""
    text = body.decode() if isinstance(body, bytes) else body
    if not text:
        return None
    try:
        return {"json": scrubbed(json.loads(text))}
    except ValueError:
        pass
    if re.fullmatch(r"[\w.~%+*-]+=[^\s<>{}]*", text):
        return {"form": {name: scrubbed({name: value})[name] for name, value in parse_qsl(text)}}
    return {"text": clean(text)}


def _flat(body: dict[str, Any] | None) -> bytes | None:
    if body is None:
        return None
    if "json" in body:
        return json.dumps(body["json"], ensure_ascii=False, separators=(",", ":")).encode()
    return (urlencode(body["form"]) if "form" in body else str(body["text"])).encode()


def scrubbed(value: Json) -> Json:
    """JSON with placeholders for what authenticates, whatever its content type was called."""
    if isinstance(value, dict):
        return {
            name: SECRET if name in _SECRET_FIELDS and isinstance(item, str) else scrubbed(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [scrubbed(item) for item in value]
    return clean(value) if isinstance(value, str) else value


def clean(text: str) -> str:
    """A text with one host for all, and without tokens that look like one."""
    return _JWT.sub(SECRET, _ORIGIN.sub(HOST, text))


def _same_body(left: Request, right: Request) -> None:
    assert _readable(left.body) == _readable(right.body)


def _same_target(left: Request, right: Request) -> None:
    ours, theirs = (urlsplit(clean(request.uri)) for request in (left, right))
    assert (left.method, ours.path) == (right.method, theirs.path)
    assert sorted(parse_qsl(ours.query)) == sorted(parse_qsl(theirs.query))


def recorder(mode: str) -> vcr.VCR:
    """A VCR that records with `all`, and with `none` replays alone: nothing twice, nothing unknown."""
    tape = vcr.VCR(
        cassette_library_dir=str(HERE),
        record_mode=vcr.mode(mode),
        serializer="readable",
        match_on=["target", "body"],
        decode_compressed_response=True,
    )
    tape.register_serializer("readable", ReadableYaml)
    tape.register_matcher("target", _same_target)
    tape.register_matcher("body", _same_body)
    return tape
