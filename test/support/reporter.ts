import { relative } from 'node:path'
import { spec } from 'node:test/reporters'

interface Passed {
  readonly name: string
  readonly file: string
  readonly durationMs: number
}

interface TestEvent {
  readonly type: string
  readonly data: {
    readonly name?: string
    readonly file?: string
    readonly message?: string
    readonly details?: { readonly duration_ms?: number; readonly type?: string }
  }
}

const SLOWEST = 10
const TOTAL = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/

function isTest(event: TestEvent): boolean {
  return (event.type === 'test:pass' || event.type === 'test:fail') && event.data.details?.type !== 'suite'
}

/** The totals come as diagnostics at the very end; they are held back until the slowest tests are printed. */
function isTotal(event: TestEvent): boolean {
  return event.type === 'test:diagnostic' && TOTAL.test(event.data.message ?? '')
}

/** Node's own report, and after its tests the ten slowest; its summary lines stay last. */
export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tests: Passed[] = []
  const inner = new spec()
  const summary: TestEvent[] = []
  const output: string[] = []
  inner.on('data', (text: Buffer | string) => output.push(String(text)))
  for await (const event of events) {
    if (isTest(event)) {
      const { name = '', file = '', details } = event.data
      tests.push({ name, file: relative(process.cwd(), file), durationMs: details?.duration_ms ?? 0 })
    }
    if (isTotal(event)) summary.push(event)
    else inner.write(event)
    yield* output.splice(0)
  }
  const slowest = tests.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, SLOWEST)
  yield '\nTen slowest tests\n'
  for (const { name, file, durationMs } of slowest) {
    yield `${(durationMs / 1000).toFixed(2).padStart(8)} s  ${file}: ${name}\n`
  }
  yield '\n'
  for (const event of summary) inner.write(event)
  const ended = new Promise((resolve) => inner.once('end', resolve))
  inner.end()
  await ended
  yield* output.splice(0)
}
