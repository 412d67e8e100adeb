/**
 * Prints which links are up, then each change, until it is interrupted.
 *
 *     node watch-links.ts [netns]
 */
import { once } from 'node:events';
import { type Link, Rtnetlink } from 'netlink-ts';

const [netns] = process.argv.slice(2);
const rt = Rtnetlink.open(netns === undefined ? {} : { netns });
/** By ifindex, what was printed last. */
const printed = new Map<number, string>();

function show({ index, name, up, carrier }: Link): void {
  const line = `${name} ${!up ? 'down' : carrier === false ? 'no carrier' : 'up'}`;
  // A link has notifications of much else, such as its MTU.
  if (printed.get(index) !== line) console.log(line);
  printed.set(index, line);
}

function remove(index: number): void {
  const line = printed.get(index);
  if (line !== undefined) console.log(`${line.split(' ')[0] ?? ''} removed`);
  printed.delete(index);
}

function list(): void {
  const links = rt.links.list();
  const there = new Set(links.map(({ index }) => index));
  for (const index of [...printed.keys()]) if (!there.has(index)) remove(index);
  for (const link of links) show(link);
}

// The monitor is open before the links are listed, so no change is missed in between.
const monitor = rt.monitor({
  groups: ['link'],
  onEvents: (events) => {
    for (const { kind, change, value } of events) {
      if (kind !== 'link') continue;
      if (change === 'new') show(value);
      else remove(value.index);
    }
  },
  // The kernel had no room for some notifications: the list says what they would have said.
  onOverflow: list,
});
list();
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
monitor.close();
rt.close();
