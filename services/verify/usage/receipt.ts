import { createHash, createHmac } from 'node:crypto'
import { rulesAt } from '../../../schemas/since.ts'
import type { Since } from '../../../schemas/since.ts'
import { RECEIPT_HEADER, RECEIPT_PROOF_HEADER } from '../../../schemas/usage.ts'
import type { SourceRecord } from '../source.ts'

/** The first rules by which a stated receipt needs a proof. */
const PROVEN = 2

/** What a record's receipt is judged by. */
export interface ReceiptParts {
  readonly topic: string
  readonly since: readonly Since[]
  /** The installation's id key; called where a record has a proof. */
  readonly idKey: () => Buffer
}

/** The receipt by which the age of a record's events is judged; a stated one can only be earlier than the record's. */
export function receiptOf(record: SourceRecord, { topic, since, idKey }: ReceiptParts): number {
  const { headers, offset, timestampMs, value } = record
  const stated = headers[RECEIPT_HEADER]?.toString('latin1') ?? ''
  if (!/^\d{1,15}$/.test(stated)) return timestampMs
  if (rulesAt(since, offset) >= PROVEN) {
    const proof = headers[RECEIPT_PROOF_HEADER]?.toString('latin1')
    if (proof === undefined || value === null || proof !== proofOf(idKey(), topic, stated, value))
      return timestampMs
  }
  return Math.min(Number(stated), timestampMs)
}

function proofOf(idKey: Buffer, topic: string, receipt: string, value: Buffer): string {
  const hash = createHash('sha256').update(value).digest('hex')
  const text = `hivemeter/receipt/1\n${topic}\n${receipt}\n${hash}`
  return createHmac('sha256', idKey).update(text).digest('hex')
}
