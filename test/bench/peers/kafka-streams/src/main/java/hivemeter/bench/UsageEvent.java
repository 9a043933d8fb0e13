package hivemeter.bench;

import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What the job needs of a usage event; the other fields are skipped while decoding. */
record UsageEvent(byte[] id, String nodeId, long occurredAtMs, long durationMs, long tokens, long costNanoUsd) {
  /** Nothing in the job writes an event: it reads them only. */
  static Serde<UsageEvent> serde() {
    return Serdes.serdeFrom(
        (topic, event) -> {
          throw new SerializationException("the job writes no events");
        },
        new UsageEventDeserializer());
  }
}
