/** Has a flow's connection open in both directions before it is measured: what is measured is an established one. */
import { INNER } from '../chain/names.js';
import { nativeProgram } from '../lib/native.js';
import { run } from '../lib/processes.js';
import { tethered } from '../lib/tethered.js';
import { SOURCE_PORT, UDP_PORT } from '../packets/frame.js';
import { establishedPackets, kernelLeaking } from './kernel.js';
import type { Chain } from '../chain/chain.js';
import type { Trial } from '../packets/search.js';
import type { Stand } from '../packets/stand.js';
import type { Traffic } from '../packets/settings.js';

const SECONDS = 0.001;
/** Of what arrived, so much at least was taken for established by the kernel's rules. */
const ESTABLISHED_MIN = 0.99;

/** A burst of datagrams of flow 0, in one of its directions. */
async function burst(chain: Chain, node: 'gen' | 'sink', to: string, ports: readonly [number, number]): Promise<void> {
  const [from, port] = ports;
  const flags = { a: to, p: port, b: from, t: SECONDS };
  const argv = Object.entries(flags).flatMap(([name, value]) => [`-${name}`, String(value)]);
  const [command = '', ...args] = tethered([nativeProgram('udpblast'), ...argv]);
  const { code, stderr } = await run(command, args, { netns: chain.netns(node) });
  if (code !== 0) throw new Error(`udpblast in ${node} to ${to}: ${stderr.trim() || `exit code ${code}`}`);
}

/** A few datagrams of flow 0 from gen, and answers to it from the sink. */
async function establish({ chain }: Stand, { family }: Traffic): Promise<void> {
  await burst(chain, 'gen', INNER[family].sink, [SOURCE_PORT, UDP_PORT]);
  await burst(chain, 'sink', INNER[family].gen, [UDP_PORT, SOURCE_PORT]);
}

/** Checks of the kernel's path that what it let pass was an established connection's, not a new one's each time. */
export class EstablishedCheck {
  readonly #counted = new Map<Stand, number>();

  async before(stand: Stand, traffic: Traffic): Promise<void> {
    await establish(stand, traffic);
    if (stand.name === kernelLeaking.name) this.#counted.set(stand, await establishedPackets(stand.chain));
  }

  /** @throws Error when the rules took them for something else */
  async after(stand: Stand, _traffic: Traffic, { arrived }: Trial): Promise<void> {
    const before = this.#counted.get(stand);
    if (before === undefined) return;
    const established = (await establishedPackets(stand.chain)) - before;
    if (established < ESTABLISHED_MIN * arrived) {
      throw new Error(`${stand.name}: of ${arrived} packets ${established} were of an established connection`);
    }
  }
}
