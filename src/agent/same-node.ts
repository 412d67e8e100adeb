import { isDeepStrictEqual } from 'node:util';
import type { NodeConfig } from '../intent/types.js';

/** @throws Error if a node file that was read again names another node, or another source of the intent */
export function requireSameNode(config: NodeConfig, fresh: NodeConfig, file: string): void {
  for (const field of ['node', 'netns', 'intent'] as const) {
    if (fresh[field] === config[field]) continue;
    throw new Error(
      `${file}: ${field}: ${fresh[field] ?? 'none'}: expected ${config[field] ?? 'none'} until the agent is restarted`,
    );
  }
  if (!isDeepStrictEqual(fresh.feeds, config.feeds))
    throw new Error(`${file}: intent: feeds: changed: expected the same feeds until the agent is restarted`);
}
