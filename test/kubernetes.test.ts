import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { rootCertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { SERVICE_NAMES } from '../schemas/services.ts'
import { VERSION } from '../schemas/version.ts'
import { loadConfig } from '../services/runtime/config.ts'
import type { Config } from '../services/runtime/config.ts'
import { STOP_TIMEOUT_MS } from '../services/runtime/process.ts'
import { deploymentTools } from './support/processes/deployment-tools.ts'
import type { Manifest, Tools } from './support/processes/deployment-tools.ts'

// Compares what an overlay promises with Kubernetes' own schemas and with what the services do.

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OVERLAYS = ['small', 'production'] as const
const SERVERS: readonly string[] = ['gateway', 'reader']
const tools = await deploymentTools()
const missing = 'missing' in tools ? tools.missing : undefined
if (missing !== undefined && process.env['CI'] === 'true') throw new Error(missing)

/** A file for every path that a setting names, as the volumes provide it. */
const dir = mkdtempSync(join(tmpdir(), 'hivemeter-kubernetes-'))
after(() => rmSync(dir, { recursive: true, force: true }))

function withFiles(environment: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      if (!name.endsWith('_FILE')) return [name, value]
      const file = join(dir, value)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, value.endsWith('.crt') ? (rootCertificates[0] ?? '') : 'a secret of a test\n')
      return [name, file]
    }),
  )
}

