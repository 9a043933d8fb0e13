import { inboxConfigureCodec } from '../../../schemas/avro.ts'
import { CAPS_DEFAULT, LIVENESS_DEFAULT } from '../../../schemas/older-records.ts'
import type { InboxConfigure } from '../../../schemas/records.ts'

/** Account rules for tests: version 1, which allows metered work on every node, since otherwise no cost would be paid. */
export function testRules(fields: Partial<InboxConfigure> = {}): InboxConfigure {
  return {
    version: 1,
    spark_per_usd: 100,
    spark_mode: 'compatible',
    overrides: [{ name: 'allow_metered_for_hive', value: true }],
    liveness: [...LIVENESS_DEFAULT],
    caps: CAPS_DEFAULT,
    ...fields,
  }
}

/** The record of account.inbox that brings them into force. */
export function testRulesRecord(fields: Partial<InboxConfigure> = {}): Buffer {
  return inboxConfigureCodec.encode(testRules(fields))
}
