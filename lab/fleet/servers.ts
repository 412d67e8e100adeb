/** Processes of etcd and feeds for a simulation. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { EtcdClient } from '../../src/fleet/store/etcd-client.js';
import { SEGUE_COMMAND } from '../paths.js';
import { Background } from '../process.js';
import { fileMiB } from './usage.js';
import type { ChildProcess } from 'node:child_process';
import type { EtcdConfig, TlsFiles } from '../../src/fleet/types.js';

const START_MS = 300_000;
const QUOTA_BYTES = 8 * 1024 ** 3;

/** An address of 127.0.0.0/8 that is probably unused on this machine. */
export function loopbackAddress(): string {
  return `127.${randomInt(64, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
}

export class EtcdServers {
  readonly config: EtcdConfig;
  readonly #directory: string;
  readonly #addresses: string[];
  readonly #children: ChildProcess[] = [];

  constructor(directory: string, members: number) {
    this.#directory = directory;
    this.#addresses = Array.from({ length: members }, loopbackAddress);
    this.config = { endpoints: this.#addresses.map((address) => `http://${address}:2379`) };
  }

  async start(): Promise<void> {
    const cluster = this.#addresses.map((address, m) => `m${m}=http://${address}:2380`).join();
    this.#addresses.forEach((address, m) => {
      const args = [
        ...['--name', `m${m}`, '--data-dir', join(this.#directory, `etcd-${m}`), '--initial-cluster', cluster],
        ...['--listen-client-urls', `http://${address}:2379`, '--advertise-client-urls', `http://${address}:2379`],
        ...['--listen-peer-urls', `http://${address}:2380`, '--initial-advertise-peer-urls', `http://${address}:2380`],
        ...['--auto-compaction-mode', 'periodic', '--auto-compaction-retention', '5m'],
        ...['--quota-backend-bytes', String(QUOTA_BYTES), '--logger', 'zap', '--log-level', 'error'],
      ];
      this.#children[m] = spawn('etcd', args, { stdio: ['ignore', 'ignore', 'ignore'] });
    });
    const client = new EtcdClient(this.config);
    try {
      for (const until = Date.now() + START_MS; ; await sleep(100)) {
        try {
          await client.range({ key: Buffer.from('x') });
          return;
        } catch (error) {
          if (Date.now() > until) throw error;
        }
      }
    } finally {
      client.close();
    }
  }

  get pids(): number[] {
    return this.#children.flatMap(({ pid, exitCode }) => (pid === undefined || exitCode !== null ? [] : [pid]));
  }

  /** Size of the largest member's database. */
  get databaseMiB(): number {
    return Math.max(...this.#addresses.map((_, m) => fileMiB(join(this.#directory, `etcd-${m}`, 'member/snap/db'))));
  }

  /** Number of watches of all members. */
  async watches(): Promise<number> {
    let sum = 0;
    for (const endpoint of this.config.endpoints) {
      try {
        const text = await (await fetch(`${endpoint}/metrics`)).text();
        sum += Number(/^etcd_debugging_mvcc_watcher_total (\S+)/m.exec(text)?.[1] ?? 0);
      } catch {
        // A killed member has none.
      }
    }
    return sum;
  }

  /** Kills the leader. @returns whether there was one */
  async killLeader(): Promise<boolean> {
    for (const [m, endpoint] of this.config.endpoints.entries()) {
      const text = await (await fetch(`${endpoint}/metrics`)).text();
      if (!/^etcd_server_is_leader 1$/m.test(text)) continue;
      return this.#children[m]?.kill('SIGKILL') ?? false;
    }
    return false;
  }

  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

export class FeedServer {
  readonly endpoint: string;
  readonly #background: Background;
  readonly #started = performance.now();
  #loadSeconds = 0;

  constructor(directory: string, name: string, etcd: EtcdConfig, issue: (name: string, names: string[]) => TlsFiles) {
    const address = loopbackAddress();
    this.endpoint = `${address}:7179`;
    mkdirSync(directory, { recursive: true });
    const file = join(directory, `${name}.yaml`);
    const tls = issue(name, [`IP:${address}`]);
    writeFileSync(file, stringify({ etcd: { endpoints: etcd.endpoints }, feed: { listen: this.endpoint, tls } }));
    const argv = [
      process.execPath,
      '--max-old-space-size=8192',
      SEGUE_COMMAND,
      'feed',
      '-c',
      file,
      '--log-level',
      'info',
    ];
    this.#background = new Background(undefined, argv, { log: join(directory, `${name}.log`) });
  }

  get pid(): number {
    return this.#background.child.pid ?? 0;
  }

  /** From the start until the whole intent was loaded. */
  get loadSeconds(): number {
    return this.#loadSeconds;
  }

  async ready(): Promise<void> {
    await this.#background.waitFor(/following etcd/, START_MS);
    this.#loadSeconds = (performance.now() - this.#started) / 1000;
  }

  async close(): Promise<void> {
    await this.#background.stop('SIGKILL');
  }
}
