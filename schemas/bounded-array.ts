import avsc from 'avsc'

/** What avsc reads from: it continues beyond the end of the bytes, and checks only afterwards whether it did. */
interface Tap {
  readonly buf: Buffer
  readonly pos: number
  readLong(): number
  skipLong(): void
}

/**
 * Arrays whose number of items is compared with the bytes that are left. avsc creates as many items as the number says,
 * whether there are bytes for them or not: eight bytes that claim a thousand million items end the process that reads them.
 * Reading throws where the bytes cannot hold the items.
 */
export class BoundedArray extends avsc.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const itemsType = this.itemsType as unknown as { _read(tap: Tap): unknown }
    const items: unknown[] = []
    for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
      if (count < 0) {
        // A negative number is followed by the size of its items in bytes.
        count = -count
        tap.skipLong()
      }
      // An item takes at least one byte: no schema has arrays of nulls, or of records without fields.
      const left = tap.buf.length - tap.pos
      if (count > left) {
        throw new Error(`An array of ${count} items cannot stand in ${Math.max(0, left)} bytes.`)
      }
      for (let item = 0; item < count; item++) items.push(itemsType._read(tap))
    }
    return items
  }
}
