/**
 * Frames, most of them malformed, into each program of a network node: no frame passes against the rules below, and
 * each is counted once. SEGUE_SEED=n uses another seed.
 */
import { expect, it } from 'vitest';
import { reasonCounts } from '../../../src/ebpf/counters.js';
import { isLibbpfError } from 'libbpf-ts';
import { bytesOf, IP } from '../fastpath/packets.js';
import { corpusOf, nodeOf } from './cloud.js';
import { mutate } from '../fastpath/broken.js';
import { GATEWAY_SIDS, PATHS, SOURCE } from './node.js';
import { randomOf, SEED } from './random.js';
import type { Hook } from './node.js';

const RUNS = 60_000;
const ETH = 14;

const SIDS = new Set(Object.values(GATEWAY_SIDS).map((sid) => bytesOf(sid).toString('hex')));
const FIRSTS = new Set(Object.values(PATHS).map(([first = '']) => bytesOf(first).toString('hex')));
const SOURCE_HEX = bytesOf(SOURCE).toString('hex');

/** What is wrong with a frame that left; undefined: nothing. */
function wrongOf(hook: Hook, before: Buffer, after: Buffer): string | undefined {
  if (hook !== 'external' && !SIDS.has(before.toString('hex', 38, 54))) return 'not for a SID of a gateway';
  // To the external network an error goes as it is.
  if (hook === 'external' && after.readUInt16BE(12) === 0x0800)
    return after.readUInt8(23) === 1 ? undefined : 'not wrapped';
  if (hook === 'external' && after.readUInt8(20) === IP.icmp6) return undefined;
  if (after.toString('hex', 22, 38) !== SOURCE_HEX) return 'another outer source';
  if (!FIRSTS.has(after.toString('hex', 38, 54))) return 'to nowhere known';
  if (40 + after.readUInt16BE(18) > after.length - ETH) return 'shorter than it says';
  if (after.length > 1564 + ETH) return 'larger than the link takes';
  return undefined;
}

it.each(['xdp', 'tc', 'external'] as const)(`%s follows the rules with ${RUNS} frames, seed ${SEED}`, (hook) => {
  const node = nodeOf(hook);
  const random = randomOf(SEED);
  const frames = corpusOf(hook);
  const { program } = node;
  const ends = { next: 0, drop: 0, redirect: 0, refused: 0 };
  const sum = (): number =>
    reasonCounts({ sg_verdicts: node.map('sg_verdicts') }).reduce((all, { packets }) => all + packets, 0);
  const before = sum();
  for (let run = 0; run < RUNS; run++) {
    const frame = mutate(frames[random(frames.length)] ?? Buffer.alloc(ETH), random);
    let result;
    try {
      result = program.testRun({ data: frame });
    } catch (error) {
      // A test run takes no frame without its first header.
      if (!isLibbpfError(error, 'EINVAL')) throw error;
      ends.refused++;
      continue;
    }
    const verdict = node.verdictOf(result.verdict);
    ends[verdict]++;
    // Of a VLAN: XDP leaves it to tcx, which counts it.
    if ([0x8100, 0x88a8].includes(frame.readUInt16BE(12))) {
      if (verdict !== 'next') throw new Error(`run ${run}: of a VLAN, ${verdict}: ${frame.toString('hex')}`);
    }
    const after = Buffer.from(result.data);
    if (verdict === 'next' && !after.equals(frame))
      throw new Error(`run ${run}: handed on altered: ${frame.toString('hex')}`);
    const wrong = verdict === 'redirect' ? wrongOf(hook, frame, after) : undefined;
    if (wrong !== undefined)
      throw new Error(`run ${run}: ${wrong}: ${frame.toString('hex')} became ${after.toString('hex')}`);
  }
  // What XDP leaves is tcx's to count.
  expect(sum() - before).toBe(ends.drop + ends.redirect + (hook === 'xdp' ? 0 : ends.next));
  expect(ends.next).toBeGreaterThan(RUNS / 100);
  expect(ends.redirect).toBeGreaterThan(RUNS / 20);
  expect(ends.drop).toBeGreaterThan(RUNS / 20);
  expect(ends.refused).toBeLessThan(RUNS / 4);
});
