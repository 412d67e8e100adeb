import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { column, renderTable, TableStream } from '../../../src/cli/table.js';
import { addShowCommand } from '../../../src/cli/show.js';
import { counterLines } from '../../../src/cli/show/counters.js';
import { fastpathLines } from '../../../src/cli/show/fastpath.js';
import type { Fastpath, FastpathDevice } from '../../../src/cli/show/fastpath.js';
import { CONNECTION_COLUMNS, readFlowOptions } from '../../../src/cli/show/flow.js';
import { gatewayLines } from '../../../src/cli/show/gateway.js';
import { POLICY_COLUMNS } from '../../../src/cli/show/policy.js';
import { stateOf, timeoutOf } from '../../../src/gateway/flow-records.js';
import type { ConnectionRecord } from '../../../src/gateway/flow-records.js';
import type { PolicyRecord } from '../../../src/gateway/policy-records.js';
import { parseGuardCounters } from '../../../src/observe/inspect/guard-counters.js';
import { NEXTHOP_COLUMNS } from '../../../src/cli/show/nexthop.js';
import { PORT_COLUMNS } from '../../../src/cli/show/port.js';
import { linkState } from '../../../src/kernel/links.js';
import { ROUTE_COLUMNS } from '../../../src/cli/show/route.js';
import { SID_COLUMNS } from '../../../src/cli/show/sid.js';
import { VRF_COLUMNS } from '../../../src/cli/show/vrf.js';
import type { DeviceCounters } from '../../../src/cli/show/counters.js';

