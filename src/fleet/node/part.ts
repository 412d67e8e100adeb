/** Converts a node's part of an intent between feeds' keys and the agent's form. */
import { shareNoPrefixes } from '../../intent/model.js';
import { keyOf, kindOfKey, toIntentChanges } from '../keys.js';
import type { Intent, IntentChange, Port, Tenant } from '../../intent/types.js';
import type { EntityValue, StoredChange, StoredKind } from '../types.js';
import type { Path } from '../../encap/path.js';

export type Part = ReadonlyMap<string, EntityValue>;

const SOURCE = 'source/';

const LISTS = {
  node: 'nodes',
  tenant: 'tenants',
  port: 'ports',
  path: 'paths',
  gateway: 'gateways',
  external: 'externals',
  policy: 'policies',
} as const;

/** The intent of a part, equal to the result of relevantTo for the whole intent. */
export function intentOfPart(part: Part): Intent {
  const lists: Record<(typeof LISTS)[keyof typeof LISTS], unknown[]> = {
    ...{ nodes: [], tenants: [], ports: [], paths: [], gateways: [], externals: [], policies: [] },
  };
  const sources: string[] = [];
  for (const [key, value] of part) {
    const kind = kindOfKey(key);
    if (key.startsWith(SOURCE)) sources.push(value as string);
    else if (kind !== undefined && kind !== 'block' && kind !== 'trusted') lists[LISTS[kind]].push(value);
  }
  const { nodes, tenants, ports, paths, gateways, externals, policies } = lists;
  const trusted = part.get('trusted') as string[] | undefined;
  shareNoPrefixes(ports as Port[]);
  return {
    version: 1,
    sidBlock: (part.get('block') as string | undefined) ?? '',
    ...(trusted !== undefined && trusted.length > 0 && { trusted }),
    sources: sources.sort(),
    nodes: nodes as Intent['nodes'],
    tenants: tenants as Intent['tenants'],
    ports: ports as Port[],
    paths: paths as Path[],
    ...(gateways.length > 0 && { gateways: gateways as NonNullable<Intent['gateways']> }),
    ...(externals.length > 0 && { externals: externals as NonNullable<Intent['externals']> }),
    ...(policies.length > 0 && { policies: policies as NonNullable<Intent['policies']> }),
  };
}

/** The part of an intent. */
export function partOfIntent(intent: Intent): Map<string, EntityValue> {
  const part = new Map<string, EntityValue>([['block', intent.sidBlock]]);
  if (intent.trusted !== undefined) part.set('trusted', intent.trusted);
  for (const source of intent.sources ?? []) part.set(SOURCE + source, source);
  for (const [kind, list] of Object.entries(LISTS) as [StoredKind, (typeof LISTS)[keyof typeof LISTS]][]) {
    for (const entity of intent[list] ?? []) part.set(keyOf(kind, entity), entity);
  }
  return part;
}

/** Completes values for the checks of files: ports on other nodes arrive without interface and MAC address, and get placeholders. */
export class Stand {
  readonly #taken: ReadonlySet<string>;
  #count = 0;

  /** @param part placeholders differ from all its MAC addresses */
  constructor(part: Part = new Map()) {
    const macs = [...part.values()].flatMap((value) => {
      const { mac, gatewayMac } = value as Partial<Port & Tenant>;
      return [mac, gatewayMac].filter((text) => text !== undefined);
    });
    this.#taken = new Set(macs);
  }

  value(value: EntityValue): EntityValue {
    const port = value as Partial<Port>;
    if (typeof value !== 'object' || port.interface !== '' || port.mac !== '') return value;
    let mac: string;
    do {
      this.#count += 1;
      mac = `${STAND_MAC}:${this.#count.toString(16).padStart(10, '0').match(/../g)?.join(':') ?? ''}`;
    } while (this.#taken.has(mac));
    return { ...(value as Port), interface: `r${this.#count.toString(36)}`, mac };
  }
}

/** First byte of placeholder MAC addresses: locally administered and unicast. */
const STAND_MAC = 'ee';

/** Converts changes of a part to the intent's keys. */
export function intentChangesOf(changes: readonly StoredChange[]): IntentChange[] {
  const sources = changes.flatMap(({ key, before, after }): IntentChange[] => {
    if (!key.startsWith('source/')) return [];
    const value = key.slice('source/'.length);
    return [
      {
        kind: 'source',
        key: value,
        ...(before !== undefined && { before: value }),
        ...(after !== undefined && { after: value }),
      },
    ];
  });
  return [...sources, ...toIntentChanges(changes.filter(({ key }) => kindOfKey(key) !== undefined))];
}
