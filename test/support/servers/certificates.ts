import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A certificate and its key, each in a PEM file. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** A certificate authority for one test: clients that get `certificate` trust what it signs. */
export class Authority {
  readonly certificate: string
  readonly #dir: string
  readonly #name: string
  readonly #key: string

  constructor(dir: string, name = 'authority') {
    this.#dir = dir
    this.#name = name
    this.certificate = join(dir, `${name}.pem`)
    this.#key = join(dir, `${name}.key`)
    openssl(
      dir,
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      this.#key,
      '-out',
      this.certificate,
      '-subj',
      `/CN=${name}`,
    )
  }

  /** A certificate for `name`, valid for a server at 127.0.0.1 and localhost, or at `host` alone. */
  sign(name: string, options: { readonly host?: string; readonly expired?: boolean } = {}): CertificateFiles {
    const file = (ending: string) => join(this.#dir, `${this.#name}-${name}.${ending}`)
    const names = options.host === undefined ? 'IP:127.0.0.1,DNS:localhost' : `DNS:${options.host}`
    const request = file('csr')
    openssl(this.#dir, 'req', ...NEW_KEY, '-keyout', file('key'), '-out', request, '-subj', `/CN=${name}`)
    writeFileSync(file('ext'), `subjectAltName=${names}\n`)
    writeFileSync(file('index'), '')
    const [from, to] = options.expired === true ? EXPIRED : VALID
    writeFileSync(
      file('conf'),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${file('index')}\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nnew_certs_dir=${this.#dir}\n[p]\ncommonName=supplied\n`,
    )
    const times = ['-startdate', from, '-enddate', to]
    const signer = ['-config', file('conf'), '-cert', this.certificate, '-keyfile', this.#key]
    const files = ['-in', request, '-extfile', file('ext'), '-out', file('pem')]
    openssl(this.#dir, 'ca', '-batch', '-notext', ...signer, ...times, ...files)
    return { certificate: file('pem'), key: file('key') }
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const EXPIRED = ['20200101000000Z', '20200102000000Z'] as const
const VALID = ['20200101000000Z', '20990101000000Z'] as const

function openssl(dir: string, ...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' })
}

/** The reason why no certificates can be made here, or undefined where they can. With CI=true openssl must be there. */
export function opensslMissing(): string | undefined {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    return 'openssl is not installed: no certificates can be made for this test'
  }
}

/** The text of both files. */
export function pemOf({ certificate, key }: CertificateFiles): {
  readonly cert: string
  readonly key: string
} {
  return { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
}
