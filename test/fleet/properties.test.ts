import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { normalise } from '../../pipelines/fleet/normalise.ts'
import { readPoll } from '../../pipelines/fleet/poll.ts'
import { ADAPTERS } from '../../pipelines/fleet/vendors/adapters.ts'
import { isJsonObject } from '../../pipelines/json/json-object.ts'
import type { JsonObject } from '../../pipelines/json/json-object.ts'
import { pollOf, readableFixtures } from '../support/fleet/fixtures.ts'
import type { FleetFixture } from '../support/fleet/fixtures.ts'
import { alteredAnswers, withoutOneAnswer, withoutOnePart } from '../support/fleet/positions.ts'
import { newZeros } from '../support/fleet/zeros.ts'

const SEED = 417
const RUNS = 500

const fixtures = readableFixtures()
const nameOf = ({ adapter, name }: FleetFixture): string => `${adapter}: ${name}`
const answersOf = ({ document }: FleetFixture): readonly JsonObject[] => document['answers'] as JsonObject[]
const bytesOf = ({ body, body_text: text }: JsonObject): Buffer =>
  Buffer.from(typeof text === 'string' ? text : JSON.stringify(body))

/** What comes out is what a document can hold: finite numbers, rates that are whole and exact. */
function assertSound(value: unknown, name = ''): void {
  if (typeof value === 'number') {
    assert.ok(Number.isFinite(value), `${name} ${value}`)
    if (name.endsWith('_hs')) assert.ok(Number.isSafeInteger(value) && value >= 0, `${name} ${value}`)
  } else if (Array.isArray(value)) for (const item of value) assertSound(item, name)
  else if (isJsonObject(value))
    for (const [key, member] of Object.entries(value))
      assertSound(member, name === 'hashrate_hs' ? 'hashrate_hs' : key)
}

function soundOutcome(document: JsonObject): void {
  const outcome = normalise(pollOf(document))
  assert.notEqual(outcome, 'unsupported')
  assertSound(outcome)
}

describe('no input throws', () => {
  for (const [name, { gives }] of ADAPTERS) {
    const requests = fixtures
      .filter(({ adapter }) => adapter === name)
      .flatMap((fixture) => answersOf(fixture).map(({ request }) => String(request)))
    test(`${name} (${gives}): any JSON as each answer`, () => {
      const answer = fc.record({ request: fc.constantFrom(...requests), body: fc.jsonValue({ maxDepth: 4 }) })
      fc.assert(
        fc.property(fc.array(answer, { maxLength: 6 }), fc.boolean(), (answers, hasModel) => {
          const model = { make: 'Maker', model: 'Model 1', algorithm: 'SHA-256', boards: 3, fans: 2 }
          const context = hasModel ? { model } : {}
          soundOutcome({ adapter: name, collected_at: '2026-05-04T03:02:01Z', context, answers })
        }),
        { seed: SEED, numRuns: RUNS },
      )
    })
  }

  for (const fixture of fixtures) {
    test(`${nameOf(fixture)}, any JSON at any place`, () => {
      const places = [...alteredAnswers(fixture.document, () => [PLACE])]
      assert.ok(places.length > 5)
      const any = fc.oneof(
        fc.jsonValue({ maxDepth: 2 }),
        fc.constantFrom<unknown>(
          -1,
          1e300,
          -1e300,
          2 ** 53,
          2_147_483_647,
          'nan',
          '1e999',
          '9'.repeat(40),
          '-0',
        ),
      )
      fc.assert(
        fc.property(fc.constantFrom(...places), any, (place, value) => {
          const text = JSON.stringify(place).replace(JSON.stringify(PLACE), () => JSON.stringify(value))
          soundOutcome(JSON.parse(text) as JsonObject)
        }),
        { seed: SEED, numRuns: RUNS },
      )
    })

    test(`${nameOf(fixture)}, cut or with flipped bits`, () => {
      const answers = answersOf(fixture)
      fc.assert(
        fc.property(fc.nat(answers.length - 1), fc.nat(), fc.option(fc.nat(7)), (at, position, bit) => {
          const answer = answers[at] as JsonObject
          const bytes = bytesOf(answer)
          const place = position % bytes.length
          if (bit !== null) bytes[place] = (bytes[place] ?? 0) ^ (1 << bit)
          const text = (bit === null ? bytes.subarray(0, place) : bytes).toString()
          const damaged = { request: answer['request'], body_text: text }
          soundOutcome({ ...fixture.document, answers: answers.with(at, damaged) })
        }),
        { seed: SEED, numRuns: RUNS },
      )
    })
  }
})

