"""Sends usage events with confluent-kafka; its serializer finds the schema in the gateway's registry by the topic."""

import os
import sys
import time
import uuid

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

topic = os.environ.get("TOPIC", "usage.metered")

producer = Producer({
    "bootstrap.servers": os.environ.get("BROKERS", "127.0.0.1:4692"),
    # librdkafka's own default sends a node to another partition than every other client: it must be murmur2.
    "partitioner": "murmur2_random",
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "zstd",
})

registry = SchemaRegistryClient({"url": os.environ.get("REGISTRY", "http://127.0.0.1:4681/schema-registry")})
serialize = AvroSerializer(registry, conf={"auto.register.schemas": False, "use.latest.version": True})

failed = []


def on_delivery(error, _message):
    if error is not None:
        failed.append(error)


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
    value = serialize(event, SerializationContext(topic, MessageField.VALUE))
    producer.produce(topic, key=node, value=value, on_delivery=on_delivery)

# An event is taken once the broker has acknowledged it, and not before.
waiting = producer.flush(30)
if failed or waiting:
    sys.exit(f"{waiting} events were not acknowledged: {failed[:1]}")
