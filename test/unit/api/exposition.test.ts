import { describe, expect, it } from 'vitest';
import { exposition, Family } from '../../../src/api/metrics/exposition.js';
import { policyMetrics } from '../../../src/api/metrics/kernel-metrics.js';
import { Histogram } from '../../../src/kernel/histogram.js';

const text = (families: Family[], openMetrics = false): string => [...exposition(families, openMetrics)].join('');

describe('the text for Prometheus', () => {
  it('has help, type, and one line per series', () => {
    const family = new Family('drops_total', 'counter', 'Packets\\ that\nwent.').add({ reason: 'a"b\\c\nd' }, 3);
    expect(text([family])).toBe(
      '# HELP segue_drops_total Packets\\\\ that\\nwent.\n# TYPE segue_drops_total counter\n' +
        'segue_drops_total{reason="a\\"b\\\\c\\nd"} 3\n',
    );
  });

  it('in OpenMetrics names counters without their suffix, and ends with EOF', () => {
    expect(text([new Family('drops_total', 'counter', 'x').add({}, 0)], true)).toBe(
      '# HELP segue_drops x\n# TYPE segue_drops counter\nsegue_drops_total 0\n# EOF\n',
    );
  });

  it('has cumulative histogram buckets', () => {
    const histogram = new Histogram([0.1, 1]);
    for (const value of [0.1, 0.5, 0.5, 7]) histogram.observe(value);
    const lines = text([new Family('took_seconds', 'histogram', 'x').addHistogram({ of: 'a' }, histogram.state)]);
    expect(lines.split('\n').slice(2, -1)).toEqual([
      'segue_took_seconds_bucket{of="a",le="0.1"} 1',
      'segue_took_seconds_bucket{of="a",le="1"} 3',
      'segue_took_seconds_bucket{of="a",le="+Inf"} 4',
      'segue_took_seconds_sum{of="a"} 8.1',
      'segue_took_seconds_count{of="a"} 4',
    ]);
  });

  it('refuses a duplicate series', () => {
    expect(() => new Family('a', 'gauge', 'x').add({ b: 'c' }, 1).add({ b: 'c' }, 2)).toThrow('segue_a{b="c"}: twice');
  });

  it('omits metrics without series', () => {
    expect(text([new Family('a', 'gauge', 'x')])).toBe('');
  });

  it('has series for 1,000 policies, and the sum of the others', () => {
    const hits = new Map(
      Array.from({ length: 1003 }, (_, at): [string, { connections: number; packets: number; bytes: number }] => [
        `p${String(at).padStart(4, '0')}`,
        { connections: 1, packets: 2, bytes: at },
      ]),
    );
    const [connections, packets, bytes] = policyMetrics(hits);
    expect([connections?.size, packets?.size, bytes?.size]).toEqual([1001, 1001, 1001]);
    expect([...(bytes?.lines ?? [])].at(-1)).toBe(`segue_policy_bytes_total{policy="_other"} ${1000 + 1001 + 1002}\n`);
  });
});
