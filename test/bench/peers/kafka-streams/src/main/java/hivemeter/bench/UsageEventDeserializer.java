package hivemeter.bench;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;

/**
 * Decodes a value of usage-events.v2 that holds exactly one event: a zero byte, the schema's id (32 bits, big-endian),
 * then the Avro body. Written by hand and without a generic record, as the fastest decoder would be.
 */
final class UsageEventDeserializer implements Deserializer<UsageEvent> {
  private static final int FRAME_BYTES = 5;
  private static final int SCHEMA_ID = 5;
  private static final int EVENT_ID_BYTES = 16;

  @Override
  public UsageEvent deserialize(String topic, byte[] value) {
    if (value == null) return null;
    return new Reader(value).event();
  }

  /** A place in the bytes that moves on; one a record, so that a deserializer may serve any thread. */
  private static final class Reader {
    private final byte[] bytes;
    private int at = FRAME_BYTES;

    Reader(byte[] bytes) {
      this.bytes = bytes;
    }

    UsageEvent event() {
      int schemaId =
          (bytes[1] & 0xff) << 24 | (bytes[2] & 0xff) << 16 | (bytes[3] & 0xff) << 8 | (bytes[4] & 0xff);
      if (bytes[0] != 0 || schemaId != SCHEMA_ID) throw new SerializationException("not a usage-events.v2 record");
      long count = number();
      if (count < 0) {
        // A negative count is followed by the block's size in bytes.
        count = -count;
        number();
      }
      if (count != 1) throw new SerializationException("a record must hold one event, this one holds " + count);
      byte[] id = Arrays.copyOfRange(bytes, at, at + EVENT_ID_BYTES);
      at += EVENT_ID_BYTES;
      skipOptionalText(); // event_text
      String nodeId = text();
      skipOptionalText(); // operator_id
      skipText(); // model_id
      number(); // task_source
      long occurredAtMs = number();
      long tokens = number() + number(); // tokens_in, tokens_out
      long durationMs = optionalNumber();
      optionalNumber(); // gpu_ms
      optionalNumber(); // energy_mwh
      number(); // energy_source
      long costNanoUsd = number();
      skipOptionalText(); // goal_id
      skipOptionalText(); // requester_node_id
      skipOptionalText(); // reservation_id
      skipOptionalText(); // event_source
      // Few events have it, and none of the bench: what it costs to step over it is not measured.
      if (number() != 0) throw new SerializationException("an event of the bench says nothing more");
      if (number() != 0 || at != bytes.length) throw new SerializationException("a record must end after its event");
      return new UsageEvent(id, nodeId, occurredAtMs, durationMs, tokens, costNanoUsd);
    }

    /** An int, a long, an enum's index or a union's branch: zigzag in groups of seven bits. */
    private long number() {
      long raw = 0;
      for (int shift = 0; ; shift += 7) {
        byte next = bytes[at++];
        raw |= (long) (next & 0x7f) << shift;
        if (next >= 0) return raw >>> 1 ^ -(raw & 1);
      }
    }

    private long optionalNumber() {
      return number() == 0 ? 0 : number();
    }

    private String text() {
      int length = (int) number();
      String text = new String(bytes, at, length, StandardCharsets.UTF_8);
      at += length;
      return text;
    }

    private void skipText() {
      int length = (int) number();
      at += length;
    }

    private void skipOptionalText() {
      if (number() != 0) skipText();
    }
  }
}
