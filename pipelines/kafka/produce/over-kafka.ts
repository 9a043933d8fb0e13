import type { Clock } from '../../clock.ts'
import type { KafkaOptions } from '../kafkajs/client.ts'
import { KafkajsWire } from '../kafkajs/kafkajs-wire.ts'
import type { ProduceWire } from './wire.ts'

/** What the produce path works with: a cluster, and the time. */
export interface ProduceOver {
  readonly openWire: () => ProduceWire
  readonly clock: Clock
}

/** The produce path's connection to Kafka. It connects with the first request. */
export function overKafka(options: KafkaOptions): ProduceOver {
  return { openWire: () => new KafkajsWire(options), clock: options.clock }
}
