package hivemeter.bench;

import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.AutoOffsetReset;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.WindowBytesStoreSupplier;
import org.apache.kafka.streams.state.WindowStore;

/** Topology and settings of the job. */
final class Job {
  private static final Duration ID_RETENTION = Duration.ofMinutes(15);
  private static final Duration WINDOW = Duration.ofMillis(WindowSums.WINDOW_MS);
  private static final Duration SUMS_RETENTION = WINDOW.plusMillis(WindowSums.GRACE_MS);

  private Job() {}

  static Topology topology(Arguments given, Span span) {
    TimestampExtractor eventTime = (record, partitionTime) -> ((UsageEvent) record.value()).occurredAtMs();
    Topology topology = new Topology();
    topology.addSource(
        AutoOffsetReset.earliest(),
        "events",
        eventTime,
        new ByteArrayDeserializer(),
        new UsageEventDeserializer(),
        given.topic());
    topology.addProcessor("meter", () -> new Meter(span, given.dedupe()), "events");
    if (given.dedupe()) {
      topology.addStateStore(
          store(given, Meter.IDS, ID_RETENTION, ID_RETENTION, Serdes.ByteArray()), "meter");
    }
    topology.addStateStore(store(given, Meter.SUMS, SUMS_RETENTION, WINDOW, Serdes.String()), "meter");
    topology.addStateStore(new CommitHook.Builder(), "meter");
    topology.addSink("sums-out", given.output(), new StringSerializer(), new StringSerializer(), "meter");
    return topology;
  }

  /** Not cached: ids are written once each, and sums reach their store once a commit. */
  private static <K> StoreBuilder<WindowStore<K, byte[]>> store(
      Arguments given, String name, Duration retention, Duration window, Serde<K> keys) {
    WindowBytesStoreSupplier supplier =
        given.inMemory()
            ? Stores.inMemoryWindowStore(name, retention, window, false)
            : Stores.persistentWindowStore(name, retention, window, false);
    return Stores.windowStoreBuilder(supplier, keys, Serdes.ByteArray()).withCachingDisabled();
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
    settings.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, RocksDbSettings.class);
    settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 5_000);
    settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 5_000);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1_024);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64L * 1_048_576);
    return settings;
  }
}
