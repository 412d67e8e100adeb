/**
 * Drops what comes in by an interface from IPv4 prefixes, before the kernel's stack sees it, until it is interrupted. Prints how much that was.
 *
 *     node drop-prefixes.ts sources.o INTERFACE PREFIX...     such as eth0 198.51.100.0/24 192.0.2.7/32
 */
import { once } from 'node:events';
import { attachXdp, BpfObject } from 'libbpf-ts';

const [file, device, ...prefixes] = process.argv.slice(2);
if (file === undefined || device === undefined)
  throw new Error('usage: drop-prefixes.ts sources.o INTERFACE PREFIX...');

const object = BpfObject.load(file);
// Keys and values are objects with the fields of the C structs, which the object's type information has.
const blocked = object.typedMap('blocked');
for (const prefix of prefixes) {
  const [address = '', length = '32'] = prefix.split('/');
  blocked.set({ length: Number(length), address: Buffer.from(address.split('.').map(Number)) }, 1);
}
const link = attachXdp(object.program('count_sources'), { interface: device });
console.log(`${device}: ${prefixes.length} prefixes are dropped`);

let printed = 0;
function report(): void {
  const dropped = Number(object.variables.get('dropped'));
  if (dropped !== printed) console.log(`${dropped} packets dropped`);
  printed = dropped;
}
const timer = setInterval(report, 1000);
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
// Without a pin, the program is off the interface once its link is closed, or the process ends.
link.close();
clearInterval(timer);
report();
object.close();
