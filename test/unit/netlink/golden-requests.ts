/** Our requests for the commands of golden/commands.txt, by their names. v0 is ifindex 10, v1 is 11. */
import * as address from '../../../src/netlink/address.js';
import { RTNH_F_ONLINK } from '../../../src/netlink/constants.js';
import * as link from '../../../src/netlink/link.js';
import * as neighbour from '../../../src/netlink/neighbour.js';
import * as nexthop from '../../../src/netlink/nexthop.js';
import type { NetlinkRequest } from '../../../src/netlink/request.js';
import * as route from '../../../src/netlink/route.js';
import * as rule from '../../../src/netlink/rule.js';
import { getTunnelSourceRequest, setTunnelSourceRequest } from '../../../src/netlink/seg6.js';
import {
  type Encap,
  NeighbourState,
  type RouteSpec,
  type Seg6LocalEncap,
  type Seg6Mode,
} from '../../../src/netlink/types.js';

const V0 = 10;
const V1 = 11;
/** design.md: 0x5e000000 + tenant 100 */
const TENANT = 1577058404;
const SEGUE = 94;
const MAIN = 254;
/** Family id of SEG6 on the machine the golden file was made on. */
const SEG6_FAMILY = 29;

const seg6 = (mode: Seg6Mode, ...segments: string[]): Encap => ({ type: 'seg6', mode, segments });

function local(prefix: string, encap: Omit<Seg6LocalEncap, 'type'>): NetlinkRequest {
  return route.createRoute({ table: MAIN, prefix, oif: V0, encap: { type: 'seg6local', ...encap } });
}

function main(prefix: string, spec: Partial<RouteSpec>): NetlinkRequest {
  return route.createRoute({ table: MAIN, prefix, ...spec });
}

