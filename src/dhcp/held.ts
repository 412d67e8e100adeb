/** Decodes the templates in the kernel, from which programs reply to VMs. */
import { formatAddress, formatPrefix } from 'netlink-ts/inet';
import {
  BootClient,
  BootFile,
  BootFiles,
  Dhcp4Lease,
  Dhcp4Layout,
  Dhcp6Lease,
  RaFrame,
} from '../ebpf/generated/layouts.js';
import type { BpfMap } from 'libbpf-ts';
import type { Kernel } from '../kernel/kernel.js';

/** A DHCPv4 lease. */
interface HeldLease4 {
  address: string;
  /** Prefix length of the mask. */
  prefixLength: number;
  server: string;
  /** In seconds. */
  lease: number;
  /** In bytes. */
  mtu: number;
  hostname: string | null;
  domain: string | null;
  dns: string[];
  /** Boot files by client: `bios`, `uefi`, `ipxe`, `http`. */
  boot: Record<string, string>;
}

/** A DHCPv6 lease. */
interface HeldLease6 {
  addresses: string[];
  /** Delegated prefixes. */
  prefixes: string[];
  dns: string[];
}

/** A router advertisement. */
interface HeldAdvertisement {
  managed: boolean;
  other: boolean;
  /** In bytes. */
  mtu: number;
  /** Prefixes from which the VM derives addresses. */
  autonomous: string[];
}

/** Replies to a port's VM; null: none. */
export interface HeldLease {
  ipv4: HeldLease4 | null;
  ipv6: HeldLease6 | null;
  ra: HeldAdvertisement | null;
}

type TemplateMap = 'sg_dhcp4' | 'sg_boot' | 'sg_dhcp6' | 'sg_ra';

function template({ fastpath, links }: Kernel, map: TemplateMap, device: string): Buffer | undefined {
  const index = links.get(device)?.index;
  const held: BpfMap | undefined = fastpath.maps?.[map];
  if (index === undefined) return undefined;
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  return held?.lookup(key);
}

interface Option {
  code: number;
  value: Buffer;
}

/** Parses DHCPv4 options. */
function options4(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at + 1 < bytes.length; at += 2 + bytes.readUInt8(at + 1)) {
    found.set(bytes.readUInt8(at), bytes.subarray(at + 2, at + 2 + bytes.readUInt8(at + 1)));
  }
  return found;
}

/** Parses DHCPv6 options. */
function options6(bytes: Buffer): Option[] {
  const found: Option[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readUInt16BE(at + 2)) {
    found.push({ code: bytes.readUInt16BE(at), value: bytes.subarray(at + 4, at + 4 + bytes.readUInt16BE(at + 2)) });
  }
  return found;
}

function addressesOf(value: Buffer | undefined, bytes: 4 | 16): string[] {
  if (value === undefined) return [];
  return Array.from({ length: Math.floor(value.length / bytes) }, (_, index) =>
    formatAddress(value.subarray(index * bytes, (index + 1) * bytes)),
  );
}

/** Prefix length of a mask. */
function bitsOf(mask: number): number {
  return Math.clz32(~mask);
}

/** Option codes of DHCPv4, as in dhcpv4.ts. */
const CODE4 = { mask: 1, dns: 6, hostname: 12, domain: 15, mtu: 26, lease: 51, file: 67 } as const;

function bootOf(value: Buffer | undefined): Record<string, string> {
  if (value === undefined) return {};
  const clients = {
    bios: BootClient.BOOT_BIOS,
    uefi: BootClient.BOOT_UEFI,
    ipxe: BootClient.BOOT_IPXE,
    http: BootClient.BOOT_HTTP,
  };
  const files = Object.entries(clients).flatMap(([client, index]) => {
    const at = BootFiles.OFFSETS.files + index * BootFile.SIZE;
    const bytes = value.readUInt16LE(at + BootFile.OFFSETS.optionBytes);
    const file = options4(value.subarray(at + BootFile.OFFSETS.options).subarray(0, bytes)).get(CODE4.file);
    return file === undefined ? [] : [[client, file.toString('latin1')] as const];
  });
  return Object.fromEntries(files);
}

