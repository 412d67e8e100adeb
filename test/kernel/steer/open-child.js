// Opens connections through a network node's program, one after the other, until standard input ends; prints how many passed, and how many did
// not.
//
//   node test/kernel/steer/open-child.js PROGRAM FRAME PORT_AT NETNS CONTEXT
//
// PROGRAM: path of a pinned XDP program. FRAME: hex. PORT_AT: of the source port in it, bytes. NETNS, CONTEXT: where it comes in, struct
// xdp_md in hex.
import process from 'node:process';
import { Buffer } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import { BpfProgram, TestRun } from 'libbpf-ts';

const [path, hex, at, netns, contextHex] = process.argv.slice(2);
const frame = Buffer.from(hex, 'hex');
const context = Buffer.from(contextHex, 'hex');
const test = new TestRun(BpfProgram.openPinned(path), { data: frame, netns, context });
const verdicts = {};
let ended = false;
process.stdin.resume().on('end', () => (ended = true));
process.stdout.write('opening\n');
// Fewer than a pair of zones may have half-open.
for (let port = 1024; !ended; port = port === 16383 ? 1024 : port + 1) {
  frame.writeUInt16BE(port, Number(at));
  const { verdict } = test.run();
  verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
  if (port % 64 === 0) await setImmediate();
}
process.stdout.write(`${JSON.stringify(verdicts)}\n`);
