"""Makes calls with the installed stripe-python and prints what its caller gets, as JSON.

Usage: stripe_calls.py '{"base": URL, "key": KEY, "calls": [["PaymentIntent", "create", {...}], ...]}'
"""
import json
import sys
from importlib.metadata import version

import stripe

order = json.loads(sys.argv[1])
stripe.api_base = order["base"]
stripe.api_key = order["key"]


def outcome(resource, method, params):
    try:
        made = getattr(getattr(stripe, resource), method)(**params)
    except Exception as error:  # whatever class the SDK chose is the finding
        return {
            "error": type(error).__name__,
            "http_status": getattr(error, "http_status", None),
            "headers": {k.lower(): v for k, v in (getattr(error, "headers", None) or {}).items()},
            "json_body": getattr(error, "json_body", None),
            "message": str(error),
        }
    reply = made.last_response
    return {
        "id": made.id,
        "status": made.status,
        "headers": {k.lower(): v for k, v in reply.headers.items()},
    }


print(json.dumps({"version": version("stripe"), "outcomes": [outcome(*c) for c in order["calls"]]}))
