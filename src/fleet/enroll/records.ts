/** Enrollment records in the store: tokens, certificates issued to each node, and revoked certificates. */
import { X509Certificate } from 'node:crypto';
import { endOf } from '../keys.js';
import { del, isAbsent, isAt, put } from '../store/commit.js';
import { plainFingerprint } from '../pki/fingerprint.js';
import { parseJson } from '../store/realm.js';
import { hashSecret, isSecretOf } from './token.js';
import type { Compare, RequestOp } from '../rpc.js';
import type { RealmKeys } from '../keys.js';
import type { EtcdClient } from '../store/etcd-client.js';
import type { Token } from './token.js';

export interface TokenRecord {
  node: string;
  /** SHA-256 of the secret. */
  hash: string;
  expiresMs: number;
  author: string;
  /** Set once a key has used the token. */
  used?: { publicKey: string; certificate: string; atMs: number };
}

export interface IssuedRecord {
  /** SHA-256 of the certificate in hexadecimal, by which it is revoked. */
  fingerprint: string;
  serial: string;
  fromMs: number;
  untilMs: number;
  /** How the node was authenticated. */
  by: 'token' | 'renewal';
}

export interface RevokedRecord {
  node: string;
  serial: string;
  /** End of the certificate's validity, after which the record has no use. */
  untilMs: number;
  atMs: number;
  author: string;
  reason: string;
}

interface NodeRecord {
  certificates: IssuedRecord[];
}

/** Valid certificates of one node; a node with more within their lifetime does not keep what it gets. */
const MAX_CERTIFICATES = 40;
/** Revocations in one transaction; etcd allows 128 operations. */
const MAX_REVOKED = 50;

/** The request is denied; the message is for the client. */
export class EnrollmentRefused extends Error {}

/** Another process changed the same record first: retry. */
const ANEW = Symbol('anew');

export class EnrollmentRecords {
  readonly #client: EtcdClient;
  readonly #keys: RealmKeys;

  constructor(client: EtcdClient, keys: RealmKeys) {
    this.#client = client;
    this.#keys = keys;
  }

  /** @throws EtcdError */
  async addToken({ id, secret }: Token, node: string, seconds: number, author: string): Promise<TokenRecord> {
    const record: TokenRecord = { node, hash: hashSecret(secret), expiresMs: Date.now() + seconds * 1000, author };
    // The lease removes an unused record; the time in the record decides about validity.
    const lease = await this.#client.grantLease(seconds * 2);
    await this.#client.txn({ compare: [], success: [put(this.#tokenKey(id), record, lease)] });
    return record;
  }

  async tokens(): Promise<Map<string, TokenRecord>> {
    const prefix = this.#tokenKey('');
    return this.#all<TokenRecord>(prefix);
  }

  /** @returns false if there is no such token */
  async removeToken(id: string): Promise<boolean> {
    const key = this.#tokenKey(id);
    const { modRevision } = await this.#read(key);
    if (modRevision === 0) return false;
    await this.#client.txn({ compare: [], success: [del(key)] });
    return true;
  }

