/** The peer of a call, identified by its certificate. */
import { plainFingerprint } from './pki/fingerprint.js';
import type { ServerSurfaceCall } from '@grpc/grpc-js/build/src/server-call.js';

export interface Peer {
  /** DNS names of the certificate. */
  names: string[];
  /** SHA-256 of the certificate in hexadecimal; empty without one. */
  fingerprint: string;
  /** End of the certificate's validity, in milliseconds since 1970. */
  untilMs: number;
}

export function peerOf(call: Pick<ServerSurfaceCall, 'getAuthContext'>): Peer {
  const shown = call.getAuthContext()?.sslPeerCertificate;
  if (shown === undefined) return { names: [], fingerprint: '', untilMs: 0 };
  const text = shown.subjectaltname ?? '';
  // A name with a comma is quoted; it could be mistaken for two.
  const names = text.includes('"')
    ? []
    : text.split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : []));
  return { names, fingerprint: plainFingerprint(shown.fingerprint256), untilMs: Date.parse(shown.valid_to) };
}
