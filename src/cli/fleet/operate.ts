/** `fleet drain`, `undrain`, `disable` and `enable`. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RealmKeys } from '../../fleet/keys.js';
import { isDrained } from '../../fleet/ops.js';
import { readFleet } from '../../fleet/status/read-fleet.js';
import { rebootState } from '../../fleet/status/reboot.js';
import { CommandError, EXIT } from '../exit.js';
import { authorshipOf, withWriter } from '../intent/store.js';
import { changeLines } from '../intent/text.js';
import { print, printJson } from '../print.js';
import type { NodeOps, Order } from '../../fleet/ops.js';
import type { RebootState } from '../../fleet/status/reboot.js';
import type { Committed, IntentWriter } from '../../fleet/store/writer.js';
import type { EtcdClient } from '../../fleet/store/etcd-client.js';
import type { Authored } from '../intent/store.js';

/** Ports that are listed; more are only counted. */
const MAX_NAMED = 10;
const LOOK_MS = 2000;

type What = 'drain' | 'disable';

export async function runDrain(node: string, isOn: boolean, options: Authored): Promise<void> {
  await withWriter(options, async (writer) => {
    tell(node, isOn ? 'drains' : 'no longer drains', await order(writer, node, 'drain', isOn, options), options);
  });
}

export async function runEnable(node: string, options: Authored): Promise<void> {
  await withWriter(options, async (writer) => {
    const committed = await order(writer, node, 'disable', false, options);
    const drains = writer.ops.all.get(node)?.drain;
    tell(
      node,
      drains === undefined ? 'enabled' : 'enabled, but it still drains (segue fleet undrain ends that)',
      committed,
      options,
    );
  });
}

/** @param waitSeconds undefined: prints what is left, and does not wait */
export async function runDisable(node: string, waitSeconds: number | undefined, options: Authored): Promise<void> {
  await withWriter(options, async (writer, client, { realm }) => {
    const committed = await order(writer, node, 'disable', true, options);
    if (!options.json) tell(node, 'disabled', committed, options);
    const until = Date.now() + (waitSeconds ?? 0) * 1000;
    let state = await look(writer, client, realm, node, committed.sequence);
    while (!state.safe && Date.now() < until) {
      await sleep(LOOK_MS);
      await writer.refresh();
      state = await look(writer, client, realm, node, committed.sequence);
    }
    if (options.json) printJson({ node, sequence: committed.sequence, ...state });
    else for (const line of rebootLines(node, state)) print(line);
    if (!state.safe && waitSeconds !== undefined) process.exitCode = EXIT.failed;
  });
}

async function look(
  writer: IntentWriter,
  client: EtcdClient,
  realm: string,
  node: string,
  sequence: number,
): Promise<RebootState> {
  const { nodes } = await readFleet(client, new RealmKeys(realm));
  return rebootState(
    writer.checked.index,
    node,
    sequence,
    nodes.find(({ name }) => name === node),
  );
}

function rebootLines(node: string, { safe, ports, reasons }: RebootState): string[] {
  const more = ports.length > MAX_NAMED ? ` and ${ports.length - MAX_NAMED} more` : '';
  return [
    ...(ports.length > 0 ? [`  remaining: ${ports.length} ports: ${ports.slice(0, MAX_NAMED).join(', ')}${more}`] : []),
    ...reasons.map((reason) => `  ${reason}`),
    safe ? `${node}: safe to reboot` : `${node}: not safe to reboot yet`,
  ];
}

async function order(
  writer: IntentWriter,
  node: string,
  what: What,
  isOn: boolean,
  options: Authored,
): Promise<Committed> {
  const { reason } = options;
  if (reason.trim() === '')
    throw new CommandError('--reason: empty: expected the reason, for the history', EXIT.badInput);
  if (!writer.checked.index.nodes.has(node)) throw new CommandError(`node ${node}: not in the intent`, EXIT.badInput);
  const { author } = authorshipOf(options);
  const ordered: Order = { author, reason, timeMs: Date.now() };
  const word = { drain: ['undrain', 'drain'], disable: ['enable', 'disable'] }[what][isOn ? 1 : 0] ?? what;
  return writer.setOps(
    node,
    (known, now) => {
      const ops: NodeOps = { ...(known ?? { ownDrain: now.drain === true }) };
      // An earlier order remains, with its author and time.
      if (isOn) ops[what] ??= ordered;
      else delete ops[what];
      return isDrained(ops) ? ops : undefined;
    },
    { author, reason: `${word} ${node}: ${reason}` },
  );
}

function tell(node: string, what: string, { sequence, changes }: Committed, { json }: Authored): void {
  if (json) return printJson({ node, sequence, changes });
  for (const line of changeLines(changes)) print(line);
  print(`${node}: ${what}; sequence ${sequence}`);
}
