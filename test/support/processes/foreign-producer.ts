import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { javaCommand } from '../../../infra/local/java.ts'
import { JARS_DIR } from '../../../infra/local/kafka/jars.ts'
import type { Installation } from './installation.ts'

const SOURCE = fileURLToPath(new URL('ForeignProducer.java', import.meta.url))
const TIMEOUT_MS = 40_000

/** The codecs that Kafka's clients offer. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]

export interface ForeignRecord {
  readonly codec: Codec
  readonly key: string
  readonly value: Buffer
}

export interface ForeignPlace {
  readonly codec: string
  readonly partition: number
  readonly offset: number
}

/** The reason why the Java client cannot run here, or undefined where it can. */
export function foreignProducerMissing(): string | undefined {
  if (!existsSync(JARS_DIR))
    return `no Kafka jars in ${JARS_DIR}: the servers of this run are not the local parts`
  const modules = execFileSync(javaCommand(), ['--list-modules'], { encoding: 'utf8' })
  return modules.includes('jdk.compiler') ? undefined : 'this Java is a runtime without a compiler'
}

/** Sends each record with Kafka's own Java client, as a batch of its own; returns where the broker put it. */
export function produceForeign(
  installation: Installation,
  topic: string,
  records: readonly ForeignRecord[],
): Promise<ForeignPlace[]> {
  const args = ['-XX:TieredStopAtLevel=1', '-cp', join(JARS_DIR, '*'), SOURCE]
  return new Promise((resolve, reject) => {
    const child = execFile(
      javaCommand(),
      [...args, installation.kafka.brokers.join(','), topic],
      { timeout: TIMEOUT_MS },
      (error, stdout, stderr) => {
        if (error !== null) reject(new Error(`the Java producer failed: ${stderr}`, { cause: error }))
        else resolve(stdout.trim().split('\n').map(placeOf))
      },
    )
    const lines = records.map(
      ({ codec, key, value }) =>
        `${codec} ${Buffer.from(key).toString('base64')} ${value.toString('base64')}\n`,
    )
    child.stdin?.end(lines.join(''))
  })
}

function placeOf(line: string): ForeignPlace {
  const [codec = '', partition, offset] = line.split(' ')
  return { codec, partition: Number(partition), offset: Number(offset) }
}
