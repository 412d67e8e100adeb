/** A network namespace per test, with sockets in it, removed when the test ends. */
import { spawnSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { getLink, newLink, setLink } from '../../../src/netlink/link.js';
import { createNetns, deleteNetns, inNetns } from '../../../src/netlink/netns.js';
import { NetlinkSocket } from '../../../src/netlink/socket.js';

let counter = 0;

export class TestNetns {
  readonly name: string;
  readonly socket: NetlinkSocket;

  constructor() {
    this.name = `nlt-${process.pid}-${counter++}`;
    createNetns(this.name);
    this.socket = NetlinkSocket.open({ protocol: 'route', netns: this.name });
    this.socket.request(setLink('lo', { up: true }));
    onTestFinished(() => {
      this.socket.close();
      // DEBUG=1 leaves the namespace for a look.
      if (process.env.DEBUG) console.log(`left standing: ip netns exec ${this.name} bash`);
      else deleteNetns(this.name);
    });
  }

  open(protocol: 'route' | 'generic' | 'netfilter'): NetlinkSocket {
    const socket = NetlinkSocket.open({ protocol, netns: this.name });
    onTestFinished(() => {
      socket.close();
    });
    return socket;
  }

  /** Runs a command in the namespace; throws with its words when it fails. */
  run(command: string, ...args: string[]): string {
    const result = inNetns(this.name, () => spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1 << 28 }));
    if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  /** `ip …` given as one line. */
  ip(line: string): string {
    return this.run('ip', ...line.split(' '));
  }

  ipJson<T>(line: string): T[] {
    return JSON.parse(this.run('ip', '-j', '-d', ...line.split(' ')) || '[]') as T[];
  }

  /** A veth pair, both ends up and with carrier; the first end's ifindex. */
  veth(name = 'v0', peer = 'v1'): number {
    this.socket.request(newLink({ name, kind: 'veth', up: true, peer: { name: peer } }));
    this.socket.request(setLink(peer, { up: true }));
    return this.indexOf(name);
  }

  indexOf(name: string): number {
    const link = getLink(this.socket, name);
    if (!link) throw new Error(`link ${name}: expected it in ${this.name}`);
    return link.index;
  }
}
