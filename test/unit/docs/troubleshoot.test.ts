/** docs/troubleshoot.md explains every reason, with a cause. */
import { expect, it } from 'vitest';
import { REASONS } from '../../../src/ebpf/counters.js';
import { page } from './markdown.js';

const { text } = page('docs/troubleshoot.md');

it('docs/troubleshoot.md explains every reason, in the order of bpf/abi/reasons.h', () => {
  const [, table = ''] = text.split('| slug | usual cause | mend |\n|---|---|---|\n');
  const rows = [...(table.split('\n\n')[0] ?? '').matchAll(/^\| `([^`]+)` \| (\S.*?) \| (\S.*?) \|$/gm)];
  expect(rows.map(([, slug]) => slug)).toEqual(REASONS.map(({ slug }) => slug));
});

it('docs/troubleshoot.md names only existing reasons', () => {
  const slugs = new Set(REASONS.map(({ slug }) => slug));
  const named = [...text.matchAll(/`((?:punt|drop|answer|pass)-[a-z-]+)`/g)].map(([, slug = '']) => slug);
  expect(named.length).toBeGreaterThan(REASONS.length - 1);
  expect(named.filter((slug) => !slugs.has(slug))).toEqual([]);
});
