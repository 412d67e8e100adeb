import { Links } from './links.js';
import { Remembered } from './remembered.js';
import { Sysctls } from './sysctl.js';
import { NexthopIds } from '../encap/nexthop-ids.js';
import { NetlinkSocket } from '../netlink/socket.js';
import { executeAll } from '../netlink/execute-all.js';
import { nft } from './nft.js';
import type { NetlinkError } from '../netlink/error.js';
import type { NetlinkRequest } from '../netlink/request.js';

export interface KernelOptions {
  /** Named network namespace; absent: this process's own. */
  netns?: string;
  /** Run-time directory of the node. */
  runDirectory: string;
}

/** One network namespace of the kernel, as far as the kinds need it: mechanism, without a word of tenants. */
export class Kernel {
  readonly netns: string | undefined;
  readonly socket: NetlinkSocket;
  /** Generic netlink, for the namespace's seg6 settings. */
  readonly generic: NetlinkSocket;
  readonly links: Links;
  readonly sysctls: Sysctls;
  readonly remembered: Remembered;
  readonly nexthopIds = new NexthopIds();

  constructor({ netns, runDirectory }: KernelOptions) {
    this.netns = netns;
    this.socket = NetlinkSocket.open({ protocol: 'route', netns });
    this.generic = NetlinkSocket.open({ protocol: 'generic', netns });
    this.links = new Links(this.socket);
    this.sysctls = new Sysctls(netns);
    this.remembered = new Remembered(runDirectory);
  }

  /** Sends requests in batches; the event loop breathes in between. Failures are told by the request's index. */
  async execute(
    requests: Iterable<NetlinkRequest>,
    onError: (index: number, error: NetlinkError) => void,
  ): Promise<void> {
    await executeAll(this.socket, requests, {
      onFailure: ({ index, error }) => {
        onError(index, error);
      },
    });
  }

  nft(args: readonly string[], script?: string): Promise<string> {
    return nft(this.netns, args, script);
  }

  close(): void {
    this.socket.close();
    this.generic.close();
  }
}
