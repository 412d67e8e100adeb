/** Checks koffi's native part before it is loaded: loading a truncated file kills the process (SIGBUS). */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const EXPECTED = 'expected the koffi that segue was installed with (reinstall the package; in a checkout: npm ci)';

/** The ELF header of 64-bit little-endian machines (elf(5)). */
const ELF_HEADER_BYTES = 64;
const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
const SECTIONS_OFFSET = 0x28;
const SECTION_BYTES_OFFSET = 0x3a;
const SECTION_COUNT_OFFSET = 0x3c;

/** Why loading koffi's native part would kill the process; undefined if no fault is known. */
export function koffiFault(): string | undefined {
  const { arch } = process;
  for (const folder of createRequire(import.meta.url).resolve.paths('koffi') ?? []) {
    const file = join(folder, `@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`);
    const isWhole = isWholeElf(file);
    if (isWhole === undefined) continue;
    return isWhole ? undefined : `${file} is truncated: ${EXPECTED}`;
  }
  return undefined;
}

/** The reason of an error of koffi, in one line; undefined for other errors. */
export function koffiError(error: unknown): string | undefined {
  if (!(error instanceof Error) || !/\bkoffi\b/i.test(error.message)) return undefined;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const isLoading = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'].includes(code);
  if (!isLoading && !/native Koffi module/i.test(error.message)) return undefined;
  const [line = ''] = error.message.split('\n');
  return `koffi cannot be loaded: ${line}: ${EXPECTED}`;
}

/** @returns undefined if the file does not exist or is no ELF file: loading it gives a better error */
function isWholeElf(file: string): boolean | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const header = Buffer.alloc(ELF_HEADER_BYTES);
    const { size } = fstatSync(fd);
    if (readSync(fd, header, 0, ELF_HEADER_BYTES, 0) < ELF_HEADER_BYTES) return undefined;
    if (!header.subarray(0, ELF_MAGIC.length).equals(ELF_MAGIC)) return undefined;
    // Linkers put the section header table last.
    const sections = header.readUInt16LE(SECTION_COUNT_OFFSET) * header.readUInt16LE(SECTION_BYTES_OFFSET);
    return Number(header.readBigUInt64LE(SECTIONS_OFFSET)) + sections <= size;
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}
