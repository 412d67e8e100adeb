/**
 * Connects a network namespace by a veth pair: both ends get addresses, and the namespace a default route.
 *
 *     node connect-netns.ts NETNS DEVICE ADDRESS/LENGTH ADDRESS     such as blue veth-blue 10.0.0.1/24 10.0.0.2
 *
 * The first address is this side's. Removing DEVICE removes all of it.
 */
import { closeSync, openSync } from 'node:fs';
import { Rtnetlink } from 'netlink-ts';

const [netns, device, prefix = '', theirs] = process.argv.slice(2);
const [ours, length] = prefix.split('/');
if (netns === undefined || device === undefined || ours === undefined || theirs === undefined || length === undefined) {
  throw new Error('usage: connect-netns.ts NETNS DEVICE ADDRESS/LENGTH ADDRESS');
}

const here = Rtnetlink.open();
// A socket stays in the namespace that it was opened in, so one process can talk to both.
const there = Rtnetlink.open({ netns });
const fd = openSync(`/run/netns/${netns}`, 'r');
// The far end is made in its namespace: its name is never taken here.
here.links.create({ name: device, kind: 'veth', up: true, peer: { name: 'eth0', netnsFd: fd } });
closeSync(fd);
try {
  here.addresses.create({ dev: device, address: ours, length: Number(length) });
  for (const name of ['lo', 'eth0']) there.links.set(name, { up: true });
  there.addresses.create({ dev: 'eth0', address: theirs, length: Number(length) });
  there.routes.create({ prefix: 'default', gateway: ours });
} catch (error) {
  // Both ends of a veth pair go together, and routes and addresses with them.
  here.links.delete(device);
  throw error;
}
console.log(`${device} ${ours} is connected with eth0 ${theirs} of ${netns}`);
here.close();
there.close();
