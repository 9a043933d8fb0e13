import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { RECEIPT_HEADER, RECEIPT_PROOF_HEADER } from '../../schemas/usage.ts'
import type { LogRecord } from '../log/records.ts'

/** Prevents that another text signed with the installation's key counts as a proof. */
const DOMAIN = 'hivemeter/receipt/1'

/**
 * The headers that state an original receipt, in UTC milliseconds, for a record of `topic` with this value. They can be
 * made only with the installation's id key; otherwise any producer could make an event of ten years ago payable.
 */
export function receiptHeaders(
  idKey: Buffer,
  topic: string,
  receiptMs: number,
  value: Buffer,
): Readonly<Record<string, string>> {
  const receipt = String(receiptMs)
  return { [RECEIPT_HEADER]: receipt, [RECEIPT_PROOF_HEADER]: proofOf(idKey, topic, receipt, value) }
}

/** The original receipt that a replay stated and proved; null where there is none, or where it is malformed or unproven. */
export function originalReceipt(
  idKey: Buffer,
  topic: string,
  record: Pick<LogRecord, 'headers' | 'value' | 'timestampMs'>,
): number | null {
  const stated = record.headers[RECEIPT_HEADER]?.toString('latin1')
  const proof = record.headers[RECEIPT_PROOF_HEADER]
  if (stated === undefined || proof === undefined || record.value === null) return null
  if (!/^\d{1,15}$/.test(stated)) return null
  const expected = Buffer.from(proofOf(idKey, topic, stated, record.value))
  if (expected.length !== proof.length || !timingSafeEqual(expected, proof)) return null
  const receipt = Number(stated)
  return receipt <= record.timestampMs ? receipt : null
}

function proofOf(idKey: Buffer, topic: string, receipt: string, value: Buffer): string {
  const content = createHash('sha256').update(value).digest('hex')
  // Names of topics contain no line breaks.
  return createHmac('sha256', idKey).update([DOMAIN, topic, receipt, content].join('\n')).digest('hex')
}
