import type { BoardReading } from '../../reading.ts'
import type { ModelRecord } from '../../poll.ts'

/**
 * Which of the listed chains are boards. Machines list slots that they do not have (a fourth one of three, sixteen on some
 * firmware), so a slot without chips is a board, a lost one, only where the model has so many; the same holds for a slot
 * that says neither chips nor a rate. On old machines the boards stand in the last slots: there nobody can say which slot
 * lost its board.
 */
export function boardsAmong(chains: readonly BoardReading[], model: ModelRecord | null): BoardReading[] {
  const expected = model?.boards ?? 0
  const alive = chains.filter(({ present }) => present === true)
  const isFromFirst = alive.every(({ slot }) => slot < expected)
  if (alive.length >= expected || !isFromFirst) return alive
  return chains.filter(({ slot, present }) => present === true || slot < expected)
}
