import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { javaCommand } from '../../infra/local/java.ts'
import type { Server } from '../support/servers/both-servers.ts'
import type { Call } from './generated-calls.ts'
import { programOf, TSCONFIG } from './generated-typescript.ts'
import { outputOf } from './tools.ts'

/** A server as a generator sees it. */
export interface Served {
  readonly name: Server['name']
  readonly url: string
  readonly document: Server['document']
  readonly calls: readonly Call[]
}

/** A generator, with what its client needs to compile and run. All its output is in a folder of its own. */
export interface Generator {
  readonly name: string
  /** The commands, each with the option that prints its version. */
  readonly tools: readonly (readonly [file: string, ...args: string[]])[]
  /** Fetches the generator, and what its clients need. */
  readonly install: (dir: string) => Promise<void>
  /** Makes the client of a server. */
  readonly generate: (dir: string, served: Served) => Promise<void>
  /** Fails where the code for any server breaks the rules of its language. */
  readonly compile: (dir: string, all: readonly Served[]) => Promise<void>
  /** Makes the calls; returns a line of JSON for each answer. */
  readonly call: (dir: string, served: Served, key: string) => Promise<string>
}

const PYTHON_TOOLS: Generator['tools'] = [['python3', '-c', 'import venv, ensurepip']]
const JAVA_TOOLS: Generator['tools'] = [
  [javaCommand(), '--version'],
  ['mvn', '--version'],
]
const TSC = fileURLToPath(new URL('../../node_modules/.bin/tsc', import.meta.url))

/** Code without the generator's documents and tests, which are not used here. */
const ONLY_CODE = ['--global-property', 'apiDocs=false,modelDocs=false,apiTests=false,modelTests=false']

const sourceOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const documentOf = (dir: string, { name }: Served): string => join(dir, `${name}.openapi.json`)
const callsFile = (dir: string, { name }: Served): string => join(dir, `${name}.calls.json`)

/** Documents as the servers send them, and the calls, for programs to read. */
export async function writeWork(dir: string, served: Served): Promise<void> {
  const answer = await fetch(`${served.url}/openapi.json`)
  await writeFile(documentOf(dir, served), await answer.text())
  await writeFile(callsFile(dir, served), JSON.stringify(served.calls))
}

async function installPython(dir: string, folder: string): Promise<void> {
  await outputOf('python3', ['-m', 'venv', join(dir, 'venv')])
  const requirements = join(sourceOf(folder), 'requirements.txt')
  const quiet = ['--quiet', '--disable-pip-version-check']
  await outputOf(join(dir, 'venv/bin/pip'), ['install', ...quiet, '--requirement', requirements])
}

/** Compiles every module and imports it: only that shows wrong names. */
async function compilePython(dir: string, all: readonly Served[]): Promise<void> {
  const python = join(dir, 'venv/bin/python')
  const names = all.map(({ name }) => name)
  await outputOf(python, ['-m', 'compileall', '-q', ...names], { cwd: dir })
  const imports = `import importlib, pkgutil
for name in ${JSON.stringify(names)}:
    for found in pkgutil.walk_packages(importlib.import_module(name).__path__, name + "."):
        importlib.import_module(found.name)`
  await outputOf(python, ['-c', imports], { cwd: dir })
}

async function callPython(dir: string, folder: string, served: Served, key: string): Promise<string> {
  await cp(join(sourceOf(folder), 'call.py'), join(dir, 'call.py'))
  const args = ['call.py', served.name, served.url, key, callsFile(dir, served)]
  return await outputOf(join(dir, 'venv/bin/python'), args, { cwd: dir })
}

const installGenerator = async (dir: string): Promise<void> => {
  const pom = join(sourceOf('openapi-generator'), 'pom.xml')
  const target = `-DoutputDirectory=${join(dir, 'generator')}`
  await outputOf('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', target])
}

async function openapiGenerator(dir: string, served: Served, ...args: string[]): Promise<void> {
  const main = ['-cp', join(dir, 'generator', '*'), 'org.openapitools.codegen.OpenAPIGenerator', 'generate']
  await outputOf(javaCommand(), [...main, '-i', documentOf(dir, served), '-o', dir, ...ONLY_CODE, ...args])
}

