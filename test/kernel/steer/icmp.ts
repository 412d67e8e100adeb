/** ICMP as the tests need it: checksums are nobody's business on the way. */
export const ECHO4 = { request: 8, reply: 0 } as const;
export const ECHO6 = { request: 128, reply: 129 } as const;

export function echo(type: number, identifier = 77): Buffer {
  const message = Buffer.alloc(24, 0x55);
  message.writeUInt8(type, 0);
  message.writeUInt8(0, 1);
  message.writeUInt16BE(identifier, 4);
  message.writeUInt16BE(1, 6);
  return message;
}

/** An error about a packet, whose first bytes it quotes: IP header and 8 bytes at least. */
export function errorAbout(quoted: Buffer, type: number, code = 0, bytes = quoted.length): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(type, 0);
  header.writeUInt8(code, 1);
  return Buffer.concat([header, quoted.subarray(0, bytes)]);
}
