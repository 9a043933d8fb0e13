import type { FleetNode, Mark } from '../../../schemas/fleet/records.ts'

const RUNS = 64
const EPOCHS = 16
const LOST_MOST = 4_503_599_627_370_495

/** The first number of a run that was used, and the last one. */
type Run = readonly [first: number, last: number]

/** The numbers that a node has used, by epoch: the second implementation of what the task remembers of them. */
export class Numbers {
  lost = 0
  #runs = new Map<number, Run[]>()
  #low: Mark = { epoch: 0, seq: 1 }

  /** Whether a number was used, or can no longer be told from one that was. */
  has({ epoch, seq }: Mark): boolean {
    if (epoch < this.#low.epoch) return true
    if (epoch === this.#low.epoch && seq < this.#low.seq) return true
    return (this.#runs.get(epoch) ?? []).some(([first, last]) => seq >= first && seq <= last)
  }

  /** All numbers from `first` to `last` of an epoch are used. */
  use(epoch: number, first: number, last: number): void {
    const from = epoch === this.#low.epoch ? Math.max(first, this.#low.seq) : first
    if (epoch < this.#low.epoch || from > last) return
    const runs = this.#runs.get(epoch) ?? []
    const before = runs.filter(([, end]) => end + 1 < from)
    const after = runs.filter(([begin]) => begin > last + 1)
    const touching = runs.filter((run) => !before.includes(run) && !after.includes(run))
    const joined: Run = [
      Math.min(from, ...touching.map(([begin]) => begin)),
      Math.max(last, ...touching.map(([, end]) => end)),
    ]
    this.#runs.set(epoch, this.#bounded([...before, joined, ...after]))
    while (this.#runs.size > EPOCHS) this.end({ epoch: this.#epochs()[1] ?? 0, seq: 1 })
  }

  /** Nothing below the mark comes any more. */
  end({ epoch, seq }: Mark): void {
    const { epoch: lowEpoch, seq: lowSeq } = this.#low
    if (epoch < lowEpoch || (epoch === lowEpoch && seq <= lowSeq)) return
    const begins = (of: number): number => (of === lowEpoch ? lowSeq : 1)
    for (const of of this.#epochs().filter((one) => one < epoch)) {
      const runs = this.#runs.get(of) ?? []
      const end = runs.at(-1)?.[1] ?? 0
      this.#lose(end - begins(of) + 1 - usedUpTo(runs, end))
      this.#runs.delete(of)
    }
    const runs = this.#runs.get(epoch) ?? []
    this.#lose(seq - begins(epoch) - usedUpTo(runs, seq - 1))
    const left = runs.flatMap(([first, last]): Run[] => (last < seq ? [] : [[Math.max(first, seq), last]]))
    if (left.length === 0) this.#runs.delete(epoch)
    else this.#runs.set(epoch, left)
    this.#low = { epoch, seq }
  }

  /** As fleet.state has it. */
  shown(): Pick<FleetNode, 'low' | 'epochs' | 'lost'> {
    const epochs = this.#epochs().map((epoch) => {
      const runs = this.#runs.get(epoch) ?? []
      return { epoch, ranges: runs.map(([first, last]) => ({ from: first, to: last + 1 })) }
    })
    return { low: { epoch: this.#low.epoch, seq: this.#low.seq }, epochs, lost: this.lost }
  }

  #epochs(): number[] {
    return [...this.#runs.keys()].toSorted((left, right) => left - right)
  }

  /** The lowest two runs become one until there are few enough. */
  #bounded(runs: Run[]): Run[] {
    const [lowest, next, ...rest] = runs
    if (runs.length <= RUNS || lowest === undefined || next === undefined) return runs
    this.#lose(next[0] - lowest[1] - 1)
    return this.#bounded([[lowest[0], next[1]], ...rest])
  }

  #lose(numbers: number): void {
    this.lost = Math.min(LOST_MOST, this.lost + Math.max(0, numbers))
  }
}

/** How many numbers up to `end` are in runs. */
function usedUpTo(runs: readonly Run[], end: number): number {
  let used = 0
  for (const [first, last] of runs) if (first <= end) used += Math.min(last, end) - first + 1
  return used
}
