"""Calls operations through a client of openapi-python-client: call.py PACKAGE URL KEY CALLS, one line of JSON for each answer."""

import importlib
import inspect
import json
import pkgutil
import sys
import typing


def plain(name):
    """A name of the document as it is found again, whatever the generator makes of its case and of its marks."""
    return "".join(letter for letter in name if letter.isalnum()).lower()


def body_of(annotation, value):
    """The body as an object of the generated model: where an object or a list may be sent, the object."""
    for kind in (annotation, *typing.get_args(annotation)):
        if hasattr(kind, "from_dict"):
            return kind.from_dict(value)
    raise TypeError(f"no model in {annotation}")


def answer_of(operation, client, call):
    values = {plain(parameter["name"]): parameter["value"] for parameter in call["parameters"]}
    hints = typing.get_type_hints(operation.sync_detailed)
    arguments = {}
    for name in inspect.signature(operation.sync_detailed).parameters:
        if name == "body":
            arguments[name] = body_of(hints[name], call["body"])
        elif plain(name) in values:
            arguments[name] = values[plain(name)]
    response = operation.sync_detailed(client=client, **arguments)
    parsed = response.parsed
    kind = {list: "list", str: "text", dict: "object", type(None): "nothing"}.get(type(parsed), type(parsed).__name__)
    return {
        "status": int(response.status_code),
        "type": kind,
        "value": parsed.to_dict() if hasattr(parsed, "to_dict") else parsed,
    }


def main():
    package, url, key, calls = sys.argv[1:]
    client = importlib.import_module(package).AuthenticatedClient(
        base_url=url, token=key, raise_on_unexpected_status=True
    )
    api = importlib.import_module(f"{package}.api")
    operations = {
        plain(found.name.rsplit(".", 1)[1]): importlib.import_module(found.name)
        for found in pkgutil.walk_packages(api.__path__, f"{package}.api.")
        if not found.ispkg
    }
    with open(calls, encoding="utf-8") as file:
        asked = json.load(file)
    for call in asked:
        try:
            answer = answer_of(operations[plain(call["operationId"])], client, call)
        except Exception as error:  # Whatever it is, the test says of which operation.
            answer = {"error": repr(error)}
        print(json.dumps({"operationId": call["operationId"], **answer}))


main()
