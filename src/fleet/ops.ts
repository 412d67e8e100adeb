/** Operators' orders for a node, stored outside the intent at ops/<node>; they apply to every commit. */
import { z } from 'zod';

const order = z.object({ author: z.string(), reason: z.string(), timeMs: z.number() });

const nodeOpsSchema = z.object({
  /** Its gateways send it no new flows. */
  drain: order.optional(),
  /** In addition it gets no new ports. */
  disable: order.optional(),
  /** Whether the intent itself says that the node drains: applies again once both orders are withdrawn. */
  ownDrain: z.boolean(),
});

export type NodeOps = z.infer<typeof nodeOpsSchema>;
/** Author, time and reason of an order. */
export type Order = z.infer<typeof order>;

/** @throws Error for a value that this version of segue did not write */
export function readNodeOps(node: string, value: unknown): NodeOps {
  const parsed = nodeOpsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`ops/${node}: ${parsed.error.issues[0]?.message ?? 'not readable'}`);
}

export function isDrained({ drain, disable }: NodeOps): boolean {
  return drain !== undefined || disable !== undefined;
}
