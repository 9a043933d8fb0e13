import { cpus } from 'node:os'
import { EXIT } from '../../services/exit.ts'
import { OwnKafka } from '../support/own-kafka.ts'
import type { BenchResult } from './bench-line.ts'

const PORTS = { kafka: 26_950, kafkaController: 26_951 }

/**
 * Runs one benchmark by itself on a Kafka of its own (or the one that HIVEMETER_KAFKA_BROKERS names), prints its lines and
 * ends the process: 0 where all targets were reached.
 */
export async function runAlone(bench: (brokers: readonly string[]) => Promise<BenchResult>): Promise<never> {
  console.log(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown'}; Node ${process.versions.node}`)
  const given = process.env['HIVEMETER_KAFKA_BROKERS']
  const kafka = given === undefined ? await OwnKafka.start(PORTS.kafka, PORTS.kafkaController) : undefined
  let passed = false
  try {
    const { lines } = await bench(given?.split(',') ?? [kafka?.broker ?? ''])
    for (const { what, value, target, reached } of lines) {
      console.log(`${what}: ${value} (${target}): ${reached ? 'reached' : 'MISSED'}`)
    }
    passed = lines.every(({ reached }) => reached)
  } finally {
    await kafka?.dispose()
  }
  process.exit(passed ? EXIT.ok : EXIT.failure)
}