describe('tables of show', () => {
  it('vrf lists ports, routes and SIDs', () => {
    const up = { name: 'sg-100', tenant: 'red', table: 1577058404, state: 'up' as const, ports: 1, routes4: 4 };
    const gone = { name: 'sg-7', tenant: 'blue', table: 1577058311, state: 'missing' as const, ports: 0, routes4: 0 };
    const rows = [
      { ...up, routes6: 12, sids: ['fd00:5e:1:400:64::', 'fd00:5e:1:600:64::'] },
      { ...gone, routes6: 0, sids: [] },
    ];
    expect(renderTable(VRF_COLUMNS, rows)).toEqual([
      'VRF     TENANT       TABLE  STATE    PORTS  ROUTES4  ROUTES6  SIDS',
      'sg-100  red     1577058404  UP           1        4       12  fd00:5e:1:400:64:: fd00:5e:1:600:64::',
      'sg-7    blue    1577058311  MISSING      0        0        0  -',
    ]);
  });

  it('sid has dashes while counters are off', () => {
    const rows = [
      {
        sid: 'fd00:5e:1:4600:64::',
        behaviour: 'End.DT46',
        table: 1577058404,
        vrf: 'sg-100',
        tenant: 'red',
        protocol: 'segue',
        state: 'present' as const,
        packets: null,
        bytes: null,
        errors: null,
      },
    ];
    expect(renderTable(SID_COLUMNS, rows)).toEqual([
      'SID                  BEHAVIOUR  TENANT  VRF          TABLE  PROTO  STATE    PACKETS  BYTES  ERRORS',
      'fd00:5e:1:4600:64::  End.DT46   red     sg-100  1577058404  segue  present  -        -      -',
    ]);
  });

  it('route has segments, a gateway or a discard', () => {
    const base = { tenant: 'red', vrf: 'sg-100', table: 1577058404, type: 'unicast', protocol: 'segue', metric: 0 };
    const rows = [
      {
        ...base,
        prefix: '10.0.0.20/32',
        via: null,
        nexthopId: 1577058304,
        segments: ['fd00:5e:9:1::', 'fd00:5e:2:4600:64::'],
        node: 'hv2',
        device: 'sg-100',
        state: 'ok' as const,
      },
      {
        ...base,
        prefix: '192.168.7.0/24',
        via: '10.0.0.10',
        nexthopId: null,
        segments: [],
        node: null,
        device: 'tap-a',
        state: 'linkdown' as const,
      },
      {
        ...base,
        prefix: '::/0',
        type: 'unreachable',
        via: null,
        nexthopId: null,
        segments: [],
        node: null,
        device: null,
        metric: 4278198272,
        state: 'ok' as const,
      },
    ];
    expect(renderTable(ROUTE_COLUMNS, rows)).toEqual([
      'TENANT  PREFIX          TYPE         VIA                                NODE  DEV           NHID  PROTO      METRIC  STATE',
      'red     10.0.0.20/32    unicast      fd00:5e:9:1::,fd00:5e:2:4600:64::  hv2   sg-100  1577058304  segue           0  ok',
      'red     192.168.7.0/24  unicast      10.0.0.10                          -     tap-a            -  segue           0  linkdown',
      'red     ::/0            unreachable  -                                  -     -                -  segue  4278198272  ok',
    ]);
  });

  it('nexthop and port have one row per object', () => {
    const nexthop = {
      id: 1577058304,
      family: 'inet6' as const,
      vrf: 'sg-100',
      tenant: 'red',
      mode: 'encap.red',
      segments: ['fd00:5e:2:4600:64::'],
      node: null,
      routes: 3,
    };
    expect(renderTable(NEXTHOP_COLUMNS, [nexthop])[1]).toBe(
      '1577058304  inet6   red     sg-100  encap.red  fd00:5e:2:4600:64::  -          3',
    );
    const port = {
      name: 'red-a',
      interface: 'tap-a',
      tenant: 'red',
      vrf: 'sg-100',
      state: 'waiting' as const,
      mac: '02:00:00:00:00:0a',
      addresses: ['10.0.0.10', 'fd00:10::a'],
      gatewayMac: '02:73:67:00:00:64',
      mtu: null,
      icmpRate: null,
      icmpRateDropped: null,
      migration: null,
      migrationRelayed: null,
    };
    expect(renderTable(PORT_COLUMNS, [port])).toEqual([
      'PORT   DEV    TENANT  VRF     STATE    MTU  LLADDR             GATEWAY            ADDRESSES',
      'red-a  tap-a  red     sg-100  WAITING  -    02:00:00:00:00:0a  02:73:67:00:00:64  10.0.0.10 fd00:10::a',
    ]);
  });

  it('port: a link without IFF_UP is down, whatever its carrier', () => {
    expect(linkState({ up: false, carrier: true })).toBe('down');
    expect(linkState({ up: true, carrier: false })).toBe('no-carrier');
    expect(linkState({ up: true })).toBe('up');
  });

  it('fastpath shows what runs and what was requested', () => {
    const device = {
      device: 'eth0',
      role: 'uplink',
      state: 'up',
      tcx: null,
      steering: null,
      xdp: null,
      foreignTcx: [3],
      foreignXdp: 17,
    };
    const nothing = {
      responder: false,
      unreadable: null,
      ports: 1,
      devices: [device as FastpathDevice],
      maps: [],
      ways: [],
    };
    const missing = 'tcx not supported (requires >= 6.6)';
    expect(fastpathLines({ configured: 'hybrid', running: 'kernel', missing, ...nothing })).toEqual([
      'data plane: kernel (VRF, seg6, seg6local); no eBPF programs of segue',
      'the node file asks for "dataplane: hybrid", which is not possible: tcx not supported (requires >= 6.6)',
      'DEV   ROLE    STATE  TCX  XDP  FOREIGN',
      'eth0  uplink  UP     -    -    tcx id 3 xdp id 17',
    ]);
    expect(
      fastpathLines({ ...nothing, configured: 'ebpf', running: 'none', missing: null, ports: 0, devices: [] }),
    ).toEqual(['data plane: none: no port of the intent is on this node, so there is nothing to forward']);
    const responder = { name: 'segue_responder', id: 4, tag: '0123456789abcdef' };
    const port = { ...(device as FastpathDevice), device: 'tap-a', role: 'port' as const, tcx: responder };
    const answering = { ...nothing, responder: true, devices: [{ ...port, foreignTcx: [], foreignXdp: null }] };
    expect(fastpathLines({ configured: 'kernel', running: 'kernel', missing: null, ...answering })).toEqual([
      'data plane: kernel (VRF, seg6, seg6local); an eBPF program answers neighbour solicitations at each port',
      'DEV    ROLE  STATE  TCX                                        XDP  FOREIGN',
      'tap-a  port  UP     segue_responder id 4 tag 0123456789abcdef  -    -',
    ]);
    const program = { name: 'segue_uplink_tc', id: 5, tag: '0123456789abcdef' };
    const fastpath: Fastpath = {
      configured: 'hybrid',
      running: 'hybrid',
      responder: false,
      unreadable: null,
      ports: 1,
      missing: null,
      devices: [{ ...(device as FastpathDevice), tcx: program, foreignTcx: [], foreignXdp: null }],
      maps: [{ map: 'sg_endpoints', entries: 12, size: 1048576 }],
      ways: [
        { to: 'fd00:5e:2::/48', hops: [{ device: 'eth0', lladdr: '02:00:00:00:00:01', mtu: 1500 }] },
        { to: 'fd00:5e:3::/48', hops: [] },
      ],
    };
    expect(fastpathLines(fastpath)).toEqual([
      'data plane: hybrid: eBPF programs, and the kernel (VRF, seg6, seg6local) for packets that they do not take',
      'DEV   ROLE    STATE  TCX                                        XDP  FOREIGN',
      'eth0  uplink  UP     segue_uplink_tc id 5 tag 0123456789abcdef  -    -',
      '',
      'MAP           ENTRIES     SIZE',
      'sg_endpoints       12  1048576',
      '',
      'TO              VIA',
      'fd00:5e:2::/48  dev eth0 lladdr 02:00:00:00:00:01 mtu 1500',
      'fd00:5e:3::/48  unresolved',
    ]);
  });

  it('counters are separate tables, without empty ones', () => {
    const device: DeviceCounters = {
      device: 'tap-a',
      port: 'red-a',
      tenant: 'red',
      rxPackets: 1,
      rxBytes: 84,
      rxDropped: 0,
      rxErrors: 0,
      txPackets: 2,
      txBytes: 168,
      txDropped: 0,
      txErrors: 0,
    };
    const guard = [{ table: 'inet segue', reason: 'source', packets: 3, bytes: 252 }];
    const fastpath = {
      ports: [{ device: 'tap-a', port: 'red-a', txPackets: 1, txBytes: 84, rxPackets: 2, rxBytes: 168 }],
      reasons: [
        { verdict: 'forward' as const, reason: 'forwarded', slug: 'forwarded', packets: 3 },
        { verdict: 'punt' as const, reason: 'no member', slug: 'punt-no-member', packets: 0 },
      ],
    };
    const steering = {
      zones: [{ zone: 'red', txPackets: 5, txBytes: 420, rxPackets: 4, rxBytes: 336 }],
      policies: [{ policy: 'web', connections: 1, packets: 9, bytes: 756 }],
      pairs: [{ from: 'red', to: 'blue', halfOpen: 1, established: 2, refused: 3 }],
    };
    expect(counterLines({ ports: [device], vrfs: [], sids: [], guard, fastpath, steering })).toEqual([
      'DEV    PORT   TENANT  RX-PACKETS  RX-BYTES  RX-DROPPED  RX-ERRORS  TX-PACKETS  TX-BYTES  TX-DROPPED  TX-ERRORS',
      'tap-a  red-a  red              1        84           0          0           2       168           0          0',
      '',
      'GUARD       REASON  PACKETS  BYTES',
      'inet segue  source        3    252',
      '',
      'FASTPATH  PORT   VM-TX-PACKETS  VM-TX-BYTES  VM-RX-PACKETS  VM-RX-BYTES',
      'tap-a     red-a              1           84              2          168',
      '',
      'VERDICT  REASON     PACKETS',
      'forward  forwarded        3',
      '',
      'ZONE  TX-PACKETS  TX-BYTES  RX-PACKETS  RX-BYTES',
      'red            5       420           4       336',
      '',
      'POLICY  CONNECTIONS  PACKETS  BYTES',
      'web               1        9    756',
      '',
      'FROM  TO    HALF-OPEN  ESTABLISHED  REFUSED',
      'red   blue          1            2        3',
    ]);
  });
});

