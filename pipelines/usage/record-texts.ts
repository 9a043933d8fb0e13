import { isUtf8 } from 'node:buffer'
import { isSource } from '../../schemas/identity.ts'
import { isFreeText, NODE_ID_BYTES_MAX } from '../../schemas/ids.ts'

/** Whether bytes of a record are a name of a node: 1 to 64 of A-Z a-z 0-9 . _ : -. */
export function isNodeId(bytes: Buffer): boolean {
  if (bytes.length < 1 || bytes.length > NODE_ID_BYTES_MAX) return false
  for (const byte of bytes) {
    const letter = (byte >= 97 && byte <= 122) || (byte >= 65 && byte <= 90)
    const digitOrColon = byte >= 48 && byte <= 58
    if (!(letter || digitOrColon || byte === 45 || byte === 46 || byte === 95)) return false
  }
  return true
}

/** Whether the bytes are text that an id or a model may be. */
export function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && isFreeText(bytes.toString('utf8'))
}

/** Whether the bytes are text that names the source of an id. */
export function isSourceText(bytes: Buffer): boolean {
  return isUtf8(bytes) && isSource(bytes.toString('utf8'))
}
