/** A flood of new connections of one tenant, beside one connection of another: what of the other's is lost. */
import { BpfObject, TestRun } from '../../src/libbpf/index.js';
import { fill, frame, policies, u32, writePolicies } from './steer.js';
import { row, times } from './rows.js';
import type { Effort, Row } from './rows.js';

const FLOWS = 10_000_000;
const CHUNK = 50_000;
const XDP_REDIRECT = 4;
/** The tenant that floods, and the other one, who opened a connection to a third before. */
const [FLOODER, TARGET, THIRD] = [1, 2, 3] as const;

/** @param objectPath of bench/steer_xdp */
export function measureFlood(objectPath: string, effort: Effort): Row[] {
  const object = BpfObject.load(objectPath, { rodata: { is_hypervisor: false } });
  const tables = fill(object);
  try {
    writePolicies(object, policies(10));
    const run = (program: string, packet: Buffer, repeat: number): number => {
      const value = Buffer.alloc(object.map('frames').valueSize);
      packet.copy(value);
      object.map('frames').update(u32(0), value);
      return new TestRun(object.program(program), { data: packet, repeat }).run().verdict;
    };
    const [ask, answer] = [frame(TARGET, THIRD, [7, 50_001]), frame(THIRD, TARGET, [50_001, 7])];
    if (run('one_flow', ask, 1) !== XDP_REDIRECT) throw new Error('the other connection does not open');
    const flooding = frame(FLOODER, TARGET, [0, 50_001]);
    const flows = times(FLOWS, effort);
    let [lost, sent] = [0, 0];
    for (let opened = 0; opened < flows; opened += CHUNK) {
      // A chunk's flows differ in their source, chunks in the destination's port.
      flooding.writeUInt16BE(1000 + opened / CHUNK, 76);
      if (run('new_flows', flooding, Math.min(CHUNK, flows - opened)) !== XDP_REDIRECT)
        throw new Error('the flood is refused');
      for (const packet of [answer, ask]) {
        sent += 1;
        if (run('one_flow', packet, 1) !== XDP_REDIRECT) lost += 1;
      }
    }
    return [row(`steering: of ${sent} packets beside a flood of ${flows} new connections, lost`, 'packets', [lost])];
  } finally {
    object.close();
    for (const table of tables) table.close();
  }
}
