package hivemeter.bench;

import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** Runs the job until all of its input is committed, then prints one line of JSON and ends. */
final class Main {
  private static final long POLL_MS = 5;

  private Main() {}

  public static void main(String[] words) throws Exception {
    Arguments given = Arguments.of(words);
    Span span = new Span(given.events());
    Map<String, Object> adminSettings = Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, given.brokers());
    try (Admin admin = Admin.create(adminSettings)) {
      KafkaStreams streams = new KafkaStreams(Job.topology(given, span), Job.settings(given));
      streams.setUncaughtExceptionHandler(error -> {
        error.printStackTrace();
        Runtime.getRuntime().halt(1);
        return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
      });
      streams.start();
      // Asking for offsets costs both sides, so it begins only when the last event was processed.
      while (!span.isComplete()) Thread.sleep(POLL_MS);
      while (!isCommitted(admin, given)) Thread.sleep(POLL_MS);
      System.out.println(span.report());
      System.out.flush();
    }
    // All is committed; leaving the group in order would only take time.
    Runtime.getRuntime().halt(0);
  }

  private static boolean isCommitted(Admin admin, Arguments given) throws Exception {
    Map<TopicPartition, OffsetAndMetadata> committed =
        admin.listConsumerGroupOffsets(given.application()).partitionsToOffsetAndMetadata().get();
    List<Long> ends = given.ends();
    for (int partition = 0; partition < ends.size(); partition++) {
      OffsetAndMetadata reached = committed.get(new TopicPartition(given.topic(), partition));
      if (ends.get(partition) > 0 && (reached == null || reached.offset() < ends.get(partition))) return false;
    }
    return true;
  }
}
