/**
 * Moves a device's NAPI to a kernel thread of its own (Documentation/networking/napi.rst, "Threaded NAPI"), bound to a
 * CPU: so that a generator on another CPU can offer more than the path behind the device carries.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Chain } from '../chain/chain.js';
import type { Node } from '../chain/names.js';

/**
 * Of the kernel thread, SCHED_FIFO: what else runs on that CPU must not stall the path for longer than a veth's ring of 256
 * frames lasts. A measurement is shorter than the 950 ms after which such a thread is held back (sched_rt_runtime_us).
 */
const PRIORITY = 1;

/** Process ids of the kernel threads that poll a device of this name, whoever's it is. */
function pollers(device: string): Set<number> {
  const found = new Set<number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readFileSync(`/proc/${entry}/comm`, 'utf8').startsWith(`napi/${device}`)) found.add(Number(entry));
    } catch {
      // ended meanwhile
    }
  }
  return found;
}

export class ThreadedNapi {
  readonly #chain: Chain;
  readonly #node: Node;
  readonly #device: string;
  readonly #cpu: number;
  #bound: number[] = [];

  constructor(chain: Chain, node: Node, device: string, cpu: number) {
    this.#chain = chain;
    this.#node = node;
    this.#device = device;
    this.#cpu = cpu;
  }

  /** @throws Error when the kernel makes no thread (a veth without NAPI: neither GRO nor an XDP program) */
  async enable(): Promise<void> {
    const before = pollers(this.#device);
    await this.#write('1');
    const after = pollers(this.#device);
    const made = [...after].filter((pid) => !before.has(pid));
    // Linux 6.17 and later end the thread on disabling; before, it sleeps until it is wanted again.
    if (made.length === 0 && this.#bound.length > 0 && this.#bound.every((pid) => after.has(pid))) return;
    if (made.length === 0) throw new Error(`threaded NAPI of ${this.#device}: no kernel thread, expected one`);
    for (const pid of made) {
      await this.#chain.run(this.#node, ['taskset', '-p', '-c', String(this.#cpu), String(pid)]);
      await this.#chain.run(this.#node, ['chrt', '--fifo', '--pid', String(PRIORITY), String(pid)]);
    }
    this.#bound = made;
  }

  /** Back to the softirq of the CPU that the packets come from. */
  async disable(): Promise<void> {
    await this.#write('0');
  }

  /** sysfs shows the devices of the namespace it was mounted in: `ip netns exec` mounts one. */
  async #write(value: '0' | '1'): Promise<void> {
    const file = `/sys/class/net/${this.#device}/threaded`;
    const shell = ['sh', '-c', `echo ${value} >${file}`];
    await this.#chain.run(this.#node, ['ip', 'netns', 'exec', this.#chain.netns(this.#node), ...shell]);
  }
}
