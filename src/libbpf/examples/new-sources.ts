/**
 * Prints each IPv4 address that a packet comes from for the first time, through a ring buffer, until it is interrupted.
 *
 *     node new-sources.ts sources.o INTERFACE
 */
import { once } from 'node:events';
import { attachXdp, BpfObject, RingBuffer } from 'libbpf-ts';

const [file, device] = process.argv.slice(2);
if (file === undefined || device === undefined) throw new Error('usage: new-sources.ts sources.o INTERFACE');

const object = BpfObject.load(file);
// The event loop wakes up when there is a record. The process waits for nothing else, and has no thread for it.
const ring = new RingBuffer(object.map('new_sources'), (record) => {
  console.log([...record.subarray(0, 4)].join('.'));
}).start();
const link = attachXdp(object.program('count_sources'), { interface: device });
console.log(`waiting for packets at ${device}`);

await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
for (const handle of [link, ring, object]) handle.close();
