import { Links } from './links.js';
import { Progress } from './progress.js';
import { SavedSettings } from './saved-settings.js';
import { Sysctls } from './sysctl.js';
import { ObjectIds } from './object-ids.js';
import { NEXTHOP_ID_BASE, NEXTHOP_ID_COUNT } from '../plan/numbers.js';
import { executeAll, type NetlinkError, type NetlinkRequest, NetlinkSocket, netnsIdentity } from 'netlink-ts';
import { nft } from './nft.js';

export interface KernelOptions {
  /** Named network namespace; absent: this process's own. */
  netns?: string;
  /** Run-time directory of the node. */
  runDirectory: string;
  /** Where the node's eBPF maps, programs and links are pinned: a directory in a bpffs. */
  pinDirectory: string;
  /** The kernel forwards alone: of the eBPF programs only the one that answers neighbour solicitations is there. */
  responderAlone?: boolean;
}

/** What a feature holds of a namespace beside its sockets. */
export interface KernelPart {
  close(): void;
}

/** Features' parts by the name that a `Kernel` has each under; a feature adds its own. */
export interface KernelParts {}

export type KernelFactories = { readonly [P in keyof KernelParts]: (options: KernelOptions) => KernelParts[P] };

/** One network namespace of the kernel, with what features hold of it. */
export type Kernel = KernelNamespace & Readonly<KernelParts>;

export function openKernel(options: KernelOptions, parts: KernelFactories): Kernel {
  const kernel = new KernelNamespace(options);
  for (const [name, make] of Object.entries(parts) as [string, (options: KernelOptions) => KernelPart][]) {
    const part = make(options);
    Object.defineProperty(kernel, name, { value: part });
    kernel.parts.push(part);
  }
  return kernel as Kernel;
}

/** One network namespace of the kernel, as far as resources need it: mechanism, which knows no tenants. */
export class KernelNamespace {
  readonly netns: string | undefined;
  /** Of the named namespace that the sockets are in. */
  readonly #identity: string | undefined;
  readonly socket: NetlinkSocket;
  /** Generic netlink, for the namespace's seg6 settings. */
  readonly generic: NetlinkSocket;
  readonly links: Links;
  readonly sysctls: Sysctls;
  readonly savedSettings: SavedSettings;
  readonly progress = new Progress();
  readonly nexthopIds = new ObjectIds({ what: 'next hop', first: NEXTHOP_ID_BASE, count: NEXTHOP_ID_COUNT });
  readonly parts: KernelPart[] = [];

  constructor({ netns, runDirectory }: KernelOptions) {
    this.netns = netns;
    // Before the sockets: one that is replaced meanwhile is noticed.
    this.#identity = netns === undefined ? undefined : netnsIdentity(netns);
    this.socket = NetlinkSocket.open({ protocol: 'route', netns });
    this.generic = NetlinkSocket.open({ protocol: 'generic', netns });
    this.links = new Links(this.socket);
    this.sysctls = new Sysctls(netns);
    this.savedSettings = new SavedSettings(runDirectory, this.socket.netnsCookie());
  }

  /** Whether the name of the namespace still means the one that the sockets are in. */
  isCurrent(): boolean {
    return this.netns === undefined || netnsIdentity(this.netns) === this.#identity;
  }

  /** Sends requests in batches; the event loop breathes in between. Failures are told by the request's index. */
  async execute(
    requests: Iterable<NetlinkRequest>,
    onError: (index: number, error: NetlinkError) => void,
  ): Promise<void> {
    await executeAll(this.socket, this.#counted(requests), {
      onFailure: ({ index, error }) => {
        onError(index, error);
      },
    });
  }

  *#counted(requests: Iterable<NetlinkRequest>): Generator<NetlinkRequest> {
    for (const request of requests) {
      yield request;
      this.progress.done += 1;
    }
  }

  nft(args: readonly string[], script?: string): Promise<string> {
    return nft(this.netns, args, script);
  }

  close(): void {
    this.socket.close();
    this.generic.close();
    for (const part of this.parts) part.close();
  }
}
