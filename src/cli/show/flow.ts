import { CommandError, EXIT } from '../exit.js';
import { readPrefix } from '../names.js';
import { readNumber } from '../options.js';
import { jsonText } from '../print.js';
import { printRecords, printTable } from './stream.js';
import { column } from '../table.js';
import { gatewayNodeNames, whyNoGateways } from '../../gateway/states.js';
import { readConnections, readFlowNodes } from '../../gateway/flow-records.js';
import { ZoneNames } from '../../gateway/zone-names.js';
import type { Column } from '../table.js';
import type { ConnectionRecord, FlowCount, FlowEnds, FlowFilter, FlowNodeRecord } from '../../gateway/flow-records.js';
import type { ShowContext } from '../../observe/inspect/context.js';
import type { Output } from './output.js';
import type { ShowOptions, View } from './view.js';

/** Options of `show flow` in addition to those of every `show`. */
export interface FlowOptions {
  address?: string;
  l4Port?: string;
  proto?: string;
  limit?: string;
}

export interface FlowQuestion {
  filter: FlowFilter;
  /** Limit for each of the two tables. */
  limit: number;
}

/** Default limit of flows. */
export const DEFAULT_LIMIT = 1000;
const MAX_PORT = 65_535;
const MAX_PROTOCOL = 255;
/** icmp includes both families. */
const PROTOCOLS: Readonly<Record<string, readonly number[]>> = { tcp: [6], udp: [17], icmp: [1, 58], icmpv6: [58] };

/** An end in the format of `ss`. */
function endText(address: string, port: number | null): string {
  if (port === null) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function protocolText({ protocol, id }: FlowEnds): string {
  return id === null ? protocol : `${protocol} id ${id}`;
}

const ENDS = [
  column<FlowEnds>('PROTO', protocolText),
  column<FlowEnds>('SOURCE', ({ source, sourcePort }) => endText(source, sourcePort)),
  column<FlowEnds>('DESTINATION', ({ destination, destinationPort }) => endText(destination, destinationPort)),
];

export const CONNECTION_COLUMNS: readonly Column<ConnectionRecord>[] = [
  column('FROM', ({ from }) => from),
  column('TO', ({ to }) => to),
  ...ENDS,
  column('STATE', ({ state }) => state),
  column('AGE', ({ ageSeconds }) => ageSeconds),
  column('IDLE', ({ idleSeconds }) => idleSeconds),
  column('TIMEOUT', ({ timeoutSeconds }) => timeoutSeconds),
  column('POLICY', ({ policy }) => policy ?? undefined),
];

export const FLOW_NODE_COLUMNS: readonly Column<FlowNodeRecord>[] = [
  column('TENANT', ({ tenant }) => tenant),
  ...ENDS,
  column('NODE', ({ node }) => node),
  column('IDLE', ({ idleSeconds }) => idleSeconds),
  column('TIMEOUT', ({ timeoutSeconds }) => timeoutSeconds ?? undefined),
];

/** @throws CommandError (bad input) */
export function readFlowOptions({ address, l4Port, proto, limit }: FlowOptions): FlowQuestion {
  const filter: FlowFilter = {
    ...(address !== undefined && { prefix: readPrefix('--address', address) }),
    ...(l4Port !== undefined && { port: readNumber('--l4-port', l4Port, 0, MAX_PORT) }),
    ...(proto !== undefined && { protocols: readProtocols(proto) }),
  };
  const most = limit === undefined ? DEFAULT_LIMIT : readNumber('--limit', limit, 0, Number.MAX_SAFE_INTEGER);
  return { filter, limit: most === 0 ? Infinity : most };
}

function readProtocols(text: string): readonly number[] {
  const known = PROTOCOLS[text];
  if (known !== undefined) return known;
  const number = /^[0-9]{1,3}$/.test(text) ? Number(text) : NaN;
  if (number <= MAX_PROTOCOL) return [number];
  throw new CommandError(
    `--proto ${text}: expected ${Object.keys(PROTOCOLS).join(', ')} or a number from 0 to ${MAX_PROTOCOL}`,
    EXIT.badInput,
  );
}

/** @throws CommandError (bad input) */
export function flowView(options: FlowOptions): View {
  const question = readFlowOptions(options);
  return async (context, shown, output) => {
    await showFlow(context, question, shown, output);
    return undefined;
  };
}

/** Prints while reading: the flows may not fit into memory. */
async function showFlow(
  context: ShowContext,
  { filter, limit }: FlowQuestion,
  { tenant, all = false, json = false }: ShowOptions,
  output: Output,
): Promise<void> {
  const { kernel, intent } = context;
  const zones = new ZoneNames(kernel, intent);
  const zone = tenant === undefined ? undefined : zones.numberOf(tenant);
  const wanted = { ...filter, all, ...(zone !== undefined && { zone }) };
  const counts = { connections: { matched: 0, shown: 0 }, flowNodes: { matched: 0, shown: 0 } };
  const connections = readConnections(kernel, zones, wanted, limit, counts.connections);
  const nodeOf = gatewayNodeNames(context);
  const flowNodes = readFlowNodes(kernel, zones, nodeOf, wanted, limit, counts.flowNodes);
  if (json) {
    if (!(await printRecords(output, '{"connections":[', connections))) return;
    if (!(await printRecords(output, '],"flowNodes":[', flowNodes))) return;
    await output.write(`],"counts":${jsonText(counts)}}\n`);
    return;
  }
  // The count is omitted if the output was closed.
  if (!(await printTable(output, CONNECTION_COLUMNS, connections))) return;
  if (!(await printTable(output, FLOW_NODE_COLUMNS, flowNodes, counts.connections.shown > 0))) return;
  const { connections: first, flowNodes: second } = counts;
  const { steering, gateways } = kernel.fastpath;
  if (steering.maps === undefined && gateways.maps === undefined) {
    output.note(whyNoGateways(context) ?? 'no flows on this node: it has no fast path with gateways');
    return;
  }
  if (steering.maps !== undefined) output.note(countText('connection', '', first));
  if (gateways.maps !== undefined && (second.matched > 0 || first.matched === 0)) {
    output.note(countText('flow', ' to network nodes', second));
  }
}

function countText(what: string, where: string, { matched, shown }: FlowCount): string {
  const all = `${matched} ${what}${matched === 1 ? '' : 's'}${where}`;
  return shown === matched ? all : `${shown} of ${all} shown (--limit 0 shows all)`;
}
