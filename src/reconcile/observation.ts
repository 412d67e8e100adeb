/** What a feature adds to show, trace, doctor and the counters. It imports no feature: src/app/features.ts has the list. */
import type { z } from 'zod';
import type { Intent, NodeConfig, Port } from '../intent/types.js';
import type { Kernel } from '../kernel/kernel.js';

/** What features add to a port of `segue show port -j`; each declares its fields. */
export interface PortShown {}

/** A field of `segue show port -j`, and the column of the table, which is there where a port has a value. */
export interface PortField<Value> {
  readonly title: string;
  /** For the API's description. */
  readonly schema: z.ZodType<Value>;
  /** What the kernel has. @param port of the intent, where it has one at this interface */
  value(kernel: Kernel, device: string, port: Port | undefined): Value;
  /** In the table; absent: the value itself. */
  text?(value: NonNullable<Value>): string;
}

export type PortFields = { readonly [F in keyof PortShown]: PortField<PortShown[F]> };

/** What the doctor finds of a feature, one line. */
export interface FeatureFinding {
  /** Stable, for scripts; `port.` goes before it. */
  name: string;
  status: 'ok' | 'warn' | 'fail';
  what: string;
  /** Why it matters and what to do; absent when all is well. */
  advice?: string;
}

/** What the doctor's checks of a feature work with. */
export interface ObservedNode {
  kernel: Kernel;
  config: NodeConfig;
  /** Scoped to the node; undefined when it cannot be read. */
  intent: Intent | undefined;
}

export interface Observation {
  readonly portFields?: Partial<PortFields>;
  /** Tables of nftables, `inet segue`, whose counters named `drop_<reason>` are among the guard's. */
  readonly counterTables?: readonly string[];
  /** Checks of the doctor. */
  check?(node: ObservedNode): Promise<FeatureFinding[]>;
  /** Of a reply that the program of a port made to what it was sent: what else decides whether the VM gets it. A step of the trace. */
  traceReply?(kernel: Kernel, device: string): { text: string; detail: Record<string, unknown> } | undefined;
}
