/** The part of an intent that is relevant to a node: its tenants, and those that features need, with their ports on all nodes. */
import { peerOf, portsSeenBy } from './migration.js';
import { sourcesOf } from './sources.js';
import type { IntentModel } from './model.js';
import type { Intent, Port } from './types.js';

/**
 * The part of an intent that a node keeps: tenants with a port on it, all ports of these tenants, the node itself, and the nodes of these ports.
 * Features may need (IntentPart.needs) more such tenants, nodes, and peers: tenants of which the subnets and the ports with prefixes are kept.
 * Features' lists are scoped by the features. Outer sources of all nodes are kept, since a VM may just have moved to any of them. Entities are not
 * copied.
 */
export function scopeTo(intent: Intent, node: string, { parts, lists }: IntentModel): Intent {
  const hosted = new Set<string>();
  const seen = portsSeenBy(intent.ports, node);
  for (const port of seen) if (port.node === node) hosted.add(port.tenant);
  const needs = parts.flatMap((part) => part.needs?.(intent, node, hosted) ?? []);
  const tenants = new Set([...hosted, ...needs.flatMap((need) => need.tenants)]);
  const peers = new Set(needs.flatMap((need) => need.peers).filter((name) => !tenants.has(name)));
  const isPeersRoute = ({ tenant, prefixes }: Port): boolean => prefixes.length > 0 && peers.has(tenant);
  const ports = seen.filter((port) => tenants.has(port.tenant) || isPeersRoute(port));
  const nodes = new Set([node, ...needs.flatMap((need) => need.nodes)]);
  for (const port of ports) {
    nodes.add(port.node);
    if (port.node === node && port.migrate !== undefined) nodes.add(peerOf(port.migrate));
  }
  const scope = {
    node,
    hasNode: (name: string): boolean => nodes.has(name),
    hasTenant: (name: string): boolean => tenants.has(name),
    isPeer: (name: string): boolean => peers.has(name),
  };
  const kept: Partial<Intent> = {};
  for (const { key, keep, isThereWhenEmpty } of lists) {
    const entities = keep(intent[key] ?? [], { ...scope, kept });
    if (entities.length > 0 || isThereWhenEmpty === true) Object.assign(kept, { [key]: entities });
  }
  return {
    version: 1,
    sidBlock: intent.sidBlock,
    ...(intent.trusted !== undefined && { trusted: intent.trusted }),
    sources: sourcesOf(intent),
    nodes: intent.nodes.filter(({ name }) => nodes.has(name)),
    tenants: intent.tenants.filter(({ name }) => tenants.has(name) || peers.has(name)),
    ports,
    ...kept,
  } as Intent;
}

/**
 * The part of an intent that a node's agent keeps: scopeTo, without interface and MAC address of ports on other nodes (empty here), which only
 * those nodes need and which take a quarter of the memory of a million remote ports.
 */
export function relevantTo(intent: Intent, node: string, model: IntentModel): Intent {
  const scoped = scopeTo(intent, node, model);
  return { ...scoped, ports: scoped.ports.map((port) => model.portAt(port, node)) };
}

/** A scoped intent without the ports on other nodes, as `show` needs it. */
export function withoutRemotePorts(scoped: Intent, node: string): Intent {
  return { ...scoped, ports: scoped.ports.filter((port) => port.node === node) };
}
