import type { ServiceProcess } from '../../support/processes/service-process.ts'
import { until } from '../../support/until.ts'
import { memoryOf } from './process-figures.ts'

const OPEN_TIMEOUT_MS = 10_000
const BYTES_PER_MIB = 1_048_576

/** Makes a service open its inspector at SIGUSR1, each at a port of its own. */
export const INSPECTED = { NODE_OPTIONS: '--inspect-port=0' } as const

/** What the inspector reports about V8's heap and the buffers outside of it. */
interface HeapUsage {
  readonly usedSize: number
  readonly backingStorageSize: number
}

/**
 * What a service holds: the objects and buffers that remain after a full collection. V8 collects when its heap has grown
 * by half or more, which takes an hour at a low load, so that resident memory alone does not show what is kept and what
 * is only not collected yet: at the settler 375 MB were resident before and 225 MB after a collection.
 */
export class HeldMemory {
  readonly #service: ServiceProcess
  readonly #socket: WebSocket
  #calls = 0
  #answered: ((result: unknown) => void) | undefined

  private constructor(service: ServiceProcess, socket: WebSocket) {
    this.#service = service
    this.#socket = socket
    socket.onmessage = ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
      if (id === this.#calls) this.#answered?.(result)
    }
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

  /** All memory of the process, in MB. */
  residentMb(): number {
    return memoryOf(this.#service.process.pid ?? 0).rssMb
  }

  /** Collects everything that is not referenced, and returns how many MB are left. */
  async heldMb(): Promise<number> {
    await this.#call('HeapProfiler.collectGarbage')
    const { usedSize, backingStorageSize } = (await this.#call('Runtime.getHeapUsage')) as HeapUsage
    return (usedSize + backingStorageSize) / BYTES_PER_MIB
  }

  /** A process that waits for its inspector's client does not end. */
  close(): void {
    this.#socket.close()
  }

  async #call(method: string): Promise<unknown> {
    const answered = new Promise((resolve) => (this.#answered = resolve))
    this.#socket.send(JSON.stringify({ id: ++this.#calls, method }))
    return await answered
  }
}
