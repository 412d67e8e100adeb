import { expect, it } from 'vitest';
import { findRow, ratio, RowCollector } from '../../../bench/lib/rows.js';
import { listOption, numberOption, numbersOption } from '../../../bench/lib/options.js';

it('a row per path, metric and setting has one value per round', () => {
  const rows = new RowCollector();
  for (const value of [1, 2, 3]) {
    rows.add('plain', 'rate', '1/s', { bytes: 64, family: 4 }, value);
    rows.add('tunnel', 'rate', '1/s', { bytes: 64, family: 4 }, value * (value === 3 ? 0.25 : 0.5));
  }
  rows.add('plain', 'rate', '1/s', { bytes: 64 }, 9);
  const plain = findRow(rows.rows, 'plain', 'rate', { family: 4, bytes: 64 });
  const tunnel = findRow(rows.rows, 'tunnel', 'rate', { family: 4, bytes: 64 });
  expect(plain?.values).toEqual([1, 2, 3]);
  expect(findRow(rows.rows, 'plain', 'rate', { family: 6, bytes: 64 })).toBeUndefined();
  if (plain === undefined || tunnel === undefined) throw new Error('a row is missing');
  expect(ratio(tunnel, plain)).toEqual({ median: 0.5, min: 0.25, max: 0.5, count: 3 });
});

it('an invalid option value is refused with the expected ones', () => {
  expect(() => numberOption('rounds', '0', 5)).toThrow('--rounds 0: expected a count');
  expect(() => numberOption('rounds', '1.5', 5)).toThrow('--rounds 1.5: expected a count');
  expect(() => listOption('families', '4,5', [4, 6], [4])).toThrow('--families 5: expected 4, 6');
  expect(() => numbersOption('mtus', '1500,x', [])).toThrow('--mtus x: expected a count');
  expect(numbersOption('mtus', '1500,8900', [])).toEqual([1500, 8900]);
  expect(listOption('only', undefined, ['a', 'b'], ['b'])).toEqual(['b']);
});
