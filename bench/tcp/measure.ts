/** The TCP measurements: for every setting all paths stand beside each other and take turns. */
import { availableParallelism } from 'node:os';
import { Background } from '../../src/lab/process.js';
import { Chain } from '../chain/chain.js';
import { checkReachable } from '../chain/check.js';
import { INNER } from '../chain/names.js';
import { tell } from '../lib/tell.js';
import { onCpu, tethered } from '../lib/tethered.js';
import { BULK_SERVER, measureBulk } from './iperf.js';
import { exchangeServer, measureExchanges } from './rrping.js';
import type { Underlay } from '../chain/chain.js';
import type { Family } from '../chain/names.js';
import type { Claim } from '../lib/claim.js';
import type { RowCollector } from '../lib/rows.js';
import type { Path, SetUp } from '../paths/path.js';
import type { TcpOptions } from './options.js';

const SERVER_START_TIMEOUT_MS = 10_000;

/**
 * Bulk: sender and receiver have a CPU each. Exchanges: both ends share the receiver's, so that what is measured is the path and
 * not how a sleeping CPU is woken (17 µs here against 66 µs, by chance of the scheduler).
 */
const SENDER_CPU = 0;
const RECEIVER_CPU = availableParallelism() - 1;

interface Setting {
  tenantMtu: number;
  underlay: Underlay;
  /** Small packets do not care for the MTU: latency and connections are measured at the first MTU only. */
  exchanges: boolean;
}

/** A path on a chain of its own, with servers in the sink. */
class Stand {
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

  static async create(path: Path, prefix: string, setting: Setting, families: readonly Family[]): Promise<Stand> {
    const chain = await Chain.create({ prefix, tenantMtu: setting.tenantMtu, underlay: setting.underlay });
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

async function measureStand(stand: Stand, setting: Setting, options: TcpOptions, rows: RowCollector): Promise<string> {
  const { tenantMtu, underlay } = setting;
  const netns = stand.chain.netns('gen');
  const path = stand.path.name;
  const said: string[] = [];
  for (const family of options.families) {
    const address = INNER[family].sink;
    for (const flows of options.flows) {
      const { bitsPerSecond, retransmits } = await measureBulk({
        netns,
        address,
        flows,
        seconds: options.seconds,
        cpu: SENDER_CPU,
      });
      const where = { tenantMtu, underlay, family, flows };
      rows.add(path, 'bulk', 'bit/s', where, bitsPerSecond);
      rows.add(path, 'retransmits', 'segments', where, retransmits);
      said.push(`${flows} ${flows === 1 ? 'flow' : 'flows'} ${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s`);
    }
    if (!setting.exchanges) continue;
    const exchange = { netns, address, seconds: options.seconds / 2, cpu: RECEIVER_CPU };
    const where = { underlay, family };
    const latency = await measureExchanges({ ...exchange, connectEach: false });
    rows.add(path, 'latency_p50', 'µs', where, latency.p50_us);
    rows.add(path, 'latency_p99', 'µs', where, latency.p99_us);
    const connects = await measureExchanges({ ...exchange, connectEach: true });
    const perSecond = connects.exchanges / connects.seconds;
    rows.add(path, 'connects', '1/s', where, perSecond);
    said.push(`p50 ${latency.p50_us} µs, p99 ${latency.p99_us} µs, ${perSecond.toFixed(0)} connections/s`);
  }
  return said.join(', ');
}

async function measureSetting(setting: Setting, names: Claim, options: TcpOptions, rows: RowCollector): Promise<void> {
  const stands: Stand[] = [];
  try {
    for (const path of options.paths) stands.push(await Stand.create(path, names.next(), setting, options.families));
    for (let round = 1; round <= options.rounds; round++) {
      for (const stand of stands) {
        const said = await measureStand(stand, setting, options, rows);
        tell(
          `TCP, MTU ${setting.tenantMtu}, ${setting.underlay}, round ${round}/${options.rounds}, ${stand.path.name}: ${said}`,
        );
      }
    }
  } finally {
    for (const stand of stands) await stand.remove();
  }
}

export async function measureTcp(names: Claim, options: TcpOptions, rows: RowCollector): Promise<void> {
  for (const underlay of options.underlays) {
    for (const tenantMtu of options.mtus) {
      const exchanges = underlay === options.underlays[0] && tenantMtu === options.mtus[0];
      await measureSetting({ tenantMtu, underlay, exchanges }, names, options, rows);
    }
  }
}
