/** Every relative link of a document leads to an existing file and heading. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { anchors, page, pages, prose, ROOT } from './markdown.js';
import type { Page } from './markdown.js';

const all = pages();

/** Targets of links and images that are neither of the web nor of mail. */
function targets(of: Page): string[] {
  return [...prose(of).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^(https?|mailto):/.test(target));
}

describe('links', () => {
  it('are found on every page', () => {
    expect(all.length).toBeGreaterThan(100);
    expect(all.flatMap(targets).length).toBeGreaterThan(250);
  });

  it('lead to an existing file and heading', () => {
    const broken = all.flatMap((from) =>
      targets(from).flatMap((target) => {
        const [path = '', anchor] = target.split('#');
        const to = path === '' ? from.path : normalize(join(dirname(from.path), path));
        if (!existsSync(join(ROOT, to))) return [`${from.path}: ${target}: no such file`];
        if (anchor === undefined || !to.endsWith('.md')) return [];
        return anchors(page(to)).has(anchor) ? [] : [`${from.path}: ${target}: no such heading`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('of paths in code spans lead to existing files', () => {
    // Decisions and changes of the past name files of their time.
    const present = all.filter(({ path }) => !/^(docs\/adr\/|CHANGELOG)/.test(path));
    const named = present.flatMap((of) =>
      [...of.text.matchAll(/`((?:[\w.@-]+\/)+[\w.-]+\.(?:ts|h|c|js))`/g)].map(([, path = '']) => ({ of, path })),
    );
    expect(named.length).toBeGreaterThan(50);
    const places = ({ of, path }: (typeof named)[number]): string[] =>
      [path, join('src', path), join('bpf', path), normalize(join(dirname(of.path), path))].map((one) =>
        join(ROOT, one),
      );
    const missing = named.filter((one) => !places(one).some((place) => existsSync(place)));
    expect(missing.map(({ of, path }) => `${of.path}: ${path}: no such file`)).toEqual([]);
  });

  it('docs/index.md names every page of docs/', () => {
    const index = readFileSync(join(ROOT, 'docs/index.md'), 'utf8');
    const missing = all
      .map(({ path }) => path)
      .filter((path) => /^docs\/[^/]+\.md$/.test(path) && !['docs/index.md', 'docs/decisions.md'].includes(path))
      .filter((path) => !index.includes(`](${path.slice('docs/'.length)})`));
    expect(missing).toEqual([]);
  });

  it('README.md has at most 200 lines', () => {
    expect(page('README.md').text.trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  });
});
