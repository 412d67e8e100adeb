/** Session tokens of EC2's metadata service (IMDSv2), which are signed, so that none has to be stored. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export const TOKEN_HEADER = 'x-aws-ec2-metadata-token';
export const TTL_HEADER = 'x-aws-ec2-metadata-token-ttl-seconds';
/** In seconds. */
export const MAX_TTL = 21_600;

const HEAD_BYTES = 12;
const MAC_BYTES = 24;

export class Tokens {
  /** Tokens expire with the process. */
  readonly #key = randomBytes(32);
  readonly #now: () => number;

  /** @param now time in milliseconds */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @param ifindex the only port that may use the token */
  make(ifindex: number, seconds: number): string {
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32BE(ifindex, 0);
    head.writeBigUInt64BE(BigInt(Math.floor(this.#now()) + seconds * 1000), 4);
    return Buffer.concat([head, this.#mac(head)]).toString('base64url');
  }

  /** The remaining seconds of a token; undefined if the port may not use it. */
  check(ifindex: number, token: string): number | undefined {
    const bytes = Buffer.from(token, 'base64url');
    // Other texts that decode to the same bytes are refused.
    if (bytes.length !== HEAD_BYTES + MAC_BYTES || bytes.toString('base64url') !== token) return undefined;
    const head = bytes.subarray(0, HEAD_BYTES);
    if (!timingSafeEqual(this.#mac(head), bytes.subarray(HEAD_BYTES))) return undefined;
    const left = Number(head.readBigUInt64BE(4)) - this.#now();
    return head.readUInt32BE(0) === ifindex && left > 0 ? Math.ceil(left / 1000) : undefined;
  }

  #mac(head: Buffer): Buffer {
    return createHmac('sha256', this.#key).update(head).digest().subarray(0, MAC_BYTES);
  }
}
