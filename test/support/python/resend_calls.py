"""Makes calls with the installed resend-python and prints what its caller gets, as JSON.

Usage: resend_calls.py '{"base": URL, "key": KEY, "calls": [["emails.send", {...}, {...}], ...]}'
"""
import resend
from outcomes import plain, report

CALLS = {
    "emails.send": resend.Emails.send,
    "emails.get": resend.Emails.get,
    "emails.cancel": resend.Emails.cancel,
    "batch.send": resend.Batch.send,
}


def prepare(order):
    resend.api_url = order["base"]
    resend.api_key = order["key"]
    return lambda name, *arguments: plain(CALLS[name](*arguments))


report(prepare)
