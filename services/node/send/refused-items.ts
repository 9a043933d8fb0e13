import type { Logger } from '../../../pipelines/logger.ts'
import { describeError } from '../../runtime/exit.ts'
import { writeWhole } from '../spool/disk.ts'
import type { Disk } from '../spool/disk.ts'

/** Items that were refused for good and are kept to look at; further ones are counted. */
export const REFUSED_FILES_MAX = 1_000

/** What the gateway will never take: its number is used, and the item is a file in a folder of its own. Nothing waits for it. */
export class RefusedItems {
  readonly #disk: Disk
  readonly #logger: Logger
  #kept: number
  #count = 0

  private constructor(disk: Disk, logger: Logger, kept: number) {
    this.#disk = disk
    this.#logger = logger
    this.#kept = kept
  }

  static async open(disk: Disk, logger: Logger): Promise<RefusedItems> {
    return new RefusedItems(disk, logger, (await disk.list()).length)
  }

  /** In this process. */
  get count(): number {
    return this.#count
  }

  async keep(epoch: number, seq: number, code: string, item: object): Promise<void> {
    this.#count += 1
    this.#logger.warn({ epoch, seq, code }, 'The gateway refused an item for good.')
    if (this.#kept >= REFUSED_FILES_MAX) return
    try {
      await writeWhole(this.#disk, `${epoch}-${seq}.json`, Buffer.from(JSON.stringify({ code, item })))
      this.#kept += 1
    } catch (error) {
      this.#logger.warn({ reason: describeError(error) }, 'A refused item could not be kept.')
    }
  }
}
