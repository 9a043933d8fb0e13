import { NO_MORE } from '../../schemas/usage.ts'
import type { UsageColumns } from './decode.ts'

/** The byte before each part of the content, so that no two different events have the same bytes. */
const PART = { gpus: 1, inferences: 2, tokensCached: 3, tokensReasoning: 4, execution: 5, label: 6 } as const

const NOTHING = Buffer.alloc(0)

/**
 * What event `index` has besides the fields of the first version, as bytes: only values that are not the default, with
 * labels by name. So an event that states a default, or labels in another order, has the content of one that does not.
 */
export function moreContent({ more, bytes }: UsageColumns, index: number): Buffer {
  const parts: Buffer[] = []
  const number = (part: number, value: number, standard: number): void => {
    if (value === standard) return
    const said = Buffer.alloc(1 + 8)
    said.writeUInt8(part)
    said.writeDoubleLE(value, 1)
    parts.push(said)
  }
  number(PART.gpus, more.gpus[index] as number, NO_MORE.gpus)
  number(PART.inferences, more.inferences[index] as number, NO_MORE.inferences)
  number(PART.tokensCached, more.tokensCached[index] as number, -1)
  number(PART.tokensReasoning, more.tokensReasoning[index] as number, -1)
  number(PART.execution, more.execution[index] as number, 0)
  for (const { nameStart, nameEnd, valueStart, valueEnd } of more.labels[index] ?? []) {
    const lengths = Buffer.alloc(1 + 4 + 4)
    lengths.writeUInt8(PART.label)
    lengths.writeUInt32LE(nameEnd - nameStart, 1)
    lengths.writeUInt32LE(valueEnd - valueStart, 5)
    parts.push(lengths, bytes.subarray(nameStart, nameEnd), bytes.subarray(valueStart, valueEnd))
  }
  return parts.length === 0 ? NOTHING : Buffer.concat(parts)
}
