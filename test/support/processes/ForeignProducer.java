import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Base64;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * A producer that is not ours: the Java client with its own partitioner and codecs. Reads lines "codec key value", key
 * and value in base64, and prints "codec partition offset" for each. Every record has a header that stands twice and one
 * without a value, which no other client of these tests can write.
 */
public class ForeignProducer {
    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] words = line.split(" ");
            Properties settings = new Properties();
            settings.put("bootstrap.servers", args[0]);
            settings.put("compression.type", words[0]);
            settings.put("key.serializer", ByteArraySerializer.class.getName());
            settings.put("value.serializer", ByteArraySerializer.class.getName());
            try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
                Base64.Decoder base64 = Base64.getDecoder();
                ProducerRecord<byte[], byte[]> record =
                    new ProducerRecord<>(args[1], base64.decode(words[1]), base64.decode(words[2]));
                record.headers().add("twice", "one".getBytes()).add("twice", "two".getBytes()).add("empty", null);
                RecordMetadata metadata = producer.send(record).get();
                System.out.println(words[0] + " " + metadata.partition() + " " + metadata.offset());
            }
        }
    }
}
