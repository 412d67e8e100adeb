import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Findings } from '../../../src/intent/findings.js';
import { readJson } from '../../../src/intent/json.js';
import { JsonScanner } from '../../../src/intent/json-scan.js';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const json = fc.tuple(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t'));
const text = json.map(([value, indent]) => JSON.stringify(value, null, indent));
/** Valid text with one character dropped, doubled or replaced. */
const broken = fc
  .tuple(
    text,
    fc.nat(),
    fc.constantFrom('', '"', '\\', ',', ':', '}', ']', '0', '.', 'e', '-', '\n', '\u0001', 'u', ' '),
  )
  .map(([valid, at, char]) => valid.slice(0, at % valid.length) + char + valid.slice((at % valid.length) + 1));

describe('JSON', { timeout: 300_000 }, () => {
  it('is refused exactly if V8 refuses it or a key is duplicate', () => {
    fc.assert(
      fc.property(fc.oneof(text, broken, broken), (candidate) => {
        const findings = new JsonScanner(candidate).run();
        const syntax = findings.filter(({ expected }) => expected !== 'a key given once in its map');
        expect(syntax.length === 0).toBe(parses(candidate));
      }),
      { numRuns: 2000 },
    );
  });

  it('is searched for duplicate keys without false results', () => {
    fc.assert(
      fc.property(text, (valid) => {
        const findings = new Findings();
        expect(readJson(valid, findings).value).toEqual(JSON.parse(valid));
        expect(findings.list).toEqual([]);
      }),
      { numRuns: 500 },
    );
    for (const twice of ['{"a":1,"a":2}', '{"a":1,"\\u0061":2}', '[{"b":{"":0,"":0}}]', '{"a\\"":":","a\\"":"\\\\"}']) {
      const findings = new Findings();
      readJson(twice, findings);
      expect(findings.list.map(({ expected }) => expected)).toEqual(['a key given once in its map']);
    }
  });

  it('has the positions of values', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ a: fc.jsonValue({ maxDepth: 2 }) }), { minLength: 1 }), fc.nat(), (list, n) => {
        const index = n % list.length;
        const source = JSON.stringify(list, null, 1);
        const [offset = -1] = readJson(source, new Findings()).offsetsOf([{ path: [index, 'a'] }]);
        const before = JSON.stringify(list.slice(0, index), null, 1);
        expect(offset).toBeGreaterThan(before.length - 2);
        const value = JSON.stringify(list[index]?.a, null, 1).split('\n')[0] ?? '';
        expect(source.slice(offset, offset + value.length)).toBe(value);
      }),
    );
  });

  it('with a long unterminated string is refused at once', () => {
    const findings = new Findings();
    readJson(`{"a": "${'x y'.repeat(1e5)}`, findings);
    expect(findings.list.map(({ offset }) => offset)).toEqual([6]);
  });

  it('with deep nesting does not overflow the stack', () => {
    const findings = new Findings();
    const document = readJson('['.repeat(1e6) + ']'.repeat(1e6), findings);
    expect(document.usable).toBe(false);
    expect(findings.list.map(({ expected }) => expected)).toEqual(['at most 32 nested lists and maps']);
  });
});
