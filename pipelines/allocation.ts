const ALLOCATION_CODES: ReadonlySet<unknown> = new Set(['ERR_MEMORY_ALLOCATION_FAILED', 'Z_MEM_ERROR'])

/** V8 gives its failed allocations no code: here alone an error is known by its words. */
const ALLOCATION_WORDS: ReadonlySet<string> = new Set(['Array buffer allocation failed'])

/** Want of memory, and nothing that is wrong with what was worked on. */
export function isAllocation(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ALLOCATION_WORDS.has(error.message) || ('code' in error && ALLOCATION_CODES.has(error.code))
}
