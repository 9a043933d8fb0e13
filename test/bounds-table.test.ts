import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TASK_BOUNDS } from '../pipelines/task/task.ts'
import { TOPICS } from '../schemas/topics.ts'
import { USAGE_BOUNDS } from '../schemas/usage.ts'
import { CONFIG_KEYS, settingOf } from '../services/runtime/config-schema.ts'
import { bound, boundText, namedNumbers } from './support/oracles/named-bounds.ts'
import { importsOf, trackedFiles, withoutComments } from './support/tree.ts'

// docs/bounds.md must equal the code: each value is compared, and no named number may be missing.

interface Row {
  readonly name: string
  readonly value: string
  readonly file: string
  readonly tests: string
}

const root = (path: string): URL => new URL(`../${path}`, import.meta.url)

function tableRows(): Row[] {
  return readFileSync(root('docs/bounds.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [name = '', value = '', file = '', , tests = ''] = line
        .split('|')
        .slice(1)
        .map((cell) => cell.trim().replaceAll('`', ''))
      return { name, value, file: `${file}.ts`, tests }
    })
}

const rows = tableRows()
const named = namedNumbers(['schemas', 'pipelines', 'services', 'infra'])
const placeOf = ({ file, name }: { file: string; name: string }): string => `${file} ${name}`

