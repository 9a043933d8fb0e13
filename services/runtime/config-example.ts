import { CONFIG_KEYS, settingOf, variableOf } from './config-schema.ts'

/** The text of `.env.example`: every setting with its description and default, commented out. */
export function environmentExample(): string {
  const lines = [
    '# Every setting with its default. Defaults < file (--config file.json or HIVEMETER_CONFIG_FILE) < environment.',
    '# In a file the names are written like kafkaBrokers. To use this one: set -a; . ./.env; set +a',
    '# Made by `node services/runtime/config-example.ts > .env.example`; a test keeps it equal to services/runtime/config-schema.ts.',
  ]
  for (const key of CONFIG_KEYS) {
    const { default: fallback, description } = settingOf(key)
    const value = Array.isArray(fallback) ? fallback.join(',') : String(fallback)
    lines.push('', `# ${description}`, `#${variableOf(key)}=${value}`)
  }
  return `${lines.join('\n')}\n`
}

if (import.meta.main) process.stdout.write(environmentExample())
