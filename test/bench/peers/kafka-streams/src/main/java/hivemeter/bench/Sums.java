package hivemeter.bench;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** What the events of one node and minute add up to. */
record Sums(long events, long durationMs, long costNanoUsd, long tokens) {
  static final Sums NONE = new Sums(0, 0, 0, 0);

  Sums plus(UsageEvent event) {
    return new Sums(
        events + 1,
        durationMs + event.durationMs(),
        costNanoUsd + event.costNanoUsd(),
        tokens + event.tokens());
  }

  String text() {
    return events + "," + durationMs + ',' + costNanoUsd + ',' + tokens;
  }

  static Serde<Sums> serde() {
    return Serdes.serdeFrom(
        (topic, sums) ->
            ByteBuffer.allocate(32)
                .putLong(sums.events)
                .putLong(sums.durationMs)
                .putLong(sums.costNanoUsd)
                .putLong(sums.tokens)
                .array(),
        (topic, bytes) -> {
          if (bytes == null) return null;
          ByteBuffer from = ByteBuffer.wrap(bytes);
          return new Sums(from.getLong(), from.getLong(), from.getLong(), from.getLong());
        });
  }
}
