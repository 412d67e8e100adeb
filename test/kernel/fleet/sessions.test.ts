/** A node that reconnects to a feed resumes its TLS session, and the feed checks it as before. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterAll, afterEach, expect, it } from 'vitest';
import { EnrollmentRecords } from '../../../src/fleet/enroll/records.js';
import { RealmKeys } from '../../../src/fleet/keys.js';
import { FEED } from '../../../src/fleet/rpc.js';
import { openClient } from '../../../src/fleet/tls.js';
import { callUnary } from '../../../src/fleet/unary.js';
import { Authority, removeDirectory } from './etcd.js';
import { AUTHOR, authority, directory, Fleet, Node } from './fleet.js';
import { Proxy } from './proxy.js';
import { until } from './until.js';
import type { MethodDefinition, ServiceError } from '@grpc/grpc-js';

const opened: { end: () => unknown }[] = [];

/** A fleet with one node, whose connections can be cut. */
async function open(
  name = 'hv1',
): Promise<{ fleet: Fleet; proxy: Proxy; node: Node; feedTls: ReturnType<Authority['issue']> }> {
  const fleet = await new Fleet().start();
  const [address = ''] = fleet.addresses;
  const proxy = new Proxy({ host: address, port: 7179 });
  const endpoint = `${address}:${await proxy.listen(address)}`;
  const issued = authority.issue('feed', [`IP:${address}`]);
  const feedTls = { ...issued, ca: join(fleet.directory, 'feed-ca.pem') };
  copyFileSync(issued.ca, feedTls.ca);
  fleet.feed(0, undefined, feedTls);
  const node = new Node(fleet.directory, name, [address], authority.issue(name, [`DNS:${name}`]), {
    endpoint,
  });
  opened.push({
    end: () => {
      node.source.close();
      proxy.close();
      return fleet.end();
    },
  });
  await node.start();
  await until('the part', () => node.isAt(fleet));
  return { fleet, proxy, node, feedTls };
}

/** Whether the feed takes the node's certificate on a connection without a session. */
async function isLetIn(fleet: Fleet, node: Node): Promise<boolean> {
  const client = openClient(`${fleet.addresses[0] ?? ''}:7179`, node.config.feeds?.tls, {
    'grpc.use_local_subchannel_pool': 1,
  });
  try {
    // No status: whoever is let in is told so.
    await callUnary(client, FEED.Report as MethodDefinition<object, object>, { node: node.name }, 60_000);
    return true;
  } catch (error) {
    return (error as ServiceError).code !== status.UNAVAILABLE;
  } finally {
    client.close();
  }
}

afterEach(async () => {
  for (const one of opened.splice(0)) await one.end();
});
afterAll(() => {
  removeDirectory(directory);
});

it('a session is resumed after each cut, and the node gets only its part', async () => {
  const { fleet, proxy, node } = await open();
  // The first attempts may come before the feed has read the intent.
  const { resumed, full } = node.source.connections;
  expect(full).toBe(1);
  for (let n = 1; n <= 3; n++) {
    proxy.cutAll();
    await fleet.port(n, { node: 'hv1' });
    await until('the port', () => node.isAt(fleet));
  }
  expect(node.source.connections).toMatchObject({ resumed: resumed + 3, full: 1 });
  expect(node.errors).toEqual([]);
  // The feed knows the certificate of a resumed session: the node's status is taken by it.
  expect(fleet.logs.filter((line) => line.includes('certificate'))).toEqual([]);
});

it('a resumed session is refused once the certificate is revoked', async () => {
  const { fleet, proxy, node } = await open();
  const records = new EnrollmentRecords(fleet.client(), new RealmKeys('default'));
  await records.revoke('hv1', [node.certificate], AUTHOR);
  await until('the refusal', () => node.status()?.error?.includes('revoked') === true);
  proxy.cutAll();
  await until('a resumed connection', () => node.source.connections.resumed > 0);
  await fleet.port(1);
  await until(
    'another refusal',
    () => fleet.logs.filter((line) => line.includes('the certificate is revoked')).length > 2,
  );
  expect(node.ports).toEqual([]);
});

it('a resumed session is refused once the feed no longer trusts its CA', async () => {
  const { fleet, proxy, node, feedTls } = await open();
  const other = new Authority(fleet.directory, 'other');
  copyFileSync(other.ca, feedTls.ca);
  // The feed looks at its files every few seconds.
  await until('the feed has the other CA', async () => !(await isLetIn(fleet, node)));
  const { resumed } = node.source.connections;
  proxy.cutAll();
  await fleet.port(1);
  expect(node.ports).toEqual([]);
  await until('the loss', () => node.status()?.lostSinceMs !== undefined);
  expect(node.ports).toEqual([]);
  expect(node.source.connections.resumed).toBe(resumed);
  copyFileSync(authority.ca, feedTls.ca);
  await until('the port', () => node.isAt(fleet));
});
