import type { ClickhouseClient } from './client.ts'
import { ClickhouseAway } from './errors.ts'

/**
 * Several replicas as one client: the first is used until it is away, and from then on the next one. Nothing is tried twice
 * here: a caller that gets ClickhouseAway knows what the outcome means for it. A replica that was left is used again when
 * the others have been away in their turn.
 */
export function failingOver(replicas: readonly ClickhouseClient[]): ClickhouseClient {
  const [first] = replicas
  if (first === undefined) throw new Error('ClickHouse has no address.')
  if (replicas.length === 1) return first
  let current = 0
  const ask = async <Answer>(question: (replica: ClickhouseClient) => Promise<Answer>): Promise<Answer> => {
    const asked = current
    try {
      return await question(replicas[asked] ?? first)
    } catch (error) {
      // Of many calls that fail together, only the first moves on to the next replica.
      if (error instanceof ClickhouseAway && asked === current) current = (asked + 1) % replicas.length
      throw error
    }
  }
  return {
    cluster: first.cluster,
    replicas,
    command: (sql, params, settings) => ask((replica) => replica.command(sql, params, settings)),
    rows: <T>(...statement: Parameters<ClickhouseClient['rows']>) =>
      ask((replica) => replica.rows<T>(...statement)),
    insertRaw: (insert) => ask((replica) => replica.insertRaw(insert)),
    sync: (tables) => ask((replica) => replica.sync(tables)),
    onOneReplica: (work) => ask((replica) => replica.onOneReplica(work)),
    close: async () => {
      await Promise.all(replicas.map((replica) => replica.close()))
    },
  }
}

/**
 * The answer of a majority of the replicas: true where more than half say yes; false where more than half say no and none
 * of those that answered says yes. Two majorities share a replica, so what was acknowledged by one (insert_quorum) is never
 * "no" for another, however far a replica lags behind. Throws ClickhouseAway where it is neither; a refusal of a replica is
 * thrown unchanged.
 */
export async function askMajority(
  client: ClickhouseClient,
  question: (replica: ClickhouseClient) => Promise<boolean>,
): Promise<boolean> {
  const enough = majorityOf(client)
  return await askAll(client, question, (answers) => {
    const yes = answers.filter(Boolean).length
    if (yes >= enough) return true
    return yes === 0 && answers.length >= enough ? false : undefined
  })
}

/** The answers of more than half of the replicas, whichever come first. Throws ClickhouseAway where fewer answer. */
export async function answersOfMajority<Answer>(
  client: ClickhouseClient,
  question: (replica: ClickhouseClient) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const enough = majorityOf(client)
  return await askAll(client, question, (answers) => (answers.length >= enough ? [...answers] : undefined))
}

function majorityOf({ replicas }: ClickhouseClient): number {
  return Math.floor(replicas.length / 2) + 1
}

/** Sends a query to all replicas at once and ends with the first conclusion that the answers allow. */
async function askAll<Answer, Said>(
  { replicas }: ClickhouseClient,
  question: (replica: ClickhouseClient) => Promise<Answer>,
  say: (answers: readonly Answer[]) => Said | undefined,
): Promise<Said> {
  const { promise, resolve, reject } = Promise.withResolvers<Said>()
  const answers: Answer[] = []
  let away: ClickhouseAway | undefined
  const asked = replicas.map(async (replica) => {
    try {
      answers.push(await replica.onOneReplica(question))
      const said = say(answers)
      if (said !== undefined) resolve(said)
    } catch (error) {
      if (error instanceof ClickhouseAway) away = error
      else reject(error)
    }
  })
  void Promise.all(asked).then(() => {
    if (replicas.length === 1 && away !== undefined) return reject(away)
    const answered = `of ${replicas.length} replicas ${answers.length} answered (${answers.join(', ')})`
    const message = `ClickHouse does not answer as a majority: ${answered}`
    reject(new ClickhouseAway(message, { cause: away, refusal: away?.refusal }))
  })
  return await promise
}
