import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const VERSION = '4.32.5'
const INSTALL_TIMEOUT_MS = 180_000
const RUN_TIMEOUT_MS = 300_000
const OUTPUT_BYTES_MAX = 16 * 1_048_576

const run = promisify(execFile)

/** The rules for every answer: the document must have it, and it is never a failure of the server. */
/** Names the one route where wrong data is no reason for a status of its own. */
const CONFIG = fileURLToPath(new URL('./schemathesis.toml', import.meta.url))

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'negative_data_rejection',
  'ignored_auth',
]

/**
 * Schemathesis from PyPI, in a folder inside of node_modules; installed once. Returns its program, or the reason why
 * there is none: a machine without Python cannot run it.
 */
export async function schemathesis(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const dir = fileURLToPath(new URL(`../../../node_modules/.cache/schemathesis-${VERSION}`, import.meta.url))
  const program = join(dir, 'bin', 'schemathesis')
  if (existsSync(program)) return { program }
  try {
    await run('python3', ['-m', 'venv', dir], { timeout: INSTALL_TIMEOUT_MS })
  } catch (error) {
    return {
      missing: `python3 with venv is needed: ${error instanceof Error ? error.message.split('\n', 1)[0] : ''}`,
    }
  }
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`]
  await run(join(dir, 'bin', 'python'), pip, { timeout: INSTALL_TIMEOUT_MS })
  return { program }
}

export interface FuzzOptions {
  readonly program: string
  readonly url: string
  readonly key: string
  readonly examples: number
  /** The same seed sends the same requests. */
  readonly seed: number
}

/** Sends a server what its document allows and forbids; returns what Schemathesis reports at its end. */
export async function fuzz({
  program,
  url,
  key,
  examples,
  seed,
}: FuzzOptions): Promise<{ passed: boolean; output: string }> {
  const args = [
    '--config-file',
    CONFIG,
    'run',
    `${url}/openapi.json`,
    '--checks',
    CHECKS.join(','),
    '--phases',
    'examples,coverage,fuzzing',
  ]
  args.push('--max-examples', String(examples), '--seed', String(seed), '--continue-on-failure', '--no-color')
  args.push('--header', `Authorization: Bearer ${key}`)
  try {
    // It keeps its results in the folder where it runs.
    const cwd = dirname(program)
    const { stdout } = await run(program, args, { cwd, timeout: RUN_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX })
    return { passed: true, output: stdout }
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return { passed: false, output: `${stdout}${stderr}` }
  }
}
