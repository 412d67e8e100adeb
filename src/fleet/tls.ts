/** Certificates: files that are read anew for each connection, so that renewed ones need no restart. */
import { readRegularFile } from '../intent/regular-file.js';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { Client, credentials, ServerCredentials } from '@grpc/grpc-js';
import type { ClientOptions } from '@grpc/grpc-js';
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
      return readRegularFile(tls[what]);
    } catch (error) {
      throw new Error(`tls.${what}: ${(error as Error).message}`);
    }
  };
  return { ca: read('ca'), cert: read('cert'), key: read('key') };
}

/**
 * A client's side of a connection to `host:port`, `[IPv6]:port`.
 *
 * @param tls absent: no TLS, which the files of a fleet allow towards loopback alone
 * @param options of the channel
 */
export function openClient(target: string, tls: TlsFiles | undefined, options: ClientOptions): Client {
  if (tls === undefined) return new Client(target, credentials.createInsecure(), options);
  const { ca, cert, key } = readPems(tls);
  const host = target.slice(0, target.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  if (isIP(host) === 0) return new Client(target, credentials.createSsl(ca, key, cert), options);
  // An address is no server name (RFC 6066 section 3): the certificate is compared with it all the same.
  const secure = credentials.createSsl(ca, key, cert, {
    checkServerIdentity: (_name, shown) => checkServerIdentity(host, shown),
  });
  return new Client(target, secure, { ...options, 'grpc.ssl_target_name_override': NO_NAME });
}

/** In place of a server name; reserved by RFC 2606. */
const NO_NAME = 'address.invalid';

/** For a server that asks for a client's certificate of this CA, and serves nobody without one. */
export function serverCredentials(tls: TlsFiles): ServerCredentials {
  const { ca, cert, key } = readPems(tls);
  return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true);
}