describe('parseGuardCounters', () => {
  it("takes counters of segue's tables only, with the reason from the name", () => {
    const text = JSON.stringify({
      nftables: [
        { metainfo: { version: '1.0.6' } },
        { counter: { family: 'inet', table: 'segue', name: 'drop_sid_block', handle: 4, packets: 7, bytes: 560 } },
        { counter: { family: 'ip', table: 'segue', name: 'drop_source', handle: 4, packets: 1, bytes: 1 } },
        { counter: { family: 'inet', table: 'filter', name: 'web', handle: 4, packets: 1, bytes: 1 } },
      ],
    });
    expect(parseGuardCounters(text)).toEqual([{ table: 'inet segue', reason: 'sid-block', packets: 7, bytes: 560 }]);
  });
});

describe('show of gateways and policies', () => {
  it('gateway lists network nodes, then external networks', () => {
    const node = { locator: 'fd00:5e:91::/48', source: 'fd00:5e:91::1', drainingShare: 0.5 };
    const gateways = [
      {
        ...{ gateway: 'gw', tenants: ['blue', 'red'] },
        nodes: [
          { ...node, node: 'nn1', self: true, state: 'up' as const, share: 1 },
          { ...node, node: 'nn2', self: false, state: 'draining' as const, share: 0 },
          { ...node, node: 'nn3', self: false, state: 'down' as const, share: null },
        ],
        externals: [
          {
            ...{ external: 'dc', prefix: '0.0.0.0/0', interface: 'eth1' },
            ...{ state: 'no-carrier' as const, active: null },
          },
        ],
      },
    ];
    expect(gatewayLines({ node: 'nn1', roles: ['network-node', 'hypervisor'], gateways })).toEqual([
      'nn1: network node and hypervisor',
      'gw: tenants blue red',
      'GATEWAY  NODE  ROLE  STATE     SHARE   LOCATOR          SOURCE',
      'gw       nn1   self  UP        100.0%  fd00:5e:91::/48  fd00:5e:91::1',
      'gw       nn2   peer  DRAINING  0.0%    fd00:5e:91::/48  fd00:5e:91::1',
      'gw       nn3   peer  DOWN      -       fd00:5e:91::/48  fd00:5e:91::1',
      '',
      'EXTERNAL  PREFIX     GATEWAY  ACTIVE  DEV   STATE',
      'dc        0.0.0.0/0  gw       -       eth1  NO-CARRIER',
    ]);
    expect(gatewayLines({ node: 'nn1', roles: [], gateways: [] })).toEqual([]);
  });

  it('policy lists rules, their state and their counters', () => {
    const rows: PolicyRecord[] = [
      {
        ...{ name: 'web', from: { zone: 'red', prefixes: [] }, to: { zone: 'blue', prefixes: ['10.1.0.0/28'] } },
        ...{ protocol: 'tcp', ports: ['80', '8000-8100'], action: 'allow', log: false, priority: 1000 },
        ...{ state: 'in-force', connections: 3, packets: 40, bytes: 5600 },
      },
      {
        ...{ name: 'gone', from: { zone: 'red', prefixes: [] }, to: { zone: 'external:dc', prefixes: [] } },
        ...{ protocol: null, ports: null, action: 'deny', log: true, priority: null },
        ...{ state: 'unplanned', connections: null, packets: null, bytes: null },
      },
    ];
    expect(renderTable(POLICY_COLUMNS, rows)).toEqual([
      'POLICY  FROM  TO                PROTO  PORTS         PRIO  ACTION    STATE      CONNECTIONS  PACKETS  BYTES',
      'web     red   blue 10.1.0.0/28  tcp    80,8000-8100  1000  allow     in-force             3       40   5600',
      'gone    red   external:dc       -      -                -  deny log  unplanned            -        -      -',
    ]);
  });

  it('flow writes addresses and ports as ss does', () => {
    const flow = { from: 'red', to: 'blue', protocol: 'tcp', source: 'fd00:10::a', destination: 'fd00:20::b' };
    const rows: ConnectionRecord[] = [
      {
        ...{ ...flow, sourcePort: 4242, destinationPort: 80, id: null, state: 'ESTABLISHED' },
        ...{ ageSeconds: 3725, idleSeconds: 2, timeoutSeconds: 431998, policy: 'web' },
      },
      {
        ...{ ...flow, protocol: 'icmp', source: '10.0.0.10', destination: '10.1.0.20', sourcePort: null },
        ...{ destinationPort: null, id: 7, state: 'SEEN_REPLY', ageSeconds: 1, idleSeconds: 0, timeoutSeconds: 30 },
        policy: null,
      },
    ];
    expect(renderTable(CONNECTION_COLUMNS, rows)).toEqual([
      'FROM  TO    PROTO      SOURCE             DESTINATION      STATE         AGE  IDLE  TIMEOUT  POLICY',
      'red   blue  tcp        [fd00:10::a]:4242  [fd00:20::b]:80  ESTABLISHED  3725     2   431998  web',
      'red   blue  icmp id 7  10.0.0.10          10.1.0.20        SEEN_REPLY      1     0       30  -',
    ]);
  });

  it.each([
    [6, 1, 0, 'SYN_SENT', 60],
    [6, 2, 0, 'SYN_RECV', 60],
    [6, 3, 0, 'ESTABLISHED', 432000],
    [6, 4, 1, 'FIN_WAIT', 120],
    [6, 5, 3, 'TIME_WAIT', 120],
    [6, 5, 1, 'CLOSE', 120],
    [17, 1, 0, 'UNREPLIED', 180],
    [17, 3, 0, 'SEEN_REPLY', 180],
    [58, 1, 0, 'UNREPLIED', 30],
    [47, 3, 0, 'SEEN_REPLY', 600],
  ])('flow has protocol %i, state %i, flags %i as %s, timeout %i s', (protocol, state, flags, word, timeout) => {
    expect([stateOf(0, protocol, state, flags), timeoutOf(0, protocol, state)]).toEqual([word, timeout]);
  });

  it('flow excludes fragments from the connections', () => {
    expect([stateOf(1, 17, 3, 0), stateOf(1, 17, 6, 0), timeoutOf(1, 17, 3)]).toEqual(['FRAGMENTS', 'RELAYED', 60]);
  });

  it.each([
    [{ address: '10.0.0.300' }, '--address 10.0.0.300: expected an IPv4 or IPv6 address or prefix'],
    [{ address: '10.0.0.1/24' }, '--address 10.0.0.1/24: expected no bits set beyond the length: 10.0.0.0/24'],
    [{ l4Port: '65536' }, '--l4-port 65536: expected a number from 0 to 65535'],
    [{ proto: 'sctp' }, '--proto sctp: expected tcp, udp, icmp, icmpv6 or a number from 0 to 255'],
    [{ limit: '-1' }, '--limit -1: expected a number from 0 to 9007199254740991'],
  ])('flow refuses %j', (options, message) => {
    expect(() => readFlowOptions(options)).toThrow(message);
  });

  it('flow is limited to 1000 rows by default, and 0 means all', () => {
    expect(readFlowOptions({})).toEqual({ filter: {}, limit: 1000 });
    expect(readFlowOptions({ limit: '0', proto: 'icmp' })).toEqual({ filter: { protocols: [1, 58] }, limit: Infinity });
  });
});

