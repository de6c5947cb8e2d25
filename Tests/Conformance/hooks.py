"""What schemathesis has to know about this API beyond its OpenAPI document. scripts/conformance loads it."""

import itertools
import re
import zlib

import schemathesis
from schemathesis.generation.meta import TestPhase
from schemathesis.specs.openapi.stateful.dependencies import resources

# Members of our envelope that schemathesis would take for members of what the envelope holds.
resources.ENVELOPE_METADATA_FIELDS |= {"requestid", "timestamp"}
# Seconds. A request that may wait for a change waits no longer, or a run would be spent on waiting.
LONGEST_WAIT = 1
# Members that name something of the catalogue. What is generated for them exists nowhere.
SLUGS = ("image", "region", "specification", "newSpecification")
# One in so many generated slugs stays, to be refused.
KEEP_ONE_IN = 8

# What may be base64, and base64 of user data: no pattern tells what is encoded.
BASE64 = re.compile("\ufeff?[A-Za-z0-9+/=\\s]+")
USER_DATA = "IyEvYmluL3NoCg=="

# Makes Idempotency-Keys that are used once.
fresh_keys = (f"{number:08x}-0000-4000-8000-000000000000" for number in itertools.count(1))

# The example of each request body in the document, by path and method.
examples = {}


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Leaves out answers that never end: a case is over when its answer is. Remembers the examples of bodies."""
    for path, item in list(raw_schema.get("paths", {}).items()):
        for method, operation in item.items():
            if isinstance(operation, dict) and "example" in json_body(operation):
                examples[path, method] = json_body(operation)["example"]
        for method in [name for name, operation in item.items() if is_endless(operation)]:
            print(f"left out, since it never ends: {method.upper()} {path}")
            del item[method]
        if not set(item) - {"parameters", "summary", "description"}:
            del raw_schema["paths"][path]


def is_endless(operation):
    if not isinstance(operation, dict):
        return False
    content = operation.get("responses", {}).get("200", {}).get("content", {})
    return list(content) == ["text/event-stream"]


def json_body(operation):
    return operation.get("requestBody", {}).get("content", {}).get("application/json", {})


@schemathesis.hook
def map_body(context, body):
    """Puts the document's slugs in place of most generated ones, so that what is behind the catalogue is reached."""
    example = examples.get((context.operation.path, context.operation.method.lower()))
    if example is None or not isinstance(body, dict):
        return body
    if isinstance(body.get("name"), str):
        body = {**body, "name": printable(body["name"])}
    if isinstance(body.get("userData"), str) and BASE64.fullmatch(body["userData"]):
        body = {**body, "userData": USER_DATA}
    return {**body, **{name: example[name] for name in SLUGS if name in example and is_replaced(body.get(name))}}


def printable(name):
    """No pattern of the document's dialect tells which characters of Unicode can be seen."""
    return "".join(c if c.isprintable() and c != " " and ord(c) < 0x250 else "x" for c in name)


def is_replaced(slug):
    return isinstance(slug, str) and 0 < len(slug) <= 64 and zlib.crc32(slug.encode("utf-8", "replace")) % KEEP_ONE_IN > 0


@schemathesis.hook
def before_call(context, case, kwargs):
    """
    Shortens waits. What is no number of seconds is left as it is, to be refused. Parameters that the document does not name
    are ignored by the server; schemathesis takes them for an error in a query that a hook has changed, so they are left out.
    """
    query = case.query
    if not isinstance(query, dict) or "wait" not in query:
        return
    try:
        too_long = int(query.get("timeout", LONGEST_WAIT + 1)) > LONGEST_WAIT
    except (TypeError, ValueError):
        return
    if too_long:
        case.query = {"wait": query["wait"], "timeout": str(LONGEST_WAIT)}


@schemathesis.hook
def map_case(context, case):
    """
    Makes each create of a story a new one. A generated Idempotency-Key is often an earlier one again, whose compute
    may be deleted by now; the other phases go on to use those.
    """
    key = (case.headers or {}).get("Idempotency-Key")
    if case.meta is not None and case.meta.phase.name == TestPhase.STATEFUL and isinstance(key, str) and len(key) == 36:
        case.headers["Idempotency-Key"] = next(fresh_keys)
    return case


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Lets through what only looks like a failure."""
    kind = type(failure).__name__
    if kind == "UseAfterFree":
        return not is_on_its_way(case, response)
    if kind == "EnsureResourceAvailability":
        return not is_about(response, "snapshot")
    if kind == "RejectedPositiveData":
        return not (has_negative_part(case) or is_about(response, "cursor") or is_of_state(response))
    return True


def is_on_its_way(case, response):
    """
    A DELETE answers 202, and what is deleted can be seen, DESTROYING or DELETING, for a while; and also when it is gone by
    whoever waits for that.
    """
    try:
        state = response.json()["data"]["state"]
    except (KeyError, TypeError, ValueError):
        return False
    waited_for = str((case.query or {}).get("wait", "")).split(",")
    return state in ("DESTROYING", "DELETING") or (state in ("DESTROYED", "DELETED") and state in waited_for)


def has_negative_part(case):
    """The coverage phase puts a value that the document forbids into an optional header, and takes the case for valid."""
    parts = case.meta.components.values() if case.meta is not None else []
    return any(part.mode.is_negative for part in parts)


def is_of_state(response):
    """400 COMPUTE_RUNNING is about the compute, not about the request (API reference, "Error codes")."""
    try:
        return response.json()["code"] == "COMPUTE_RUNNING"
    except (KeyError, TypeError, ValueError):
        return False


def is_about(response, field):
    """
    Whether a part of the request is at fault of which the document can't say what the server has: a cursor, which is
    opaque, or the id of a snapshot in a body, while the compute in the path was just created.
    """
    try:
        return [error["field"] for error in response.json()["errors"]] == [field]
    except (KeyError, TypeError, ValueError):
        return False
