package hivemeter.bench;

import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.processor.internals.InternalProcessorContext;
import org.apache.kafka.streams.processor.internals.ProcessorNode;
import org.apache.kafka.streams.processor.internals.ProcessorRecordContext;
import org.apache.kafka.streams.state.WindowStore;

/**
 * The whole job of one partition: drops repeats, adds up, and at each commit hands out the windows that changed. One
 * processor behind the source, so that records without a key are not dropped and nothing is partitioned anew.
 */
final class Meter implements Processor<byte[], UsageEvent, String, String> {
  static final String IDS = "ids";
  static final String SUMS = "sums";

  /** An id is kept under its second, which an exact repeat shares: fewer segments in memory than one a millisecond. */
  private static final long ID_STEP_MS = 1_000;
  private static final int COUNT_STEP = 1_024;
  private static final byte[] SEEN = {};

  private final Span span;
  private final boolean dedupe;
  private InternalProcessorContext<String, String> context;
  private ProcessorNode<?, ?, ?, ?> node;
  private WindowStore<byte[], byte[]> ids;
  private WindowSums sums;
  private boolean begun;
  private int uncounted;

  Meter(Span span, boolean dedupe) {
    this.span = span;
    this.dedupe = dedupe;
  }

  @Override
  public void init(ProcessorContext<String, String> given) {
    context = (InternalProcessorContext<String, String>) given;
    node = context.currentNode();
    if (dedupe) ids = context.getStateStore(IDS);
    sums = new WindowSums(context.getStateStore(SUMS));
    CommitHook hook = context.getStateStore(CommitHook.NAME);
    hook.onCommit(this::commit);
  }

  @Override
  public void process(Record<byte[], UsageEvent> record) {
    if (!begun) {
      begun = true;
      span.begin();
    }
    UsageEvent event = record.value();
    if (!dedupe || isNew(event)) sums.add(event);
    if (++uncounted == COUNT_STEP) count();
  }

  private void count() {
    span.count(uncounted);
    uncounted = 0;
  }

  private boolean isNew(UsageEvent event) {
    long atMs = event.occurredAtMs() - event.occurredAtMs() % ID_STEP_MS;
    if (ids.fetch(event.id(), atMs) != null) return false;
    ids.put(event.id(), SEEN, atMs);
    return true;
  }

  /** Within the transaction that is about to be committed, as a caching store would. */
  private void commit() {
    count();
    ProcessorNode<?, ?, ?, ?> before = context.currentNode();
    ProcessorRecordContext recordBefore = context.recordContext();
    long nowMs = System.currentTimeMillis();
    RecordHeaders none = new RecordHeaders();
    context.setCurrentNode(node);
    context.setRecordContext(new ProcessorRecordContext(nowMs, -1, context.taskId().partition(), null, none));
    try {
      sums.commit((window, value) -> context.forward(new Record<>(
          window.nodeId() + '|' + window.startMs(),
          value.events + "," + value.durationMs + ',' + value.costNanoUsd + ',' + value.tokens,
          nowMs)));
    } finally {
      context.setCurrentNode(before);
      context.setRecordContext(recordBefore);
    }
  }
}
