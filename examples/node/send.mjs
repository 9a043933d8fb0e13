// Sends usage events with kafkajs; the registry's client finds the schema in the gateway's registry by the topic.
import { randomUUID } from 'node:crypto'
import registryClient from '@kafkajs/confluent-schema-registry'
import kafkajs from 'kafkajs'

const { BROKERS = '127.0.0.1:4692', TOPIC = 'usage.metered', NODES = '', MODEL = 'gpt-4.1' } = process.env
const { REGISTRY = 'http://127.0.0.1:4681/schema-registry' } = process.env

const registry = new registryClient.SchemaRegistry({ host: REGISTRY })
const schemaId = await registry.getLatestSchemaId(`${TOPIC}-value`)

const kafka = new kafkajs.Kafka({ brokers: BROKERS.split(','), logLevel: kafkajs.logLevel.ERROR })
const producer = kafka.producer({
  // Kafka's own murmur2 over the key, which is also the default of this version.
  createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  idempotent: true,
  maxInFlightRequests: 1,
})
await producer.connect()
const messages = await Promise.all(
  NODES.split(',').map(async (node) => {
    const event = {
      event_id: Buffer.from(randomUUID().replaceAll('-', ''), 'hex'),
      node_id: node,
      model_id: MODEL,
      task_source: 'hive',
      occurred_at: Date.now(),
      tokens_in: 1_200,
      tokens_out: 300,
      cost_nano_usd: 290_000_000,
    }
    return { key: node, value: await registry.encode(schemaId, event) }
  }),
)
// Rejects where the broker has not acknowledged all of them.
await producer.send({ topic: TOPIC, acks: -1, compression: kafkajs.CompressionTypes.GZIP, messages })
await producer.disconnect()
