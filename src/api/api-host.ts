/** The agent's end of its API: starts the API process, exchanges messages with it, and restarts it when it ends. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ChildProcess } from 'node:child_process';
import { SOCKET_FILE } from './protocol.js';
import { startProgram } from '../kernel/program.js';
import { runDirectory } from '../agent/run-directory.js';
import type { FromApi, ToApi } from './messages.js';
import type { NodeConfig } from '../intent/types.js';
import type { Logger } from '../agent/log.js';
import type { AgentState } from '../agent/telemetry.js';

/** Delay before a restart of the process in milliseconds; it doubles each time, up to MAX_RESTART_MS. */
const RESTART_MS = 1000;
const MAX_RESTART_MS = 60_000;
/** After this run time the restart delay is reset, in milliseconds. */
const HEALTHY_MS = 60_000;
/** Heap limit in MiB: a process that needs more ends, without affecting the agent. */
const HEAP_MIB = 256;
const STOP_MS = 500;
/** Lines of the log in flight. */
const MAX_LINES = 1000;

/** The bundle and dist/ have the process beside or near this module. Tests run the sources, and the process from what was built. */
const PLACES = ['./api-process.js', '../../dist/bin/api-process.js'];

export interface ApiHostOptions {
  configFile: string;
  config: () => NodeConfig;
  state: () => AgentState;
  /** Applies a held intent. @returns false if none is held */
  release: () => boolean;
  log: Logger;
}

export class ApiHost {
  readonly #options: ApiHostOptions;
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #restartMs = RESTART_MS;
  #isStopping = false;
  #wantsEvents = false;
  #linesOnTheWay = 0;

  constructor(options: ApiHostOptions) {
    this.#options = options;
  }

  start(): void {
    const began = performance.now();
    const argv = [process.execPath, `--max-old-space-size=${HEAP_MIB}`, processFile()];
    const env = { ...process.env };
    // The agent's supervisor must not take this process for the agent.
    delete env.NOTIFY_SOCKET;
    delete env.WATCHDOG_USEC;
    const ended = (why: string): void => {
      this.#child = undefined;
      this.#wantsEvents = false;
      if (this.#isStopping || this.#restart !== undefined) return;
      if (performance.now() - began > HEALTHY_MS) this.#restartMs = RESTART_MS;
      this.#options.log.error({ ms: this.#restartMs }, `the API's process exited (${why}): restarting it`);
      this.#restart = setTimeout(() => {
        this.#restart = undefined;
        this.start();
      }, this.#restartMs);
      this.#restartMs = Math.min(this.#restartMs * 2, MAX_RESTART_MS);
    };
    const child = startProgram(undefined, argv, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env }, (error) => {
      ended(error.message);
    });
    this.#child = child;
    child.on('message', (message) => {
      this.#take(message as FromApi);
    });
    child.on('exit', (code, signal) => {
      ended(signal ?? `code ${code ?? 'unknown'}`);
    });
    this.configure();
  }

  /** Called when the node file was read again. */
  configure(): void {
    const { config, configFile } = this.#options;
    const now = config();
    this.#send({ type: 'config', config: now, configFile, socket: join(runDirectory(now.node), SOCKET_FILE) });
  }

  /** Passes on a line of the log, for readers of events. */
  event(line: string): void {
    if (!this.#wantsEvents || this.#linesOnTheWay >= MAX_LINES) return;
    this.#linesOnTheWay += 1;
    this.#send({ type: 'event', line }, () => {
      this.#linesOnTheWay -= 1;
    });
  }

  /** Resolves when the socket's file is removed, unless the process hangs. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    const exited = new Promise<void>((resolve) => {
      child.once('exit', () => {
        resolve();
      });
    });
    this.#send({ type: 'stop' });
    await Promise.race([exited, sleep(STOP_MS)]);
    child.kill('SIGKILL');
  }

  #take(message: FromApi): void {
    const { log, state, release } = this.#options;
    switch (message.type) {
      case 'state':
        this.#send({ type: 'state', id: message.id, state: state() });
        break;
      case 'release': {
        const held = release();
        log.warn({ by: message.by, held }, 'asked over the API to release the held intent');
        this.#send({ type: 'released', id: message.id, held });
        break;
      }
      case 'events':
        this.#wantsEvents = message.wanted;
        break;
      case 'log':
        log[message.level](message.message);
    }
  }

  #send(message: ToApi, onSent: () => void = () => undefined): void {
    if (this.#child?.connected !== true) {
      onSent();
      return;
    }
    // A process that has just ended did not get the message; the next one does.
    this.#child.send(message, onSent);
  }
}

function processFile(): string {
  const places = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return places.find((place) => existsSync(place)) ?? places[0] ?? '';
}
