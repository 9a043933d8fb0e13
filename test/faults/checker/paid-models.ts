/** Whether calls of a model are paid, by a version of the table of models: a second implementation of docs/models.md. */

/** Version 1; and in version 2 the models that are known by their whole name. */
const PAID: ReadonlySet<string> = new Set(['groq', 'deepseek', 'gpt-4.1', 'claude', 'makeittalk'])
const LOCAL: ReadonlySet<string> = new Set(
  'qwen3.5-4b-local qwen3-vl-4b-local hevolveai-learning luxtts mobilevlm-onnx pocket-tts whisper-stt'.split(
    ' ',
  ),
)

/** The families of version 2: beginnings of names, and whole names. */
const PAID_FAMILIES =
  `gpt-3.5* gpt-4* gpt-5* gpt-image* gpt-audio* gpt-realtime* chatgpt-* o1* o3* o4-* codex-* computer-use-*
  text-embedding-* tts-1* whisper-1 dall-e-* claude-* gemini-* text-bison* chat-bison* imagen-* veo-* deepseek* groq*
  mistral-* magistral-* ministral-* codestral-* pixtral-* command-* command-r* embed-english-* embed-multilingual-* rerank-*
  grok-* sonar* jamba-* nova-* titan-* qwen-max* qwen-plus* qwen-turbo* moonshot-* meta.* us.meta.* eu.meta.*
  azure/* azure_ai/* bedrock/* vertex_ai/* openrouter/* together_ai/* fireworks_ai/* perplexity/*`.split(
    /\s+/,
  )
const LOCAL_FAMILIES =
  'deepseek-r1-distill* deepseek-r1:* deepseek-coder:* deepseek-v2:* mistral-7b* mistral-nemo*'.split(' ')

/** The longest of the beginnings that fit, or the whole name, which is longer than any. */
function fit(families: readonly string[], name: string): number {
  const fits = families.map((family) => {
    if (family === name) return Number.POSITIVE_INFINITY
    return family.endsWith('*') && name.startsWith(family.slice(0, -1)) ? family.length : 0
  })
  return Math.max(...fits)
}

/** Null where no row of the table has the name. */
function byName(name: string, version: number): boolean | null {
  if (PAID.has(name)) return true
  if (LOCAL.has(name)) return false
  if (version < 2) return null
  const [paid, local] = [fit(PAID_FAMILIES, name), fit(LOCAL_FAMILIES, name)]
  return paid === 0 && local === 0 ? null : paid > local
}

const PROVIDERS =
  `ai21 amazon anthropic azure azure_ai bedrock cohere converse deepseek fireworks_ai gemini google groq mistral
  mistralai models openai openrouter perplexity publishers together_ai vertex_ai x-ai xai`.split(/\s+/)
const VENDORS = 'ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen|writer'
const REGIONS = 'us|us-gov|eu|apac|ap|ca|sa|jp|au|global'

/** The name without provider, vendor, edition and date, each removed only if something is left. */
function normalForm(name: string): string {
  const ends = [
    new RegExp(`^(?:${PROVIDERS.join('|')})/(?=.)`),
    new RegExp(`^(?:(?:${REGIONS})\\.)?(?:${VENDORS})\\.(?=.)`),
    /(?<=.)-v[0-9]+:[0-9]+(?::[A-Za-z0-9_]+)?$/,
    /(?<=.)(?:-[0-9]{4}-[0-9]{2}-[0-9]{2}|-[0-9]{8}|@[0-9]{8})$/,
  ] as const
  const [provider, ...once] = ends
  let rest = name
  while (provider.test(rest)) rest = rest.replace(provider, '')
  return once.reduce((shorter, end) => shorter.replace(end, ''), rest)
}

/** Whether a call of the model is paid by version 1 or 2 of the table; 0 is the time before the table. */
export function isPaidModel(name: string, version: number): boolean {
  if (version === 0) return false
  return byName(name, version) ?? (version < 2 ? false : (byName(normalForm(name), version) ?? false))
}
