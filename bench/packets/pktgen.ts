/** The kernel's own generator (Documentation/networking/pktgen.rst): skbs from a kernel thread. A module; not on every kernel. */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNetns } from 'netlink-ts';
import { INNER, MAC, VM } from '../chain/names.js';
import { run } from '../lib/processes.js';
import { tethered } from '../lib/tethered.js';
import { SOURCE_PORT, UDP_PORT } from './frame.js';
import type { Chain } from '../chain/chain.js';
import type { Traffic } from './settings.js';

const US_PER_S = 1e6;

/** pktgen's files are those of the network namespace. */
class Files {
  readonly #netns: string;

  constructor(netns: string) {
    this.#netns = netns;
  }

  write(file: string, line: string): void {
    inNetns(this.#netns, () => {
      try {
        writeFileSync(`/proc/thread-self/net/pktgen/${file}`, `${line}\n`);
      } catch (error) {
        throw new Error(`pktgen ${file}: "${line}": ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  }

  read(file: string): string {
    return inNetns(this.#netns, () => readFileSync(`/proc/thread-self/net/pktgen/${file}`, 'utf8'));
  }
}

function deviceLines({ family, frameBytes }: Traffic): string[] {
  const { gen, sink } = INNER[family];
  return [
    'count 0', // until it is stopped
    'clone_skb 0',
    'delay 0',
    `pkt_size ${frameBytes}`,
    `dst_mac ${MAC.hv1Port}`,
    ...(family === 4
      ? [`src_min ${gen}`, `src_max ${gen}`, `dst_min ${sink}`, `dst_max ${sink}`]
      : [`src6 ${gen}`, `dst6 ${sink}`]),
    `udp_src_min ${SOURCE_PORT}`,
    `udp_src_max ${SOURCE_PORT}`,
    `udp_dst_min ${UDP_PORT}`,
    `udp_dst_max ${UDP_PORT}`,
  ];
}

/**
 * Sends from gen's interface on CPU 0 as fast as it goes.
 *
 * @throws Error with the file and line that pktgen refused; RangeError for more than one flow
 */
export async function runPktgen(
  chain: Chain,
  traffic: Traffic,
  seconds: number,
): Promise<{ sent: number; seconds: number }> {
  if (traffic.flows !== 1) throw new RangeError(`pktgen: ${traffic.flows} flows, expected 1`);
  const netns = chain.netns('gen');
  await run('modprobe', ['pktgen']);
  const files = new Files(netns);
  files.write('kpktgend_0', 'rem_device_all');
  files.write('kpktgend_0', `add_device ${VM}`);
  for (const line of deviceLines(traffic)) files.write(VM, line);
  // Writing "start" returns when pktgen has stopped.
  const [command = '', ...args] = tethered(['sh', '-c', 'echo start >/proc/self/net/pktgen/pgctrl']);
  const started = run(command, args, { netns });
  await sleep(seconds * 1000);
  files.write('pgctrl', 'stop');
  await started;
  const text = files.read(VM);
  const sent = /pkts-sofar: (\d+)/.exec(text)?.[1];
  const took = /Result: OK: (\d+)/.exec(text)?.[1];
  if (sent === undefined || took === undefined) throw new Error(`pktgen ${VM}: no result in: ${text}`);
  return { sent: Number(sent), seconds: Number(took) / US_PER_S };
}
