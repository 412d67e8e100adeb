/** Loads the files that users write: text, raw value, checked value; or an IntentError with everything that is wrong. */
import { dirname, resolve } from 'node:path';
import { type IntentIssue, IntentError } from './errors.js';
import { type Finding, Findings, pathText } from './findings.js';
import type { RawDocument } from './document.js';
import { readJson } from './json.js';
import { LineIndex } from './lines.js';
import { checkSize, type FileText, type Format, formatOf, readText } from './read.js';
import type { IntentModel } from './model.js';
import type { Intent, NodeConfig } from './types.js';
import { checkIntent, checkNodeFile } from './validate.js';
import { readYaml } from './yaml.js';

export interface ParseOptions {
  /** Name of the file, for messages, and to which a node file's `intent` is relative. */
  file: string;
  /** Default: by the file's name (formatOf). */
  format?: Format;
}

/** Findings in the order of the file, with lines and columns if the text is available. */
function issuesOf(findings: readonly Finding[], document: RawDocument | undefined, text: string): IntentIssue[] {
  const places = findings.map(({ path, key }) => (key === undefined ? { path } : { path, key }));
  const offsets = document?.offsetsOf(places) ?? [];
  const lines = new LineIndex(text);
  return findings
    .map(({ path, value, found, expected, offset }, i) => {
      const issue: IntentIssue = { path: pathText(path), value, found, expected };
      return { issue, offset: offset ?? offsets[i] ?? -1 };
    })
    .sort((a, b) => a.offset - b.offset)
    .map(({ issue, offset }) => (offset < 0 ? issue : { ...issue, ...lines.at(offset) }));
}

function fail(file: string, findings: Findings, document?: RawDocument, text = ''): never {
  throw new IntentError(file, issuesOf(findings.list, document, text));
}

/**
 * Parses and checks the text of any file.
 *
 * @param check reports errors as findings
 * @throws IntentError (INTENT_INVALID) with all issues
 */
export function parseDocument<T>(
  text: string,
  { file, format = formatOf(file) }: ParseOptions,
  check: (raw: unknown, findings: Findings) => T | undefined,
): T {
  const findings = new Findings();
  if (!checkSize(format, Buffer.byteLength(text), findings)) fail(file, findings);
  if (/^\s*$/.test(text)) {
    findings.addFile('empty', format === 'json' ? 'a JSON object' : 'a YAML map');
    fail(file, findings);
  }
  const document = format === 'json' ? readJson(text, findings) : readYaml(text, findings);
  const checked = document.usable ? check(document.value, findings) : undefined;
  if (checked === undefined || findings.list.length > 0) fail(file, findings, document, text);
  return checked;
}

/**
 * Parses and checks an intent.
 *
 * @throws IntentError (INTENT_INVALID) with all issues
 */
export function parseIntent(text: string, options: ParseOptions, model: IntentModel): Intent {
  return parseDocument(text, options, (raw, findings) => checkIntent(raw, findings, model));
}

/**
 * Parses and checks a node file; its `intent` becomes absolute.
 *
 * @throws IntentError (INTENT_INVALID) with all issues
 */
export function parseNodeConfig(text: string, options: ParseOptions): NodeConfig {
  const directory = dirname(resolve(options.file));
  return parseDocument(text, options, (raw, findings) => checkNodeFile(raw, directory, findings));
}

/** @throws IntentError if the file cannot be read or is too large */
export function readFileText(file: string): FileText {
  const findings = new Findings();
  return readText(file, formatOf(file), findings) ?? fail(file, findings);
}

/**
 * Loads an intent file: JSON if it is named .json, else YAML.
 *
 * @throws IntentError (INTENT_INVALID) with all issues
 */
export function loadIntent(file: string, model: IntentModel): Intent {
  return parseIntent(readFileText(file).text, { file }, model);
}

export interface LoadedIntent {
  /** Digest of the file. */
  digest: string;
  /** Absent if the file is unchanged. */
  intent?: Intent;
}

/**
 * Loads an intent file unless it has this digest.
 *
 * @throws IntentError (INTENT_INVALID) with all issues
 */
export function loadIntentText(file: string, unlessDigest: string | undefined, model: IntentModel): LoadedIntent {
  const content = readFileText(file);
  if (content.digest === unlessDigest) return { digest: content.digest };
  return { digest: content.digest, intent: parseIntent(content.text, { file }, model) };
}

/**
 * Loads a node file. checkNodeInIntent checks whether the intent contains the node.
 *
 * @throws IntentError (INTENT_INVALID) with all issues
 */
export function loadNodeConfig(file: string): NodeConfig {
  return parseNodeConfig(readFileText(file).text, { file });
}

/**
 * Checks that need both files: the intent contains the node, no port of the node is at an uplink, and checks of features.
 *
 * @param file the node file's name, for messages
 * @throws IntentError (INTENT_INVALID)
 */
export function checkNodeInIntent(config: NodeConfig, intent: Intent, file: string, model: IntentModel): void {
  const findings = new Findings();
  const names = intent.nodes.map(({ name }) => name);
  if (!names.includes(config.node)) findings.addUnknownName(['node'], config.node, 'a node', names, 'the intent');
  for (const port of intent.ports) {
    if (port.node !== config.node) continue;
    const uplink = config.uplinks.indexOf(port.interface);
    if (uplink < 0) continue;
    const expected = `an interface that is not a port of the intent; port ${port.name} has it`;
    findings.add(['uplinks', uplink], port.interface, expected);
  }
  (config.inside ?? []).forEach((name, i) => {
    const port = intent.ports.find((one) => one.node === config.node && one.interface === name);
    if (port !== undefined) {
      findings.add(['inside', i], name, `an interface that is not a port of the intent; port ${port.name} has it`);
    }
  });
  for (const part of model.parts) part.checkNode?.(config, intent, findings);
  if (findings.list.length > 0) fail(file, findings);
}
