"""Makes calls with the installed postmark-python and prints what its caller gets, as JSON.

It repeats a call that got 429, 500 or 503 or no answer in five seconds, three times if not told.

Usage: postmark_calls.py '{"base": URL, "key": KEY, "retries": N, "calls": [["send", {...}], ...]}'
"""
import postmark.sync
from outcomes import report


def prepare(order):
    client = postmark.sync.ServerClient(
        order["key"], base_url=order["base"], retries=order.get("retries", 3)
    )
    calls = {"send": client.outbound.send, "send_batch": client.outbound.send_batch}

    def call(name, *arguments):
        made = calls[name](*arguments)
        if isinstance(made, list):
            return [each.model_dump(mode="json") for each in made]
        return made.model_dump(mode="json")

    return call


report(prepare)
