import { readFileSync } from 'node:fs';
import { Background } from './process.js';
import { decodeFrame } from './packet/decode.js';
import { parsePcap } from './packet/pcap.js';
import type { Header } from './packet/headers.js';
import type { CapturedFrame } from './packet/pcap.js';

/** A captured frame with its headers. */
export interface CapturedPacket extends CapturedFrame {
  headers: Header[];
}

const START_TIMEOUT_MS = 30_000;
/** tcpdump flushes what it has when it is asked to; the kernel's ring may still hold a block, this long at most. */
const SETTLE_MS = 300;

/** A tcpdump in a namespace, writing to a file. */
export class Capture {
  readonly #file: string;
  readonly #tcpdump: Background;

  private constructor(file: string, tcpdump: Background) {
    this.#file = file;
    this.#tcpdump = tcpdump;
  }

  /**
   * Starts to capture; resolves once it listens.
   *
   * @param device interface, or `any`-less: a file holds one interface
   * @param filter pcap-filter(7)
   */
  static async start(netns: string, device: string, file: string, filter = ''): Promise<Capture> {
    const options = ['--immediate-mode', '-U', '-n', '-p', '-s', '0', '--time-stamp-precision=nano', '-Z', 'root'];
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

  /** Ends it and gives what it saw. */
  async stop(): Promise<CapturedPacket[]> {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    await this.#tcpdump.stop('SIGINT');
    return parsePcap(readFileSync(this.#file)).map((frame) => ({ ...frame, headers: decodeFrame(frame.bytes) }));
  }

  /** Ends it without a look. */
  async discard(): Promise<void> {
    await this.#tcpdump.stop();
  }
}
