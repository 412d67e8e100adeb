/** Boot files of a VM, by the class of the client (RFC 4578, RFC 3004). */
import { BootClient, BootFile, BootFiles } from '../ebpf/generated/layouts.js';
import { option4 } from './dhcpv4.js';
import { address, maskOf } from './bytes.js';
import type { BootTemplate } from './objects.js';

/** Codes of RFC 2132 and RFC 5859. */
const OPTION = { vendorClass: 60, server: 66, file: 67, serverAddress: 150 } as const;
const HTTP_CLIENT = Buffer.from('HTTPClient', 'latin1');

const CLIENTS = {
  bios: BootClient.BOOT_BIOS,
  uefi: BootClient.BOOT_UEFI,
  ipxe: BootClient.BOOT_IPXE,
  http: BootClient.BOOT_HTTP,
} as const;

function optionsFor(client: keyof typeof CLIENTS, file: string, server: string | undefined): Buffer {
  return Buffer.concat([
    option4(OPTION.file, Buffer.from(file, 'latin1')),
    // UEFI accepts an offer for HTTP boot only with this class (UEFI 2.10 section 24.7.3.1).
    ...(client === 'http' ? [option4(OPTION.vendorClass, HTTP_CLIENT)] : []),
    ...(server === undefined
      ? []
      : [option4(OPTION.server, Buffer.from(server, 'latin1')), option4(OPTION.serverAddress, address(server))]),
  ]);
}

/** Encodes the value of sg_boot. */
export function encodeBoot(boot: BootTemplate): Buffer {
  const into = Buffer.alloc(BootFiles.SIZE);
  const { OFFSETS } = BootFile;
  if (boot.server !== undefined) address(boot.server).copy(into, BootFiles.OFFSETS.server);
  maskOf(boot.prefixLength).copy(into, BootFiles.OFFSETS.mask);
  for (const [client, index] of Object.entries(CLIENTS) as [keyof typeof CLIENTS, number][]) {
    const file = boot[client];
    if (file === undefined) continue;
    const at = BootFiles.OFFSETS.files + index * BootFile.SIZE;
    const options = optionsFor(client, file, boot.server);
    into.writeUInt16LE(options.length, at + OFFSETS.optionBytes);
    // BOOTP's field is zero-terminated; longer names are only in the option.
    if (file.length < OFFSETS.options - OFFSETS.file) into.write(file, at + OFFSETS.file, 'latin1');
    options.copy(into, at + OFFSETS.options);
  }
  return into;
}
