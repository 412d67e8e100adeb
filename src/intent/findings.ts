/** Findings of checks, without positions; they become issues with the file's text. */
import { MAX_SUGGESTIONS } from './bounds.js';
import { nearest } from './nearest.js';
import { showValue } from './show.js';

/** Known names that a message lists if none is similar. */
const MAX_NAMES_LISTED = 5;

export type PathSegment = string | number;
export type IssuePath = readonly PathSegment[];

export interface Finding {
  path: IssuePath;
  /** The value found; undefined if it is missing. */
  value: unknown;
  /** The value in the message. */
  found: string;
  /** End of the sentence "expected …". */
  expected: string;
  /** Offset in the text in UTF-16 units, for findings without a path (syntax errors). */
  offset?: number;
  /** The finding concerns this key of the map at `path`, not a value. */
  key?: string;
}

/** A refused field, with the end of the sentence "expected …". */
export class Refusal {
  readonly expected: string;

  constructor(expected: string) {
    this.expected = expected;
  }
}

/** Collects the findings of one file. */
export class Findings {
  readonly list: Finding[] = [];
  #suggestions = MAX_SUGGESTIONS;

  /** Reports the value at a path. */
  add(path: IssuePath, value: unknown, expected: string): void {
    this.list.push({ path, value, found: showValue(value), expected });
  }

  /** Reports a position in the text. `found` represents the value in the message. */
  addAt(offset: number, found: string, expected: string): void {
    this.list.push({ path: [], value: undefined, found, expected, offset });
  }

  /** Reports the file as a whole. */
  addFile(found: string, expected: string): void {
    this.list.push({ path: [], value: undefined, found, expected });
  }

  /** Reports an unknown key of the map at `path`. */
  addKey(path: IssuePath, key: string, known: readonly string[]): void {
    const expected = `one of the keys ${known.join(', ')}${this.#didYouMean(key, known)}`;
    this.list.push({ path, value: key, found: JSON.stringify(key), expected, key });
  }

  /**
   * Reports a reference to an unknown name.
   *
   * @param what the noun: "a tenant"
   * @param known existing names: a few are listed; of many, the nearest is suggested
   */
  addUnknownName(path: IssuePath, name: string, what: string, known: Iterable<string>, where = 'this file'): void {
    const expected = `the name of ${what} of ${where}`;
    if (this.#suggestions <= 0) return this.add(path, name, expected);
    const names = [...known];
    const few = names.length > 0 && names.length <= MAX_NAMES_LISTED ? ` (${names.join(', ')})` : '';
    this.add(path, name, `${expected}${this.#didYouMean(name, names) || few}`);
  }

  #didYouMean(text: string, known: readonly string[]): string {
    if (this.#suggestions <= 0) return '';
    this.#suggestions--;
    const near = nearest(text, known);
    return near === undefined ? '' : `; did you mean ${JSON.stringify(near)}?`;
  }
}

/** `["ports", 3, "addresses", 0]` → `ports[3].addresses[0]`. */
export function pathText(path: IssuePath): string {
  let text = '';
  for (const segment of path) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else text += text === '' ? segment : `.${segment}`;
  }
  return text;
}
