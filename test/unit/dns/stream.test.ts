/** A VM's connection to the DNS service, relayed to a resolver on loopback that never answers. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { MAX_QUERY_BYTES, probeQuery, withLength } from '../../../src/dns/message.js';
import { relayStream } from '../../../src/dns/stream.js';
import type { AddressInfo, Server, Socket } from 'node:net';

async function listen(accept: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, accept).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

async function client(): Promise<Socket> {
  const resolver = await listen((socket) => socket.resume().on('error', () => undefined));
  const service = await listen((socket) => {
    relayStream(socket, { resolver: '127.0.0.1', port: resolver, take: () => true });
  });
  const socket = connect(service, '127.0.0.1').on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket.resume();
}

it('a connection ends at a length above MAX_QUERY_BYTES, before its bytes arrive', async () => {
  const socket = await client();
  const length = Buffer.alloc(2);
  length.writeUInt16BE(MAX_QUERY_BYTES + 1);
  socket.write(length);
  await once(socket, 'close');
});

it('a connection ends at the 17th query without an answer', async () => {
  const socket = await client();
  const queries = (count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, () => withLength(probeQuery())));
  let isOpen = true;
  socket.once('close', () => (isOpen = false));
  socket.write(queries(16));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isOpen).toBe(true);
  socket.write(queries(1));
  if (isOpen) await once(socket, 'close');
});
