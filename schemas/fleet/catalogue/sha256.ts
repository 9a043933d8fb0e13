import { TERA } from '../../units.ts'
import { entriesOf } from './entry.ts'

/** Machines for SHA-256, in TH/s and W. */

const AIR = { boards: 3, fans: 4 } as const
/** Cooled by water or oil; how many boards there are differs from batch to batch. */
const WET = { fans: 0 } as const

export const BITMAIN_SHA256 = entriesOf('Bitmain', 'SHA-256', TERA, [
  ['Antminer S9 (13.5T)', 13.5, 1_323, { boards: 3, chips_per_board: 63, fans: 2, aliases: ['Antminer S9'] }],
  [
    'Antminer S9j (14.5T)',
    14.5,
    1_350,
    { boards: 3, chips_per_board: 63, fans: 2, aliases: ['Antminer S9j'] },
  ],
  [
    'Antminer S9 SE (16T)',
    16,
    1_280,
    { boards: 3, chips_per_board: 60, fans: 2, aliases: ['Antminer S9 SE'] },
  ],
  ['Antminer T17 (40T)', 40, 2_200, { ...AIR, chips_per_board: 30, aliases: ['Antminer T17'] }],
  ['Antminer T17+ (64T)', 64, 3_200, { ...AIR, chips_per_board: 44, aliases: ['Antminer T17+'] }],
  ['Antminer S17 Pro (53T)', 53, 2_094, { ...AIR, chips_per_board: 48, aliases: ['Antminer S17 Pro'] }],
  ['Antminer S17 (56T)', 56, 2_520, { ...AIR, chips_per_board: 48, aliases: ['Antminer S17'] }],
  ['Antminer S17+ (73T)', 73, 2_920, { ...AIR, chips_per_board: 65, aliases: ['Antminer S17+'] }],
  ['Antminer T19 (84T)', 84, 3_150, { ...AIR, chips_per_board: 76, aliases: ['Antminer T19'] }],
  ['Antminer S19 (95T)', 95, 3_250, { ...AIR, chips_per_board: 76, aliases: ['Antminer S19'] }],
  ['Antminer S19 Pro (110T)', 110, 3_250, { ...AIR, chips_per_board: 114, aliases: ['Antminer S19 Pro'] }],
  ['Antminer S19j Pro (100T)', 100, 3_050, { ...AIR, chips_per_board: 126 }],
  ['Antminer S19j Pro (104T)', 104, 3_068, { ...AIR, chips_per_board: 126, aliases: ['Antminer S19j Pro'] }],
  ['Antminer S19k Pro (120T)', 120, 2_760, { ...AIR, chips_per_board: 77, aliases: ['Antminer S19k Pro'] }],
  ['Antminer S19 XP (140T)', 140, 3_010, { ...AIR, chips_per_board: 110, aliases: ['Antminer S19 XP'] }],
  ['Antminer S19j XP (151T)', 151, 3_247, { ...AIR, aliases: ['Antminer S19j XP'] }],
  ['Antminer S19 Hydro (158T)', 158, 5_451, { ...WET, aliases: ['Antminer S19 Hyd.'] }],
  ['Antminer S19 Pro+ Hydro (198T)', 198, 5_445, { ...WET, aliases: ['Antminer S19 Pro+ Hyd.'] }],
  ['Antminer S19 XP Hydro (255T)', 255, 5_304, { ...WET, aliases: ['Antminer S19 XP Hyd.'] }],
  ['Antminer T21 (190T)', 190, 3_610, { ...AIR, chips_per_board: 108, aliases: ['Antminer T21'] }],
  ['Antminer S21 (200T)', 200, 3_500, { ...AIR, chips_per_board: 108, aliases: ['Antminer S21'] }],
  ['Antminer S21 Pro (234T)', 234, 3_510, { ...AIR, chips_per_board: 65, aliases: ['Antminer S21 Pro'] }],
  ['Antminer S21 XP (270T)', 270, 3_645, { ...AIR, chips_per_board: 91, aliases: ['Antminer S21 XP'] }],
  ['Antminer S21 XP Immersion (300T)', 300, 4_050, { ...WET, aliases: ['Antminer S21 XP Imm.'] }],
  ['Antminer S21 Hydro (335T)', 335, 5_360, { ...WET, aliases: ['Antminer S21 Hyd.'] }],
  ['Antminer S21 XP Hydro (473T)', 473, 5_676, { ...WET, aliases: ['Antminer S21 XP Hyd.'] }],
])

