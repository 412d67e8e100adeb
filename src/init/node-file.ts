/** Writes the text of a node file, with findings as comments. */
import { OUTER_HEADER_BYTES } from '../encap/mtu.js';
import type { Dataplane } from '../intent/types.js';
import type { Lacks, Underlay } from './machine.js';

export interface NodeFileFacts {
  node: string;
  netns?: string;
  /** Absolute path. */
  intent: string;
  underlay: Underlay;
  dataplane: Dataplane;
  lacks: Lacks;
  /** Release of the kernel. */
  release: string;
}

/** In order of preference. */
const DATAPLANES: readonly Dataplane[] = ['hybrid', 'ebpf', 'kernel'];
const WHAT: Readonly<Record<Dataplane, string>> = {
  hybrid: 'the eBPF fast path forwards, and the kernel forwards packets that it does not take',
  ebpf: 'only the eBPF fast path forwards, without VRF and seg6',
  kernel: 'only the kernel forwards',
};
/** Names that a comment lists; more are only counted. */
const NAMED = 3;

/** The best supported data plane; undefined if there is none. */
export function chooseDataplane(lacks: Lacks): Dataplane | undefined {
  return DATAPLANES.find((dataplane) => lacks[dataplane].length === 0);
}

export function nodeFileText(facts: NodeFileFacts): string {
  const { node, netns, intent, underlay, dataplane, lacks, release } = facts;
  const mtu = Math.min(...underlay.uplinks.map((uplink) => uplink.mtu));
  const sections = [
    [`# Node file of ${node}, made by segue init on Linux ${release}. docs/intent.md explains every key.`],
    ['# The name of this node in the intent.', `node: ${quoted(node)}`],
    [
      '# The underlay interfaces.',
      ...underlay.uplinks.map((uplink) => `# ${uplinkText(uplink, underlay.byDefaultRoute)}`),
      `uplinks: [${underlay.uplinks.map(({ name }) => quoted(name)).join(', ')}]`,
    ],
    ['# The intent file, the same on every node.', `intent: ${quoted(intent)}`],
    ...(netns === undefined ? [] : [['# The named network namespace to work in.', `netns: ${quoted(netns)}`]]),
    ['# The data plane.', ...DATAPLANES.map((one) => `# ${dataplaneText(one, lacks)}`), `dataplane: ${dataplane}`],
    [
      `# The largest packet that the underlay takes, bytes. Default: the smallest MTU of the uplinks, ${mtu} now: VMs get ${mtu - OUTER_HEADER_BYTES}.`,
      `# mtu: ${mtu}`,
    ],
    [
      '# Interfaces of the SR domain besides the uplinks. What enters by any other interface may not have addresses of the domain.',
      '# inside: []',
    ],
    [
      '# The table that the locator is announced from, for a routing daemon to redistribute; none: the underlay routes it by itself.',
      '# announce: { table: main }',
    ],
  ];
  return sections.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function uplinkText({ name, mtu, nodes }: Underlay['uplinks'][number], byDefaultRoute: boolean): string {
  if (nodes.length === 0) return `${name}: given with --uplink; MTU ${mtu}`;
  const more = nodes.length > NAMED ? ` and ${nodes.length - NAMED} more` : '';
  const reached = `${nodes.slice(0, NAMED).join(', ')}${more}`;
  return byDefaultRoute
    ? `${name}: only the default route leads to ${reached}, and it leaves by this interface. Is it an underlay interface? MTU ${mtu}`
    : `${name}: the routes to ${reached} leave by it; MTU ${mtu}`;
}

function dataplaneText(dataplane: Dataplane, lacks: Lacks): string {
  const [first] = lacks[dataplane];
  return `${dataplane}: ${WHAT[dataplane]}${first === undefined ? '' : ` (not here: ${first})`}`;
}

/** Quotes a text that YAML 1.2 could read as another type. */
function quoted(text: string): string {
  return /^[A-Za-z/][\w./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
