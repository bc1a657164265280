"""Makes calls with the installed twilio-python and prints what its caller gets, as JSON.

The API host is set as its users do it; the other products have hosts of their own, which only a
client for HTTP can replace. `products` names where single ones are instead.

Usage: twilio_calls.py '{"base": URL, "username": U, "password": P, "account_sid": "AC..." or null,
    "products": {"verify": URL}, "calls": [["messages.create", {...}], ...]}'
"""
import re

from outcomes import plain, public, report
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

CALLS = {
    "messages.create": lambda client, params: client.messages.create(**params),
    "messages.list": lambda client, params: client.messages.list(**params),
    "messages.fetch": lambda client, sid: client.messages(sid).fetch(),
    "messages.cancel": lambda client, sid: client.messages(sid).update(status="canceled"),
    "calls.create": lambda client, params: client.calls.create(**params),
    "verifications.create": lambda client, service, params: (
        client.verify.v2.services(service).verifications.create(**params)
    ),
    "phone_numbers.fetch": lambda client, number, params: (
        client.lookups.v2.phone_numbers(number).fetch(**params)
    ),
}


class ProductClient(TwilioHttpClient):
    """Sends each product's calls to where the order says, and keeps the reply's headers: the SDK's
    exceptions have none."""

    def __init__(self, base, products):
        super().__init__()
        self.base, self.products, self.headers = base, products, {}

    def request(self, method, url, *args, **kwargs):
        def place(found):
            return self.products.get(found[1], f"{self.base}/{found[1]}")

        reply = super().request(
            method, re.sub(r"^https://(\w+)\.twilio\.com", place, url), *args, **kwargs
        )
        self.headers = {name.lower(): value for name, value in reply.headers.items()}
        return reply


def prepare(order):
    http = ProductClient(order["base"], order.get("products", {}))
    client = Client(
        order["username"], order["password"], order.get("account_sid"), http_client=http
    )
    client.api.base_url = order["base"]

    def call(name, *arguments):
        try:
            made = CALLS[name](client, *arguments)
        except Exception as error:
            error.headers = http.headers
            raise
        if isinstance(made, list):
            return [public(each) for each in made]
        return {**public(made), "headers": plain(http.headers)}

    return call


report(prepare)
