"""Calls operations through a Python client of openapi-generator: call.py PACKAGE URL KEY CALLS, one line of JSON for each answer."""

import datetime
import importlib
import inspect
import json
import sys
import typing


def plain(name):
    """A name of the document as it is found again, whatever the generator makes of its case and of its marks."""
    return "".join(letter for letter in name if letter.isalnum()).lower()


def written(value):
    """What models give for JSON, where their own writer does not know times."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def body_of(model, body):
    """A body in which what is given is set: `from_dict` sets every field, and a null in a change takes a value away."""
    made = model.from_dict(body)
    if "actual_instance" not in model.model_fields:
        for name, field in model.model_fields.items():
            if (field.alias or name) not in body:
                made.model_fields_set.discard(name)
    return made


def answer_of(method, call):
    # A word of Python stands behind "var_".
    values = {
        prefix + plain(parameter["name"]): parameter["value"]
        for parameter in call["parameters"]
        for prefix in ("", "var")
    }
    hints = typing.get_type_hints(method)
    arguments = {}
    for name in inspect.signature(method).parameters:
        if name.startswith("_"):
            continue
        if plain(name) in values:
            arguments[name] = values[plain(name)]
        elif hasattr(hints[name], "from_dict"):
            arguments[name] = body_of(hints[name], call["body"])
    response = method(**arguments)
    return described(response.status_code, response.data)


def described(status, data):
    kind = {list: "list", str: "text", dict: "object", type(None): "nothing"}.get(type(data), type(data).__name__)
    return {"status": status, "type": kind, "value": data.to_dict() if hasattr(data, "to_dict") else data}


def main():
    package, url, key, calls = sys.argv[1:]
    generated = importlib.import_module(package)
    client = generated.ApiClient(generated.Configuration(host=url, access_token=key))
    api = importlib.import_module(f"{package}.api")
    suffix = "_with_http_info"
    methods = {
        plain(name.removesuffix(suffix)): method
        for _, kind in inspect.getmembers(api, inspect.isclass)
        for name, method in inspect.getmembers(kind(client), inspect.ismethod)
        if name.endswith(suffix)
    }
    with open(calls, encoding="utf-8") as file:
        asked = json.load(file)
    for call in asked:
        try:
            answer = answer_of(methods[plain(call["operationId"])], call)
        except generated.ApiException as problem:
            answer = described(problem.status, problem.data)
        except Exception as error:  # Whatever it is, the test says of which operation.
            answer = {"error": repr(error)}
        print(json.dumps({"operationId": call["operationId"], **answer}, default=written))


main()
