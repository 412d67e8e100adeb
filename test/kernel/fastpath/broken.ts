/** Frames that are broken at random. */
import { tagged } from './packets.js';

const ETH = 14;

/** A frame, changed in none to three places. @param random a number below another */
export function mutate(frame: Buffer, random: (below: number) => number): Buffer {
  let bytes: Buffer = Buffer.from(frame);
  for (let turn = random(4); turn > 0; turn--) {
    const at = random(Math.min(bytes.length, 140));
    switch (random(6)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
        break;
      case 2:
        bytes = bytes.subarray(0, Math.max(ETH, random(bytes.length)));
        break;
      case 3:
        bytes = Buffer.concat([bytes, Buffer.alloc(random(200), random(256))]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random(9), random(256)), bytes.subarray(at)]);
        break;
      case 5:
        if (random(4) === 0) bytes = tagged(bytes, random(0x10000), random(2) === 0 ? 0x8100 : 0x88a8);
        break;
    }
  }
  return bytes;
}
