/** The supported subset of YAML 1.2: one document of plain maps, lists and scalars. */
import { Composer, CST, isMap, isNode, isScalar, isSeq, Lexer, Parser } from 'yaml';
import type { Document, YAMLError, YAMLMap } from 'yaml';
import { MAX_DEPTH_LEVELS } from './bounds.js';
import type { RawDocument } from './document.js';
import type { Findings, IssuePath } from './findings.js';

const ADDRESS_WITH_COLON = /[0-9a-fA-F]*:[0-9a-fA-F:.]*:(?=[\s,\]}]|$)/y;

const EXPECTED: Partial<Record<YAMLError['code'], string>> = {
  DUPLICATE_KEY: 'a key given once in its map',
  NON_STRING_KEY: 'a key that is text',
  TAB_AS_INDENT: 'spaces as indentation; YAML allows no tabs there',
};

/** The expectation for an error of the `yaml` package. */
function expectation(text: string, { code, pos, message }: YAMLError): string {
  if (code === 'BLOCK_IN_FLOW' || code === 'BLOCK_AS_IMPLICIT_KEY') {
    ADDRESS_WITH_COLON.lastIndex = pos[0];
    const address = ADDRESS_WITH_COLON.exec(text)?.[0];
    if (address) return `a value; YAML reads an address that ends in a colon as a map, quote it: "${address}"`;
  }
  return EXPECTED[code] ?? `valid YAML: ${message}`;
}

/** The rest of the line at an offset, for the message. */
function excerpt(text: string, offset: number): string {
  const end = text.indexOf('\n', offset);
  const line = text.slice(offset, Math.min(end < 0 ? text.length : end, offset + 40)).trim();
  return line === '' ? (end < 0 ? 'end of file' : 'end of line') : JSON.stringify(line);
}

/**
 * The tokens of a text, unless they are nested too deeply (the composer recurses, and a stack overflow inside a regular expression ends the
 * process) or have anchors (an alias may expand beyond memory, and JSON has none).
 */
function tokensOf(text: string, findings: Findings): CST.Token[] | undefined {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  let isContent = false;
  for (const lexeme of new Lexer().lex(text)) {
    const type = isContent ? 'scalar' : CST.tokenType(lexeme);
    if (type === 'anchor' || type === 'alias') {
      findings.addAt(parser.offset, JSON.stringify(lexeme), 'the value itself; anchors and aliases are not supported');
      return undefined;
    }
    isContent = lexeme === CST.SCALAR;
    for (const token of parser.next(lexeme)) tokens.push(token);
    // The document and the scalar being read take a level each.
    if (parser.stack.length > MAX_DEPTH_LEVELS + 2) {
      const expected = `at most ${MAX_DEPTH_LEVELS} nested lists and maps`;
      findings.addAt(parser.offset, excerpt(text, parser.offset), expected);
      return undefined;
    }
  }
  for (const token of parser.end()) tokens.push(token);
  return tokens;
}

function compose(text: string, findings: Findings): Document.Parsed | undefined {
  const tokens = tokensOf(text, findings);
  if (!tokens) return undefined;
  const composer = new Composer({ prettyErrors: false, stringKeys: true });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (second) findings.addAt(second.range[0], excerpt(text, second.range[0]), 'one document in the file');
  return document;
}

/** Offset of a node; undefined if it has no text (a key without a value). */
function startOf(node: unknown): number | undefined {
  const range = isNode(node) ? node.range : undefined;
  return range && range[1] > range[0] ? range[0] : undefined;
}

/** Offset of the innermost part along the path, or of a key there. */
function offsetOf(document: Document.Parsed, path: IssuePath, key: string | undefined): number {
  let at: unknown = document.contents;
  let offset = startOf(at) ?? -1;
  const pairOf = (map: YAMLMap, name: string) =>
    map.items.findLast((item) => isScalar(item.key) && String(item.key.value) === name);
  for (const segment of path) {
    if (isMap(at)) {
      const pair = pairOf(at, String(segment));
      if (!pair) return offset;
      at = pair.value;
      offset = startOf(at) ?? startOf(pair.key) ?? offset;
    } else if (isSeq(at)) {
      at = at.items[Number(segment)];
      offset = startOf(at) ?? offset;
    } else return offset;
  }
  return key !== undefined && isMap(at) ? (startOf(pairOf(at, key)?.key) ?? offset) : offset;
}

/** Reads a YAML text. Reports all syntax errors. */
export function readYaml(text: string, findings: Findings): RawDocument {
  const document = compose(text, findings);
  if (!document) return { value: undefined, usable: false, offsetsOf: (places) => places.map(() => -1) };
  for (const error of [...document.errors, ...document.warnings]) {
    findings.addAt(error.pos[0], excerpt(text, error.pos[0]), expectation(text, error));
  }
  // The last of duplicate keys counts, so that the rest of the file can be checked.
  const usable = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  return {
    value: usable ? (document.toJS() as unknown) : undefined,
    usable,
    offsetsOf: (places) => places.map(({ path, key }) => offsetOf(document, path, key)),
  };
}
