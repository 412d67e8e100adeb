import { TRUSTED_KEY } from '../../intent/change.js';
import { IntentError } from '../../intent/errors.js';
import { Findings, pathText } from '../../intent/findings.js';
import { checkIntent } from '../../app/intent.js';
import { keyOf, toIntentChange } from '../keys.js';
import { IntentIndex, isRouted } from '../intent-index.js';
import { closureOf } from './closure.js';
import type { IntentIssue } from '../../intent/errors.js';
import type { Finding } from '../../intent/findings.js';
import type { Intent, IntentChange, Port } from '../../intent/types.js';
import type { EntityValue, StoredChange, StoredKind } from '../types.js';

/** Name of a store's intent in messages, in place of a file's. */
const STORE = 'intent';

const LISTS = {
  nodes: 'node',
  tenants: 'tenant',
  ports: 'port',
  paths: 'path',
  gateways: 'gateway',
  externals: 'external',
  policies: 'policy',
} as const satisfies Partial<Record<keyof Intent, StoredKind>>;
type ListName = keyof typeof LISTS;

/** Limits of one tenant; absent: unlimited. */
export interface Quota {
  ports?: number;
  /** Addresses and prefixes of its ports, for which all nodes with the tenant have routes. */
  routes?: number;
  /** Policies with the tenant as an end. */
  policies?: number;
}

/** Quotas by tenant; `*` applies to tenants without their own. */
export type Quotas = ReadonlyMap<string, Quota>;

/**
 * A whole intent that follows changes. Each change is checked like the content of a file, at a cost that does not depend on the size of the intent
 * (closure.ts). A refused change has no effect.
 */
export class CheckedIntent {
  readonly index = new IntentIndex();
  readonly #held = new Map<string, EntityValue>();

  /** @param entities by key; assumed valid */
  constructor(entities: Iterable<readonly [string, EntityValue]> = []) {
    for (const [key, after] of entities) this.#take({ key, after });
  }

  get entities(): ReadonlyMap<string, EntityValue> {
    return this.#held;
  }

  /** Applies changes that were checked elsewhere. */
  follow(changes: readonly StoredChange[]): void {
    for (const { key, after } of changes) this.#take(change(key, this.#held.get(key), after));
  }

  /**
   * Checks and applies changes.
   *
   * @param changes entities as in a file, with keys by keyOf; `before` is ignored
   * @returns the changes in canonical form, without unchanged entities
   * @throws IntentError if files could not contain the intent, or a quota is exceeded; nothing has changed then
   */
  apply(changes: readonly { key: string; after?: EntityValue }[], quotas: Quotas = new Map()): StoredChange[] {
    const wanted = changes.map(({ key, after }) => change(key, this.#held.get(key), after));
    for (const one of wanted) this.#take(one);
    try {
      const asked = wanted.flatMap((one) => ((one.before ?? one.after) === undefined ? [] : [toIntentChange(one)]));
      const canonical = this.#check(asked);
      const exact = wanted.map(({ key, before, after }) => change(key, before, after && (canonical.get(key) ?? after)));
      // Replace the given values by canonical ones.
      for (const { key, after } of exact) this.#take(change(key, this.#held.get(key), after));
      this.#checkQuotas(asked, quotas);
      return exact.filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
    } catch (error) {
      for (const { key, before } of [...wanted].reverse()) this.#take(change(key, this.#held.get(key), before));
      throw error;
    }
  }

  /** Checks the whole intent. @throws IntentError */
  checkWhole(): void {
    this.#check([{ kind: 'trusted', key: TRUSTED_KEY, before: [], after: [] }]);
  }

  /** @returns the checked entities in canonical form, by key */
  #check(changes: readonly IntentChange[]): Map<string, EntityValue> {
    const closure = closureOf(this.index, changes);
    const findings = new Findings();
    const checked = checkIntent(closure, findings);
    if (checked === undefined || findings.list.length > 0) {
      throw new IntentError(
        STORE,
        findings.list.map((finding) => issueOf(finding, closure)),
      );
    }
    const canonical = new Map<string, EntityValue>([[keyOf('block', checked.sidBlock), checked.sidBlock]]);
    if (checked.trusted !== undefined) canonical.set(keyOf('trusted', checked.trusted), checked.trusted);
    for (const [list, kind] of Object.entries(LISTS) as [ListName, StoredKind][]) {
      for (const entity of checked[list] ?? []) canonical.set(keyOf(kind, entity), entity);
    }
    return canonical;
  }

  #checkQuotas(changes: readonly IntentChange[], quotas: Quotas): void {
    if (quotas.size === 0) return;
    const tenants = new Set(changes.flatMap(tenantsThatGrow));
    const issues: IntentIssue[] = [];
    for (const tenant of tenants) {
      const quota = quotas.get(tenant) ?? quotas.get('*') ?? {};
      const used = this.#usedBy(tenant);
      for (const what of ['ports', 'routes', 'policies'] as const) {
        const most = quota[what];
        if (most === undefined || used[what] <= most) continue;
        const expected = `at most ${most}, the tenant's quota`;
        issues.push({ path: `tenant ${tenant}: ${what}`, value: used[what], found: String(used[what]), expected });
      }
    }
    if (issues.length > 0) throw new IntentError(STORE, issues);
  }

