import { describe, expect, it } from 'vitest';
import { readFormat, readShownQuery } from '../../../src/api/query.js';

const read = (text: string): unknown => readShownQuery(new URLSearchParams(text));

describe('parameters', () => {
  it("equal the command's options", () => {
    expect(read('tenant=a%20b&all=true&limit=0')).toEqual({ tenant: 'a b', all: true, limit: '0' });
    expect(read('all=false')).toEqual({});
  });

  it.each([
    ['x=1', 'x: expected one of tenant'],
    ['tenant=a&tenant=b', 'tenant: expected once'],
    ['all=yes', 'all=yes: expected true or false'],
    [`port=${'a'.repeat(257)}`, 'port: expected at most 256 characters'],
    ['__proto__=1', '__proto__: expected one of'],
  ])('are refused: %s', (text, message) => {
    expect(() => read(text)).toThrow(message);
  });
});

describe('Accept', () => {
  it.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['text/plain', 'text'],
    ['text/html, text/plain;q=0.5', 'text'],
    ['application/json', 'json'],
    ['text/plain;q=0.1, application/json', 'json'],
    ['text/plain, */*', 'text'],
    ['*/*;q=0.1, text/plain', 'text'],
    ['application/json;q=0, */*', 'text'],
    ['TEXT/*; Q=0.5, image/png', 'text'],
  ])('%s: %s', (accept, format) => {
    expect(readFormat(accept)).toBe(format);
  });

  it.each(['image/png', 'application/json;q=0', '*/*;q=0'])('of neither format is refused: %s', (accept) => {
    expect(() => readFormat(accept)).toThrow('expected application/json or text/plain');
  });
});
