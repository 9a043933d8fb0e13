import type { Adapter } from './adapter.ts'
import { readBitmain } from './bitmain/adapter.ts'
import { readSequence } from './sequence/adapter.ts'

/** Every adapter by the name that a node sends with the answers. Any other name is `unsupported`. */
export const ADAPTERS: ReadonlyMap<string, Adapter> = new Map<string, Adapter>([
  ['bitmain', { gives: 'telemetry', read: readBitmain }],
  ['sequence', { gives: 'counters', read: readSequence }],
])
