/** `intent set`, `delete`, `diff`, `apply`, `validate`, `rollback`, `quota` and `renew`. */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { CheckedIntent } from '../../fleet/check/checked-intent.js';
import { readEntity } from '../../fleet/check/read-entity.js';
import { keyOf, RealmKeys, toStoredChanges } from '../../fleet/keys.js';
import { changesBackTo } from '../../fleet/store/history.js';
import { readRealm, StoreError } from '../../fleet/store/realm.js';
import { IntentWriter } from '../../fleet/store/writer.js';
import { diffIntent, loadIntent } from '../../app/intent.js';
import { parseDocument } from '../../intent/load.js';
import { CommandError, EXIT } from '../exit.js';
import { print, printJson } from '../print.js';
import { changeLines, summaryOf } from './text.js';
import { authorshipOf, withStore, withWriter } from './store.js';
import type { Quota } from '../../fleet/check/checked-intent.js';
import type { EntityValue, StoredChange, StoredKind } from '../../fleet/types.js';
import type { Committed, Wishes } from '../../fleet/store/writer.js';
import type { Intent, IntentNode } from '../../intent/types.js';
import type { Authored, FleetOptions } from './store.js';

/** A commit that removes more ports than both limits must be forced; nodes apply the same limits. */
const MASS_PORTS = 10;
const MASS_FRACTION = 1 / 5;

const NOTHING: Intent = { version: 1, sidBlock: '', nodes: [], tenants: [], ports: [], paths: [] };

export async function runSet(kind: string, value: string, options: Authored): Promise<void> {
  const text = value === '-' ? readFileSync(0, 'utf8') : value;
  const entity = parseDocument(
    text,
    { file: value === '-' ? 'standard input' : `the ${kind}`, format: 'yaml' },
    (raw, findings) => readEntity(kind as StoredKind, raw, findings),
  );
  await withWriter(options, async (writer) => {
    if (writer.head === undefined)
      throw new StoreError('the realm holds no intent yet: segue intent apply -f sets it up');
    // Names of ports are unique in the intent: a port that moves to another tenant remains the same port.
    const wishes: Wishes = () => [...(kind === 'port' ? otherPortsNamed(writer, entity) : []), entity];
    tell(await writer.commit(wishes, authorshipOf(options)), options);
  });
}

function otherPortsNamed(writer: IntentWriter, { key, after }: { key: string; after: EntityValue }): { key: string }[] {
  const { name } = after as { name: string };
  const tenants = [...writer.checked.index.tenantsOfPort.of(name).keys()];
  return tenants.map((tenant) => ({ key: `port/${tenant}/${name}` })).filter((other) => other.key !== key);
}

export async function runDelete(kind: string, names: readonly string[], options: Authored): Promise<void> {
  if (kind === 'block')
    throw new CommandError('block: an intent always has one SID block: segue intent set replaces it', EXIT.badInput);
  await withWriter(options, async (writer) => {
    const wishes: Wishes = (entities) =>
      names.map((name) => {
        const key = keyOfName(writer, kind as StoredKind, name);
        if (key === undefined || !entities.has(key))
          throw new CommandError(`${kind} ${name}: not in the intent`, EXIT.badInput);
        return { key };
      });
    tell(await writer.commit(wishes, authorshipOf(options)), options);
  });
}

function keyOfName(writer: IntentWriter, kind: StoredKind, name: string): string | undefined {
  if (kind === 'trusted') return kind;
  if (kind === 'port') {
    const [tenant] = writer.checked.index.tenantsOfPort.of(name).keys();
    return tenant === undefined ? undefined : `port/${tenant}/${name}`;
  }
  if (kind !== 'path') return `${kind}/${name}`;
  const [to = '', tenants] = name.split(':');
  return keyOf('path', { to, via: [], ...(tenants !== undefined && { tenants: tenants.split(',').sort() }) });
}

/** The changes from the store's intent to a file's; nodes with orders to drain keep draining. */
function changesTo(file: Intent, { checked, ops }: Pick<IntentWriter, 'checked' | 'ops'>): StoredChange[] {
  const nodes = file.nodes.map((node) => ops.inForce(keyOf('node', node), node) as IntentNode);
  const wanted = { ...file, nodes };
  const held = checked.entities.size === 0 ? NOTHING : checked.index.intent();
  // Lists of addresses are sets: a difference only in order is no change.
  const changes = toStoredChanges(diffIntent(held, wanted));
  return changes.map(({ key, before, after }) => ({
    key,
    ...(before !== undefined && checked.entities.has(key) && { before }),
    ...(after !== undefined && { after }),
  }));
}

export async function runDiff(options: FleetOptions & { file: string }): Promise<void> {
  const wanted = loadIntent(options.file);
  await withWriter(options, (writer) => {
    const changes = changesTo(wanted, writer);
    if (options.json) printJson({ sequence: writer.head?.sequence ?? 0, changes });
    else for (const line of changeLines(changes)) print(line);
    process.exitCode = changes.length > 0 ? EXIT.drift : EXIT.ok;
    return Promise.resolve();
  });
}

export async function runApply(options: Authored & { file: string; force?: boolean }): Promise<void> {
  const wanted = loadIntent(options.file);
  await withWriter(options, async (writer) => {
    const shown = changesTo(wanted, writer);
    await commitShown(writer, shown, () => changesTo(wanted, writer), options);
  });
}

