import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { LoadCommand, LoadJob, LoadMessage, LoadReport } from './load-job.ts'

/** A load as a process of its own: its cost is not in the process that it measures, nor in the one that watches. */
export class Load {
  /** The warm-up is over. */
  readonly measuring: Promise<void>
  /** The measured span is over; requests may still be under way. */
  readonly measured: Promise<void>
  /** Everything was answered. Rejects where the process ends without a report. */
  readonly report: Promise<LoadReport>
  readonly #child: ChildProcess

  constructor(job: LoadJob) {
    const path = fileURLToPath(new URL('load-process.ts', import.meta.url))
    this.#child = fork(path, [JSON.stringify(job)])
    const measuring = Promise.withResolvers<void>()
    const measured = Promise.withResolvers<void>()
    const report = Promise.withResolvers<LoadReport>()
    this.#child.on('message', (message: LoadMessage) => {
      if (message.kind === 'measuring') measuring.resolve()
      else if (message.kind === 'measured') measured.resolve()
      else {
        report.resolve(message.report)
        // Disconnected now, and not before: a process that ended by itself could be gone before its report is read.
        this.#child.disconnect()
      }
    })
    this.#child.once('exit', (code, signal) => {
      const error = new Error(`The load process ended with ${code ?? signal} before its report.`)
      for (const { reject } of [measuring, measured, report]) reject(error)
    })
    // A caller that waits for one of them learns of an early end; the others must not count as unhandled rejections.
    for (const { promise } of [measuring, measured, report]) promise.catch(() => {})
    this.measuring = measuring.promise
    this.measured = measured.promise
    this.report = report.promise
  }

  command(command: LoadCommand): void {
    if (this.#child.connected) this.#child.send(command)
  }
}
