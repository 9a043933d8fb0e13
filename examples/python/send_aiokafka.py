"""Sends usage events with aiokafka and fastavro; the schema comes from the gateway's registry, the framing is five bytes."""

import asyncio
import io
import json
import os
import struct
import time
import urllib.request
import uuid

import fastavro
from aiokafka import AIOKafkaProducer

topic = os.environ.get("TOPIC", "usage.metered")
registry = os.environ.get("REGISTRY", "http://127.0.0.1:4681/schema-registry")

with urllib.request.urlopen(f"{registry}/subjects/{topic}-value/versions/latest") as answer:
    latest = json.load(answer)
schema = fastavro.parse_schema(json.loads(latest["schema"]))


def framed(event):
    """A zero byte, the schema's id in four bytes, the value."""
    value = io.BytesIO()
    value.write(struct.pack(">bI", 0, latest["id"]))
    fastavro.schemaless_writer(value, schema, event)
    return value.getvalue()


async def main():
    # Its default partitioner is murmur2 over the key, as Kafka's own.
    producer = AIOKafkaProducer(
        bootstrap_servers=os.environ.get("BROKERS", "127.0.0.1:4692"),
        enable_idempotence=True,
        acks="all",
        compression_type="gzip",
    )
    await producer.start()
    try:
        sends = []
        for node in os.environ["NODES"].split(","):
            event = {
                "event_id": uuid.uuid4().bytes,
                "node_id": node,
                "model_id": os.environ.get("MODEL", "gpt-4.1"),
                "task_source": "hive",
                "occurred_at": int(time.time() * 1000),
                "tokens_in": 1200,
                "tokens_out": 300,
                "cost_nano_usd": 290_000_000,
            }
            sends.append(await producer.send(topic, framed(event), key=node.encode()))
        # Raises where the broker has not acknowledged one of them.
        await asyncio.gather(*sends)
    finally:
        await producer.stop()


asyncio.run(main())
