/** What operators have told of a node, beside the intent: kept at ops/<node>, in force with every commit. */
import { z } from 'zod';

const told = z.object({ author: z.string(), reason: z.string(), timeMs: z.number() });

const nodeOpsSchema = z.object({
  /** Its gateways give it no new flows. */
  drain: told.optional(),
  /** Beside that, it is given no new ports. */
  disable: told.optional(),
  /** Whether the intent by itself says that the node drains: what is in force again once both are taken back. */
  ownDrain: z.boolean(),
});

export type NodeOps = z.infer<typeof nodeOpsSchema>;
export type Told = z.infer<typeof told>;

/** @throws Error for what no segue of this version wrote */
export function readNodeOps(node: string, value: unknown): NodeOps {
  const parsed = nodeOpsSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Error(`ops/${node}: ${parsed.error.issues[0]?.message ?? 'not readable'}`);
}

export function isDrained({ drain, disable }: NodeOps): boolean {
  return drain !== undefined || disable !== undefined;
}
