/**
 * The one normal form of a model's name: the model itself, without its provider and its day. It is looked up in a table
 * only where no row matches the name as it was sent. What it removes is part of the rules: `since.ts`, rules 3.
 */

/** Providers of a model, before a `/`. */
const PROVIDERS = [
  'ai21 amazon anthropic azure azure_ai bedrock cohere converse deepseek fireworks_ai gemini google groq mistral mistralai',
  'models openai openrouter perplexity publishers together_ai vertex_ai x-ai xai',
]
  .join(' ')
  .split(' ')

const BY_SLASH = new RegExp(`^(?:${PROVIDERS.join('|')})/`)

/** A region and a vendor, as Bedrock writes them. */
const BY_DOT =
  /^(?:(?:us|us-gov|eu|apac|ap|ca|sa|jp|au|global)\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|writer)\./

/** Bedrock's `-v1:0`, and the part that may follow it (`:200k`). */
const EDITION = /-v\d+:\d+(?::\w+)?$/

/** `-2025-04-14`, `-20250414`, `@20250414`. */
const DATE = /(?:-\d{4}-\d{2}-\d{2}|[-@]\d{8})$/

/**
 * The normal form: providers before a `/` (all of them, one after the other), then one region and vendor before a `.`, then
 * one edition and one date at the end are removed, each as long as something is left.
 */
export function normalModelName(name: string): string {
  let rest = name
  for (let before = ''; before !== rest; ) {
    before = rest
    rest = without(rest, BY_SLASH)
  }
  for (const part of [BY_DOT, EDITION, DATE]) rest = without(rest, part)
  return rest
}

function without(text: string, part: RegExp): string {
  const rest = text.replace(part, '')
  return rest === '' ? text : rest
}
