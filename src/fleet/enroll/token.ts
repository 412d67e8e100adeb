/** Enrollment tokens of nodes: `segue1.<id>.<secret>.<pin>`. The store has a hash of the secret; the node recognises its CA by the pin. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const PREFIX = 'segue1';
const ID_BYTES = 6;
const SECRET_BYTES = 32;
const TOKEN = /^segue1\.([0-9a-f]{12})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

export interface Token {
  id: string;
  secret: string;
  /** Pin of the CA (pinOf). */
  pin: string;
}

export function newToken(pin: string): Token {
  return { id: randomBytes(ID_BYTES).toString('hex'), secret: randomBytes(SECRET_BYTES).toString('base64url'), pin };
}

export function formatToken({ id, secret, pin }: Token): string {
  return [PREFIX, id, secret, pin].join('.');
}

/** @returns undefined if the text is no token */
export function parseToken(text: string): Token | undefined {
  const [, id, secret, pin] = TOKEN.exec(text.trim()) ?? [];
  return id === undefined || secret === undefined || pin === undefined ? undefined : { id, secret, pin };
}

/** The secret has 256 random bits, so a slow hash would add nothing. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

export function isSecretOf(secret: string, hash: string): boolean {
  const [a, b] = [Buffer.from(hashSecret(secret), 'hex'), Buffer.from(hash, 'hex')];
  return a.length === b.length && timingSafeEqual(a, b);
}
