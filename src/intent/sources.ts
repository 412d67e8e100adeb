import type { Intent } from './types.js';

/** Outer sources of all nodes of the domain, sorted, without duplicates; complete for a scoped intent, too. */
export function sourcesOf({ sources, nodes }: Pick<Intent, 'sources' | 'nodes'>): string[] {
  if (sources !== undefined) return sources;
  const all = new Set(nodes.flatMap(({ source, acceptedSources = [] }) => [source, ...acceptedSources]));
  return [...all].sort();
}
