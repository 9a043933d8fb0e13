// Prepares a checkout for the Node that the user has (20 or newer): plain JavaScript, no dependencies. Installs the
// packages when they are absent or the lockfile has changed, then continues in the Node 24 among them.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const STAMP = join(ROOT, 'node_modules', '.hivemeter-stamp')
const NODE = join(ROOT, 'node_modules', '.bin', 'node')
const EXIT_FAILURE = 1
const EXIT_UNREACHABLE = 69

/** @param {string} message @param {number} code @returns {never} */
function fail(message, code) {
  process.stderr.write(`hivemeter: ${message}\n`)
  process.exit(code)
}

function checkPlatform() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < 20) fail(`Node ${process.versions.node} is too old. Install Node 20 or newer.`, EXIT_FAILURE)
  const platform = `${process.platform} ${process.arch}`
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    fail(
      `${platform} is not supported. Use Linux on x64 or arm64, or a container or virtual machine with it.`,
      EXIT_FAILURE,
    )
  }
  // The report has the C library's version only where that is glibc.
  const { header } = /** @type {{ header: { glibcVersionRuntime?: string } }} */ (process.report.getReport())
  if (header.glibcVersionRuntime === undefined) {
    fail(
      'This Linux has no glibc (Alpine?). Use a distribution with glibc, such as Debian or Ubuntu.',
      EXIT_FAILURE,
    )
  }
}

function lockHash() {
  const hash = createHash('sha256')
  for (const file of ['package.json', 'package-lock.json']) hash.update(readFileSync(join(ROOT, file)))
  return hash.digest('hex')
}

/** @param {string} hash */
function isInstalled(hash) {
  return existsSync(NODE) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === hash
}

/** Not `npm ci`: it fails where a registry lacks the packages of other platforms. @returns {Promise<number | null>} */
function install() {
  // An image counts chdb and the linter as development packages; here they are needed whatever NODE_ENV says.
  const args = ['install', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  const child = spawn('npm', args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve) => {
    child.once('error', (error) => fail(`npm does not start: ${error.message}. Install npm.`, EXIT_FAILURE))
    child.once('close', resolve)
  })
}

checkPlatform()
const hash = lockHash()
if (!isInstalled(hash)) {
  const startMs = Date.now()
  process.stderr.write('hivemeter: installing packages (about 900 MB on disk, once) ...\n')
  const code = await install()
  if (code !== 0) {
    fail(
      `npm install ended with exit code ${code}; its words stand above. Check that npm reaches its registry and start again.`,
      EXIT_UNREACHABLE,
    )
  }
  if (!existsSync(NODE)) {
    fail(
      'npm install left no Node 24 in node_modules/.bin. Run npm install without --omit=optional.',
      EXIT_FAILURE,
    )
  }
  // npm may have written the lockfile anew; the state after the installation is the one that counts.
  writeFileSync(STAMP, lockHash())
  process.stderr.write(`hivemeter: packages installed (${((Date.now() - startMs) / 1000).toFixed(1)} s)\n`)
}
