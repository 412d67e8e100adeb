/** A feature's part of show, trace, doctor and the counters. Imports no feature: src/app/features.ts has the list. */
import type { z } from 'zod';
import type { Intent, NodeConfig, Port } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Plan } from '../plan/plan.js';
import type { IntentView } from '../plan/view.js';

/** Fields that features add to a port of `segue show port -j`; each feature declares its own. */
export interface PortShown {}

/** A field of `segue show port -j`, and a column of the table that appears if any port has a value. */
export interface PortField<Value> {
  readonly title: string;
  /** Schema for the API's description. */
  readonly schema: z.ZodType<Value>;
  /** The value in the kernel. @param port the intent's port at this interface, if any */
  value(kernel: Kernel, device: string, port: Port | undefined): Value;
  /** Text in the table; default: the value itself. */
  text?(value: NonNullable<Value>): string;
}

export type PortFields = { readonly [F in keyof PortShown]: PortField<PortShown[F]> };

/** Subjects of the doctor's checks, in the order in which they are printed. */
export const CHECK_GROUPS = [
  ...(['kernel', 'node', 'uplink', 'underlay', 'gateway', 'sysctl'] as const),
  ...(['edge', 'firewall', 'port', 'manager', 'agent'] as const),
] as const;
export type CheckGroup = (typeof CHECK_GROUPS)[number];

/** One finding of the doctor. */
export interface FeatureFinding {
  /** Stable name for scripts, printed after the group and a dot. */
  name: string;
  status: 'ok' | 'warn' | 'fail';
  what: string;
  /** Why it matters and what to do; absent when all is well. */
  advice?: string;
}

/** Input of a feature's observations: the kernel, and the intent to compare it with. */
export interface ObservedNode {
  kernel: Kernel;
  config: NodeConfig;
  /** The intent, scoped to the node; undefined if it cannot be read. */
  intent: Intent | undefined;
  /** The intent indexed for planning, built on the first call; undefined without an intent. */
  view: () => IntentView | undefined;
  /** The node's plan, likewise. */
  plan: () => Plan | undefined;
}

/** Input of a feature's checks. */
export interface CheckedNode extends ObservedNode {
  /** Whether the kernel has objects of segue's: if so, whatever apply sets must be set. */
  applied: boolean;
}

/** Fill level of a map. */
export interface MapFill {
  map: string;
  entries: number;
  /** Capacity. */
  size: number;
}

/**
 * Traces a request of a VM to a program at its port, which replies itself or redirects the packet to a service of the node.
 *
 * @returns a step of the trace, and the end of the trace if the program itself does not reply; undefined if the packet is no such request or gets
 * no reply
 */
export type TracedRequest = (
  kernel: Kernel,
  device: string,
  packet: { to: string; protocol?: 'icmp' | 'tcp' | 'udp'; destinationPort?: number },
) => { text: string; detail: Record<string, unknown>; end?: string } | undefined;

/** Role of an interface with programs. */
export type DeviceRole = 'uplink' | 'port' | 'external';

export interface Observation {
  readonly portFields?: Partial<PortFields>;
  /** nftables tables such as `inet segue`, whose counters named `drop_<reason>` are shown with the guard's. */
  readonly counterTables?: readonly string[];
  /** Group of all its checks; default: `port`. */
  readonly group?: CheckGroup;
  /** Checks of the doctor. */
  check?(this: void, node: CheckedNode): Promise<FeatureFinding[]>;
  /** Interfaces that its programs run on besides uplinks and ports, in the order of `segue show fastpath`. */
  devices?(this: void, node: ObservedNode): { name: string; role: DeviceRole }[];
  /** Its own maps, printed after those of the fast path in `segue show fastpath`. */
  mapFills?(this: void, node: ObservedNode): MapFill[];
  /** A step of the trace for a reply by the port's program: other conditions for the VM to get it. */
  traceReply?(kernel: Kernel, device: string): { text: string; detail: Record<string, unknown> } | undefined;
  /** Traces a request that the port's program answers before any other lookup. */
  readonly traceRequest?: TracedRequest;
}
