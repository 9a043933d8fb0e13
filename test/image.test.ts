import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, posix } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { trackedFiles } from './support/tree.ts'
import type { SourceFile } from './support/tree.ts'

// The image cannot be built without a container engine: this test checks what can be known without one.

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>
  optionalDependencies: Record<string, string>
}
const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
  paths.split(' '),
)

/** The files that a file imports at run time; paths from the root of the project. */
function importedBy({ path, lines }: SourceFile): string[] {
  return lines.flatMap((line) => {
    const [, to = ''] = /^(?:import (?!type )[^']*|\} from )'([^']+)'$/.exec(line) ?? []
    if (to === '') return []
    return [to.startsWith('.') ? posix.join(dirname(path), to) : to]
  })
}

describe('the image', () => {
  it('copies what is there and what .dockerignore lets through', () => {
    assert.deepEqual(copied, [
      'package.json',
      'package-lock.json',
      '.npmrc',
      'package.json',
      'schemas',
      'pipelines',
      'services',
    ])
    const allowed = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
    for (const path of copied) {
      assert.ok(existsSync(join(ROOT, path)), path)
      assert.ok(allowed.includes(`!${path}`), `.dockerignore keeps ${path} out`)
    }
  })

  it('has the Node that the project runs on', () => {
    const versions = new Set(Object.values(packageJson.optionalDependencies))
    assert.deepEqual([...versions], [/node:(\d+\.\d+\.\d+)-bookworm-slim(?:@|$)/m.exec(dockerfile)?.[1]])
  })

  it('holds every package and file that the services import', () => {
    const sources = trackedFiles().filter(
      ({ path }) => /^(schemas|pipelines|services)\/.*\.ts$/.test(path) && !path.endsWith('.test.ts'),
    )
    const outside = sources.flatMap((file) =>
      importedBy(file).flatMap((to) => {
        const name = to
          .split('/')
          .slice(0, to.startsWith('@') ? 2 : 1)
          .join('/')
        const isThere =
          isBuiltin(to) || name in packageJson.dependencies || copied.includes(to.split('/')[0] ?? '')
        return isThere ? [] : [`${file.path} imports ${to}`]
      }),
    )
    assert.ok(sources.length > 100)
    assert.deepEqual(outside, [])
  })

  it('needs no package that runs a script when it is installed', () => {
    const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean; dev?: boolean; devOptional?: boolean }>
    }
    const scripted = Object.entries(packages).filter(
      ([, { hasInstallScript = false, dev = false }]) => hasInstallScript && !dev,
    )
    assert.deepEqual(
      scripted.map(([name]) => name),
      [],
    )
  })

  it('is not root, stops by SIGTERM, and starts a program that is there', () => {
    assert.match(dockerfile, /^USER 1000:1000$/m)
    assert.match(dockerfile, /^STOPSIGNAL SIGTERM$/m)
    const [, main = ''] = /^CMD \["(.+)"\]$/m.exec(dockerfile) ?? []
    assert.ok(existsSync(join(ROOT, main)), main)
  })

  it('is made without running a script of any package, as every install is: those that have one need none', () => {
    assert.match(readFileSync(join(ROOT, '.npmrc'), 'utf8'), /^ignore-scripts=true$/m)
    assert.match(dockerfile, /npm install .*--ignore-scripts/)
    const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>
    }
    const scripted = Object.keys(lock.packages).filter((path) => lock.packages[path]?.hasInstallScript)
    // chdb's script does nothing, protobufjs' warns about versions, and the others would compile code that makes SSH
    // faster.
    assert.deepEqual(
      scripted.map((path) => path.replace('node_modules/', '')),
      ['chdb', 'cpu-features', 'protobufjs', 'ssh2'],
    )
  })
})
