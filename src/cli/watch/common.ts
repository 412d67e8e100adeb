/** What `monitor` and `capture` have in common: their questions, and how they end. */
import { CommandError, EXIT } from '../exit.js';
import { intentIfReadable } from '../show.js';
import { missingForFastpath } from '../../ebpf/available.js';
import { showContext } from '../../inspect/context.js';
import { TABLE_BASE } from '../../plan/numbers.js';
import type { Instance } from '../../agent/instance.js';
import type { IntentOptions } from '../inputs.js';
import type { ShowContext } from '../../inspect/context.js';

/** Reads names anew each time; what cannot be read is said the first time. */
export function contextReader(instance: Instance, options: IntentOptions): () => ShowContext {
  return () => showContext(instance, intentIfReadable(options));
}

/** Number of a tenant. @throws CommandError (bad input) */
export function tenantNumber({ names, intent }: ShowContext, name: string): number {
  const planned = intent?.tenants.find((tenant) => tenant.name === name)?.id;
  const table = names.vrfs.find(({ tenant }) => tenant === name)?.table;
  const id = planned ?? (table === undefined ? undefined : table - TABLE_BASE);
  if (id !== undefined) return id;
  const known = [
    ...new Set([...names.vrfs.map(({ tenant }) => tenant), ...(intent?.tenants ?? []).map((t) => t.name)]),
  ];
  throw new CommandError(
    `--tenant ${name}: expected one of ${known.sort().join(' ') || 'none: there is no tenant'}`,
    EXIT.badInput,
  );
}

/** Interface of a port by its name of the intent or its interface's. @throws CommandError (bad input) */
export function portInterface({ config, kernel, names, intent }: ShowContext, name: string): string {
  const local = intent?.ports.filter(({ node }) => node === config.node) ?? [];
  const device = (local.find((port) => port.name === name) ?? local.find((port) => port.interface === name))?.interface;
  if (device !== undefined) return device;
  if (names.vrfOfIndex(kernel.links.get(name)?.master) !== undefined) return name;
  const elsewhere = intent?.ports.find((port) => port.name === name);
  throw new CommandError(
    elsewhere === undefined
      ? `--port ${name}: expected a port of ${config.node}, or an interface in a VRF of segue's`
      : `--port ${name}: it is on ${elsewhere.node}; expected a port of ${config.node}`,
    EXIT.badInput,
  );
}

/** Tenant id of a port's interface; undefined when nobody knows. */
export function tenantOfDevice({ config, kernel, names, intent }: ShowContext, device: string): number | undefined {
  const table = names.vrfOfIndex(kernel.links.get(device)?.master)?.table;
  if (table !== undefined) return table - TABLE_BASE;
  const port = intent?.ports.find((one) => one.node === config.node && one.interface === device);
  return intent?.tenants.find(({ name }) => name === port?.tenant)?.id;
}

/** A number of an option. @throws CommandError (bad input) */
export function readNumber(option: string, text: string, least: number, most: number): number {
  const value = /^[0-9]+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new CommandError(`${option} ${text}: expected a number from ${least} to ${most}`, EXIT.badInput);
}

/** Why there is nothing to look at. */
export function noFastpath({ config, kernel }: ShowContext, what: string): CommandError {
  if (config.dataplane === 'kernel') {
    return new CommandError(`${config.node} has no fast path (dataplane: kernel): expected one for ${what}`);
  }
  const missing = missingForFastpath(kernel.fastpath.pinDirectory);
  return new CommandError(
    missing === undefined
      ? `${config.node} has no fast path yet: expected it to be made (segue apply, or the agent)`
      : `${config.node} has no fast path: ${missing}`,
  );
}

/** Ends with Ctrl-C, SIGTERM, and when nobody reads standard output any more. */
export function untilEnded(): AbortController {
  const ended = new AbortController();
  const end = (): void => {
    ended.abort();
  };
  process.once('SIGINT', end).once('SIGTERM', end);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') end();
  });
  return ended;
}