export const MICROBT_SHA256 = entriesOf('MicroBT', 'SHA-256', TERA, [
  ['WhatsMiner M20S (68T)', 68, 3_360, { boards: 3, fans: 2, aliases: ['M20S'] }],
  ['WhatsMiner M21S (56T)', 56, 3_360, { boards: 3, fans: 2, aliases: ['M21S'] }],
  ['WhatsMiner M30S (86T)', 86, 3_268, { boards: 3, fans: 2, aliases: ['M30S'] }],
  ['WhatsMiner M30S+ (100T)', 100, 3_400, { boards: 3, fans: 2, aliases: ['M30S+'] }],
  ['WhatsMiner M30S++ (112T)', 112, 3_472, { boards: 3, fans: 2, aliases: ['M30S++'] }],
  ['WhatsMiner M31S+ (80T)', 80, 3_360, { boards: 3, fans: 2, aliases: ['M31S+'] }],
  ['WhatsMiner M50 (114T)', 114, 3_306, { boards: 3, fans: 2, aliases: ['M50'] }],
  ['WhatsMiner M50S (126T)', 126, 3_276, { boards: 3, fans: 2, aliases: ['M50S'] }],
  ['WhatsMiner M53 (226T)', 226, 6_554, { ...WET, aliases: ['M53'] }],
  ['WhatsMiner M53S (260T)', 260, 6_760, { ...WET, aliases: ['M53S'] }],
  ['WhatsMiner M60 (172T)', 172, 3_423, { boards: 3, fans: 2, aliases: ['M60'] }],
  ['WhatsMiner M60S (186T)', 186, 3_441, { boards: 3, fans: 2, aliases: ['M60S'] }],
  ['WhatsMiner M63S (390T)', 390, 7_215, { ...WET, aliases: ['M63S'] }],
  ['WhatsMiner M66S (298T)', 298, 5_513, { ...WET, aliases: ['M66S'] }],
])

export const CANAAN_SHA256 = entriesOf('Canaan', 'SHA-256', TERA, [
  ['Avalon A1066 Pro (55T)', 55, 3_300, { boards: 3, fans: 4, aliases: ['AvalonMiner 1066-pro'] }],
  ['Avalon A1166 Pro (81T)', 81, 3_400, { boards: 3, fans: 4, aliases: ['AvalonMiner 1166Pro'] }],
  ['Avalon A1246 (90T)', 90, 3_420, { boards: 3, fans: 4, aliases: ['AvalonMiner 1246'] }],
  ['Avalon A1346 (110T)', 110, 3_300, { boards: 3, aliases: ['AvalonMiner 1346'] }],
  ['Avalon A1366 (130T)', 130, 3_250, { boards: 3, aliases: ['AvalonMiner 1366'] }],
  ['Avalon A1466 (150T)', 150, 3_230, { boards: 3, aliases: ['AvalonMiner 1466'] }],
  ['Avalon A1566 (185T)', 185, 3_420, { boards: 3, aliases: ['AvalonMiner 1566'] }],
  ['Avalon Q (90T)', 90, 1_674, { aliases: ['Avalon Q'] }],
  ['Avalon Mini 3 (37.5T)', 37.5, 800, { aliases: ['Avalon Mini3'] }],
  ['Avalon Nano 3 (4T)', 4, 140, { aliases: ['Avalon Nano3'] }],
])

export const OTHER_SHA256 = [
  ...entriesOf('Bitdeer', 'SHA-256', TERA, [
    ['SealMiner A2 (226T)', 226, 3_729, { aliases: ['SEALMINER A2'] }],
    ['SealMiner A2 Hydro (446T)', 446, 7_359, { ...WET, aliases: ['SEALMINER A2 Hyd'] }],
  ]),
  ...entriesOf('Bitaxe', 'SHA-256', TERA, [
    ['Gamma 601 (1.2T)', 1.2, 17, { boards: 1, chips_per_board: 1, fans: 1, aliases: ['BitAxe Gamma'] }],
  ]),
]
