/** DHCP and RA templates byte by byte: user space makes the bytes, and programs copy them. */
import { describe, expect, it } from 'vitest';
import { encodeBoot } from '../../../src/dhcp/boot.js';
import { encodeLease4, options4 } from '../../../src/dhcp/dhcpv4.js';
import { encodeLease6 } from '../../../src/dhcp/dhcpv6.js';
import { eui64Address } from '../../../src/dhcp/check.js';
import { lease4Of, lease6Of, routerAdvertisementOf } from '../../../src/dhcp/lease.js';
import { advertisementFrame } from '../../../src/dhcp/router-advertisement.js';
import { BootFile, BootFiles, Dhcp4Lease, Dhcp6Lease } from '../../../src/ebpf/generated/layouts.js';
import type { Subnet } from '../../../src/intent/types.js';

const MAC = '02:00:00:00:00:0a';
const V4: Subnet = {
  prefix: '10.0.0.0/24',
  gateway: '10.0.0.1',
  dhcp: { dns: ['10.0.0.53'], domain: 'red.example', lease: 3600 },
};
const V6: Subnet = { prefix: 'fd00:10::/64', gateway: 'fd00:10::1', dhcp: { dns: ['fd00::53'], lease: 3600 } };
const port = { mac: MAC, addresses: ['10.0.0.10', 'fd00:10::a'], prefixes: [] as string[], hostname: 'red-a' };
const tenant = (...subnets: Subnet[]) => ({ id: 100, subnets });
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('DHCPv4', () => {
  it('has type, server, times and mask first, in this order, then the other options', () => {
    const lease = lease4Of(tenant(V4), port, 1460);
    if (lease === undefined) throw new Error('no lease');
    expect(hex(options4(lease))).toBe(
      '350102' +
        '36040a000001' +
        '330400000e10' +
        '3a0400000708' +
        '3b0400000c4e' +
        '0104ffffff00' +
        '03040a000001' +
        '06040a000035' +
        '0c057265642d61' +
        '0f0b7265642e6578616d706c65' +
        '1a0205b4',
    );
    const value = encodeLease4(lease);
    const message = value.subarray(Dhcp4Lease.OFFSETS.message);
    expect(hex(message.subarray(0, 4))).toBe('02010600');
    expect(hex(message.subarray(16, 20))).toBe('0a00000a');
    expect(hex(message.subarray(28, 34))).toBe('02000000000a');
    expect(hex(message.subarray(236, 243))).toBe('63825363350102');
    expect(value.readUInt16LE(Dhcp4Lease.OFFSETS.messageBytes)).toBe(240 + options4(lease).length);
    expect(value.readUInt16LE(Dhcp4Lease.OFFSETS.msRoutesBytes)).toBe(0);
  });

  it('for a /32 has an on-link route to the router, and the default route among its routes', () => {
    const dhcp = { lease: 600, netmask: 'host' as const, routes: [{ to: '10.9.0.0/16', via: '10.0.0.1' }] };
    const lease = lease4Of(tenant({ ...V4, dhcp }), { mac: MAC, addresses: port.addresses, prefixes: [] }, 1460);
    if (lease === undefined) throw new Error('no lease');
    const routes = '200a00000100000000' + '100a090a000001' + '000a000001';
    expect(hex(options4(lease))).toContain(`0104ffffffff03040a000001${'1a0205b4'}7915${routes}`);
    const value = encodeLease4(lease);
    const bytes = value.readUInt16LE(Dhcp4Lease.OFFSETS.msRoutesBytes);
    expect(hex(value.subarray(Dhcp4Lease.OFFSETS.msRoutes).subarray(0, bytes))).toBe(`f915${routes}`);
  });

  it('is offered only in subnets with dhcp', () => {
    expect(lease4Of(tenant({ prefix: V4.prefix, gateway: V4.gateway }), port, 1460)).toBeUndefined();
  });
});

