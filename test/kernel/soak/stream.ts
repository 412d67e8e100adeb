/** Two flows, one in each direction between two VMs, for the length of a test, and the times of their lost packets. */
import { Background } from '../../../lab/process.js';
import { SEQFLOW, until } from '../../netns/lib/steering.js';
import type { TestNetwork } from '../../netns/lib/network.js';

const PORT = 5700;
const START_MS = 60_000;
/** Longer than any test: they are stopped. */
const SECONDS = 100_000;

/** Packets that did not come, one after the other. */
export interface Hole {
  /** the receiving VM */
  to: string;
  /** of the packets before and after it, milliseconds of nowMs() */
  fromMs: number;
  untilMs: number;
  packets: number;
}

/** One direction. */
export interface Direction {
  from: string;
  to: string;
  /** of the VM that receives */
  address: string;
}

/** CLOCK_MONOTONIC, as native/seqflow.c has it. */
export function nowMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

export class Stream {
  readonly #network: TestNetwork;
  readonly #directions: readonly Direction[];
  readonly #receivers: Background[];
  readonly #senders: Background[];

  private constructor(network: TestNetwork, directions: readonly Direction[], programs: [Background[], Background[]]) {
    this.#network = network;
    this.#directions = directions;
    [this.#receivers, this.#senders] = programs;
  }

  /** @param packetsPerSecond of each direction */
  static async start(
    network: TestNetwork,
    directions: readonly Direction[],
    packetsPerSecond: number,
  ): Promise<Stream> {
    const receivers = directions.map(
      ({ to }) => new Background(network.netns(to), [SEQFLOW, 'receive', '-p', `${PORT}`, '-l']),
    );
    await Promise.all(receivers.map((one) => one.waitFor(/receiving/, START_MS)));
    const senders = directions.map(({ from, address }) => {
      const rate = ['-r', `${packetsPerSecond}`, '-t', `${SECONDS}`];
      return new Background(network.netns(from), [SEQFLOW, 'send', '-a', address, '-p', `${PORT}`, ...rate]);
    });
    return new Stream(network, directions, [receivers, senders]);
  }

  /** Resolves when packets come in both directions. @throws Error when they do not in time */
  async flows(timeoutMs: number): Promise<void> {
    const before = await this.#received();
    const more = async (): Promise<boolean> => {
      const now = await this.#received();
      return now.every((count, index) => count > (before[index] ?? 0));
    };
    await until(`packets in both directions, after ${before.join(', ')}`, more, timeoutMs);
  }

  /** Datagrams that were received so far, by direction. */
  async #received(): Promise<number[]> {
    const counts = this.#directions.map(async ({ to }) => {
      const text = await this.#network.shell(to, 'cat /proc/net/snmp /proc/net/snmp6');
      const [names = [], values = []] = text
        .split('\n')
        .filter((line) => line.startsWith('Udp:'))
        .map((line) => line.split(' '));
      return Number(values[names.indexOf('InDatagrams')]) + Number(/^Udp6InDatagrams\s+(\d+)/m.exec(text)?.[1]);
    });
    return Promise.all(counts);
  }

  /** Ends it. @returns what did not come, and how many packets were sent and came */
  async stop(): Promise<{ holes: Hole[]; sent: number; received: number; reordered: number }> {
    await Promise.all(this.#senders.map((one) => one.stop()));
    await new Promise((resolve) => setTimeout(resolve, 300));
    await Promise.all(this.#receivers.map((one) => one.stop()));
    const json = ({ output }: Background): Record<string, number> =>
      JSON.parse(output.slice(output.indexOf('{'))) as Record<string, number>;
    const sum = (programs: Background[], key: string): number =>
      programs.reduce((total, one) => total + (json(one)[key] ?? 0), 0);
    const holes = this.#receivers.flatMap(({ output }, index) =>
      [...output.matchAll(/^seqflow: hole \d+ (\S+) (\S+) (\d+)$/gm)].map(([, from, until, packets]) => ({
        to: this.#directions[index]?.to ?? '',
        fromMs: Number(from),
        untilMs: Number(until),
        packets: Number(packets),
      })),
    );
    return {
      holes,
      sent: sum(this.#senders, 'sent'),
      received: sum(this.#receivers, 'received'),
      reordered: sum(this.#receivers, 'reordered'),
    };
  }
}