const typescript: Generator = {
  name: 'openapi-typescript and openapi-fetch',
  tools: [['npm', '--version']],
  install: async (dir) => {
    await cp(join(sourceOf('openapi-typescript'), 'package.json'), join(dir, 'package.json'))
    await outputOf('npm', ['install', '--no-audit', '--no-fund', '--silent'], { cwd: dir })
  },
  generate: async (dir, served) => {
    const own = join(dir, served.name)
    await mkdir(own)
    const generator = join(dir, 'node_modules/.bin/openapi-typescript')
    await outputOf(generator, [documentOf(dir, served), '--output', join(own, 'types.ts')])
    await writeFile(join(own, 'calls.ts'), programOf(served.document, served.calls))
    await writeFile(join(own, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  },
  compile: async (dir, all) => {
    for (const { name } of all) await outputOf(TSC, ['--project', join(dir, name)])
  },
  call: async (dir, { name, url }, key) => {
    return await outputOf(process.execPath, [join(dir, name, 'calls.ts'), url, key])
  },
}

const pythonClient: Generator = {
  name: 'openapi-python-client',
  tools: PYTHON_TOOLS,
  install: (dir) => installPython(dir, 'openapi-python-client'),
  generate: async (dir, served) => {
    const files = ['--path', documentOf(dir, served), '--output-path', join(dir, served.name)]
    const config = join(sourceOf('openapi-python-client'), 'config.yaml')
    const bin = join(dir, 'venv/bin')
    // It formats its output with a program that it searches for in the PATH.
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` }
    const args = ['generate', ...files, '--config', config, '--meta', 'none']
    await outputOf(join(bin, 'openapi-python-client'), args, { env })
  },
  compile: compilePython,
  call: (dir, served, key) => callPython(dir, 'openapi-python-client', served, key),
}

const generatorPython: Generator = {
  name: 'openapi-generator for Python',
  tools: [...PYTHON_TOOLS, ...JAVA_TOOLS],
  install: async (dir) => {
    await installGenerator(dir)
    await installPython(dir, 'openapi-generator')
  },
  generate: (dir, served) => openapiGenerator(dir, served, '-g', 'python', '--package-name', served.name),
  compile: compilePython,
  call: (dir, served, key) => callPython(dir, 'openapi-generator', served, key),
}

const generatorJava: Generator = {
  name: 'openapi-generator for Java',
  tools: JAVA_TOOLS,
  install: installGenerator,
  // The library that accepts the documents as they are: the code that `native` makes for a body that is an object or a
  // list, and that `okhttp-gson` makes for a time that is text or a number, does not compile.
  generate: async (dir, served) => {
    const { name } = served
    const packages = ['api', 'model'].flatMap((part) => [`--${part}-package`, `${name}.${part}`])
    const invoker = ['--invoker-package', `${name}.client`]
    await openapiGenerator(dir, served, '-g', 'java', '--library', 'jersey3', ...packages, ...invoker)
  },
  compile: async (dir) => {
    await cp(join(sourceOf('openapi-generator'), 'Call.java'), join(dir, 'src/main/java/Call.java'))
    const goals = ['compile', 'dependency:copy-dependencies', `-DoutputDirectory=${join(dir, 'lib')}`]
    // A call finds its parameters by their names.
    await outputOf('mvn', ['-q', '-B', ...goals, '-Dmaven.compiler.parameters=true'], { cwd: dir })
  },
  call: async (dir, served, key) => {
    const apis = await readdir(join(dir, 'src/main/java', served.name, 'api'))
    const names = apis.map((file) => file.replace('.java', ''))
    const path = [join(dir, 'target/classes'), join(dir, 'lib', '*')].join(delimiter)
    // Java's own client knows no PATCH; the library gets it in by a field of that client, which must be open to it.
    const open = ['--add-opens', 'java.base/java.net=ALL-UNNAMED']
    const program = ['-XX:TieredStopAtLevel=1', ...open, '-cp', path, 'Call']
    const args = [served.name, served.url, key, callsFile(dir, served), ...names]
    return await outputOf(javaCommand(), [...program, ...args])
  },
}

export const GENERATORS: readonly Generator[] = [typescript, pythonClient, generatorPython, generatorJava]
