/** What of an intent concerns one node: the tenants it hosts or steers, wherever their ports are. */
import { sourcesOf } from './sources.js';
import type { IntentModel } from './model.js';
import type { Gateway, Intent, Path, Policy, PolicyEnd, Port } from './types.js';

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

/** Names of the tenants at a policy's ends. */
export function tenantsOf({ from, to }: Policy): string[] {
  return [from, to].flatMap((end: PolicyEnd) => ('tenant' in end ? [end.tenant] : []));
}

/** A gateway as far as it concerns these tenants, undefined when it does not. */
function scopeGateway(gateway: Gateway, hasTenant: (name: string) => boolean): Gateway | undefined {
  const tenants = gateway.tenants.filter(hasTenant);
  if (tenants.length === gateway.tenants.length) return gateway;
  return tenants.length === 0 ? undefined : { ...gateway, tenants };
}

/** What a node keeps of gateways and policies, and the tenants it needs for them. */
interface SteeringScope extends Pick<Intent, 'gateways' | 'externals' | 'policies'> {
  /** Tenants whose traffic the node decides as a network node. */
  steered: ReadonlySet<string>;
  /** Tenants that hosted ones talk to: where these are is of interest, but none of their ports. */
  peers: ReadonlySet<string>;
  nodes: readonly string[];
}

function scopeSteering(intent: Intent, node: string, hosted: ReadonlySet<string>): SteeringScope {
  const all = intent.gateways ?? [];
  const steered = new Set(all.filter(({ nodes }) => nodes.includes(node)).flatMap(({ tenants }) => tenants));
  const isNear = (name: string): boolean => hosted.has(name) || steered.has(name);
  const policies = (intent.policies ?? []).filter((policy) => tenantsOf(policy).some(isNear));
  const peers = new Set(policies.flatMap(tenantsOf).filter((name) => !isNear(name)));
  const gateways = all.flatMap((gateway) => scopeGateway(gateway, (name) => isNear(name) || peers.has(name)) ?? []);
  const names = new Set(gateways.map(({ name }) => name));
  const externals = (intent.externals ?? []).filter(({ gateway }) => names.has(gateway));
  return {
    steered,
    peers,
    nodes: gateways.flatMap(({ nodes }) => nodes),
    ...(gateways.length > 0 && { gateways }),
    ...(externals.length > 0 && { externals }),
    ...(policies.length > 0 && { policies }),
  };
}

/**
 * The part of an intent one node keeps: the tenants with a port on it, all ports of these tenants, the node itself and
 * the nodes these ports are on, and the paths that lead there for these tenants. Of a gateway's tenants a network node
 * keeps the same; a hypervisor keeps its tenants' gateways with their nodes, the policies its tenants are in, and of the
 * tenants they talk to the subnets and the ports with prefixes behind them. Outer sources are those of all nodes: one that a VM has just
 * moved to is none of these nodes yet. Entities are not copied.
 */
export function scopeTo(intent: Intent, node: string): Intent {
  const tenants = new Set<string>();
  for (const port of intent.ports) if (port.node === node) tenants.add(port.tenant);
  const { steered, peers, nodes: gatewayNodes, ...steering } = scopeSteering(intent, node, tenants);
  for (const name of steered) tenants.add(name);
  const isPeersRoute = ({ tenant, prefixes }: Port): boolean => prefixes.length > 0 && peers.has(tenant);
  const ports = intent.ports.filter((port) => tenants.has(port.tenant) || isPeersRoute(port));
  const nodes = new Set([node, ...gatewayNodes]);
  for (const port of ports) nodes.add(port.node);
  const hasNode = (name: string): boolean => nodes.has(name);
  const hasTenant = (name: string): boolean => tenants.has(name);
  return {
    version: 1,
    sidBlock: intent.sidBlock,
    ...(intent.trusted !== undefined && { trusted: intent.trusted }),
    sources: sourcesOf(intent),
    nodes: intent.nodes.filter(({ name }) => hasNode(name)),
    tenants: intent.tenants.filter(({ name }) => hasTenant(name) || peers.has(name)),
    ports,
    paths: intent.paths.flatMap((path) => scopePath(path, node, hasNode, hasTenant) ?? []),
    ...steering,
  };
}

/**
 * The part of an intent a node's agent holds on to: scopeTo, without the interface and the MAC of ports on other nodes
 * (empty here), which only these nodes need: a quarter of what a million remote ports take.
 */
export function relevantTo(intent: Intent, node: string, model: IntentModel): Intent {
  const scoped = scopeTo(intent, node);
  return { ...scoped, ports: scoped.ports.map((port) => model.portAt(port, node)) };
}

/** A scoped intent without the ports on other nodes: what `show` needs of it. */
export function withoutRemotePorts(scoped: Intent, node: string): Intent {
  return { ...scoped, ports: scoped.ports.filter((port) => port.node === node) };
}
