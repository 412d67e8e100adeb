/** A path on a chain of its own, with servers in the sink. */
import { availableParallelism } from 'node:os';
import { Background } from '../../lab/process.js';
import { Chain } from '../chain/chain.js';
import { checkReachable } from '../chain/check.js';
import { onCpu, tethered } from '../lib/tethered.js';
import { BULK_SERVER } from './iperf.js';
import { exchangeServer } from './rrping.js';
import type { Underlay } from '../chain/chain.js';
import type { Family } from '../chain/names.js';
import type { Path, SetUp } from '../paths/path.js';

const SERVER_START_TIMEOUT_MS = 10_000;

/**
 * Bulk: sender and receiver have a CPU each. Exchanges: both ends share the receiver's, so that what is measured is the path and
 * not how a sleeping CPU is woken (17 µs here against 66 µs, by chance of the scheduler).
 */
export const SENDER_CPU = 0;
export const RECEIVER_CPU = availableParallelism() - 1;

export interface StandSetting {
  tenantMtu: number;
  underlay: Underlay;
  /** The receiver is behind a TAP, whose other end is served by the receiver's CPU. */
  tap?: boolean;
}

export class Stand {
  readonly path: Path;
  readonly chain: Chain;
  readonly #setUp: SetUp;
  readonly #servers: Background[];

  private constructor(path: Path, chain: Chain, setUp: SetUp, servers: Background[]) {
    this.path = path;
    this.chain = chain;
    this.#setUp = setUp;
    this.#servers = servers;
  }

  static async create(path: Path, prefix: string, setting: StandSetting, families: readonly Family[]): Promise<Stand> {
    const { tenantMtu, underlay, tap } = setting;
    const chain = await Chain.create({ prefix, tenantMtu, underlay, ...(tap === true && { tapCpu: RECEIVER_CPU }) });
    const setUp = await path.setUp(chain);
    for (const family of families) await checkReachable(chain, path.name, family);
    const servers = [BULK_SERVER, exchangeServer()].map(
      (argv) => new Background(chain.netns('sink'), tethered(onCpu(RECEIVER_CPU, argv))),
    );
    for (const server of servers) await server.waitFor(/listening/, SERVER_START_TIMEOUT_MS);
    return new Stand(path, chain, setUp, servers);
  }

  async remove(): Promise<void> {
    for (const server of this.#servers) await server.stop('SIGKILL');
    this.#setUp.tearDown();
    await this.chain.remove();
  }
}
