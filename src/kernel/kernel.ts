import { Links } from './links.js';
import { Progress } from './progress.js';
import { SavedSettings } from './saved-settings.js';
import { Sysctls } from './sysctl.js';
import { ObjectIds } from './object-ids.js';
import { NEXTHOP_ID_BASE, NEXTHOP_ID_COUNT } from '../plan/numbers.js';
import { executeAll, type NetlinkError, type NetlinkRequest, NetlinkSocket, netnsIdentity } from 'netlink-ts';
import { nft } from './nft.js';

export interface KernelOptions {
  /** Named network namespace; absent: the process's own. */
  netns?: string;
  /** Run-time directory of the node. */
  runDirectory: string;
  /** Directory in a bpffs in which the node's eBPF maps, programs and links are pinned. */
  pinDirectory: string;
  /** The kernel forwards alone: the only eBPF program is the NDP responder. */
  responderAlone?: boolean;
}

/** A feature's handles in a namespace, in addition to the sockets. */
export interface KernelPart {
  close(): void;
}

/** The features' handles by their names in `Kernel`; each feature declares its own. */
export interface KernelParts {}

export type KernelFactories = { readonly [P in keyof KernelParts]: (options: KernelOptions) => KernelParts[P] };

/** Handles of one network namespace, including those of the features. */
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

/** Handles of one network namespace that resources need: mechanism without knowledge of tenants. */
export class KernelNamespace {
  readonly netns: string | undefined;
  /** Identity of the named namespace in which the sockets were opened. */
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
    // Read before the sockets are opened, so that a replacement in between is noticed.
    this.#identity = netns === undefined ? undefined : netnsIdentity(netns);
    this.socket = NetlinkSocket.open({ protocol: 'route', netns });
    this.generic = NetlinkSocket.open({ protocol: 'generic', netns });
    this.links = new Links(this.socket);
    this.sysctls = new Sysctls(netns);
    this.savedSettings = new SavedSettings(runDirectory, this.socket.netnsCookie());
  }

  /** Whether the name of the namespace still refers to the one in which the sockets were opened. */
  isCurrent(): boolean {
    return this.netns === undefined || netnsIdentity(this.netns) === this.#identity;
  }

  /** Sends requests in batches, yielding to the event loop in between. Returns failures by the index of the request. */
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