describe('a streamed table', () => {
  it('has one header, and columns that never become narrower', async () => {
    const lines: string[] = [];
    const columns = [column<string>('NAME', (name) => name), column<string>('LENGTH', ({ length }) => length)];
    const table = new TableStream<string>(columns, (more) => Promise.resolve(void lines.push(...more)), 2);
    for (const name of ['a', 'bbbbbb', 'c', 'dddddddd', 'e']) await table.add(name);
    expect(lines).toHaveLength(5);
    await table.end();
    expect(lines).toEqual([
      ...['NAME    LENGTH', 'a            1', 'bbbbbb       6'],
      ...['c              1', 'dddddddd       8', 'e              1'],
    ]);
    await table.end();
    expect(lines).toHaveLength(6);
  });
});

describe('the command refuses', () => {
  it.each([
    [['show', 'route', '--limit', '5'], '--limit: not for show route: expected with show flow'],
    [['show', 'flow', '--l4-port', 'web'], '--l4-port web: expected a number from 0 to 65535'],
    [
      ['show', 'flow', '--port', '80'],
      '--port: not for show flow: expected with show port, lease, route, counters (--l4-port',
    ],
  ])('%j', async (args, message) => {
    const file = join(mkdtempSync(join(tmpdir(), 'segue-show-')), 'node.yaml');
    writeFileSync(file, '{ "node": "hv1", "uplinks": ["eth0"], "intent": "intent.json" }');
    const program = new Command('segue').exitOverride();
    addShowCommand(program);
    await expect(program.parseAsync(['node', 'segue', ...args, '-c', file])).rejects.toThrow(message);
    rmSync(dirname(file), { recursive: true });
  });

  it('an unknown table, and lists the known ones', async () => {
    const program = new Command('segue').exitOverride();
    addShowCommand(program);
    const shows = (what: string) =>
      expect(program.parseAsync(['node', 'segue', 'show', what, '-c', '/nonexistent.yaml']));
    await shows('vrfx').rejects.toMatchObject({
      exitCode: 2,
      message:
        'show vrfx: expected one of vrf, sid, route, nexthop, port, lease, fastpath, counters, gateway, policy, flow',
    });
    // As people type them; what stops these is the node file.
    for (const what of ['vrfs', 'ports', 'policies', 'policy', 'counter', 'flows']) {
      await shows(what).rejects.toMatchObject({ code: 'INTENT_INVALID' });
    }
  });
});
