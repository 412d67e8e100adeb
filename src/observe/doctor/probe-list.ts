/** Kernel features that segue needs; each is tried in an empty network namespace. */
import { Sysctls } from '../../kernel/sysctl.js';
import { nft } from '../../kernel/nft.js';
import {
  createAddress,
  createNexthop,
  createRoute,
  createRule,
  decodeAddress,
  decodeNeighbour,
  decodeRule,
  dumpAddressesRequest,
  dumpNeighboursRequest,
  dumpRulesRequest,
  getLink,
  type NetlinkSocket,
  newLink,
  replaceNeighbour,
  setTunnelSource,
} from 'netlink-ts';
import { MAIN_TABLE, PROTOCOL } from '../../plan/numbers.js';
import { edgeTable } from '../../edge/edge-table.js';
import { GUARD_ARP, GUARD_INET } from '../../port/guard-tables.js';

/** An empty namespace with the loopback up, and sockets in it. */
export interface Scratch {
  netns: string;
  route: NetlinkSocket;
  generic: NetlinkSocket;
}

export interface Probe {
  name: string;
  /** Name in messages. */
  feature: string;
  /** First Linux version with the feature in the form that segue needs. */
  since: string;
  /** Kernel configuration options. */
  config: string;
  /** The fast path needs it, too. */
  always?: true;
  /** Program required for the probe. */
  program?: 'nft';
  /** Name of another probe that this one requires. */
  needs?: string;
  /** Uses the feature; throws if the kernel lacks it. */
  attempt: (scratch: Scratch) => void | Promise<void>;
}

const VRF = 'probe-vrf';
const VRF_TABLE = 1000;
const SEGMENT = 'fd00:5e:ffff::1';

