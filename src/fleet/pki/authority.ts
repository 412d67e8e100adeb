/** The CA of a fleet: created by segue, or given as PEM files of certificate and key. */
import { createHash, createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Certificate } from 'pkijs';
import { readRegularFile } from '../../intent/regular-file.js';
import { makeFolders } from '../../kernel/make-folders.js';
import { CERTIFICATE, issueCertificate, publicKeyOf } from './issue.js';
import { fromPem, toPem } from './pem.js';
import type { Issuer, Names } from './issue.js';

const DAY_MS = 86_400_000;

export interface KeyAndCertificate {
  certificate: string;
  key: string;
}

/** @returns a key as PEM, PKCS #8 */
export function newKey(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

export async function newAuthority(commonName: string, days: number): Promise<KeyAndCertificate> {
  const key = newKey();
  const untilMs = Date.now() + days * DAY_MS;
  const terms = { commonName, publicKey: publicKeyOf(key), role: 'ca', untilMs } as const;
  return { key, certificate: await issueCertificate(terms, { key: createPrivateKey(key) }) };
}

/** A CA that issues certificates. */
export class Authority {
  readonly #issuer: Issuer;
  /** The CA's certificate and those above it except the root, as PEM; appended to each issued certificate. */
  readonly #chain: string;
  readonly #untilMs: number;

  private constructor(certificates: readonly Buffer[], key: string | Buffer) {
    const [own] = certificates;
    if (own === undefined) throw new Error('no certificate');
    const shown = new X509Certificate(own);
    if (!shown.ca) throw new Error(`${shown.subject}: not the certificate of a CA`);
    const privateKey = createPrivateKey(key);
    if (!shown.checkPrivateKey(privateKey))
      throw new Error(`${shown.subject}: the key does not belong to the certificate`);
    this.#issuer = { certificate: Certificate.fromBER(new Uint8Array(own)), key: privateKey };
    this.#chain = certificates
      .filter((der) => !isSelfIssued(der))
      .map((der) => toPem(CERTIFICATE, der))
      .join('');
    this.#untilMs = Date.parse(shown.validTo);
  }

  /** @throws Error that contains the name of the file */
  static open({ cert, key }: { cert: string; key: string }): Authority {
    const keyPem = readRegularFile(key);
    try {
      return new Authority(fromPem(CERTIFICATE, readRegularFile(cert).toString()), keyPem);
    } catch (error) {
      throw new Error(`${cert}, ${key}: ${(error as Error).message}`);
    }
  }

  /**
   * @param publicKey SubjectPublicKeyInfo, DER
   * @param days validity from now, limited by the CA's own certificate
   * @returns PEM: the certificate, then those between it and the root
   */
  async issue(names: Names, role: 'node' | 'server', publicKey: Buffer, days: number): Promise<string> {
    if (this.#untilMs < Date.now()) throw new Error("the CA's certificate has expired");
    const untilMs = Math.min(Date.now() + days * DAY_MS, this.#untilMs);
    return (await issueCertificate({ ...names, role, publicKey, untilMs }, this.#issuer)) + this.#chain;
  }
}

function isSelfIssued(der: Buffer): boolean {
  const { subject, issuer } = new X509Certificate(der);
  return subject === issuer;
}

/** The pin of a CA: SHA-256 of its public key (RFC 7469 section 2.4), base64url. It survives a renewal of the CA's certificate. */
export function pinOf(certificate: X509Certificate): string {
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

/** The CA certificates of a PEM file. @throws Error that contains the name of the file */
export function readCertificates(file: string): X509Certificate[] {
  const all = fromPem(CERTIFICATE, readRegularFile(file).toString()).map((der) => new X509Certificate(der));
  if (all.length === 0) throw new Error(`${file}: expected certificates (PEM)`);
  return all;
}

/** Writes `<base>.pem`, and `<base>.key`, which only the owner can read. @throws Error if either exists already */
export function writePair(directory: string, base: string, { certificate, key }: KeyAndCertificate): [string, string] {
  const [certFile, keyFile] = [join(directory, `${base}.pem`), join(directory, `${base}.key`)];
  for (const file of [certFile, keyFile])
    if (existsSync(file)) throw new Error(`${file}: exists already: nothing was written`);
  makeFolders(directory);
  writeFileSync(keyFile, key, { mode: 0o600, flag: 'wx' });
  try {
    writeFileSync(certFile, certificate, { mode: 0o644, flag: 'wx' });
  } catch (error) {
    rmSync(keyFile, { force: true });
    throw error;
  }
  return [certFile, keyFile];
}
