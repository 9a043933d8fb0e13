import { readFileSync, writeFileSync } from 'node:fs'
import { IdempotentProducer } from '../../pipelines/kafka/producer.ts'
import { ProduceError } from '../../pipelines/log/producer.ts'
import { silentLogger } from '../../pipelines/logger.ts'
import { noMetrics } from '../../schemas/metrics.ts'
import { clickhouseOf } from '../runtime/clickhouse.ts'
import { kafkaOf } from '../runtime/kafka.ts'
import { ID_KEY, readKeyFile } from '../runtime/key-file.ts'
import { layoutOf } from '../runtime/layout.ts'
import { runCommand } from '../runtime/command.ts'
import type { CommandParts } from '../runtime/command.ts'
import { EXIT, ExitError, describeError } from '../runtime/exit.ts'
import type { ExitCode } from '../runtime/exit.ts'
import { parseTime } from '../http/times.ts'
import { editableLines } from './editable.ts'
import { readLetters } from './letters.ts'
import type { LetterFilter } from './letters.ts'
import { readMended } from './mend.ts'
import type { MendedLine } from './mend.ts'
import { replay } from './replay.ts'
import { MINUTE_MS } from '../../schemas/units.ts'

const QUERY_TIMEOUT_MS = MINUTE_MS

const OPTIONS = {
  'dead-letters': { type: 'boolean' },
  id: { type: 'string', multiple: true },
  from: { type: 'string' },
  to: { type: 'string' },
  reason: { type: 'string' },
  export: { type: 'string' },
  file: { type: 'string' },
  'dry-run': { type: 'boolean' },
} as const

const USAGE = `Usage: npm run replay -- --dead-letters [which] [what] [--config file.json]
Puts events that were set aside back into usage.metered, where the rules now accept them. Each counts once, however
often it is replayed; its age is judged by the receipt of the record that it first came in with.
which  --id topic/partition/offset (may be repeated), --from and --to (receipt, half-open), --reason <code>; default all
what   --export file.jsonl   writes one line an event, to be edited; "-" is standard output
       --file file.jsonl     puts back the edited lines instead of what was set aside
       --dry-run             says what would be put back and sends nothing
An edited line keeps "letter" and gives "event" in the form of POST /v1/events, or mended bytes as "value_base64".`

type Values = {
  readonly [Name in keyof typeof OPTIONS]?: (typeof OPTIONS)[Name] extends { type: 'boolean' }
    ? boolean
    : (typeof OPTIONS)[Name] extends { multiple: true }
      ? string[]
      : string
}

await runCommand({ name: 'replay', usage: USAGE, options: OPTIONS }, async (parts): Promise<ExitCode> => {
  const values: Values = parts.values
  if (values['dead-letters'] !== true) throw new ExitError(EXIT.usage, `Nothing to replay.\n${USAGE}`)
  const { config } = parts
  await using cleanup = new AsyncDisposableStack()
  const client = clickhouseOf(config, { requestTimeoutMs: QUERY_TIMEOUT_MS })
  cleanup.defer(() => client.close())
  const filter = filterOf(values)
  const idKey = readKeyFile(ID_KEY, config.idKeyFile)
  if (values.export !== undefined) {
    const lines: string[] = []
    for await (const letter of readLetters(client, filter, idKey)) {
      for (const line of editableLines(letter)) lines.push(`${JSON.stringify(line)}\n`)
    }
    if (values.export === '-') process.stdout.write(lines.join(''))
    else {
      writeFileSync(values.export, lines.join(''), { flag: 'wx' })
      parts.say(
        `${lines.length} lines in ${values.export}: edit them, then replay with --file ${values.export}`,
      )
    }
    return EXIT.ok
  }

  const mended = values.file === undefined ? null : mendedOf(values.file)
  const { topics, partitions, before } = await layoutOf(config, 'hivemeter-replay')
  const meteredTopic = topics.usageMetered
  const meteredTopics = new Set([meteredTopic, ...before.map((version) => version.topics.usageMetered)])
  const dryRun = values['dry-run'] === true
  const producer = dryRun ? null : producerOf(parts, meteredTopic)
  cleanup.defer(async () => await producer?.stop())
  const ids = mended === null ? filter.ids : (filter.ids ?? [...new Set(mended.map((line) => line.letter))])
  const { signal, say } = parts
  try {
    const counts = await replay(
      {
        client,
        filter: { ...filter, ids },
        producer,
        meteredTopic,
        meteredTopics,
        partitions,
        idKey,
        signal,
        say,
      },
      mended,
    )
    say(
      `${counts.letters} dead letters: ${counts.putBack} events ${dryRun ? 'would be put back' : 'put back'}, ` +
        `${counts.counted} counted already, ${counts.refused} refused`,
    )
    return counts.refused === 0 ? EXIT.ok : EXIT.failure
  } catch (error) {
    if (!(error instanceof ProduceError)) throw error
    throw new ExitError(
      EXIT.unreachable,
      `${describeError(error)}. Run this again when Kafka at ${config.kafkaBrokers.join(', ')} answers: what is in the log counts once.`,
    )
  }
})

function producerOf({ config }: CommandParts<unknown>, topic: string): IdempotentProducer {
  return new IdempotentProducer({
    ...kafkaOf(config, 'hivemeter-replay', silentLogger),
    metrics: noMetrics,
    topic,
  })
}

function filterOf(values: Values): LetterFilter {
  return { ids: values.id, fromMs: timeOf(values.from), toMs: timeOf(values.to), reason: values.reason }
}

function timeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const timeMs = parseTime(text)
  if (timeMs !== null) return timeMs
  throw new ExitError(
    EXIT.usage,
    `"${text}" is no time. Give RFC 3339, such as 2026-01-31T00:00:00Z, or epoch milliseconds.`,
  )
}

function mendedOf(file: string): MendedLine[] {
  try {
    return readMended(readFileSync(file))
  } catch (error) {
    throw new ExitError(EXIT.usage, `The file ${file} cannot be used: ${describeError(error)}`)
  }
}
