import type { Dice } from './random.ts'

export interface SampleNode {
  readonly nodeId: string
  readonly tier: 'flat' | 'regional' | 'central'
  /** Some nodes have not named one yet: their costs are written off until they do. */
  readonly operatorId: string | undefined
  /** Share of the fleet's work. */
  readonly weight: number
}

export interface SampleModel {
  readonly modelId: string
  /** Runs on the node: uses its GPU. Otherwise a paid API is called. */
  readonly isLocal: boolean
  /** Price in nano-USD per token, 0 for local models. */
  readonly nanoUsdPerToken: number
  readonly gpuMsPerToken: number
}

const TIERS = [
  { tier: 'flat', count: 38, weight: 1 },
  { tier: 'regional', count: 10, weight: 4 },
  { tier: 'central', count: 2, weight: 12 },
] as const

const OPERATORS = 10
const WITHOUT_OPERATOR_SHARE = 0.06

export const MODELS: readonly SampleModel[] = [
  { modelId: 'qwen3.5-4b-local', isLocal: true, nanoUsdPerToken: 0, gpuMsPerToken: 9 },
  { modelId: 'qwen3-vl-4b-local', isLocal: true, nanoUsdPerToken: 0, gpuMsPerToken: 14 },
  { modelId: 'luxtts', isLocal: true, nanoUsdPerToken: 0, gpuMsPerToken: 4 },
  { modelId: 'whisper-stt', isLocal: true, nanoUsdPerToken: 0, gpuMsPerToken: 2 },
  { modelId: 'gpt-4.1', isLocal: false, nanoUsdPerToken: 5_000, gpuMsPerToken: 0 },
  { modelId: 'claude-sonnet-4', isLocal: false, nanoUsdPerToken: 9_000, gpuMsPerToken: 0 },
  { modelId: 'deepseek-chat', isLocal: false, nanoUsdPerToken: 600, gpuMsPerToken: 0 },
  { modelId: 'groq-llama-3.3-70b', isLocal: false, nanoUsdPerToken: 700, gpuMsPerToken: 0 },
]

const padded = (number: number) => String(number).padStart(2, '0')

/** Fifty nodes in three tiers, recognisable by their names, with about ten operators. */
export function makeFleet(dice: Dice): SampleNode[] {
  return TIERS.flatMap(({ tier, count, weight }) =>
    Array.from({ length: count }, (_, index) => {
      const operatorId =
        dice.next() < WITHOUT_OPERATOR_SHARE
          ? undefined
          : `sample-operator-${padded(dice.between(1, OPERATORS))}`
      return { nodeId: `sample-${tier}-${padded(index + 1)}`, tier, operatorId, weight }
    }),
  )
}
