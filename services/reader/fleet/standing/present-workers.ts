import { LEASE_FIELDS } from '../../../../pipelines/fleet/inventory/lease.ts'
import { PAGE_WORKERS } from '../../../../pipelines/fleet/pages/layout.ts'
import { unpackedPage } from '../../../../pipelines/fleet/pages/page-log.ts'
import { liveOfBytes } from '../../../../pipelines/fleet/pages/page-state.ts'
import { STATE_KEY } from '../../../../schemas/avro.ts'
import { fleetFaceCodec, fleetHearingCodec, fleetPageCodec } from '../../../../schemas/fleet/codecs.ts'
import type { FleetFace, FleetPageRecord } from '../../../../schemas/fleet/page-records.ts'
import type { StateRecord } from '../../present/accounts.ts'
import type { Registered } from './registered.ts'
import { standingOf } from './standing.ts'
import type { PresentPage, Standing } from './standing.ts'

/** What fleet.state says of the workers of one provider. */
export class PresentWorkers {
  /** What was told of each worker, by its place: page × 256 + index. A status stands here as soon as it is decided. */
  readonly #faces = new Map<number, FleetFace>()
  readonly #pages = new Map<number, KeptPage>()
  /** What was made of a place, until something new is known of it: most of a large fleet is the same from request to request. */
  readonly #standings: (Standing | undefined)[] = []

  /** What is known now of a worker of the inventory. */
  standing(registered: Registered): Standing {
    const { place } = registered
    const kept = this.#standings[place]
    if (kept?.registered === registered) return kept
    const made = standingOf(registered, this.#faces.get(place) ?? null, this.pageOf(place))
    this.#standings[place] = made
    return made
  }

  /** The page of a place as it was written last, up to a minute ago; null where none was. It is unpacked when it is asked for. */
  pageOf(place: number): PresentPage | null {
    const kept = this.#pages.get(Math.floor(place / PAGE_WORKERS))
    if (kept === undefined) return null
    kept.page ??= readingsOf(kept.record)
    return kept.page
  }

  putFace(place: number, face: FleetFace): void {
    this.#faces.set(place, face)
    this.#standings[place] = undefined
  }

  dropFace(place: number): void {
    this.#faces.delete(place)
    this.#standings[place] = undefined
  }

  putPage(page: number, record: FleetPageRecord): void {
    this.#pages.set(page, { record, page: null })
    this.#standings.fill(undefined, page * PAGE_WORKERS, (page + 1) * PAGE_WORKERS)
  }

  dropPage(page: number): void {
    this.#pages.delete(page)
    this.#standings.fill(undefined, page * PAGE_WORKERS, (page + 1) * PAGE_WORKERS)
  }
}

/** Of the bytes of a page only what is shown stays in memory. */
function readingsOf(record: FleetPageRecord): PresentPage {
  const { live } = liveOfBytes(unpackedPage(record), LEASE_FIELDS)
  const { sampleMs, r5Hs, powerW, powerSource, deviceNominalHs } = live
  return { asOfMs: record.now, readings: { sampleMs, r5Hs, powerW, powerSource, deviceNominalHs } }
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
    if (value === null) this.of(provider).dropFace(at)
    else this.#open(provider).putFace(at, fleetFaceCodec.decode(value))
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
