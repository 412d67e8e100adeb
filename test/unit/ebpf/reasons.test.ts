import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { reasonOf, REASONS } from '../../../src/ebpf/counters.js';

it('docs/commands.md explains every reason, in the order of bpf/abi/reasons.h', () => {
  const text = readFileSync(new URL('../../../docs/commands.md', import.meta.url), 'utf8');
  const [, table = ''] = text.split('| slug | reason | the packet |\n|---|---|---|\n');
  const explained = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `([^`]+)` \| `([^`]+)` \|/gm)].map(
    ([, slug, reason]) => ({ slug, reason }),
  );
  expect(explained).toEqual(REASONS.map(({ slug, reason }) => ({ slug, reason })));
});

it('the first reason is that of the fast path, and no other forwards', () => {
  expect(REASONS[0]).toEqual({ verdict: 'forward', reason: 'forwarded', slug: 'forwarded' });
  expect(REASONS.slice(1).filter(({ verdict }) => verdict === 'forward')).toEqual([]);
});

it('a slug names one reason, while text and verdict may name several', () => {
  expect(new Set(REASONS.map(({ slug }) => slug)).size).toBe(REASONS.length);
  const pairs = REASONS.map((_reason, number) => reasonOf(number, true)).map(({ verdict, reason }) => verdict + reason);
  expect(pairs.length - new Set(pairs).size).toBe(7);
});
