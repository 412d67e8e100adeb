/** The process of the metadata service. It listens in the services' namespace, and connects to its upstream from its own. */
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { inNetns, NETNS_DIRECTORY, netnsIdentity } from 'netlink-ts';
import { runDirectory } from '../agent/run-directory.js';
import { readRegularFile } from '../intent/regular-file.js';
import { serviceNetns } from '../service/address.js';
import { MetadataServer } from './server.js';
import type { Logger } from '../agent/log.js';
import type { MetadataConfig, NodeConfig } from '../intent/types.js';

const PORT = 80;
const BACKLOG = 1024;
/** Interval of checking whether another namespace has the name. */
const LOOK_EVERY_MS = 1000;
/** sd_listen_fds(3). */
const FIRST_SYSTEMD_FD = 3;

/** The socket that systemd opened in the namespace; undefined: none, and this process enters the namespace itself. */
function systemdSocket(): number | undefined {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  return LISTEN_PID === String(process.pid) && Number(LISTEN_FDS) >= 1 ? FIRST_SYSTEMD_FD : undefined;
}

export class MetadataProcess {
  readonly #netns: string;
  readonly #log: Logger;
  readonly #make: () => MetadataServer;
  #running: { server: MetadataServer; identity: string | undefined } | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @throws Error if the secret cannot be read */
  constructor({ node }: NodeConfig, metadata: MetadataConfig, log: Logger) {
    const { from, rate } = metadata;
    const source = from === 'files' ? from : { url: from.upstream, secret: readSecret(from.secret) };
    this.#netns = serviceNetns(node);
    this.#log = log;
    this.#make = () => new MetadataServer({ ports: `${runDirectory(node)}/ports`, from: source, rate, log });
  }

  /** @throws Error if systemd's socket cannot be listened on: systemd then starts another process */
  async start(): Promise<void> {
    // Threads of the pool are created here, in the process's own namespace, where upstreams' names must be resolved.
    await stat(NETNS_DIRECTORY).catch(() => undefined);
    const fd = systemdSocket();
    if (fd !== undefined) {
      await this.#listen((server) => server.server.listen({ fd }), 'the socket from systemd');
      return;
    }
    this.#look();
    this.#timer = setInterval(() => {
      this.#look();
    }, LOOK_EVERY_MS);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#running?.server.close();
    this.#running = undefined;
  }

  /** Listens in the namespace that has the name now. */
  #look(): void {
    const identity = netnsIdentity(this.#netns);
    if (identity === this.#running?.identity && this.#running !== undefined) return;
    if (this.#running !== undefined) {
      this.#log.warn({ netns: this.#netns }, 'the network namespace is gone or was replaced');
      this.#running.server.close();
      this.#running = undefined;
    }
    if (identity === undefined) return;
    this.#listen(
      (server) => {
        // The call creates the sockets, which stay in their namespace.
        inNetns(this.#netns, () => server.server.listen(PORT, undefined, BACKLOG));
      },
      this.#netns,
      identity,
    ).catch((error: unknown) => {
      // Retried at the next check.
      this.#log.error({ err: error }, 'cannot listen');
    });
  }

  #forget(server: MetadataServer): void {
    if (this.#running?.server === server) this.#running = undefined;
  }

  /** @throws Error if it cannot listen */
  async #listen(open: (server: MetadataServer) => void, where: string, identity?: string): Promise<void> {
    const server = this.#make();
    this.#running = { server, identity };
    try {
      open(server);
      await once(server.server, 'listening');
    } catch (error) {
      this.#forget(server);
      throw error;
    }
    // For a listening socket: a connection could not be accepted, for lack of descriptors.
    server.server.on('error', (error) => {
      this.#log.error({ err: error }, 'a connection could not be accepted');
    });
    this.#log.info({ where }, 'the metadata service is listening');
  }
}

/** @throws Error */
function readSecret(path: string): string {
  const secret = readRegularFile(path).toString('utf8').trim();
  if (secret === '') throw new Error(`${path}: empty: expected the secret that Nova has, too`);
  if ((statSync(path).mode & 0o007) !== 0) throw new Error(`${path}: readable by everybody: expected mode 0640`);
  return secret;
}