/** Named numbers that are no bounds: layouts, versions, shapes of the sample, rules with a section of their own. */
const NO_BOUNDS: ReadonlySet<string> = new Set(
  `DAYS_TO_EPOCH DECIMALS
  EXACT_DECIMALS RANGE_48_BITS DATE_MS_MAX SUM_COLUMNS FIRST_ADDED ENTRY_WORDS
  ENTRY_BYTES EVENTS INFERENCES RAW_SLACK WORD_SLACK_BYTES INITIAL_NODES ID_BYTES_MAX EVENT_ID_BYTES
  ENTRY_BYTES_MAX NULL VALUE LONG_BYTES_MAX TEXT_ROOM_BYTES KEYS_VERSION KEYS_PREFIX_BYTES ROOM_ROWS FRAME_SIZE_BYTES PART_BYTES_MIN TAIL_BYTES SLOT_WORDS NUMBER NUMBERS CHUNK_SHIFT
  MAGIC_AT MAGIC_OF_BATCHES ARENA_BYTES TAG_BYTES INITIAL_SLOTS INITIAL_DELTAS MAGIC FRAME_BYTES HEAD_BYTES FIRST_BYTES
  ARRAY_END XERIAL_HEADER_BYTES ZSTD_LEVEL ID_KEY_BYTES KEY_BYTES GROUP_ID_BYTES INSTANCE_BYTES
  GIVEN_TO_TOPIC TOKEN_BYTES MODELS_VERSION FOLDER_FORMAT METADATA METADATA_VERSION CORRELATION_ID STATE_FIELD START_TICKS_FIELD
  UNKNOWN_EXCEPTION BROKEN_PART READS THREADS_DEFAULT REDRAW_MS PROGRESS_LINE_MS MINUTE_WINDOW_MS
  QUARTER_HOUR_WINDOW_MS TDP_WATTS_DEFAULT PAID_API_ENERGY_MWH SCORE_UNIT FEATURED_FROM PRIORITY_FROM
  LIMIT_DEFAULT REPEAT_SHARE LATE_SHARE DELAY_MAX_MS API_MS_PER_TOKEN
  MWH_PER_GPU_MS OPERATORS SEED STEP_MS WITHOUT_OPERATOR_SHARE AGENTS_PER_WEIGHT POSTS_PER_WEIGHT IMPRESSIONS_PER_WEIGHT HASH_BYTES
  UPTIME_BONUS_SPARK MILESTONE_SPARK AD_MICRO_SPARK AD_BONUS_IMPRESSIONS FORMULA_VERSION REMAINDER_UNIT
  MINUTES_PER_HOUR AMOUNT_UNIT AMOUNT_DECIMALS KEY_ID_RANDOM_BYTES SECRET_BYTES PASSWORD_BYTES UUID_BYTES
  SASL_HANDSHAKE HANDSHAKE_VERSION ILLEGAL_SASL_STATE
  PARTITION_AT VERSION_AT FRAME_BLOCK_BYTES_MAX HEADER_BYTES BLOCK_HEADER_BYTES STEP_BYTES CHUNK_BYTES
  MAGIC_BYTES CONTENT_SIZE_BYTES DICTIONARY_ID_BYTES SUM_BYTES SIZE_BYTES
  MATCH_BYTES_MIN DISTANCE_BYTES GOES_ON BYTE_MAX LENGTH_AT EPOCH_AT ATTRIBUTES_AT LAST_DELTA_AT FIRST_TIMESTAMP_AT
  MAX_TIMESTAMP_AT PRODUCER_ID_AT PRODUCER_EPOCH_AT FIRST_SEQUENCE_AT COUNT_AT LENGTH_FROM
  RECORD_BYTES_MIN RULES KEYED_TICKS OWN_MODELS OWN_VERSIONS CONFIRMED_OPERATORS SHOWN_SET_ASIDE HAS_ROW NANO_DIGITS KEYED FORWARDING SENT_ON
  SINGLE_EVENTS SINGLE SUBJECT_NOT_FOUND VERSION_NOT_FOUND SCHEMA_NOT_FOUND
  BASE_OFFSET_BYTES BATCH_LENGTH_BYTES CHECKED_AT RECORDS_AT SEQUENCES TRANSACTION_COORDINATOR COORDINATOR_TYPE
  DECIMAL_DIGITS SMALL_BYTES SMALL_END I64_MAX USES_UP PROVEN OWN_TABLE LENGTH_BYTES TEXTS_APART BY_TEXT SOURCES
  TIME_MS_MIN_TOLD SHORT_LIST SHORT_DELTA FALSE BOOLEAN INT64 DOUBLE BYTE_ARRAY FIXED WIDE_BYTES DIGITS SCALE WIDE_BITS ZSTD PLAIN RLE DATA_PAGE REQUIRED OPTIONAL
  U32_MAX PRODUCT_EXACT_MS PAID_APART LATE_TOLD INT_MAX
  PAGE_WORKERS SLOT_S SLOT_MS CELL_MS WRAP_FROM WRAP INTERVAL_BITS INTERVAL_SHIFT RATE_CARRY TIMES OPEN_CELLS
  BEFORE FOUND_ROWS AS_IT_CAME COMPLETED FORMAT COUNT_BYTES TIME_BYTES
  RATE_SLOT_MS RATE_SLOTS MEAN_SLOT_MS MEAN_SLOTS SHARE_SLOT_MS SHARE_SLOTS WARMTH_SLOT_MS WARMTH_SLOTS
  VALUES_MIN RARE_INTERVAL_MS HASHES_PER_DIFFICULTY WRAP START_TOLERANCE_S SEVERE_PLACES
  ENTITY_ID_BYTES KEY_DIGITS TENTHS ALGORITHM_NUMBERS SPREAD_S SPREAD_MS MULTICAST READ_COMMITTED READ_UNCOMMITTED CHECKSUM_BYTES FRAME_HEAD_BYTES LZ4_SIZE_BYTES ZONES_FROM ORDER_FROM
  LAST_BYTE_MAX SEVEN_BITS DOUBLE_BYTES MAC_BYTES MAC_GROUP CLONES_COUNTED NO_CONFIGURATION
  CGMINER_PORT WHATSMINER_PORT HTTP_PORT AURADINE_PORT BITMAIN_POWER_PORT DCGM_PORT NUL CLIENT_NONCE_BYTES COMPLETE ID_BYTES
  PORT_MAX INTERVAL_S_DEFAULT POLL_SHARE_OF_INTERVAL JITTER_FROM DRIFT_PER_MS NOISE_SHARE CHOICE DIFFICULTY
  HASHES_PER_SHARE V3_STEP_HS AXE_STEP_HS CRC_AT BOOT_AT BOOT_ID_BYTES PACKED_AT UNPACKED_AT DIGITS_OF_NUMBER
  START_FIELD`.split(/\s+/),
)

/** True for verify's own models, which implement the rules a second time. */
const isSecondSaying = (file: string): boolean =>
  /^services\/verify\/(account\/\w+|fleet\/[\w/-]+|usage\/decode)\.ts$/.test(file)

/** True for units, which bound nothing. */
const isUnit = (file: string): boolean => file === 'schemas/units.ts'

/** True for verify, which has units of its own. */
const isApart = (file: string): boolean => file.startsWith('services/verify/')

const units = new Set(named.filter(({ file }) => isUnit(file)).map(({ name }) => name))

