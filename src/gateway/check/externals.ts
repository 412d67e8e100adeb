/** Checks of `externals:`: networks beyond the network nodes, each with its own interface there. */

import { type PrefixField, readAnyPrefix, readInterface } from '../../intent/fields.js';
import { type IssuePath, Refusal } from '../../intent/findings.js';
import { externalStructure } from '../schema.js';
import { structured } from '../../intent/structure.js';
import type { External } from '../types.js';
import { outsideDomain } from '../../intent/check/trusted.js';
import { below, type Context, entityText } from '../../intent/check/context.js';
import type { ExternalFacts } from './facts.js';
import { noteName } from '../../intent/check/names.js';

function checkPrefixes(context: Context, texts: readonly (string | undefined)[], at: IssuePath): PrefixField[] {
  const { findings, block } = context;
  const prefixes: PrefixField[] = [];
  texts.forEach((given, i) => {
    if (given === undefined) return;
    const refuse = (expected: string): void => findings.add(below(at, 'prefixes', i), given, expected);
    const prefix = readAnyPrefix(given);
    if (prefix instanceof Refusal) return refuse(prefix.expected);
    if (prefixes.some(({ text }) => text === prefix.text)) return refuse('a prefix given once');
    // A default route contains the block; ports drop packets to it.
    const outside = block && prefix.length >= block.length ? outsideDomain(context, prefix) : undefined;
    if (outside) return refuse(outside);
    prefixes.push(prefix);
  });
  return prefixes;
}

/** Checks all external networks. Refused ones are omitted from the result, but all have facts in the context. */
export function checkExternals(context: Context, raws: readonly unknown[]): External[] {
  const { findings, gateways } = context;
  const externals: External[] = [];
  const known = new Map<string, ExternalFacts>();
  /** Owner by gateway and interface, and by gateway and prefix. */
  const interfaces = new Map<string, ExternalFacts>();
  const routes = new Map<string, ExternalFacts>();
  context.externals = known;
  raws.forEach((raw, index) => {
    const at: IssuePath = ['externals', index];
    const draft = structured(externalStructure, raw, at, findings);
    if (!draft) return;
    const prefixes = checkPrefixes(context, draft.prefixes ?? [], at);
    const facts: ExternalFacts = { index, name: draft.name ?? '', prefixes };
    noteName(context, draft.name, at, { list: 'externals', noun: 'external network', known, facts });
    const { gateway, interface: device } = draft;
    if (gateway !== undefined) {
      if (gateways?.has(gateway) === false) {
        findings.addUnknownName(below(at, 'gateway'), gateway, 'a gateway', gateways.keys());
      } else facts.gateway = gateway;
    }
    const read = device === undefined ? undefined : readInterface(device);
    if (read instanceof Refusal) findings.add(below(at, 'interface'), device, read.expected);
    if (gateway === undefined || device === undefined) return;
    const owner = (other: ExternalFacts): string => `${entityText('externals', other.index, other.name)} has it`;
    const sharing = interfaces.get(`${gateway} ${device}`);
    if (sharing) {
      const expected = `an interface no other external network of gateway ${gateway} has; ${owner(sharing)}`;
      findings.add(below(at, 'interface'), device, expected);
    } else interfaces.set(`${gateway} ${device}`, facts);
    for (const { text } of prefixes) {
      const other = routes.get(`${gateway} ${text}`);
      if (other === undefined) routes.set(`${gateway} ${text}`, facts);
      else {
        const expected = `a prefix no other external network of gateway ${gateway} has; ${owner(other)}`;
        findings.add(below(at, 'prefixes'), text, expected);
      }
    }
    externals.push({ name: facts.name, gateway, interface: device, prefixes: prefixes.map(({ text }) => text).sort() });
  });
  return externals;
}
