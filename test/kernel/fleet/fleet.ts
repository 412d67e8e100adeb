/** A fleet for tests: a real etcd, feeds and node sources in this process. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { Feed } from '../../../src/fleet/feed/feed.js';
import { FeedSource } from '../../../src/fleet/node/feed-source.js';
import { readFeedStatus } from '../../../src/fleet/node/status.js';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';
import { IntentWriter } from '../../../src/fleet/store/writer.js';
import { relevantTo } from '../../../src/app/intent.js';
import { Authority, Etcd, loopbackAddress, newDirectory } from './etcd.js';
import { cloudWishes, portOf, wish } from './intent.js';
import type { IntentEvent } from '../../../src/intent/source.js';
import type { Intent, NodeConfig } from '../../../src/intent/types.js';
import type { EnrollConfig, TlsFiles } from '../../../src/fleet/types.js';

export const directory = newDirectory();
export const authority = new Authority(directory);
export const AUTHOR = { author: 'test', reason: '' };

let places = 0;

/** An etcd with a realm, feeds and nodes of their own. */
export class Fleet {
  readonly directory = join(directory, `fleet-${++places}`);
  readonly etcd: Etcd;
  readonly addresses = [loopbackAddress(), loopbackAddress()];
  readonly logs: string[] = [];
  readonly #feeds: Feed[] = [];
  readonly #nodes: Node[] = [];
  readonly #clients: EtcdClient[] = [];
  writer!: IntentWriter;

  constructor(etcd?: Etcd) {
    mkdirSync(this.directory);
    this.etcd = etcd ?? new Etcd(this.directory);
  }

  async start(): Promise<this> {
    await this.etcd.start();
    this.writer = await IntentWriter.open(this.client(), 'default');
    await this.writer.commit(cloudWishes, AUTHOR);
    return this;
  }

  client(): EtcdClient {
    const client = new EtcdClient(this.etcd.config());
    this.#clients.push(client);
    return client;
  }

  /** @param which of the addresses it serves */
  feed(which = 0, enroll?: EnrollConfig, own?: TlsFiles): Feed {
    const address = this.addresses[which] ?? '';
    const write = (text: string): number => this.logs.push((JSON.parse(text) as { msg: string }).msg);
    const tls = own ?? authority.issue('feed', [`IP:${address}`]);
    const config = {
      ...{ realm: 'default', etcd: this.etcd.config() },
      feed: { listen: `${address}:7179`, tls, ...(enroll && { enroll }) },
    };
    const feed = new Feed(config, pino({ level: 'debug' }, { write }));
    void feed.run();
    this.#feeds.push(feed);
    return feed;
  }

  node(name: string, tls = authority.issue(name, [`DNS:${name}`]), feeds = 1): Node {
    const node = new Node(this.directory, name, this.addresses.slice(0, feeds), tls);
    this.#nodes.push(node);
    return node;
  }

  port(n: number, more: Parameters<typeof portOf>[1] = {}): Promise<unknown> {
    return this.writer.commit(() => [wish(portOf(n, more))], AUTHOR);
  }

  async end(): Promise<void> {
    for (const node of this.#nodes) node.source.close();
    for (const feed of this.#feeds) feed.close();
    for (const client of this.#clients) client.close();
    await this.etcd.kill();
  }
}

/** A node's source, whose events are kept. */
export class Node {
  readonly name: string;
  readonly run: string;
  readonly config: NodeConfig;
  readonly source: FeedSource;
  readonly events: IntentEvent[] = [];
  intent: Intent | undefined;

  /** @param options `endpoint`: in place of the addresses; `source`: of another version */
  constructor(
    place: string,
    name: string,
    addresses: readonly string[],
    tls: TlsFiles,
    { endpoint, source: Source = FeedSource }: { endpoint?: string; source?: typeof FeedSource } = {},
  ) {
    this.name = name;
    this.run = join(place, `run-${name}`);
    this.config = {
      ...{ node: name, uplinks: ['eth0'], dataplane: 'ebpf', xdp: 'auto', behaviours: ['dt46'] },
      intent: join(place, `${name}.json`),
      feeds: { endpoints: endpoint === undefined ? addresses.map((address) => `${address}:7179`) : [endpoint], tls },
    };
    this.source = new Source({ config: this.config, configFile: 'node.yaml', runDirectory: this.run });
  }

  start(): Promise<void> {
    return this.source.start((event) => {
      this.events.push(event);
      if (event.type !== 'error') this.intent = event.intent;
    });
  }

  get certificate(): Buffer {
    return readFileSync(this.config.feeds?.tls.cert ?? '');
  }

  get ports(): string[] {
    return (this.intent?.ports ?? []).map(({ name }) => name).sort();
  }

  get errors(): string[] {
    return this.events.flatMap((event) => (event.type === 'error' ? [event.error.message] : []));
  }

  status() {
    return readFeedStatus(this.run);
  }

  /** Has what the whole intent's scope gives it. */
  isAt({ writer }: Fleet): boolean {
    const canonical = (intent: Intent | undefined): string[] =>
      Object.entries(intent ?? {}).flatMap(([field, value]) =>
        Array.isArray(value) ? value.map((one) => `${field} ${JSON.stringify(one)}`) : [`${field} ${String(value)}`],
      );
    const wanted = canonical(relevantTo(writer.checked.index.intent(), this.name));
    return wanted.sort().join('\n') === canonical(this.intent).sort().join('\n');
  }
}
