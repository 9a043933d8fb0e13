/** Lets everybody else have a turn of the event loop: long work pauses here now and then. */
export function othersTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Maps a long list, a part of it a turn, in order. */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  itemsPerTurn: number,
  map: (item: Item) => Result,
): Promise<Result[]> {
  const results: Result[] = []
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % itemsPerTurn === 0) await othersTurn()
    results.push(map(item))
  }
  return results
}
