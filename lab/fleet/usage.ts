/** Resource usage of processes, from /proc. */
import { readFileSync, statSync } from 'node:fs';

/** Constant on all of segue's architectures (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = 100;

export interface Usage {
  cpuSeconds: number;
  residentMiB: number;
  peakMiB: number;
  /** Bytes read and written, including sockets. */
  readMiB: number;
  writtenMiB: number;
}

/** Adds up usage over processes; ended ones count as zero. */
export function usageOf(pids: readonly number[]): Usage {
  const sum: Usage = { cpuSeconds: 0, residentMiB: 0, peakMiB: 0, readMiB: 0, writtenMiB: 0 };
  for (const pid of pids) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      sum.cpuSeconds += (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      sum.residentMiB += kibOf(status, 'VmRSS') / 1024;
      sum.peakMiB += kibOf(status, 'VmHWM') / 1024;
      const io = readFileSync(`/proc/${pid}/io`, 'utf8');
      sum.readMiB += Number(/^rchar: (\d+)/m.exec(io)?.[1] ?? 0) / 2 ** 20;
      sum.writtenMiB += Number(/^wchar: (\d+)/m.exec(io)?.[1] ?? 0) / 2 ** 20;
    } catch {
      // It has ended.
    }
  }
  return sum;
}

function kibOf(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
}

export function fileMiB(path: string): number {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) / 2 ** 20;
}
