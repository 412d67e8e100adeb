/** Witnesses: counters of nftables that see what a namespace receives, in a table of their own. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestNetwork } from './network.js';

const TABLE = 'inet witness';
/** How long what was sent may take to be seen where it is expected, and how long is waited where it is not. */
const SEEN_WITHIN_MS = 20_000;
const NOT_SEEN_FOR_MS = 250;
const POLL_MS = 30;

/** Counts what matches, in one hook of a namespace. */
export class Witness {
  readonly #network: Pick<TestNetwork, 'output'>;
  readonly #name: string;

  private constructor(network: Pick<TestNetwork, 'output'>, name: string) {
    this.#network = network;
    this.#name = name;
  }

  /**
   * @param hook before everything else: `prerouting priority -400`; of what is delivered: `input priority 100`
   * @param matches nftables expressions by the counter's name
   */
  static async place(
    network: Pick<TestNetwork, 'output'>,
    name: string,
    hook: string,
    matches: Readonly<Record<string, string>>,
  ): Promise<Witness> {
    const chain = hook.split(' ')[0] ?? '';
    const rules = Object.entries(matches).map(([counter, match]) => `    ${match} counter name "${counter}"`);
    const counters = Object.keys(matches).map((counter) => `  counter ${counter} { }`);
    const script = [
      `table ${TABLE} {`,
      ...counters,
      `  chain ${chain} {`,
      `    type filter hook ${hook}; policy accept;`,
      ...rules,
      '  }',
      '}',
    ];
    await network.output(name, ['nft', '-f', '-'], { input: script.join('\n') });
    return new Witness(network, name);
  }

  async count(counter: string): Promise<number> {
    const text = await this.#network.output(this.#name, ['nft', '-j', 'list', 'counter', ...TABLE.split(' '), counter]);
    const { nftables } = JSON.parse(text) as { nftables: { counter?: { packets: number } }[] };
    return nftables.find((entry) => entry.counter !== undefined)?.counter?.packets ?? 0;
  }

  /** Does it arrive? `send` is repeated until it does, or time is up. */
  async sees(counter: string, send: () => unknown): Promise<boolean> {
    const before = await this.count(counter);
    for (let waited = 0; waited < SEEN_WITHIN_MS; waited += POLL_MS * 5) {
      await send();
      await sleep(POLL_MS);
      if ((await this.count(counter)) > before) return true;
    }
    return false;
  }

  /** How much arrives of what is sent once, waited for as long as anything could take. */
  async countOf(counter: string, send: () => unknown): Promise<number> {
    const before = await this.count(counter);
    await send();
    await sleep(NOT_SEEN_FOR_MS);
    return (await this.count(counter)) - before;
  }
}
