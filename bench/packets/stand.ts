/** A path on a chain of its own, with the sink that counts. */
import { Chain } from '../chain/chain.js';
import { checkReachable } from '../chain/check.js';
import { PORT, VM } from '../chain/names.js';
import { ThreadedNapi } from './napi.js';
import { Sink } from './sink.js';
import type { ChainOptions } from '../chain/chain.js';
import type { Path, SetUp } from '../paths/path.js';

/** A VM's interface as it comes. */
const TENANT_MTU = 1500;

export type StandOptions = Pick<ChainOptions, 'networkNode' | 'endpoints'>;

export class Stand {
  readonly name: string;
  readonly chain: Chain;
  readonly sink: Sink;
  readonly #setUp: SetUp;
  /** Of the first hop; what follows runs where the first hop ran. */
  readonly napi: ThreadedNapi;

  private constructor(name: string, chain: Chain, sink: Sink, setUp: SetUp, pathCpu: number) {
    this.name = name;
    this.chain = chain;
    this.sink = sink;
    this.#setUp = setUp;
    this.napi = new ThreadedNapi(chain, 'hv1', PORT, pathCpu);
  }

  /** @throws Error when packets of either family do not pass */
  static async create(path: Path, prefix: string, pathCpu: number, options: StandOptions = {}): Promise<Stand> {
    const chain = await Chain.create({ prefix, tenantMtu: TENANT_MTU, underlay: 'super', ...options });
    await chain.acceptRedirected();
    const setUp = await path.setUp(chain);
    const sink = new Sink(chain, 'sink', VM);
    for (const family of [4, 6] as const) await checkReachable(chain, path.name, family);
    return new Stand(path.name, chain, sink, setUp, pathCpu);
  }

  /** No path at all: the sink is where the first hop would begin, which shows what the generator can do alone. */
  static async createGeneratorOnly(prefix: string, pathCpu: number): Promise<Stand> {
    const chain = await Chain.create({ prefix, tenantMtu: TENANT_MTU, underlay: 'super' });
    await chain.acceptRedirected();
    const nothing: SetUp = { tearDown: () => undefined };
    return new Stand('generator', chain, new Sink(chain, 'hv1', PORT), nothing, pathCpu);
  }

  async remove(): Promise<void> {
    this.sink.close();
    this.#setUp.tearDown();
    await this.chain.remove();
  }
}
