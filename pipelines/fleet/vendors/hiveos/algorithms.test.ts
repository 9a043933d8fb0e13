import assert from 'node:assert/strict'
import { test } from 'node:test'
import { algorithmName, isSameAlgorithm } from './algorithms.ts'

test('the usual name of an algorithm, or what was written', () => {
  assert.equal(algorithmName('kawpow'), 'KawPow')
  assert.equal(algorithmName('rx/0'), 'RandomX')
  assert.equal(algorithmName('150_5'), 'Equihash 150,5')
  assert.equal(algorithmName('equihash 192/7'), 'Equihash 192,7')
  assert.equal(algorithmName('SomethingNew-3'), 'SomethingNew-3')
  assert.equal(algorithmName('constructor'), 'constructor')
})

test('the same algorithm in two ways of writing', () => {
  assert.ok(isSameAlgorithm('ETHASH', 'DaggerHashimoto'))
  assert.ok(isSameAlgorithm('144_5', 'Equihash 144,5'))
  assert.ok(isSameAlgorithm('something_new', 'SomethingNew'))
  assert.ok(!isSameAlgorithm('ethash', 'etchash'))
  assert.ok(!isSameAlgorithm('144_5', '192_7'))
})
