import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalModelName } from './model-name.ts'
import { COMPILED_TABLE, ModelTable } from './model-table.ts'
import { isPattern, MODEL_ROWS_MAX, TDP_WATTS_MAX } from './models.ts'
import { SEED_ROWS } from './models-seed.ts'

const row = (pattern: string, tdp_watts: number, paid_api = true) => ({ pattern, paid_api, tdp_watts })
const wattsOf = (table: ModelTable, name: string): number => table.factsOf(name).tdp_watts

test('the exact name wins, then the longest beginning, then both by the normal form', () => {
  const table = new ModelTable(2, [
    row('gpt*', 1),
    row('gpt-4*', 2),
    row('gpt-4.1', 3),
    row('openai/gpt-4*', 4),
    row('claude-3-opus', 5),
    row('o*', 6),
  ])
  const expected: readonly (readonly [string, number])[] = [
    ['gpt-4.1', 3],
    ['gpt-4.1-mini', 2],
    ['gpt-5', 1],
    // A beginning that matches the name as it was sent comes before every normal form.
    ['openai/gpt-4.1', 4],
    ['openai/gpt-5', 6],
    ['azure/openai/gpt-5', 1],
    ['gpt-4.1-2025-04-14', 2],
    ['us.anthropic.claude-3-opus-20240229-v1:0', 5],
    ['Claude-3-opus', 170],
  ]
  for (const [name, watts] of expected) assert.equal(wattsOf(table, name), watts, name)
  assert.deepEqual(table.factsOf('llama'), { paid_api: false, tdp_watts: 170 })
  assert.equal(wattsOf(new ModelTable(2, [row('*', 9), row('m', 8)]), 'anything'), 9)
  assert.equal(wattsOf(new ModelTable(2, [row('*', 9), row('m', 8)]), 'm'), 8)
})

test('the normal form is the model, whoever serves it and of whichever day', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['openai/gpt-4.1', 'gpt-4.1'],
    ['openrouter/anthropic/claude-sonnet-4', 'claude-sonnet-4'],
    ['us.anthropic.claude-sonnet-4-20250514-v1:0', 'claude-sonnet-4'],
    ['anthropic.claude-3-haiku-20240307-v1:0:200k', 'claude-3-haiku'],
    ['bedrock/eu.amazon.nova-pro-v1:0', 'nova-pro'],
    ['claude-3-5-sonnet-v2@20241022', 'claude-3-5-sonnet-v2'],
    ['publishers/google/models/gemini-1.5-pro', 'gemini-1.5-pro'],
    ['gpt-4o-2024-08-06', 'gpt-4o'],
    // The provider is not listed, there is no date, or nothing would be left.
    ['TheBloke/Llama-2-7B', 'TheBloke/Llama-2-7B'],
    ['us.llama', 'us.llama'],
    ['gpt-4-0613', 'gpt-4-0613'],
    ['openai/', 'openai/'],
    ['-2025-04-14', '-2025-04-14'],
  ]
  for (const [name, normal] of forms) assert.equal(normalModelName(name), normal, name)
})

test('a new installation knows the names that people send, paid and local', () => {
  const seed = new ModelTable(2, SEED_ROWS)
  const paid = `
    gpt-4.1 openai/gpt-4.1 gpt-4.1-2025-04-14 gpt-4o gpt-4o-mini-2024-07-18 azure/gpt-4o o1 o1-mini o3-mini-2025-01-31
    openai/o4-mini claude claude-3-5-sonnet-latest anthropic/claude-sonnet-4 claude-3-5-sonnet@20240620
    us.anthropic.claude-3-5-sonnet-20240620-v1:0 anthropic.claude-v2:1 openrouter/anthropic/claude-3.5-sonnet
    gemini-1.5-pro models/gemini-2.0-flash google/gemini-2.5-pro vertex_ai/gemini-1.5-pro groq groq/llama-3.3-70b-versatile
    deepseek-chat deepseek/deepseek-reasoner mistral-large-latest mistral.mistral-large-2402-v1:0 command-r-plus
    cohere.command-r-v1:0 x-ai/grok-4 us.meta.llama3-1-70b-instruct-v1:0 amazon.nova-pro-v1:0 makeittalk`
  const local = `
    qwen3.5-4b-local whisper-stt pocket-tts llama llama3.1:8b deepseek-r1:8b mistral-7b-instruct openai/gpt-oss-20b
    meta-llama/Llama-3.1-8B-Instruct model-1 a-model-nobody-listed`
  const names = (text: string): string[] => text.trim().split(/\s+/)
  for (const name of names(paid)) assert.equal(seed.factsOf(name).paid_api, true, name)
  for (const name of names(local)) assert.equal(seed.factsOf(name).paid_api, false, name)
  for (const { pattern } of COMPILED_TABLE.rows)
    assert.deepEqual(seed.factsOf(pattern), COMPILED_TABLE.factsOf(pattern), pattern)
  assert.equal(new Set(SEED_ROWS.map(({ pattern }) => pattern)).size, SEED_ROWS.length)
  assert.ok(SEED_ROWS.length <= MODEL_ROWS_MAX && SEED_ROWS.every(({ pattern }) => isPattern(pattern)))
})

test('version 1 knows exact names, as ever', () => {
  assert.equal(COMPILED_TABLE.factsOf('gpt-4.1').paid_api, true)
  assert.equal(COMPILED_TABLE.factsOf('openai/gpt-4.1').paid_api, false)
  assert.equal(COMPILED_TABLE.factsOf('mobilevlm-onnx').tdp_watts, 0)
})

test('a pattern is a name, or a beginning and one star at the end', () => {
  for (const good of ['a', '*', 'a*', 'ä'.repeat(128), `${'x'.repeat(128)}*`])
    assert.ok(isPattern(good), good)
  for (const bad of [
    '',
    '**',
    '*a',
    'a*b',
    'a**',
    'x'.repeat(129),
    'a\u0000',
    '\ud800',
    `${'x'.repeat(129)}*`,
  ])
    assert.ok(!isPattern(bad), JSON.stringify(bad))
})

test('the largest GPU time times the largest power is exact', () => {
  assert.ok(2e12 * TDP_WATTS_MAX <= Number.MAX_SAFE_INTEGER)
})
