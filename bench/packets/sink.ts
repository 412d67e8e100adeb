/** The counting end of a chain: bpf/bench/sink.bpf.c on a device. */
import { setTimeout as sleep } from 'node:timers/promises';
import { attachSink } from './programs.js';
import type { AttachedSink } from './programs.js';
import type { Chain } from '../chain/chain.js';
import type { Node } from '../chain/names.js';
import type { Source } from './settings.js';

/** Of the generator's packets, since the sink was attached. */
export interface Arrived {
  packets: number;
  bytes: number;
  packetsByCpu: number[];
}

/** When two readings so far apart are equal, nothing is on its way any more. */
const SETTLE_MS = 5;
const SETTLE_MAX_MS = 2000;

export class Sink {
  readonly #attached: AttachedSink;

  constructor(chain: Chain, node: Node, device: string) {
    this.#attached = attachSink(chain.netns(node), chain.ifindex(node, device));
  }

  /**
   * For sk_buffs the XDP program goes: the veth would copy each into a page before it is counted (veth_convert_skb_to_xdp_buff,
   * drivers/net/veth.c), which no path is to blame for.
   */
  expect(source: Source): void {
    this.#attached.takeFrames(source === 'xdp');
  }

  read(): Arrived {
    return this.#attached.read();
  }

  /** Reads when what was under way has arrived. @throws Error when packets keep coming */
  async settled(): Promise<Arrived> {
    let last = this.read();
    for (let waited = 0; waited < SETTLE_MAX_MS; waited += SETTLE_MS) {
      await sleep(SETTLE_MS);
      const now = this.read();
      if (now.packets === last.packets) return now;
      last = now;
    }
    throw new Error(`sink: packets kept coming for ${SETTLE_MAX_MS} ms after the generator's end`);
  }

  close(): void {
    this.#attached.close();
  }
}
