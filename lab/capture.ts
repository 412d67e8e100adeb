import { readFileSync } from 'node:fs';
import { Background } from './process.js';
import { decodeFrame } from '../src/packet/decode.js';
import { parsePcap } from '../src/packet/pcap.js';
import type { Header } from '../src/packet/headers.js';
import type { CapturedFrame } from '../src/packet/pcap.js';

/** A captured frame with its headers. */
export interface CapturedPacket extends CapturedFrame {
  headers: Header[];
}

const START_TIMEOUT_MS = 300_000;
/** tcpdump flushes its output on request, but the kernel's ring may hold a block for this time. */
const SETTLE_MS = 300;
/** Size in bytes of the largest super-packet with all its headers. */
const SNAP_BYTES = 66_000;
/**
 * In KiB. In immediate mode (TPACKET_V2) each packet takes SNAP_BYTES of it: tcpdump's default of 2 MiB holds eight packets at its default of 256
 * KiB.
 */
const BUFFER_KIB = 32_768;

/** A tcpdump in a namespace that writes to a file. */
export class Capture {
  readonly #file: string;
  readonly #tcpdump: Background;
  #lost = 0;

  private constructor(file: string, tcpdump: Background) {
    this.#file = file;
    this.#tcpdump = tcpdump;
  }

  /**
   * Starts a capture; resolves once it listens.
   *
   * @param device interface; not `any`, since a file holds one interface
   * @param filter pcap-filter(7)
   * @param snapBytes bytes kept of a packet; the fewer, the more packets fit into the buffer
   */
  static async start(
    netns: string,
    device: string,
    file: string,
    filter = '',
    snapBytes = SNAP_BYTES,
  ): Promise<Capture> {
    const options = ['--immediate-mode', '-U', '-n', '-p', '--time-stamp-precision=nano', '-Z', 'root'];
    options.push('-s', String(snapBytes), '-B', String(BUFFER_KIB));
    const argv = ['tcpdump', '-i', device, ...options, '-w', file, ...(filter === '' ? [] : [filter])];
    const tcpdump = new Background(netns, argv);
    try {
      await tcpdump.waitFor(/listening on/, START_TIMEOUT_MS);
    } catch (error) {
      await tcpdump.stop();
      throw error;
    }
    return new Capture(file, tcpdump);
  }

  /** Ends the capture and returns its packets. */
  async stop(): Promise<CapturedPacket[]> {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await this.#tcpdump.stop('SIGINT');
    this.#lost = Number(/(\d+) packets? dropped by kernel/.exec(this.#tcpdump.output)?.[1] ?? 0);
    return parsePcap(readFileSync(this.#file)).map((frame) => ({ ...frame, headers: decodeFrame(frame.bytes) }));
  }

  /** Packets that its buffer could not hold, known after its end. */
  get lost(): number {
    return this.#lost;
  }

  /** Ends the capture without reading it. */
  async discard(): Promise<void> {
    await this.#tcpdump.stop();
  }
}
