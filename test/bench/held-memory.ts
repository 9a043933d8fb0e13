import type { ServiceProcess } from '../support/service-process.ts'
import { until } from '../support/until.ts'
import { memoryOf } from './process-figures.ts'

const OPEN_TIMEOUT_MS = 10_000

/** Lets a service open its inspector at SIGUSR1, each at a port of its own. */
export const INSPECTED = { NODE_OPTIONS: '--inspect-port=0' } as const

/**
 * What a service holds. V8 collects where its heap has grown by half and more, which takes an hour at a calm load, so its
 * resident memory alone says nothing of what is kept: measured at the settler, 375 MB before and 225 MB after a collection.
 */
export class HeldMemory {
  readonly #service: ServiceProcess
  readonly #socket: WebSocket
  #calls = 0
  #answered: (() => void) | undefined

  private constructor(service: ServiceProcess, socket: WebSocket) {
    this.#service = service
    this.#socket = socket
    socket.onmessage = () => this.#answered?.()
  }

  /** The service must have been started with the settings of `INSPECTED`. */
  static async open(service: ServiceProcess): Promise<HeldMemory> {
    service.signal('SIGUSR1')
    const url = await until(
      `the inspector of ${service.name}`,
      OPEN_TIMEOUT_MS,
      () => /ws:\/\/127\.0\.0\.1:\d+\/\S+/.exec(service.lastWords)?.[0],
      () => service.lastWords,
    )
    const socket = new WebSocket(url)
    await new Promise((resolve, reject) => {
      socket.onopen = resolve
      socket.onerror = reject
    })
    return new HeldMemory(service, socket)
  }

  residentMb(): number {
    return memoryOf(this.#service.process.pid ?? 0).rssMb
  }

  /** Resident memory once everything that nobody holds is collected. */
  async heldMb(): Promise<number> {
    const answered = new Promise<void>((resolve) => (this.#answered = resolve))
    this.#socket.send(JSON.stringify({ id: ++this.#calls, method: 'HeapProfiler.collectGarbage' }))
    await answered
    return this.residentMb()
  }

  close(): void {
    this.#socket.close()
  }
}
