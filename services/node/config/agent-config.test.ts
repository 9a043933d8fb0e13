import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { EXIT, ExitError } from '../../runtime/exit.ts'
import { loadAgentConfig } from './agent-config.ts'
import { MACHINES_MAX } from './agent-config-schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'hivemeter-agent-config-'))
after(() => rmSync(folder, { recursive: true }))

const SECRET = 'seaside-9'
const MACHINE = { address: '10.20.1.7', adapter: 'bitmain', login: { user: 'root', password: SECRET } }
const FILE = {
  gatewayUrl: 'https://meter.example/',
  stateFolder: 'state',
  token: 'once',
  machines: [MACHINE],
}

function fileWith(content: unknown, mode = 0o600): string {
  const path = join(folder, 'node.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  chmodSync(path, mode)
  return path
}

test('a file says what there is, and the rest has its default', () => {
  const config = loadAgentConfig(
    fileWith({
      ...FILE,
      locationTimezone: 'Asia/Almaty',
      machines: [
        MACHINE,
        { address: '[fd00::7]:4029', adapter: 'avalon', context: { model: { make: 'Maker', boards: 3 } } },
        { address: 'axe-3:8080', adapter: 'espminer', ports: { http: 8081 } },
      ],
    }),
  )
  assert.deepEqual(
    [config.gatewayUrl, config.stateFolder, config.intervalS, config.token, config.warnings],
    ['https://meter.example', join(folder, 'state'), 60, 'once', []],
  )
  const [first, second, third] = config.machines
  assert.deepEqual([first?.host, first?.port, first?.login], ['10.20.1.7', null, MACHINE.login])
  assert.deepEqual([second?.host, second?.port, second?.context.model?.boards], ['fd00::7', 4_029, 3])
  assert.equal(second?.context.locationTimezone, 'Asia/Almaty')
  assert.deepEqual([third?.address, third?.port, third?.ports], ['axe-3:8080', 8_080, { http: 8_081 }])
})

test('what is wrong is said by its place, all of it at once, without a value of the file', () => {
  const wrong: readonly (readonly [unknown, RegExp, number])[] = [
    [`{"token":"${SECRET}"`, /is not JSON/, EXIT.configuration],
    [[SECRET], /object/, EXIT.configuration],
    [{ ...FILE, machines: [] }, /\/machines/, EXIT.configuration],
    [
      { ...FILE, machines: [{ ...MACHINE, login: { pass: SECRET } }] },
      /\/machines\/0\/login/,
      EXIT.configuration,
    ],
    [
      { ...FILE, machines: [{ ...MACHINE, address: `${SECRET} ?` }] },
      /\/machines\/0\/address/,
      EXIT.configuration,
    ],
    [
      { ...FILE, machines: [{ ...MACHINE, adapter: SECRET }] },
      /\/machines\/0\/adapter .*avalon, bitmain/,
      EXIT.configuration,
    ],
    [
      { ...FILE, machines: [{ ...MACHINE, adapter: 'hiveos' }] },
      /none that a node can ask/,
      EXIT.configuration,
    ],
    [{ ...FILE, machines: [MACHINE, MACHINE] }, /\/machines\/1\/address stands twice/, EXIT.configuration],
    [{ ...FILE, keyFile: 'a.key' }, /\/node is missing/, EXIT.configuration],
    [{ ...FILE, locationTimezone: SECRET }, /\/locationTimezone is no IANA name/, EXIT.configuration],
    [{ ...FILE, gatewayUrl: `https://${SECRET}:x` }, /\/gatewayUrl is no address/, EXIT.configuration],
    [
      { ...FILE, machines: [{ ...MACHINE, address: '10.20.1.7:65536' }] },
      /\/machines\/0\/address has a port/,
      EXIT.configuration,
    ],
    [
      { ...FILE, machines: [{ ...MACHINE, login: { user: `ü${SECRET}`, password: SECRET } }] },
      /\/machines\/0\/login\/user/,
      EXIT.configuration,
    ],
    [{ ...FILE, interval_s: 9 }, /\/interval_s/, EXIT.configuration],
    [{ ...FILE, gatewayUrl: `ftp://${SECRET}` }, /\/gatewayUrl/, EXIT.configuration],
    [
      { ...FILE, machines: Array.from({ length: MACHINES_MAX + 1 }, () => MACHINE) },
      /\/machines/,
      EXIT.configuration,
    ],
  ]
  for (const [content, message, exitCode] of wrong) {
    assert.throws(
      () => loadAgentConfig(fileWith(content)),
      (error) => {
        assert.ok(error instanceof ExitError)
        assert.equal(error.exitCode, exitCode)
        assert.match(error.message, message)
        assert.ok(!error.message.includes(SECRET), error.message)
        return true
      },
    )
  }
  assert.throws(() => loadAgentConfig(join(folder, 'none.json')), /none\.json cannot be read/)
})

test('of many faults twenty are named, and how many more there are', () => {
  const machines = Array.from({ length: 25 }, (_, at) => ({ address: `10.20.2.${at}`, adapter: 'x' }))
  const lines = ((): string[] => {
    try {
      loadAgentConfig(fileWith({ ...FILE, machines }))
    } catch (error) {
      return error instanceof Error ? error.message.split('\n') : []
    }
    return []
  })()
  assert.equal(lines.length, 21)
  assert.match(lines.at(-1) ?? '', /and 5 more/)
})

test('a file that others may read, and a gateway without encryption, are warned of', () => {
  const open = loadAgentConfig(fileWith({ ...FILE, gatewayUrl: 'http://10.20.0.1:4681' }, 0o644))
  assert.equal(open.warnings.length, 2)
  assert.match(open.warnings.join('\n'), /chmod 600[^]*http:\/\//)
  assert.deepEqual(loadAgentConfig(fileWith({ ...FILE, gatewayUrl: 'http://127.0.0.1:4681' })).warnings, [])
})
