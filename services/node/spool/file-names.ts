/** A file of the spool: `open` while items are added to it, `seg` once it was packed. */
export interface SpoolFile {
  readonly name: string
  readonly epoch: number
  readonly isOpen: boolean
}

const DIGITS_OF_NUMBER = 16
const NAME = /^(\d{16})-(\d{16})\.(open|seg)$/

/** Names sort as their numbers do. */
export function openName(epoch: number, first: number): string {
  const digits = (value: number): string => String(value).padStart(DIGITS_OF_NUMBER, '0')
  return `${digits(epoch)}-${digits(first)}.open`
}

/** The name of the same file once it is packed. */
export function packedName(name: string): string {
  return name.replace(/\.open$/, '.seg')
}

/** Null for a file that is none of the spool's. */
export function spoolFile(name: string): SpoolFile | null {
  const [, epoch, , kind] = NAME.exec(name) ?? []
  return epoch === undefined ? null : { name, epoch: Number(epoch), isOpen: kind === 'open' }
}
