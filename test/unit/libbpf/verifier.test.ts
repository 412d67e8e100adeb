/** One line from the verifier's output: logs of several kernels. */
import { describe, expect, it } from 'vitest';
import { firstWarning, verifierFailure } from '../../../src/libbpf/verifier.js';

function log(program: string, ...lines: string[]): string {
  return [
    `libbpf: prog '${program}': BPF program load failed: Invalid argument`,
    `libbpf: prog '${program}': -- BEGIN PROG LOAD LOG --`,
    ...lines,
    'processed 12 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 1',
    '-- END PROG LOAD LOG --',
    `libbpf: prog '${program}': failed to load: -22`,
    "libbpf: failed to load object 'x.o'",
  ].join('\n');
}

describe('verifierFailure', () => {
  it('returns the last message and the source line before it', () => {
    const text = log(
      'xdp_x',
      'reg type unsupported for arg#0 function xdp_x#12',
      '0: R1=ctx() R10=fp0',
      '; void *data = (void *)(long)ctx->data; @ x.bpf.c:7',
      '0: (61) r1 = *(u32 *)(r1 +0)          ; R1_w=pkt(r=0)',
      '; return *(u16 *)(data + 12); @ x.bpf.c:9',
      '1: (69) r1 = *(u16 *)(r1 +12)',
      'invalid access to packet, off=12 size=2, R1(id=0,off=12,r=0)',
      'R1 offset is outside of the packet',
    );
    expect(verifierFailure(text)).toEqual({
      program: 'xdp_x',
      reason: 'invalid access to packet, off=12 size=2, R1(id=0,off=12,r=0); R1 offset is outside of the packet',
      source: 'return *(u16 *)(data + 12); @ x.bpf.c:9',
    });
  });

  it('recognises an infinite loop', () => {
    const text = log(
      'tc_y',
      '; for (;;)',
      'from 5 to 3: R0_w=scalar() R10=fp0',
      '3: (05) goto pc-1',
      'infinite loop detected at insn 3',
      'cur state: R0_w=scalar() R10=fp0',
      'old state: R0_w=scalar() R10=fp0',
    );
    const { reason } = verifierFailure(text);
    expect(reason).toContain('infinite loop detected at insn 3');
  });

  it('reports the last program that failed', () => {
    const text = `${log('first', 'R0 !read_ok')}\n${log('second', '1: (95) exit', 'R1 !read_ok')}`;
    expect(verifierFailure(text)).toMatchObject({ program: 'second', reason: 'R1 !read_ok' });
  });

  it("reports libbpf's first error when there is no log", () => {
    const text = "libbpf: map 'm': failed to create: Invalid argument(-22)\nlibbpf: failed to load object 'x'\n";
    expect(verifierFailure(text)).toEqual({
      program: undefined,
      reason: "map 'm': failed to create: Invalid argument(-22)",
      source: undefined,
    });
    expect(verifierFailure('')).toEqual({ program: undefined, reason: undefined, source: undefined });
    expect(firstWarning('')).toBeUndefined();
  });

  it('has no reason for a log of instructions only', () => {
    expect(verifierFailure(log('p', '0: (95) exit')).reason).toBeUndefined();
  });
});
