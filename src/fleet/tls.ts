/** Certificates: files that are read anew for each connection, so that renewed ones need no restart. */
import { readFileSync } from 'node:fs';
import { credentials, ServerCredentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import type { TlsFiles } from './types.js';

interface Pems {
  ca: Buffer;
  cert: Buffer;
  key: Buffer;
}

/** @throws Error that names the file */
function readPems(tls: TlsFiles): Pems {
  const read = (what: keyof TlsFiles): Buffer => {
    try {
      return readFileSync(tls[what]);
    } catch (error) {
      throw new Error(`tls.${what}: ${(error as Error).message}`);
    }
  };
  return { ca: read('ca'), cert: read('cert'), key: read('key') };
}

/** @param tls absent: no TLS, which the files of a fleet allow towards loopback alone */
export function channelCredentials(tls: TlsFiles | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { ca, cert, key } = readPems(tls);
  return credentials.createSsl(ca, key, cert);
}

/** For a server that asks for a client's certificate of this CA, and serves nobody without one. */
export function serverCredentials(tls: TlsFiles): ServerCredentials {
  const { ca, cert, key } = readPems(tls);
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true);
}
