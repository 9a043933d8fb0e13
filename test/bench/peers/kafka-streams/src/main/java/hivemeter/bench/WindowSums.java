package hivemeter.bench;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.apache.kafka.streams.state.WindowStore;

/**
 * Sums per node and minute: objects in memory over a window store, written to it at each commit and not at each event.
 * What Streams' own record cache does, without serialising each value at each event.
 */
final class WindowSums {
  static final long WINDOW_MS = 60_000;
  static final long GRACE_MS = 15 * 60_000;

  record Window(String nodeId, long startMs) {}

  static final class Sums {
    long events;
    long durationMs;
    long costNanoUsd;
    long tokens;
    private boolean dirty;

    byte[] toBytes() {
      return ByteBuffer.allocate(32).putLong(events).putLong(durationMs).putLong(costNanoUsd).putLong(tokens).array();
    }

    static Sums of(byte[] stored) {
      Sums sums = new Sums();
      if (stored == null) return sums;
      ByteBuffer from = ByteBuffer.wrap(stored);
      sums.events = from.getLong();
      sums.durationMs = from.getLong();
      sums.costNanoUsd = from.getLong();
      sums.tokens = from.getLong();
      return sums;
    }
  }

  private final WindowStore<String, byte[]> store;
  private final Map<Window, Sums> held = new HashMap<>();
  private final List<Window> dirty = new ArrayList<>();
  private long streamTimeMs = Long.MIN_VALUE;
  private long evictedUntilMs = Long.MIN_VALUE;

  WindowSums(WindowStore<String, byte[]> store) {
    this.store = store;
  }

  /** Adds an event to its window, unless that has closed. */
  void add(UsageEvent event) {
    long atMs = event.occurredAtMs();
    if (atMs > streamTimeMs) streamTimeMs = atMs;
    long startMs = atMs - atMs % WINDOW_MS;
    if (isClosed(startMs)) return;
    Window window = new Window(event.nodeId(), startMs);
    Sums sums = held.get(window);
    if (sums == null) {
      sums = Sums.of(store.fetch(window.nodeId, startMs));
      held.put(window, sums);
    }
    if (!sums.dirty) {
      sums.dirty = true;
      dirty.add(window);
    }
    sums.events++;
    sums.durationMs += event.durationMs();
    sums.costNanoUsd += event.costNanoUsd();
    sums.tokens += event.tokens();
  }

  /** Writes every window that changed to the store and passes it on; forgets those that have closed. */
  void commit(BiConsumer<Window, Sums> changed) {
    for (Window window : dirty) {
      Sums sums = held.get(window);
      sums.dirty = false;
      store.put(window.nodeId, sums.toBytes(), window.startMs);
      changed.accept(window, sums);
    }
    dirty.clear();
    if (streamTimeMs - evictedUntilMs < WINDOW_MS && evictedUntilMs != Long.MIN_VALUE) return;
    evictedUntilMs = streamTimeMs;
    held.keySet().removeIf(window -> isClosed(window.startMs));
  }

  private boolean isClosed(long startMs) {
    return startMs + WINDOW_MS + GRACE_MS <= streamTimeMs;
  }
}
