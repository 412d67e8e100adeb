/** Capture files of tcpdump: the classic format of pcap-savefile(5). */

/** LINKTYPE_ETHERNET of pcap-linktype(7). */
const LINKTYPE_ETHERNET = 1;

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;

/** One captured frame. */
export interface CapturedFrame {
  /** Seconds since the epoch, with the file's precision. */
  time: number;
  /** Length on the wire in bytes; larger than `bytes` if the frame was truncated. */
  wireLength: number;
  bytes: Buffer;
}

/** A file is no capture of Ethernet frames. */
class PcapError extends Error {
  readonly code = 'PCAP';

  constructor(message: string) {
    super(message);
    this.name = 'PcapError';
  }
}

/**
 * The frames of a capture file in order. A truncated record at the end (a capture still being written) is omitted.
 *
 * @throws PcapError if it is no classic capture file, or not of Ethernet
 */
export function parsePcap(file: Buffer): CapturedFrame[] {
  if (file.length < FILE_HEADER_BYTES) throw new PcapError(`capture of ${file.length} bytes: expected a file header`);
  const little = [MAGIC_MICROSECONDS, MAGIC_NANOSECONDS].includes(file.readUInt32LE(0));
  const read = (offset: number): number => (little ? file.readUInt32LE(offset) : file.readUInt32BE(offset));
  const magic = read(0);
  if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS) {
    throw new PcapError(`capture begins with 0x${file.readUInt32BE(0).toString(16)}: expected a pcap magic number`);
  }
  const fraction = magic === MAGIC_NANOSECONDS ? 1e9 : 1e6;
  const linkType = read(20) & 0xffff;
  if (linkType !== LINKTYPE_ETHERNET) throw new PcapError(`capture of link type ${linkType}: expected 1 (Ethernet)`);

  const frames: CapturedFrame[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= file.length;) {
    const length = read(at + 8);
    const start = at + RECORD_HEADER_BYTES;
    if (start + length > file.length) break;
    frames.push({
      time: read(at) + read(at + 4) / fraction,
      wireLength: read(at + 12),
      bytes: file.subarray(start, start + length),
    });
    at = start + length;
  }
  return frames;
}