function textInCode({ name, file }: Row): string {
  const [object = '', ...path] = name.split('.')
  if (object === 'USAGE_BOUNDS') return fieldText(USAGE_BOUNDS, path)
  if (object === 'TASK_BOUNDS') return fieldText(TASK_BOUNDS, path)
  if (object === 'TOPICS') return fieldText(TOPICS, path)
  if (file === 'services/runtime/config-schema.ts') {
    const { minimum = Number.NaN, maximum = Number.NaN } = settingOf(name as (typeof CONFIG_KEYS)[number])
    return `${minimum.toLocaleString('en')} to ${maximum.toLocaleString('en')}`
  }
  return boundText(name, bound(file, name))
}

function fieldText(object: object, path: readonly string[]): string {
  let value: unknown = object
  for (const name of path) value = (value as Readonly<Record<string, unknown>>)[name]
  return boundText(path.at(-1) ?? '', Number(value))
}

test('every value of the table is that of the code', () => {
  assert.ok(rows.length > 200)
  assert.deepEqual(
    rows.map((row) => `${placeOf(row)} = ${row.value}`),
    rows.map((row) => `${placeOf(row)} = ${textInCode(row)}`),
  )
  assert.equal(new Set(rows.map(placeOf)).size, rows.length, 'each stands once')
})

test('every number that the source names is in the table, or is no bound', () => {
  const listed = new Set(rows.map(placeOf))
  const missing = named.filter(
    (one) =>
      !listed.has(placeOf(one)) &&
      !NO_BOUNDS.has(one.name) &&
      !isUnit(one.file) &&
      !(isApart(one.file) && units.has(one.name)) &&
      !isSecondSaying(one.file),
  )
  assert.deepEqual(missing.map(placeOf), [])
  const names = new Set(named.map(({ name }) => name))
  assert.deepEqual(
    [...NO_BOUNDS].filter((name) => !names.has(name)),
    [],
    'names that are no longer there',
  )
})

test('units have one name and one place, and no other file writes them as numbers', () => {
  assert.ok(units.size > 5)
  const again = named.filter(({ file, name }) => units.has(name) && !isUnit(file) && !isApart(file))
  assert.deepEqual(again.map(placeOf), [])
  const WRITTEN = /\b(60_000|3_600_000n?|86_400(_000)?n?|1_048_576|1_?024 \*\*? \d+)\b|[/*] 1_?000\b(?!n)/
  const product = trackedFiles().filter(
    ({ path }) => /^(schemas|pipelines|services|infra)\/.*(?<!\.test)\.ts$/.test(path) && !isUnit(path),
  )
  const written = product.flatMap(({ path, text }) =>
    isApart(path)
      ? []
      : withoutComments(text)
          .split('\n')
          .filter((line) => WRITTEN.test(line))
          .map((line) => `${path} ${line.trim()}`),
  )
  assert.deepEqual(written, [], 'take it from schemas/units.ts')
  const sharing = product.filter((file) => isApart(file.path) && importsOf(file).some(isUnit))
  assert.deepEqual(
    sharing.map(({ path }) => path),
    [],
    'shares no unit with what it checks',
  )
})

test('every field of the objects of bounds is in the table, and every setting that has bounds', () => {
  const listed = new Set(rows.map(({ name }) => name))
  const topics = Object.entries(TOPICS).flatMap(([role, { retentionMs }]) => {
    const size = `TOPICS.${role}.messageBytesMax`
    return retentionMs < 0 ? [size] : [size, `TOPICS.${role}.retentionMs`]
  })
  const expected = [
    ...Object.keys(USAGE_BOUNDS).map((name) => `USAGE_BOUNDS.${name}`),
    ...Object.keys(TASK_BOUNDS).map((name) => `TASK_BOUNDS.${name}`),
    ...topics,
    ...CONFIG_KEYS.filter((key) => settingOf(key).minimum !== undefined),
  ]
  assert.deepEqual(
    expected.filter((name) => !listed.has(name)),
    [],
  )
})

test('every bound names the test that drives it, which is there, or why none does', () => {
  for (const { name, tests } of rows) {
    if (/^not driven: .{5}/.test(tests)) continue
    const [path = ''] = tests.split(' ')
    assert.ok(existsSync(root(`${path}.test.ts`)), `${name}: ${path}`)
    if (!path.startsWith('test/bounds/') || path === 'test/bounds/settings') continue
    const [last = ''] = name.split('.').slice(-1)
    assert.ok(readFileSync(root(`${path}.test.ts`), 'utf8').includes(last), `${path} does not name ${name}`)
  }
})
