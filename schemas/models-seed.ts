import { COMPILED_ROWS } from './models.ts'
import type { ModelRow } from './models.ts'
import { TDP_WATTS_DEFAULT } from './usage.ts'

/** Names and beginnings of models that are paid by the call, family by family. */
const PAID = `
  gpt-3.5* gpt-4* gpt-5* gpt-image* gpt-audio* gpt-realtime* chatgpt-* o1* o3* o4-* codex-* computer-use-*
  text-embedding-* tts-1* whisper-1 dall-e-*
  claude-*
  gemini-* text-bison* chat-bison* imagen-* veo-*
  deepseek* groq*
  mistral-* magistral-* ministral-* codestral-* pixtral-*
  command-* command-r* embed-english-* embed-multilingual-* rerank-*
  grok-* sonar* jamba-* nova-* titan-* qwen-max* qwen-plus* qwen-turbo* moonshot-*
  meta.* us.meta.* eu.meta.*
  azure/* azure_ai/* bedrock/* vertex_ai/* openrouter/* together_ai/* fireworks_ai/* perplexity/*
`

/** Models of the same families that people run themselves. */
const LOCAL = `
  deepseek-r1-distill* deepseek-r1:* deepseek-coder:* deepseek-v2:* mistral-7b* mistral-nemo*
`

const rowsOf = (patterns: string, paid_api: boolean): ModelRow[] =>
  patterns
    .trim()
    .split(/\s+/)
    .map((pattern) => ({ pattern, paid_api, tdp_watts: TDP_WATTS_DEFAULT }))

/** Version 2 of a new installation's table: the compiled table and the common families. */
export const SEED_ROWS: readonly ModelRow[] = [
  ...COMPILED_ROWS,
  ...rowsOf(PAID, true),
  ...rowsOf(LOCAL, false),
]
