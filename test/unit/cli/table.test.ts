import { describe, expect, it } from 'vitest';
import { column, renderTable } from '../../../src/cli/table.js';

interface Row {
  name: string;
  packets?: number | bigint;
}

const COLUMNS = [column<Row>('NAME', ({ name }) => name), column<Row>('PACKETS', ({ packets }) => packets)];

describe('renderTable', () => {
  it('fits columns to their widest cells, aligns numbers right, and leaves no trailing space', () => {
    const rows = [{ name: 'a', packets: 5 }, { name: 'a-long-name', packets: 12345678n }, { name: 'none' }];
    expect(renderTable(COLUMNS, rows)).toEqual([
      'NAME          PACKETS',
      'a                   5',
      'a-long-name  12345678',
      'none                -',
    ]);
  });

  it('prints nothing without rows', () => {
    expect(renderTable(COLUMNS, [])).toEqual([]);
  });

  it('prints a dash for an empty or absent cell, and aligns text columns left', () => {
    const text = [
      column<Row>('A', ({ name }) => name),
      column<Row>('B', ({ name }) => (name === 'x' ? undefined : name)),
    ];
    expect(renderTable(text, [{ name: '' }, { name: 'x' }, { name: 'longer' }])).toEqual([
      'A       B',
      '-       -',
      'x       -',
      'longer  longer',
    ]);
  });
});
