package hivemeter.bench;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.LogAndContinueExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;

/** Topology and settings of the job. */
final class Job {
  private static final Duration ID_RETENTION = Duration.ofMinutes(15);
  private static final Duration WINDOW = Duration.ofMinutes(1);
  private static final Duration GRACE = Duration.ofMinutes(15);

  private Job() {}

  /**
   * The usual recipe: drop repeats with a window store of ids, then add up by key and window. The records have the node as
   * their key and stand in its partition, so nothing is partitioned anew.
   */
  static Topology topology(Arguments given, Span span) {
    StreamsBuilder builder = new StreamsBuilder();
    TimestampExtractor eventTime = (record, partitionTime) -> ((UsageEvent) record.value()).occurredAtMs();
    Consumed<String, UsageEvent> consumed =
        Consumed.with(Serdes.String(), UsageEvent.serde())
            .withTimestampExtractor(eventTime)
            .withOffsetResetPolicy(AutoOffsetReset.earliest());
    WindowBytesStoreSupplier ids = store(Once.IDS, ID_RETENTION, ID_RETENTION);
    builder.addStateStore(Stores.windowStoreBuilder(ids, Serdes.ByteArray(), Serdes.ByteArray()));
    builder.stream(given.topic(), consumed)
        .processValues(() -> new Once(span, given.idStepMs()), Once.IDS)
        .groupByKey(Grouped.with(Serdes.String(), UsageEvent.serde()))
        .windowedBy(TimeWindows.ofSizeAndGrace(WINDOW, GRACE))
        .aggregate(
            () -> Sums.NONE,
            (node, event, sums) -> sums.plus(event),
            Materialized.<String, Sums>as(store("sums", WINDOW.plus(GRACE), WINDOW))
                .withKeySerde(Serdes.String())
                .withValueSerde(Sums.serde())
                .withCachingEnabled())
        .toStream((window, sums) -> window.key() + '|' + window.window().start())
        .mapValues(Sums::text)
        .to(given.output(), Produced.with(Serdes.String(), Serdes.String()));
    return builder.build();
  }

  /** In memory: with RocksDB the same topology took more than twice the time. */
  private static WindowBytesStoreSupplier store(String name, Duration retention, Duration window) {
    return Stores.inMemoryWindowStore(name, retention, window, false);
  }

  static Properties settings(Arguments given) {
    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, given.application());
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, given.brokers());
    settings.put(StreamsConfig.STATE_DIR_CONFIG, given.stateDir());
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1_000);
    settings.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 128L * 1_048_576);
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    // Behind the events stand ticks of the aggregators that were measured on the same topic.
    settings.put(
        StreamsConfig.DESERIALIZATION_EXCEPTION_HANDLER_CLASS_CONFIG, LogAndContinueExceptionHandler.class);
    settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5_000);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1_024);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L * 1_048_576);
    return settings;
  }
}
