/** `intent get`, `history` and `export`: the store's contents as of its last commit. */
import { stringify } from 'yaml';
import { INTENT_MODEL } from '../../app/features.js';
import { IntentIndex } from '../../fleet/intent-index.js';
import { keyText, kindOfKey, RealmKeys, toIntentChange } from '../../fleet/keys.js';
import { readHistory } from '../../fleet/store/history.js';
import { OpsBook } from '../../fleet/store/ops-book.js';
import { readHead, readRealm } from '../../fleet/store/realm.js';
import { CommandError, EXIT } from '../exit.js';
import { jsonText, print, printAndWait, printJson } from '../print.js';
import { changeLines, summaryOf } from './text.js';
import { withStore } from './store.js';
import type { RealmState } from '../../fleet/store/realm.js';
import type { Intent } from '../../intent/types.js';
import type { FleetOptions } from './store.js';

/** Commits read at a time. */
const COMMITS_PER_RANGE = 100;

async function stateOf(options: FleetOptions): Promise<RealmState> {
  return withStore(options, async (client, { realm }) => {
    const state = await readRealm(client, new RealmKeys(realm));
    if (state !== undefined) return state;
    throw new CommandError(`realm ${realm} holds no intent yet: segue intent apply -f sets it up`);
  });
}

export async function runGet(kind: string | undefined, name: string | undefined, options: FleetOptions): Promise<void> {
  const { head, entities } = await stateOf(options);
  if (kind === undefined) {
    const counts: Record<string, number> = {};
    for (const key of entities.keys()) counts[kindOfKey(key) ?? ''] = (counts[kindOfKey(key) ?? ''] ?? 0) + 1;
    const { sequence, author, reason, timeMs, epoch } = head;
    if (options.json) return printJson({ sequence, epoch, author, reason, timeMs, counts });
    print(`sequence ${sequence}, ${timeText(timeMs)} by ${author}${reason === '' ? '' : `: ${reason}`}`);
    for (const [what, count] of Object.entries(counts).sort()) print(`${what} ${count}`);
    return;
  }
  const found = [...entities].filter(
    ([key]) => kindOfKey(key) === kind && (name === undefined || nameOf(key) === name),
  );
  if (found.length === 0 && name !== undefined)
    throw new CommandError(`${kind} ${name}: not in the intent`, EXIT.badInput);
  const values = found.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
  if (options.json) await printAndWait(`${jsonText(values)}\n`);
  else if (values.length > 0)
    await printAndWait(stringify(values, { aliasDuplicateObjects: false, flowCollectionPadding: true }));
}

/** Name of an entity for people; for a path, its destination node. */
function nameOf(key: string): string {
  const text = keyText(key);
  const name = text.slice(text.indexOf(' ') + 1);
  return kindOfKey(key) === 'path' ? (name.split('/')[0] ?? name) : name;
}

export async function runHistory(sequence: number | undefined, limit: number, options: FleetOptions): Promise<void> {
  await withStore(options, async (client, { realm }) => {
    const keys = new RealmKeys(realm);
    const { head } = await readHead(client, keys);
    if (head === undefined)
      throw new CommandError(`realm ${realm} holds no intent yet: segue intent apply -f sets it up`);
    if (sequence !== undefined) {
      const [commit] = await readHistory(client, keys, sequence, sequence);
      if (commit === undefined) throw new CommandError(`sequence ${sequence}: not in the history`, EXIT.badInput);
      if (options.json) return printJson(commit);
      print(commitLine(commit));
      for (const line of changeLines(commit.changes)) print(line);
      return;
    }
    let left = limit;
    for (let to = head.sequence; to > 0 && left > 0; to -= COMMITS_PER_RANGE) {
      const from = Math.max(to - Math.min(COMMITS_PER_RANGE, left) + 1, 1);
      const commits = await readHistory(client, keys, from, to);
      for (const commit of commits.reverse()) {
        const { changes, ...rest } = commit;
        if (options.json) printJson({ ...rest, changes: changes.length });
        else print(commitLine(commit));
      }
      left -= to - from + 1;
      if (commits.length === 0) break;
    }
  });
}

function commitLine(commit: {
  sequence: number;
  timeMs: number;
  author: string;
  reason: string;
  changes: Parameters<typeof summaryOf>[0];
}): string {
  const { sequence, timeMs, author, reason, changes } = commit;
  return `${sequence}  ${timeText(timeMs)}  ${author}  ${summaryOf(changes)}${reason === '' ? '' : `  ${reason}`}`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

export async function runExport(options: FleetOptions): Promise<void> {
  const ops = new OpsBook();
  const { entities } = await withStore(options, async (client, { realm }) => {
    await ops.read(client, new RealmKeys(realm));
    return stateOf(options);
  });
  const index = new IntentIndex();
  // A file contains the intent without operators' orders, which remain in force.
  for (const [key, value] of entities) index.apply(toIntentChange({ key, after: ops.byItself(key, value) }));
  const intent = sorted(index.intent());
  await printAndWait(options.json ? `${jsonText(intent)}\n` : stringify(intent, { aliasDuplicateObjects: false }));
}

/** The name of an entity, or its JSON if it has none. */
function sortKey(entity: object): string {
  return 'name' in entity ? String(entity.name) : JSON.stringify(entity);
}

/** Sorted, so that equal intents give equal texts. */
function sorted(intent: Intent): Intent {
  const { nodes, tenants, ports } = intent;
  const added = INTENT_MODEL.lists.map(({ key }) => intent[key]);
  for (const list of [nodes, tenants, ports, ...added]) list?.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
  return intent;
}
