/** A strict JSON scanner (RFC 8259) that says where things are: errors, keys given twice, the parts at given paths. */
import { MAX_DEPTH_LEVELS } from './bounds.js';
import { type IssuePath, pathText, type PathSegment } from './findings.js';

export interface JsonFinding {
  offset: number;
  found: string;
  /** End of the sentence "expected …". */
  expected: string;
}

export interface JsonScan {
  /** At most one is about syntax, and then it is the last. */
  findings: JsonFinding[];
  /** By placeKey: start of each wanted part, and of what is around it. */
  offsets: Map<string, number>;
}

export interface JsonPlace {
  path: IssuePath;
  key?: string;
}

/** Text that tells places apart. */
export function placeKey({ path, key }: JsonPlace): string {
  return key === undefined ? pathText(path) : `${pathText(path)}\n${key}`;
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
 * The string in quotes at an offset, undefined when there is none. Not a pattern: one that takes runs of characters tries
 * exponentially many ways to split a string that does not end.
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
  readonly #wanted: Set<string>;
  readonly #scan: JsonScan = { findings: [], offsets: new Map() };
  readonly #path: PathSegment[] = [];
  #at = 0;

  constructor(text: string, places: readonly JsonPlace[] = []) {
    this.#text = text;
    this.#wanted = new Set(places.map(placeKey));
    // The ends of the paths may be missing; what is around them is then wanted instead.
    for (const { path } of places) {
      for (let length = path.length; length >= 0; length--) this.#wanted.add(pathText(path.slice(0, length)));
    }
  }

  run(): JsonScan {
    try {
      this.#space();
      this.#value();
      if (this.#at < this.#text.length) this.#stop('the end of the file');
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
    }
    return this.#scan;
  }

  #stop(expected: string): never {
    this.#scan.findings.push({ offset: this.#at, found: this.#excerpt(), expected });
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

  /** Takes a character and the space after it. */
  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    this.#space();
    return true;
  }

  #mark(key?: string): void {
    const place = placeKey(key === undefined ? { path: this.#path } : { path: this.#path, key });
    if (this.#wanted.has(place)) this.#scan.offsets.set(place, this.#at);
  }

  #value(): void {
    if (this.#wanted.size > 0) this.#mark();
    if (this.#path.length > MAX_DEPTH_LEVELS)
      this.#stop(`at most ${MAX_DEPTH_LEVELS} lists and maps inside each other`);
    if (this.#take('{')) this.#members();
    else if (this.#take('[')) this.#items();
    else {
      const scalar = stringAt(this.#text, this.#at) ?? this.#match(NUMBER) ?? this.#match(WORD);
      if (scalar === undefined) {
        const isString = this.#text[this.#at] === '"';
        this.#stop(isString ? 'a string that ends on its line, with the escapes of JSON' : 'a JSON value');
      }
      this.#at += scalar.length;
      this.#space();
    }
  }

  #items(): void {
    if (this.#take(']')) return;
    for (let index = 0; ; index++) {
      this.#path.push(index);
      this.#value();
      this.#path.pop();
      if (this.#take(']')) return;
      if (!this.#take(',')) this.#stop('"," or "]"');
    }
  }

  #members(): void {
    if (this.#take('}')) return;
    const seen = new Set<string>();
    for (;;) {
      const text = stringAt(this.#text, this.#at);
      if (text === undefined) this.#stop('a key in double quotes');
      const key = JSON.parse(text) as string;
      if (seen.has(key)) {
        this.#scan.findings.push({ offset: this.#at, found: text, expected: 'a key given once in its map' });
      }
      seen.add(key);
      if (this.#wanted.size > 0) this.#mark(key);
      this.#at += text.length;
      this.#space();
      if (!this.#take(':')) this.#stop('":"');
      this.#path.push(key);
      this.#value();
      this.#path.pop();
      if (this.#take('}')) return;
      if (!this.#take(',')) this.#stop('"," or "}"');
    }
  }
}
