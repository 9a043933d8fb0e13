import type { Clock } from '../clock.ts'

/**
 * One broker's word about who leads or coordinates decides nothing: one that hears the others no more does not know that it
 * was replaced, and answers as before. So most of them are asked.
 */

/** Once most have answered, the others are waited for so long: one of them may hang. */
export const LAST_WORDS_MS = 200

/**
 * The answers to questions that were asked at once, not all of them where some come later than `LAST_WORDS_MS` after most.
 * `onFailure` hears of each that failed; what it throws rejects the whole.
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

/** Whom most of them name, of several the one named first; undefined where there is no word at all. */
export function mostNamed<T>(names: readonly T[]): T | undefined {
  const [most] = [...Map.groupBy(names, (name) => name)].toSorted(
    ([, left], [, right]) => right.length - left.length,
  )
  return most?.[0]
}
