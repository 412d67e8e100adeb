/** Options of `--flows` and related ones, and Zipf-distributed draws. */
import { describe, expect, it } from 'vitest';
import { flowOptionsOf, ENDPOINTS_MAX } from '../../../bench/packets/options.js';
import { describeTraffic, flowSettings } from '../../../bench/packets/settings.js';
import { DRAWS, zipfDraws } from '../../../bench/packets/zipf.js';

describe('options', () => {
  it('describe small frames, with the shared settings', () => {
    const { flows, flowOptions } = flowOptionsOf({ flows: '1,300', spread: 'uniform', endpoints: '1000', cpus: '1' });
    const settings = flowSettings(flows ?? [], flowOptions);
    expect(settings.map(describeTraffic)).toEqual([
      '64 B, IPv4, 1 flow (uniform), xdp, 1000 endpoints, 1 CPUs',
      '64 B, IPv4, 300 flows (uniform), xdp, 1000 endpoints, 1 CPUs',
    ]);
  });

  it.each([
    [{ spread: 'zipf' }, '--spread: expected with --flows'],
    [{ flows: '0' }, '--flows 0: expected a count'],
    [{ flows: '1,x' }, '--flows x: expected a count'],
    [{ flows: '2000000' }, '--flows 2000000: expected up to 1048576'],
    [{ flows: '1', spread: 'even' }, '--spread even: expected sequential, uniform, zipf'],
    [{ flows: '1', endpoints: '9999999' }, `--endpoints 9999999: expected up to ${ENDPOINTS_MAX}`],
    [{ flows: '1', cpus: '4096' }, /^--cpus 4096: expected up to \d+$/],
  ])('%j is refused', (given, message) => {
    expect(() => flowOptionsOf(given)).toThrow(message);
  });
});

describe('Zipf draws', () => {
  it('follow the distribution, for the first flow and the last', () => {
    const flows = 1000;
    const counts = new Uint32Array(flows);
    for (const flow of zipfDraws(flows)) counts[flow] = (counts[flow] ?? 0) + 1;
    const harmonic = Array.from({ length: flows }, (_, index) => 1 / (index + 1)).reduce((sum, one) => sum + one, 0);
    for (const flow of [0, 1, 9, 99]) {
      const expected = DRAWS / ((flow + 1) * harmonic);
      expect(Math.abs((counts[flow] ?? 0) - expected)).toBeLessThan(6 * Math.sqrt(expected));
    }
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('are reproducible, and always the same flow if there is one', () => {
    const [one, other] = [zipfDraws(50), zipfDraws(50)];
    expect(Buffer.compare(Buffer.from(one.buffer), Buffer.from(other.buffer))).toBe(0);
    expect(zipfDraws(1).every((flow) => flow === 0)).toBe(true);
  });
});
