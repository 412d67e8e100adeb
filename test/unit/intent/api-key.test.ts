/** The key `api` of a node file. */
import { describe, expect, it } from 'vitest';
import { parseNodeConfig } from '../../../src/intent/load.js';

const TLS = '{ cert: a.pem, key: /k/a.key, clientCa: ca.pem }';
const read = (api: string): unknown =>
  parseNodeConfig(`{ node: a, uplinks: [eth0], intent: i.yaml, api: ${api} }`, { file: '/etc/segue/node.yaml' }).api;

describe('api', () => {
  it.each([
    ['192.0.2.1:9443', { address: '192.0.2.1', port: 9443 }],
    ['[2001:DB8::1]:1', { address: '2001:db8::1', port: 1 }],
  ])('listens on %s', (listen, expected) => {
    expect(read(`{ listen: "${listen}", tls: ${TLS} }`)).toEqual({
      listen: expected,
      tls: { cert: '/etc/segue/a.pem', key: '/k/a.key', clientCa: '/etc/segue/ca.pem' },
    });
  });

  it('reads the names of operators', () => {
    const operators = ['ops.example', 'deploy'];
    expect(read(`{ listen: "192.0.2.1:1", tls: ${TLS}, operators: [ops.example, deploy] }`)).toMatchObject({
      operators,
    });
    expect(read(`{ listen: "192.0.2.1:1", tls: ${TLS} }`)).not.toHaveProperty('operators');
  });

  it.each([
    ...['0.0.0.0:9443', '[::]:9443', '2001:db8::1:9443', '[192.0.2.1]:9443', 'localhost:9443', ':9443'],
    ...['192.0.2.1', '192.0.2.1:0', '192.0.2.1:65536', '[fe80::1%eth0]:9443'],
  ])('refuses to listen on %s', (listen) => {
    expect(() => read(`{ listen: "${listen}", tls: ${TLS} }`)).toThrow(
      /api\.listen.*expected an IP address with a port/,
    );
  });

  it.each([
    ['{ listen: "192.0.2.1:1" }', /api\.tls.*expected a map with cert, key and clientCa/],
    ['{ listen: "192.0.2.1:1", tls: { cert: a, key: b } }', /clientCa.*expected the path of a PEM file/],
    ['{ listen: "192.0.2.1:1", tls: { cert: "", key: b, clientCa: c } }', /cert.*expected the path of a PEM file/],
    [`{ listen: "192.0.2.1:1", tls: ${TLS}, operators: ops }`, /operators.*expected a list of DNS names/],
    [`{ listen: "192.0.2.1:1", tls: ${TLS}, operators: ["*.x"] }`, /operators.*expected a DNS name of a certificate/],
    ['true', /api.*expected a map with listen, tls and perhaps operators/],
  ])('refuses %s', (api, message) => {
    expect(() => read(api)).toThrow(message);
  });
});