  #usedBy(tenant: string): Required<Quota> {
    const ports = this.index.ports.of(tenant);
    let routes = 0;
    for (const { addresses, prefixes } of ports.values()) routes += addresses.length + prefixes.length;
    return { ports: ports.size, routes, policies: this.index.policiesOf.of(`tenant ${tenant}`).size };
  }

  #take(stored: StoredChange): void {
    const { key, before, after } = stored;
    if (before === undefined && after === undefined) return;
    this.index.apply(toIntentChange(stored));
    if (after === undefined) this.#held.delete(key);
    else this.#held.set(key, after);
  }
}

function change(key: string, before: EntityValue | undefined, after: EntityValue | undefined): StoredChange {
  return { key, ...(before !== undefined && { before }), ...(after !== undefined && { after }) };
}

function tenantsThatGrow({ kind, after, before }: IntentChange): string[] {
  if (kind === 'policy' && after !== undefined && before === undefined) {
    return [after.from, after.to].flatMap((end) => ('tenant' in end ? [end.tenant] : []));
  }
  if (kind !== 'port' || after === undefined) return [];
  const isLarger = before === undefined || routesOf(after) > routesOf(before) || before.tenant !== after.tenant;
  return isLarger ? [after.tenant] : [];
}

function routesOf(port: Port): number {
  return port.addresses.length + (isRouted(port) ? port.prefixes.length : 0);
}

/** Locates a finding by the entity's name, since indices of the checked part have no meaning to users. */
function issueOf({ path, value, found, expected }: Finding, checked: Intent): IntentIssue {
  const [list, index, ...rest] = path;
  const place =
    typeof index === 'number' && typeof list === 'string' && list in LISTS
      ? [nameOf(list as ListName, index, checked), pathText(rest)].filter((text) => text !== '').join(': ')
      : pathText(path);
  return { path: place, value, found, expected: renamed(expected, checked) };
}

/** `port red-a` for `ports[3]`. */
function nameOf(list: ListName, index: number, checked: Intent): string {
  const entity = checked[list]?.[index] as { name?: string; to?: string } | undefined;
  const kind = LISTS[list];
  const name = entity?.name ?? (kind === 'path' ? `to ${entity?.to}` : `${index}`);
  return `${kind} ${name}`;
}

function renamed(text: string, checked: Intent): string {
  const places = new RegExp(`\\b(${Object.keys(LISTS).join('|')})\\[(\\d+)\\](?: \\([^)]*\\))?`, 'g');
  return text
    .replace(places, (_, list: ListName, index: string) => nameOf(list, Number(index), checked))
    .replaceAll('of this file', 'of the intent');
}
