// Sends usage events with franz-go; the schema comes from the gateway's registry by the topic.
package main

import (
	"context"
	"crypto/rand"
	"log"
	"os"
	"strings"
	"time"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sr"
)

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// A UUID: sixteen bytes that no other event of the node has.
func newID() (id [16]byte) {
	if _, err := rand.Read(id[:]); err != nil {
		log.Fatal(err)
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	topic := setting("TOPIC", "usage.metered")

	registry, err := sr.NewClient(sr.URLs(setting("REGISTRY", "http://127.0.0.1:4681/schema-registry")))
	if err != nil {
		log.Fatal(err)
	}
	latest, err := registry.SchemaByVersion(ctx, topic+"-value", -1)
	if err != nil {
		log.Fatal(err)
	}
	schema, err := avro.Parse(latest.Schema.Schema)
	if err != nil {
		log.Fatal(err)
	}
	var serde sr.Serde
	serde.Register(latest.ID, map[string]any{}, sr.EncodeFn(func(event any) ([]byte, error) {
		return avro.Marshal(schema, event)
	}))

	// Idempotent, acks of all replicas and murmur2 over the key are its defaults.
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(setting("BROKERS", "127.0.0.1:4692"), ",")...),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)),
		kgo.ProducerBatchCompression(kgo.ZstdCompression()),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	var records []*kgo.Record
	for _, node := range strings.Split(os.Getenv("NODES"), ",") {
		value, err := serde.Encode(map[string]any{
			"event_id":      newID(),
			"node_id":       node,
			"model_id":      setting("MODEL", "gpt-4.1"),
			"task_source":   "hive",
			"occurred_at":   time.Now().UnixMilli(),
			"tokens_in":     int64(1200),
			"tokens_out":    int64(300),
			"cost_nano_usd": int64(290_000_000),
		})
		if err != nil {
			log.Fatal(err)
		}
		records = append(records, &kgo.Record{Topic: topic, Key: []byte(node), Value: value})
	}
	// An error where the broker has not acknowledged all of them.
	if err := client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		log.Fatal(err)
	}
}
