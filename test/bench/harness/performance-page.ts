import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { KAFKA_VERSION } from '../../../infra/local/kafka/jars.ts'
import { verdict } from './bench-line.ts'
import type { BenchLine } from './bench-line.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const PAGE = `${ROOT}docs/performance.md`
const FORMATTER = `${ROOT}node_modules/@biomejs/biome/bin/biome`

/** Writes a part's measurements between its marks in docs/performance.md, with their date and machine. */
export function writePart(name: string, lines: readonly BenchLine[], nowMs = Date.now()): void {
  const page = readFileSync(PAGE, 'utf8')
  const begin = `<!-- bench ${name} -->`
  const end = `<!-- end ${name} -->`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from)
    throw new Error(`docs/performance.md has no place for ${name}: ${begin} … ${end}.`)
  const rows = lines.map((line) => `| ${line.what} | ${line.value} | ${line.target} | ${verdict(line)} |`)
  const table = ['| figure | measured | to reach | |', '| --- | --- | --- | --- |', ...rows].join('\n')
  const block = `${begin}\n\n${hardware(nowMs)}\n\n${table}\n\n`
  writeFileSync(PAGE, page.slice(0, from) + block + page.slice(to))
  // Formatted as `npm run check` requires the page: measurements are committed as they were written.
  execFileSync(process.execPath, [FORMATTER, 'format', '--write', PAGE], { cwd: ROOT, stdio: 'ignore' })
}

function hardware(nowMs: number): string {
  const date = new Date(nowMs).toISOString().slice(0, 10)
  const [cpu] = cpus()
  const memoryGb = Math.round(totalmem() / 2 ** 30)
  return (
    `Measured ${date}: ${cpus().length} cores (${cpu?.model.trim() ?? 'unknown'}), ${memoryGb} GB, ` +
    `Node ${process.versions.node}, Kafka and Kafka Streams ${KAFKA_VERSION}, broker and contestants on the same cores.`
  )
}
