/** Operators' orders for a node, beside the intent: kept at ops/<node>, in force with every commit. */
import { z } from 'zod';

const order = z.object({ author: z.string(), reason: z.string(), timeMs: z.number() });

const nodeOpsSchema = z.object({
  /** Its gateways give it no new flows. */
  drain: order.optional(),
  /** Beside that, it is given no new ports. */
  disable: order.optional(),
  /** Whether the intent by itself says that the node drains: what is in force again once both are taken back. */
  ownDrain: z.boolean(),
});

export type NodeOps = z.infer<typeof nodeOpsSchema>;
/** Who ordered it, when and why. */
export type Order = z.infer<typeof order>;

/** @throws Error for what no segue of this version wrote */
export function readNodeOps(node: string, value: unknown): NodeOps {
  const parsed = nodeOpsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`ops/${node}: ${parsed.error.issues[0]?.message ?? 'not readable'}`);
}

export function isDrained({ drain, disable }: NodeOps): boolean {
  return drain !== undefined || disable !== undefined;
}
