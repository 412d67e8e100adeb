import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { renderTable } from '../../../src/cli/table.js';
import { addShowCommand } from '../../../src/cli/show.js';
import { counterLines } from '../../../src/cli/show/counters.js';
import { fastpathLines } from '../../../src/cli/show/fastpath.js';
import type { Fastpath, FastpathDevice } from '../../../src/cli/show/fastpath.js';
import { parseGuardCounters } from '../../../src/cli/show/guard-counters.js';
import { NEXTHOP_COLUMNS } from '../../../src/cli/show/nexthop.js';
import { linkState, PORT_COLUMNS } from '../../../src/cli/show/port.js';
import { ROUTE_COLUMNS } from '../../../src/cli/show/route.js';
import { SID_COLUMNS } from '../../../src/cli/show/sid.js';
import { VRF_COLUMNS } from '../../../src/cli/show/vrf.js';
import type { DeviceCounters } from '../../../src/cli/show/counters.js';

describe('tables of show', () => {
  it('vrf', () => {
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

  it('sid, with counters off', () => {
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

  it('route: segments, a gateway, a discard', () => {
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

  it('nexthop and port', () => {
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
      mtu: null,
    };
    expect(renderTable(PORT_COLUMNS, [port])).toEqual([
      'PORT   DEV    TENANT  VRF     STATE    MTU  LLADDR             ADDRESSES',
      'red-a  tap-a  red     sg-100  WAITING  -    02:00:00:00:00:0a  10.0.0.10 fd00:10::a',
    ]);
  });

  it('a link without IFF_UP is down, whatever its carrier', () => {
    expect(linkState({ up: false, carrier: true })).toBe('down');
    expect(linkState({ up: true, carrier: false })).toBe('no-carrier');
    expect(linkState({ up: true })).toBe('up');
  });

  it('fastpath says what runs and what was asked for', () => {
    const device = {
      device: 'eth0',
      role: 'uplink',
      state: 'up',
      tcx: null,
      xdp: null,
      foreignTcx: [3],
      foreignXdp: 17,
    };
    const nothing = { responder: false, devices: [device as FastpathDevice], maps: [], ways: [] };
    const missing = 'tcx not supported (requires >= 6.6)';
    expect(fastpathLines({ configured: 'hybrid', running: 'kernel', missing, ...nothing })).toEqual([
      'data plane: kernel (VRF, seg6, seg6local); no eBPF programs of segue',
      'the node file asks for "dataplane: hybrid", and cannot have it: tcx not supported (requires >= 6.6)',
      'DEV   ROLE    STATE  TCX  XDP  FOREIGN',
      'eth0  uplink  UP     -    -    tcx id 3 xdp id 17',
    ]);
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
      missing: null,
      devices: [{ ...(device as FastpathDevice), tcx: program, foreignTcx: [], foreignXdp: null }],
      maps: [{ map: 'members', entries: 12, size: 1048576 }],
      ways: [
        { to: 'fd00:5e:2::/48', hops: [{ device: 'eth0', lladdr: '02:00:00:00:00:01', mtu: 1500 }] },
        { to: 'fd00:5e:3::/48', hops: [] },
      ],
    };
    expect(fastpathLines(fastpath)).toEqual([
      'data plane: hybrid: eBPF programs, and the kernel (VRF, seg6, seg6local) for what they hand on',
      'DEV   ROLE    STATE  TCX                                        XDP  FOREIGN',
      'eth0  uplink  UP     segue_uplink_tc id 5 tag 0123456789abcdef  -    -',
      '',
      'MAP      ENTRIES     SIZE',
      'members       12  1048576',
      '',
      'TO              VIA',
      'fd00:5e:2::/48  dev eth0 lladdr 02:00:00:00:00:01 mtu 1500',
      'fd00:5e:3::/48  unresolved',
    ]);
  });

  it('counters: one table after the other, none for what is empty', () => {
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
        { verdict: 'forward' as const, reason: 'forwarded', packets: 3 },
        { verdict: 'punt' as const, reason: 'no member', packets: 0 },
      ],
    };
    expect(counterLines({ ports: [device], vrfs: [], sids: [], guard, fastpath })).toEqual([
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
    ]);
  });
});

describe('parseGuardCounters', () => {
  it('takes counters of our tables alone, the reason being the name', () => {
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

describe('the command', () => {
  it('knows what can be shown and refuses the rest', async () => {
    const program = new Command('segue').exitOverride();
    addShowCommand(program);
    let complaint = '';
    program.commands[0]?.exitOverride().configureOutput({ writeErr: (text) => (complaint += text) });
    await expect(program.parseAsync(['node', 'segue', 'show', 'vrfs'])).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    });
    expect(complaint).toContain('vrf, sid, route, nexthop, port, fastpath, counters');
  });
});
