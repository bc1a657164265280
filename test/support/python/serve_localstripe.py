"""Serves localstripe on 127.0.0.1; its own command listens on every address.

Usage: serve_localstripe.py PORT
"""
import sys

from aiohttp import web
from localstripe.resources import Store
from localstripe.server import app

# It would keep its store in a file of a fixed name, beyond the end of the test.
Store.dump_to_disk = lambda self: None

web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
