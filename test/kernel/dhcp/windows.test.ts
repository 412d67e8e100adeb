/**
 * Messages as Windows 10 composes them, with its options in its order: it requests option 249, sends its name in option
 * 81, and has class `MSFT 5.0`. They are not recordings, as no Windows was available.
 */
import { describe, expect, it } from 'vitest';
import { encodeLease4 } from '../../../src/dhcp/dhcpv4.js';
import { encodeLease6 } from '../../../src/dhcp/dhcpv6.js';
import { Bench } from '../fastpath/bench.js';
import { bytesOf } from '../fastpath/packets.js';
import { u32 } from '../libbpf/harness.js';
import * as requests from './requests.js';

const { dhcp4, dhcp6, END, option, option6, TYPE, TYPE6, VM_MAC } = requests;

const ADDRESS = '10.0.0.10';
const SERVER = '10.0.0.1';
const ROUTES = '200a00000100000000' + '100a090a000001' + '000a000001';
const NAME = 'DESKTOP-4G7K2QF';
const ID = Buffer.from(`01${VM_MAC.replaceAll(':', '')}`, 'hex');
const PARAMETERS = [1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252];

const tail = [option(60, Buffer.from('MSFT 5.0')), option(55, ...PARAMETERS), END];
const named = option(12, Buffer.from(NAME));
const fqdn = option(81, 0, 0, 0, Buffer.from(NAME));

describe('Windows 10', () => {
  it('gets its routes as option 249 in reply to DISCOVER, REQUEST, INFORM and a renewal', () => {
    const one = new Bench();
    one.maps.sg_dhcp4.update(
      u32(one.ifindex),
      encodeLease4({
        ...{ mac: VM_MAC, address: ADDRESS, prefixLength: 32, server: SERVER, seconds: 3600, mtu: 1460 },
        ...{ dns: [SERVER], domain: 'red.example', search: ['red.example'], hostname: 'red-a' },
        routes: [
          { to: '10.0.0.1/32', via: '0.0.0.0' },
          { to: '10.9.0.0/16', via: SERVER },
          { to: '0.0.0.0/0', via: SERVER },
        ],
      }),
    );
    const ask = (options: Uint8Array[], around: { ciaddr?: string; from?: string; to?: string } = {}) => {
      const { ciaddr = '0.0.0.0', ...packet } = around;
      const sent = one.send('dhcp4_tc', dhcp4({ ciaddr, options }, packet));
      expect(sent.verdict).toBe('redirect');
      return requests.readReply4(sent.frame);
    };
    const offer = ask([option(53, TYPE.discover), option(61, ID), option(50, '10.0.0.99'), named, ...tail]);
    const taken = [option(50, ADDRESS), option(54, SERVER)];
    const ack = ask([option(53, TYPE.request), option(61, ID), ...taken, named, fqdn, ...tail]);
    const renewal = { ciaddr: ADDRESS, from: ADDRESS, to: SERVER };
    const renewed = ask([option(53, TYPE.request), option(61, ID), named, fqdn, ...tail], renewal);
    const informed = ask([option(53, TYPE.inform), option(61, ID), named, ...tail], { ciaddr: ADDRESS, from: ADDRESS });
    expect([offer, ack, renewed, informed].map(({ type }) => type)).toEqual([TYPE.offer, TYPE.ack, TYPE.ack, TYPE.ack]);
    expect(renewed.ciaddr).toEqual(bytesOf(ADDRESS));
    for (const { options } of [offer, ack, renewed, informed]) {
      expect(options.get(249)?.toString('hex')).toBe(ROUTES);
      expect(options.get(121)?.toString('hex')).toBe(ROUTES);
      expect(options.get(61)).toEqual(ID);
      expect(options.get(54)).toEqual(bytesOf(SERVER));
    }
  });

  it('gets addresses by DHCPv6 with its class, name and requested options', () => {
    const one = new Bench();
    const lease = { serverMac: '02:00:00:00:01:01', addresses: ['cafe::10'], prefixes: [], seconds: 3600 };
    one.maps.sg_dhcp6.update(u32(one.ifindex), encodeLease6({ ...lease, dns: ['cafe::53'], search: ['red.example'] }));
    const id = option6(1, Buffer.from(`0001000123a1b2c3${VM_MAC.replaceAll(':', '')}`, 'hex'));
    const rest = [
      option6(39, Buffer.concat([Buffer.of(0, NAME.length), Buffer.from(NAME)])),
      option6(16, Buffer.from('0000013700084d53465420352e30', 'hex')),
      option6(6, Buffer.from('0011001700180027', 'hex')),
    ];
    const elapsed = option6(8, Buffer.of(0, 0));
    const ask = (type: number, ...options: Buffer[]) =>
      requests.readReply6(one.send('dhcp6_tc', dhcp6(type, [elapsed, id, ...options, ...rest])).frame);
    const ia = requests.ia(0x06020000);
    const advertised = ask(TYPE6.solicit, ia);
    expect(advertised.type).toBe(TYPE6.advertise);
    const server = advertised.options.find(({ code }) => code === 2)?.value ?? Buffer.alloc(0);
    const replied = ask(TYPE6.request, option6(2, server), requests.ia(0x06020000, 'cafe::10'));
    expect(replied.type).toBe(TYPE6.reply);
    const given = replied.options.find(({ code }) => code === 3)?.value ?? Buffer.alloc(12);
    expect(requests.addressesOf(given)).toEqual([{ address: bytesOf('cafe::10'), valid: 3600 }]);
    expect(replied.options.map(({ code }) => code)).toEqual(expect.arrayContaining([1, 23, 24]));
  });
});
