import type { Reading } from '../../reading.ts'
import type { AdapterInput } from '../adapter.ts'
import { readGraphql } from './graphql.ts'
import { hasRest, readRest } from './rest.ts'

/**
 * Braiins OS. Its public interface answers in parts, over HTTP or gRPC, which have the same shape; older releases have GraphQL
 * alone, and newer ones both. Its watts are an estimate of a model, which may equal the target while boards are missing.
 */
export function readBraiins(input: AdapterInput): Reading {
  const graphql = input.answers.of('graphql').at('data')
  return hasRest(input.answers) || !graphql.isObject ? readRest(input) : readGraphql(input, graphql)
}
