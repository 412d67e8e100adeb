/** Checks of `nodes:`: names, locators inside the block, unambiguous outer sources. */
import { formatIPv6, prefixContains } from 'netlink-ts/inet';
import { LOCATOR_BITS } from '../bounds.js';
import { type AddressField, type PrefixField, readIPv6Address, readIPv6Prefix, readName } from '../fields.js';
import { type Findings, type IssuePath, Refusal } from '../findings.js';
import { BEHAVIOURS } from '../schema.js';
import { structured } from '../structure.js';
import type { Behaviours, IntentNode } from '../types.js';
import { below, type Context, entityText, isTenantSid, type NodeFacts } from './context.js';

const IN_BLOCK = (block: PrefixField): string => `a prefix inside the SID block ${block.text}`;

/** The default outer source: `::1` in the locator. */
function firstAddress(locator: PrefixField): AddressField {
  const bytes = locator.bytes.slice();
  bytes[15] = 1;
  return { family: 6, bytes, text: formatIPv6(bytes) };
}

function checkLocator(context: Context, text: string, at: IssuePath, facts: NodeFacts): PrefixField | undefined {
  const { findings, block, byLocator } = context;
  const refuse = (expected: string): undefined => findings.add(below(at, 'locator'), text, expected) as undefined;
  const locator = readIPv6Prefix(text);
  if (locator instanceof Refusal) return refuse(locator.expected);
  if (locator.length !== LOCATOR_BITS) return refuse(`a locator of length ${LOCATOR_BITS}`);
  if (block && !prefixContains(block, locator)) return refuse(IN_BLOCK(block));
  const other = byLocator.cover(locator.bytes);
  if (other) return refuse(`a locator no other node has; ${entityText('nodes', other.index, other.name)} has it`);
  byLocator.add(locator, facts);
  return locator;
}

/** A source to check once all locators are known. */
interface Source {
  facts: NodeFacts;
  source: AddressField;
  at: IssuePath;
  given: string | undefined;
}

function checkSources(context: Context, sources: readonly Source[]): void {
  const owners = new Map<string, NodeFacts>();
  for (const { facts, source, at, given } of sources) {
    const refuse = (expected: string): void => context.findings.add(below(at, 'source'), given, expected);
    const other = owners.get(source.text);
    const home = context.byLocator.cover(source.bytes);
    if (other) {
      refuse(`a source no other node has; ${entityText('nodes', other.index, other.name)} has ${source.text}`);
    } else if (home && home !== facts) {
      refuse(`an address outside the locators of other nodes; it is in that of ${home.name}`);
    } else if (isTenantSid(context, source)) {
      refuse('an address that is not a SID of a tenant');
    }
    if (!other) owners.set(source.text, facts);
  }
}

/** Reads the further outer sources of a node, canonical and sorted. */
function checkAcceptedSources({ findings }: Context, given: readonly (string | undefined)[], at: IssuePath): string[] {
  const accepted = given.flatMap((text, i) => {
    if (text === undefined) return [];
    const read = readIPv6Address(text);
    if (!(read instanceof Refusal)) return [read.text];
    findings.add(below(at, 'acceptedSources', i), text, read.expected);
    return [];
  });
  return [...new Set(accepted)].sort();
}

/** Reads either End.DT46, or End.DT4 and End.DT6 in any order; `at` is the map with the key. */
export function checkBehaviours(
  given: readonly (string | undefined)[],
  at: IssuePath,
  findings: Findings,
): Behaviours | undefined {
  const text = [...given].sort().join();
  if (text === 'dt46') return ['dt46'];
  if (text === 'dt4,dt6') return ['dt4', 'dt6'];
  // Refused elements have been reported already.
  if (given.every((value) => value !== undefined)) findings.add(below(at, 'behaviours'), given, BEHAVIOURS);
  return undefined;
}

/** Checks all nodes. Refused ones are omitted from the result, but all have facts in the context. */
export function checkNodes(context: Context, raws: readonly unknown[]): IntentNode[] {
  const { findings, model } = context;
  const nodes: IntentNode[] = [];
  const sources: Source[] = [];
  const known = new Map<string, NodeFacts>();
  context.nodes = known;
  raws.forEach((raw, index) => {
    const at: IssuePath = ['nodes', index];
    const draft = structured(model.structures.node, raw, at, findings);
    if (!draft) return;
    const facts: NodeFacts = { index, name: draft.name ?? '' };
    if (draft.name !== undefined) {
      const name = readName(draft.name);
      const other = known.get(draft.name);
      if (name instanceof Refusal) findings.add(below(at, 'name'), draft.name, name.expected);
      if (other) findings.add(below(at, 'name'), draft.name, `a name no other node has; nodes[${other.index}] has it`);
      else known.set(draft.name, facts);
    }
    const locator = draft.locator === undefined ? undefined : checkLocator(context, draft.locator, at, facts);
    if (locator) facts.locator = locator;
    let source: AddressField | undefined;
    if (draft.source !== undefined) {
      const read = readIPv6Address(draft.source);
      if (read instanceof Refusal) findings.add(below(at, 'source'), draft.source, read.expected);
      else source = read;
    } else if (locator) source = firstAddress(locator);
    if (source) sources.push({ facts, source, at, given: draft.source ?? source.text });
    const accepted = draft.acceptedSources && checkAcceptedSources(context, draft.acceptedSources, at);
    const behaviours = draft.behaviours && checkBehaviours(draft.behaviours, at, findings);
    if (!locator || !source) return;
    const node: IntentNode = {
      name: facts.name,
      locator: locator.text,
      source: source.text,
      ...(accepted && accepted.length > 0 && { acceptedSources: accepted }),
      ...(behaviours && { behaviours }),
      ...(draft.drain === true && { drain: true }),
    };
    model.read('node', draft, node, facts, { findings, at });
    nodes.push(node);
  });
  checkSources(context, sources);
  return nodes;
}
