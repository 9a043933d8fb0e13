import type { Clock } from '../clock.ts'

/**
 * One broker's answer about leaders or coordinators decides nothing: a broker that is cut off from the others does not know
 * that it was replaced, and answers as before. So most brokers are queried.
 */

/** Once most have answered, the others are waited for this long: one of them may hang. */
export const LAST_WORDS_MS = 200

/**
 * The answers to requests that were sent at once; answers are missing where some come later than `LAST_WORDS_MS` after
 * most. `onFailure` gets each error; what it throws rejects the whole.
 */
export async function answersOfMost<T>(
  questions: readonly Promise<T>[],
  clock: Clock,
  onFailure: (error: unknown) => void,
): Promise<readonly T[]> {
  const answers: T[] = []
  const most = Promise.withResolvers<void>()
  const all = Promise.all(
    questions.map(async (question) => {
      try {
        answers.push(await question)
        if (2 * answers.length > questions.length) most.resolve()
      } catch (error) {
        onFailure(error)
      }
    }),
  )
  all.catch(() => {})
  const over = new AbortController()
  const late = most.promise.then(() => clock.delay(LAST_WORDS_MS, over.signal))
  await Promise.race([all, late]).finally(() => over.abort())
  return [...answers]
}

/**
 * The one that most answers name; of several with equal counts, the one that was named first. Undefined where there is no
 * answer at all.
 */
export function mostNamed<T>(names: readonly T[]): T | undefined {
  const [most] = [...Map.groupBy(names, (name) => name)].toSorted(
    ([, left], [, right]) => right.length - left.length,
  )
  return most?.[0]
}