for (const overlay of OVERLAYS) {
  describe(`infra/kubernetes/${overlay}`, { skip: missing }, async () => {
    const { manifests, unchecked } =
      missing === undefined
        ? await (tools as Tools).render(`infra/kubernetes/${overlay}`)
        : { manifests: [], unchecked: [] }
    const ofKind = (kind: string): Manifest[] => manifests.filter((manifest) => manifest.kind === kind)
    const [settings] = ofKind('ConfigMap')
    const pods = [...ofKind('Deployment'), ...ofKind('Job')].map(({ kind, metadata, spec }) => ({
      kind,
      name: metadata.name,
      labels: spec.template.metadata.labels as Record<string, string>,
      spec: spec.template.spec,
      container: spec.template.spec.containers[0],
    }))
    const selects = (selector: Manifest['spec'], labels: Record<string, string>): boolean =>
      Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
      (selector.matchExpressions ?? []).every(
        ({ key, operator, values }: { key: string; operator: string; values: string[] }) =>
          operator === 'In' && values.includes(labels[key] ?? ''),
      )
    const configOf = (container: Manifest['spec']): Config => {
      const own = (container.env as { name: string; value: string }[]).map(({ name, value }) => [name, value])
      const environment = { ...settings?.data, ...(Object.fromEntries(own) as Record<string, string>) }
      return loadConfig({ environment: withFiles(environment) })
    }

    it('fits the schemas of Kubernetes; only the kind of the Prometheus operator has none', () => {
      assert.deepEqual(unchecked, ['PodMonitor'])
      assert.deepEqual(
        pods.map(({ name }) => name).sort(),
        [...SERVICE_NAMES, `migrate-${VERSION.replaceAll('.', '-')}`].sort(),
      )
    })

    it('runs programs that are there, with settings that the services take', () => {
      for (const { name, spec, container } of pods) {
        const [main = ''] = container.args as string[]
        assert.ok(existsSync(join(ROOT, main)), `${name}: ${main}`)
        assert.equal(container.image, `hivemeter:${VERSION}`)
        const config = configOf(container)
        assert.deepEqual(
          [config.access, config.replicationFactor, config.topicRetention],
          ['required', 3, 'time'],
        )
        // Otherwise Kubernetes' own variables of Services, which look like HIVEMETER settings, would be read as settings.
        assert.equal(spec.enableServiceLinks, false, name)
        const mounts = new Set(
          (container.volumeMounts as { mountPath: string }[]).map((mount) => mount.mountPath),
        )
        for (const { name: variable, value } of container.env as { name: string; value: string }[]) {
          if (variable.endsWith('_FILE')) assert.ok(mounts.has(dirname(value)), `${name}: ${variable}`)
        }
      }
    })

    it('has probes that ask what they must, and time for a stop in order', () => {
      for (const { name, spec, container } of pods.filter(({ kind }) => kind === 'Deployment')) {
        const config = configOf(container)
        const isServer = SERVERS.includes(name)
        const port = isServer
          ? config[`${name}Port` as 'readerPort']
          : config[`${name}OpsPort` as 'loaderOpsPort']
        assert.deepEqual(container.ports, [{ name: 'http', containerPort: port }])
        const asks = (probe: string): unknown => container[probe].httpGet
        assert.deepEqual(asks('livenessProbe'), { path: '/healthz', port: 'http' }, name)
        assert.deepEqual(asks('startupProbe'), { path: '/healthz', port: 'http' }, name)
        const path = `/readyz?exclude=${isServer ? 'outages' : 'halted'}`
        assert.deepEqual(asks('readinessProbe'), { path, port: 'http' }, name)
        const needsS = (isServer ? config.drainS : 0) + STOP_TIMEOUT_MS / 1_000
        assert.ok(spec.terminationGracePeriodSeconds > needsS, `${name} is killed before its stop has ended`)
        // Kubernetes must find it unready, twice, and then the routers must learn of it.
        const { periodSeconds, failureThreshold } = container.readinessProbe
        if (isServer) assert.ok(config.drainS >= 2 * periodSeconds * failureThreshold, name)
      }
    })

    it('gives nobody more than it needs', () => {
      for (const { name, spec, container } of pods) {
        assert.deepEqual(
          [
            spec.securityContext.runAsNonRoot,
            spec.automountServiceAccountToken,
            spec.securityContext.seccompProfile,
          ],
          [true, false, { type: 'RuntimeDefault' }],
          name,
        )
        assert.deepEqual(container.securityContext, {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          privileged: false,
          readOnlyRootFilesystem: true,
        })
        const { requests, limits } = container.resources
        assert.ok(
          requests.cpu !== undefined && requests.memory !== undefined && limits.memory !== undefined,
          name,
        )
        assert.equal(spec.hostNetwork ?? spec.hostPID ?? spec.hostIPC, undefined)
      }
      // A password in a ConfigMap or a variable is no secret.
      assert.deepEqual(ofKind('Secret'), [])
      assert.ok(!JSON.stringify(manifests).includes('"HIVEMETER_CLICKHOUSE_PASSWORD"'))
    })

    it('selects what is there: budgets, policies, services, the monitor', () => {
      const names = (selector: Manifest['spec']): string[] =>
        pods.filter(({ labels }) => selects(selector, labels)).map(({ name }) => basename(name))
      for (const { metadata, spec } of ofKind('PodDisruptionBudget'))
        assert.deepEqual(names(spec.selector), [metadata.name])
      assert.equal(ofKind('PodDisruptionBudget').length, SERVICE_NAMES.length)
      const policies = new Map(
        ofKind('NetworkPolicy').map(({ metadata, spec }) => [metadata.name, names(spec.podSelector)]),
      )
      assert.equal(policies.get('deny-all')?.length, pods.length)
      assert.deepEqual(policies.get('clients')?.sort(), [...SERVERS])
      const clickhouse = pods.filter(({ container }) => JSON.stringify(container.env).includes('CLICKHOUSE'))
      assert.deepEqual(policies.get('clickhouse')?.sort(), clickhouse.map(({ name }) => name).sort())
      for (const { metadata, spec } of ofKind('Service'))
        assert.deepEqual(names({ matchLabels: spec.selector }), [metadata.name])
      const [monitor] = ofKind('PodMonitor')
      assert.deepEqual(names(monitor?.spec.selector).sort(), [...SERVICE_NAMES].sort())
      assert.deepEqual(monitor?.spec.podMetricsEndpoints, [
        { port: 'http', path: '/metrics', interval: '15s', scrapeTimeout: '10s' },
      ])
    })
  })
}

// This is here and not in image.test.ts, so that only one process at a time installs the tools.
it('the Dockerfile has nothing that hadolint finds', { skip: missing }, async () => {
  assert.equal(await (tools as Tools).lint('Dockerfile'), '')
})
