import type { TestNetwork } from './network.js';

/** Packets that full queues dropped so far in namespaces: at interfaces, of either direction, and at UDP sockets. */
export async function droppedByQueues(network: TestNetwork, names: readonly string[]): Promise<number> {
  let dropped = 0;
  for (const name of names) {
    const links = JSON.parse(await network.ip(name, '-j -s link show')) as {
      stats64: Record<'rx' | 'tx', { dropped: number }>;
    }[];
    for (const { stats64 } of links) dropped += stats64.tx.dropped + stats64.rx.dropped;
    const text = await network.shell(name, 'cat /proc/net/snmp /proc/net/snmp6');
    const [fields = [], values = []] = text
      .split('\n')
      .filter((line) => line.startsWith('Udp:'))
      .map((line) => line.split(' '));
    dropped += Number(values[fields.indexOf('RcvbufErrors')]);
    dropped += Number(/^Udp6RcvbufErrors\s+(\d+)/m.exec(text)?.[1]);
  }
  return dropped;
}
