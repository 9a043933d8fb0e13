const SECRET_WORDS: ReadonlySet<string> = new Set(['pass', 'pwd', 'psk', 'passphrase', 'cookie', 'auth'])
const SECRET_PARTS = /passw|secret|token|credential|apikey|privatekey|authorization/

/**
 * True for a key under which a password, a token or the like may stand: `passwd`, `pass`, `stratumPassword`, `api_key`.
 * Nothing under such a key is ever read.
 */
export function isSecretKey(key: string): boolean {
  const words = key
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
  return words.some((word) => SECRET_WORDS.has(word)) || SECRET_PARTS.test(words.join(''))
}

/**
 * A pool's URL without user and password, query and fragment, each of which may hold a secret; null where nothing remains.
 * A password may hold any character, so everything up to the last @ belongs to it.
 */
export function publicUrl(url: string): string | null {
  const [, scheme = '', rest = ''] = /^([a-z][a-z\d+.-]*:\/\/)?(.*)$/is.exec(url) ?? []
  const address = rest.slice(rest.lastIndexOf('@') + 1).replace(/[?#].*$/s, '')
  return address === '' ? null : scheme + address
}

/** The text with every login cut out of the URLs in it. */
export function withoutLogins(text: string): string {
  return text.includes('@') ? text.replaceAll(/:\/\/.*@/gs, '://') : text
}
