import { macText } from '../../../pipelines/fleet/vendors/reading/texts.ts'

/** The flag of an entry that is complete. */
const COMPLETE = 2

/**
 * The MACs that the ARP table of the node has, by IP address, from the text of `/proc/net/arp`. A line is: address, type, flags,
 * MAC, mask, device.
 */
export function macsIn(table: string): ReadonlyMap<string, string> {
  const macs = new Map<string, string>()
  for (const line of table.split('\n').slice(1)) {
    const [address = '', , flags = '', text] = line.trim().split(/\s+/)
    const mac = macText(text)
    if (mac !== null && (Number(flags) & COMPLETE) !== 0) macs.set(address, mac)
  }
  return macs
}
