import { column, renderTable } from '../table.js';
import { gatewayStates, whyNoGateways } from '../../gateway/states.js';
import type { GatewayExternal, GatewayNode, GatewayState } from '../../gateway/states.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { ShowOptions, Shown } from './view.js';

/** `segue show gateway -j` */
export interface Gateways {
  node: string;
  /** `network-node`: decides about traffic between a gateway's tenants; `hypervisor`: has ports of a gateway's tenants. */
  roles: ('network-node' | 'hypervisor')[];
  gateways: GatewayState[];
}

type NodeRow = GatewayNode & { gateway: string };
type ExternalRow = GatewayExternal & { gateway: string };

const PERCENT = 100;

function percent(share: number | null): string | undefined {
  return share === null ? undefined : `${(share * PERCENT).toFixed(1)}%`;
}

export const GATEWAY_NODE_COLUMNS = [
  column<NodeRow>('GATEWAY', ({ gateway }) => gateway),
  column<NodeRow>('NODE', ({ node }) => node),
  column<NodeRow>('ROLE', ({ self }) => (self ? 'self' : 'peer')),
  column<NodeRow>('STATE', ({ state }) => state.toUpperCase()),
  column<NodeRow>('SHARE', ({ share }) => percent(share)),
  column<NodeRow>('LOCATOR', ({ locator }) => locator),
  column<NodeRow>('SOURCE', ({ source }) => source),
];

export const GATEWAY_EXTERNAL_COLUMNS = [
  column<ExternalRow>('EXTERNAL', ({ external }) => external),
  column<ExternalRow>('PREFIX', ({ prefix }) => prefix),
  column<ExternalRow>('GATEWAY', ({ gateway }) => gateway),
  column<ExternalRow>('ACTIVE', ({ active }) => active ?? undefined),
  column<ExternalRow>('DEV', (external) => external.interface),
  column<ExternalRow>('STATE', ({ state }) => state?.toUpperCase()),
];

export function gatewaysOf(context: ShowContext, { tenant }: ShowOptions = {}): Gateways {
  const { config, intent } = context;
  const all = gatewayStates(context);
  const steers = all.some(({ nodes }) => nodes.some(({ self }) => self));
  const own = new Set(intent?.ports.filter(({ node }) => node === config.node).map((port) => port.tenant));
  const hosts = all.some(({ tenants }) => tenants.some((name) => own.has(name)));
  return {
    node: config.node,
    roles: [...(steers ? (['network-node'] as const) : []), ...(hosts ? (['hypervisor'] as const) : [])],
    gateways: all.filter(({ tenants }) => tenant === undefined || tenants.includes(tenant)),
  };
}

export function showGateway(context: ShowContext, options: ShowOptions): Shown {
  const found = gatewaysOf(context, options);
  const note = found.gateways.length > 0 ? undefined : noteOf(context, options);
  return { json: found, lines: gatewayLines(found), ...(note !== undefined && { note }) };
}

function noteOf(context: ShowContext, { tenant }: ShowOptions): string | undefined {
  return whyNoGateways(context) ?? (tenant === undefined ? undefined : `no gateway of tenant ${tenant} on this node`);
}

export function gatewayLines({ node, roles, gateways }: Gateways): string[] {
  if (gateways.length === 0) return [];
  const what = roles.map((role) => role.replace('-', ' ')).join(' and ');
  const nodes = gateways.flatMap(({ gateway, nodes: list }) => list.map((one) => ({ ...one, gateway })));
  const externals = gateways.flatMap(({ gateway, externals: list }) => list.map((one) => ({ ...one, gateway })));
  const table = renderTable(GATEWAY_EXTERNAL_COLUMNS, externals);
  const tenants = gateways.map(({ gateway, tenants: names }) => `${gateway}: tenants ${names.join(' ')}`);
  return [
    `${node}: ${what === '' ? 'neither network node nor hypervisor' : what}`,
    ...tenants,
    ...renderTable(GATEWAY_NODE_COLUMNS, nodes),
    ...(table.length === 0 ? [] : ['', ...table]),
  ];
}
