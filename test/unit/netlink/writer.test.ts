import { describe, expect, test } from 'vitest';
import { isNetlinkError, NetlinkError, errnoName } from '../../../src/netlink/error.js';
import { newLink, setLink } from '../../../src/netlink/link.js';
import { createNexthop } from '../../../src/netlink/nexthop.js';
import { createRoute, describeRoute, replaceRoute } from '../../../src/netlink/route.js';
import { createRule } from '../../../src/netlink/rule.js';
import { MAX_MESSAGE_BYTES, MessageWriter } from '../../../src/netlink/writer.js';

describe('the writer refuses, before anything is sent,', () => {
  test.each([
    [
      createRoute({ table: 1, prefix: '10.0.0.1/24' }),
      '"10.0.0.1/24": expected no bits set beyond the length: 10.0.0.0/24',
    ],
    [createRoute({ table: 1, prefix: 'red' }), '"red": expected a prefix, address/length'],
    [createRoute({ table: 1, prefix: '10.0.0.0/8', prefSrc: 'fd00::1' }), 'address fd00::1: expected an IPv4 address'],
    [
      createRoute({ table: 1, prefix: '10.0.0.0/8', encap: { type: 'seg6', mode: 'encap', segments: ['10.0.0.1'] } }),
      'address 10.0.0.1: expected an IPv6 address',
    ],
    [
      createRoute({ table: 1, prefix: '10.0.0.0/8', encap: { type: 'seg6', mode: 'encap', segments: [] } }),
      '0 segments: expected 1 to 127',
    ],
    [
      createRoute({ table: 1, prefix: '10.0.0.0/8', encap: { type: 'other', encapType: 1 } }),
      'encapsulation type 1: expected seg6 or seg6local',
    ],
    [createNexthop({ id: 1, group: [{ id: 2, weight: 0 }] }), 'next hop 2: weight 0: expected 1 to 65536'],
    [createRule({ family: 4, priority: 1, from: 'fd00::/8' }), 'prefix fd00::/8: expected an IPv4 prefix'],
    [newLink({ name: 'abcdefghijklmnop', kind: 'veth' }), 'interface name "abcdefghijklmnop": expected 1 to 15 bytes'],
    [newLink({ name: 'sg-1', kind: 'vrf' }), 'link sg-1: expected vrfTable for a vrf'],
    [setLink(1, { mac: '02:00' }), '"02:00": expected a MAC address such as 02:00:00:00:00:0a'],
  ])('row %#: %s', (request, message) => {
    expect(() => {
      request.encode(new MessageWriter());
    }).toThrow(message);
  });

  test('a message over the size limit', () => {
    const group = Array.from({ length: 9000 }, (_, i) => ({ id: i + 1, weight: 1 }));
    expect(() => {
      createNexthop({ id: 1, group }).encode(new MessageWriter());
    }).toThrow(`expected at most ${MAX_MESSAGE_BYTES}`);
  });

  test('a message beyond the end of the buffer, where typed arrays would drop bytes silently', () => {
    const writer = new MessageWriter(256);
    const segments = Array.from({ length: 100 }, () => 'fd00::1');
    expect(() => {
      createRoute({ table: 1, prefix: '10.0.0.0/8', encap: { type: 'seg6', mode: 'encap', segments } }).encode(writer);
    }).toThrow(RangeError);
    expect(writer.length).toBe(0);
  });
});

describe('an error', () => {
  test('names the operation, the object and the kernel’s message', () => {
    const request = replaceRoute({ table: 1577058404, prefix: '10.0.0.10/32', nexthopId: 7 });
    const error = new NetlinkError({
      operation: request.describe(),
      errno: 22,
      kernelMessage: 'Unknown lwt encapsulation type',
    });
    expect(error.message).toBe(
      'replace route 10.0.0.10/32 nhid 7 table 1577058404: EINVAL: Unknown lwt encapsulation type',
    );
    expect(error).toMatchObject({ code: 'NETLINK_EINVAL', errno: 22, errnoName: 'EINVAL' });
    expect(isNetlinkError(error, 'ENOENT', 'EINVAL')).toBe(true);
    expect(isNetlinkError(error, 'ENOENT')).toBe(false);
    expect(isNetlinkError(new Error('EINVAL'))).toBe(false);
  });

  test.each([
    [2, 'ENOENT'],
    [11, 'EAGAIN'],
    [95, 'EOPNOTSUPP'],
    [105, 'ENOBUFS'],
    [524, 'ENOTSUPP'],
    [4095, 'E4095'],
  ])('with code %i is %s', (errno, name) => {
    expect(errnoName(errno)).toBe(name);
  });

  test('describes routes in the syntax of ip', () => {
    expect(
      describeRoute({
        table: 254,
        prefix: 'fd00:5e:1:4600:64::/128',
        oif: 5,
        encap: { type: 'seg6local', action: 'End.DT46', vrfTable: 100, count: true },
      }),
    ).toBe('fd00:5e:1:4600:64::/128 encap seg6local action End.DT46 vrftable 100 count ifindex 5 table 254');
    expect(describeRoute({ table: 9, prefix: '0.0.0.0/0', type: 'unreachable', metric: 7 })).toBe(
      'unreachable 0.0.0.0/0 table 9 metric 7',
    );
  });
});
