import type { Config } from '../../services/runtime/config.ts'
import { VERSION } from '../../schemas/version.ts'
import type { Folder } from './folder.ts'
import type { Probe } from './probe.ts'
import { bearer, PROVIDER_NODE } from './local-keys.ts'
import type { LocalKeys } from './local-keys.ts'
import { addressOf } from './services.ts'
import { SECOND_MS } from '../../schemas/units.ts'

const ANSWER_TIMEOUT_MS = 5_000

export interface ReadyFacts {
  readonly config: Config
  readonly folder: Folder
  readonly versions: { readonly kafka: string; readonly clickhouse: string }
  readonly probe: Probe
  /** Undefined where access is off. */
  readonly keys: LocalKeys | undefined
  /** False where the output may be kept: then it shows where the keys are, and not the keys. */
  readonly showsKeys: boolean
  readonly elapsedMs: number
}

/** A request to repeat by hand: the line to type, and the answer that it just gave. */
export interface Example {
  readonly command: string
  readonly answer: string
}

/** The fields that are shown: `as_of` and the like advance with time, these stay as they are. */
const EVENT_FIELDS = ['event_id', 'usd_exact', 'settlement_id']
const ENTRY_FIELDS = ['entry_id', 'reference_id', 'spark']
const VIEW_FIELDS = ['node_id', 'formula_version', 'electricity_rate_kwh']

/** A key to send, and how the line to type names it. */
interface ExampleKey {
  readonly text: string
  readonly shown: string
}

/** As text, or as a command that reads it from its file when the line is typed. */
export function exampleKey(
  keys: LocalKeys | undefined,
  name: 'admin' | 'provider',
  showsKeys: boolean,
): ExampleKey | undefined {
  if (keys === undefined) return undefined
  const text = keys[name]
  const file = `'${keys.file.replaceAll("'", String.raw`'\''`)}'`
  const shown = showsKeys ? text : String.raw`$(sed -n 's/.*"${name}": "\(.*\)".*/\1/p' ${file})`
  return { text, shown }
}

async function example(
  url: string,
  key: ExampleKey | undefined,
  fields: readonly string[],
): Promise<Example> {
  const pattern = `"(${fields.join('|')})":[^,}]*`
  const answer = await fetch(url, {
    headers: bearer(key?.text),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  })
  const found = (await answer.text()).match(new RegExp(pattern, 'g')) ?? []
  const header = key === undefined ? '' : ` -H "Authorization: Bearer ${key.shown}"`
  return { command: `curl -s${header} '${url}' | grep -oE '${pattern}'`, answer: found.join('\n') }
}

/** The provider's node takes part, whether or not the sample has sent events for it. */
async function joinProvider(reader: string, key: string): Promise<void> {
  const answer = await fetch(`${reader}/api/settings/compute/provider/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...bearer(key) },
    body: JSON.stringify({ electricity_rate_kwh: '0.12' }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  })
  if (!answer.ok) throw new Error(`${PROVIDER_NODE} cannot join: ${answer.status} ${await answer.text()}`)
}

/** What was metered for the probe, what was paid for it, and the provider view of the provider key's own node. */
export async function fetchExamples(
  config: Config,
  probe: Probe,
  keys: LocalKeys | undefined,
  showsKeys: boolean,
): Promise<readonly Example[]> {
  const admin = exampleKey(keys, 'admin', showsKeys)
  const reader = addressOf('reader', config)
  if (keys !== undefined) await joinProvider(reader, keys.provider)
  return Promise.all([
    example(`${reader}/api/usage/events?node_id=${probe.nodeId}`, admin, EVENT_FIELDS),
    example(`${reader}/api/wallets/${probe.operatorId}/entries`, admin, ENTRY_FIELDS),
    ...(keys === undefined
      ? []
      : [
          example(
            `${reader}/api/settings/compute/provider`,
            exampleKey(keys, 'provider', showsKeys),
            VIEW_FIELDS,
          ),
        ]),
  ])
}

/** The last screen: where everything is, what was paid for what, and what to try. */
export function readyScreen(facts: ReadyFacts, examples: readonly Example[]): string {
  const { config, folder, probe } = facts
  const rows = [
    ['Reader', addressOf('reader', config), 'API, /docs, /openapi.json, /metrics'],
    ['Gateway', addressOf('gateway', config), 'POST /v1/events, /v1/heartbeats'],
    ['Kafka', config.kafkaBrokers.join(','), facts.versions.kafka],
    ['ClickHouse', config.clickhouseUrl, facts.versions.clickhouse],
    ['Data', folder.root, 'kept; npm run reset forgets it'],
    ['Logs', folder.logs, ''],
  ]
  const width = Math.max(...rows.map(([, where = '']) => where.length))
  const table = rows.map(([name = '', where = '', note = '']) =>
    `  ${name.padEnd(11)} ${where.padEnd(width)}  ${note}`.trimEnd(),
  )
  const tried = examples.flatMap(({ command, answer }) => [
    '',
    `  ${command}`,
    ...answer.split('\n').map((line) => `  → ${line.trimEnd()}`),
  ])
  const sample =
    config.sampleEventsPerSecond === 0
      ? 'No sample is sent (HIVEMETER_SAMPLE_EVENTS_PER_SECOND is 0).'
      : `A sample of 50 nodes keeps arriving, ${config.sampleEventsPerSecond} events a second.`
  return [
    '',
    `Hivemeter ${VERSION} is ready (${(facts.elapsedMs / SECOND_MS).toFixed(1)} s).`,
    '',
    ...table,
    ...keyLines(facts.keys, facts.showsKeys),
    '',
    `Event ${probe.eventId} of node ${probe.nodeId} cost 0.29 US dollars;`,
    `wallet entry ${probe.entryId} paid ${probe.spark} Spark for it to ${probe.operatorId}. To see both:`,
    ...tried,
    ...modeLines(config),
    '',
    `${sample} Ctrl-C stops everything.`,
  ].join('\n')
}

/** A user who begins with the original's rule is informed of the other one: what is paid by then stays as it was. */
function modeLines({ sparkMode, accountRulesVersion }: Config): string[] {
  if (sparkMode === 'exact') return []
  return [
    '',
    'A cost pays whole Spark, at least 1. HIVEMETER_SPARK_MODE=exact pays it to the micro-Spark instead, with',
    `HIVEMETER_ACCOUNT_RULES_VERSION=${accountRulesVersion + 1}, from the next start on.`,
  ]
}

/** Keys are shown by the start that makes them, and on a terminal only. */
function keyLines(keys: LocalKeys | undefined, showsKeys: boolean): string[] {
  if (keys === undefined) return ['', '  access is off: everybody on this machine is admin']
  if (!keys.isNew || !showsKeys) return ['', `  keys        ${keys.file}`]
  return [
    '',
    `admin key: ${keys.admin}`,
    `provider key: ${keys.provider}`,
    `  of ${PROVIDER_NODE}; both are in ${keys.file}`,
  ]
}
