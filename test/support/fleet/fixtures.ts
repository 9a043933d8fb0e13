import { readFileSync, readdirSync } from 'node:fs'
import { ADAPTERS } from '../../../pipelines/fleet/vendors/adapters.ts'
import { readPoll } from '../../../pipelines/fleet/poll.ts'
import type { Poll } from '../../../pipelines/fleet/poll.ts'
import { isJsonObject } from '../../../pipelines/json/json-object.ts'
import type { JsonObject } from '../../../pipelines/json/json-object.ts'

/** A pair of test/fixtures/fleet. */
export interface FleetFixture {
  readonly name: string
  readonly adapter: string
  readonly document: JsonObject
  readonly expected: JsonObject
}

const FOLDER = new URL('../../fixtures/fleet/', import.meta.url)

/** Every pair, in the order of the names. */
export function fleetFixtures(): FleetFixture[] {
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.json'))
  const names = files.filter((file) => !file.endsWith('.expected.json')).map((file) => file.slice(0, -5))
  return names.sort().map((name) => {
    const document = readObject(`${name}.json`)
    return {
      name,
      adapter: String(document['adapter']),
      document,
      expected: readObject(`${name}.expected.json`),
    }
  })
}

/** The pairs whose adapter is in the table. */
export function readableFixtures(): FleetFixture[] {
  return fleetFixtures().filter(({ adapter }) => ADAPTERS.has(adapter))
}

/** The document as a poll; throws where it is none. */
export function pollOf(document: unknown): Poll {
  const poll = readPoll(document)
  if ('problem' in poll) throw new Error(`No document of a poll: ${poll.problem}.`)
  return poll
}

function readObject(file: string): JsonObject {
  const value: unknown = JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))
  if (!isJsonObject(value)) throw new Error(`${file} holds no object.`)
  return value
}
