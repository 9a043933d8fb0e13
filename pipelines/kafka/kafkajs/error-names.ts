import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { errorCodes } = require('kafkajs/src/protocol/error.js') as {
  readonly errorCodes: readonly { readonly type: string; readonly code: number }[]
}

/** Codes that are newer than kafkajs 2.2.4. */
const NEWER: readonly (readonly [code: number, name: string])[] = [[90, 'PRODUCER_FENCED']]

const NAMES = new Map([...errorCodes.map(({ code, type }) => [code, type] as const), ...NEWER])

/** Kafka's name of an error code, as kafkajs spells it; null for 0. */
export function errorName(code: number): string | null {
  return code === 0 ? null : (NAMES.get(code) ?? `ERROR_${code}`)
}
