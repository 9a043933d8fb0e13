import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Admission } from './admission.ts'

const never = new AbortController().signal

describe('admission', () => {
  it('lets as many statements run as there are threads to spare, then first come first served', async () => {
    const admission = new Admission(5)
    const order: string[] = []
    const releaseA = await admission.acquire(never)
    const releaseB = await admission.acquire(never)
    const c = admission.acquire(never).then((release) => {
      order.push('c')
      return release
    })
    const d = admission.acquire(never).then((release) => {
      order.push('d')
      return release
    })
    assert.deepEqual(order, [])
    releaseA()
    const releaseC = await c
    assert.deepEqual(order, ['c'])
    releaseB()
    releaseC()
    const releaseD = await d
    assert.deepEqual(order, ['c', 'd'])
    assert.equal(await admission.idle(0), false)
    releaseD()
    assert.equal(await admission.idle(0), true)
  })

  it('forgets a waiting statement whose client left', async () => {
    const admission = new Admission(1)
    const release = await admission.acquire(never)
    const leaving = new AbortController()
    const waiting = admission.acquire(leaving.signal)
    leaving.abort(new Error('left'))
    await assert.rejects(waiting, { message: 'left' })
    release()
    const again = await admission.acquire(never)
    again()
    assert.equal(await admission.idle(0), true)
  })

  it('refuses the 513th request, and is idle only when all have left', async () => {
    const admission = new Admission(4)
    const leave = Array.from({ length: 512 }, () => admission.enter())
    assert.throws(() => admission.enter(), { code: 202 })
    leave.pop()?.()
    leave.push(admission.enter())
    const idle = admission.idle(1_000)
    for (const one of leave) one()
    assert.equal(await idle, true)
  })
})
