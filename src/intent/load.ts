/** The files a user writes, loaded: text → raw value → checked value, or one IntentError with all that is wrong. */
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
  /** Name of the file, for messages and for what a node file's `intent` is relative to. */
  file: string;
  /** Default: by the file's name, see formatOf. */
  format?: Format;
}

/** Findings in the order of the file, with lines and columns where the text is at hand. */
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
 * A checked value from a text, whatever the file is for.
 * @param check adds to the findings what is wrong
 * @throws IntentError (INTENT_INVALID) with every issue
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
 * An intent from its text.
 * @throws IntentError (INTENT_INVALID) with every issue
 */
export function parseIntent(text: string, options: ParseOptions, model: IntentModel): Intent {
  return parseDocument(text, options, (raw, findings) => checkIntent(raw, findings, model));
}

/**
 * A node file from its text; its `intent` becomes absolute.
 * @throws IntentError (INTENT_INVALID) with every issue
 */
export function parseNodeConfig(text: string, options: ParseOptions): NodeConfig {
  const directory = dirname(resolve(options.file));
  return parseDocument(text, options, (raw, findings) => checkNodeFile(raw, directory, findings));
}

/** @throws IntentError where it cannot be read, or is too large */
export function readFileText(file: string): FileText {
  const findings = new Findings();
  return readText(file, formatOf(file), findings) ?? fail(file, findings);
}

/**
 * An intent file, YAML or (named .json) JSON.
 * @throws IntentError (INTENT_INVALID) with every issue
 */
export function loadIntent(file: string, model: IntentModel): Intent {
  return parseIntent(readFileText(file).text, { file }, model);
}

export interface LoadedIntent {
  /** Of the file's bytes. */
  digest: string;
  /** Absent when the file is what it was. */
  intent?: Intent;
}

/**
 * An intent file, unless its bytes are those of the digest.
 * @throws IntentError (INTENT_INVALID) with every issue
 */
export function loadIntentText(file: string, unlessDigest: string | undefined, model: IntentModel): LoadedIntent {
  const content = readFileText(file);
  if (content.digest === unlessDigest) return { digest: content.digest };
  return { digest: content.digest, intent: parseIntent(content.text, { file }, model) };
}

/**
 * A node file. Whether the intent knows the node is for checkNodeInIntent to say.
 * @throws IntentError (INTENT_INVALID) with every issue
 */
export function loadNodeConfig(file: string): NodeConfig {
  return parseNodeConfig(readFileText(file).text, { file });
}

/**
 * Checks what only both files together can tell: the intent has the node, no port or external network of it is at an uplink,
 * and a network node has the fast path, which alone can decide.
 * @param file the node file's name, for the message
 * @throws IntentError (INTENT_INVALID)
 */
export function checkNodeInIntent(config: NodeConfig, intent: Intent, file: string): void {
  const findings = new Findings();
  const names = intent.nodes.map(({ name }) => name);
  if (!names.includes(config.node)) findings.addUnknownName(['node'], config.node, 'a node', names, 'the intent');
  for (const port of intent.ports) {
    if (port.node !== config.node) continue;
    const uplink = config.uplinks.indexOf(port.interface);
    if (uplink < 0) continue;
    const expected = `an interface that is no port of the intent; port ${port.name} has it`;
    findings.add(['uplinks', uplink], port.interface, expected);
  }
  (config.inside ?? []).forEach((name, i) => {
    const port = intent.ports.find((one) => one.node === config.node && one.interface === name);
    if (port !== undefined) {
      findings.add(['inside', i], name, `an interface that is no port of the intent; port ${port.name} has it`);
    }
  });
  const gateways = (intent.gateways ?? []).filter(({ nodes }) => nodes.includes(config.node));
  const [gateway] = gateways;
  if (gateway !== undefined && config.dataplane === 'kernel') {
    const expected = `hybrid; gateway ${gateway.name} has the node, and only the fast path decides between tenants`;
    findings.add(['dataplane'], config.dataplane, expected);
  }
  for (const external of intent.externals ?? []) {
    if (!gateways.some(({ name }) => name === external.gateway)) continue;
    const uplink = config.uplinks.indexOf(external.interface);
    const expected = `an interface that is no external network's; ${external.name} has it`;
    if (uplink >= 0) findings.add(['uplinks', uplink], external.interface, expected);
    const inside = config.inside?.indexOf(external.interface) ?? -1;
    if (inside >= 0) findings.add(['inside', inside], external.interface, expected);
    const port = intent.ports.find((one) => one.node === config.node && one.interface === external.interface);
    if (port !== undefined) {
      findings.add(['node'], config.node, `a node whose port ${port.name} is not at the interface of ${external.name}`);
    }
  }
  if (findings.list.length > 0) fail(file, findings);
}
