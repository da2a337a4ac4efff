"""What schemathesis does not know of this API by itself.

A body of lines is a text, in its two forms; an idempotency key belongs to one request.
"""

import itertools
import json
import re

import schemathesis

LINES = ("application/x-ndjson", "text/csv")
NUMBERS = itertools.count()
WAITED = set()


@schemathesis.serializer(*LINES)
def written(_context, value):
    return value.encode("utf-8", errors="surrogatepass")


@schemathesis.hook
def filter_case(_context, case):
    """A number or an object in the place of a text is a text as soon as it is sent, so it can't be wrong."""
    return case.media_type not in LINES or isinstance(case.body, str)


@schemathesis.hook
def map_case(_context, case):
    """Changes what is sent where requests would stand in each other's way."""
    # One key for many requests would let all but the first be refused before anything of them is read.
    key = case.headers.get("Idempotency-Key") if case.headers else None
    if isinstance(key, str) and re.fullmatch("[!-~]{1,128}", key):
        case.headers["Idempotency-Key"] = f"{next(NUMBERS)}-{key}"[:128]
    # There is no broker, so that every wait is as long as can be: one of each kind is enough.
    wait = case.query.get("wait") if case.query else None
    if wait in ("closed", "complete"):
        if (case.operation.label, wait) in WAITED:
            del case.query["wait"]
        WAITED.add((case.operation.label, wait))
    return case


@schemathesis.deserializer("application/x-ndjson")
def read(_context, response):
    """The document shows one line; fuzzed.rs makes an array of it."""
    return [json.loads(line) for line in response.text.splitlines()]
