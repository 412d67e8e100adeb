// Runs each frame of a capture through a pinned program (BPF_PROG_TEST_RUN) and prints what it returned, and the length of the frame before and
// after. Counters count and connections move on: for a laboratory. docs/debug.md has examples.
//
// usage: node scripts/replay.js PROGRAM CAPTURE [--dev INTERFACE]
//   PROGRAM  a pin below /sys/fs/bpf/segue/<node>/programs
//   CAPTURE  classic pcap of Ethernet frames (`editcap -F pcap` makes one of pcapng)
//   --dev    the interface by which the frames come in: programs of ports look themselves up by it
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { BpfProgram } from 'libbpf-ts';

const ACTIONS = {
  sched_cls: { '-1': 'next', 0: 'pass', 2: 'drop', 7: 'redirect' },
  xdp: { 0: 'aborted', 1: 'drop', 2: 'pass', 3: 'tx', 4: 'redirect' },
};
/** Size in bytes of struct __sk_buff and struct xdp_md (linux/bpf.h), and the offset of the interface. */
const CONTEXTS = { sched_cls: { bytes: 192, ifindex: 40 }, xdp: { bytes: 24, ifindex: 12 } };
const ETHERNET_BYTES = 14;

function fail(message) {
  process.stderr.write(`replay: ${message}\n`);
  process.exit(1);
}

/** Frames of a classic capture file (pcap-savefile(5)) of either byte order. */
function* frames(file) {
  const little = [0xa1b2c3d4, 0xa1b23c4d].includes(file.readUInt32LE(0));
  const big = [0xa1b2c3d4, 0xa1b23c4d].includes(file.readUInt32BE(0));
  if (!little && !big) fail('the capture is no classic pcap file: editcap -F pcap makes one');
  const read = (offset) => (little ? file.readUInt32LE(offset) : file.readUInt32BE(offset));
  for (let offset = 24; offset + 16 <= file.length;) {
    const length = read(offset + 8);
    yield file.subarray(offset + 16, offset + 16 + length);
    offset += 16 + length;
  }
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { dev: { type: 'string' } } });
const [pin, capture] = positionals;
if (pin === undefined || capture === undefined) fail('usage: replay.js PROGRAM CAPTURE [--dev INTERFACE]');
const program = BpfProgram.openPinned(pin);
const { type } = program.info();
const layout = CONTEXTS[type] ?? fail(`${pin} is of type ${type}: expected sched_cls or xdp`);

let number = 0;
for (const data of frames(readFileSync(capture))) {
  number++;
  if (data.length < ETHERNET_BYTES) fail(`frame ${number} has ${data.length} bytes: expected an Ethernet header`);
  const context = Buffer.alloc(layout.bytes);
  if (type === 'xdp') context.writeUInt32LE(data.length, 4);
  if (values.dev !== undefined) {
    const [{ ifindex }] = JSON.parse(
      execFileSync('ip', ['-j', 'link', 'show', 'dev', values.dev], { encoding: 'utf8' }),
    );
    context.writeUInt32LE(ifindex, layout.ifindex);
  }
  const run = program.testRun({ data, context });
  process.stdout.write(
    `${number}: ${ACTIONS[type][run.verdict | 0] ?? run.verdict}, ${data.length} -> ${run.data.length} bytes\n`,
  );
}
