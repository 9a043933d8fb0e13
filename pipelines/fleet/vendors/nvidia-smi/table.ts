/** The columns that are read, in any of the names under which they can be asked for. */
export const COLUMNS = {
  bus: ['pci.bus_id', 'gpu_bus_id', 'pci.bus'],
  name: ['name', 'gpu_name'],
  temperature: ['temperature.gpu'],
  memoryTemperature: ['temperature.memory'],
  fan: ['fan.speed'],
  power: ['power.draw', 'power.draw.instant', 'power.draw.average'],
  powerLimit: ['power.limit', 'enforced.power.limit'],
  coreClock: ['clocks.current.graphics', 'clocks.gr', 'clocks.current.sm', 'clocks.sm'],
  memoryClock: ['clocks.current.memory', 'clocks.mem'],
  utilization: ['utilization.gpu'],
} as const satisfies Readonly<Record<string, readonly string[]>>

const KNOWN: ReadonlySet<string> = new Set(Object.values(COLUMNS).flat())
const NO_DEVICES = /^no devices were found/i
const LOST = /unable to determine the device handle|gpu is lost|fallen off the bus/i

export interface CardTable {
  /** A card each: the cell by the name of its column, without the column's unit. */
  readonly rows: readonly Readonly<Record<string, string>>[]
  /** Cards that the tool names as lost instead of listing them. */
  readonly lost: number
}

/**
 * The table that `nvidia-smi --query-gpu=… --format=csv` prints, with messages of the driver between its lines. Null where it
 * is none: without its header no column is known, and a line with fewer cells was cut, so that cards may be missing after it.
 */
export function cardTable(text: string): CardTable | null {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (lines.some((line) => NO_DEVICES.test(line))) return { rows: [], lost: 0 }
  const head = lines.findIndex((line) => columnsOf(line).some((column) => KNOWN.has(column)))
  const columns = columnsOf(lines[head] ?? '')
  if (head < 0 || columns.length < 2) return null
  const after = lines.slice(head + 1)
  const messages = after.filter((line) => !line.includes(',') || LOST.test(line))
  const rows = after.filter((line) => !messages.includes(line)).map(cellsOf)
  if (rows.length === 0 || rows.some((cells) => cells.length !== columns.length)) return null
  return {
    rows: rows.map((cells) => Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? '']))),
    lost: messages.filter((message) => LOST.test(message)).length,
  }
}

function cellsOf(line: string): string[] {
  return line.split(',').map((cell) => cell.trim())
}

/** `power.draw [W]` without the unit. */
function columnsOf(line: string): string[] {
  return cellsOf(line).map((cell) => cell.replace(/\s*\[[^\]]*\]$/, '').toLowerCase())
}
