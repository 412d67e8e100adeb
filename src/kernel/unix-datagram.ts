/** Unix datagram sockets, which Node.js does not provide. */
import { check, libcBind, libcClose, libcConnect, libcRecv, libcSend, libcSocket } from './libc.js';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const SUN_PATH_BYTES = 108;
const MAX_DATAGRAM_BYTES = 4096;

/**
 * Sends a datagram; fails instead of waiting for space at the receiver.
 *
 * @param path path of the receiver's socket; `@name`: an abstract one (unix(7))
 * @throws SystemCallError
 */
export function sendUnixDatagram(path: string, text: string): void {
  const fd = openSocket(path);
  try {
    const address = addressOf(path);
    check(libcConnect(fd, address, address.length), 'connect', path);
    const data = Buffer.from(text);
    check(libcSend(fd, data, data.length, MSG_NOSIGNAL), 'send', path);
  } finally {
    libcClose(fd);
  }
}

/** A socket that receives datagrams. close() does not remove the file of a path that is not abstract. */
export class UnixDatagramReceiver {
  readonly #fd: number;
  readonly #data = Buffer.alloc(MAX_DATAGRAM_BYTES);

  /** @throws SystemCallError EADDRINUSE if the file exists */
  constructor(path: string) {
    this.#fd = openSocket(path);
    const address = addressOf(path);
    check(libcBind(this.#fd, address, address.length), 'bind', path);
  }

  /** Returns the datagrams that arrived since the last call. */
  receive(): string[] {
    const texts: string[] = [];
    for (;;) {
      const length = libcRecv(this.#fd, this.#data, this.#data.length, 0);
      if (length < 0) return texts;
      texts.push(this.#data.toString('utf8', 0, length));
    }
  }

  close(): void {
    libcClose(this.#fd);
  }
}

function openSocket(what: string): number {
  return check(libcSocket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'socket', what);
}

/** Encodes struct sockaddr_un. */
function addressOf(path: string): Buffer {
  const name = Buffer.from(path.startsWith('@') ? `\0${path.slice(1)}` : path);
  if (name.length >= SUN_PATH_BYTES)
    throw new RangeError(`${path}: expected a path of less than ${SUN_PATH_BYTES} bytes`);
  const address = Buffer.alloc(2 + name.length);
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, 2);
  return address;
}
