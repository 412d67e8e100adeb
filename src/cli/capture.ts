import { withIntentOptions } from './node-options.js';
import { withAddressOption } from './options.js';
import { requireRoot } from './privilege.js';
import type { Command } from 'commander';
import type { CaptureFlags } from './events/capture.js';

export function addCaptureCommand(program: Command): void {
  const command = withIntentOptions(program.command('capture'))
    .description('capture packets of the fast path, each as it came and as it left; pcapng for Wireshark and tshark')
    .option('-p, --port <port>', "only a port's: a port of the intent, or its interface")
    .option('-t, --tenant <name>', "only a tenant's")
    .option('-u, --uplink <device>', 'only what came in by an uplink, or leaves by it');
  withAddressOption(command, 'only with this address, or one of this prefix, inside or outside')
    .option('-w, --write <file>', 'write pcapng, -: to standard output (default: print a line per packet)')
    .option('--count <n>', 'stop after so many packets')
    .option('-s, --snaplen <bytes>', 'bytes captured of each packet, at most 9216', '9216')
    .action(async (options: CaptureFlags) => {
      requireRoot();
      const { capture } = await import('./events/capture.js');
      await capture(options);
    });
}