  /**
   * Issues the first certificate of a token's node. A node that lost the answer repeats the request with the same key, and gets the same
   * certificate.
   *
   * @param publicKey hexadecimal
   * @throws EnrollmentRefused
   */
  async redeem(token: Token, node: string, publicKey: string, issue: () => Promise<string>): Promise<string> {
    return this.#until(async () => {
      const key = this.#tokenKey(token.id);
      const { value, modRevision, lease } = await this.#read<TokenRecord>(key);
      if (value === undefined || !isSecretOf(token.secret, value.hash))
        throw new EnrollmentRefused('the token is unknown: wrong, removed, or long expired');
      // The client has the secret: from here on it may learn what is wrong.
      if (value.node !== node) throw new EnrollmentRefused(`the token is for node ${value.node}, not for ${node}`);
      if (value.expiresMs < Date.now())
        throw new EnrollmentRefused(`the token expired at ${new Date(value.expiresMs).toISOString()}`);
      if (value.used !== undefined) {
        if (value.used.publicKey === publicKey) return value.used.certificate;
        throw new EnrollmentRefused(
          `the token was used at ${new Date(value.used.atMs).toISOString()} with another key`,
        );
      }
      const certificate = await issue();
      const used = { publicKey, certificate, atMs: Date.now() };
      const ops = [put(key, { ...value, used }, lease)];
      return (await this.#issued(node, certificate, 'token', [isAt(key, modRevision)], ops)) ? certificate : ANEW;
    });
  }

  /**
   * Issues the next certificate of a node that has one.
   *
   * @param fingerprint of its present certificate
   * @throws EnrollmentRefused if that is revoked
   */
  async renew(node: string, fingerprint: string, issue: () => Promise<string>): Promise<string> {
    return this.#until(async () => {
      const key = this.#keys.revoked + fingerprint;
      if ((await this.#read(key)).modRevision !== 0) throw new EnrollmentRefused('the certificate is revoked');
      const certificate = await issue();
      return (await this.#issued(node, certificate, 'renewal', [isAbsent(key)], [])) ? certificate : ANEW;
    });
  }

  async #issued(
    node: string,
    pem: string,
    by: IssuedRecord['by'],
    compare: Compare[],
    success: RequestOp[],
  ): Promise<boolean> {
    const key = this.#nodeKey(node);
    const { value, modRevision } = await this.#read<NodeRecord>(key);
    const now = Date.now();
    const valid = (value?.certificates ?? []).filter(({ untilMs }) => untilMs > now);
    if (valid.length >= MAX_CERTIFICATES)
      throw new EnrollmentRefused(
        `node ${node} already has ${valid.length} valid certificates: does it store them? segue fleet revoke ${node} revokes them`,
      );
    const record: NodeRecord = { certificates: [...valid, { ...issuedRecord(pem), by }] };
    const { succeeded } = await this.#client.txn({
      compare: [...compare, isAt(key, modRevision)],
      success: [...success, put(key, record)],
    });
    return succeeded;
  }

  /** Valid certificates by node. */
  async issued(): Promise<Map<string, IssuedRecord[]>> {
    const all = await this.#all<NodeRecord>(this.#nodeKey(''));
    const now = Date.now();
    return new Map(
      [...all].map(([node, { certificates }]) => [node, certificates.filter(({ untilMs }) => untilMs > now)]),
    );
  }

  async revoked(): Promise<Map<string, RevokedRecord>> {
    return this.#all<RevokedRecord>(this.#keys.revoked);
  }

  /**
   * Revokes all certificates of a node, and others that were not issued here. No certificate of the node is renewed meanwhile.
   *
   * @param others PEM texts or DER
   * @returns the revoked certificates
   */
  async revoke(
    node: string,
    others: readonly (string | Buffer)[],
    { author, reason }: { author: string; reason: string },
  ): Promise<IssuedRecord[]> {
    return this.#until(async () => {
      const key = this.#nodeKey(node);
      const { value, modRevision } = await this.#read<NodeRecord>(key);
      const atMs = Date.now();
      const byHand = others.map((one) => ({ ...issuedRecord(one), by: 'token' as const }));
      const valid = [...(value?.certificates ?? []).filter(({ untilMs }) => untilMs > atMs), ...byHand];
      const expired = [...(await this.revoked())].filter(([, { untilMs }]) => untilMs < atMs).slice(0, MAX_REVOKED);
      const success = [
        ...valid.map(({ fingerprint, serial, untilMs }) =>
          put(this.#keys.revoked + fingerprint, {
            node,
            serial,
            untilMs,
            atMs,
            author,
            reason,
          } satisfies RevokedRecord),
        ),
        ...expired.map(([fingerprint]) => del(this.#keys.revoked + fingerprint)),
        del(key),
      ];
      const { succeeded } = await this.#client.txn({ compare: [isAt(key, modRevision)], success });
      return succeeded ? valid : ANEW;
    });
  }

  async #until<T>(attempt: () => Promise<T | typeof ANEW>): Promise<T> {
    for (;;) {
      const result = await attempt();
      if (result !== ANEW) return result;
    }
  }

  #tokenKey(id: string): string {
    return `${this.#keys.enrollment}token/${id}`;
  }

  #nodeKey(name: string): string {
    return `${this.#keys.enrollment}node/${name}`;
  }

  async #read<T>(key: string): Promise<{ value: T | undefined; modRevision: number; lease: number }> {
    const { kvs } = await this.#client.range({ key: Buffer.from(key) });
    const [kv] = kvs;
    const value = kv && (parseJson(key, kv.value.toString()) as T);
    return { value, modRevision: kv?.mod_revision ?? 0, lease: kv?.lease ?? 0 };
  }

  async #all<T>(prefix: string): Promise<Map<string, T>> {
    const { kvs } = await this.#client.range({ key: Buffer.from(prefix), range_end: endOf(prefix) }, { large: true });
    return new Map(
      kvs.map(({ key, value }) => {
        const name = key.toString().slice(prefix.length);
        return [name, parseJson(key.toString(), value.toString()) as T];
      }),
    );
  }
}

function issuedRecord(certificate: string | Buffer): Omit<IssuedRecord, 'by'> {
  const { fingerprint256, serialNumber, validFrom, validTo } = new X509Certificate(certificate);
  return {
    fingerprint: plainFingerprint(fingerprint256),
    serial: serialNumber.toLowerCase(),
    fromMs: Date.parse(validFrom),
    untilMs: Date.parse(validTo),
  };
}
