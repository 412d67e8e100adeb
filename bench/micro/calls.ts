/** What a call costs: through koffi alone, a map operation, encoding and decoding; a netlink request's encoding. */
import koffi from 'koffi';
import { BpfMap, possibleCpus, TypedMap } from 'libbpf-ts';
import { Endpoint, EndpointKey } from '../../test/kernel/libbpf/generated/maps.js';
import { createRoute, MessageWriter } from 'netlink-ts';
import { type Effort, measure, nsEach, type Row, times } from './rows.js';

const CALLS = 200_000;

export function measureCalls(effort: Effort): Row[] {
  const count = times(CALLS, effort);
  const map = BpfMap.create({
    type: 'hash',
    keySize: EndpointKey.SIZE,
    valueSize: Endpoint.SIZE,
    maxEntries: 16,
    name: 'calls',
  });
  const libc = koffi.load(null);
  const getpagesize = libc.func('int getpagesize()');
  const memcpy = libc.func('void *memcpy(void *to, void *from, size_t length)');
  const [from, to] = [Buffer.alloc(8), Buffer.alloc(8)];
  const key: EndpointKey = { tenant: 100, address: Buffer.alloc(16, 1) };
  const path = { sourceMac: Buffer.alloc(6), destMac: Buffer.alloc(6), ifindex: 1 };
  const value: Endpoint = {
    sid: Buffer.alloc(16),
    paths: [path, path],
    port: 1,
    pathCount: 2,
    local: false,
    last: 0,
    weight: 0,
    flowLabel: 7,
    packets: 5n,
    gateway6: Buffer.alloc(16),
    level: 0,
  };
  const [keyBytes, valueBytes] = [Buffer.alloc(EndpointKey.SIZE), Buffer.alloc(Endpoint.SIZE)];
  EndpointKey.encode(keyBytes, 0, key);
  const typed = new TypedMap(map, EndpointKey, Endpoint);
  typed.set(key, value);
  const writer = new MessageWriter();
  const route = createRoute({ table: 0x5e000001, prefix: '10.0.0.1/32', protocol: 94, nexthopId: 1 });
  try {
    return measure(
      [
        nsEach('call without arguments (getpagesize)', count, () => void getpagesize()),
        nsEach('call with two Buffers (memcpy of 8 bytes)', count, () => void memcpy(to, from, 8)),
        nsEach('map lookup, bytes', count, () => map.lookup(keyBytes, valueBytes)),
        nsEach('map lookup, codecs', count, () => typed.get(key)),
        nsEach('map update, codecs', count, () => {
          typed.set(key, value);
        }),
        nsEach('encode a key of 20 bytes, 2 fields', count, () => {
          EndpointKey.encode(keyBytes, 0, key);
        }),
        nsEach('encode a value of 96 bytes, 15 fields', count, () => {
          Endpoint.encode(valueBytes, 0, value);
        }),
        nsEach('decode a value of 96 bytes, 15 fields', count, () => Endpoint.decode(valueBytes, 0)),
        nsEach('encode a netlink request, a route by next-hop object', count, () => {
          if (!writer.hasRoom) writer.rewind();
          route.encode(writer);
        }),
        nsEach('possible CPUs (no call: kept)', count, () => possibleCpus()),
      ],
      effort,
    );
  } finally {
    map.close();
  }
}
