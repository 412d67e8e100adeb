import type { NetlinkProtocol } from './transport.js';
import type { MessageWriter } from './writer.js';

/** Something to ask of the kernel: one message. Encoded when it is sent, straight into the socket's buffer. */
export interface NetlinkRequest {
  /**
   * Writes the whole message, begin to end.
   * @throws AddressError, RangeError when a value cannot be written
   */
  encode(writer: MessageWriter): void;
  /** The operation in iproute2's words, for errors: "replace route 10.0.0.10/32 table 100". */
  describe(): string;
  /** Errno names by which the kernel says, of this dump, that there is nothing to list. */
  readonly emptyWhen?: readonly string[];
  /** Of sockets it can be sent by; absent: route. */
  readonly protocol?: NetlinkProtocol;
}

/** A request from two functions, for those that are not on a hot path. */
export function makeRequest(
  describe: () => string,
  encode: (writer: MessageWriter) => void,
  emptyWhen: readonly string[] = [],
): NetlinkRequest {
  return { describe, encode, emptyWhen };
}

/** The same for a family of generic netlink. */
export function makeGenericRequest(describe: () => string, encode: (writer: MessageWriter) => void): NetlinkRequest {
  return { describe, encode, protocol: 'generic' };
}
