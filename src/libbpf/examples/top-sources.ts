/**
 * Counts the IPv4 packets that come in by an interface for some seconds, or until it is interrupted, then prints who sent most.
 *
 *     node top-sources.ts sources.o INTERFACE [seconds]
 */
import { setTimeout } from 'node:timers/promises';
import { attachXdp, BpfObject } from 'libbpf-ts';

const SHOWN = 10;
const ADDRESS_BYTES = 4;
/** struct traffic: packets and bytes. */
const TRAFFIC_BYTES = 16;

const [file, device, seconds = '10'] = process.argv.slice(2);
if (file === undefined || device === undefined) throw new Error('usage: top-sources.ts sources.o INTERFACE [seconds]');

const object = BpfObject.load(file);
const link = attachXdp(object.program('count_sources'), { interface: device });
console.log(`counting at ${device}`);

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
await setTimeout(Number(seconds) * 1000, undefined, { signal: interrupt.signal }).catch(() => undefined);
link.close();
const found: { address: string; packets: bigint; bytes: bigint }[] = [];
// A system call reads thousands of entries into two buffers, which serve again for the next batch.
for (const { keys, values, count } of object.map('sources').readBatches()) {
  for (let index = 0; index < count; index++) {
    const key = keys.subarray(index * ADDRESS_BYTES, (index + 1) * ADDRESS_BYTES);
    const packets = values.readBigUInt64LE(index * TRAFFIC_BYTES);
    const bytes = values.readBigUInt64LE(index * TRAFFIC_BYTES + 8);
    found.push({ address: [...key].join('.'), packets, bytes });
  }
}
found.sort((a, b) => Number(b.packets - a.packets));
for (const { address, packets, bytes } of found.slice(0, SHOWN)) {
  console.log(`${address} ${packets} packets ${bytes} bytes`);
}
object.close();
