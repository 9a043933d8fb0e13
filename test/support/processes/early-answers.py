"""Sends each case of standard input with urllib, as a program of somebody else would, and says what it was told."""

import json
import sys
import urllib.error
import urllib.request

told = []
for case in json.load(sys.stdin):
    data = b"x" * case["bytes"]
    request = urllib.request.Request(case["url"], data=data, headers=case["headers"], method=case["method"])
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            told.append({"status": answer.status, "code": ""})
    except urllib.error.HTTPError as refused:
        told.append({"status": refused.code, "code": json.load(refused)["code"]})
    except Exception as error:  # What is asked is whether any of these happens.
        told.append({"status": 0, "code": repr(error)})
json.dump(told, sys.stdout)
