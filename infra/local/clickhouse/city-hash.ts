/*
 * CityHash128 as of version 1.0.2, which ClickHouse puts before each compressed frame. Later versions of CityHash give
 * other values, and so do the packages that carry its name. All numbers are unsigned and of 64 bits; the JavaScript
 * engine computes them in machine words as long as each result is cut to 64 bits where it arises.
 */

const K0 = 0xc3a5c85c97cb3127n
const K1 = 0xb492b66fbe98f273n
const K2 = 0x9ae16a3b2f90404fn
const K3 = 0xc949d7c7509e6557n
const MULTIPLIER = 0x9ddfea08eb382d69n

/** Reads 8 bytes, the lowest first. */
type Read = (at: number) => bigint

/** The hash of these bytes: its lower and its upper half, as ClickHouse writes them one after the other. */
export function cityHash128(bytes: Uint8Array): readonly [low: bigint, high: bigint] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { length } = bytes
  const read: Read = (at) => view.getBigUint64(at, true)
  if (length >= 16) return seeded(view, 16, read(0) ^ K3, read(8))
  if (length >= 8) return seeded(view, length, read(0) ^ product(BigInt(length), K0), read(length - 8) ^ K1)
  return seeded(view, 0, K0, K1)
}

/** The bytes from `from` on, hashed with a seed. */
function seeded(view: DataView, from: number, low: bigint, high: bigint): readonly [bigint, bigint] {
  return view.byteLength - from < 128 ? short(view, from, low, high) : long(view, from, low, high)
}

/** Fewer than 128 bytes. */
function short(view: DataView, from: number, low: bigint, high: bigint): readonly [bigint, bigint] {
  const length = view.byteLength - from
  const read: Read = (at) => view.getBigUint64(from + at, true)
  let a = low
  let b = high
  let c: bigint
  let d: bigint
  if (length <= 16) {
    a = product(mixed(product(a, K1)), K1)
    c = sum(product(b, K1), upTo16(view, from))
    d = mixed(sum(a, length >= 8 ? read(0) : c))
  } else {
    c = joined(sum(read(length - 8), K1), a)
    d = joined(sum(b, BigInt(length)), sum(c, read(length - 16)))
    a = sum(a, d)
    for (let at = 0; at < length - 16; at += 16) {
      a = product(a ^ product(mixed(product(read(at), K1)), K1), K1)
      b ^= a
      c = product(c ^ product(mixed(product(read(at + 8), K1)), K1), K1)
      d ^= c
    }
  }
  a = joined(a, c)
  b = joined(d, b)
  return [a ^ b, joined(b, a)]
}

/** 128 bytes and more: blocks of 64, two at a time, then the rest in pieces of 32 from the end. */
function long(view: DataView, from: number, low: bigint, high: bigint): readonly [bigint, bigint] {
  const length = view.byteLength - from
  let x = low
  let y = high
  let z = product(BigInt(length), K1)
  let vLow = sum(product(rotated(y ^ K1, 49n), K1), view.getBigUint64(from, true))
  let vHigh = sum(product(rotated(vLow, 42n), K1), view.getBigUint64(from + 8, true))
  let wLow = sum(product(rotated(sum(y, z), 35n), K1), x)
  let wHigh = product(rotated(sum(x, view.getBigUint64(from + 88, true)), 53n), K1)
  let at = from
  for (const end = from + length - (length % 128); at < end; at += 64) {
    x = product(rotated(sum(sum(x, y), sum(vLow, view.getBigUint64(at + 16, true))), 37n), K1) ^ wHigh
    y = product(rotated(sum(sum(y, vHigh), view.getBigUint64(at + 48, true)), 42n), K1) ^ vLow
    z = rotated(z ^ wLow, 33n)
    const [nextVLow, nextVHigh] = weak(view, at, product(vHigh, K1), sum(x, wLow))
    const [nextWLow, nextWHigh] = weak(view, at + 32, sum(z, wHigh), y)
    vLow = nextVLow
    vHigh = nextVHigh
    wLow = nextWLow
    wHigh = nextWHigh
    const turned = z
    z = x
    x = turned
  }
  y = sum(y, sum(product(rotated(wLow, 37n), K0), z))
  x = sum(x, product(rotated(sum(vLow, z), 49n), K0))
  const end = from + length
  for (let done = 32; done < (length % 128) + 32; done += 32) {
    const piece = end - done
    y = sum(product(rotated(BigInt.asUintN(64, y - x), 42n), K0), vHigh)
    wLow = sum(wLow, view.getBigUint64(piece + 16, true))
    x = sum(product(rotated(x, 49n), K0), wLow)
    wLow = sum(wLow, vLow)
    const [nextLow, nextHigh] = weak(view, piece, vLow, vHigh)
    vLow = nextLow
    vHigh = nextHigh
  }
  x = joined(x, vLow)
  y = joined(y, wLow)
  return [sum(joined(sum(x, vHigh), wHigh), y), joined(sum(x, wHigh), sum(y, vHigh))]
}

/** 32 bytes and two seeds, mixed as far as the whole hash needs it. */
function weak(view: DataView, at: number, a: bigint, b: bigint): readonly [bigint, bigint] {
  const z = view.getBigUint64(at + 24, true)
  const first = sum(a, view.getBigUint64(at, true))
  const both = sum(first, sum(view.getBigUint64(at + 8, true), view.getBigUint64(at + 16, true)))
  const second = sum(rotated(sum(sum(b, first), z), 21n), rotated(both, 44n))
  return [sum(both, z), sum(second, first)]
}

/** At most 16 bytes, hashed into one number. */
function upTo16(view: DataView, from: number): bigint {
  const length = view.byteLength - from
  if (length > 8) {
    const last = view.getBigUint64(from + length - 8, true)
    const size = BigInt(length)
    return joined(view.getBigUint64(from, true), rotated(sum(last, size), size)) ^ last
  }
  if (length >= 4) {
    const first = BigInt(view.getUint32(from, true))
    return joined(BigInt(length) + (first << 3n), BigInt(view.getUint32(from + length - 4, true)))
  }
  if (length === 0) return K2
  const byte = (at: number) => BigInt(view.getUint8(from + at))
  const y = byte(0) + (byte(length >> 1) << 8n)
  const z = BigInt(length) + (byte(length - 1) << 2n)
  return product(mixed(product(y, K2) ^ product(z, K3)), K2)
}

/** Two numbers hashed into one. */
function joined(u: bigint, v: bigint): bigint {
  const a = product(u ^ v, MULTIPLIER)
  const b = product(v ^ a ^ (a >> 47n), MULTIPLIER)
  return product(b ^ (b >> 47n), MULTIPLIER)
}

function sum(a: bigint, b: bigint): bigint {
  return BigInt.asUintN(64, a + b)
}

function product(a: bigint, b: bigint): bigint {
  return BigInt.asUintN(64, a * b)
}

function rotated(value: bigint, by: bigint): bigint {
  return BigInt.asUintN(64, (value >> by) | (value << (64n - by)))
}

function mixed(value: bigint): bigint {
  return value ^ (value >> 47n)
}
