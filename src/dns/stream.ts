/** DNS by TCP: a connection of a VM is passed to one of the resolver's. */
import { connect } from 'node:net';
import { failure, faultOf, idOf, MAX_QUERY_BYTES, messagesIn, Rcode, withLength } from './message.js';
import type { Socket } from 'node:net';

const IDLE_MS = 10_000;
/** Queries of a connection without an answer. */
const MAX_PENDING = 16;
/** Bytes that wait to be sent to a VM, above which its connection ends. */
const MAX_QUEUED_BYTES = 131_072;

interface StreamOptions {
  resolver: string;
  port: number;
  /** Takes a token of the VM's port. @returns false if there is none */
  take: () => boolean;
}

export function relayStream(client: Socket, { resolver, port, take }: StreamOptions): void {
  const server = connect({ host: resolver, port });
  /** Queries without an answer, oldest first. */
  const pending: Buffer[] = [];
  let fromClient: Buffer = Buffer.alloc(0);
  let fromServer: Buffer = Buffer.alloc(0);
  const close = (): void => {
    client.destroy();
    server.destroy();
  };
  const say = (message: Buffer): void => {
    client.write(withLength(message));
    if (client.writableLength > MAX_QUEUED_BYTES) close();
  };
  let isDown = false;
  const fail = (): void => {
    for (const query of pending.splice(0)) say(failure(query, Rcode.serverFailure));
    client.end();
    server.destroy();
  };
  const ask = (query: Buffer): void => {
    const fault = faultOf(query);
    if (fault === 'silent' || pending.length >= MAX_PENDING || !take()) {
      close();
      return;
    }
    if (fault !== undefined) {
      say(failure(query, fault));
      return;
    }
    pending.push(Buffer.from(query));
    if (isDown) fail();
    else server.write(withLength(query));
  };

  client.setTimeout(IDLE_MS, close);
  client.on('data', (data: Buffer) => {
    const { messages, rest } = messagesIn(Buffer.concat([fromClient, data]));
    fromClient = Buffer.from(rest);
    for (const query of messages) if (client.writable) ask(query);
    // Its bytes are not waited for.
    if (rest.length >= 2 && rest.readUInt16BE(0) > MAX_QUERY_BYTES) close();
  });
  client.on('end', () => {
    if (pending.length === 0) close();
  });
  client.on('error', close);
  client.on('close', close);
  server.on('data', (data: Buffer) => {
    const { messages, rest } = messagesIn(Buffer.concat([fromServer, data]));
    fromServer = Buffer.from(rest);
    for (const answer of messages) {
      if (answer.length < 2) continue;
      const at = pending.findIndex((query) => idOf(query) === idOf(answer));
      // A zone transfer has several messages for one query; a forwarder's clients have no use for one.
      if (at === -1) continue;
      pending.splice(at, 1);
      say(answer);
    }
    if (client.readableEnded && pending.length === 0) client.end();
  });
  server.on('error', () => {
    // Before the first query, which is then answered by a failure.
    isDown = true;
    if (pending.length > 0) fail();
  });
  server.on('end', fail);
  server.setTimeout(IDLE_MS, fail);
}
