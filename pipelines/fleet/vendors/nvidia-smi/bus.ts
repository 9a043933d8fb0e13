const BUS_ID = /^(?:(?:[\da-f]{4,8}:)?([\da-f]{2}):[\da-f]{2}\.[\da-f]|0x([\da-f]{2}))$/i

/** The number of the bus in `00000000:4B:00.0` or `0x4B`, which is hexadecimal; null for any other text. */
export function busNumber(busId: string): number | null {
  const [, long, short] = BUS_ID.exec(busId) ?? []
  const bus = long ?? short
  return bus === undefined ? null : Number.parseInt(bus, 16)
}
