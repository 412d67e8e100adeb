import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REASONS } from '../../../src/ebpf/counters.js';

it('docs/commands.md explains every reason, in the order of bpf/reasons.h', () => {
  const text = readFileSync(new URL('../../../docs/commands.md', import.meta.url), 'utf8');
  const [, table = ''] = text.split('| reason | the packet |\n|---|---|\n');
  const explained = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `([^`]+)`/gm)].map((match) => match[1]);
  expect(explained).toEqual(REASONS.map(({ reason }) => reason));
});

it('the first is what took the fast path; the others hand on or drop', () => {
  expect(REASONS[0]).toEqual({ verdict: 'forward', reason: 'forwarded' });
  expect(REASONS.slice(1).filter(({ verdict }) => verdict === 'forward')).toEqual([]);
});