export const goldenRequests: Record<string, NetlinkRequest> = {
  'vrf-create': link.newLink({ name: 'sg-100', kind: 'vrf', vrfTable: TENANT }),
  'veth-create': link.newLink({
    name: 't0',
    kind: 'veth',
    mtu: 1400,
    peer: { name: 't1', mtu: 1300, mac: '02:00:00:00:00:01' },
  }),
  'veth-netns': link.newLink({ name: 't2', kind: 'veth', peer: { name: 't3', netnsPid: 4194303 } }),
  'link-up': link.setLink(V0, { up: true }),
  'link-down': link.setLink(V0, { up: false }),
  'link-master': link.setLink(V0, { master: V1 }),
  'link-nomaster': link.setLink(V0, { master: 0 }),
  'link-mtu': link.setLink(V0, { mtu: 1450 }),
  'link-alias': link.setLink(V0, { alias: 'segue:red' }),
  'link-mac': link.setLink(V0, { mac: '02:00:00:00:00:0a' }),
  'link-rename': link.setLink(V1, { name: 'v2' }),
  'link-rename-back': link.setLink(V1, { name: 'v1' }),
  'link-netns-pid': link.setLink(V1, { netnsPid: 4194303 }),
  'altname-add': link.addAltName(V0, 'a-rather-long-name'),
  'altname-del': link.deleteAltName(V0, 'a-rather-long-name'),
  'link-delete': link.deleteLink(3),

  'address-4': address.createAddress({ ifindex: V0, address: '10.0.0.1', length: 24 }),
  'address-4-noprefixroute': address.replaceAddress({
    ifindex: V0,
    address: '10.0.1.1',
    length: 32,
    noprefixroute: true,
  }),
  'address-6-nodad': address.createAddress({ ifindex: V0, address: 'fd00:10::1', length: 64, nodad: true }),
  'address-6-both': address.createAddress({
    ifindex: V0,
    address: 'fd00:11::1',
    length: 64,
    nodad: true,
    noprefixroute: true,
  }),
  'address-peer': address.createAddress({ ifindex: V0, address: '10.0.2.1', length: 32, peer: '10.0.2.2' }),
  'address-lifetime': address.createAddress({
    ifindex: V0,
    address: 'fd00:12::1',
    length: 64,
    validLifetime: 600,
    preferredLifetime: 300,
  }),
  'address-metric': address.createAddress({ ifindex: V0, address: '10.0.3.1', length: 24, metric: 77 }),
  'address-loopback': address.createAddress({ ifindex: 1, address: '127.0.0.2', length: 8 }),
  'address-del': address.deleteAddress({ ifindex: V0, address: '10.0.0.1', length: 24 }),

  'nexthop-seg6-4': nexthop.createNexthop({
    id: 101,
    family: 4,
    oif: V0,
    encap: seg6('encap.red', 'fd00:5e:1:4600:64::'),
  }),
  'nexthop-seg6-6': nexthop.replaceNexthop({
    id: 102,
    family: 6,
    oif: V0,
    protocol: SEGUE,
    encap: seg6('encap', 'fd00:5e:9:1::', 'fd00:5e:9:2::', 'fd00:5e:1:4600:64::'),
  }),
  'nexthop-via-4': nexthop.createNexthop({ id: 103, gateway: '10.0.1.254', oif: V0, flags: RTNH_F_ONLINK }),
  'nexthop-via-6': nexthop.createNexthop({ id: 104, gateway: 'fe80::1', oif: V0 }),
  'nexthop-blackhole': nexthop.createNexthop({ id: 105, blackhole: true }),
  'nexthop-group': nexthop.createNexthop({
    id: 106,
    group: [
      { id: 103, weight: 2 },
      { id: 104, weight: 256 },
    ],
  }),
  'nexthop-del': nexthop.deleteNexthop(106),
  'nexthop-get': nexthop.getNexthopRequest(101),
  'nexthop-dump-dev': nexthop.dumpNexthopsRequest({ oif: V0 }),
  'nexthop-dump-groups': nexthop.dumpNexthopsRequest({ groupsOnly: true }),

  'route-nexthop': route.createRoute({ table: TENANT, prefix: '10.9.0.10/32', nexthopId: 101, protocol: SEGUE }),
  'route-nexthop-6': route.replaceRoute({ table: TENANT, prefix: 'fd00:10::a/128', nexthopId: 102, protocol: SEGUE }),
  'route-main': main('10.9.1.0/24', { oif: V0 }),
  'route-via': main('10.9.2.0/24', { gateway: '10.0.1.254', oif: V0, flags: RTNH_F_ONLINK, metric: 50 }),
  'route-via-6': main('fd00:9::/64', { gateway: 'fe80::1', oif: V0, metric: 77, protocol: 4 }),
  'route-inet6-nexthop': main('10.9.3.0/24', { gateway: 'fe80::1', oif: V0 }),
  'route-default': route.createRoute({ table: 100, prefix: '::/0', gateway: 'fe80::1', oif: V0 }),
  'route-unreachable-4': route.createRoute({
    table: TENANT,
    prefix: '0.0.0.0/0',
    type: 'unreachable',
    metric: 4278198272,
  }),
  'route-unreachable-6': route.createRoute({ table: TENANT, prefix: '::/0', type: 'unreachable', metric: 4278198272 }),
  'route-blackhole': main('fd00:5e:1::/48', { type: 'blackhole', protocol: SEGUE }),
  'route-prohibit': main('10.77.0.0/16', { type: 'prohibit' }),
  'route-throw': route.createRoute({ table: 50, prefix: '10.78.0.0/16', type: 'throw' }),
  'route-local': route.createRoute({ table: 50, prefix: '10.79.0.1/32', type: 'local', oif: V0 }),
  'route-metrics': main('10.9.4.0/24', { oif: V0, metrics: { mtu: 1400, advmss: 1360, hoplimit: 64, initcwnd: 20 } }),
  'route-mtu-lock': main('10.9.5.0/24', { oif: V0, metrics: { lock: 1 << 2, mtu: 1400 } }),
  'route-src': main('10.9.6.0/24', { oif: V0, prefSrc: '10.0.1.1' }),
  'route-multipath': main('10.9.7.0/24', {
    nexthops: [
      { gateway: '10.0.1.254', oif: V0, weight: 3, flags: RTNH_F_ONLINK },
      { oif: V1, weight: 256 },
    ],
  }),
  'route-multipath-seg6': main('fd00:77::/64', {
    nexthops: [
      { oif: V0, weight: 1, encap: seg6('encap', 'fd00:5e:2::1') },
      { gateway: 'fe80::2', oif: V1, weight: 1 },
    ],
  }),
  'route-tos': main('10.9.8.0/24', { oif: V0, tos: 0x10 }),

  'seg6-encap': main('10.10.0.1/32', { oif: V0, encap: seg6('encap', 'fd00:5e:2::1') }),
  'seg6-encap-red': route.createRoute({
    table: TENANT,
    prefix: 'fd00:20::1/128',
    oif: V0,
    encap: seg6('encap.red', 'fd00:5e:9::1', 'fd00:5e:2::1'),
  }),
  'seg6-inline': main('fd00:20::2/128', { oif: V0, encap: seg6('inline', 'fd00:5e:9::1', 'fd00:5e:2::1') }),
  'seg6-l2encap': main('10.10.0.2/32', { oif: V0, encap: seg6('l2encap', 'fd00:5e:2::1') }),
  'seg6-l2encap-red': main('10.10.0.3/32', { oif: V0, encap: seg6('l2encap.red', 'fd00:5e:2::1') }),

  'local-end': local('fd00:5e:1:100::/128', { action: 'End' }),
  'local-end-x': local('fd00:5e:1:200::/128', { action: 'End.X', nh6: 'fe80::1' }),
  'local-end-t': local('fd00:5e:1:300::/128', { action: 'End.T', table: 100 }),
  'local-dx2': local('fd00:5e:1:350::/128', { action: 'End.DX2', oif: V1 }),
  'local-dx4': local('fd00:5e:1:400::/128', { action: 'End.DX4', nh4: '10.0.1.2' }),
  'local-dx6': local('fd00:5e:1:600::/128', { action: 'End.DX6', nh6: 'fd00:10::a' }),
  'local-dt4': local('fd00:5e:1:400:64::/128', { action: 'End.DT4', vrfTable: TENANT }),
  'local-dt6-table': local('fd00:5e:1:600:64::/128', { action: 'End.DT6', table: 100 }),
  'local-dt6-vrf': local('fd00:5e:1:600:65::/128', { action: 'End.DT6', vrfTable: TENANT + 1 }),
  'local-dt46': route.replaceRoute({
    table: MAIN,
    prefix: 'fd00:5e:1:4600:64::/128',
    oif: V0,
    protocol: SEGUE,
    encap: { type: 'seg6local', action: 'End.DT46', vrfTable: TENANT, count: true },
  }),
  'local-b6': local('fd00:5e:1:b6::/128', { action: 'End.B6', segments: ['fd00:5e:7::1', 'fd00:5e:8::1'] }),
  'local-b6-encaps': local('fd00:5e:1:b7::/128', {
    action: 'End.B6.Encaps',
    segments: ['fd00:5e:7::1', 'fd00:5e:8::1'],
  }),

  'local-flavors': local('fd00:5e:1:101::/128', { action: 'End', flavors: (1 << 1) | (1 << 3) }),

  'route-del': route.deleteRoute({ table: TENANT, prefix: '10.9.0.10/32' }),
  'route-del-all': route.deleteRoute({ table: TENANT, prefix: 'fd00:10::a/128', protocol: SEGUE, metric: 1024 }),
  'route-del-type': route.deleteRoute({ table: TENANT, prefix: '0.0.0.0/0', type: 'unreachable', metric: 4278198272 }),
  'route-dump-table': route.dumpRoutesRequest({ family: 4, table: TENANT }),
  'route-dump-proto': route.dumpRoutesRequest({ family: 6, table: TENANT, protocol: SEGUE }),
  'route-get': route.lookupRoute({ to: '10.9.1.1', from: '10.0.1.1', mark: 7 }),
  'route-get-iif': route.lookupRoute({ to: 'fd00:9::1', iif: V0 }),

  'rule-local': rule.createRule({ family: 4, priority: 32765, table: 255 }),
  'rule-block': rule.createRule({
    family: 6,
    priority: 990,
    from: 'fd00:5e:1::1/128',
    to: 'fd00:5e::/32',
    table: MAIN,
    protocol: SEGUE,
  }),
  'rule-unreachable': rule.createRule({
    family: 6,
    priority: 991,
    to: 'fd00:5e::/32',
    iif: 'v0',
    action: 'unreachable',
    protocol: SEGUE,
  }),
  'rule-l3mdev': rule.createRule({ family: 4, priority: 1000, l3mdev: true, protocol: SEGUE }),
  'rule-mark': rule.createRule({
    family: 4,
    priority: 1001,
    invert: true,
    fwmark: 0x10,
    fwmask: 0xff,
    from: '10.0.0.0/8',
    oif: 'v0',
    tos: 0x10,
    table: TENANT,
  }),
  'rule-goto': rule.createRule({ family: 4, priority: 1002, action: 'goto', gotoTarget: 2000 }),
  'rule-suppress': rule.createRule({ family: 4, priority: 1003, table: MAIN, suppressPrefixLength: 0 }),
  'rule-ports': rule.createRule({
    family: 4,
    priority: 1004,
    ipProtocol: 6,
    sourcePorts: { start: 1000, end: 2000 },
    destinationPorts: { start: 80, end: 80 },
    uidRange: { start: 100, end: 200 },
    table: 100,
  }),
  'rule-del': rule.deleteRule({ family: 4, priority: 0, table: 255 }),

  'neighbour-4': neighbour.createNeighbour({
    ifindex: V0,
    address: '10.0.1.10',
    mac: '02:00:00:00:00:0a',
    protocol: SEGUE,
  }),
  'neighbour-6': neighbour.replaceNeighbour({ ifindex: V0, address: 'fd00:10::a', mac: '02:00:00:00:00:0a' }),
  'neighbour-extern': neighbour.replaceNeighbour({
    ifindex: V0,
    address: '10.0.1.11',
    mac: '02:00:00:00:00:0b',
    state: NeighbourState.stale,
    flags: 0x10,
  }),
  'neighbour-proxy-4': neighbour.createNeighbour({ ifindex: V0, address: '10.0.1.12', proxy: true }),
  'neighbour-proxy-6': neighbour.replaceNeighbour({ ifindex: V0, address: 'fd00:10::b', proxy: true, protocol: SEGUE }),
  'neighbour-del': neighbour.deleteNeighbour({ ifindex: V0, address: '10.0.1.10' }),
  'neighbour-proxy-del': neighbour.deleteNeighbour({ ifindex: V0, address: '10.0.1.12', proxy: true }),
  'neighbour-get': neighbour.getNeighbourRequest({ ifindex: V0, address: '10.0.1.11' }),
  'neighbour-dump-dev': neighbour.dumpNeighboursRequest({ family: 4, ifindex: V0 }),
  'neighbour-dump-proxy': neighbour.dumpNeighboursRequest({ family: 6, proxy: true, ifindex: V0 }),

  'tunsrc-set': setTunnelSourceRequest(SEG6_FAMILY, 'fd00:5e:1::1'),
  'tunsrc-show': getTunnelSourceRequest(SEG6_FAMILY),
};
