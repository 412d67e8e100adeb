/** The API as OpenAPI 3.1.1, generated from the schemas. */
import { z } from 'zod';
import { readVersion } from '../agent/version.js';
import { SHOWN } from '../cli/show/shown.js';
import { JSON_TYPE, PROBLEM, RELEASE_PATH, SHOWN_PATHS, TEXT, TRACE_PATH } from './protocol.js';
import * as agent from './schema-agent.js';
import * as posted from './schema-posted.js';
import * as report from './schema-report.js';
import * as shown from './schema-shown.js';
import type { ShownName } from '../cli/show/shown.js';

type Json = Record<string, unknown>;

/** By their names in the document. */
const SCHEMAS = {
  ...{ Vrfs: shown.vrfs, Sids: shown.sids, Routes: shown.routes, Nexthops: shown.nexthops, Ports: shown.ports },
  Leases: shown.leases,
  ...{ Fastpath: shown.fastpath, Counters: shown.counters, Gateways: shown.gateways, Policies: shown.policies },
  ...{ Flows: shown.flows, Problem: agent.problem, Health: agent.health, Status: agent.status },
  ...{ Intent: agent.intent, Diff: agent.diff, Doctor: agent.doctor, Report: report.nodeReport },
  ...{ TraceQuestion: posted.traceQuestion, Trace: posted.trace },
  ...{ ReleaseQuestion: posted.releaseBody, Released: posted.released },
} as const;
type SchemaName = keyof typeof SCHEMAS;

const SHOWN_SCHEMAS: Readonly<Record<ShownName, SchemaName>> = {
  ...{ vrf: 'Vrfs', sid: 'Sids', route: 'Routes', nexthop: 'Nexthops', port: 'Ports', fastpath: 'Fastpath' },
  ...{ lease: 'Leases', counters: 'Counters', gateway: 'Gateways', policy: 'Policies', flow: 'Flows' },
};

const parameter = (name: string, description: string, schema: Json = { type: 'string' }): Json => ({
  ...{ name, in: 'query', description, schema },
});
const TENANT = parameter('tenant', 'Only this tenant.');
const PORT = parameter('port', 'Only this port: its name in the intent, or its interface.');
const ADDRESS = parameter('address', 'Only this address, or addresses of this prefix.');
const ALL = parameter('all', 'Include what is left out by default.', { type: 'boolean' });

const PARAMETERS: Readonly<Record<ShownName, Json[]>> = {
  vrf: [TENANT],
  sid: [TENANT],
  route: [TENANT, PORT, ADDRESS, ALL],
  nexthop: [TENANT],
  port: [TENANT, PORT, ADDRESS],
  lease: [TENANT, PORT],
  fastpath: [TENANT],
  counters: [TENANT, PORT, ADDRESS],
  gateway: [TENANT],
  policy: [TENANT],
  flow: [
    ...[TENANT, ADDRESS, ALL],
    parameter('l4Port', 'Only flows with this TCP or UDP port at either end.'),
    parameter('proto', 'Only flows of this protocol: tcp, udp, icmp or a number.'),
    parameter('limit', 'Most entries of each table, 0: all; default 1000.'),
  ],
};

const problemAnswer = {
  description: 'A problem (RFC 9457).',
  content: { [PROBLEM]: { schema: reference('Problem') } },
};

function reference(name: SchemaName): Json {
  return { $ref: `#/components/schemas/${name}` };
}

function get(summary: string, content: Json, parameters: Json[] = []): Json {
  return {
    get: {
      summary,
      ...(parameters.length > 0 && { parameters }),
      responses: { 200: { description: 'The answer.', content }, default: problemAnswer },
    },
  };
}

function post(summary: string, body: SchemaName, answer: { status: number; schema: SchemaName }): Json {
  return {
    post: {
      summary,
      requestBody: { required: true, content: json(body) },
      responses: {
        [answer.status]: { description: 'The answer.', content: json(answer.schema) },
        default: problemAnswer,
      },
    },
  };
}

const json = (name: SchemaName): Json => ({ [JSON_TYPE]: { schema: reference(name) } });
const text = (type: string): Json => ({ [type]: { schema: { type: 'string' } } });

export function openApi(): Json {
  const shownPaths = SHOWN.map((what): [string, Json] => [
    SHOWN_PATHS[what],
    get(`As segue show ${what} -j, or without -j.`, { ...json(SHOWN_SCHEMAS[what]), ...text(TEXT) }, PARAMETERS[what]),
  ]);
  return {
    openapi: '3.1.1',
    info: {
      title: 'segue agent',
      version: readVersion(),
      description: 'What the agent of segue knows about its node. Only a POST to release changes anything.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: {
      '/healthz': get("Whether the agent's event loop runs.", json('Health')),
      '/readyz': get('Whether the first intent has been applied, and tasks end.', json('Health')),
      '/metrics': get('Metrics of the node, for Prometheus.', text(TEXT)),
      '/metrics/ports': get('Metrics of each port.', text(TEXT)),
      '/metrics/tenants': get('Metrics of each tenant with ports here.', text(TEXT)),
      '/openapi.json': get('This document.', { [JSON_TYPE]: { schema: { type: 'object' } } }),
      '/v1/status': get('The state of the agent.', json('Status')),
      '/v1/intent': get('The applied intent.', json('Intent')),
      '/v1/diff': get('As segue diff -j.', json('Diff')),
      '/v1/doctor': get('As segue doctor -j.', json('Doctor')),
      '/v1/report': get('As segue report -j.', json('Report')),
      '/v1/events': get("The lines of the agent's log as they are written.", text('text/event-stream')),
      ...Object.fromEntries(shownPaths),
      [TRACE_PATH]: post('As segue trace -j: what would happen to a packet, and why.', 'TraceQuestion', {
        status: 200,
        schema: 'Trace',
      }),
      [RELEASE_PATH]: post(
        'Applies the intent that the guard against mass removal holds; for root and operators.',
        'ReleaseQuestion',
        {
          status: 202,
          schema: 'Released',
        },
      ),
    },
    components: { schemas: Object.fromEntries(Object.entries(SCHEMAS).map(([name, one]) => [name, schemaOf(one)])) },
  };
}

/** A schema as JSON Schema. */
function schemaOf(schema: z.ZodType): Json {
  const made = z.toJSONSchema(schema, { target: 'draft-2020-12' }) as Json;
  // 2020-12 is the default dialect of OpenAPI 3.1.
  delete made.$schema;
  return made;
}
