import { GIGA, KILO, MEGA, TERA } from '../../units.ts'
import { entriesOf } from './entry.ts'

/** Machines for other algorithms than SHA-256, each in the unit that its maker uses, and W. */

export const SCRYPT = [
  ...entriesOf('Bitmain', 'Scrypt', MEGA, [
    [
      'Antminer L3+ (504M)',
      504,
      800,
      { boards: 4, chips_per_board: 72, fans: 2, label_unit: 'MH', aliases: ['Antminer L3+'] },
    ],
    [
      'Antminer L3++ (580M)',
      580,
      942,
      { boards: 4, chips_per_board: 72, fans: 2, label_unit: 'MH', aliases: ['Antminer L3++'] },
    ],
    [
      'Antminer L7 (9.5G)',
      9_500,
      3_425,
      { boards: 4, chips_per_board: 120, fans: 4, aliases: ['Antminer L7'] },
    ],
    ['Antminer L9 (16G)', 16_000, 3_360, { fans: 4, aliases: ['Antminer L9'] }],
  ]),
  ...entriesOf('Goldshell', 'Scrypt', MEGA, [
    ['Mini-DOGE', 185, 233],
    ['LT6', 3_350, 3_200],
  ]),
  ...entriesOf('ElphaPex', 'Scrypt', GIGA, [
    ['DG1', 11, 3_420],
    ['DG1+', 14, 3_920],
  ]),
]

export const KASPA = [
  ...entriesOf('Bitmain', 'kHeavyHash', TERA, [
    ['Antminer KS3 (9.4T)', 9.4, 3_500, { fans: 4, aliases: ['Antminer KS3'] }],
    ['Antminer KS5 (20T)', 20, 3_000, { fans: 4, aliases: ['Antminer KS5'] }],
    ['Antminer KS5 Pro (21T)', 21, 3_150, { fans: 4, aliases: ['Antminer KS5 Pro'] }],
  ]),
  ...entriesOf('IceRiver', 'kHeavyHash', GIGA, [
    ['KS0', 100, 65],
    ['KS0 Pro', 200, 100],
    ['KS1', 1_000, 600],
    ['KS2', 2_000, 1_200],
    ['KS3', 8_000, 3_200],
    ['KS3L', 5_000, 3_200],
    ['KS3M', 6_000, 3_400],
    ['KS5L', 12_000, 3_400],
    ['KS5M', 15_000, 3_400],
  ]),
]

export const ETHASH = [
  ...entriesOf('Bitmain', 'Etchash', MEGA, [
    ['Antminer E9 (2.4G)', 2_400, 1_920, { aliases: ['Antminer E9'] }],
    ['Antminer E9 Pro (3.68G)', 3_680, 2_200, { aliases: ['Antminer E9 Pro'] }],
    ['Antminer E11 (9G)', 9_000, 2_340, { aliases: ['Antminer E11'] }],
  ]),
  ...entriesOf('Innosilicon', 'Ethash', MEGA, [['A10 Pro (500M)', 500, 950, { aliases: ['A10 Pro'] }]]),
  ...entriesOf('Jasminer', 'Etchash', MEGA, [
    ['X4 (2.5G)', 2_500, 1_200, { aliases: ['X4'] }],
    ['X16-Q (1.95G)', 1_950, 620, { aliases: ['X16-Q'] }],
  ]),
  ...entriesOf('iPollo', 'Etchash', MEGA, [['V1 (3.6G)', 3_600, 3_100, { aliases: ['V1'] }]]),
]

export const OTHERS = [
  ...entriesOf('Bitmain', 'Equihash 200,9', KILO, [
    ['Antminer Z11 (135k)', 135, 1_418, { boards: 3, fans: 2, aliases: ['Antminer Z11'] }],
    ['Antminer Z15 (420k)', 420, 1_510, { boards: 3, fans: 2, aliases: ['Antminer Z15'] }],
    ['Antminer Z15 Pro (840k)', 840, 2_780, { aliases: ['Antminer Z15 Pro'] }],
  ]),
  ...entriesOf('Bitmain', 'X11', GIGA, [
    ['Antminer D7 (1286G)', 1_286, 3_148, { aliases: ['Antminer D7'] }],
    ['Antminer D9 (1770G)', 1_770, 2_839, { aliases: ['Antminer D9'] }],
  ]),
  ...entriesOf('Bitmain', 'Eaglesong', TERA, [
    ['Antminer K7 (63.5T)', 63.5, 3_080, { aliases: ['Antminer K7'] }],
  ]),
  ...entriesOf('Goldshell', 'Eaglesong', TERA, [['CK6', 19.3, 3_300]]),
  ...entriesOf('Bitmain', 'Blake2S', TERA, [
    ['Antminer KA3 (166T)', 166, 3_154, { aliases: ['Antminer KA3'] }],
  ]),
  ...entriesOf('Goldshell', 'Blake2S', TERA, [
    ['KD-BOX', 1.6, 205],
    ['KD6', 29.2, 2_630],
  ]),
  ...entriesOf('Bitmain', 'Handshake', TERA, [
    ['Antminer HS3 (9T)', 9, 2_079, { aliases: ['Antminer HS3'] }],
  ]),
  ...entriesOf('Goldshell', 'Handshake', TERA, [['HS5', 2.7, 2_650]]),
  ...entriesOf('Bitmain', 'RandomX', KILO, [
    ['Antminer X5 (212k)', 212, 1_350, { aliases: ['Antminer X5'] }],
  ]),
  ...entriesOf('Bitmain', 'Blake3', TERA, [
    ['Antminer AL1 (15.6T)', 15.6, 3_510, { aliases: ['Antminer AL1'] }],
  ]),
  ...entriesOf('IceRiver', 'Blake3', TERA, [['AL3', 15, 3_500]]),
]
