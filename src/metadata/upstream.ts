/** Nova's metadata service by Neutron's protocol: headers identify the VM, signed with a shared secret. */
import { createHmac } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { PortFile } from '../service/port-file.js';

/** RFC 9110 section 7.6.1. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
/** Headers that clients could forge. */
const FORGED = /^(x-|forwarded$|via$|expect$|host$|content-length$)/;
const UPSTREAM_TIMEOUT_MS = 10_000;
/** More than a port's connections, so that no port can use all of them. */
const MAX_SOCKETS = 1024;

/** The end-to-end headers of a message. */
export function endToEnd(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const dropped = new Set([...HOP_BY_HOP, ...named]);
  return Object.fromEntries(
    Object.entries(headers).filter(([name, value]) => !dropped.has(name) && value !== undefined),
  );
}

export class Upstream {
  readonly #url: URL;
  readonly #secret: string;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(url: string, secret: string) {
    this.#url = new URL(url);
    this.#secret = secret;
    const options = { keepAlive: true, maxSockets: MAX_SOCKETS };
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Headers of a request for Nova. */
  headersOf(request: IncomingMessage, port: PortFile & { instance: string }, address: string): OutgoingHttpHeaders {
    const { instance, project } = port;
    const kept = Object.entries(endToEnd(request.headers)).filter(([name]) => !FORGED.test(name));
    return {
      ...Object.fromEntries(kept),
      'X-Forwarded-For': address,
      'X-Instance-ID': instance,
      ...(project !== undefined && { 'X-Tenant-ID': project, 'X-Project-ID': project }),
      'X-Instance-ID-Signature': createHmac('sha256', this.#secret).update(instance).digest('hex'),
    };
  }

  /** @param body the complete body */
  ask(
    request: IncomingMessage,
    headers: OutgoingHttpHeaders,
    body: Buffer,
    onAnswer: (answer: IncomingMessage) => void,
    onError: () => void,
  ): ClientRequest {
    const { protocol, hostname, port, pathname } = this.#url;
    const send = protocol === 'https:' ? httpsRequest : httpRequest;
    const asked = send(
      {
        protocol,
        hostname: hostname.replace(/^\[|\]$/g, ''),
        ...(port !== '' && { port }),
        path: pathname.replace(/\/$/, '') + (request.url ?? '/'),
        method: request.method,
        headers: { ...headers, ...(body.length > 0 && { 'content-length': body.length }) },
        agent: this.#agent,
        timeout: UPSTREAM_TIMEOUT_MS,
      },
      onAnswer,
    );
    asked.on('timeout', () => asked.destroy(new Error('the upstream does not answer')));
    asked.on('error', onError);
    asked.end(body);
    return asked;
  }

  close(): void {
    this.#agent.destroy();
  }
}
