/** Runs a service for VMs until a signal ends it. */
import { EXIT } from './exit.js';

export async function runService(service: { start(): Promise<void>; close(): void }): Promise<void> {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      service.close();
      process.exit(EXIT.ok);
    });
  }
  await service.start();
}
