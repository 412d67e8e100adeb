/** Encodes blocks of a pcapng file (draft-ietf-opsawg-pcapng), little endian. Pure. */

const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const LINKTYPE_ETHERNET = 1;

const OPTION = {
  end: 0,
  comment: 1,
  userApplication: 4,
  interfaceName: 2,
  interfaceDescription: 3,
  timeResolution: 9,
  packetFlags: 2,
  packetId: 5,
  packetVerdict: 7,
} as const;

/** if_tsresol: time is in ns. */
const NANOSECONDS = 9;
/** Bits 0 and 1 of epb_flags. */
const DIRECTION = { inbound: 1, outbound: 2 } as const;
/** First byte of epb_verdict: the type of hook. */
const VERDICT = { tc: 1, xdp: 2 } as const;

export interface PacketBlock {
  /** Index of its interface description in the section, from 0. */
  interfaceId: number;
  /** ns since 1970 */
  time: bigint;
  /** the frame, possibly truncated */
  bytes: Buffer;
  /** bytes of the whole frame */
  wireLength: number;
  direction: keyof typeof DIRECTION;
  /** Frames with the same number are one packet at several interfaces. */
  packetId: bigint;
  comment: string;
  /** Return value of an eBPF program. */
  verdict?: { hook: keyof typeof VERDICT; value: number };
}

/** Starts a section: the first block of a file. */
export function sectionHeader(application: string): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4);
  body.writeUInt16LE(0, 6);
  // Length of the section: unknown.
  body.writeBigInt64LE(-1n, 8);
  return block(SECTION_HEADER, body, options([OPTION.userApplication, Buffer.from(application)]));
}

/** Describes an Ethernet interface, to which packets refer by index. */
export function interfaceDescription(name: string, description: string, snapLength: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(LINKTYPE_ETHERNET, 0);
  body.writeUInt32LE(snapLength, 4);
  return block(
    INTERFACE_DESCRIPTION,
    body,
    options(
      [OPTION.interfaceName, Buffer.from(name)],
      [OPTION.interfaceDescription, Buffer.from(description)],
      [OPTION.timeResolution, Buffer.from([NANOSECONDS])],
    ),
  );
}

export function enhancedPacket(packet: PacketBlock): Buffer {
  const { interfaceId, time, bytes, wireLength, direction, packetId, comment, verdict } = packet;
  const head = Buffer.alloc(20);
  head.writeUInt32LE(interfaceId, 0);
  head.writeUInt32LE(Number(time >> 32n), 4);
  head.writeUInt32LE(Number(time & 0xffffffffn), 8);
  head.writeUInt32LE(bytes.length, 12);
  head.writeUInt32LE(Math.max(wireLength, bytes.length), 16);
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(DIRECTION[direction]);
  const id = Buffer.alloc(8);
  id.writeBigUInt64LE(packetId);
  const list: [number, Buffer][] = [
    [OPTION.comment, Buffer.from(comment)],
    [OPTION.packetFlags, flags],
    [OPTION.packetId, id],
  ];
  if (verdict !== undefined) {
    const value = Buffer.alloc(9);
    value.writeUInt8(VERDICT[verdict.hook], 0);
    value.writeBigInt64LE(BigInt(verdict.value), 1);
    list.push([OPTION.packetVerdict, value]);
  }
  return block(ENHANCED_PACKET, head, padded(bytes), options(...list));
}

function block(type: number, ...parts: Buffer[]): Buffer {
  const length = 12 + parts.reduce((total, part) => total + part.length, 0);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(length, 4);
  const tail = Buffer.alloc(4);
  tail.writeUInt32LE(length, 0);
  return Buffer.concat([head, ...parts, tail]);
}

function options(...list: [code: number, value: Buffer][]): Buffer {
  const parts = list.map(([code, value]) => {
    const head = Buffer.alloc(4);
    head.writeUInt16LE(code, 0);
    head.writeUInt16LE(value.length, 2);
    return Buffer.concat([head, padded(value)]);
  });
  return Buffer.concat([...parts, Buffer.alloc(4)]);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
