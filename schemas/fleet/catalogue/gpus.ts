import { entriesOf } from './entry.ts'

/** Cards of hosts: what one may draw, in W. Their rates are those of whatever they work at. */

export const NVIDIA = entriesOf('NVIDIA', null, 1, [
  ['Tesla T4', null, 70],
  ['Tesla V100 SXM2 32GB', null, 300, { aliases: ['Tesla V100-SXM2-32GB'] }],
  ['L4', null, 72, { aliases: ['NVIDIA L4'] }],
  ['L40S', null, 350, { aliases: ['NVIDIA L40S'] }],
  ['A100 PCIe 80GB', null, 300, { aliases: ['NVIDIA A100 80GB PCIe'] }],
  ['A100 SXM4 80GB', null, 400, { aliases: ['NVIDIA A100-SXM4-80GB'] }],
  ['H100 PCIe', null, 350, { aliases: ['NVIDIA H100 PCIe'] }],
  ['H100 SXM5 80GB', null, 700, { aliases: ['NVIDIA H100 80GB HBM3'] }],
  ['H200 SXM', null, 700, { aliases: ['NVIDIA H200'] }],
  ['RTX A6000', null, 300, { aliases: ['NVIDIA RTX A6000'] }],
  ['RTX 6000 Ada Generation', null, 300, { aliases: ['NVIDIA RTX 6000 Ada Generation'] }],
  ['GeForce RTX 3070', null, 220, { aliases: ['NVIDIA GeForce RTX 3070'] }],
  ['GeForce RTX 3080', null, 320, { aliases: ['NVIDIA GeForce RTX 3080'] }],
  ['GeForce RTX 3090', null, 350, { aliases: ['NVIDIA GeForce RTX 3090'] }],
  ['GeForce RTX 4090', null, 450, { aliases: ['NVIDIA GeForce RTX 4090'] }],
  ['GeForce RTX 5090', null, 575, { aliases: ['NVIDIA GeForce RTX 5090'] }],
])

export const AMD = entriesOf('AMD', null, 1, [
  ['Instinct MI300X', null, 750],
  ['Radeon RX 6800 XT', null, 300],
  ['Radeon RX 7900 XTX', null, 355],
])
