const ALLOCATION_CODES: ReadonlySet<unknown> = new Set(['ERR_MEMORY_ALLOCATION_FAILED', 'Z_MEM_ERROR'])

/** V8 gives its failed allocations no code: only here is an error recognised by its message. */
const ALLOCATION_WORDS: ReadonlySet<string> = new Set(['Array buffer allocation failed'])

/** Whether an error means a lack of memory, and not something wrong with the data. */
export function isAllocation(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ALLOCATION_WORDS.has(error.message) || ('code' in error && ALLOCATION_CODES.has(error.code))
}
