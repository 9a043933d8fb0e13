"""Sends one usage event in each form that CNCF's SDK makes: its older interface and its present one, binary and structured."""

import json
import sys
from datetime import datetime

import requests
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1 import http as older

url, time = sys.argv[1:]


def attributes(name):
    return {
        "id": name,
        "source": "/python",
        "type": "hivemeter.usage.v1",
        "subject": "node-1",
        "time": time,
    }


data = {"model_id": "llama", "task_source": "hive", "tokens_in": 7}


def sent(headers, body):
    answer = requests.post(url, headers=headers, data=body, timeout=30)
    return {"status": answer.status_code, "body": answer.json(), "content_type": headers.get("content-type")}


def present(make, name):
    message = make(CloudEvent({**attributes(name), "specversion": "1.0", "time": datetime.fromisoformat(time)}, data))
    return sent({key.lower(): value for key, value in message.headers.items()}, message.body)


said = {
    "older binary": sent(*older.to_binary(older.CloudEvent(attributes("older binary"), data))),
    "older structured": sent(*older.to_structured(older.CloudEvent(attributes("older structured"), data))),
    "binary": present(to_binary_event, "binary"),
    "structured": present(to_structured_event, "structured"),
}
print(json.dumps(said))
