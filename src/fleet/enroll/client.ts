/** A node's side of enrollment: whom it believes without a CA, and what it keeps. */
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

/** What a call and a connection may take, milliseconds. */
const CALL_MS = 20_000;
/** Of a chain that a server shows. */
const MAX_CHAIN = 10;
/** After the key's name, for one that has no certificate yet. */
const NEW_KEY = '.enroll';

const OPTIONS = { 'grpc.enable_retries': 0, 'grpc.use_local_subchannel_pool': 1 };

/**
 * Enrolls a node: makes a new key, has its certificate issued, and writes both beside the CA's certificates. The key goes nowhere. Until there is
 * an answer it has a name of its own, and is used again: a node that lost the answer gets it.
 *
 * @param target of a feed's enrollment, `host:port`
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
 * Has the next certificate of a node issued, by the one that it has. Its key stays.
 *
 * @param target of a feed, `host:port`
 * @throws Error that says what is wrong; the certificate is as it was
 */
export async function renew(target: string, node: string, tls: TlsFiles): Promise<X509Certificate> {
  const key = readRegularFile(tls.key).toString();
  const request: RenewRequest = { node, request: await makeRequest(key, node) };
  const issued = await call(openClient(target, tls, OPTIONS), target, FEED.Renew as Method, request);
  check(issued, node, key);
  return keep(tls, issued);
}

/**
 * The CA with this pin, out of the chain that a server shows, once the server's certificate is by it and of the server's name. Nothing is told
 * before.
 */
async function pinnedAuthority(target: string, pin: string): Promise<X509Certificate> {
  const chain = await shownChain(target);
  const ca = chain.find((one) => pinOf(one) === pin);
  if (ca === undefined)
    throw new Error(`${target}: what answers is not of the CA that the token names: nothing was sent to it`);
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
    // Whose certificate it is, is checked by the second connection, whose CA is the one with the pin.
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

/** @throws Error for a certificate that is not what was asked for */
function check({ certificate, ca }: IssuedCertificate, node: string, key: string): void {
  const shown = new X509Certificate(certificate);
  if (!shown.checkPrivateKey(createPrivateKey(key))) throw new Error('the certificate that came is of another key');
  if (!(shown.subjectAltName ?? '').split(', ').includes(`DNS:${node}`))
    throw new Error(`the certificate that came is of ${shown.subjectAltName ?? 'no name'}, not of ${node}`);
  if (fromPem(CERTIFICATE, ca).length === 0) throw new Error('no CA came with the certificate');
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