/** Later probes may use objects of earlier ones. */
export const PROBES: readonly Probe[] = [
  {
    name: 'vrf',
    feature: 'VRF devices',
    since: '4.8',
    config: 'CONFIG_NET_VRF',
    attempt: ({ route }) => {
      route.request(newLink({ name: VRF, kind: 'vrf', vrfTable: VRF_TABLE, up: true }));
    },
  },
  {
    name: 'strict-mode',
    feature: 'net.vrf.strict_mode',
    since: '5.9',
    config: 'CONFIG_NET_VRF',
    needs: 'vrf',
    attempt: ({ netns }) => {
      write(netns, 'net/vrf/strict_mode', '1');
    },
  },
  {
    name: 'encap-red',
    feature: 'seg6 mode encap.red',
    since: '6.0',
    config: 'CONFIG_IPV6_SEG6_LWTUNNEL',
    attempt: ({ route }) => {
      const encap = { type: 'seg6' as const, mode: 'encap.red' as const, segments: [SEGMENT] };
      route.request(createRoute({ table: MAIN_TABLE, prefix: 'fd00:1::/64', oif: loopback(route), encap }));
    },
  },
  ...(['End.DT4', 'End.DT6', 'End.DT46'] as const).map((action, index): Probe => ({
    name: action.toLowerCase().replace('.', '-'),
    feature: `seg6local ${action} vrftable`,
    since: action === 'End.DT46' ? '5.14' : '5.11',
    config: 'CONFIG_IPV6_SEG6_LWTUNNEL, CONFIG_NET_L3_MASTER_DEV',
    needs: 'vrf',
    attempt: ({ route }) => {
      const encap = { type: 'seg6local', action, vrfTable: VRF_TABLE, count: true } as const;
      const prefix = `fd00:2::${index + 1}/128`;
      route.request(createRoute({ table: MAIN_TABLE, prefix, oif: indexOf(route, VRF), encap }));
    },
  })),
  {
    name: 'nexthop',
    feature: 'next-hop objects with encap seg6',
    since: '5.3',
    config: 'CONFIG_IPV6_SEG6_LWTUNNEL',
    attempt: ({ route }) => {
      const encap = { type: 'seg6' as const, mode: 'encap' as const, segments: [SEGMENT] };
      route.request(createNexthop({ id: 1, family: 6, oif: loopback(route), encap }));
      route.request(createRoute({ table: MAIN_TABLE, prefix: 'fd00:3::/64', nexthopId: 1 }));
    },
  },
  {
    name: 'tunsrc',
    feature: 'generic netlink SEG6 (tunsrc)',
    since: '4.10',
    config: 'CONFIG_IPV6_SEG6_LWTUNNEL',
    attempt: ({ generic }) => {
      setTunnelSource(generic, 'fd00::1');
    },
  },
  {
    name: 'flowlabel',
    feature: 'net.ipv6.seg6_flowlabel',
    since: '4.18',
    config: 'CONFIG_IPV6_SEG6_LWTUNNEL',
    attempt: ({ netns }) => {
      write(netns, 'net/ipv6/seg6_flowlabel', '1');
    },
  },
  {
    name: 'rule-l3mdev',
    feature: 'rules with l3mdev and protocol',
    since: '4.17',
    config: 'CONFIG_IPV6_MULTIPLE_TABLES, CONFIG_NET_L3_MASTER_DEV',
    attempt: ({ route }) => {
      const spec = { family: 6, priority: 991, to: 'fd00:5e::/32', protocol: PROTOCOL } as const;
      route.request(createRule({ ...spec, action: 'unreachable', l3mdev: true }));
      const rules = route.dump(dumpRulesRequest(6), decodeRule);
      expect(rules.some(({ priority, protocol, l3mdev }) => priority === 991 && protocol === PROTOCOL && l3mdev));
    },
  },
  {
    name: 'address-protocol',
    always: true,
    feature: 'protocol of addresses (IFA_PROTO)',
    since: '5.18',
    config: '',
    attempt: ({ route }) => {
      const ifindex = loopback(route);
      route.request(createAddress({ ifindex, address: 'fd00::1', length: 128, protocol: PROTOCOL, nodad: true }));
      const addresses = route.dump(dumpAddressesRequest({ family: 6 }), decodeAddress);
      expect(addresses.some(({ address, protocol }) => address === 'fd00::1' && protocol === PROTOCOL));
    },
  },
  {
    name: 'neighbour-protocol',
    feature: 'protocol of neighbours (NDA_PROTOCOL)',
    since: '5.0',
    config: '',
    attempt: ({ route }) => {
      const ifindex = loopback(route);
      route.request(replaceNeighbour({ ifindex, address: 'fd00::2', mac: '02:00:00:00:00:01', protocol: PROTOCOL }));
      const neighbours = route.dump(dumpNeighboursRequest({}), decodeNeighbour);
      expect(neighbours.some(({ address, protocol }) => address === 'fd00::2' && protocol === PROTOCOL));
    },
  },
  {
    name: 'guard',
    always: true,
    program: 'nft',
    feature: 'nftables with all that the tables of the port guard and of the edge use',
    since: '5.6',
    config: 'CONFIG_NF_TABLES, CONFIG_NF_TABLES_INET, CONFIG_NF_TABLES_ARP, CONFIG_NFT_CT, CONFIG_NFT_FIB',
    attempt: async ({ netns }) => {
      await nft(netns, ['-f', '-'], GUARD_INET + GUARD_ARP + edgeTable(true));
    },
  },
];

function loopback(socket: NetlinkSocket): number {
  return indexOf(socket, 'lo');
}

function indexOf(socket: NetlinkSocket, name: string): number {
  const index = getLink(socket, name)?.index;
  if (index === undefined) throw new Error(`there is no ${name}`);
  return index;
}

function write(netns: string, path: string, value: string): void {
  const [error] = new Sysctls(netns).writeAll([[path, value]]).values();
  if (error !== undefined) throw error;
}

/** Older kernels accept unknown attributes and ignore them. */
function expect(kept: boolean): void {
  if (!kept) throw new Error('the kernel did not keep it');
}
