/** The process that answers API requests for the agent (api-host.ts), so that neither load nor faults of a request affect the agent. */
import { dirname, join } from 'node:path';
import { readRegularFile } from '../intent/regular-file.js';
import type { Server } from 'node:http';
import type { ServerOptions } from 'node:https';
import { AnswerCache } from './answer-cache.js';
import { LongAnswers } from './answer.js';
import { BasisReader } from './basis.js';
import { DropRecorder } from './drop-recorder.js';
import { EventStreams } from './events.js';
import { busy } from './problem.js';
import { RequestCounts } from './request-counts.js';
import { createApiServer } from './server.js';
import { Turns } from './turns.js';
import { groupNumber } from '../kernel/groups.js';
import { GROUP, listenOnSocket } from './unix-socket.js';
import type { AgentState } from '../agent/telemetry.js';
import type { ApiConfig } from '../intent/types.js';
import type { FromApi, ToApi } from './messages.js';
import type { Services } from './services.js';

/** Time-out of the agent's state in milliseconds; its event loop is blocked for some 10 ms at most. */
const STATE_MS = 2000;
/** Delay before listening is tried again after a failure, in milliseconds. */
const RETRY_MS = 5000;
const STOP_MS = 200;

/** Callbacks for the agent's answers, by the number of the question. */
const asking = new Map<number, (answer: ToApi) => void>();
let questions = 0;
let services: Services | undefined;
let unlink: (() => void) | undefined;
let onSocket: Server | undefined;
let onAddress: { server: Server; text: string } | undefined;
let lastError = '';

function tell(message: FromApi): void {
  if (process.connected) process.send?.(message);
}

function log(level: 'info' | 'warn' | 'error', message: string): void {
  tell({ type: 'log', level, message });
}

/** @throws Problem (503) if the agent does not answer */
function askAgent(question: (id: number) => FromApi): Promise<ToApi> {
  const id = ++questions;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      asking.delete(id);
      reject(busy('agent-stuck', `the agent's event loop has not turned for ${STATE_MS} ms`));
    }, STATE_MS);
    asking.set(id, (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    tell(question(id));
  });
}

async function agentState(): Promise<AgentState> {
  const answer = await askAgent((id) => ({ type: 'state', id }));
  if (answer.type === 'state') return answer.state;
  throw new Error(`the agent answered ${answer.type}: expected its state`);
}

async function release(by: string): Promise<boolean> {
  const answer = await askAgent((id) => ({ type: 'release', id, by }));
  return answer.type === 'released' && answer.held;
}

function onError(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // An error that repeats with every request is logged once.
  if (text !== lastError) log('error', `API: ${text}`);
  lastError = text;
}

function take(message: ToApi): void {
  switch (message.type) {
    case 'config':
      configure(message);
      break;
    case 'state':
    case 'released':
      asking.get(message.id)?.(message);
      asking.delete(message.id);
      break;
    case 'event':
      services?.events.send(message.line);
      break;
    case 'stop':
      stop();
  }
}

function configure({ config, configFile, socket }: ToApi & { type: 'config' }): void {
  if (services === undefined) {
    const directory = dirname(socket);
    const basis = new BasisReader({ config, configFile });
    const turns = new Turns();
    const recorder = new DropRecorder(directory, basis, turns);
    services = {
      ...{ basis, turns, drops: () => recorder.drops() },
      cache: new AnswerCache(),
      long: new LongAnswers(),
      events: new EventStreams((wanted) => {
        tell({ type: 'events', wanted });
      }),
      counts: new RequestCounts(join(directory, 'request-counts.json')),
      agentState,
      release,
      commands: new Turns(),
      operators: () => services?.basis.files.config.api?.operators ?? [],
    };
    recorder.start();
    void openSocket(services, socket);
  } else services.basis.files = { config, configFile };
  openAddress(services, config.api);
}

async function openSocket(known: Services, path: string): Promise<void> {
  const server = createApiServer(known, onError);
  try {
    unlink = await listenOnSocket(server, path, groupNumber(GROUP), ({ message }) => {
      log('warn', `API: the group ${GROUP} has no access, only root has: ${message}`);
    });
    onSocket = server;
    log('info', `API: listening on ${path}`);
  } catch (error) {
    onError(error);
    setTimeout(() => void openSocket(known, path), RETRY_MS);
  }
}

/** Listens with the present certificates. After renewing them, the node file must be read again (SIGHUP). */
function openAddress(known: Services, api: ApiConfig | undefined): void {
  if (onAddress !== undefined && onAddress.text !== JSON.stringify(api)) {
    onAddress.server.close();
    onAddress.server.closeAllConnections();
    onAddress = undefined;
  }
  if (api === undefined) return;
  try {
    const { cert, key, clientCa } = api.tls;
    const tls: ServerOptions = {
      cert: readRegularFile(cert),
      key: readRegularFile(key),
      ca: readRegularFile(clientCa),
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    };
    if (onAddress !== undefined && 'setSecureContext' in onAddress.server) {
      (onAddress.server as Server & { setSecureContext: (options: ServerOptions) => void }).setSecureContext(tls);
      return;
    }
    const server = createApiServer(known, onError, tls);
    const { address, port } = api.listen;
    server.once('error', onError);
    server.listen({ host: address, port, ipv6Only: address.includes(':') }, () => {
      log('info', `API: listening on ${address} port ${port}`);
    });
    onAddress = { server, text: JSON.stringify(api) };
  } catch (error) {
    onError(error);
  }
}

function stop(): void {
  unlink?.();
  services?.events.close();
  onSocket?.close();
  onAddress?.server.close();
  setTimeout(() => process.exit(0), STOP_MS).unref();
}

process.on('message', (message) => {
  take(message as ToApi);
});
process.on('disconnect', () => {
  unlink?.();
  process.exit(0);
});
// A terminal's Ctrl-C reaches the whole process group; the agent decides when this process ends.
process.on('SIGINT', () => undefined);
process.on('SIGHUP', () => undefined);
