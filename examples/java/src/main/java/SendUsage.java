import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Future;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Sends usage events with Kafka's own client; the schema comes from the gateway's registry, the framing is five bytes.
 * With Confluent's KafkaAvroSerializer instead: use.latest.version=true, auto.register.schemas=false.
 */
public final class SendUsage {
  public static void main(String[] args) throws Exception {
    String topic = setting("TOPIC", "usage.metered");
    String registry = setting("REGISTRY", "http://127.0.0.1:4681/schema-registry");
    JsonNode latest = get(registry + "/subjects/" + topic + "-value/versions/latest");
    Schema schema = new Schema.Parser().parse(latest.get("schema").asText());
    int id = latest.get("id").asInt();

    // Idempotent, acks=all and murmur2 over the key are this client's defaults.
    Map<String, Object> settings =
        Map.of("bootstrap.servers", setting("BROKERS", "127.0.0.1:4692"), "compression.type", "zstd");
    try (KafkaProducer<String, byte[]> producer =
        new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
      List<Future<RecordMetadata>> sends = new ArrayList<>();
      for (String node : System.getenv("NODES").split(",")) {
        GenericRecord event =
            new GenericRecordBuilder(schema)
                .set("event_id", new GenericData.Fixed(schema.getField("event_id").schema(), newId()))
                .set("node_id", node)
                .set("model_id", setting("MODEL", "gpt-4.1"))
                .set("task_source", symbol(schema, "task_source", "hive"))
                .set("occurred_at", System.currentTimeMillis())
                .set("tokens_in", 1_200L)
                .set("tokens_out", 300L)
                .set("cost_nano_usd", 290_000_000L)
                .build();
        sends.add(producer.send(new ProducerRecord<>(topic, node, framed(id, schema, event))));
      }
      // Throws where the broker has not acknowledged one of them.
      for (Future<RecordMetadata> send : sends) send.get();
    }
  }

  /** A zero byte, the schema's id in four bytes, the value. */
  private static byte[] framed(int id, Schema schema, GenericRecord event) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream frame = new DataOutputStream(bytes);
    frame.writeByte(0);
    frame.writeInt(id);
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(schema).write(event, encoder);
    encoder.flush();
    return bytes.toByteArray();
  }

  private static byte[] newId() {
    UUID id = UUID.randomUUID();
    return ByteBuffer.allocate(16)
        .putLong(id.getMostSignificantBits())
        .putLong(id.getLeastSignificantBits())
        .array();
  }

  private static Object symbol(Schema schema, String field, String value) {
    return new GenericData.EnumSymbol(schema.getField(field).schema(), value);
  }

  private static JsonNode get(String url) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
    HttpResponse<String> answer =
        HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) throw new IllegalStateException(answer.body());
    return new ObjectMapper().readTree(answer.body());
  }

  private static String setting(String name, String otherwise) {
    return System.getenv().getOrDefault(name, otherwise);
  }
}
