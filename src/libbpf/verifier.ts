/** The one line that says why the verifier refused a program, out of a log of thousands. */

export interface VerifierFailure {
  /** name of the program; undefined when the log does not say */
  program: string | undefined;
  /** the verifier's own reason, its last lines joined by "; " */
  reason: string | undefined;
  /** the line of C it was looking at, as "text @ file:line" (Linux >= 6.6) or "text" */
  source: string | undefined;
}

const BEGIN = /^libbpf: prog '([^']*)': -- BEGIN PROG LOAD LOG --$/;
const END = /^-- END PROG LOAD LOG --$/;
const FAILED = /^libbpf: prog '([^']*)': (?:failed to load|BPF program load failed)/;
/** Lines about the search and its states, none about the mistake (kernel/bpf/verifier.c, log.c). */
const NOISE = [
  /^\d+: (\(|R\d|frame\d|safe|\.\.\.)/,
  /^\s*(R\d+|frame\d+|fp-\d+)[=(_:]/,
  /^(from \d+|\d+): .*(R\d+|frame\d+)/,
  /^from \d+ to \d+:/,
  /^;/,
  /^processed \d+ insns/,
  /^verification time/,
  /^stack depth/,
  /^insns? processed/,
  /^(mark_precise|parent state|parent already|last_idx|regs=|peak_states)/,
  /^Func#\d+/,
  /^func#\d+ @/,
  /^reg type unsupported for arg/,
  /^(Validating|arg#\d+ reference type|0: R1=|caller:|callee:|returning from callee|to caller at)/,
  /^\s*$/,
];
const REASON_LINES_MAX = 3;

function isNoise(line: string): boolean {
  return NOISE.some((pattern) => pattern.test(line));
}

/** The program whose log is the last in libbpf's output, and that log's lines. */
function lastProgramLog(log: string): { program: string | undefined; lines: string[] | undefined } {
  let program: string | undefined;
  let failed: string | undefined;
  let lines: string[] | undefined;
  let inside = false;
  for (const line of log.split('\n')) {
    const begin = BEGIN.exec(line);
    if (begin) {
      program = begin[1];
      lines = [];
      inside = true;
    } else if (END.test(line)) inside = false;
    else if (inside) lines?.push(line);
    else failed = FAILED.exec(line)?.[1] ?? failed;
  }
  return { program: program ?? failed, lines };
}

/**
 * Why a load failed, from all that libbpf printed: the last lines of the verifier that are neither an instruction nor a
 * register state, and the last source line before them.
 */
export function verifierFailure(log: string): VerifierFailure {
  const { program, lines } = lastProgramLog(log);
  if (lines === undefined) return { program, reason: firstWarning(log), source: undefined };
  let end = lines.length;
  while (end > 0 && isNoise(lines[end - 1] ?? '')) end--;
  let start = end;
  while (start > 0 && end - start < REASON_LINES_MAX && !isNoise(lines[start - 1] ?? '')) start--;
  const reason = lines
    .slice(start, end)
    .map((line) => line.trim())
    .join('; ');
  let source: string | undefined;
  for (let index = start - 1; index >= 0 && source === undefined; index--) {
    const line = lines[index] ?? '';
    if (line.startsWith('; ')) source = line.slice(2).trim();
  }
  return { program, reason: reason === '' ? undefined : reason, source };
}

/** The first thing libbpf complained about: what follows is usually its consequence. */
export function firstWarning(log: string): string | undefined {
  const line = log.split('\n').find((text) => text.startsWith('libbpf: ') && !text.includes('PROG LOAD LOG'));
  return line?.slice('libbpf: '.length).trim();
}
