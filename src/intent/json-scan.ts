/** A strict JSON scanner (RFC 8259) that finds positions: of errors, of duplicate keys, and of the parts at given paths. */
import { MAX_DEPTH_LEVELS } from './bounds.js';
import type { IssuePath, PathSegment } from './findings.js';

export interface JsonFinding {
  offset: number;
  found: string;
  /** End of the sentence "expected …". */
  expected: string;
}

/** The parts to find in a text, as a tree of paths in which the scanner records their offsets. */
export interface JsonPart {
  /** Offset of the value. */
  offset?: number;
  /** Offset of its key, if it is a member of a map. */
  keyOffset?: number;
  parts: Map<PathSegment, JsonPart>;
}

export function newPart(): JsonPart {
  return { parts: new Map() };
}

/** Adds a path to the tree. */
export function addPath(root: JsonPart, path: IssuePath): JsonPart[] {
  const along = [root];
  let at = root;
  for (const segment of path) {
    const next = at.parts.get(segment) ?? newPart();
    at.parts.set(segment, next);
    at = next;
    along.push(at);
  }
  return along;
}

/** Thrown at the first syntax error; caught by run(). */
class Stop extends Error {}

const WHITESPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![0-9A-Za-z.+-])/y;
const WORD = /(?:true|false|null)(?![0-9A-Za-z])/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const EXCERPT = /[^\s,\]}]{1,20}|\S/y;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The string literal at an offset; undefined if there is none. A regular expression over runs of characters would take exponential time for an
 * unterminated string.
 */
function stringAt(text: string, start: number): string | undefined {
  if (text.charCodeAt(start) !== QUOTE) return undefined;
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return text.slice(start, at + 1);
    if (code < 0x20) return undefined;
    if (code !== BACKSLASH) continue;
    ESCAPE.lastIndex = at;
    const escape = ESCAPE.exec(text);
    if (!escape) return undefined;
    at += escape[0].length - 1;
  }
  return undefined;
}

export class JsonScanner {
  readonly #text: string;
  readonly #findings: JsonFinding[] = [];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /**
   * @param root the parts to find
   * @returns what is wrong; at most one finding concerns syntax, and it is the last
   */
  run(root?: JsonPart): JsonFinding[] {
    try {
      this.#space();
      this.#value(root);
      if (this.#at < this.#text.length) this.#stop('the end of the file');
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    return this.#findings;
  }

  #stop(expected: string): never {
    this.#findings.push({ offset: this.#at, found: this.#excerpt(), expected });
    throw new Stop();
  }

  #excerpt(): string {
    const found = this.#match(EXCERPT);
    return found === undefined ? 'end of file' : JSON.stringify(found);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text)?.[0];
  }

  #space(): void {
    this.#at += this.#match(WHITESPACE)?.length ?? 0;
  }

  /** Consumes a character and the whitespace after it. */
  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    this.#space();
    return true;
  }

  #value(part: JsonPart | undefined): void {
    if (part) part.offset = this.#at;
    if (++this.#depth > MAX_DEPTH_LEVELS + 1) {
      this.#stop(`at most ${MAX_DEPTH_LEVELS} nested lists and maps`);
    }
    if (this.#take('{')) this.#members(part);
    else if (this.#take('[')) this.#items(part);
    else {
      const scalar = stringAt(this.#text, this.#at) ?? this.#match(NUMBER) ?? this.#match(WORD);
      if (scalar === undefined) {
        const isString = this.#text[this.#at] === '"';
        this.#stop(isString ? 'a string that ends on its line, with the escapes of JSON' : 'a JSON value');
      }
      this.#at += scalar.length;
      this.#space();
    }
    this.#depth--;
  }

  #items(part: JsonPart | undefined): void {
    if (this.#take(']')) return;
    for (let index = 0; ; index++) {
      this.#value(part?.parts.get(index));
      if (this.#take(']')) return;
      if (!this.#take(',')) this.#stop('"," or "]"');
    }
  }

  #members(part: JsonPart | undefined): void {
    if (this.#take('}')) return;
    const seen = new Set<string>();
    for (;;) {
      const text = stringAt(this.#text, this.#at);
      if (text === undefined) this.#stop('a key in double quotes');
      const key = JSON.parse(text) as string;
      if (seen.has(key)) {
        this.#findings.push({ offset: this.#at, found: text, expected: 'a key given once in its map' });
      }
      seen.add(key);
      const inner = part?.parts.get(key);
      if (inner) inner.keyOffset = this.#at;
      this.#at += text.length;
      this.#space();
      if (!this.#take(':')) this.#stop('":"');
      this.#value(inner);
      if (this.#take('}')) return;
      if (!this.#take(',')) this.#stop('"," or "}"');
    }
  }
}
