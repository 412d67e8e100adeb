/** The DNS service: takes queries of VMs in the services' namespace, by UDP and TCP, and passes them to the node's resolver. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { peerIn, peerOf, Ports } from '../service/asker.js';
import { PortCounts } from '../service/port-counts.js';
import { Rates } from '../service/rate.js';
import { Datagrams } from './datagrams.js';
import { failure, faultOf, HEADER_BYTES, limitSize, Rcode, truncated } from './message.js';
import { Resolver } from './resolver.js';
import { relayStream } from './stream.js';
import type { Server, Socket } from 'node:net';
import type { DnsConfig } from '../intent/types.js';
import type { ServiceServer } from '../service/process.js';
import type { Logger } from '../agent/log.js';
import type { Endpoints } from './datagrams.js';

const PORT = 53;
const BACKLOG = 1024;
/** Queries of a port by UDP that wait for the resolver. */
const MAX_PORT_PENDING = 512;
/** Concurrent TCP connections of a port, and of all ports: with what stream.ts holds for each, less than MemoryMax=256M of the unit. */
const MAX_PORT_CONNECTIONS = 16;
const MAX_CONNECTIONS = 1024;
/** Bytes of the headers of IP and UDP. */
const OVERHEAD = { 4: 28, 6: 48 } as const;
/** RFC 1035: any client takes an answer of this many bytes. */
const MIN_ANSWER_BYTES = 512;

export class DnsServer implements ServiceServer {
  readonly #config: DnsConfig;
  readonly #ports: Ports;
  readonly #rates: Rates;
  readonly #log: Logger;
  readonly #pending = new PortCounts(MAX_PORT_PENDING);
  readonly #connections = new PortCounts(MAX_PORT_CONNECTIONS);
  readonly #server: Server;
  readonly #resolver: Resolver;
  #datagrams: Datagrams | undefined;

  /** @param ports directory of the agent's files of ports */
  constructor(config: DnsConfig, ports: string, log: Logger) {
    this.#config = config;
    this.#ports = new Ports(ports);
    this.#rates = new Rates(config.rate);
    this.#log = log;
    this.#resolver = new Resolver(config.resolver, config.port);
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#accept(socket);
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @param fds of systemd: the UDP socket, then the TCP one, as segue-dns@.socket has them */
  open([udp, tcp]: readonly number[] = []): void {
    this.#datagrams = udp === undefined ? Datagrams.open(PORT) : Datagrams.of(udp);
    if (tcp === undefined) this.#server.listen(PORT, undefined, BACKLOG);
    else this.#server.listen({ fd: tcp });
  }

  async ready(): Promise<void> {
    await once(this.#server, 'listening');
    this.#datagrams?.start((query, endpoints) => {
      this.#query(query, endpoints);
    });
  }

  onError(handle: (error: Error) => void): void {
    this.#server.on('error', handle);
  }

  close(): void {
    this.#datagrams?.close();
    this.#server.close();
    this.#resolver.close();
  }

  /** Must not throw: koffi drops exceptions of callbacks. */
  #query(data: Buffer, endpoints: Endpoints): void {
    try {
      this.#pass(data, endpoints);
    } catch (error) {
      this.#log.warn({ err: error }, 'a query could not be answered');
    }
  }

  #pass(data: Buffer, endpoints: Endpoints): void {
    const peer = peerIn(endpoints.from, endpoints.to);
    if (peer === undefined || data.length < HEADER_BYTES || !this.#rates.take(peer.ifindex)) return;
    const { ifindex, address } = peer;
    const query = Buffer.from(data);
    const say = (answer: Buffer): void => {
      this.#datagrams?.answer(answer, endpoints);
    };
    const fault = faultOf(query);
    if (fault === 'silent') return;
    const port = fault === undefined ? this.#ports.get(ifindex) : undefined;
    if (port === undefined) {
      say(failure(query, fault ?? Rcode.refused));
      return;
    }
    const limit = Math.max(MIN_ANSWER_BYTES, port.mtu - OVERHEAD[address.includes(':') ? 6 : 4]);
    limitSize(query, limit);
    if (!this.#pending.take(ifindex)) return;
    const isAsked = this.#resolver.ask(query, (answer) => {
      this.#pending.give(ifindex);
      if (answer === undefined) say(failure(query, Rcode.serverFailure));
      else say(answer.length > limit ? truncated(answer) : answer);
    });
    if (!isAsked) this.#pending.give(ifindex);
  }

  #accept(socket: Socket): void {
    const peer = peerOf(socket.remoteAddress, socket.localAddress);
    if (peer === undefined || !this.#connections.take(peer.ifindex)) {
      socket.destroy();
      return;
    }
    const { ifindex } = peer;
    socket.once('close', () => {
      this.#connections.give(ifindex);
    });
    if (this.#ports.get(ifindex) === undefined) {
      socket.destroy();
      return;
    }
    const { resolver, port } = this.#config;
    relayStream(socket, { resolver, port, take: () => this.#rates.take(ifindex) });
  }
}
