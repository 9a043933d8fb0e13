import { systemClock } from '../../pipelines/clock.ts'
import { GivenUp } from './part.ts'
import { SECOND_MS } from '../../schemas/units.ts'

/** How often the live line of a terminal is drawn anew. */
const REDRAW_MS = 100
/** In a pipe, progress gets a line only this often. */
const PROGRESS_LINE_MS = 5_000

interface Step {
  readonly name: string
  readonly startMs: number
  progress: string
  lineMs: number
}

const seconds = (ms: number) => `${(ms / SECOND_MS).toFixed(1)} s`

/**
 * The lines that a person watches: one per step with its time. On a terminal the steps under way share a last line that
 * is rewritten in place; in a pipe every line is plain and final.
 */
export class Screen {
  readonly #out: NodeJS.WriteStream
  readonly #live: boolean
  readonly #steps = new Set<Step>()
  #timer: NodeJS.Timeout | undefined

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
    this.#live = out.isTTY && process.env['TERM'] !== 'dumb'
  }

  /** Whether a person watches, and not a file or another program that keeps the output. */
  get isTerminal(): boolean {
    return this.#out.isTTY
  }

  /** A line that stays. */
  say(line: string): void {
    this.#erase()
    this.#out.write(`${line}\n`)
    this.#draw()
  }

  /**
   * Runs `work` as a step called `name`; its result is the line that stays ("Kafka 4.3.1 on 127.0.0.1:4692"). A failure
   * is marked and thrown on.
   */
  async step(name: string, work: (progress: (text: string) => void) => Promise<string>): Promise<void> {
    const startMs = systemClock.monotonicMs()
    const step: Step = { name, startMs, progress: '', lineMs: startMs }
    this.#steps.add(step)
    this.#timer ??= this.#live ? setInterval(() => this.#redraw(), REDRAW_MS) : undefined
    try {
      const result = await work((text) => this.#progress(step, text))
      this.#end(step)
      this.say(`  ✓ ${result}  ${seconds(systemClock.monotonicMs() - startMs)}`)
    } catch (error) {
      this.#end(step)
      const mark = error instanceof GivenUp ? '–' : '✗'
      this.say(`  ${mark} ${name}  ${seconds(systemClock.monotonicMs() - startMs)}`)
      throw error
    }
  }

  #progress(step: Step, text: string): void {
    step.progress = text
    const nowMs = systemClock.monotonicMs()
    if (this.#live || nowMs - step.lineMs < PROGRESS_LINE_MS) return
    step.lineMs = nowMs
    this.say(`  … ${step.name}: ${text}`)
  }

  #end(step: Step): void {
    this.#erase()
    this.#steps.delete(step)
    if (this.#steps.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #redraw(): void {
    this.#erase()
    this.#draw()
  }

  #erase(): void {
    if (this.#live && this.#steps.size > 0) this.#out.write('\r\u001B[2K')
  }

  #draw(): void {
    if (!this.#live || this.#steps.size === 0) return
    const nowMs = systemClock.monotonicMs()
    const oldest = Math.min(...[...this.#steps].map((step) => step.startMs))
    const names = [...this.#steps].map((step) => `${step.name}${step.progress && `: ${step.progress}`}`)
    const line = `  … ${names.join(', ')}  ${seconds(nowMs - oldest)}`
    this.#out.write(line.slice(0, Math.max(20, this.#out.columns - 1)))
  }
}
