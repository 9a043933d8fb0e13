import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { trackedFiles } from '../test/support/tree.ts'
import { IMAGE_FILES, imagesOf, withDigests } from './pin-images.ts'

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`
const textOf = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

test('every image has a tag that names one version, whole', () => {
  for (const path of IMAGE_FILES) {
    const images = imagesOf(textOf(path))
    assert.ok(images.length > 0, path)
    for (const image of images) assert.match(image, /:v?\d+(\.\d+){2,3}(-[\w.-]+)?$/, `${path}: ${image}`)
  }
})

test('no other file names an image of a registry', () => {
  const others = trackedFiles().filter(
    ({ path, text }) =>
      /^(infra|test|services|\.ci)\//.test(path) &&
      !(IMAGE_FILES as readonly string[]).includes(path) &&
      /(apache\/kafka|clickhouse\/clickhouse-server|prom\/prometheus):/.test(text),
  )
  assert.deepEqual(
    others.map(({ path }) => path).filter((path) => path !== 'infra/pin-images.test.ts'),
    [],
  )
})

test('digests are written beside the tags, and anew the next time', () => {
  for (const path of IMAGE_FILES) {
    const text = textOf(path)
    const digests = new Map(imagesOf(text).map((image) => [image, DIGEST]))
    const pinned = withDigests(text, digests)
    assert.equal(pinned.split(`@${DIGEST}`).length - 1, imagesOf(text).length, path)
    assert.equal(withDigests(pinned, digests), pinned)
    assert.deepEqual(imagesOf(pinned), imagesOf(text))
    assert.equal(withDigests(text, new Map()), text)
  }
})
