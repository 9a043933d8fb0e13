package hivemeter.bench;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/** Clock and CPU from the first event processed to `report`, and from the middle event on. */
final class Span {
  private record Mark(long nanos, long cpuNanos, long processed) {}

  private final OperatingSystemMXBean system =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private final long events;
  private final AtomicLong processed = new AtomicLong();
  private volatile Mark first;
  private volatile Mark middle;

  Span(long events) {
    this.events = events;
  }

  /** Called before an event is processed; the first call counts. */
  void begin() {
    if (first != null) return;
    synchronized (this) {
      if (first == null) first = mark(0);
    }
  }

  /** Adds events that were processed, in steps: the threads share the counter. */
  void count(int more) {
    long now = processed.addAndGet(more);
    if (now < events / 2 || middle != null) return;
    synchronized (this) {
      if (middle == null) middle = mark(now);
    }
  }

  /** Whether every event was processed; not yet whether that is committed. */
  boolean isComplete() {
    return processed.get() >= events;
  }

  /** One line of JSON as of now. */
  String report() throws IOException {
    Mark end = mark(events);
    double seconds = (end.nanos - first.nanos) / 1e9;
    return String.format(
        Locale.ROOT,
        "{\"seconds\":%.6f,\"cpuSeconds\":%.6f,\"rssMb\":%d,\"eventsPerSecond\":%d,"
            + "\"detail\":{\"warmSeconds\":%.6f,\"warmEvents\":%d,\"warmCpuSeconds\":%.6f}}",
        seconds,
        (end.cpuNanos - first.cpuNanos) / 1e9,
        peakRssMb(),
        Math.round(events / seconds),
        (end.nanos - middle.nanos) / 1e9,
        events - middle.processed,
        (end.cpuNanos - middle.cpuNanos) / 1e9);
  }

  private Mark mark(long processed) {
    return new Mark(System.nanoTime(), system.getProcessCpuTime(), processed);
  }

  private static long peakRssMb() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) return Math.round(Long.parseLong(line.replaceAll("\\D", "")) / 1024.0);
    }
    return 0;
  }
}
