import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClickHouseError } from '@clickhouse/client'
import { REPLICATED_ERRORS } from '../../test/support/oracles/replicated-errors.ts'
import { ClickhouseAway, ClickhouseRefused, clickhouseError } from './errors.ts'

// What a replicated server adds to what a single one says, and what a caller makes of it: look and try later, or stop.
for (const [outcome, codes] of Object.entries(REPLICATED_ERRORS)) {
  for (const [code, name] of Object.entries(codes)) {
    test(`${name} (${code}) is ${outcome}`, () => {
      const said = new ClickHouseError({ message: 'said', code, type: name })
      const error = clickhouseError(said, 'take rows')
      if (outcome === 'refused') assert(error instanceof ClickhouseRefused && error.code === Number(code))
      else assert(error instanceof ClickhouseAway && error.cause === said)
    })
  }
}