function lease4(value: Buffer, boot: Buffer | undefined): HeldLease4 {
  const { OFFSETS } = Dhcp4Lease;
  const message = value.subarray(OFFSETS.message, OFFSETS.message + value.readUInt16LE(OFFSETS.messageBytes));
  const options = options4(message.subarray(Dhcp4Layout.DHCP4_FIXED_BYTES));
  const text = (code: number): string | null => options.get(code)?.toString('latin1') ?? null;
  return {
    address: formatAddress(value.subarray(OFFSETS.address, OFFSETS.address + 4)),
    prefixLength: bitsOf(options.get(CODE4.mask)?.readInt32BE(0) ?? 0),
    server: formatAddress(value.subarray(OFFSETS.server, OFFSETS.server + 4)),
    lease: options.get(CODE4.lease)?.readUInt32BE(0) ?? 0,
    mtu: options.get(CODE4.mtu)?.readUInt16BE(0) ?? 0,
    hostname: text(CODE4.hostname),
    domain: text(CODE4.domain),
    dns: addressesOf(options.get(CODE4.dns), 4),
    boot: bootOf(boot),
  };
}

/** Length of IAID and times, which precede an IA's options. */
const IA_FIXED = 12;
const CODE6 = { address: 5, dns: 23, delegated: 26 } as const;

function lease6(value: Buffer): HeldLease6 {
  const { OFFSETS } = Dhcp6Lease;
  const part = (at: number, bytesAt: number): Option[] =>
    options6(value.subarray(at, at + value.readUInt16LE(bytesAt)));
  const inner = (options: Option[], code: number): Buffer[] =>
    options
      .flatMap((ia) => options6(ia.value.subarray(IA_FIXED)).filter((one) => one.code === code))
      .map((one) => one.value);
  return {
    addresses: inner(part(OFFSETS.na, OFFSETS.naBytes), CODE6.address).map((one) => formatAddress(one.subarray(0, 16))),
    prefixes: inner(part(OFFSETS.pd, OFFSETS.pdBytes), CODE6.delegated).map((one) =>
      formatPrefix({ family: 6, length: one.readUInt8(8), bytes: one.subarray(9, 25) }),
    ),
    dns: addressesOf(part(OFFSETS.options, OFFSETS.optionsBytes).find(({ code }) => code === CODE6.dns)?.value, 16),
  };
}

/** Offset of the flags in an advertisement's frame; the options follow. */
const FLAGS_AT = 14 + 40 + 5;
const ND_OPTIONS_AT = 14 + 40 + 16;
const ND = { prefix: 3, mtu: 5, unit: 8, autonomous: 0x40, managed: 0x80, other: 0x40 } as const;

function advertisement(value: Buffer): HeldAdvertisement {
  const frame = value.subarray(
    RaFrame.OFFSETS.frame,
    RaFrame.OFFSETS.frame + value.readUInt32LE(RaFrame.OFFSETS.bytes),
  );
  const flags = frame.readUInt8(FLAGS_AT);
  const held: HeldAdvertisement = {
    ...{ managed: (flags & ND.managed) !== 0, other: (flags & ND.other) !== 0, mtu: 0, autonomous: [] },
  };
  for (let at = ND_OPTIONS_AT; at + ND.unit <= frame.length; at += Math.max(1, frame.readUInt8(at + 1)) * ND.unit) {
    const code = frame.readUInt8(at);
    if (code === ND.mtu) held.mtu = frame.readUInt32BE(at + 4);
    if (code !== ND.prefix || (frame.readUInt8(at + 3) & ND.autonomous) === 0) continue;
    const bytes = frame.subarray(at + 16, at + 32);
    held.autonomous.push(formatPrefix({ family: 6, length: frame.readUInt8(at + 2), bytes }));
  }
  return held;
}

/** The templates of the port at an interface. */
export function heldLease(kernel: Kernel, device: string): HeldLease {
  const [four, six, ra] = (['sg_dhcp4', 'sg_dhcp6', 'sg_ra'] as const).map((map) => template(kernel, map, device));
  return {
    ipv4: four === undefined ? null : lease4(four, template(kernel, 'sg_boot', device)),
    ipv6: six === undefined ? null : lease6(six),
    ra: ra === undefined ? null : advertisement(ra),
  };
}
