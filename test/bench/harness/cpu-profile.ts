import { readFileSync } from 'node:fs'

/** The parts of a .cpuprofile that are read here: V8's format. */
interface RawProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

/** Time that one function spent in itself, without the functions that it called. */
export interface SelfTime {
  /** Empty where V8 has no file: `(garbage collector)`, `(program)`, native functions. */
  readonly url: string
  readonly functionName: string
  readonly line: number
  ms: number
}

/** Self time by function, most first; the time in which the process waited is left out. */
export function selfTimes(path: string): SelfTime[] {
  const profile = JSON.parse(readFileSync(path, 'utf8')) as RawProfile
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const times = new Map<string, SelfTime>()
  for (const [at, id] of profile.samples.entries()) {
    const frame = frames.get(id)
    // A sample covers the time until the next one.
    const micros = profile.timeDeltas[at + 1] ?? 0
    if (frame === undefined || frame.functionName === '(idle)' || frame.functionName === '(root)') continue
    const name = `${frame.url}:${frame.lineNumber}:${frame.functionName}`
    let time = times.get(name)
    if (time === undefined) {
      const { url, functionName, lineNumber } = frame
      times.set(name, (time = { url, functionName, line: lineNumber + 1, ms: 0 }))
    }
    time.ms += micros / 1_000
  }
  return [...times.values()].toSorted((left, right) => right.ms - left.ms)
}

/** A stage's name, and its files; for functions without a file, their names. */
export type Stage = readonly [name: string, places: RegExp]

/** Shares of the profile's busy time by stage; the first that fits counts, `native` is the rest. They add up to 1. */
export function stageShares(times: readonly SelfTime[], stages: readonly Stage[]): Map<string, number> {
  const total = times.reduce((sum, { ms }) => sum + ms, 0)
  const shares = new Map(stages.map(([stage]) => [stage, 0]))
  for (const { url, functionName, ms } of times) {
    const place = url === '' ? functionName : url
    const [stage = 'native'] = stages.find(([, places]) => places.test(place)) ?? []
    shares.set(stage, (shares.get(stage) ?? 0) + ms / total)
  }
  return shares
}

/** The most expensive functions, one a line. */
export function dearest(times: readonly SelfTime[], count: number): string {
  const total = times.reduce((sum, { ms }) => sum + ms, 0)
  return times
    .slice(0, count)
    .map(({ url, functionName, line, ms }) => {
      const file = url === '' ? '' : ` ${url.split('/').slice(-3).join('/')}:${line}`
      return `  ${((ms / total) * 100).toFixed(1)} % ${functionName || '(anonymous)'}${file}`
    })
    .join('\n')
}