export async function runRollback(sequence: number, options: Authored & { force?: boolean }): Promise<void> {
  await withWriter(options, async (writer, client, { realm }) => {
    if (writer.head === undefined)
      throw new StoreError('the realm holds no intent yet: there is nothing to roll back to');
    const back = await changesBackTo(client, new RealmKeys(realm), writer.head, sequence);
    const { reason } = options;
    const authored = { ...options, reason: reason === '' ? `rollback to ${sequence}` : reason };
    const shown = differing(back, writer.checked);
    await commitShown(writer, shown, () => differing(back, writer.checked), authored);
  });
}

/** The changes that differ from the present values. */
function differing(wanted: readonly StoredChange[], checked: CheckedIntent): StoredChange[] {
  return wanted.flatMap(({ key, after }): StoredChange[] => {
    const before = checked.entities.get(key);
    if (isDeepStrictEqual(before, after)) return [];
    return [{ key, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }];
  });
}

/** Commits exactly the changes that were shown; refuses if the intent changed meanwhile so that they differ. */
async function commitShown(
  writer: IntentWriter,
  shown: StoredChange[],
  again: () => StoredChange[],
  options: Authored & { force?: boolean },
): Promise<void> {
  if (options.force !== true) refuseMassRemoval(shown, writer.checked);
  const wishes: Wishes = () => {
    const now = again();
    if (isDeepStrictEqual(now, shown)) return now;
    const { author = 'somebody', sequence = 0 } = writer.head ?? {};
    throw new StoreError(`${author} changed the intent meanwhile (sequence ${sequence}): look at the diff again`);
  };
  tell(await writer.commit(wishes, authorshipOf(options)), options);
}

function refuseMassRemoval(changes: readonly StoredChange[], checked: CheckedIntent): void {
  const isPort = ({ key }: StoredChange): boolean => key.startsWith('port/');
  const gone = changes.filter((change) => isPort(change) && change.after === undefined).length;
  const come = changes.filter((change) => isPort(change) && change.before === undefined).length;
  const removed = gone - come;
  const held = checked.index.portCount;
  if (removed <= MASS_PORTS || removed <= held * MASS_FRACTION) return;
  throw new CommandError(
    `${removed} of ${held} ports would be removed: more than ${MASS_PORTS} and more than a fifth at once needs --force`,
  );
}

export async function runValidate(options: FleetOptions & { file?: string }): Promise<void> {
  const { file } = options;
  if (file !== undefined) {
    const wanted = loadIntent(file);
    await withWriter(options, (writer) => {
      const changes = writer.checked.apply(changesTo(wanted, writer), writer.quotas);
      if (options.json) printJson({ valid: true, changes: changes.length });
      else print(`${file}: can be applied: ${summaryOf(changes)}`);
      return Promise.resolve();
    });
    return;
  }
  await withStore(options, async (client, { realm }) => {
    const state = await readRealm(client, new RealmKeys(realm));
    if (state === undefined) throw new StoreError('the realm holds no intent yet: segue intent apply -f sets it up');
    new CheckedIntent(state.entities).checkWhole();
    // Opening the store also checks that commits wrote its contents.
    await IntentWriter.open(client, realm);
    const { sequence } = state.head;
    if (options.json) printJson({ valid: true, sequence, entities: state.entities.size });
    else print(`sequence ${sequence}: ${state.entities.size} entities, valid`);
  });
}

export async function runQuota(
  tenant: string | undefined,
  quota: Quota,
  none: boolean,
  options: Authored,
): Promise<void> {
  const isSet = Object.keys(quota).length > 0;
  if (isSet && none) throw new CommandError('--none: expected without other quotas', EXIT.badInput);
  await withWriter(options, async (writer) => {
    const name = tenant ?? '*';
    if (name !== '*' && !writer.checked.index.tenants.has(name))
      throw new CommandError(`tenant ${name}: not in the intent`, EXIT.badInput);
    if (isSet || none) {
      const { reason } = options;
      const what = none ? `no quota for ${name}` : `quota of ${name}: ${JSON.stringify(quota)}`;
      await writer.setQuota(
        name,
        none ? undefined : quota,
        authorshipOf({ ...options, reason: reason === '' ? what : reason }),
      );
    }
    const shown = [...writer.quotas].filter(([of]) => tenant === undefined || of === tenant);
    if (options.json) printJson(Object.fromEntries(shown));
    else
      for (const [of, most] of shown)
        print(
          `${of}  ${Object.entries(most)
            .map(([what, n]) => `${what} ${n}`)
            .join(', ')}`,
        );
  });
}

export async function runRenew(options: Authored): Promise<void> {
  await withStore(options, async (client, { realm }) => {
    const { sequence, epoch } = await IntentWriter.renew(client, realm, authorshipOf(options));
    if (options.json) printJson({ sequence, epoch });
    else print(`sequence ${sequence}: a new epoch; feeds and nodes follow it`);
  });
}

function tell({ sequence, changes }: Committed, { json }: FleetOptions): void {
  if (json) return printJson({ sequence, changes });
  for (const line of changeLines(changes)) print(line);
  print(
    changes.length === 0 ? `sequence ${sequence}: nothing to change` : `sequence ${sequence}: ${summaryOf(changes)}`,
  );
}