const PLACE = 'the place that is replaced'
const SECRET = 'Zq7-kept-xW'
const SECRET_KEYS = [
  'password',
  'passwd',
  'Pass',
  'poolPassword',
  'pwd',
  'api_key',
  'authToken',
  'Worker Password',
]
/** Members that hold a text of the machine because that is what they are for. */
const SHOWN: ReadonlySet<string> = new Set(
  'model firmware fw_ver api_ver serial hostname url user status_raw message vendor_code algorithm event_id'.split(
    ' ',
  ),
)

const says = (value: unknown): boolean => JSON.stringify(value).toLowerCase().includes(SECRET.toLowerCase())
/** The outcome without the texts that are shown as they are. */
const withoutShown = (outcome: unknown): unknown =>
  JSON.parse(
    JSON.stringify(outcome, (name, value: unknown) =>
      SHOWN.has(name) && typeof value === 'string' ? '' : value,
    ),
  )

describe('a secret never comes out', () => {
  for (const fixture of fixtures) {
    test(`${nameOf(fixture)}, under a key that looks like a password`, () => {
      const planted = [
        ...alteredAnswers(fixture.document, (value) => {
          if (!isJsonObject(value)) return []
          const own = Object.fromEntries(SECRET_KEYS.map((key) => [key, SECRET]))
          const below = Object.fromEntries(SECRET_KEYS.map((key) => [key, [{ url: SECRET, value: SECRET }]]))
          return [
            { ...value, ...own },
            { ...value, ...below },
          ]
        }),
      ]
      for (const document of planted) assert.ok(!says(normalise(pollOf(document))))
    })

    test(`${nameOf(fixture)}, in the login of a URL at the place of any text`, () => {
      const urls = [
        `stratum+tcp://acct:${SECRET}@pool.example:3333`,
        `stratum+ssl://${SECRET}:x@pool.example:3333`,
        `stratum+tcp://a:p@/?#${SECRET}@pool.example:3333`,
      ]
      const planted = alteredAnswers(fixture.document, (value) => (typeof value === 'string' ? urls : []))
      for (const document of planted) assert.ok(!says(normalise(pollOf(document))), JSON.stringify(document))
    })

    test(`${nameOf(fixture)}, as any text: only where that text itself is shown`, () => {
      const planted = alteredAnswers(fixture.document, (value) => (typeof value === 'string' ? [SECRET] : []))
      for (const document of planted) {
        const outcome = normalise(pollOf(document))
        assert.ok(!says(withoutShown(outcome)), JSON.stringify(outcome))
      }
      for (const member of ['request', 'transport']) {
        const unusable = { [member]: SECRET, body_text: '{' }
        const answers = answersOf(fixture).map((answer) => Object.assign({}, answer, unusable))
        assert.ok(!says(normalise(pollOf({ ...fixture.document, answers }))))
      }
    })
  }

  test('what is no document is refused without a text of it', () => {
    for (const { document } of fixtures) {
      for (const member of Object.keys(document))
        for (const wrong of [SECRET, [SECRET], { request: SECRET }, [{ [SECRET]: SECRET }], null]) {
          assert.ok(!says(withoutShown(refusalOf({ ...document, [member]: wrong }))), member)
        }
    }
    for (const wrong of [SECRET, [SECRET], null, 417]) assert.ok('problem' in readPoll(wrong))
  })
})

/** Why a document is none; else nothing. */
function refusalOf(document: unknown): string | null {
  const poll = readPoll(document)
  return 'problem' in poll ? poll.problem : null
}

describe('what is missing is null or absent, never 0', () => {
  for (const fixture of fixtures) {
    test(nameOf(fixture), () => {
      const before = normalise(pollOf(fixture.document))
      const lacking = [...withoutOnePart(fixture.document), ...withoutOneAnswer(fixture.document)]
      assert.ok(lacking.length > 5)
      for (const document of lacking) {
        const zeros = newZeros(before, normalise(pollOf(document)))
        assert.deepEqual(zeros, [], JSON.stringify(document))
      }
    })
  }

  test('a new 0 is found', () => {
    const before = { boards: [{ slot: 1, chips: 0 }], power_w: 5 }
    assert.deepEqual(newZeros(before, { boards: [{ slot: 0 }, { slot: 1, chips: 0 }] }), [])
    assert.deepEqual(
      newZeros(before, {
        boards: [
          { slot: 2, chips: null },
          { slot: 3, chips: 0 },
        ],
      }),
      ['.boards[1].chips'],
    )
    assert.deepEqual(newZeros(before, { power_w: 0 }), ['.power_w'])
  })
})

test('a name that is no adapter is unsupported, as are names that every object has', () => {
  for (const adapter of ['gearmaker', '', '__proto__', 'constructor', 'Bitmain'])
    assert.equal(
      normalise(pollOf({ adapter, collected_at: '2026-05-04T03:02:01Z', answers: [] })),
      'unsupported',
    )
})
