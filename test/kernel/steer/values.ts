/** Keys of the maps out of text. */
import { Family } from '../../../src/ebpf/generated/layouts.js';
import { bytesOf } from '../fastpath/packets.js';

export { encode } from '../../../bench/lib/map-filler.js';

/** A prefix as the tries' keys have it: length counts the 64 bits before the address, IPv4 is in the first four bytes. */
export function prefixOf(text: string): { length: number; family: number; address: Buffer } {
  const [dotted = '', length = ''] = text.split('/');
  const address = Buffer.alloc(16);
  bytesOf(dotted).copy(address);
  return {
    length: 64 + Number(length),
    family: dotted.includes(':') ? Family.FAMILY_INET6 : Family.FAMILY_INET,
    address,
  };
}
