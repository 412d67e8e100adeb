/**
 * Firmware boots over TAPs: SeaBIOS with QEMU's own iPXE at red; UEFI (OVMF) at blue, which loads iPXE by TFTP by its
 * architecture and then boots by HTTP by the user class iPXE. The servers are VMs of each tenant on another node, with
 * the same address.
 */
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Background } from '../../../lab/process.js';
import { useNetwork } from '../../netns/lib/network.js';
import * as cloud from './cloud.js';

const { ADDRESS4, GATEWAY4, SUBNET4, SUBNET6 } = cloud;
const HANG_MS = 540_000;
const SERVER = '10.0.0.11';
const MAC = '02:00:00:00:00:0a';
const IPXE_EFI = '/usr/lib/ipxe/ipxe.efi';
const UEFI = '/usr/share/OVMF/OVMF_CODE.fd';
/** A /32: older iPXE and EDK II can do nothing with one, so firmware is told the subnet's mask. */
const HOST_ROUTES = { ...SUBNET4, dhcp: { ...SUBNET4.dhcp, lease: 600, netmask: 'host' as const } };

/** What iPXE prints of its lease once it has the script by HTTP. */
const booted = (vm: string): string =>
  `#!ipxe\necho booted ${vm} \${ip} \${netmask} \${gateway} \${hostname} \${platform}.\n`;

describe('firmware', { timeout: HANG_MS }, () => {
  const boot = { server: SERVER, bios: 'never.kpxe', uefi: 'ipxe.efi', ipxe: `http://${SERVER}/boot.ipxe` };
  const subnets = { red: [SUBNET4, SUBNET6], blue: [HOST_ROUTES, SUBNET6] };
  const network = useNetwork(cloud.twins('ebpf', subnets), async (made) => {
    for (const vm of ['red', 'blue']) {
      await made.ip('hv1', `link del ${vm}`);
      await made.ip('hv1', `tuntap add ${vm} mode tap`);
      await made.ip('hv1', `link set ${vm} up`);
    }
    const intent = cloud.withPorts(made.intent(), {
      red: { hostname: 'red-a', boot },
      blue: { hostname: 'blue-a', boot },
    });
    for (const node of ['hv1', 'hv2']) await made.apply(node, intent);
  });

  /** A TFTP and HTTP server of a tenant. */
  const serve = (vm: string): Background[] => {
    const root = join(network.directory, vm);
    mkdirSync(root);
    copyFileSync(IPXE_EFI, join(root, 'ipxe.efi'));
    writeFileSync(join(root, 'boot.ipxe'), booted(vm));
    const tftp = ['dnsmasq', '--no-daemon', '--conf-file=/dev/null', '--port=0', '--user=root'];
    return [
      new Background(network.netns(`${vm}-peer`), [...tftp, '--enable-tftp', `--tftp-root=${root}`]),
      new Background(network.netns(`${vm}-peer`), ['python3', '-u', '-m', 'http.server', '-d', root, '80']),
    ];
  };
  const machine = (vm: string, ...more: string[]): Background => {
    const tap = `tap,id=port,ifname=${vm},script=no,downscript=no`;
    const argv = ['qemu-system-x86_64', '-nodefaults', '-machine', 'accel=tcg', '-display', 'none', '-serial', 'stdio'];
    argv.push('-boot', 'n', '-netdev', tap, ...more);
    return new Background(network.netns('hv1'), argv);
  };

  it('boots the tenant’s file, with BIOS and iPXE and with UEFI', async () => {
    const device = `virtio-net-pci,netdev=port,mac=${MAC}`;
    const started = ['red', 'blue'].flatMap(serve);
    try {
      const bios = machine('red', '-m', '64', '-device', device, '-device', 'sga');
      started.push(bios);
      const uefi = machine('blue', '-m', '256', '-device', `${device},romfile=`, '-bios', UEFI);
      started.push(uefi);
      await bios.waitFor(/booted red .* pcbios\./, HANG_MS);
      expect(bios.output).toContain(`booted red ${ADDRESS4} 255.255.255.0 ${GATEWAY4} red-a pcbios.`);
      await uefi.waitFor(/booted blue .* efi\./, HANG_MS);
      expect(uefi.output).toContain('NBP filename is ipxe.efi');
      expect(uefi.output).toContain(`booted blue ${ADDRESS4} 255.255.255.0 ${GATEWAY4} blue-a efi.`);
    } finally {
      for (const one of started) await one.stop();
    }
  });
});
