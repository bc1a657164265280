"""Calls run_billing of an example and waits for its chord to end; prints how each task ended.

run_billing gives its chord's result to nobody, so the ids are read from what it publishes.

Usage: run_chord.py MODULE '{"customer_ids": [...], "amount_cents": N, "budget_usd": N}' SECONDS
"""
import importlib
import json
import sys

from celery.result import AsyncResult
from celery.signals import before_task_publish

header, callbacks = [], set()


@before_task_publish.connect
def note(body=None, headers=None, **_):
    header.append(headers["id"])
    callbacks.add(body[2]["chord"]["options"]["task_id"])


def ended(task_id):
    result = AsyncResult(task_id, app=billing.app)
    value = result.get(propagate=False, timeout=float(sys.argv[3]))
    failed = isinstance(value, BaseException)
    return {
        "id": task_id,
        "state": result.state,
        "error": type(value).__name__ if failed else None,
        "result": str(value) if failed else value,
    }


billing = importlib.import_module(sys.argv[1])
billing.run_billing(**json.loads(sys.argv[2]))
(callback,) = callbacks
print(json.dumps({"header": [ended(i) for i in header], "callback": ended(callback)}))
