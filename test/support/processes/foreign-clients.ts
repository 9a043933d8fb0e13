import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Clients from outside of this project, as their own languages bring them. */

const BUILD_TIMEOUT_MS = 180_000
const RUN_TIMEOUT_MS = 60_000

const run = promisify(execFile)
const pathOf = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

/** One request; its body is this many bytes without meaning. */
export interface ForeignRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: number
}

/** What the client got; status 0 where it saw a broken connection instead, which `code` names. */
export interface ClientAnswer {
  readonly status: number
  readonly code: string
}

export type Client = (requests: readonly ForeignRequest[]) => Promise<ClientAnswer[]>

/** Python's urllib, which sends everything before it reads an answer. */
export const urllib: Client = async (requests) => await fed('python3', [pathOf('early-answers.py')], requests)

/** Node's fetch. */
export const nodeFetch: Client = async (requests) => {
  const answers: ClientAnswer[] = []
  for (const { method, url, headers, bytes } of requests) {
    try {
      const answer = await fetch(url, { method, headers, body: Buffer.alloc(bytes, 'x') })
      answers.push({ status: answer.status, code: ((await answer.json()) as { code: string }).code })
    } catch (error) {
      const { cause } = error as { cause?: unknown }
      answers.push({ status: 0, code: `${String(error)} ${String(cause)}` })
    }
  }
  return answers
}

/** A program with Go's net/http; `stack` deletes it. On a machine without Go: the reason why there is none. */
export async function goClient(
  stack: AsyncDisposableStack,
): Promise<{ readonly client: Client } | { readonly missing: string }> {
  try {
    await run('go', ['version'])
  } catch {
    return { missing: 'Go is needed (golang-go): net/http was not tried' }
  }
  const dir = await mkdtemp(join(tmpdir(), 'hivemeter-go-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
  const program = join(dir, 'early-answers')
  await run('go', ['build', '-o', program, pathOf('early-answers.go')], { timeout: BUILD_TIMEOUT_MS })
  return { client: async (requests) => await fed(program, [], requests) }
}

async function fed(
  program: string,
  args: readonly string[],
  requests: readonly ForeignRequest[],
): Promise<ClientAnswer[]> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], timeout: RUN_TIMEOUT_MS })
  child.stdin.end(JSON.stringify(requests))
  return JSON.parse(await text(child.stdout)) as ClientAnswer[]
}
