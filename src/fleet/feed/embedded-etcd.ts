/** A single-member etcd that a feed runs: for fleets that fit on one machine, and for trials. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeFolders } from '../../kernel/make-folders.js';
import { startProgram } from '../../kernel/program.js';
import { CLIENT_SOCKET } from '../fleet-file.js';
import { EtcdClient } from '../store/etcd-client.js';
import type { ChildProcess } from 'node:child_process';
import type { Logger } from '../../agent/log.js';
import type { EtcdConfig } from '../types.js';

const PEER_SOCKET = 'peer:0';
const NAME = 'segue';
/** Size limit of the database; a million ports take less than a tenth. */
const QUOTA_BYTES = 4 * 1024 ** 3;
/** Older revisions are compacted; segue keeps history in separate keys. */
const RETENTION = '5m';
/** Delay before a restart of etcd in milliseconds; it doubles each time, up to MAX_RESTART_MS. */
const RESTART_MS = 500;
const MAX_RESTART_MS = 30_000;
const LOOK_MS = 100;
/** Time-out of etcd's start in milliseconds: reading its data and answering. */
const START_MS = 120_000;

export class EmbeddedEtcd {
  readonly #directory: string;
  readonly #config: EtcdConfig;
  readonly #log: Logger;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #restartMs = RESTART_MS;
  #isStopping = false;

  constructor(config: EtcdConfig, log: Logger) {
    if (config.directory === undefined)
      throw new Error(
        'the fleet file has no etcd.directory: expected the directory in which --with-etcd keeps its data',
      );
    this.#config = config;
    this.#directory = config.directory;
    this.#log = log;
  }

  /** Starts etcd; resolves once it answers. @throws Error if it does not */
  async start(): Promise<void> {
    // Access to the socket gives control over every tenant: only the owner may enter the directory.
    makeFolders(this.#directory, 0o700);
    if (await this.#answers()) {
      this.#log.warn({ directory: this.#directory }, 'an etcd already runs in the directory: using it');
      return;
    }
    this.#spawn();
    const until = Date.now() + START_MS;
    while (!(await this.#answers())) {
      if (Date.now() > until) throw new Error(`etcd does not answer within ${START_MS / 1000} s`);
      if (this.#restartMs > RESTART_MS * 4) throw new Error('etcd exits again and again: its output is above');
      await sleep(LOOK_MS);
    }
    this.#restartMs = RESTART_MS;
    this.#log.info({ directory: this.#directory }, 'etcd is running');
  }

  async close(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) =>
      child.once('exit', () => {
        resolve();
      }),
    );
    child.kill('SIGTERM');
    await ended;
  }

  #spawn(): void {
    // A killed etcd leaves its sockets, and a new one would assume another instance. A running etcd holds a lock on its data.
    for (const socket of [CLIENT_SOCKET, PEER_SOCKET]) rmSync(join(this.#directory, socket), { force: true });
    const [client, peer] = [`unix://${CLIENT_SOCKET}`, `unix://${PEER_SOCKET}`];
    const etcd = [
      ...['etcd', '--name', NAME, '--data-dir', 'data', '--log-level', 'warn', '--logger', 'zap'],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer, '--initial-cluster', `${NAME}=${peer}`],
      ...['--auto-compaction-mode', 'periodic', '--auto-compaction-retention', RETENTION],
      ...['--quota-backend-bytes', String(QUOTA_BYTES)],
    ];
    // It ends with the feed in any case; the next feed starts its own with the same data.
    const argv = ['setpriv', '--pdeathsig', 'TERM', ...etcd];
    const ended = (why: string): void => {
      this.#child = undefined;
      if (this.#isStopping) return;
      this.#log.error({ ms: this.#restartMs }, `etcd exited (${why}): restarting it`);
      this.#restart = setTimeout(() => {
        this.#spawn();
      }, this.#restartMs);
      this.#restartMs = Math.min(this.#restartMs * 2, MAX_RESTART_MS);
    };
    const options = { cwd: this.#directory, stdio: ['ignore', 'ignore', 'inherit'] as ('ignore' | 'inherit')[] };
    const child = startProgram(undefined, argv, options, (error) => {
      ended(error.message);
    });
    child.once('exit', (code, signal) => {
      ended(signal ?? `code ${code ?? 'unknown'}`);
    });
    this.#child = child;
  }

  async #answers(): Promise<boolean> {
    const client = new EtcdClient(this.#config, { rounds: 1 });
    try {
      await client.range({ key: Buffer.from('x') });
      return true;
    } catch {
      return false;
    } finally {
      client.close();
    }
  }
}
