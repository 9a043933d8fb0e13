import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClickHouseError } from '@clickhouse/client'
import { REPLICATED_ERRORS } from '../../test/support/oracles/replicated-errors.ts'
import { ClickhouseAway, ClickhouseRefused, clickhouseError } from './errors.ts'

// Errors that a replicated server has in addition to those of a single one, and what the caller must do: look and try
// later, or stop.
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
