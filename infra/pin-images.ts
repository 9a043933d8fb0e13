import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Every file that names an image. */
export const IMAGE_FILES = ['Dockerfile', 'infra/compose.yaml', 'test/support/servers/containers.ts'] as const

/** `name:tag`, pinned or not, where a file says which image it takes. */
const IMAGE = /((?:^ARG \w+_IMAGE=|image: |_IMAGE = '))([\w./-]+:[\w.-]+)(@sha256:[0-9a-f]{64})?/gm

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** The images that a file names, without their digests. */
export function imagesOf(text: string): string[] {
  return [...text.matchAll(IMAGE)].map(([, , image = '']) => image)
}

/** The file with each image at its digest; one without a digest stays as it is. */
export function withDigests(text: string, digests: ReadonlyMap<string, string>): string {
  return text.replace(IMAGE, (whole, before: string, image: string) => {
    const digest = digests.get(image)
    return digest === undefined ? whole : `${before}${image}@${digest}`
  })
}

async function digestOf(image: string): Promise<string> {
  const args = ['buildx', 'imagetools', 'inspect', image, '--format', '{{.Manifest.Digest}}']
  const { stdout } = await promisify(execFile)('docker', args)
  const digest = stdout.trim()
  if (!DIGEST.test(digest))
    throw new Error(`docker says "${digest.slice(0, 100)}" for the digest of ${image}`)
  return digest
}

/**
 * Requests from the registry the digest of each exact tag and writes it next to the tag: moving the tag changes nothing then.
 */
async function pin(): Promise<void> {
  const root = new URL('../', import.meta.url)
  const digests = new Map<string, string>()
  for (const path of IMAGE_FILES) {
    const file = fileURLToPath(new URL(path, root))
    const text = readFileSync(file, 'utf8')
    for (const image of imagesOf(text)) {
      if (!digests.has(image)) digests.set(image, await digestOf(image))
    }
    writeFileSync(file, withDigests(text, digests))
  }
  for (const [image, digest] of digests) process.stdout.write(`${image}@${digest}\n`)
}

if (import.meta.main) {
  try {
    await pin()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    process.stderr.write(
      `hivemeter: the images cannot be pinned: ${reason}. docker with buildx must be there and reach the registry.\n`,
    )
    process.exitCode = 69
  }
}
