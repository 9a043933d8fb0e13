import { STATE_KEY } from '../../../schemas/avro.ts'

/** Keys of fleet.state for what is known of workers. Names of providers and nodes contain no slash. */

/** Where a page is, by its key. */
export interface PageName {
  readonly providerId: string
  readonly page: number
}

export function pageKey({ providerId, page }: PageName): string {
  return `${STATE_KEY.fleetPage}${providerId}/${page}`
}

export function faceKey({ providerId, page, index }: PageName & { readonly index: number }): string {
  return `${STATE_KEY.fleetFace}${providerId}/${page}/${index}`
}

/** `source`: a node as `fleetNodeKey` writes it, or an empty text for the gateways. */
export function hearingKey(source: string): string {
  return `${STATE_KEY.fleetHearing}${source}`
}
