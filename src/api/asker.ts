/** The client of a request: a local process on the socket, or the holder of a certificate. */
import { TLSSocket } from 'node:tls';
import { peerCredentials } from '../kernel/peer-credentials.js';
import { Problem } from './problem.js';
import type { Socket } from 'node:net';

export interface Asker {
  /** Text for the log: `uid 0 (pid 17)`, `certificate ops.example`. */
  text: string;
  /** User of the process when it connected; undefined: no process, or unknown. */
  uid?: number;
  /** DNS names of the certificate. */
  names: readonly string[];
}

export function asker(socket: Socket): Asker {
  if (socket instanceof TLSSocket) {
    const names = dnsNames(socket.getPeerCertificate().subjectaltname ?? '');
    return { text: `certificate ${names.join(', ') || 'without a DNS name'} at ${socket.remoteAddress ?? '?'}`, names };
  }
  const fd = descriptorOf(socket);
  const credentials = fd === undefined || fd < 0 ? undefined : peerCredentials(fd);
  if (credentials === undefined) return { text: 'an unknown process', names: [] };
  const { uid, pid } = credentials;
  return { text: `uid ${uid} (pid ${pid})`, uid, names: [] };
}

/** @throws Problem (403) for clients that must not change anything */
export function refuseStranger({ uid, names, text }: Asker, operators: readonly string[]): void {
  if (uid !== undefined && (uid === 0 || uid === process.geteuid?.())) return;
  if (names.some((name) => operators.includes(name))) return;
  throw new Problem(403, {
    code: 'forbidden',
    detail: `${text} may read but not change anything: expected root on the socket, or a certificate with a DNS name of api.operators`,
  });
}

/** @param alternatives in Node.js's format: `DNS:a, IP Address:…` */
export function dnsNames(alternatives: string): string[] {
  // A name with a comma is quoted; it could be mistaken for two.
  if (alternatives.includes('"')) return [];
  return alternatives.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : []));
}

/** Node.js gives access to the socket's descriptor only through its handle. */
function descriptorOf(socket: Socket): number | undefined {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } | null };
  return handle?.fd;
}
