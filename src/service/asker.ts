/** Identifies the port of a request, by the address that its program translated the request to (bpf/abi/service_types.h). */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceKind } from '../ebpf/generated/layouts.js';
import { readRegularFile } from '../intent/regular-file.js';
import { formatIPv4, formatIPv6, parseAddress } from 'netlink-ts/inet';
import { readPortFile } from './port-file.js';
import type { PortFile } from './port-file.js';

/** Offsets of an address's parts in bytes. */
const AT = { prefix: 0, number: 4, host: 8, host4: 12 } as const;
/** As in bpf/abi/service_types.h. */
const SERVICE_SIDE = 0x80000000;
/** Kinds whose clients use IPv4. */
const KINDS4: readonly number[] = [ServiceKind.SERVICE_METADATA4, ServiceKind.SERVICE_DNS4];

/** The interface of a port, and the VM's own address. */
export interface Peer {
  ifindex: number;
  address: string;
}

/**
 * Decodes both addresses of a connection.
 *
 * @returns undefined unless they are those of a port's request
 */
export function peerOf(remote: string | undefined, local: string | undefined): Peer | undefined {
  const from = bytesOf(remote);
  const to = bytesOf(local);
  return from === undefined || to === undefined ? undefined : peerIn(from, to);
}

/** The same, of addresses of 16 bytes. */
export function peerIn(from: Buffer, to: Buffer): Peer | undefined {
  const number = to.readUInt32BE(AT.number);
  const ifindex = from.readUInt32BE(AT.number);
  if (from.readUInt32BE(AT.prefix) !== to.readUInt32BE(AT.prefix)) return undefined;
  if (number < SERVICE_SIDE || ifindex >= SERVICE_SIDE || ifindex === 0) return undefined;
  if (KINDS4.includes(number - SERVICE_SIDE)) return { ifindex, address: formatIPv4(from, AT.host4) };
  const address = Buffer.concat([to.subarray(AT.host), from.subarray(AT.host)]);
  return { ifindex, address: formatIPv6(address, 0) };
}

function bytesOf(text: string | undefined): Buffer | undefined {
  const parsed = text === undefined ? undefined : parseAddress(text);
  return parsed?.family === 6 ? Buffer.from(parsed.bytes) : undefined;
}

interface Known {
  /** Identity of the file, which changes with it. */
  stamp: string;
  port: PortFile;
}

/** Ports whose files are cached; a file is checked on each request, and read if it changed. */
const MOST_KNOWN = 16_384;

/** The ports, from the agent's files. */
export class Ports {
  readonly #directory: string;
  readonly #known = new Map<number, Known>();

  /** @param directory of the ports' files in the node's run-time directory */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The port at an interface; undefined if the agent has no file for it. @throws Error if a file cannot be read */
  get(ifindex: number): PortFile | undefined {
    const path = join(this.#directory, `${ifindex}.json`);
    const found = statSync(path, { throwIfNoEntry: false, bigint: true });
    if (found === undefined) {
      this.#known.delete(ifindex);
      return undefined;
    }
    const stamp = `${found.ino} ${found.mtimeNs} ${found.size}`;
    const known = this.#known.get(ifindex);
    if (known?.stamp === stamp) return known.port;
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    const port = readPortFile(readRegularFile(path).toString());
    this.#known.set(ifindex, { stamp, port });
    return port;
  }
}
