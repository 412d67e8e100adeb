/** Checks network managers that remove unknown objects, and the programs that segue runs. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readRegularFile } from '../../intent/regular-file.js';
import { ProgramError, runProgram } from '../../kernel/program.js';
import { Findings } from './types.js';
import type { Check, CheckContext } from './types.js';
import type { Process } from './processes.js';

/** Directories of systemd-networkd's configuration; later ones override earlier ones (networkd.conf(5)). */
const NETWORKD_DIRECTORIES = ['/usr/lib/systemd', '/usr/local/lib/systemd', '/run/systemd', '/etc/systemd'];
const NETWORK_MANAGER_DIRECTORIES = [
  '/usr/lib/NetworkManager/conf.d',
  '/run/NetworkManager/conf.d',
  '/etc/NetworkManager/conf.d',
];
/** Settings that keep networkd from removing foreign objects; Routes and RoutingPolicyRules since 249, NextHops since 256. */
const NETWORKD_SETTINGS = ['ManageForeignRoutes', 'ManageForeignRoutingPolicyRules'];

/** Time-out for a program's version, in milliseconds. */
const VERSION_TIMEOUT_MS = 5_000;

/** Applies only to the host's own namespace: managers ignore named ones. */
export function checkManagers({ instance }: CheckContext, processes: readonly Process[]): Check[] {
  const findings = new Findings('manager');
  const running = new Set(processes.map(({ comm }) => comm));
  const { netns } = instance.config;
  if (netns !== undefined) {
    findings.ok('scope', `netns ${netns}: network managers of the machine do not act in it`);
    return findings.checks;
  }
  // comm is truncated to 15 characters: systemd-networkd.
  if (running.has('systemd-network')) {
    const missing = networkdLacks(networkdText());
    if (missing.length === 0) findings.ok('networkd', 'systemd-networkd leaves foreign routes and rules alone');
    else {
      findings.fail(
        'networkd',
        `systemd-networkd runs without ${missing.map((setting) => `${setting}=no`).join(' ')}`,
        'it removes the routes, rules and next hops of segue when it restarts: install packaging/systemd-networkd/50-segue.conf in /etc/systemd/networkd.conf.d',
      );
    }
  }
  if (running.has('NetworkManager')) {
    if (networkManagerKeepsOff(directoryText(NETWORK_MANAGER_DIRECTORIES))) {
      findings.ok('network-manager', 'NetworkManager leaves sg-* alone');
    } else {
      findings.warn(
        'network-manager',
        'NetworkManager runs and may take over VRFs and ports',
        "install packaging/NetworkManager/50-segue.conf in /etc/NetworkManager/conf.d, with the ports' names in it",
      );
    }
  }
  if (findings.checks.length === 0) findings.ok('none', 'neither systemd-networkd nor NetworkManager runs');
  return findings.checks;
}

/** nft loads the guard, which is required. ip is only for users. */
export async function checkTools(): Promise<{ checks: Check[]; hasNft: boolean }> {
  const findings = new Findings('node');
  const nft = await versionOf('nft', '--version');
  if (nft === undefined)
    findings.fail('nft', 'nft is not installed', 'neither the edge nor the port guard can be loaded: install nftables');
  else findings.ok('nft', nft);
  const ip = await versionOf('ip', '-V');
  if (ip === undefined)
    findings.warn('ip', 'ip is not installed', 'segue does not need it, but troubleshooting does: install iproute2');
  else findings.ok('ip', ip);
  return { checks: findings.checks, hasNft: nft !== undefined };
}

/** @throws ProgramError if no process can be started */
async function versionOf(program: string, option: string): Promise<string | undefined> {
  try {
    const { status, stdout } = await runProgram(undefined, [program, option], { timeoutMs: VERSION_TIMEOUT_MS });
    return status === 0 ? stdout.trim().split('\n')[0] : undefined;
  } catch (error) {
    if (error instanceof ProgramError && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function networkdText(): string {
  const main = NETWORKD_DIRECTORIES.map((directory) => fileText(join(directory, 'networkd.conf')));
  return [...main, directoryText(NETWORKD_DIRECTORIES.map((directory) => join(directory, 'networkd.conf.d')))].join(
    '\n',
  );
}

/** The settings that networkd's configuration lacks. */
export function networkdLacks(text: string): string[] {
  return NETWORKD_SETTINGS.filter((setting) => !isOff(text, setting));
}

/** Whether NetworkManager's configuration excludes segue's VRFs. */
export function networkManagerKeepsOff(text: string): boolean {
  return /^\s*unmanaged-devices\+?\s*=.*interface-name:sg-/m.test(text);
}

/** The last assignment wins. */
function isOff(text: string, setting: string): boolean {
  const values = [...text.matchAll(new RegExp(`^\\s*${setting}\\s*=\\s*(\\S+)`, 'gm'))];
  return /^(no|false|0|off)$/i.test(values.at(-1)?.[1] ?? '');
}

function directoryText(directories: readonly string[]): string {
  return directories
    .flatMap((directory) => {
      try {
        return readdirSync(directory)
          .filter((name) => name.endsWith('.conf'))
          .sort()
          .map((name) => fileText(join(directory, name)));
      } catch {
        return [];
      }
    })
    .join('\n');
}

function fileText(path: string): string {
  try {
    return readRegularFile(path).toString();
  } catch {
    return '';
  }
}
