/** The process of a service. It listens in the services' namespace, and connects to its upstream from its own. */
import { stat } from 'node:fs/promises';
import { inNetns, NETNS_DIRECTORY, netnsIdentity } from 'netlink-ts';
import { serviceNetns } from './address.js';
import type { Logger } from 'pino';

/** Interval of checking whether another namespace has the name. */
const LOOK_EVERY_MS = 1000;
/** sd_listen_fds(3). */
const FIRST_SYSTEMD_FD = 3;

export interface ServiceServer {
  /**
   * Creates the sockets, in the network namespace of the thread. `ready` is called next, in the same turn of the event loop.
   *
   * @param fds sockets from systemd, in the order of the unit, instead
   */
  open(fds?: readonly number[]): void;
  /** Resolves once it listens. */
  ready(): Promise<void>;
  /** Errors of a listening socket: a connection could not be accepted, for lack of descriptors. */
  onError(handle: (error: Error) => void): void;
  close(): void;
}

/** The sockets that systemd opened in the namespace; undefined: none, and this process enters the namespace itself. */
function systemdSockets(): number[] | undefined {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  const count = LISTEN_PID === String(process.pid) ? Number(LISTEN_FDS) : 0;
  return count >= 1 ? Array.from({ length: count }, (_, at) => FIRST_SYSTEMD_FD + at) : undefined;
}

interface ServiceProcessOptions {
  node: string;
  /** In the log: "the metadata service". */
  name: string;
  log: Logger;
  make: () => ServiceServer;
}

export class ServiceProcess {
  readonly #netns: string;
  readonly #options: ServiceProcessOptions;
  #running: { server: ServiceServer; identity: string | undefined } | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ServiceProcessOptions) {
    this.#netns = serviceNetns(options.node);
    this.#options = options;
  }

  /** @throws Error if systemd's sockets cannot be listened on: systemd then starts another process */
  async start(): Promise<void> {
    // Threads of the pool are created here, in the process's own namespace, where upstreams' names must be resolved.
    await stat(NETNS_DIRECTORY).catch(() => undefined);
    const fds = systemdSockets();
    if (fds !== undefined) {
      await this.#listen((server) => {
        server.open(fds);
      }, 'sockets from systemd');
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
    const { log } = this.#options;
    const identity = netnsIdentity(this.#netns);
    if (identity === this.#running?.identity && this.#running !== undefined) return;
    if (this.#running !== undefined) {
      log.warn({ netns: this.#netns }, 'the network namespace is gone or was replaced');
      this.#running.server.close();
      this.#running = undefined;
    }
    if (identity === undefined) return;
    // The call creates the sockets, which stay in their namespace.
    this.#listen(
      (server) => {
        // The sockets stay in the namespace.
        inNetns(this.#netns, () => {
          server.open();
        });
      },
      this.#netns,
      identity,
    ).catch((error: unknown) => {
      // Retried at the next check.
      log.error({ err: error }, 'cannot listen');
    });
  }

  #forget(server: ServiceServer): void {
    if (this.#running?.server === server) this.#running = undefined;
  }

  /** @throws Error if it cannot listen */
  async #listen(open: (server: ServiceServer) => void, where: string, identity?: string): Promise<void> {
    const { make, name, log } = this.#options;
    const server = make();
    this.#running = { server, identity };
    try {
      open(server);
      await server.ready();
    } catch (error) {
      server.close();
      this.#forget(server);
      throw error;
    }
    server.onError((error) => {
      log.error({ err: error }, 'a connection could not be accepted');
    });
    log.info({ where }, `${name} is listening`);
  }
}
