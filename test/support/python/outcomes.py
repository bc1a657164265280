"""What a caller of an official SDK gets: its result, or the exception with all that it carries.

Shared by the drivers beside it, each of which makes the calls of one SDK.
"""
import json
import sys


def plain(value):
    """JSON of what SDKs put in their results and exceptions."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if hasattr(value, "items"):
        return {str(name): plain(each) for name, each in value.items()}
    return str(value)


def public(thing):
    """The attributes of an object that are meant for others."""
    return {name: plain(value) for name, value in vars(thing).items() if name[0] != "_"}


def outcome(call, name, arguments):
    try:
        return {"result": call(name, *arguments)}
    except Exception as error:  # whatever class the SDK chose is the finding
        return {"error": {"class": type(error).__name__, "text": str(error), **public(error)}}


def report(prepare):
    """Reads the order {"base", "key", ..., "calls": [[name, argument, ...], ...]} from the command
    line, has `prepare` make of it a function that makes one call, and prints what each came to."""
    order = json.loads(sys.argv[1])
    call = prepare(order)
    print(json.dumps([outcome(call, name, arguments) for name, *arguments in order["calls"]]))