describe('boot', () => {
  it('has a file for each client architecture, and the server', () => {
    const value = encodeBoot({ server: '10.0.0.5', bios: 'a.kpxe', http: 'http://10.0.0.5/b.efi', prefixLength: 20 });
    const optionsOf = (client: number): string => {
      const at = BootFiles.OFFSETS.files + client * BootFile.SIZE;
      const bytes = value.readUInt16LE(at + BootFile.OFFSETS.optionBytes);
      return value
        .subarray(at + BootFile.OFFSETS.options)
        .subarray(0, bytes)
        .toString('latin1');
    };
    expect(optionsOf(0)).toBe('\x43\x06a.kpxe\x42\x0810.0.0.5\x96\x04\x0a\x00\x00\x05');
    expect(optionsOf(1)).toBe('');
    expect(optionsOf(2)).toBe('');
    expect(optionsOf(3).startsWith('\x43\x15http://10.0.0.5/b.efi\x3c\x0aHTTPClient')).toBe(true);
    expect(hex(value.subarray(0, 8))).toBe('0a000005' + 'fffff000');
  });
});

describe('DHCPv6', () => {
  const parts = (value: Buffer) => {
    const { OFFSETS } = Dhcp6Lease;
    const part = (at: number, bytes: number): string => hex(value.subarray(at, at + value.readUInt16LE(bytes)));
    return {
      na: part(OFFSETS.na, OFFSETS.naBytes),
      pd: part(OFFSETS.pd, OFFSETS.pdBytes),
      options: part(OFFSETS.options, OFFSETS.optionsBytes),
    };
  };

  it("has addresses, delegated prefixes, and the gateway's DUID", () => {
    const lease = lease6Of(tenant(V6), { ...port, prefixes: ['fd00:77::/56', '172.16.0.0/24'] });
    if (lease === undefined) throw new Error('no lease');
    expect(parts(encodeLease6(lease))).toEqual({
      na:
        '00030028' +
        '00000000' +
        '00000708' +
        '00000b40' +
        '00050018' +
        'fd00001000000000000000000000000a' +
        '00000e1000000e10',
      pd:
        '00190029' +
        '00000000' +
        '00000708' +
        '00000b40' +
        '001a0019' +
        '00000e1000000e10' +
        '38' +
        'fd000077000000000000000000000000',
      options: '0002000a' + '00030001' + '027367000064' + '00170010' + 'fd000000000000000000000000000053',
    });
  });

  it('with slaac answers that it has no addresses', () => {
    const lease = lease6Of(tenant({ ...V6, ra: { mode: 'slaac' } }), port);
    if (lease === undefined) throw new Error('no lease');
    expect(parts(encodeLease6(lease)).na).toBe('00030012' + '00000000' + '0000000000000000' + '000d0002' + '0002');
  });
});

describe('router advertisements', () => {
  it('have a checksum, an off-link prefix, and the M and O flags with DHCPv6', () => {
    const advertisement = routerAdvertisementOf(tenant(V6), port, 1460);
    if (advertisement === undefined) throw new Error('none');
    const frame = advertisementFrame(advertisement);
    expect(hex(frame.subarray(0, 22))).toBe('333300000001' + '027367000064' + '86dd' + '60000000' + '0058' + '3aff');
    const body = frame.subarray(54);
    expect(hex(body.subarray(4, 8))).toBe('40c0ffff');
    expect(hex(body)).toContain('03044000ffffffffffffffff00000000' + 'fd000010000000000000000000000000');
    let sum = 0;
    const pseudo = Buffer.concat([frame.subarray(22, 54), Buffer.of(0, 0, 0, body.length, 0, 0, 0, 58), body]);
    for (let at = 0; at < pseudo.length; at += 2) sum += pseudo.readUInt16BE(at);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    expect(sum).toBe(0xffff);
  });

  it('with slaac advertise the port’s own /64, or else the shared one', () => {
    const slaac = tenant({ ...V6, ra: { mode: 'slaac' } });
    expect(routerAdvertisementOf(slaac, port, 1460)).toMatchObject({
      ...{ managed: false, other: true, prefixes: [{ prefix: 'fd00:10::/64', autonomous: true }] },
    });
    expect(routerAdvertisementOf(slaac, { ...port, prefixes: ['fd00:20::/64'] }, 1460)?.prefixes).toEqual([
      { prefix: 'fd00:20::/64', autonomous: true },
    ]);
    expect(eui64Address('fd00:10::/64', MAC)).toBe('fd00:10::ff:fe00:a');
  });

  it('are absent in mode none', () => {
    expect(routerAdvertisementOf(tenant({ ...V6, ra: { mode: 'none' } }), port, 1460)).toBeUndefined();
  });
});
