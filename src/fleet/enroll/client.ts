/** A node's side of enrollment: which server it trusts without a CA, and the files it keeps. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { renameSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, connect } from 'node:tls';
import { readRegularFile } from '../../intent/regular-file.js';
import { replaceFile } from '../../kernel/replace-file.js';
import { callUnary } from '../unary.js';
import { newKey, pinOf } from '../pki/authority.js';
import { CERTIFICATE } from '../pki/issue.js';
import { fromPem, toPem } from '../pki/pem.js';
import { makeRequest } from '../pki/request.js';
import { ENROLLMENT, FEED } from '../rpc.js';
import { hostOf, openClient, openSecureClient } from '../tls.js';
import type { Client, MethodDefinition, ServiceError } from '@grpc/grpc-js';
import type { DetailedPeerCertificate } from 'node:tls';
import type { EnrollRequest, IssuedCertificate, RenewRequest } from '../rpc.js';
import type { TlsFiles } from '../types.js';
import type { Token } from './token.js';

/** Time-out of a call and of a connection, in milliseconds. */
const CALL_MS = 20_000;
/** Longest certificate chain of a server. */
const MAX_CHAIN = 10;
/** Suffix of the name of a key that has no certificate yet. */
const NEW_KEY = '.enroll';

const OPTIONS = { 'grpc.enable_retries': 0, 'grpc.use_local_subchannel_pool': 1 };

/**
 * Enrolls a node: creates a key, has a certificate issued for it, and writes both beside the CA's certificates. The key never leaves the node.
 * Until the certificate arrives, the key has a separate name and is reused: a node that lost the answer gets it again.
 *
 * @param target address of a feed's enrollment, `host:port`
 * @throws Error that says what is wrong; no certificate was written
 */
export async function enroll(
  target: string,
  token: Token,
  text: string,
  node: string,
  tls: TlsFiles,
): Promise<X509Certificate> {
  const ca = await pinnedAuthority(target, token.pin);
  const made = `${tls.key}${NEW_KEY}`;
  const key = ensureKey(made);
  const request: EnrollRequest = { token: text, node, request: await makeRequest(key, node) };
  const client = openSecureClient(target, { ca: Buffer.from(toPem(CERTIFICATE, ca.raw)) }, OPTIONS);
  const issued = await call(client, target, ENROLLMENT.Enroll as Method, request);
  check(issued, node, key);
  renameSync(made, tls.key);
  return keep(tls, issued);
}

/**
 * Has a node's next certificate issued, authenticated by the present one, for the same key.
 *
 * @param target address of a feed, `host:port`
 * @throws Error that says what is wrong; the certificate is unchanged
 */
export async function renew(target: string, node: string, tls: TlsFiles): Promise<X509Certificate> {
  const key = readRegularFile(tls.key).toString();
  const request: RenewRequest = { node, request: await makeRequest(key, node) };
  const issued = await call(openClient(target, tls, OPTIONS), target, FEED.Renew as Method, request);
  check(issued, node, key);
  return keep(tls, issued);
}

/**
 * The CA with this pin from a server's chain, after verifying that it issued the server's certificate, and that this has the server's name. Nothing
 * is sent before.
 */
async function pinnedAuthority(target: string, pin: string): Promise<X509Certificate> {
  const chain = await shownChain(target);
  const ca = chain.find((one) => pinOf(one) === pin);
  if (ca === undefined)
    throw new Error(`${target}: the server's certificate is not of the CA that the token names: nothing was sent`);
  return ca;
}

function shownChain(target: string): Promise<X509Certificate[]> {
  const host = hostOf(target);
  const port = Number(target.slice(target.lastIndexOf(':') + 1));
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      socket.destroy();
      reject(new Error(`${target}: ${why}`));
    };
    // The second connection verifies the certificate with the pinned CA.
    const socket = connect({
      ...{ host, port, ALPNProtocols: ['h2'], rejectUnauthorized: false, timeout: CALL_MS },
      ...(isIP(host) === 0 && { servername: host }),
    });
    socket.once('timeout', () => fail(`no answer within ${CALL_MS / 1000} s`));
    socket.once('error', (error: Error) => fail(error.message));
    socket.once('secureConnect', () => {
      const chain: X509Certificate[] = [];
      let at: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
      while (at?.raw !== undefined && chain.length < MAX_CHAIN) {
        chain.push(new X509Certificate(at.raw));
        if (at.issuerCertificate === at) break;
        at = at.issuerCertificate;
      }
      const [own] = chain;
      const mismatch = own && checkServerIdentity(host, socket.getPeerCertificate());
      socket.end();
      if (mismatch !== undefined) fail(mismatch.message);
      else resolve(chain);
    });
  });
}

type Method = MethodDefinition<object, IssuedCertificate>;

async function call(client: Client, target: string, method: Method, request: object): Promise<IssuedCertificate> {
  try {
    return await callUnary(client, method, request, CALL_MS);
  } catch (error) {
    throw new Error(`${target}: ${(error as ServiceError).details}`);
  } finally {
    client.close();
  }
}

function ensureKey(file: string): string {
  try {
    return readRegularFile(file).toString();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const key = newKey();
  replaceFile(file, key, 0o600);
  return key;
}

/** @throws Error if a certificate is not the requested one */
function check({ certificate, ca }: IssuedCertificate, node: string, key: string): void {
  const shown = new X509Certificate(certificate);
  if (!shown.checkPrivateKey(createPrivateKey(key))) throw new Error('the received certificate is for another key');
  if (!(shown.subjectAltName ?? '').split(', ').includes(`DNS:${node}`))
    throw new Error(`the received certificate is for ${shown.subjectAltName ?? 'no name'}, not for ${node}`);
  if (fromPem(CERTIFICATE, ca).length === 0) throw new Error('the certificate was received without its CA');
}

function keep(tls: TlsFiles, { certificate, ca }: IssuedCertificate): X509Certificate {
  if (ca !== textOf(tls.ca)) replaceFile(tls.ca, ca);
  replaceFile(tls.cert, certificate);
  return new X509Certificate(certificate);
}

function textOf(file: string): string | undefined {
  try {
    return readRegularFile(file).toString();
  } catch {
    return undefined;
  }
}
