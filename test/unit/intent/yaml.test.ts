import { describe, expect, it } from 'vitest';
import { IntentError } from '../../../src/intent/errors.js';
import { parseIntent } from '../../../src/app/intent.js';

function firstLine(text: string): string {
  try {
    parseIntent(text, { file: 'intent.yaml' });
  } catch (error) {
    if (error instanceof IntentError) return error.message.split('\n')[0] ?? '';
    throw error;
  }
  return 'accepted';
}

describe('malicious YAML', { timeout: 300_000 }, () => {
  // Each of these ends the process (RegExpCompiler Allocation failed) or throws RangeError when the package is left alone.
  it.each([
    ['['.repeat(20_000)],
    ['{a: '.repeat(20_000)],
    ['- '.repeat(20_000)],
    ['? '.repeat(20_000)],
    ['a: '.repeat(20_000)],
    ['- [? {'.repeat(20_000)],
    [Array.from({ length: 1500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ])('is refused for its depth: %.12s', (text) => {
    expect(firstLine(text)).toMatch(/^intent\.yaml:\d+:\d+: ".*": expected at most 32 nested lists and maps$/);
  });

  it('is refused for its aliases before they are expanded', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [i, key] of [...'bcdefghi'].entries()) {
      const before = 'abcdefghi'[i] ?? '';
      lines.push(`${key}: &${key} [${Array.from({ length: 9 }, () => `*${before}`).join(', ')}]`);
    }
    expect(firstLine(lines.join('\n'))).toBe(
      'intent.yaml:1:4: "&a": expected the value itself; anchors and aliases are not supported',
    );
  });

  it('is not suspected in text that resembles an alias or an anchor', () => {
    const text = 'version: 1\nsidBlock: fd00:5e::/32\nnodes: []\ntenants: []\nports: [] # &a *b\n"&x": "*y"\n';
    expect(firstLine(text)).toBe(
      'intent.yaml:6:1: "&x": expected one of the keys version, sidBlock, trusted, nodes, tenants, ports, paths, gateways, externals, policies',
    );
  });
});
