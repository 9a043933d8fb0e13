import { ProduceError } from '../../../pipelines/log/producer.ts'
import type { LogProducer } from '../../../pipelines/log/producer.ts'
import { PutBack } from '../../../services/reader/put-back.ts'

/** Puts events back into a log that acknowledges nothing, for readers whose tests are about something else. */
export function putBackNothing(): PutBack {
  const producer: LogProducer = {
    appendEach: (records) =>
      new Map(records.map(({ partition }) => [partition, Promise.reject(new ProduceError('no log'))])),
    append: async () => {
      throw new ProduceError('no log')
    },
    stop: async () => {},
  }
  return new PutBack({
    producer,
    meteredTopic: 'usage.metered',
    meteredTopics: new Set(['usage.metered']),
    partitions: 1,
    idKey: Buffer.alloc(32),
  })
}
