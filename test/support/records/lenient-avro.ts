import { readFileSync } from 'node:fs'
import avsc from 'avsc'
import { framed } from '../../../schemas/avro.ts'

/** Writes any number, also one that a double does not hold exactly and that no reader of ours accepts. */
interface Tap {
  writeLong(value: number): void
}

class AnyLong extends avsc.types.LongType {
  _check(): boolean {
    return true
  }

  _write(tap: Tap, value: number): void {
    tap.writeLong(value)
  }
}

/**
 * Writes records of a schema as a foreign producer might, framed: every int and long may be anything that 64 bits hold.
 * It is for values that the schema's own codec refuses to encode.
 */
export function lenientEncoder(schemaId: number, file: string): (value: object) => Buffer {
  const text = readFileSync(new URL(`../../../schemas/avro/${file}.avsc`, import.meta.url), 'utf8')
  const schema = JSON.parse(text.replaceAll('"int"', '"long"')) as avsc.Schema
  const type = avsc.Type.forSchema(schema, {
    wrapUnions: false,
    typeHook: (attributes) => ((attributes as unknown) === 'long' ? new AnyLong() : undefined),
  })
  return (value) => framed(schemaId, [type.toBuffer(value)])
}
