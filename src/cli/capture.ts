import { withIntentOptions } from './node-options.js';
import { withAddressOption } from './options.js';
import { requireRoot } from './privilege.js';
import type { Command } from 'commander';
import type { CaptureFlags } from './events/capture.js';

export function addCaptureCommand(program: Command): void {
  const command = withIntentOptions(program.command('capture'))
    .description('capture packets of the fast path, each as it arrived and as it left; pcapng for Wireshark and tshark')
    .option('-p, --port <port>', 'only packets of this port: its name in the intent, or its interface')
    .option('-t, --tenant <name>', 'only packets of this tenant')
    .option('-u, --uplink <device>', 'only packets that arrive or leave by this uplink');
  withAddressOption(command, 'only packets with this address or prefix in the inner or outer header')
    .option('-w, --write <file>', 'write pcapng to this file, -: standard output (default: print one line per packet)')
    .option('--count <n>', 'stop after this many packets')
    .option('-s, --snaplen <bytes>', 'bytes to capture of each packet, at most 9216', '9216')
    .action(async (options: CaptureFlags) => {
      requireRoot();
      const { capture } = await import('./events/capture.js');
      await capture(options);
    });
}
