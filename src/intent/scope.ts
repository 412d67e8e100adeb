/** What of an intent concerns one node: the tenants it hosts, wherever their ports are. */
import type { Intent, Path } from './types.js';

/**
 * A path as far as it concerns these nodes and tenants, undefined when it does not. A path that leads to the node itself
 * is never taken by it.
 */
export function scopePath(
  path: Path,
  node: string,
  hasNode: (name: string) => boolean,
  hasTenant: (name: string) => boolean,
): Path | undefined {
  if (path.to === node || !hasNode(path.to)) return undefined;
  if (!path.tenants) return path;
  const tenants = path.tenants.filter(hasTenant);
  if (tenants.length === path.tenants.length) return path;
  return tenants.length === 0 ? undefined : { ...path, tenants };
}

/**
 * The part of an intent one node keeps: the tenants with a port on it, all ports of these tenants, the node itself and
 * the nodes these ports are on, and the paths that lead there for these tenants. Entities are not copied.
 */
export function scopeTo(intent: Intent, node: string): Intent {
  const tenants = new Set<string>();
  for (const port of intent.ports) if (port.node === node) tenants.add(port.tenant);
  const ports = intent.ports.filter((port) => tenants.has(port.tenant));
  const nodes = new Set([node]);
  for (const port of ports) nodes.add(port.node);
  const hasNode = (name: string): boolean => nodes.has(name);
  const hasTenant = (name: string): boolean => tenants.has(name);
  return {
    version: 1,
    sidBlock: intent.sidBlock,
    nodes: intent.nodes.filter(({ name }) => hasNode(name)),
    tenants: intent.tenants.filter(({ name }) => hasTenant(name)),
    ports,
    paths: intent.paths.flatMap((path) => scopePath(path, node, hasNode, hasTenant) ?? []),
  };
}

const NO_PREFIXES: string[] = [];

/**
 * The part of an intent a node's agent holds on to: scopeTo, without the interface and the MAC of ports on other nodes
 * (empty here), which only these nodes need: a quarter of what a million remote ports take.
 */
export function heldBy(intent: Intent, node: string): Intent {
  const scoped = scopeTo(intent, node);
  const ports = scoped.ports.map((port) =>
    port.node === node
      ? port
      : { ...port, interface: '', mac: '', prefixes: port.prefixes.length === 0 ? NO_PREFIXES : port.prefixes },
  );
  return { ...scoped, ports };
}
