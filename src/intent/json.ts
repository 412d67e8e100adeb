/** JSON (RFC 8259), the format that machines write. V8 parses it; the scanner runs only on errors. */
import { MAX_DEPTH_LEVELS } from './bounds.js';
import type { RawDocument } from './document.js';
import type { Findings } from './findings.js';
import { addPath, JsonScanner, newPart } from './json-scan.js';

/** Number of keys of all maps in a value; -1 if it is nested too deeply. */
function countKeys(value: unknown, levels: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (levels === 0) return -1;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item !== 'object') continue;
      const inner = countKeys(item, levels - 1);
      if (inner < 0) return -1;
      keys += inner;
    }
    return keys;
  }
  // for-in creates no list of keys, and JSON.parse returns plain objects.
  for (const key in value) {
    keys++;
    const item = (value as Record<string, unknown>)[key];
    if (typeof item !== 'object') continue;
    const inner = countKeys(item, levels - 1);
    if (inner < 0) return -1;
    keys += inner;
  }
  return keys;
}

/** Number of colons outside strings: one for each key, including overwritten duplicates. */
function countColons(text: string): number {
  let colons = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x3a) colons++;
    else if (code === 0x22) {
      at = text.indexOf('"', at + 1);
      while (isEscaped(text, at)) at = text.indexOf('"', at + 1);
    }
  }
  return colons;
}

function isEscaped(text: string, quote: number): boolean {
  let at = quote;
  while (text.charCodeAt(at - 1) === 0x5c) at--;
  return (quote - at) % 2 === 1;
}

function parse(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Reads a JSON text. Reports syntax errors, duplicate keys and too deep nesting. */
export function readJson(text: string, findings: Findings): RawDocument {
  const parsed = parse(text);
  const keys = parsed ? countKeys(parsed.value, MAX_DEPTH_LEVELS) : -1;
  if (!parsed || keys < 0 || keys !== countColons(text)) {
    for (const { offset, found, expected } of new JsonScanner(text).run()) findings.addAt(offset, found, expected);
  }
  return {
    value: parsed?.value,
    usable: parsed !== undefined && keys >= 0,
    offsetsOf: (places) => {
      const root = newPart();
      const found = places.map(({ path, key }) => {
        const along = addPath(root, path);
        const keyed = key === undefined ? undefined : addPath(root, [...path, key]).at(-1);
        return { along, keyed };
      });
      new JsonScanner(text).run(root);
      return found.map(({ along, keyed }) => {
        // If there is no part at the path, the map around it is used.
        const around = along.findLast(({ offset }) => offset !== undefined);
        return keyed?.keyOffset ?? around?.offset ?? -1;
      });
    },
  };
}
