import { ALIAS_PREFIX } from '../../vrf/plan.js';
import { OBSERVATIONS } from '../../app/features.js';
import { checkEdge } from './edge.js';
import { checkFirewall } from './firewall.js';
import { checkManagers, checkTools } from './managers.js';
import { checkState } from './state.js';
import { checkSysctls } from './sysctls.js';
import { checkUnderlay } from './underlay.js';
import { checkUplinks } from './uplinks.js';
import { listProcesses } from './processes.js';
import { decodeRule, dumpRulesRequest, type Link } from 'netlink-ts';
import { PROTOCOL } from '../../plan/numbers.js';
import { probeKernel } from './probes.js';
import { showContext } from '../inspect/context.js';
import { CHECK_GROUPS } from '../../reconcile/observation.js';
import { checkOf } from './types.js';
import type { Check, Diagnosis, CheckContext } from './types.js';
import type { Instance } from '../../agent/instance.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { CheckedNode } from '../../reconcile/observation.js';
import type { Intent } from '../../intent/types.js';

export interface DoctorInput {
  instance: Instance;
  /** The node file. */
  file: string;
  /** The node file of an agent that is started without one. */
  defaultFile: string;
  /** Scoped to the node. */
  intent: Intent | undefined;
  intentError: string | undefined;
  /** Why pinned objects cannot be read; undefined: they can. */
  unreadable?: string | undefined;
}

/** Checks everything that could drop packets silently. Changes nothing. */
export async function runChecks({
  instance,
  file,
  defaultFile,
  intent,
  intentError,
  unreadable,
}: DoctorInput): Promise<Diagnosis> {
  const { kernel, config } = instance;
  kernel.links.refresh();
  const members = ownMembers([...kernel.links.all()]);
  const applied = members.length > 0 || kernel.fastpath.isPinned || unreadable !== undefined || hasRules(kernel);
  const alone = config.dataplane === 'ebpf';
  const { checks: tools, hasNft } = await checkTools();
  const context: CheckContext = { instance, intent, intentError, applied, alone, hasNft, unreadable };
  const processes = listProcesses();
  const checks = inOrder([
    ...(await probeKernel(alone, hasNft)),
    ...tools,
    ...checkUplinks(context),
    ...(await checkUnderlay(context)),
    ...checkSysctls(context, members),
    ...(await checkEdge(context)),
    ...(await checkFirewall(context)),
    ...(await checkFeatures({ ...showContext(instance, intent), applied })),
    ...checkManagers(context, processes),
    ...(await checkState(context, file, defaultFile, processes)),
  ]);
  const count = (status: Check['status']): number => checks.filter((check) => check.status === status).length;
  return { node: config.node, ok: count('ok'), warn: count('warn'), fail: count('fail'), checks };
}

/** Runs the checks that features register. */
async function checkFeatures(node: CheckedNode): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { group = 'port', check } of OBSERVATIONS) {
    for (const finding of (await check?.(node)) ?? []) checks.push(checkOf(group, finding));
  }
  return checks;
}

/** Sorts checks by group, and keeps their order within each. */
function inOrder(checks: readonly Check[]): Check[] {
  return CHECK_GROUPS.flatMap((group) => checks.filter((check) => check.group === group));
}

/** A node without ports has neither VRFs nor a fast path, but rules for its locator. */
function hasRules({ socket }: Kernel): boolean {
  return socket.dump(dumpRulesRequest(6), decodeRule).some(({ protocol }) => protocol === PROTOCOL);
}

/** Segue's VRFs and the devices in them. */
function ownMembers(links: readonly Link[]): Link[] {
  const vrfs = links.filter(({ kind, alias }) => kind === 'vrf' && alias?.startsWith(ALIAS_PREFIX) === true);
  const indexes = new Set(vrfs.map(({ index }) => index));
  return [...vrfs, ...links.filter(({ master }) => master !== undefined && indexes.has(master))];
}
