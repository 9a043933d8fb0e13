import type { Admin } from 'kafkajs'
import { layoutCodec } from '../../../schemas/avro.ts'
import type { Layout } from '../../../schemas/records.ts'
import { logRanges } from './admin.ts'
import type { KafkaOptions } from './client.ts'
import { readPartition } from '../read.ts'
import type { TransactionalWriter } from '../transaction.ts'

/** Key of the record that says which topics are in force; other records of its topic have keys of their own. */
const LAYOUT_KEY = '!layout'

/** The newest layout of an installation; null where none was written yet. Rejects where its topic does not exist. */
export async function readLayout(
  options: KafkaOptions & { readonly topic: string; readonly groupBase: string },
): Promise<Layout | null> {
  let found: Layout | null = null
  for await (const records of readPartition({ ...options, partition: 0 })) {
    for (const { key, value } of records) {
      if (key?.toString('latin1') === LAYOUT_KEY && value !== null) found = layoutCodec.decode(value)
    }
  }
  return found
}

/** The end of the layout's topic: it moves when a layout is written. */
export async function layoutEnd(admin: Admin, topic: string): Promise<bigint> {
  return (await logRanges(admin, topic)).get(0)?.end ?? 0n
}

/** Writes the layout that is in force from now on. A writer that was fenced in the meantime writes nothing. */
export async function writeLayout(writer: TransactionalWriter, topic: string, layout: Layout): Promise<void> {
  await writer.commit([{ topic, partition: 0, key: LAYOUT_KEY, value: layoutCodec.encode(layout) }])
}
