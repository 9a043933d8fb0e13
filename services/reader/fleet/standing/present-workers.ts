import { LEASE_FIELDS } from '../../../../pipelines/fleet/inventory/lease.ts'
import { PAGE_WORKERS } from '../../../../pipelines/fleet/pages/layout.ts'
import { unpackedPage } from '../../../../pipelines/fleet/pages/page-log.ts'
import { liveOfBytes } from '../../../../pipelines/fleet/pages/page-state.ts'
import type { WorkerPage } from '../../../../pipelines/fleet/status/memory.ts'
import { STATE_KEY } from '../../../../schemas/avro.ts'
import { fleetFaceCodec, fleetHearingCodec, fleetPageCodec } from '../../../../schemas/fleet/codecs.ts'
import type { FleetFace, FleetPageRecord } from '../../../../schemas/fleet/page-records.ts'
import type { StateRecord } from '../../present/accounts.ts'

/** What fleet.state says of the workers of one provider. */
export class PresentWorkers {
  /** What was told of each worker, by its place: page × 256 + index. A status stands here as soon as it is decided. */
  readonly faces = new Map<number, FleetFace>()
  readonly #pages = new Map<number, KeptPage>()

  /** The page of a place as it was written last, up to a minute ago; null where none was. It is unpacked when it is asked for. */
  pageOf(place: number): PresentPage | null {
    const kept = this.#pages.get(Math.floor(place / PAGE_WORKERS))
    if (kept === undefined) return null
    kept.page ??= { live: liveOfBytes(unpackedPage(kept.record), LEASE_FIELDS), asOfMs: kept.record.now }
    return kept.page
  }

  putPage(page: number, record: FleetPageRecord): void {
    this.#pages.set(page, { record, page: null })
  }

  dropPage(page: number): void {
    this.#pages.delete(page)
  }
}

/** The live plane of a page, as of a log time. */
export interface PresentPage {
  readonly live: WorkerPage
  readonly asOfMs: number
}

interface KeptPage {
  readonly record: FleetPageRecord
  page: PresentPage | null
}

const NONE = new PresentWorkers()

/** The workers of all providers, as of the newest record of fleet.state that was read. */
export class AllPresentWorkers {
  readonly #providers = new Map<string, PresentWorkers>()
  /** By partition, log time of the newest tick of a gateway that its task has heard. */
  readonly #heardMs = new Map<number, number>()

  /** Takes a record of fleet.state, in the order of its partition. */
  apply({ partition, key, value }: StateRecord): void {
    const name = key?.toString('latin1') ?? ''
    if (name.startsWith(STATE_KEY.fleetFace)) this.#face(name.slice(STATE_KEY.fleetFace.length), value)
    else if (name.startsWith(STATE_KEY.fleetPage)) this.#page(name.slice(STATE_KEY.fleetPage.length), value)
    else if (name === STATE_KEY.fleetHearing && value !== null)
      this.#heardMs.set(partition, fleetHearingCodec.decode(value).heard_at ?? 0)
  }

  of(providerId: string): PresentWorkers {
    return this.#providers.get(providerId) ?? NONE
  }

  /** Log time of the newest tick that the task of a partition has heard; null where it has no workers, and keeps none. */
  heardMs(partition: number): number | null {
    return this.#heardMs.get(partition) ?? null
  }

  #face(place: string, value: Buffer | null): void {
    const [provider = '', page = '', index = ''] = place.split('/')
    const at = Number(page) * PAGE_WORKERS + Number(index)
    if (value === null) this.of(provider).faces.delete(at)
    else this.#open(provider).faces.set(at, fleetFaceCodec.decode(value))
  }

  #page(place: string, value: Buffer | null): void {
    const [provider = '', page = ''] = place.split('/')
    if (value === null) this.of(provider).dropPage(Number(page))
    else this.#open(provider).putPage(Number(page), fleetPageCodec.decode(value))
  }

  #open(provider: string): PresentWorkers {
    const known = this.#providers.get(provider)
    if (known !== undefined) return known
    const made = new PresentWorkers()
    this.#providers.set(provider, made)
    return made
  }
}
