import { withIntentOptions } from './inputs.js';
import type { Command } from 'commander';
import type { CaptureFlags } from './watch/capture.js';

export function addCaptureCommand(program: Command): void {
  withIntentOptions(program.command('capture'))
    .description('packets of the fast path, each as it came and as it left; pcapng for Wireshark and tshark')
    .option('-p, --port <port>', "only a port's: a port of the intent, or its interface")
    .option('-t, --tenant <name>', "only a tenant's")
    .option('-u, --uplink <device>', 'only what came in by an uplink, or leaves by it')
    .option('--host <address>', 'only with this address, or one of this prefix, inside or outside')
    .option('-w, --write <file>', 'pcapng; -: standard output; default: a line a packet')
    .option('--count <n>', 'end after so many packets')
    .option('-s, --snaplen <bytes>', 'of a packet, at most 9216', '9216')
    .action(async (options: CaptureFlags) => {
      const { capture } = await import('./watch/capture.js');
      await capture(options);
    });
}
