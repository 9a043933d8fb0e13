/** An error in ClickHouse's own terms; clients distinguish errors by `code` and `type`, never by the message. */
export class ClickhouseError extends Error {
  readonly code: number

  constructor(code: number, type: string, message: string) {
    super(`Code: ${code}. DB::Exception: ${message} (${type})`)
    this.name = 'ClickhouseError'
    this.code = code
  }
}

const UNKNOWN_EXCEPTION = 1002

/**
 * CORRUPTED_DATA: a part on the disk cannot be read. Seen after a disk had become full during a merge: the engine takes
 * the half-written part for the result of the merge. Only when it loads its tables anew does it set such a part aside and
 * return to the parts that it was merged from, which are kept for 8 minutes.
 */
export const BROKEN_PART = 246

/** HTTP status of the codes for which a ClickHouse server does not answer 500. */
const STATUS_BY_CODE: Readonly<Record<number, number>> = {
  ...statusOf(
    400,
    [
      6, 26, 27, 33, 36, 38, 41, 42, 43, 44, 50, 53, 62, 70, 72, 73, 80, 108, 117, 164, 290, 385, 386, 456,
      457,
    ],
  ),
  ...statusOf(403, [192, 193, 497, 516]),
  ...statusOf(404, [16, 46, 47, 60, 81, 115, 218, 372, 511]),
  ...statusOf(401, [194]),
  ...statusOf(501, [48]),
}

function statusOf(status: number, codes: readonly number[]): Record<number, number> {
  return Object.fromEntries(codes.map((code) => [code, status]))
}

/** What is sent to the client for a failure. */
export interface Failure {
  readonly code: number
  readonly status: number
  readonly message: string
}

/**
 * Turns anything thrown into ClickHouse's form. The engine gives no code apart from the text
 * `Code: N. DB::Exception: … (TYPE)`, and wraps that text once more around errors in an insert's data.
 */
export function describeFailure(error: unknown, version: string): Failure {
  const text = error instanceof Error ? error.message : String(error)
  const inner =
    /^Code: \d+\. DB::Exception: (Code: \d+\. DB::Exception: .*) \(version [^)]*\)\. \(\w+\)$/s.exec(text)
  const known = (inner?.[1] ?? text).trim()
  const code = Number(/^Code: (\d+)/.exec(known)?.[1] ?? UNKNOWN_EXCEPTION)
  const full =
    code === UNKNOWN_EXCEPTION ? `Code: ${code}. DB::Exception: ${known} (UNKNOWN_EXCEPTION)` : known
  return { code, status: STATUS_BY_CODE[code] ?? 500, message: `${full} (version ${version} (chdb))\n` }
}
