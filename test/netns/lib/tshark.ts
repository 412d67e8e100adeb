/** A second opinion on captured packets. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CapturedPacket } from './packets.js';
import type { TestNetwork } from './network.js';

/** What tshark finds wrong with frames, checksums of ICMP and of IP included. */
export function complaints(network: TestNetwork, packets: readonly CapturedPacket[]): string {
  const file = join(network.directory, 'answers.pcap');
  const head = Buffer.alloc(24);
  for (const [at, value] of [0xa1b2c3d4, 0x00040002, 0, 0, 0x40000, 1].entries()) head.writeUInt32LE(value, at * 4);
  const records = packets.map(({ bytes }) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(bytes.length, 8);
    record.writeUInt32LE(bytes.length, 12);
    return Buffer.concat([record, bytes]);
  });
  writeFileSync(file, Buffer.concat([head, ...records]));
  const bad = '_ws.malformed || icmp.checksum.status == 0 || icmpv6.checksum.status == 0 || ip.checksum.status == 0';
  const run = spawnSync('tshark', ['-r', file, '-o', 'ip.check_checksum:TRUE', '-Y', bad], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`tshark: ${run.stderr}`);
  return run.stdout;
}
