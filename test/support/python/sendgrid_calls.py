"""Makes calls with the installed sendgrid-python and prints what its caller gets, as JSON.

Usage: sendgrid_calls.py '{"base": URL, "key": KEY, "calls": [["send", {...}], ...]}'
"""
from outcomes import report
from sendgrid import SendGridAPIClient


def prepare(order):
    client = SendGridAPIClient(api_key=order["key"], host=order["base"])
    calls = {"send": client.send}

    def call(name, *arguments):
        reply = calls[name](*arguments)
        return {
            "status_code": reply.status_code,
            "body": reply.body.decode(),
            "headers": {name.lower(): value for name, value in reply.headers.items()},
        }

    return call


report(prepare)
