import type { Intent } from './types.js';

/** Outer sources that packets of the domain's nodes may have, sorted, each once: of all nodes, also of a scoped intent. */
export function sourcesOf({ sources, nodes }: Pick<Intent, 'sources' | 'nodes'>): string[] {
  if (sources !== undefined) return sources;
  const all = new Set(nodes.flatMap(({ source, acceptedSources = [] }) => [source, ...acceptedSources]));
  return [...all].sort();
}
