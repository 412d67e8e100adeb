/**
 * The choice of an etcd member: one that hangs accepts connections without answering, so a retry must not return to it.
 */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { EtcdClient } from '../../../src/fleet/store/etcd-client.js';

const ENDPOINTS = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:3'];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Where watches are opened, one after the other. */
function opened(client: EtcdClient, count: number): string[] {
  return Array.from({ length: count }, () => {
    const { endpoint, stream, close } = client.openWatch();
    stream.on('error', () => undefined);
    close();
    return endpoint;
  });
}

it('watches rotate through the members', () => {
  const client = new EtcdClient({ endpoints: ENDPOINTS });
  const places = opened(client, 6);
  expect(new Set(places.slice(0, 3))).toEqual(new Set(ENDPOINTS));
  expect(places.slice(3)).toEqual(places.slice(0, 3));
  client.close();
});

it('a failed member is skipped for a while, by all watches', () => {
  const client = new EtcdClient({ endpoints: ENDPOINTS });
  const { endpoint, stream, failed, close } = client.openWatch();
  stream.on('error', () => undefined);
  failed();
  close();
  expect(opened(client, 12)).not.toContain(endpoint);
  vi.advanceTimersByTime(31_000);
  expect(opened(client, 3)).toContain(endpoint);
  client.close();
});

it('all members are tried when all have failed', () => {
  const client = new EtcdClient({ endpoints: ENDPOINTS });
  for (let count = 0; count < 3; count++) {
    const { stream, failed, close } = client.openWatch();
    stream.on('error', () => undefined);
    failed();
    close();
  }
  expect(new Set(opened(client, 3))).toEqual(new Set(ENDPOINTS));
  client.close();
});
