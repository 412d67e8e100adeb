/** Common parts of `monitor` and `capture`: options, and the end of a session. */
import { CommandError } from '../exit.js';
import { intentIfReadable } from '../shown-intent.js';
import { missingForFastpath } from '../../ebpf/available.js';
import { showContext } from '../../observe/inspect/context.js';
import { TABLE_BASE } from '../../plan/numbers.js';
import type { Instance } from '../../agent/instance.js';
import type { IntentOptions } from '../node-options.js';
import type { ShowContext } from '../../observe/inspect/context.js';

/** Reads names each time; reading errors are printed the first time. */
export function contextReader(instance: Instance, options: IntentOptions): () => ShowContext {
  return () => {
    const { intent, nodeOfPort } = intentIfReadable(options);
    return showContext(instance, intent, nodeOfPort);
  };
}

/** Tenant id of a port's interface; undefined if unknown. */
export function tenantOfDevice({ config, kernel, names, intent }: ShowContext, device: string): number | undefined {
  const table = names.vrfOfIndex(kernel.links.get(device)?.master)?.table;
  if (table !== undefined) return table - TABLE_BASE;
  const port = intent?.ports.find((one) => one.node === config.node && one.interface === device);
  return intent?.tenants.find(({ name }) => name === port?.tenant)?.id;
}

/** The error for a node without a fast path. */
export function noFastpath({ config, kernel }: ShowContext, what: string): CommandError {
  if (config.dataplane === 'kernel') {
    return new CommandError(
      `${config.node} has no fast path (dataplane: kernel): ${what} needs dataplane hybrid or ebpf`,
    );
  }
  const missing = missingForFastpath(kernel.fastpath.pinDirectory);
  return new CommandError(
    missing === undefined
      ? `${config.node} has no fast path yet: run segue apply, or start the agent`
      : `${config.node} has no fast path: ${missing}`,
  );
}

/** Aborted by Ctrl-C, by SIGTERM, and when standard output is closed. */
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
