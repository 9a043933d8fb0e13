package hivemeter.bench;

import java.time.Duration;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.WindowStore;

/** Lets each event through once: looks its id up at its own time, which an exact repeat shares. Counts what it saw. */
final class Once implements FixedKeyProcessor<String, UsageEvent, UsageEvent> {
  static final String IDS = "ids";

  private static final int COUNT_STEP = 1_024;
  private static final Duration COUNT_INTERVAL = Duration.ofMillis(50);
  private static final byte[] SEEN = {};

  private final Span span;
  private final long idStepMs;
  private FixedKeyProcessorContext<String, UsageEvent> context;
  private WindowStore<byte[], byte[]> ids;
  private boolean begun;
  private int uncounted;

  Once(Span span, long idStepMs) {
    this.span = span;
    this.idStepMs = idStepMs;
  }

  @Override
  public void init(FixedKeyProcessorContext<String, UsageEvent> given) {
    context = given;
    ids = context.getStateStore(IDS);
    context.schedule(COUNT_INTERVAL, PunctuationType.WALL_CLOCK_TIME, nowMs -> count());
  }

  @Override
  public void process(FixedKeyRecord<String, UsageEvent> record) {
    if (!begun) {
      begun = true;
      span.begin();
    }
    if (isNew(record.value())) context.forward(record);
    if (++uncounted == COUNT_STEP) count();
  }

  private void count() {
    span.count(uncounted);
    uncounted = 0;
  }

  private boolean isNew(UsageEvent event) {
    long atMs = event.occurredAtMs() - event.occurredAtMs() % idStepMs;
    if (ids.fetch(event.id(), atMs) != null) return false;
    ids.put(event.id(), SEEN, atMs);
    return true;
  }
}
